# hv_program_says_its_build(PROGRAM)
#   The program knows its commit and its date (base/version.h). They are linked into programs only, so a new commit links these anew and
#   compiles one file. The date is SOURCE_DATE_EPOCH, else the commit's: the same commit gives the same bytes. A tree without
#   git builds too, and knows neither.
set(HV_BUILD_SOURCE ${CMAKE_BINARY_DIR}/build_of_program.c)
add_custom_target(hv_build_source
        COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR} -DOUT=${HV_BUILD_SOURCE} -P ${CMAKE_SOURCE_DIR}/hack/cmake/write-build.cmake
        BYPRODUCTS ${HV_BUILD_SOURCE}
        VERBATIM)
add_library(hv_build OBJECT ${HV_BUILD_SOURCE})
target_include_directories(hv_build PRIVATE ${CMAKE_SOURCE_DIR}/pkg)
add_dependencies(hv_build hv_build_source)

function(hv_program_says_its_build program)
        target_link_libraries(${program} PRIVATE hv_build)
endfunction()
