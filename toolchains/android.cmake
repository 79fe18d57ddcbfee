# Android, over the NDK's own toolchain file: the environment variable ANDROID_NDK_ROOT says where the NDK is.
#
#   cmake --preset android-arm64 && cmake --build --preset android-arm64       (android-armv7, android-x86_64)
#
# The programs need nothing from the device but its C library: adb push build/android-arm64/bin/riffle_bench /data/local/tmp.
if(NOT DEFINED ENV{ANDROID_NDK_ROOT})
  message(FATAL_ERROR "set ANDROID_NDK_ROOT to the folder of the Android NDK")
endif()
if(NOT DEFINED ANDROID_ABI)
  set(ANDROID_ABI arm64-v8a)
endif()
if(NOT DEFINED ANDROID_PLATFORM)
  set(ANDROID_PLATFORM android-24)
endif()
set(ANDROID_STL c++_static)
# The trainer's.
set(OpenMP_CXX_FLAGS "-fopenmp -static-openmp")
include("$ENV{ANDROID_NDK_ROOT}/build/cmake/android.toolchain.cmake")
