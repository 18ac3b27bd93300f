# SPDX-License-Identifier: Apache-2.0
#
# Run at each build (cmake -DSOURCE=... -DOUTPUT=... -P): writes the commit that is being built, and
# touches the file only when it changed. Outside of a git checkout (a tarball) it is empty.
set(commit "")
find_program(git NAMES git)
if(git AND EXISTS "${SOURCE}/.git")
  execute_process(
    COMMAND ${git} -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT "#define PODPILOT_COMMIT \"${commit}\"\n" @ONLY)
