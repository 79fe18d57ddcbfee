# Android, over the NDK's own toolchain file: the environment variable ANDROID_NDK_ROOT says where the NDK is.
#
#   cmake -G Ninja -B build/android --toolchain toolchains/android.cmake -DRIFFLE_TESTS=OFF [-DANDROID_ABI=armeabi-v7a]
#
# The programs need nothing from the device but its C library: adb push build/android/bin/riffle_bench /data/local/tmp.
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
set(OpenMP_CXX_FLAGS "-fopenmp -static-openmp")
include("$ENV{ANDROID_NDK_ROOT}/build/cmake/android.toolchain.cmake")
