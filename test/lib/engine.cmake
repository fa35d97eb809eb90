# The fixtures "docker" and "podman": one private engine of each kind for all tests of a ctest run.
#
#   hv_engine_test(NAME [KIND docker|podman] [hv_test arguments...])
#       an hv_test that needs the engine of this kind (docker when left out) and finds it by hv_engine_shared(KIND).
#
# The directory in /tmp is short, for a socket's path has at most 107 bytes, and belongs to this build folder alone.
include_guard(GLOBAL)

string(SHA1 HV_ENGINE_DIR ${CMAKE_BINARY_DIR})
string(SUBSTRING ${HV_ENGINE_DIR} 0 8 HV_ENGINE_DIR)
set(HV_ENGINE_DIR /tmp/hv-${HV_ENGINE_DIR})
set(HV_ENGINE_SCRIPT ${CMAKE_SOURCE_DIR}/test/lib/engine.sh)

foreach(kind docker podman)
        add_test(NAME engine_${kind}_start COMMAND ${HV_ENGINE_SCRIPT} start ${kind} ${HV_ENGINE_DIR}-${kind})
        add_test(NAME engine_${kind}_stop COMMAND ${HV_ENGINE_SCRIPT} stop ${HV_ENGINE_DIR}-${kind})
        set_tests_properties(engine_${kind}_start PROPERTIES FIXTURES_SETUP ${kind} LABELS integration TIMEOUT 120)
        set_tests_properties(engine_${kind}_stop PROPERTIES FIXTURES_CLEANUP ${kind} LABELS integration TIMEOUT 120)
endforeach()

function(hv_engine_test name)
        cmake_parse_arguments(E "" "KIND" "" ${ARGN})
        if(NOT E_KIND)
                set(E_KIND docker)
        endif()
        hv_test(${name} ${E_UNPARSED_ARGUMENTS})
        target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/test/lib/engine.c)
        target_compile_definitions(${name} PRIVATE HV_ENGINE_DIR="${HV_ENGINE_DIR}")
        # One at a time: a test begins with an engine that holds nothing.
        set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED ${E_KIND} RESOURCE_LOCK engine_${E_KIND})
endfunction()
