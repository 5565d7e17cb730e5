# How every target of proxyd is built. Sources are globbed, so a new file needs no line here.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

add_library(proxyd_options INTERFACE)
target_compile_options(proxyd_options INTERFACE
    # Designated initialisers leave members to their defaults on purpose.
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wno-missing-field-initializers -Werror
    -fno-omit-frame-pointer)
target_compile_definitions(proxyd_options INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED _GLIBCXX_ASSERTIONS
    PROXYD_VERSION="${PROJECT_VERSION}")
target_include_directories(proxyd_options INTERFACE ${CMAKE_SOURCE_DIR})
target_include_directories(proxyd_options SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})

if(PROXYD_SANITIZE)
    target_compile_options(proxyd_options INTERFACE -fsanitize=${PROXYD_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(proxyd_options INTERFACE -fsanitize=${PROXYD_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # The instrumented code makes g++ 12 see uninitialised values in std::optional and std::function.
        target_compile_options(proxyd_options INTERFACE -Wno-maybe-uninitialized)
    endif()
    if(PROXYD_SANITIZE MATCHES "thread")
        # The thread sanitizer does not know fences; Asio's own are not needed beside its locks.
        target_compile_definitions(proxyd_options INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
        target_compile_options(proxyd_options INTERFACE -Wno-error=tsan)
    endif()
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(proxyd_options INTERFACE
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>
        -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero)
    target_link_options(proxyd_options INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code)
endif()

# A unity build compiles each library as one file: a third of the time, because headers are read once. It sees names of one
# file in the next one, which is no fault of theirs; whatever else it finds, two files with one name for two things, is one.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 0)
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(proxyd_options INTERFACE -Wno-shadow -Wno-subobject-linkage)
endif()

# Precompiled headers are used for the tests only: Catch2's pays at once, one for a library was measured to cost more
# than it saves, because the headers are light.
# proxyd_library(NAME FOLDER LINK...): all sources of the folder (or of a list of them), not of the folders below it.
function(proxyd_library name folder)
    list(TRANSFORM folder PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE folders)
    list(TRANSFORM folders APPEND /*.cpp OUTPUT_VARIABLE patterns)
    file(GLOB sources CONFIGURE_DEPENDS ${patterns})
    if(NOT sources)
        message(STATUS "${folder} has no sources yet: ${name} is left out")
        add_library(${name} INTERFACE)
        return()
    endif()
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC proxyd_options ${ARGN})
endfunction()

# proxyd_program(NAME FOLDER LINK...): all sources of the folder and of the folders below it.
function(proxyd_program name folder)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
    if(NOT sources)
        message(STATUS "${folder} has no sources yet: ${name} is left out")
        return()
    endif()
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE proxyd_options ${ARGN})
endfunction()

# proxyd_bpf(NAME FILE INCLUDES...): NAME.skel.h with the program of FILE for the kernel, in a library of headers NAME_bpf.
function(proxyd_bpf name file)
    find_program(PROXYD_BPF_CLANG NAMES clang-14 clang REQUIRED)
    find_program(PROXYD_BPFTOOL NAMES bpftool PATHS /usr/sbin REQUIRED)
    set(folder ${CMAKE_BINARY_DIR}/bpf)
    list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE includes)
    add_custom_command(OUTPUT ${folder}/${name}.skel.h
        COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
        COMMAND ${PROXYD_BPF_CLANG} -O2 -g -mcpu=v3 -target bpf -Wall -Wextra -Werror
            -isystem /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.
            -c ${CMAKE_SOURCE_DIR}/${file} -o ${folder}/${name}.bpf.o
        COMMAND sh -c "cd bpf && ${PROXYD_BPFTOOL} gen skeleton ${name}.bpf.o name ${name} >${name}.skel.h"
        WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
        DEPENDS ${CMAKE_SOURCE_DIR}/${file} ${includes} COMMENT "Building the kernel's program ${name}" VERBATIM)
    add_custom_target(${name}_skeleton DEPENDS ${folder}/${name}.skel.h)
    add_library(${name}_bpf INTERFACE)
    target_include_directories(${name}_bpf SYSTEM INTERFACE ${folder})
    add_dependencies(${name}_bpf ${name}_skeleton)
endfunction()
