#include "features_khalil.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "observation.h"

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix
namespace k = khalil;

namespace {

// Below this a pseudocost counts as this in the ratio of the two.
constexpr double smallest_pseudocost = 1e-5;

double quotient(double a, double b) { return b != 0.0 ? a / b : 0.0; }

struct Summary {
  double count = 0.0, sum = 0.0, mean = 0.0, stddev = 0.0, min = 0.0, max = 0.0;
};

// Of value(i) for the i in [0, n) that are wanted; all zeros if there is none.
template <typename Wanted, typename Value>
Summary summary(int n, const Wanted& wanted, const Value& value) {
  Summary s;
  s.min = std::numeric_limits<double>::infinity();
  s.max = -s.min;
  for (int i = 0; i < n; ++i) {
    if (!wanted(i)) continue;
    const double x = value(i);
    s.count += 1.0;
    s.sum += x;
    s.min = std::min(s.min, x);
    s.max = std::max(s.max, x);
  }
  if (s.count == 0.0) return {};
  s.mean = s.sum / s.count;
  double squares = 0.0;
  for (int i = 0; i < n; ++i) {
    if (wanted(i)) squares += (value(i) - s.mean) * (value(i) - s.mean);
  }
  s.stddev = std::sqrt(squares / s.count);
  return s;
}

bool always(int) { return true; }

// The smallest and the largest of some numbers, which begin at the ends that they cannot pass.
struct Range {
  double min, max;
  void add(double x) {
    min = std::min(min, x);
    max = std::max(max, x);
  }
};

void put(double* f, int feature, const Range& range) {
  f[feature] = range.min;
  f[feature + 1] = range.max;
}

void observe_pseudocosts(Scip* scip, SCIP_Var* variable, double* f) {
  const double value = lp_value(scip, variable);
  const double below = value - std::floor(value + SCIPfeastol(scip));
  const double above = 1.0 - below;
  const double up = above * SCIPgetVarPseudocost(scip, variable, upwards);
  const double down = below * SCIPgetVarPseudocost(scip, variable, downwards);
  const double larger = std::max({up, down, smallest_pseudocost});
  const double smaller = std::max(std::min(up, down), smallest_pseudocost);
  f[k::slack] = std::min(below, above);
  f[k::ceil_dist] = above;
  f[k::pseudocost_up] = up;
  f[k::pseudocost_down] = down;
  f[k::pseudocost_ratio] = smaller / larger;
  f[k::pseudocost_sum] = up + down;
  f[k::pseudocost_product] = up * down;
}

void observe_cutoffs(SCIP_Var* variable, double* f) {
  f[k::n_cutoff_up] = SCIPvarGetCutoffSum(variable, upwards);
  f[k::n_cutoff_down] = SCIPvarGetCutoffSum(variable, downwards);
  f[k::n_cutoff_up_ratio] =
      quotient(f[k::n_cutoff_up], static_cast<double>(SCIPvarGetNBranchings(variable, upwards)));
  f[k::n_cutoff_down_ratio] = quotient(
      f[k::n_cutoff_down], static_cast<double>(SCIPvarGetNBranchings(variable, downwards)));
}

}  // namespace

void KhalilObserver::observe(Scip* scip, std::span<SCIP_Var* const> candidates,
                             std::span<SCIP_Var* const> weighing, std::vector<double>& features) {
  if (static_.empty() || SCIPgetDepth(scip) == 0 || SCIPgetNRuns(scip) != run_) {
    observe_static(scip);
  }
  rows_.assign(static_cast<std::size_t>(SCIPgetNLPRows(scip)), Row{});
  weighing_.assign(static_cast<std::size_t>(SCIPgetNVars(scip)), 0);
  for (SCIP_Var* variable : weighing) weighing_[SCIPvarGetProbindex(variable)] = 1;

  features.resize(candidates.size() * k::feature_count);
  double* f = features.data();
  for (SCIP_Var* variable : candidates) {
    SCIP_Col* column = SCIPvarGetCol(variable);
    const auto known = static_.find(SCIPvarGetIndex(variable));
    // A column that was priced in after the root is taken as it is now.
    const Static fixed = known != static_.end() ? known->second : static_of(column);
    std::copy(fixed.begin(), fixed.end(), f);
    observe_pseudocosts(scip, variable, f);
    observe_cutoffs(variable, f);
    observe_degrees(column, f);
    observe_sides(scip, column, f);
    observe_shares(scip, column, f);
    observe_active(scip, column, f);
    f += k::feature_count;
  }
}

