// The features of TreeGate (Zarpellon et al., AAAI 2021, arXiv:2002.05120): 25 of a branching
// candidate and 61 of the tree, 8 of which are the focus node's.
//
// The twin of kida/env/observation/tree_gate.py, which says what each feature means; the enums here
// must list the same names in the same order (a test compares them).
#pragma once

#include <span>
#include <vector>

#include "observation.h"
#include "tree_recorder.h"

namespace kida {

namespace tree_gate {

// clang-format off
#define KIDA_TREE_GATE_CANDIDATE_FEATURES(X)                                                       \
  X(fraction) X(average_solution) X(branch_depth_up) X(branch_depth_down) X(conflict_score)        \
  X(conflict_length_score) X(inference_score) X(cutoff_score) X(pseudocost_score)                  \
  X(pseudocost_count_up_share) X(pseudocost_count_down_share)                                      \
  X(pseudocost_count_up_by_branchings) X(pseudocost_count_down_by_branchings)                      \
  X(pseudocost_count_up_by_decisions) X(pseudocost_count_down_by_decisions) X(implications_down)   \
  X(implications_up) X(cliques_down) X(cliques_up) X(cutoffs_up) X(cutoffs_down)                   \
  X(conflict_length_up) X(conflict_length_down) X(inferences_up) X(inferences_down)
// clang-format on

enum CandidateFeature : int {
  KIDA_TREE_GATE_CANDIDATE_FEATURES(KIDA_ENUMERATOR) candidate_feature_count
};

// clang-format off
#define KIDA_TREE_GATE_TREE_FEATURES(X)                                                            \
  /* the focus node */                                                                             \
  X(node_depth) X(node_plunge_depth) X(node_bound_distance) X(node_root_distance)                  \
  X(node_upper_distance) X(node_position) X(node_candidates) X(node_bound_changes)                 \
  /* nodes and leaves */                                                                           \
  X(objective_leaves) X(infeasible_leaves) X(feasible_leaves) X(infeasible_to_objective_leaves)    \
  X(nodes_left) X(leaves) X(internal_nodes) X(processed_to_created)                                \
  /* depth and backtracks */                                                                       \
  X(activated_nodes) X(deactivated_nodes) X(plunge_depth) X(backtracks)                            \
  /* lps */                                                                                        \
  X(log_iterations_per_node) X(log_lps_per_node) X(nodes_per_lp) X(node_lps)                       \
  /* gap */                                                                                        \
  X(log_primal_dual_integral) X(gap_to_last) X(gap_to_first) X(last_gap_to_first)                  \
  /* bounds and solutions */                                                                       \
  X(root_to_bound) X(root_to_average_bound) X(upper_to_bound) X(is_upper_solution)                 \
  X(nodes_before_first)                                                                            \
  /* scores, averaged over all variables */                                                        \
  X(mean_conflict_score) X(mean_conflict_length_score) X(mean_inference_score)                     \
  X(mean_cutoff_score) X(mean_pseudocost_score) X(mean_cutoffs_up) X(mean_cutoffs_down)            \
  X(mean_inferences_up) X(mean_inferences_down) X(pseudocost_variance_up)                          \
  X(pseudocost_variance_down) X(conflicts_applied)                                                 \
  /* bounds of the open nodes */                                                                   \
  X(open_at_lowest) X(open_at_highest) X(open_bound_to_highest) X(open_lowest_to_highest)          \
  X(open_lowest_to_upper) X(open_highest_to_upper) X(open_mean_position) X(open_lowest_position)   \
  X(open_highest_position) X(open_quartile_distance) X(open_variation)                             \
  X(open_quartile_dispersion)                                                                      \
  /* depths of the open nodes */                                                                   \
  X(open_depth_mean) X(open_depth_quartile_distance) X(open_depth_variation)                       \
  X(open_depth_quartile_dispersion)
// clang-format on

enum TreeFeature : int { KIDA_TREE_GATE_TREE_FEATURES(KIDA_ENUMERATOR) tree_feature_count };

}  // namespace tree_gate

// Both at the focus node, whose LP must be solved to optimality.
void observe_tree_gate_candidates(Scip* scip, const TreeRecorder& recorder,
                                  std::span<SCIP_Var* const> candidates,
                                  std::vector<double>& features);
void observe_tree_gate_tree(Scip* scip, const TreeRecorder& recorder, std::size_t candidates,
                            std::vector<double>& features);

}  // namespace kida
