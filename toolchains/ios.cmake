# iOS, with Xcode: a static library for an app's project.
#
#   cmake --preset ios && cmake --build --preset ios && cmake --install build/ios --prefix ios-riffle
#
# -DCMAKE_OSX_SYSROOT=iphonesimulator builds for the simulator.
set(CMAKE_SYSTEM_NAME iOS)
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CMAKE_OSX_ARCHITECTURES arm64)
if(NOT DEFINED CMAKE_OSX_DEPLOYMENT_TARGET)
  set(CMAKE_OSX_DEPLOYMENT_TARGET 14.0)
endif()
