# What Debian's cross compilers have in common: TRIPLET and SYSROOT_NAME come from the including toolchain file. Packages
# are looked for in what debian-sysroot.sh unpacks; what is not there is fetched (cmake/dependencies.cmake).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_LIBRARY_ARCHITECTURE ${TRIPLET})

set(sysroot "${CMAKE_CURRENT_LIST_DIR}/../build/sysroot/${SYSROOT_NAME}")
get_filename_component(sysroot "${sysroot}" ABSOLUTE)
get_property(in_try_compile GLOBAL PROPERTY IN_TRY_COMPILE)
find_program(RIFFLE_APT_GET apt-get)
if(RIFFLE_APT_GET AND NOT in_try_compile)
  execute_process(COMMAND "${CMAKE_CURRENT_LIST_DIR}/debian-sysroot.sh" ${SYSROOT_NAME} RESULT_VARIABLE failed)
  if(failed)
    message(WARNING "Debian's packages for ${TRIPLET} cannot be had: fetching sources instead")
  endif()
endif()

set(CMAKE_FIND_ROOT_PATH "${sysroot}" "/usr/${TRIPLET}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
if(EXISTS "${sysroot}/usr/src/benchmark/CMakeLists.txt")
  set(FETCHCONTENT_SOURCE_DIR_BENCHMARK "${sysroot}/usr/src/benchmark")
endif()
