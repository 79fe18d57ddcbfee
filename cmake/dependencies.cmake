# Dependencies: the system's package where there is one, else a pinned release by FetchContent. Only what the chosen
# options need is looked for, and nothing is installed together with riffle.
#
# Afterwards there are: riffle_xsimd, RIFFLE_FLATBUFFERS_INCLUDE, RIFFLE_FLATC, OpenMP::OpenMP_CXX; MPI::MPI_CXX
# where there is one; for the tools
# RIFFLE_PROTOBUF, RIFFLE_PROTOC, RIFFLE_ONNX_PROTO_DIR (holds onnx/onnx.proto), ZLIB::ZLIB, PNG::PNG, JPEG::JPEG,
# CLI11::CLI11, nlohmann_json::nlohmann_json; GTest::gtest_main; benchmark::benchmark.
include(FetchContent)

# The releases that are fetched.
set(RIFFLE_PIN_xsimd xtensor-stack/xsimd e88a72831858123924f7118f345dfe5d70d95991)  # 14.3.0
set(RIFFLE_PIN_flatbuffers google/flatbuffers 7e163021e59cca4f8e1e35a7c828b5c6b7915953)  # 25.12.19
set(RIFFLE_PIN_protobuf protocolbuffers/protobuf f0dc78d7e6e331b8c6bb2d5283e06aa26883ca7c)  # 21.12
set(RIFFLE_PIN_onnx onnx/onnx 2bb50465112feca9003e1ed654d77f01ff1415ca)  # 1.22.0, for its onnx.proto
set(RIFFLE_PIN_zlib madler/zlib 51b7f2abdade71cd9bb0e7a373ef2610ec6f9daf)  # 1.3.1
set(RIFFLE_PIN_libpng pnggroup/libpng 3061454d980de7d53608f594194cfac722721d2a)  # 1.6.58
set(RIFFLE_PIN_libjpeg libjpeg-turbo/libjpeg-turbo 9217719d3a58633923b096af4c1d50d304768a64)  # 3.1.4.1
set(RIFFLE_PIN_cli11 CLIUtils/CLI11 cbd58a3696887b34c70949aef21a71735a0c2ad5)  # 2.7.2
set(RIFFLE_PIN_nlohmann_json nlohmann/json 9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03)  # 3.11.3
set(RIFFLE_PIN_googletest google/googletest 52eb8108c5bdec04579160ae17225d66034bd723)  # 1.17.0
set(RIFFLE_PIN_benchmark google/benchmark 192ef10025eb2c4cdd392bc502f0c852196baa48)  # 1.9.5

# riffle_fetch(<name> [SOURCE_DIR <dir>]): the pinned source's folder in <name>_SOURCE_DIR, nothing configured yet. The
# global property RIFFLE_FETCHED lists the names.
macro(riffle_fetch name)
  list(GET RIFFLE_PIN_${name} 0 repository)
  list(GET RIFFLE_PIN_${name} 1 commit)
  message(STATUS "riffle: ${name} is not installed, fetching ${repository}")
  FetchContent_Declare(${name} GIT_REPOSITORY "https://github.com/${repository}" GIT_TAG ${commit}
                       SOURCE_SUBDIR is-added-by-hand ${ARGN})
  FetchContent_MakeAvailable(${name})
  set_property(GLOBAL APPEND PROPERTY RIFFLE_FETCHED ${name})
endmacro()

