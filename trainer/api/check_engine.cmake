# cmake -DNM=nm -DENGINE=libriffle.a -DTRAINER=libriffle_trainer.a -P check_engine.cmake: the engine's library neither
# defines nor asks for a function or variable of the trainer's.
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND "${NM}" --defined-only "${TRAINER}" OUTPUT_VARIABLE trainer COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${NM}" "${ENGINE}" OUTPUT_VARIABLE engine COMMAND_ERROR_IS_FATAL ANY)

# Templates' instances (W) may well be in both: they are whoever's comes first.
string(REGEX MATCHALL " [TDBR] [^\n]+" symbols "${trainer}")
list(TRANSFORM symbols REPLACE "^ [TDBR] " "")
list(FILTER symbols EXCLUDE REGEX "^(_GLOBAL|__asan|__odr_asan|DW\\.ref)")
list(LENGTH symbols count)
if(count LESS 10 OR NOT engine MATCHES " T riffle_session_run\n")
  message(FATAL_ERROR "${count} symbols in ${TRAINER}; riffle_session_run should be in ${ENGINE}: is this nm's output?")
endif()
foreach(symbol IN LISTS symbols)
  string(FIND "${engine}" " ${symbol}\n" found)
  if(NOT found EQUAL -1)
    message(FATAL_ERROR "${ENGINE} has the trainer's ${symbol}")
  endif()
endforeach()
if(engine MATCHES "[0-9](trainer|training)[0-9]")
  message(FATAL_ERROR "${ENGINE} speaks of a namespace of the trainer's: ${CMAKE_MATCH_0}")
endif()
message(STATUS "none of the trainer's ${count} symbols is in ${ENGINE}")
