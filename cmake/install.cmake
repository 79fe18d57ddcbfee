# What `cmake --install` copies: the engine's libraries and headers, the riffle program, and what find_package(riffle)
# and pkg-config read. All of it may be moved to another place. Neither xsimd nor FlatBuffers is
# needed any more.
include(CMakePackageConfigHelpers)

set(package_directory "${CMAKE_INSTALL_LIBDIR}/cmake/riffle")
set_target_properties(riffle PROPERTIES EXPORT_NAME static)
install(TARGETS riffle EXPORT riffle_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET riffle_shared)
  set_target_properties(riffle_shared PROPERTIES EXPORT_NAME shared)
  install(TARGETS riffle_shared EXPORT riffle_targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET riffle_cli)
  install(TARGETS riffle_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY engine/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT riffle_targets NAMESPACE riffle:: FILE riffle-targets.cmake DESTINATION ${package_directory})

# The trainer, beside the rest where it is asked for (cmake --install ... --component trainer): riffle::trainer and the
# libraries that it stands on. Whoever links it needs those that read files, too, so that it cannot be installed where
# one of them was fetched for this build alone.
get_property(fetched GLOBAL PROPERTY RIFFLE_FETCHED)
list(FILTER fetched INCLUDE REGEX "^(zlib|libpng|libjpeg|protobuf)$")
if(RIFFLE_TRAINER AND NOT fetched)
  set(exported "")
  foreach(library trainer models quantise io description draw measure onnx onnx_proto)
    set_target_properties(riffle_${library} PROPERTIES EXPORT_NAME ${library})
    list(APPEND exported riffle_${library})
  endforeach()
  install(TARGETS ${exported} EXPORT riffle_trainer_targets
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT trainer EXCLUDE_FROM_ALL)
  install(DIRECTORY trainer/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT trainer EXCLUDE_FROM_ALL)
  install(EXPORT riffle_trainer_targets NAMESPACE riffle:: FILE riffle-trainer-targets.cmake
          DESTINATION ${package_directory} COMPONENT trainer EXCLUDE_FROM_ALL)
endif()

if(TARGET OpenMP::OpenMP_CXX)
  set(RIFFLE_TRAINER_NEEDS_OPENMP ON)
else()
  set(RIFFLE_TRAINER_NEEDS_OPENMP OFF)
endif()
configure_package_config_file(cmake/riffle-config.cmake.in "${PROJECT_BINARY_DIR}/riffle-config.cmake"
                              INSTALL_DESTINATION ${package_directory} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/riffle-config-version.cmake" COMPATIBILITY SameMajorVersion)
install(FILES "${PROJECT_BINARY_DIR}/riffle-config.cmake" "${PROJECT_BINARY_DIR}/riffle-config-version.cmake"
              cmake/riffle-embed.cmake cmake/riffle-embed.c.in cmake/riffle-embed.h.in
        DESTINATION ${package_directory})

# pkg-config: what the static library needs of a program that a C compiler links.
set(libraries "")
foreach(library IN LISTS CMAKE_CXX_IMPLICIT_LINK_LIBRARIES)
  if(library MATCHES "^(stdc\\+\\+|c\\+\\+|c\\+\\+abi)$")
    list(APPEND libraries "-l${library}")
  endif()
endforeach()
list(APPEND libraries -lm ${CMAKE_THREAD_LIBS_INIT})
if(NOT "-lpthread" IN_LIST libraries AND NOT ANDROID)
  list(APPEND libraries -lpthread)
endif()
list(REMOVE_DUPLICATES libraries)
list(JOIN libraries " " libraries)
if(TARGET riffle_shared)
  set(RIFFLE_PC_LIBS "")
  set(RIFFLE_PC_PRIVATE " ${libraries}")
else()
  set(RIFFLE_PC_LIBS " ${libraries}")
  set(RIFFLE_PC_PRIVATE "")
endif()
file(RELATIVE_PATH RIFFLE_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" RIFFLE_PC_PREFIX "${RIFFLE_PC_PREFIX}")
configure_file(cmake/riffle.pc.in "${PROJECT_BINARY_DIR}/riffle.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/riffle.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# cpack -G DEB
if(PROJECT_IS_TOP_LEVEL)
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGE_NAME riffle-dev)
  set(CPACK_PACKAGE_VENDOR riffle)
  set(CPACK_PACKAGE_CONTACT "The riffle developers <riffle@localhost>")
  set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}: library and tool")
  set(CPACK_PACKAGE_DESCRIPTION "Headers, static and shared library, CMake and pkg-config files, and the riffle program.")
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_STRIP_FILES ON)
  set(CPACK_VERBATIM_VARIABLES ON)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                  WORLD_READ WORLD_EXECUTE)
  install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/riffle-dev)
  include(CPack)
endif()
