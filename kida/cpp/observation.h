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

// A view of the same arrays, wherever they live.
struct ObservationView {
  const float* row_features;
  const float* variable_features;
  const std::int32_t* row_starts;
  const std::int32_t* edge_columns;
  const float* edge_values;
  int rows;
  int variables;

  ObservationView(const float* row_features, const float* variable_features,
                  const std::int32_t* row_starts, const std::int32_t* edge_columns,
                  const float* edge_values, int rows, int variables)
      : row_features(row_features),
        variable_features(variable_features),
        row_starts(row_starts),
        edge_columns(edge_columns),
        edge_values(edge_values),
        rows(rows),
        variables(variables) {}
  ObservationView(const Observation& o)  // NOLINT: an observation is a view of itself
      : ObservationView(o.row_features.data(), o.variable_features.data(), o.row_starts.data(),
                        o.edge_columns.data(), o.edge_values.data(), o.rows(), o.variables()) {}
};

// Fill `observation` from the focus node's LP, which must be solved to optimality.
// Without `with_incumbent` the incumbent's two columns stay NaN: the network does not read them.
void observe(Scip* scip, bool with_incumbent, Observation& observation);

// Fill `statistics`, candidates x candidate_feature_count, with the solver's statistics of
// `candidates` at the focus node, whose LP must be solved to optimality.
void observe_candidates(Scip* scip, std::span<SCIP_Var* const> candidates,
                        std::vector<float>& statistics);

}  // namespace kida
