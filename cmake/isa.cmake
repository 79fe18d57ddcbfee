# The instruction sets: one object file each, all from the same bodies.
#
# An instruction set is a row here (its name and its compiler flags), a file <name>.cpp in the folders that are handed to
# riffle_isa_sources() below, where it has kernels there, and a line in kernels/isa/dispatch.cpp.
set(rows_x86 "avx512fp16:-mavx512f -mavx512bw -mavx512vl -mavx512fp16 -mavx2 -mfma" "amxbf16:-mavx512f -mavx512bw -mavx512vl -mavx512bf16 -mavx2 -mfma" "avx512bf16:-mavx512f -mavx512bw -mavx512vl -mavx512bf16 -mavx2 -mfma" "amxint8:-mavx512f -mavx512bw -mavx512vl -mavx512vnni -mavx512vbmi -mavx512vbmi2 -mavx2 -mfma" "avx512vnni:-mavx512f -mavx512bw -mavx512vl -mavx512vnni -mavx512vbmi -mavx512vbmi2 -mavx2 -mfma" "avx512f:-mavx512f -mavx2 -mfma" "avxvnni:-mavxvnni -mavx2 -mfma" "avx2:-mavx2 -mfma -mf16c" "sse2:-msse2")
set(rows_arm64 "neon64bf16:-march=armv8.2-a+bf16" "neon64i8mm:-march=armv8.2-a+dotprod+i8mm" "neon64dot:-march=armv8.2-a+dotprod" "neon64fp16:-march=armv8.2-a+fp16" "neon64:")
# Those that have layers of bytes alone.
set(RIFFLE_BYTE_ISAS amxint8 avx512vnni avxvnni neon64i8mm neon64dot)
set(rows_arm "neon:-mfpu=neon-vfpv4")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i.86)$")
  set(rows ${rows_x86})
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(rows ${rows_arm64})
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^arm")
  set(rows ${rows_arm})
else()
  set(rows "")
endif()
if(RIFFLE_ISAS)
  # The list may name those of several processors: what is not this one's is left out, as long as something remains.
  set(RIFFLE_ISA_ROWS "")
  foreach(row IN LISTS rows)  # best first, whatever the order in RIFFLE_ISAS
    string(REGEX REPLACE ":.*" "" isa "${row}")
    if(isa IN_LIST RIFFLE_ISAS OR (isa STREQUAL "neon64" AND RIFFLE_ISAS MATCHES "neon64(fp16|bf16|dot|i8mm)")  # half of it is there
       OR (isa STREQUAL "neon64dot" AND "neon64i8mm" IN_LIST RIFFLE_ISAS)
       OR (isa STREQUAL "avx512vnni" AND "amxint8" IN_LIST RIFFLE_ISAS)
       OR (isa STREQUAL "avx512bf16" AND "amxbf16" IN_LIST RIFFLE_ISAS)
       OR (isa STREQUAL "avx512f" AND RIFFLE_ISAS MATCHES "avx512(fp16|bf16|vnni)|amx")
       OR (isa STREQUAL "avx2" AND "avxvnni" IN_LIST RIFFLE_ISAS))
      list(APPEND RIFFLE_ISA_ROWS "${row}")
    endif()
  endforeach()
  set(names ${rows_x86} ${rows_arm64} ${rows_arm})
  list(TRANSFORM names REPLACE ":.*" "")
  foreach(isa IN LISTS RIFFLE_ISAS)
    if(NOT isa IN_LIST names AND NOT isa STREQUAL "scalar")
      message(FATAL_ERROR "RIFFLE_ISAS: '${isa}' is none of ${names};scalar")
    endif()
  endforeach()
  if(NOT RIFFLE_ISA_ROWS AND NOT "scalar" IN_LIST RIFFLE_ISAS)
    message(FATAL_ERROR "RIFFLE_ISAS: none of ${RIFFLE_ISAS} is for ${CMAKE_SYSTEM_PROCESSOR}")
  endif()
else()
  set(RIFFLE_ISA_ROWS "${rows}")
