# Every relative link in a document leads to something that is there.
#
#   cmake -DSOURCE=<riffle> -P check_links.cmake
cmake_minimum_required(VERSION 3.25)
file(GLOB documents "${SOURCE}/*.md")
foreach(folder docs examples models tests)
  file(GLOB_RECURSE more "${SOURCE}/${folder}/*.md")
  list(APPEND documents ${more})
endforeach()

set(wrong "")
foreach(document IN LISTS documents)
  cmake_path(GET document PARENT_PATH folder)
  file(READ "${document}" text)
  # Brackets and semicolons would mean something in CMake's lists.
  string(REPLACE "](" "<link>" text "${text}")
  string(REGEX REPLACE "[][;]" " " text "${text}")
  string(REGEX MATCHALL "<link>[^)# ]+" links "${text}")
  foreach(link IN LISTS links)
    string(REPLACE "<link>" "" link "${link}")
    if(NOT link MATCHES "^[a-z]+:" AND NOT EXISTS "${folder}/${link}")
      string(APPEND wrong "  ${document}: ${link}\n")
    endif()
  endforeach()
endforeach()
if(wrong)
  message(FATAL_ERROR "Links that lead nowhere:\n${wrong}")
endif()
