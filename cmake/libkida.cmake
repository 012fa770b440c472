# libkida: the rule as a shared library for programs without Python.

# Which parameters a card may set is written in Python, and generated from there.
set(allowed_parameters ${CMAKE_CURRENT_BINARY_DIR}/generated/allowed_parameters.h)
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/generated)
add_custom_command(
  OUTPUT ${allowed_parameters}
  COMMAND ${Python_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/kida/cpp/allowed_parameters.py
          ${allowed_parameters}
  DEPENDS kida/cpp/allowed_parameters.py kida/parameters.py kida/errors.py)

add_library(
  libkida SHARED
  kida/cpp/json.cpp
  kida/cpp/card.cpp
  kida/cpp/policy.cpp
  kida/cpp/scip_parameters.cpp
  kida/cpp/text.cpp
  kida/cpp/c_api.cpp
  ${allowed_parameters})
target_link_libraries(libkida PRIVATE kida_rule kida_options)
target_compile_definitions(libkida PRIVATE KIDA_VERSION="${PROJECT_VERSION}")
include(GNUInstallDirs)
if(SKBUILD)
  # Archives of packages hold no links, so the file has one name.
  set(library_folder kida/lib)
  set(include_folder kida/include)
else()
  set(library_folder ${CMAKE_INSTALL_LIBDIR})
  set(include_folder ${CMAKE_INSTALL_INCLUDEDIR})
  set_target_properties(libkida PROPERTIES VERSION ${PROJECT_VERSION}
                                           SOVERSION ${PROJECT_VERSION_MAJOR})
endif()
target_include_directories(
  libkida
  PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/generated
  PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/kida/cpp/include>
         $<INSTALL_INTERFACE:${include_folder}>)
set_target_properties(libkida PROPERTIES PREFIX lib OUTPUT_NAME kida EXPORT_NAME kida)

# Templates of the standard library would be seen in spite of -fvisibility=hidden.
if(APPLE)
  target_link_options(libkida PRIVATE -Wl,-exported_symbol,_kida_*)
elseif(NOT WIN32)
  target_link_options(libkida PRIVATE
                      -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/libkida.map)
  set_target_properties(libkida PROPERTIES LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/libkida.map)
endif()

install(
  TARGETS libkida
  EXPORT kidaTargets
  LIBRARY DESTINATION ${library_folder}
  ARCHIVE DESTINATION ${library_folder}
  RUNTIME DESTINATION ${library_folder})
install(FILES kida/cpp/include/kida.h DESTINATION ${include_folder})
include(CMakePackageConfigHelpers)
set(config_folder ${library_folder}/cmake/kida)
configure_package_config_file(cmake/kidaConfig.cmake.in kidaConfig.cmake
                              INSTALL_DESTINATION ${config_folder})
write_basic_package_version_file(kidaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT kidaTargets NAMESPACE kida:: DESTINATION ${config_folder})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kidaConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/kidaConfigVersion.cmake DESTINATION ${config_folder})
if(NOT SKBUILD)
  install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/kida/models)
endif()
