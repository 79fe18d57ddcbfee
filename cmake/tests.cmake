# How tests are declared. Every TEST of a GoogleTest program is a CTest test, so that a skipped one is seen.
include(GoogleTest)

# Archer tells ThreadSanitizer what OpenMP's barriers order; without it every barrier looks like a race.
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=thread" AND TARGET OpenMP::OpenMP_CXX)
  get_filename_component(openmp_directory "${OpenMP_omp_LIBRARY}" REALPATH)
  get_filename_component(openmp_directory "${openmp_directory}" DIRECTORY)
  file(GLOB llvm_directories /usr/lib/llvm-*/lib)
  find_library(RIFFLE_ARCHER archer HINTS "${openmp_directory}" PATHS ${llvm_directories} REQUIRED)
  list(APPEND RIFFLE_TEST_ENVIRONMENT "OMP_TOOL_LIBRARIES=${RIFFLE_ARCHER}")
endif()

if(RIFFLE_TEST_LABEL)
  set(RIFFLE_TEST_PREFIX "${RIFFLE_TEST_LABEL}.")
endif()

# riffle_test(<name> [LONG] SOURCES ... LIBRARIES ...): one GoogleTest program. LONG: its tests take seconds, and are
# started before the others, so that none of them is left over when the other cores have nothing more to do.
function(riffle_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "LONG" "" "SOURCES;LIBRARIES")
  add_executable(${name} ${arg_SOURCES})
  riffle_own(${name})
  # What is tested is optimised as it ships. The program around it need not be, and is compiled sooner.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} GTest::gtest_main)
  set(cost 0)
  if(arg_LONG)
    set(cost 10)
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${RIFFLE_TEST_PREFIX}${name}." DISCOVERY_TIMEOUT 120 NO_PRETTY_VALUES
                       TEST_LIST ${name}_tests PROPERTIES LABELS "${RIFFLE_TEST_LABEL}" TIMEOUT 600
                       COST ${cost})
  # The environment is a list, which gtest_discover_tests would take apart: it is set where CTest reads the tests.
  set(script "${CMAKE_CURRENT_BINARY_DIR}/${name}_environment.cmake")
  file(WRITE "${script}" "foreach(test IN LISTS ${name}_tests)
  set_tests_properties(\"\${test}\" PROPERTIES ENVIRONMENT \"${RIFFLE_TEST_ENVIRONMENT}\")
endforeach()
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${script}")
endfunction()

# riffle_fuzz(<name> SOURCES ... LIBRARIES ... [CORPUS <folder> ...]): one libFuzzer program, and a CTest test that
# runs it for a minute from the seeds in the folders. What it finds to be new goes to the build tree.
function(riffle_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES;CORPUS")
  add_executable(${name} ${arg_SOURCES})
  riffle_own(${name})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES})
  set(found "${CMAKE_CURRENT_BINARY_DIR}/${name}.corpus")
  file(MAKE_DIRECTORY "${found}")
  add_test(NAME ${RIFFLE_TEST_PREFIX}${name}
           COMMAND ${name} -max_total_time=60 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 "${found}" ${arg_CORPUS})
  set_tests_properties(${RIFFLE_TEST_PREFIX}${name} PROPERTIES LABELS "${RIFFLE_TEST_LABEL}" TIMEOUT 600 COST 60
                                                               ENVIRONMENT "${RIFFLE_TEST_ENVIRONMENT}")
endfunction()
