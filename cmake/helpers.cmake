# One call per library, test or plugin, so that each folder's file is a list of names.

# Warnings, sanitizers and the include root, shared by everything we compile.
add_library(reprise_flags INTERFACE)
target_include_directories(reprise_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(reprise_flags INTERFACE _GNU_SOURCE)
target_compile_options(reprise_flags INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wconversion
    -Wundef -Wpointer-arith -Wwrite-strings -fno-common)
if(REPRISE_WERROR)
    target_compile_options(reprise_flags INTERFACE -Werror)
endif()
if(REPRISE_SANITIZER)
    target_compile_options(reprise_flags INTERFACE -fsanitize=${REPRISE_SANITIZER}
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(reprise_flags INTERFACE -fsanitize=${REPRISE_SANITIZER})
endif()

if(REPRISE_FUZZ)
    # What the libraries do must be seen by the fuzzer, not only its own target's file.
    target_compile_options(reprise_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# reprise_library(core SOURCES a.c b.c LINK PkgConfig::X): the static library of one folder.
function(reprise_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_library(reprise_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(reprise_${name} PUBLIC ${ARG_LINK} PRIVATE reprise_flags)
    target_include_directories(reprise_${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_compile_definitions(reprise_${name} PRIVATE REPRISE_VERSION="${PROJECT_VERSION}")
endfunction()

# reprise_test(core/buf LINK reprise_core): tests/core/buf_test.c as the test `core/buf`.
function(reprise_test path)
    cmake_parse_arguments(ARG "" "" "LINK;SOURCES" ${ARGN})
    string(REPLACE "/" "_" target ${path})
    add_executable(${target}_test ${path}_test.c ${ARG_SOURCES})
    target_link_libraries(${target}_test PRIVATE ${ARG_LINK} PkgConfig::CMOCKA reprise_flags)
    target_compile_definitions(${target}_test PRIVATE TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
        TEST_BINARY_DIR="${PROJECT_BINARY_DIR}")
    add_test(NAME ${path} COMMAND ${target}_test)
    set_tests_properties(${path} PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77)
endfunction()

# reprise_fuzz(http1 LINK reprise_core): tests/fuzz/http1_fuzz.c. Under gcc a driver feeds it the
# files of tests/fuzz/corpus/http1 as an ordinary test; with REPRISE_FUZZ it is a libFuzzer target.
function(reprise_fuzz name)
    cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
    add_executable(${name}_fuzz fuzz/${name}_fuzz.c)
    target_link_libraries(${name}_fuzz PRIVATE ${ARG_LINK} reprise_flags)
    if(REPRISE_FUZZ)
        target_compile_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
        target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    else()
        target_sources(${name}_fuzz PRIVATE fuzz/driver.c)
        add_test(NAME fuzz/${name} COMMAND ${name}_fuzz ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
        set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT 120)
    endif()
endfunction()

# reprise_plugin(example SOURCES example.c LINK ...): plugins/example as lib reprise-plugins/example.so.
# A plugin sees the one public header and nothing else of ours.
function(reprise_plugin name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_library(plugin_${name} MODULE ${ARG_SOURCES})
    set_target_properties(plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
        C_VISIBILITY_PRESET hidden LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/reprise-plugins)
    target_include_directories(plugin_${name} PRIVATE ${PROJECT_BINARY_DIR}/plugin-include)
    target_compile_options(plugin_${name} PRIVATE -Wall -Wextra -Wshadow -Wconversion)
    target_link_libraries(plugin_${name} PRIVATE ${ARG_LINK})
    if(REPRISE_SANITIZER)
        target_compile_options(plugin_${name} PRIVATE -fsanitize=${REPRISE_SANITIZER})
        target_link_options(plugin_${name} PRIVATE -fsanitize=${REPRISE_SANITIZER})
    endif()
    install(TARGETS plugin_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/reprise-plugins)
endfunction()
