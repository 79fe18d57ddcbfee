# How tests are declared.
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

# A process of a sanitizer's or under an emulator takes longer to start than most tests take.
if(CMAKE_CROSSCOMPILING OR CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  set(RIFFLE_SLOW_START ON)
endif()

# riffle_test(<name> [LONG] [OPTIMISED] [EMULATED_FILTER <filter>] SOURCES ... LIBRARIES ...): one GoogleTest program.
# Each of its tests is a CTest test; where processes start slowly, all of them together are one, which counts as skipped
# where one of them is and none fails.
# LONG: its tests take seconds. They are CTest tests everywhere, and are started before the others, so that none of them
# is left over when the other cores have nothing more to do. They have the label "long".
# OPTIMISED: its own arithmetic takes its time, as a long one's does.
# EMULATED_FILTER: what an emulator runs of them, as --gtest_filter has it. Arithmetic takes fifty times as long there:
# what trains and does not depend on the machine is left out.
# RIFFLE_TESTS_LEFT_OUT names programs that are built if asked for alone, and not run.
function(riffle_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "LONG;OPTIMISED" "EMULATED_FILTER" "SOURCES;LIBRARIES")
  add_executable(${name} ${arg_SOURCES})
  riffle_own(${name})
  # What is tested is optimised as it ships. The program around it need not be, and is compiled sooner; and sooner still
  # a few files at a time, which share what they include.
  if(arg_LONG OR arg_OPTIMISED)
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  else()
    target_compile_options(${name} PRIVATE -O0)
  endif()
  if(NOT RIFFLE_UNITY)
    riffle_unity(${name} 4)
  endif()
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} GTest::gtest_main)
  if(name IN_LIST RIFFLE_TESTS_LEFT_OUT)
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    return()
  endif()
  set(filter "*")
  if(arg_EMULATED_FILTER AND CMAKE_CROSSCOMPILING)
    set(filter "${arg_EMULATED_FILTER}")
  endif()
  set(cost 0)
  set(labels "${RIFFLE_TEST_LABEL}")
  if(arg_LONG)
    set(cost 10)
    list(APPEND labels long)
  endif()
  if(RIFFLE_SLOW_START AND NOT arg_LONG)
    set(test "${RIFFLE_TEST_PREFIX}${name}")
    add_test(NAME ${test} COMMAND ${name} "--gtest_filter=${filter}")
    # The list of skipped tests is what GoogleTest says last, unless a test has failed or the program has.
    set_tests_properties(${test} PROPERTIES
      LABELS "${RIFFLE_TEST_LABEL}" TIMEOUT 600 COST 5 ENVIRONMENT "${RIFFLE_TEST_ENVIRONMENT}"
      SKIP_REGULAR_EXPRESSION "tests?, listed below:\n(\\[  SKIPPED \\] [^\n]*\n)*\\[  SKIPPED \\] [^\n]*\n?$")
    return()
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${RIFFLE_TEST_PREFIX}${name}." DISCOVERY_TIMEOUT 120 NO_PRETTY_VALUES
                       TEST_FILTER "${filter}" TEST_LIST ${name}_tests
                       PROPERTIES TIMEOUT 600 COST ${cost})
  # Lists, which gtest_discover_tests would take apart, are set where CTest reads the tests.
  set(script "${CMAKE_CURRENT_BINARY_DIR}/${name}_lists.cmake")
  file(WRITE "${script}" "foreach(test IN LISTS ${name}_tests)
  set_tests_properties(\"\${test}\" PROPERTIES LABELS \"${labels}\" ENVIRONMENT \"${RIFFLE_TEST_ENVIRONMENT}\")
endforeach()
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${script}")
endfunction()

# riffle_failing_calls(<name> <source> ...): adds sources that let calls of the system fail (tests/failing_calls.hpp),
# where the linker can put something before them and they have these names (RIFFLE_HAS_FAILING_CALLS). An emulator would
# take long for what does not depend on the processor.
set(RIFFLE_HAS_FAILING_CALLS ON)
if(CMAKE_CROSSCOMPILING OR NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR CMAKE_SIZEOF_VOID_P EQUAL 4)
  set(RIFFLE_HAS_FAILING_CALLS OFF)
endif()
function(riffle_failing_calls name)
  if(NOT RIFFLE_HAS_FAILING_CALLS)
    return()
  endif()
  target_sources(${name} PRIVATE ${ARGN})
  foreach(call open close fcntl stat lstat fstat access readlink pread write flock fchown fchmod fsync rename unlink madvise
               mmap fopen pthread_create)
    target_link_options(${name} PRIVATE "LINKER:--wrap=${call}")
  endforeach()
endfunction()

# riffle_fuzz(<name> [LENGTH <bytes>] SOURCES ... LIBRARIES ... [CORPUS <folder> ...]): one libFuzzer program, and a CTest
# test that runs it for five seconds, from the seeds in the folders, with inputs of at most so many bytes, 4096 unless it
# is said. What it finds to be new goes to the build tree, where the next run begins. tests/fuzz/campaign.py runs all of
# them for hours.
function(riffle_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LENGTH" "SOURCES;LIBRARIES;CORPUS")
  if(NOT arg_LENGTH)
    set(arg_LENGTH 4096)
  endif()
  add_executable(${name} ${arg_SOURCES})
  riffle_own(${name})
  riffle_fuzzed(${name})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES})
  set(found "${CMAKE_CURRENT_BINARY_DIR}/${name}.corpus")
  file(MAKE_DIRECTORY "${found}")
  add_test(NAME ${RIFFLE_TEST_PREFIX}${name}
           COMMAND ${name} -max_total_time=5 -max_len=${arg_LENGTH} -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 "${found}" ${arg_CORPUS})
  set_tests_properties(${RIFFLE_TEST_PREFIX}${name} PROPERTIES LABELS "${RIFFLE_TEST_LABEL}" TIMEOUT 600 COST 60
                                                               ENVIRONMENT "${RIFFLE_TEST_ENVIRONMENT}")
endfunction()