# riffle_add(<name> [<option>=<value> ...]): fetches and configures it. EXCLUDE_FROM_ALL keeps it out of the install,
# and its options are set for it alone.
function(riffle_add name)
  riffle_fetch(${name})
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
  set(CMAKE_POLICY_VERSION_MINIMUM 3.5)
  set(BUILD_SHARED_LIBS OFF)
  foreach(option IN LISTS ARGN)
    string(REGEX MATCH "^([^=]+)=(.*)$" _ "${option}")
    set(${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
  endforeach()
  add_subdirectory("${${name}_SOURCE_DIR}" "${${name}_BINARY_DIR}" EXCLUDE_FROM_ALL SYSTEM)
  set(${name}_SOURCE_DIR "${${name}_SOURCE_DIR}" PARENT_SCOPE)
  set(${name}_BINARY_DIR "${${name}_BINARY_DIR}" PARENT_SCOPE)
endfunction()

if(RIFFLE_STATIC_BINARIES)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
endif()

# The engine's. xsimd is headers alone; a target of ours, because some packages' target links a library (xtl) that they
# do not depend on.
find_path(RIFFLE_XSIMD_INCLUDE xsimd/xsimd.hpp)
if(NOT RIFFLE_XSIMD_INCLUDE)
  riffle_fetch(xsimd)
  set(RIFFLE_XSIMD_INCLUDE "${xsimd_SOURCE_DIR}/include")
endif()
file(STRINGS "${RIFFLE_XSIMD_INCLUDE}/xsimd/config/xsimd_config.hpp" version REGEX "define XSIMD_VERSION_(MAJOR|MINOR)")
string(REGEX REPLACE "[^0-9;]" "" version "${version}")
string(REPLACE ";" "." version "${version}")
if(version VERSION_LESS 8.1)
  message(FATAL_ERROR "riffle needs xsimd 8.1 or newer; ${RIFFLE_XSIMD_INCLUDE} holds ${version}")
endif()
add_library(riffle_xsimd INTERFACE)
target_include_directories(riffle_xsimd SYSTEM INTERFACE "${RIFFLE_XSIMD_INCLUDE}")

find_path(RIFFLE_FLATBUFFERS_INCLUDE flatbuffers/flatbuffers.h)
find_program(RIFFLE_FLATC flatc)
if(NOT RIFFLE_FLATBUFFERS_INCLUDE OR NOT RIFFLE_FLATC)
  if(CMAKE_CROSSCOMPILING AND NOT RIFFLE_FLATC)
    message(FATAL_ERROR "riffle: a cross build needs the FlatBuffers compiler of this machine (flatc)")
  endif()
  riffle_add(flatbuffers FLATBUFFERS_BUILD_TESTS=OFF FLATBUFFERS_BUILD_FLATHASH=OFF FLATBUFFERS_INSTALL=OFF)
  set(RIFFLE_FLATBUFFERS_INCLUDE "${flatbuffers_SOURCE_DIR}/include")
  set(RIFFLE_FLATC flatc)
endif()

find_package(Threads REQUIRED)
if(RIFFLE_TRAINER AND RIFFLE_OPENMP)
  find_package(OpenMP COMPONENTS CXX)
  if(NOT OpenMP_CXX_FOUND)
    message(WARNING "riffle: no OpenMP here: the trainer will have one thread")
  endif()
endif()

if(RIFFLE_TRAINER AND RIFFLE_MPI)
  set(MPI_CXX_SKIP_MPICXX ON)  # the interface for C alone
  find_package(MPI QUIET COMPONENTS CXX)
  if(NOT MPI_CXX_FOUND)
    message(STATUS "riffle: no MPI here: riffle train will be one process")
  endif()
endif()

if(RIFFLE_TOOLS)
  set(ZLIB_USE_STATIC_LIBS ${RIFFLE_STATIC_BINARIES})
  find_package(ZLIB QUIET)
  if(NOT TARGET ZLIB::ZLIB)
    riffle_add(zlib)
    target_include_directories(zlibstatic INTERFACE "${zlib_SOURCE_DIR}" "${zlib_BINARY_DIR}")
    add_library(ZLIB::ZLIB ALIAS zlibstatic)
    # libpng looks for it again, and reads its version.
    file(WRITE "${CMAKE_FIND_PACKAGE_REDIRECTS_DIR}/zlib-config.cmake"
         "set(ZLIB_INCLUDE_DIRS \"${zlib_SOURCE_DIR}\" \"${zlib_BINARY_DIR}\")\n")
  endif()

  find_package(PNG QUIET MODULE)
  if(NOT TARGET PNG::PNG)
    riffle_add(libpng PNG_SHARED=OFF PNG_TESTS=OFF PNG_TOOLS=OFF SKIP_INSTALL_ALL=ON)
    add_library(PNG::PNG ALIAS png_static)
  endif()

  find_package(JPEG QUIET MODULE)
  if(NOT TARGET JPEG::JPEG)
    # libjpeg-turbo refuses to be a part of another project: it has a build of its own.
    riffle_fetch(libjpeg)
    include(ExternalProject)
    set(prefix "${PROJECT_BINARY_DIR}/_deps/libjpeg-installed")
    set(settings -DENABLE_SHARED=OFF -DWITH_TURBOJPEG=OFF -DWITH_TOOLS=OFF -DWITH_TESTS=OFF
                 -DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON
                 "-DCMAKE_INSTALL_PREFIX=${prefix}" -DCMAKE_INSTALL_LIBDIR=lib)
    foreach(variable CMAKE_TOOLCHAIN_FILE CMAKE_C_COMPILER ANDROID_ABI ANDROID_PLATFORM)
      if(${variable})
        list(APPEND settings "-D${variable}=${${variable}}")
      endif()
    endforeach()
    ExternalProject_Add(riffle_libjpeg SOURCE_DIR "${libjpeg_SOURCE_DIR}" CMAKE_ARGS ${settings}
                        BUILD_BYPRODUCTS "${prefix}/lib/libjpeg.a" EXCLUDE_FROM_ALL TRUE)
    file(MAKE_DIRECTORY "${prefix}/include")
    add_library(JPEG::JPEG STATIC IMPORTED)
    set_target_properties(JPEG::JPEG PROPERTIES IMPORTED_LOCATION "${prefix}/lib/libjpeg.a"
                                                INTERFACE_INCLUDE_DIRECTORIES "${prefix}/include")
    add_dependencies(JPEG::JPEG riffle_libjpeg)
  endif()

  # Newer releases say in their own package what they need; older ones have only CMake's module.
  set(Protobuf_USE_STATIC_LIBS ${RIFFLE_STATIC_BINARIES})
  find_package(Protobuf QUIET CONFIG)
  if(NOT TARGET protobuf::libprotobuf-lite)
    find_package(Protobuf QUIET MODULE)
  endif()
  find_program(RIFFLE_PROTOC protoc)
  if(NOT TARGET protobuf::libprotobuf-lite OR NOT RIFFLE_PROTOC)
    if(CMAKE_CROSSCOMPILING AND NOT RIFFLE_PROTOC)
      message(FATAL_ERROR "riffle: a cross build needs the protobuf compiler of this machine (protoc)")
    endif()
    riffle_add(protobuf protobuf_BUILD_TESTS=OFF protobuf_INSTALL=OFF protobuf_WITH_ZLIB=OFF)
    set(RIFFLE_PROTOC protobuf::protoc)
  endif()
  set(RIFFLE_PROTOBUF protobuf::libprotobuf-lite)

  find_path(RIFFLE_ONNX_PROTO_DIR onnx/onnx.proto)
  if(NOT RIFFLE_ONNX_PROTO_DIR)
    riffle_fetch(onnx)
    set(RIFFLE_ONNX_PROTO_DIR "${onnx_SOURCE_DIR}")
  endif()

  find_package(CLI11 QUIET)
  if(NOT TARGET CLI11::CLI11)
    riffle_add(cli11)
  endif()
  find_package(nlohmann_json QUIET)
  if(NOT TARGET nlohmann_json::nlohmann_json)
    riffle_add(nlohmann_json JSON_BuildTests=OFF)
  endif()
endif()

if(RIFFLE_TESTS)
  find_package(GTest QUIET)
  if(NOT TARGET GTest::gtest_main)
    riffle_add(googletest INSTALL_GTEST=OFF)
  endif()
endif()

if(RIFFLE_BENCH)
  # Debian has no static library of it.
  if(NOT RIFFLE_STATIC_BINARIES)
    find_package(benchmark QUIET)
  endif()
  if(NOT TARGET benchmark::benchmark)
    # Debian's sources do not ask git for their version, and expect to be told: 0.0.0 says that git does not know.
    riffle_add(benchmark GIT_VERSION=0.0.0 BENCHMARK_ENABLE_TESTING=OFF BENCHMARK_ENABLE_INSTALL=OFF
                         BENCHMARK_ENABLE_WERROR=OFF)
  endif()
endif()
