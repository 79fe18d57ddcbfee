# What to build, and how riffle compiles its own sources. Nothing here touches a parent project's flags: everything is
# said a target at a time, by riffle_own(). Embedded by add_subdirectory, riffle is the engine alone.

option(RIFFLE_OPENMP "Run on several threads (OpenMP)" ON)
option(RIFFLE_TOOLS "Build the riffle command line" ${PROJECT_IS_TOP_LEVEL})
option(RIFFLE_TRAINER "Build the trainer and the command riffle train" ${RIFFLE_TOOLS})
option(RIFFLE_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(RIFFLE_BENCH "Build riffle_bench" ${PROJECT_IS_TOP_LEVEL})
option(RIFFLE_INSTALL "Make rules for cmake --install" ${PROJECT_IS_TOP_LEVEL})
option(RIFFLE_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(RIFFLE_WERROR "Warnings are errors" ${PROJECT_IS_TOP_LEVEL})
option(RIFFLE_STATIC_BINARIES "Link the programs statically, for a bare device" OFF)
set(RIFFLE_KERNEL_OPTIONS "" CACHE STRING "Further compiler options for the vector bodies of the kernels")
set(RIFFLE_TEST_LABEL "" CACHE STRING "A label for the tests, which also starts their names")
set(RIFFLE_TEST_ENVIRONMENT "" CACHE STRING "NAME=value pairs that the tests run with")

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release)
  endif()
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endif()

# riffle_own(<target>): C++20, warnings, include paths from the project's root.
function(riffle_own target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
                                           $<$<BOOL:${RIFFLE_WERROR}>:-Werror>)
  # GCC 12 takes std::string's own code for overlapping copies (its bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  # Offsets and sizes are 64 bits wide everywhere; where addresses have 32, the plan has made sure that they fit.
  if(CMAKE_SIZEOF_VOID_P EQUAL 4)
    target_compile_options(${target} PRIVATE -Wno-conversion)
  endif()
  get_target_property(kind ${target} TYPE)
  if(RIFFLE_STATIC_BINARIES AND kind STREQUAL "EXECUTABLE")
    target_link_options(${target} PRIVATE -static)
  endif()
endfunction()
