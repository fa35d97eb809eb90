# hv_proto(NAME PACKAGE c-package FILE path.proto)
#   The static library hv_NAME with the messages of one .proto, made by protoc-c: nodepool_v1.pb-c.h has the C names
#   PACKAGE__Message.
#
# protoc-c takes C names from the proto's package, and the two dialects share one ("nodepool" is on the wire). So a copy
# under another package is what it reads; messages carry no package on the wire, and the paths of methods are written in
# pkg/pool by hand.
find_program(PROTOC_C protoc-c REQUIRED)

function(hv_proto name)
        cmake_parse_arguments(P "" "PACKAGE;FILE" "" ${ARGN})
        set(dir ${CMAKE_BINARY_DIR}/proto/${name})
        file(MAKE_DIRECTORY ${dir})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${P_FILE})
        file(READ ${P_FILE} text)
        string(REPLACE "package nodepool;" "package ${P_PACKAGE};" text "${text}")
        file(CONFIGURE OUTPUT ${dir}/${name}.proto CONTENT "${text}" @ONLY)
        add_custom_command(OUTPUT ${dir}/${name}.pb-c.c ${dir}/${name}.pb-c.h
                           COMMAND ${PROTOC_C} --c_out=${dir} --proto_path=${dir} ${dir}/${name}.proto
                           DEPENDS ${dir}/${name}.proto VERBATIM)
        add_library(hv_${name} STATIC ${dir}/${name}.pb-c.c)
        target_include_directories(hv_${name} SYSTEM PUBLIC ${dir})
        target_link_libraries(hv_${name} PUBLIC PkgConfig::PROTOBUF_C)
endfunction()
