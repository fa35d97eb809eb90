# Run by each build (HvBuild.cmake): writes OUT where the commit or the date of the tree ROOT is another one.
set(commit unknown)
set(date unknown)
if(EXISTS ${ROOT}/.git)
        execute_process(COMMAND git -C ${ROOT} describe --always --dirty --abbrev=12 --exclude=*
                        OUTPUT_VARIABLE described RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        if(NOT failed)
                set(commit ${described})
        endif()
        execute_process(COMMAND git -C ${ROOT} log -1 --format=%ct
                        OUTPUT_VARIABLE seconds RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        if(NOT failed AND NOT DEFINED ENV{SOURCE_DATE_EPOCH})
                set(ENV{SOURCE_DATE_EPOCH} ${seconds})
        endif()
endif()
if(DEFINED ENV{SOURCE_DATE_EPOCH})
        string(TIMESTAMP date "%Y-%m-%dT%H:%M:%SZ" UTC) # of SOURCE_DATE_EPOCH
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT [[
/* Written by the build: hack/cmake/write-build.cmake. */
#include "base/version.h"

const struct hv_build hv_build_of_program = { "@commit@", "@date@" };
]] @ONLY)
