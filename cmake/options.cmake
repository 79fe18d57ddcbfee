# What to build, and how riffle compiles its own sources. Nothing here touches a parent project's flags: everything is
# said a target at a time, by riffle_own(). Embedded by add_subdirectory, riffle is the engine alone.

option(RIFFLE_THREADS "Sessions of several threads; OFF is smaller" ON)
if(DEFINED BUILD_SHARED_LIBS)
  set(shared ${BUILD_SHARED_LIBS})
elseif(PROJECT_IS_TOP_LEVEL AND NOT RIFFLE_STATIC_BINARIES AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  set(shared ON)
else()
  set(shared OFF)
endif()
option(RIFFLE_SHARED "Build the shared library, too; riffle::engine is then it" ${shared})
option(RIFFLE_TOOLS "Build the riffle command line" ${PROJECT_IS_TOP_LEVEL})
option(RIFFLE_TRAINER "Build the trainer and the command riffle train" ${RIFFLE_TOOLS})
option(RIFFLE_OPENMP "The trainer runs on OpenMP's threads; without them it has one thread" ON)
if(RIFFLE_STATIC_BINARIES OR CMAKE_CROSSCOMPILING OR CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  set(mpi OFF)
else()
  set(mpi ${RIFFLE_TRAINER})
endif()
option(RIFFLE_MPI "riffle runs on several processes together, where the system has an MPI" ${mpi})
option(RIFFLE_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(RIFFLE_BENCH "Build riffle_bench" ${PROJECT_IS_TOP_LEVEL})
option(RIFFLE_INSTALL "Make rules for cmake --install" ${PROJECT_IS_TOP_LEVEL})
option(RIFFLE_CONTRACTS "Check what kernels rely on in every plan that is made, as builds for debugging do" OFF)
option(RIFFLE_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(RIFFLE_WERROR "Warnings are errors" ${PROJECT_IS_TOP_LEVEL})
option(RIFFLE_UNITY "Compile a target's sources together, many at a time: sooner done, if all of them are to be compiled" OFF)
option(RIFFLE_STATIC_BINARIES "Link the programs statically, for a bare device" OFF)
set(RIFFLE_ISAS "" CACHE STRING "Instruction sets to build, of one processor or of several: neon64, avx2 ...; empty: all; scalar, too, unless one runs everywhere")
set(RIFFLE_ALL_OPERATIONS convolution elementwise binary softmax pixels resize rearrange convert function frame quantised tasks)
set(RIFFLE_OPERATIONS "${RIFFLE_ALL_OPERATIONS}"
    CACHE STRING "Operations to build beyond those of a ShuffleNet: ${RIFFLE_ALL_OPERATIONS}")
set(RIFFLE_KERNEL_OPTIONS "" CACHE STRING "Further compiler options for the vector bodies of the kernels")
set(RIFFLE_TESTS_LEFT_OUT "" CACHE STRING "Test programs that are neither built by default nor run")
set(RIFFLE_TEST_LABEL "" CACHE STRING "A label for the tests, which also starts their names")
set(RIFFLE_TEST_ENVIRONMENT "" CACHE STRING "NAME=value pairs that the tests run with")

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release)
  endif()
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endif()

# RIFFLE_HAS_<OPERATION>, 1 or 0, for kernels/isa/table.hpp and engine/graph/built.hpp.
foreach(operation IN LISTS RIFFLE_OPERATIONS)
  if(NOT operation IN_LIST RIFFLE_ALL_OPERATIONS)
    message(FATAL_ERROR "RIFFLE_OPERATIONS: '${operation}' is none of ${RIFFLE_ALL_OPERATIONS}")
  endif()
endforeach()
set(RIFFLE_OPERATION_DEFINITIONS "")
foreach(operation IN LISTS RIFFLE_ALL_OPERATIONS)
  string(TOUPPER "${operation}" name)
  if(operation IN_LIST RIFFLE_OPERATIONS)
    list(APPEND RIFFLE_OPERATION_DEFINITIONS RIFFLE_HAS_${name}=1)
  else()
    list(APPEND RIFFLE_OPERATION_DEFINITIONS RIFFLE_HAS_${name}=0)
    if(RIFFLE_TOOLS OR RIFFLE_TESTS OR RIFFLE_BENCH)
      message(FATAL_ERROR "riffle's tools, tests and benchmarks need every operation, but ${operation} is left out: "
                          "set RIFFLE_TOOLS, RIFFLE_TESTS and RIFFLE_BENCH to OFF")
    endif()
  endif()
endforeach()

# riffle_unity(<target> <count>): compiles so many of its sources together.
function(riffle_unity target count)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${count})
  # A file's names would be shadowed by those of the file behind it, and GCC takes the files for headers, whose types must
  # not have members of anonymous namespaces'. Builds that compile each file by itself tell what is real of both.
  target_compile_options(${target} PRIVATE -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endfunction()

# riffle_own(<target>): C++20, warnings, include paths from the project's root.
function(riffle_own target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
                                           $<$<BOOL:${RIFFLE_WERROR}>:-Werror>)
  # Of a build for size, GCC would make a copy of many a template for each file, where the linker keeps one for all.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE $<$<AND:$<CONFIG:MinSizeRel>,$<COMPILE_LANGUAGE:CXX>>:-fno-ipa-sra>)
  endif()
  if(RIFFLE_UNITY)
    riffle_unity(${target} 12)
  endif()
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

# riffle_cold(<target>): its code runs seldom and not for long, as what reads a model's file does, and is compiled sooner:
# optimised less, and a few files at a time, most of whose text is the same headers.
function(riffle_cold target)
  if(NOT RIFFLE_UNITY)
    riffle_unity(${target} 5)
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
  endif()
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  # At this level GCC loses track of what an optional holds.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Wno-maybe-uninitialized>)
  endif()
endfunction()

# riffle_fuzzed(<target>): what fuzzers find their ways through, which takes counters. All else is quicker without.
function(riffle_fuzzed target)
  if(RIFFLE_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# riffle_inside(<target>): what the engine's libraries are made of. A shared library shows nothing of it, and a program
# that is linked with --gc-sections keeps what it calls.
function(riffle_inside target)
  set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections)
endfunction()
