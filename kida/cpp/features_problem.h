// The whole problem as a bipartite graph of linear constraints and variables, whatever the LP of a
// node has of them.
//
// The twin of kida/env/observation/static_graph.py, which says what each feature means; the enum
// here must list the same names in the same order (a test compares them).
#pragma once

#include <cstdint>
#include <vector>

#include "observation.h"

namespace kida {

namespace problem {

// clang-format off
#define KIDA_PROBLEM_VARIABLE_FEATURES(X)                                                          \
  X(objective) X(is_type_binary) X(is_type_integer) X(is_type_implicit_integer)                    \
  X(is_type_continuous) X(has_lower_bound) X(has_upper_bound) X(lower_bound) X(upper_bound)
// clang-format on

enum VariableFeature : int {
  KIDA_PROBLEM_VARIABLE_FEATURES(KIDA_ENUMERATOR) variable_feature_count
};

}  // namespace problem

struct ProblemGraph {
  std::vector<double> variable_features;  // variables x problem::variable_feature_count
  std::vector<double> bias;               // of each constraint's side
  std::vector<std::int32_t> row_starts;   // sides + 1
  std::vector<std::int32_t> edge_columns;
  std::vector<double> edge_values;
  int left_out = 0;  // constraints that are not linear
};

// Fill `graph` from the problem as it stands: the original one before the solve, the presolved one
// in it. Minimised, and as "<=": a constraint stands once for each finite side, its left-hand side
// first and negated.
void observe_problem(Scip* scip, ProblemGraph& graph);

}  // namespace kida
