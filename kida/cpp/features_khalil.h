// The features of branching candidates of Khalil et al. (AAAI 2016, table 1): 18 of the first LP
// observed, the root's, and 54 of the node's.
//
// The twin of kida/env/observation/khalil.py, which says what each feature means; the enum here
// must list the same names in the same order (a test compares them).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "observation.h"

namespace kida {

namespace khalil {

// clang-format off
#define KIDA_KHALIL_FEATURES(X)                                                                    \
  X(obj_coef) X(obj_coef_pos_part) X(obj_coef_neg_part) X(n_rows) X(rows_deg_mean)                 \
  X(rows_deg_stddev) X(rows_deg_min) X(rows_deg_max) X(rows_pos_coefs_count)                       \
  X(rows_pos_coefs_mean) X(rows_pos_coefs_stddev) X(rows_pos_coefs_min) X(rows_pos_coefs_max)      \
  X(rows_neg_coefs_count) X(rows_neg_coefs_mean) X(rows_neg_coefs_stddev) X(rows_neg_coefs_min)    \
  X(rows_neg_coefs_max) X(slack) X(ceil_dist) X(pseudocost_up) X(pseudocost_down)                  \
  X(pseudocost_ratio) X(pseudocost_sum) X(pseudocost_product) X(n_cutoff_up) X(n_cutoff_down)      \
  X(n_cutoff_up_ratio) X(n_cutoff_down_ratio) X(rows_dynamic_deg_mean)                             \
  X(rows_dynamic_deg_stddev) X(rows_dynamic_deg_min) X(rows_dynamic_deg_max)                       \
  X(rows_dynamic_deg_mean_ratio) X(rows_dynamic_deg_min_ratio) X(rows_dynamic_deg_max_ratio)       \
  X(coef_pos_rhs_ratio_min) X(coef_pos_rhs_ratio_max) X(coef_neg_rhs_ratio_min)                    \
  X(coef_neg_rhs_ratio_max) X(pos_coef_pos_coef_ratio_min) X(pos_coef_pos_coef_ratio_max)          \
  X(pos_coef_neg_coef_ratio_min) X(pos_coef_neg_coef_ratio_max) X(neg_coef_pos_coef_ratio_min)     \
  X(neg_coef_pos_coef_ratio_max) X(neg_coef_neg_coef_ratio_min) X(neg_coef_neg_coef_ratio_max)     \
  X(active_coef_weight1_count) X(active_coef_weight1_sum) X(active_coef_weight1_mean)              \
  X(active_coef_weight1_stddev) X(active_coef_weight1_min) X(active_coef_weight1_max)              \
  X(active_coef_weight2_count) X(active_coef_weight2_sum) X(active_coef_weight2_mean)              \
  X(active_coef_weight2_stddev) X(active_coef_weight2_min) X(active_coef_weight2_max)              \
  X(active_coef_weight3_count) X(active_coef_weight3_sum) X(active_coef_weight3_mean)              \
  X(active_coef_weight3_stddev) X(active_coef_weight3_min) X(active_coef_weight3_max)              \
  X(active_coef_weight4_count) X(active_coef_weight4_sum) X(active_coef_weight4_mean)              \
  X(active_coef_weight4_stddev) X(active_coef_weight4_min) X(active_coef_weight4_max)
// clang-format on

enum Feature : int { KIDA_KHALIL_FEATURES(KIDA_ENUMERATOR) feature_count };

inline constexpr int static_feature_count = slack;

}  // namespace khalil

// Observes the nodes of one solve; it remembers what does not change.
class KhalilObserver {
 public:
  // With `as_ecole` what Ecole computes otherwise than the paper is as Ecole has it: the largest
  // negative coefficient and the deviations over active rows.
  explicit KhalilObserver(bool as_ecole) : as_ecole_(as_ecole) {}

  bool as_ecole() const { return as_ecole_; }

  // Another solve begins.
  void reset() { static_.clear(); }

  // Fill `features`, candidates x khalil::feature_count, at the focus node, whose LP must be solved
  // to optimality. The third weight of a row is of the coefficients of `weighing`.
  void observe(Scip* scip, std::span<SCIP_Var* const> candidates,
               std::span<SCIP_Var* const> weighing, std::vector<double>& features);

 private:
  using Static = std::array<double, khalil::static_feature_count>;

  // What a row of the LP is to all its variables.
  struct Row {
    bool known = false;
    bool active = false;  // its activity equals a side
    double degree = 0.0;
    double positive_sum = 0.0;
    double negative_sum = 0.0;
    std::array<double, 4> weights{};
  };

  const Row& row_of(Scip* scip, SCIP_Row* row);
  void observe_static(Scip* scip);
  Static static_of(SCIP_Col* column) const;
  void observe_degrees(SCIP_Col* column, double* f);
  void observe_sides(Scip* scip, SCIP_Col* column, double* f) const;
  void observe_shares(Scip* scip, SCIP_Col* column, double* f);
  void observe_active(Scip* scip, SCIP_Col* column, double* f);

  bool as_ecole_;
  int run_ = 0;                             // of SCIP's restarts
  std::unordered_map<int, Static> static_;  // by the variable's index, which never changes
  std::vector<Row> rows_;                   // by position in the LP
  std::vector<char> weighing_;              // by the variable's problem index
};

}  // namespace kida
