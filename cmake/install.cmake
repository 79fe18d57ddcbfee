# find_package(riffle) for other projects: riffle::engine, a static library with a C and a C++ header. It needs OpenMP
# if it was built with it, and neither xsimd nor FlatBuffers.
include(CMakePackageConfigHelpers)

set(package_directory "${CMAKE_INSTALL_LIBDIR}/cmake/riffle")
set_target_properties(riffle PROPERTIES EXPORT_NAME engine)
install(TARGETS riffle EXPORT riffle_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET riffle_cli)
  install(TARGETS riffle_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY engine/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT riffle_targets NAMESPACE riffle:: FILE riffle-targets.cmake DESTINATION ${package_directory})

if(TARGET OpenMP::OpenMP_CXX)
  set(RIFFLE_NEEDS_OPENMP ON)
else()
  set(RIFFLE_NEEDS_OPENMP OFF)
endif()
configure_package_config_file(cmake/riffle-config.cmake.in "${PROJECT_BINARY_DIR}/riffle-config.cmake"
                              INSTALL_DESTINATION ${package_directory} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/riffle-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/riffle-config.cmake" "${PROJECT_BINARY_DIR}/riffle-config-version.cmake"
        DESTINATION ${package_directory})
