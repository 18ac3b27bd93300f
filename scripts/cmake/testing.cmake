# SPDX-License-Identifier: Apache-2.0
#
# Tests by folder; adding a file is enough. Labels: unit, component, integration, fuzz, long.
#   test/unit/X/*_test.cc       one Catch2 program test_X
#   test/component/*_test.cc    one Catch2 program test_component
#   test/victims/*.{c,cc}       one static program each, in <build>/test/victims
#   test/bench/X_bench.cc       what things cost; built with the tests, run by hand
#   test/tools/X.cc             a program for integration tests, <build>/test/X
#   test/fuzz/X_fuzz.cc         fuzz_X: a libFuzzer in preset fuzz, elsewhere a replay of the corpus and mutants
#   test/integration/*.sh       one test each, on the podpilot binary; lib*.sh are for sourcing
set(test_dir ${PROJECT_SOURCE_DIR}/test)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test)

# What a test may want to know of its surroundings. Not compiled in: compiler caches are shared by
# checkouts in different places.
set(test_environment "PODPILOT=$<TARGET_FILE:podpilot>"
  "PODPILOT_BUILD=${PROJECT_BINARY_DIR}" "PODPILOT_SOURCE=${PROJECT_SOURCE_DIR}")

# --- fuzzers --------------------------------------------------------------------------------------

file(GLOB fuzz_sources CONFIGURE_DEPENDS ${test_dir}/fuzz/*_fuzz.cc)
foreach(source IN LISTS fuzz_sources)
  cmake_path(GET source STEM name)
  string(REGEX REPLACE "_fuzz$" "" name ${name})
  podpilot_add_executable(fuzz_${name} ${source})
  target_link_libraries(fuzz_${name} PRIVATE podpilot_agent)
  if(PODPILOT_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE ${test_dir}/fuzz/replay_main.cc)
    add_test(NAME fuzz_${name} COMMAND fuzz_${name} --mutants 300
             ${test_dir}/fuzz/corpus/${name})
    set_tests_properties(fuzz_${name} PROPERTIES LABELS fuzz TIMEOUT 60)
  endif()
endforeach()
if(PODPILOT_FUZZ)
  return()
endif()

# --- unit and component tests ---------------------------------------------------------------------

find_package(Catch2 REQUIRED)
file(GLOB support_sources CONFIGURE_DEPENDS ${test_dir}/support/*.cc)
# catch_main.cc holds Catch2 v2's implementation, slow to compile, once; v3 brings a library.
add_library(podpilot_test STATIC ${test_dir}/catch_main.cc ${support_sources})
target_link_libraries(podpilot_test PUBLIC podpilot_agent)
target_compile_definitions(podpilot_test PUBLIC PODPILOT_TEST_SOURCE_DIR="${test_dir}")
if(Catch2_VERSION VERSION_GREATER_EQUAL 3)
  target_link_libraries(podpilot_test PUBLIC Catch2::Catch2WithMain)
else()
  target_link_libraries(podpilot_test PUBLIC Catch2::Catch2)
endif()

function(podpilot_add_catch name label timeout folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*_test.cc)
  if(NOT sources)
    return()
  endif()
  podpilot_add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE podpilot_test)
  add_dependencies(${name} podpilot_victims)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout} SKIP_RETURN_CODE 77
    ENVIRONMENT "${test_environment}")
endfunction()

add_custom_target(podpilot_victims)
foreach(folder base sandbox oci agent htcondor)
  podpilot_add_catch(test_${folder} unit 120 ${test_dir}/unit/${folder})
endforeach()
podpilot_add_catch(test_component component 300 ${test_dir}/component)
if(TARGET test_component)
  add_dependencies(test_component podpilot)
endif()

# They print figures and are no tests; built with them, so that they still can be.
file(GLOB benches CONFIGURE_DEPENDS ${test_dir}/bench/*_bench.cc)
foreach(source IN LISTS benches)
  cmake_path(GET source STEM name)
  podpilot_add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE podpilot_test)
  add_dependencies(${name} podpilot_victims)
endforeach()

file(GLOB tools CONFIGURE_DEPENDS ${test_dir}/tools/*.cc)
foreach(source IN LISTS tools)
  cmake_path(GET source STEM name)
  podpilot_add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE podpilot_agent)
endforeach()

# --- victims --------------------------------------------------------------------------------------
# What the sandbox runs in its tests. Never instrumented: they are payloads, not us.

file(GLOB victims CONFIGURE_DEPENDS ${test_dir}/victims/*.c ${test_dir}/victims/*.cc)
foreach(source IN LISTS victims)
  cmake_path(GET source STEM name)
  add_executable(victim_${name} ${source})
  set_target_properties(victim_${name} PROPERTIES OUTPUT_NAME ${name}
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test/victims)
  target_include_directories(victim_${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(victim_${name} PRIVATE -O1 -Wall -Wextra)
  target_link_options(victim_${name} PRIVATE -static)
  add_dependencies(podpilot_victims victim_${name})
endforeach()

# --- integration tests ----------------------------------------------------------------------------
# Comment lines in a script set its properties: "# ctest: serial" (nothing beside it),
# "# ctest: timeout SECONDS", "# ctest: long" (label long instead of integration).

file(GLOB scripts CONFIGURE_DEPENDS ${test_dir}/integration/*.sh)
list(FILTER scripts EXCLUDE REGEX "/lib[^/]*\\.sh$")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${scripts})
foreach(script IN LISTS scripts)
  cmake_path(GET script STEM name)
  add_test(NAME ${name} COMMAND bash ${script})
  set_tests_properties(${name} PROPERTIES LABELS integration TIMEOUT 120 SKIP_RETURN_CODE 77
    ENVIRONMENT "${test_environment}")
  file(STRINGS ${script} properties REGEX "^# ctest: ")
  foreach(property IN LISTS properties)
    if(property STREQUAL "# ctest: serial")
      set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
    elseif(property STREQUAL "# ctest: long")
      set_tests_properties(${name} PROPERTIES LABELS long)
    elseif(property MATCHES "^# ctest: timeout ([0-9]+)$")
      set_tests_properties(${name} PROPERTIES TIMEOUT ${CMAKE_MATCH_1})
    else()
      message(FATAL_ERROR "${script}: unknown line '${property}'")
    endif()
  endforeach()
endforeach()
