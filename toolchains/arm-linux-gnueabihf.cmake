# 32-bit ARMv7 Linux with Debian's g++-arm-linux-gnueabihf; programs run under qemu-user. The baseline is Debian's
# (ARMv7-A with vfpv3-d16): only the NEON kernels are compiled for NEON, and are used where the CPU has it.
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(TRIPLET arm-linux-gnueabihf)
set(SYSROOT_NAME armv7)
set(CMAKE_C_COMPILER arm-linux-gnueabihf-gcc)
set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)
# GCC 7 changed how some C++ types are passed; nothing here was built by an older one.
set(CMAKE_CXX_FLAGS_INIT -Wno-psabi)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-arm)
include("${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake")