void KhalilObserver::observe_static(Scip* scip) {
  SCIP_Col** columns = nullptr;
  int count = 0;
  KIDA_CALL(SCIPgetLPColsData(scip, &columns, &count));
  static_.clear();
  static_.reserve(static_cast<std::size_t>(count));
  for (int j = 0; j < count; ++j) {
    static_.emplace(SCIPvarGetIndex(SCIPcolGetVar(columns[j])), static_of(columns[j]));
  }
  run_ = SCIPgetNRuns(scip);
}

KhalilObserver::Static KhalilObserver::static_of(SCIP_Col* column) const {
  Static f{};
  const double objective_coefficient = SCIPvarGetObj(SCIPcolGetVar(column));
  const int rows = SCIPcolGetNLPNonz(column);
  SCIP_Row** row = SCIPcolGetRows(column);
  const double* coefficient = SCIPcolGetVals(column);
  f[k::obj_coef] = objective_coefficient;
  f[k::obj_coef_pos_part] = std::max(objective_coefficient, 0.0);
  f[k::obj_coef_neg_part] = std::min(objective_coefficient, 0.0);
  f[k::n_rows] = rows;
  const Summary degrees =
      summary(rows, always, [&](int i) { return static_cast<double>(SCIProwGetNLPNonz(row[i])); });
  f[k::rows_deg_mean] = degrees.mean;
  f[k::rows_deg_stddev] = degrees.stddev;
  f[k::rows_deg_min] = degrees.min;
  f[k::rows_deg_max] = degrees.max;
  const auto put_coefficients = [&](int first, const Summary& s) {
    f[first] = s.count;
    f[first + 1] = s.mean;
    f[first + 2] = s.stddev;
    f[first + 3] = s.min;
    f[first + 4] = s.max;
  };
  const auto value = [&](int i) { return coefficient[i]; };
  put_coefficients(k::rows_pos_coefs_count,
                   summary(rows, [&](int i) { return coefficient[i] > 0.0; }, value));
  put_coefficients(k::rows_neg_coefs_count,
                   summary(rows, [&](int i) { return coefficient[i] < 0.0; }, value));
  if (as_ecole_ && f[k::rows_neg_coefs_count] > 0.0) {
    // Ecole's maximum begins at the smallest positive number.
    f[k::rows_neg_coefs_max] = std::numeric_limits<double>::min();
  }
  return f;
}

const KhalilObserver::Row& KhalilObserver::row_of(Scip* scip, SCIP_Row* row) {
  Row& found = rows_[static_cast<std::size_t>(SCIProwGetLPPos(row))];
  if (found.known) return found;
  found.known = true;
  SCIP_Col** columns = SCIProwGetCols(row);
  const double* values = SCIProwGetVals(row);
  const int count = SCIProwGetNLPNonz(row);
  double weighed = 0.0;
  for (int k = 0; k < count; ++k) {
    (values[k] > 0.0 ? found.positive_sum : found.negative_sum) += values[k];
    if (weighing_[SCIPcolGetVarProbindex(columns[k])] != 0) weighed += std::abs(values[k]);
  }
  const double activity = SCIPgetRowLPActivity(scip, row);
  const auto equals = [&](double side) {
    return std::abs(activity - side) <= SCIPepsilon(scip) && std::abs(side) < SCIPinfinity(scip);
  };
  const auto inverse_or_one = [](double sum) { return sum != 0.0 ? 1.0 / sum : 1.0; };
  found.degree = count;
  found.active = equals(SCIProwGetLhs(row)) || equals(SCIProwGetRhs(row));
  found.weights = {1.0, inverse_or_one(found.positive_sum - found.negative_sum),
                   inverse_or_one(weighed), std::abs(SCIProwGetDualsol(row))};
  return found;
}

