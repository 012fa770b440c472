// The observation of the focus node: SCIP's LP as a bipartite graph with features, and what the
// solver has learned about the branching candidates.
//
// The twin of kida/observation.py, which says what each feature means; the enums here must list the
// same names in the same order (a test compares them).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scip_api.h"

// Lists of names are written once (features_*.h): as an enumeration here, for Python elsewhere.
#define KIDA_ENUMERATOR(name) name,

namespace kida {

enum RowFeature : int {
  bias,
  objective_cosine_similarity,
  is_tight,
  dual_solution_value,
  row_scaled_age,
  row_feature_count
};

enum VariableFeature : int {
  objective,
  is_type_binary,
  is_type_integer,
  is_type_implicit_integer,
  is_type_continuous,
  has_lower_bound,
  has_upper_bound,
  normed_reduced_cost,
  solution_value,
  solution_frac,
  is_solution_at_lower_bound,
  is_solution_at_upper_bound,
  variable_scaled_age,
  incumbent_value,
  average_incumbent_value,
  is_basis_lower,
  is_basis_basic,
  is_basis_upper,
  is_basis_zero,
  variable_feature_count
};

// The columns that a network may do without.
constexpr bool of_incumbent(int feature) {
  return feature == incumbent_value || feature == average_incumbent_value;
}

enum CandidateFeature : int {
  pseudocost_down,
  pseudocost_up,
  pseudocost_score,
  pseudocost_count_down,
  pseudocost_count_up,
  conflict_score,
  inference_score,
  cutoff_score,
  candidate_depth,
  candidate_feature_count
};

// Flat arrays; capacity is kept from node to node, so that nothing is allocated in the node loop.
struct Observation {
  std::vector<float> row_features;       // rows x row_feature_count
  std::vector<float> variable_features;  // variables x variable_feature_count
  std::vector<std::int32_t> row_starts;  // rows + 1
  std::vector<std::int32_t> edge_columns;
  std::vector<float> edge_values;

  int rows() const { return static_cast<int>(row_starts.size()) - 1; }
  int variables() const {
    return static_cast<int>(variable_features.size()) / variable_feature_count;
  }
};

// A node as the network sees it.
struct ObservedNode {
  Observation observation;
  std::vector<std::int32_t> candidates;   // variable indices
  std::vector<float> candidate_features;  // candidates x candidate_feature_count, where asked for
};

// A view of an observation's arrays, wherever they live.
struct ObservationView {
  const float* row_features;
  const float* variable_features;
  const std::int32_t* row_starts;
  const std::int32_t* edge_columns;
  const float* edge_values;
  int rows;
  int variables;
};

inline ObservationView view_of(const Observation& o) {
  return {.row_features = o.row_features.data(),
          .variable_features = o.variable_features.data(),
          .row_starts = o.row_starts.data(),
          .edge_columns = o.edge_columns.data(),
          .edge_values = o.edge_values.data(),
          .rows = o.rows(),
          .variables = o.variables()};
}

// What is scored, wherever it lives.
struct NodeView {
  ObservationView observation;
  std::span<const std::int32_t> candidates;   // variable indices
  std::span<const float> candidate_features;  // as observe_candidates fills them
};

inline NodeView view_of(const ObservedNode& node) {
  return {view_of(node.observation), node.candidates, node.candidate_features};
}

// The variable's type as a feature: is_type_binary to is_type_continuous.
int type_feature(SCIP_Var* variable);

// The variable's value in the LP's solution. One outside the LP reports its best bound, or 0 in
// place of an infinite one.
double lp_value(Scip* scip, SCIP_Var* variable);

// Fill `observation` from the focus node's LP, which must be solved to optimality.
// Without `with_incumbent` the incumbent's two columns stay NaN, for networks that do not read
// them.
void observe(Scip* scip, bool with_incumbent, Observation& observation);

// Fill `features`, candidates x candidate_feature_count, with what the solver has learned of
// `candidates` at the focus node, whose LP must be solved to optimality.
void observe_candidates(Scip* scip, std::span<SCIP_Var* const> candidates,
                        std::vector<float>& features);

}  // namespace kida