endif()
if(NOT "quantised" IN_LIST RIFFLE_OPERATIONS)
  foreach(isa IN LISTS RIFFLE_BYTE_ISAS)
    list(FILTER RIFFLE_ISA_ROWS EXCLUDE REGEX "^${isa}:")
  endforeach()
endif()
# Left to itself, a compiler fuses a multiply-add in one tile and not in another: results would depend on how tiles are cut.
set(scalar_row "scalar:-ffp-contract=off")
# The last one runs everywhere. Where that is NEON64 or SSE2, scalar may be left out.
if(NOT RIFFLE_ISAS OR "scalar" IN_LIST RIFFLE_ISAS OR NOT RIFFLE_ISA_ROWS MATCHES "(neon64|sse2):[^;]*$")
  list(APPEND RIFFLE_ISA_ROWS "${scalar_row}")
endif()

# The names alone, and the definitions RIFFLE_HAS_<NAME> that a list of tables reads.
set(RIFFLE_ISA_NAMES "${RIFFLE_ISA_ROWS}")
list(TRANSFORM RIFFLE_ISA_NAMES REPLACE ":.*" "")
list(TRANSFORM RIFFLE_ISA_NAMES TOUPPER OUTPUT_VARIABLE RIFFLE_ISA_DEFINITIONS)
list(TRANSFORM RIFFLE_ISA_DEFINITIONS PREPEND "RIFFLE_HAS_")

# riffle_isa_sources(<target> <folder>): adds the folder's <name>.cpp of every instruction set, each compiled for its own.
function(riffle_isa_sources target folder)
  foreach(row IN LISTS RIFFLE_ISA_ROWS)
    string(REGEX MATCH "^([^:]*):(.*)$" _ "${row}")
    set(isa "${CMAKE_MATCH_1}")
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/${isa}.cpp")
      continue()
    endif()
    separate_arguments(flags UNIX_COMMAND "${CMAKE_MATCH_2}")
    # GCC's scheduling before register allocation tears a register tile apart on ARM: 32 registers, and it spills.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND isa MATCHES "neon")
      list(APPEND flags -fno-schedule-insns)
    endif()
    # GCC 12's own AVX-512 header trips these in every inlined intrinsic (its bug 105593), and the reports take minutes.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND isa MATCHES "avx512|amx")
      list(APPEND flags -Wno-maybe-uninitialized -Wno-uninitialized)
    endif()
    # Of a build for size, only vectors are compiled for speed.
    set(level $<IF:$<CONFIG:MinSizeRel>,-O2,-O3>)
    if(isa STREQUAL "scalar")
      set(level $<IF:$<CONFIG:MinSizeRel>,-Os,-O3>)
    endif()
    list(APPEND flags $<$<CONFIG:MinSizeRel>:-fno-exceptions> $<$<CONFIG:MinSizeRel>:-fno-asynchronous-unwind-tables>)
    target_sources(${target} PRIVATE ${folder}/${isa}.cpp)
    # Optimised even in a debug build: an unoptimised vector body tests nothing that ships, and takes minutes.
    set_source_files_properties(${folder}/${isa}.cpp PROPERTIES COMPILE_OPTIONS "${level};${flags};${RIFFLE_KERNEL_OPTIONS}")
  endforeach()
endfunction()

# riffle_isa_test(<target>): an optimised build inlines what instruction sets share; what is left of the target's objects
# must be each one's own.
function(riffle_isa_test target)
  if(RIFFLE_TESTS AND CMAKE_NM AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    set(test "${RIFFLE_TEST_PREFIX}${target}_share_no_function")
    add_test(NAME ${test}
             COMMAND ${CMAKE_COMMAND} "-DNM=${CMAKE_NM}"
                     "-DOBJECTS=$<FILTER:$<TARGET_OBJECTS:${target}>,INCLUDE,/isa/>"
                     -P "${PROJECT_SOURCE_DIR}/cmake/check_isa_symbols.cmake")
    set_tests_properties(${test} PROPERTIES LABELS "${RIFFLE_TEST_LABEL}")
  endif()
endfunction()
