# A room includes itself and those before it in this list: arrows only go down. Tests may look at everything.
#
#   cmake -DSOURCE=<riffle> -P check_rooms.cmake
cmake_minimum_required(VERSION 3.25)
set(rooms base kernels engine models quantise io measure draw verify trainer bindings bench tools)

set(below "")
set(wrong "")
foreach(room IN LISTS rooms)
  list(APPEND below ${room})
  file(GLOB_RECURSE files RELATIVE "${SOURCE}" "${SOURCE}/${room}/*.cpp" "${SOURCE}/${room}/*.hpp" "${SOURCE}/${room}/*.h"
       "${SOURCE}/${room}/*.S")
  list(FILTER files EXCLUDE REGEX "_test\\.cpp$|/test[a-z_]*\\.[ch]pp$")
  foreach(file IN LISTS files)
    file(STRINGS "${SOURCE}/${file}" includes REGEX "^#include \"[a-z]+/")
    foreach(include IN LISTS includes)
      string(REGEX REPLACE "^#include \"([^/]+)/.*" "\\1" other "${include}")
      if(NOT other IN_LIST below AND NOT other STREQUAL "riffle")  # the public headers
        string(APPEND wrong "  ${file}: ${include}\n")
      endif()
    endforeach()
  endforeach()
endforeach()
if(wrong)
  message(FATAL_ERROR "Rooms include what stands above them (their order: ${rooms}):\n${wrong}")
endif()
