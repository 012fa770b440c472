# The module kida._core: the rule as Python sees it. Built against the stable interface of Python
# where there is one for nanobind (from 3.12 on), so that one file serves all later versions.
nanobind_add_module(
  _core
  STABLE_ABI
  NB_STATIC
  kida/cpp/bound_recorder.cpp
  kida/cpp/sleeper.cpp
  kida/cpp/solver_thread.cpp
  kida/cpp/stepped_solve.cpp
  kida/cpp/decision_points.cpp
  kida/cpp/pending_exception.cpp
  kida/cpp/bindings_network.cpp
  kida/cpp/bindings_steering.cpp
  kida/cpp/bindings_branchrule.cpp
  kida/cpp/features_khalil.cpp
  kida/cpp/features_problem.cpp
  kida/cpp/features_tree_gate.cpp
  kida/cpp/tree_recorder.cpp
  kida/cpp/bindings_features.cpp
  kida/cpp/bindings_stepping.cpp
  kida/cpp/bindings.cpp)
find_package(Threads REQUIRED)
target_link_libraries(_core PRIVATE kida_rule kida_options Threads::Threads)
install(TARGETS _core LIBRARY DESTINATION kida)

# Types of the native core, for editors and type checkers. A sanitized module cannot be imported
# while it is built.
if(NOT KIDA_SANITIZE)
  nanobind_add_stub(
    _core_stub
    MODULE _core
    OUTPUT _core.pyi
    PYTHON_PATH $<TARGET_FILE_DIR:_core>
    DEPENDS _core)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/_core.pyi DESTINATION kida)
endif()
install(DIRECTORY models/ DESTINATION kida/models)
