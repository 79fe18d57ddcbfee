# riffle_embed_model(<target> <model.riffle> [NAME <name>]): the model becomes a part of the target, which includes
# "<name>.h" and finds there
#
#   extern const void* const <name>;      64-byte aligned
#   extern const size_t <name>_size;      bytes
#
# NAME is by default the file's name with every character that C does not take in a name replaced: fashion_riffle. The
# assembler reads the file (.incbin), so that it takes no time, a change is noticed, and a cross build needs nothing of
# this machine; GCC or clang is needed. `riffle embed` writes the same as portable C.

function(riffle_embed_model target model)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "NAME" "")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "riffle_embed_model: what is '${arg_UNPARSED_ARGUMENTS}'?")
  endif()
  get_filename_component(RIFFLE_EMBED_FILE "${model}" ABSOLUTE)
  if(NOT EXISTS "${RIFFLE_EMBED_FILE}")
    message(FATAL_ERROR "riffle_embed_model: there is no ${RIFFLE_EMBED_FILE}")
  endif()
  file(READ "${RIFFLE_EMBED_FILE}" identifier OFFSET 4 LIMIT 4 HEX)
  if(NOT identifier STREQUAL "5246464c")  # RFFL
    message(FATAL_ERROR "riffle_embed_model: ${RIFFLE_EMBED_FILE} is no .riffle model")
  endif()
  if("${RIFFLE_EMBED_FILE}" MATCHES "[\"\\\\]")
    message(FATAL_ERROR "riffle_embed_model: a path with a quote or a backslash cannot be told to the assembler")
  endif()
  set(RIFFLE_EMBED_NAME "${arg_NAME}")
  if(NOT arg_NAME)
    get_filename_component(file_name "${model}" NAME)
    string(MAKE_C_IDENTIFIER "${file_name}" RIFFLE_EMBED_NAME)
  elseif(NOT arg_NAME MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
    message(FATAL_ERROR "riffle_embed_model: NAME '${arg_NAME}' is no name in C")
  endif()
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  set(suffix c)
  if(NOT "C" IN_LIST languages)
    set(suffix cpp)
  endif()
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/riffle_embed/${target}")
  set(source "${folder}/${RIFFLE_EMBED_NAME}.${suffix}")
  configure_file("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/riffle-embed.h.in" "${folder}/${RIFFLE_EMBED_NAME}.h" @ONLY)
  configure_file("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/riffle-embed.c.in" "${source}" @ONLY)
  set_source_files_properties("${source}" PROPERTIES OBJECT_DEPENDS "${RIFFLE_EMBED_FILE}")
  target_sources(${target} PRIVATE "${source}")
  target_include_directories(${target} PRIVATE "${folder}")
endfunction()
