# cmake -DNM=nm -DOBJECTS="a.o;b.o" -P check_isa_symbols.cmake: no instruction set's object may define a function that
# another one defines too. The linker keeps one of them for all callers: it could be the one with AVX-512 in it.
cmake_minimum_required(VERSION 3.25)

set(seen "")
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND "${NM}" --defined-only "${object}" OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+ W [^\n]+" weak "${lines}")  # functions; data (V) is the same for all
  list(LENGTH weak count)
  message(STATUS "${object}: ${count} weak functions")
  list(TRANSFORM weak REPLACE "^.* W " "")
  foreach(symbol IN LISTS weak)
    if(symbol IN_LIST seen)
      message(FATAL_ERROR "${object} is not alone in defining ${symbol}")
    endif()
  endforeach()
  list(APPEND seen ${weak})
endforeach()
if(NOT seen)
  message(FATAL_ERROR "no weak function in any object: is this nm's output?")
endif()
