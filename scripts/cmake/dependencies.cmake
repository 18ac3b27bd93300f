# SPDX-License-Identifier: Apache-2.0
#
# The libraries, as imported targets: static archives only. curl, libarchive, libmicrohttpd, ISA-L and fmt come from
# where scripts/deps built them, the others from the distribution's -dev packages.

set(PODPILOT_DEPS "" CACHE PATH "Where scripts/deps put the libraries; empty: ask it")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/scripts/deps ${PROJECT_SOURCE_DIR}/scripts/deps.lock)

set(deps "${PODPILOT_DEPS}")
if(NOT deps)
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/scripts/deps --prefix
    OUTPUT_VARIABLE deps OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()
if(NOT EXISTS "${deps}/versions")
  message(FATAL_ERROR "podpilot's libraries are not in ${deps}.\n"
    "Run scripts/deps first: it installs what is missing and builds them, in about a minute.")
endif()
message(STATUS "Libraries: ${deps}")

# podpilot_archive(NAME ARCHIVE [REQUIREMENT...]): the target podpilot::NAME, which is the file
# ARCHIVE and needs the other targets after it on the link line.
function(podpilot_archive name archive)
  # Ours first: the machine may have a libcurl.a or libarchive.a too.
  find_library(archive_file NAMES ${archive} PATHS ${deps}/lib NO_DEFAULT_PATH NO_CACHE)
  find_library(archive_file NAMES ${archive} NO_CACHE REQUIRED)
  add_library(podpilot::${name} STATIC IMPORTED GLOBAL)
  set_target_properties(podpilot::${name} PROPERTIES IMPORTED_LOCATION ${archive_file})
  target_link_libraries(podpilot::${name} INTERFACE ${ARGN})
endfunction()

podpilot_archive(zlib libz.a)
podpilot_archive(zstd libzstd.a)
podpilot_archive(crypto libcrypto.a podpilot::zlib podpilot::zstd)  # Debian 13's compresses
podpilot_archive(ssl libssl.a podpilot::crypto)
podpilot_archive(nghttp2 libnghttp2.a)
podpilot_archive(cares libcares.a)
podpilot_archive(curl libcurl.a podpilot::ssl podpilot::nghttp2 podpilot::cares)
podpilot_archive(archive libarchive.a)
podpilot_archive(isal libisal.a)
podpilot_archive(pcre2 libpcre2-8.a)
podpilot_archive(microhttpd libmicrohttpd.a)
target_compile_definitions(podpilot::curl INTERFACE CURL_STATICLIB)
target_include_directories(podpilot::curl INTERFACE ${deps}/include)
target_include_directories(podpilot::archive INTERFACE ${deps}/include)
target_include_directories(podpilot::isal INTERFACE ${deps}/include)
target_include_directories(podpilot::microhttpd INTERFACE ${deps}/include)

podpilot_archive(fmt libfmt.a)
target_include_directories(podpilot::fmt INTERFACE ${deps}/include)

# "name version" lines become {"name", "version"}, initialisers for agent/version.cc.
file(STRINGS ${deps}/versions versions)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${deps}/versions)
list(TRANSFORM versions REPLACE "^([^ ]+) (.+)$" "{\"\\1\", \"\\2\"}")
list(JOIN versions ", \\\n  " PODPILOT_LIBRARIES)

# The certificates to embed: Mozilla's as the distribution packages them, and not
# /etc/ssl/certs, which holds whatever this machine's administrator trusts besides.
set(PODPILOT_CA_CERTIFICATES /usr/share/ca-certificates/mozilla CACHE PATH
  "Folder of PEM files (*.crt) to embed")
set(PODPILOT_CA_BUNDLE ${PROJECT_BINARY_DIR}/generated/ca_bundle.pem)
file(GLOB certificates CONFIGURE_DEPENDS ${PODPILOT_CA_CERTIFICATES}/*.crt)
if(NOT certificates)
  message(FATAL_ERROR "no certificates in ${PODPILOT_CA_CERTIFICATES}: run scripts/deps")
endif()
set(bundle "")
foreach(certificate IN LISTS certificates)
  file(READ ${certificate} pem)
  string(APPEND bundle "${pem}")
endforeach()
file(CONFIGURE OUTPUT ${PODPILOT_CA_BUNDLE} CONTENT "${bundle}" @ONLY)