void KhalilObserver::observe_degrees(SCIP_Col* column, double* f) {
  SCIP_Row** rows = SCIPcolGetRows(column);
  const Summary s = summary(SCIPcolGetNLPNonz(column), always,
                            [&](int i) { return static_cast<double>(SCIProwGetNLPNonz(rows[i])); });
  f[k::rows_dynamic_deg_mean] = s.mean;
  f[k::rows_dynamic_deg_stddev] = s.stddev;
  f[k::rows_dynamic_deg_min] = s.min;
  f[k::rows_dynamic_deg_max] = s.max;
  f[k::rows_dynamic_deg_mean_ratio] = quotient(s.mean, f[k::rows_deg_mean] + s.mean);
  f[k::rows_dynamic_deg_min_ratio] = quotient(s.min, f[k::rows_deg_min] + s.min);
  f[k::rows_dynamic_deg_max_ratio] = quotient(s.max, f[k::rows_deg_max] + s.max);
}

void KhalilObserver::observe_sides(Scip* scip, SCIP_Col* column, double* f) const {
  Range positive{.min = 1.0, .max = -1.0};
  Range negative = positive;
  const auto add = [&](double coefficient, double side) {
    const double ratio = quotient(coefficient, std::abs(coefficient) + std::abs(side));
    (side >= 0.0 ? positive : negative).add(ratio);
  };
  SCIP_Row** rows = SCIPcolGetRows(column);
  const double* coefficients = SCIPcolGetVals(column);
  const double infinity = SCIPinfinity(scip);
  for (int i = 0; i < SCIPcolGetNLPNonz(column); ++i) {
    const double constant = SCIProwGetConstant(rows[i]);
    const double rhs = SCIProwGetRhs(rows[i]);
    const double lhs = SCIProwGetLhs(rows[i]);
    if (std::abs(rhs) < infinity) add(coefficients[i], rhs - constant);
    if (std::abs(lhs) < infinity) add(-coefficients[i], constant - lhs);
  }
  put(f, k::coef_pos_rhs_ratio_min, positive);
  put(f, k::coef_neg_rhs_ratio_min, negative);
}

void KhalilObserver::observe_shares(Scip* scip, SCIP_Col* column, double* f) {
  Range to_positive{.min = 1.0, .max = 0.0};  // of positive coefficients
  Range to_negative = to_positive;
  Range negative_to_positive = to_positive;
  Range negative_to_negative = to_positive;
  SCIP_Row** rows = SCIPcolGetRows(column);
  const double* coefficients = SCIPcolGetVals(column);
  for (int i = 0; i < SCIPcolGetNLPNonz(column); ++i) {
    const Row& row = row_of(scip, rows[i]);
    const double a = coefficients[i];
    if (a > 0.0) {
      to_positive.add(a / row.positive_sum);
      to_negative.add(a / (a - row.negative_sum));
    } else if (a < 0.0) {
      negative_to_positive.add(a / (a - row.positive_sum));
      negative_to_negative.add(a / row.negative_sum);
    }
  }
  put(f, k::pos_coef_pos_coef_ratio_min, to_positive);
  put(f, k::pos_coef_neg_coef_ratio_min, to_negative);
  put(f, k::neg_coef_pos_coef_ratio_min, negative_to_positive);
  put(f, k::neg_coef_neg_coef_ratio_min, negative_to_negative);
}

void KhalilObserver::observe_active(Scip* scip, SCIP_Col* column, double* f) {
  SCIP_Row** rows = SCIPcolGetRows(column);
  const double* coefficients = SCIPcolGetVals(column);
  const int count = SCIPcolGetNLPNonz(column);
  const auto active = [&](int i) { return row_of(scip, rows[i]).active; };
  for (std::size_t w = 0; w < 4; ++w) {
    const auto weighted = [&](int i) {
      return row_of(scip, rows[i]).weights[w] * std::abs(coefficients[i]);
    };
    Summary s = summary(count, active, weighted);
    double weights = 0.0;
    int last = -1;
    for (int i = 0; i < count; ++i) {
      if (!active(i)) continue;
      weights += row_of(scip, rows[i]).weights[w];
      last = i;
    }
    if (as_ecole_ && last >= 0) {
      // Ecole keeps the last row's deviation instead of their sum.
      s.stddev = std::abs(weighted(last) - s.mean) / std::sqrt(s.count);
    }
    double* out = f + k::active_coef_weight1_count + 6 * w;
    out[0] = weights;
    out[1] = s.sum;
    out[2] = s.mean;
    out[3] = s.stddev;
    out[4] = s.min;
    out[5] = s.max;
  }
}

}  // namespace kida
