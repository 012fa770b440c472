#include "observation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr double largest = std::numeric_limits<float>::max();
// Ecole's constant: ages are divided by the number of LPs solved plus this.
constexpr double age_offset = 5.0;
// Numbers n of observations and depths d become n / (n + this) and d / (d + this).
constexpr double half_count = 4.0;
constexpr double half_depth = 10.0;

struct Scales {
  double infinity, epsilon, feastol, objective_norm, age;

  bool is_finite(double value) const { return std::abs(value) < infinity; }
  bool equal(double a, double b) const { return std::abs(a - b) <= epsilon; }
  double fraction(double value) const { return value - std::floor(value + feastol); }
};

double positive_or_one(double norm) { return norm > 0.0 ? norm : 1.0; }

int basis_feature(SCIP_Col* column) {
  const int status = SCIPcolGetBasisStatus(column);
  if (status == constants.basestat_lower) return is_basis_lower;
  if (status == constants.basestat_basic) return is_basis_basic;
  if (status == constants.basestat_upper) return is_basis_upper;
  return is_basis_zero;
}

void observe_variables(Scip* scip, const Scales& scales, bool with_incumbent,
                       Observation& observation) {
  SCIP_Var** variables = SCIPgetVars(scip);
  const int count = SCIPgetNVars(scip);
  SCIP_Sol* incumbent = with_incumbent ? SCIPgetBestSol(scip) : nullptr;
  observation.variable_features.assign(static_cast<std::size_t>(count) * variable_feature_count,
                                       0.0F);
  float* f = observation.variable_features.data();
  for (int j = 0; j < count; ++j, f += variable_feature_count) {
    SCIP_Var* variable = variables[j];
    const int type = type_feature(variable);
    const double lower = SCIPvarGetLbLocal(variable);
    const double upper = SCIPvarGetUbLocal(variable);
    const double value = lp_value(scip, variable);
    f[objective] = static_cast<float>(SCIPvarGetObj(variable) / scales.objective_norm);
    f[type] = 1.0F;
    f[has_lower_bound] = scales.is_finite(lower);
    f[has_upper_bound] = scales.is_finite(upper);
    f[solution_value] = static_cast<float>(value);
    f[solution_frac] =
        type == is_type_continuous ? 0.0F : static_cast<float>(scales.fraction(value));
    f[is_solution_at_lower_bound] = scales.is_finite(lower) && scales.equal(value, lower);
    f[is_solution_at_upper_bound] = scales.is_finite(upper) && scales.equal(value, upper);
    f[incumbent_value] =
        incumbent == nullptr ? nan : static_cast<float>(SCIPgetSolVal(scip, incumbent, variable));
    f[average_incumbent_value] =
        incumbent == nullptr ? nan : static_cast<float>(SCIPvarGetAvgSol(variable));
    if (SCIPvarIsInLP(variable)) {
      SCIP_Col* column = SCIPvarGetCol(variable);
      f[normed_reduced_cost] =
          static_cast<float>(SCIPgetColRedcost(scip, column) / scales.objective_norm);
      f[variable_scaled_age] = static_cast<float>(SCIPcolGetAge(column) / scales.age);
      f[basis_feature(column)] = 1.0F;
    } else {
      f[is_basis_zero] = 1.0F;  // not a column of this LP, so not in its basis
    }
  }
}

void observe_rows(Scip* scip, const Scales& scales, Observation& observation) {
  SCIP_Row** rows = nullptr;
  int count = 0;
  KIDA_CALL(SCIPgetLPRowsData(scip, &rows, &count));

  auto& starts = observation.row_starts;
  auto& columns = observation.edge_columns;
  auto& values = observation.edge_values;
  auto& features = observation.row_features;
  starts.clear();
  columns.clear();
  values.clear();
  features.clear();
  starts.push_back(0);

  const float* variable_features = observation.variable_features.data();
  for (int i = 0; i < count; ++i) {
    SCIP_Row* row = rows[i];
    const double lhs = SCIProwGetLhs(row);
    const double rhs = SCIProwGetRhs(row);
    const bool has_lhs = scales.is_finite(lhs);
    const bool has_rhs = scales.is_finite(rhs);
    if (!has_lhs && !has_rhs) continue;

    const double norm = SCIProwGetNorm(row);
    const double scale = positive_or_one(norm);
    const double constant = SCIProwGetConstant(row);
    const double activity = SCIPgetRowLPActivity(scip, row);
    const double dual = SCIProwGetDualsol(row) / (scale * scales.objective_norm);
    const auto age = static_cast<float>(SCIProwGetAge(row) / scales.age);

    SCIP_Col** row_columns = SCIProwGetCols(row);
    const double* row_values = SCIProwGetVals(row);
    const int nonzeros = SCIProwGetNLPNonz(row);
    const auto begin = static_cast<std::ptrdiff_t>(columns.size());
    const double first_sign = has_lhs ? -1.0 : 1.0;
    const double edge_scale = first_sign / scale;
    columns.resize(begin + nonzeros);
    values.resize(begin + nonzeros);
    double cosine = 0.0;  // the variables' objective feature is already divided by its norm
    for (int k = 0; k < nonzeros; ++k) {
      const int j = SCIPcolGetVarProbindex(row_columns[k]);
      columns[begin + k] = j;
      values[begin + k] = static_cast<float>(row_values[k] * edge_scale);
      cosine += row_values[k] * variable_features[j * variable_feature_count + objective];
    }
    cosine = norm * scales.objective_norm > scales.epsilon ? cosine / scale : 0.0;

    auto add_side = [&](double sign, double side) {
      const float side_features[row_feature_count] = {
          static_cast<float>(sign * (side - constant) / scale), static_cast<float>(sign * cosine),
          static_cast<float>(scales.equal(activity, side)), static_cast<float>(sign * dual), age};
      features.insert(features.end(), side_features, side_features + row_feature_count);
      starts.push_back(static_cast<std::int32_t>(columns.size()));
    };
    if (has_lhs) add_side(-1.0, lhs);
    if (has_lhs && has_rhs) {
      columns.resize(begin + 2 * nonzeros);
      values.resize(begin + 2 * nonzeros);
      for (int k = 0; k < nonzeros; ++k) {
        columns[begin + nonzeros + k] = columns[begin + k];
        values[begin + nonzeros + k] = -values[begin + k];
      }
    }
    if (has_rhs) add_side(1.0, rhs);
  }
}

// `value` beside what is usual: 0 to 1, a half where it equals `usual`.
float share(double value, double usual) {
  return value > 0.0 ? static_cast<float>(value / (value + usual)) : 0.0F;
}

}  // namespace

int type_feature(SCIP_Var* variable) {
  // SCIP 10 reports implied integrality as a flag beside the type; 0 is "not implied".
  if (SCIPvarGetImplType(variable) != 0) return is_type_implicit_integer;
  switch (SCIPvarGetType(variable)) {
    case VariableType::binary: return is_type_binary;
    case VariableType::integer: return is_type_integer;
    case VariableType::implicit_integer: return is_type_implicit_integer;
    default: return is_type_continuous;
  }
}

double lp_value(Scip* scip, SCIP_Var* variable) {
  const double reported = SCIPvarGetLPSol(variable);
  return std::abs(reported) < SCIPinfinity(scip) ? reported : 0.0;
}

void observe(Scip* scip, bool with_incumbent, Observation& observation) {
  const Scales scales{
      .infinity = SCIPinfinity(scip),
      .epsilon = SCIPepsilon(scip),
      .feastol = SCIPfeastol(scip),
      .objective_norm = positive_or_one(SCIPgetObjNorm(scip)),
      .age = static_cast<double>(SCIPgetNLPs(scip)) + age_offset,
  };
  observe_variables(scip, scales, with_incumbent, observation);
  observe_rows(scip, scales, observation);
}

void observe_candidates(Scip* scip, std::span<SCIP_Var* const> candidates,
                        std::vector<float>& features) {
  const double feastol = SCIPfeastol(scip);
  const double usual_conflict = SCIPgetAvgConflictScore(scip);
  const double usual_inference = SCIPgetAvgInferenceScore(scip);
  const double usual_cutoff = SCIPgetAvgCutoffScore(scip);
  const float node_depth = share(SCIPgetDepth(scip), half_depth);
  features.resize(candidates.size() * candidate_feature_count);
  double down_sum = 0.0;
  double up_sum = 0.0;
  float best = 0.0F;
  float* f = features.data();
  for (SCIP_Var* variable : candidates) {
    // To the children's bounds, which never lie beyond the variable's own: an integral value at a
    // bound has one child only.
    const double value = lp_value(scip, variable);
    const double floor = std::max(std::ceil(value - 1.0 - feastol), SCIPvarGetLbLocal(variable));
    const double ceiling = std::min(std::floor(value + 1.0 + feastol), SCIPvarGetUbLocal(variable));
    const double down = SCIPgetVarPseudocostVal(scip, variable, std::min(floor - value, 0.0));
    const double up = SCIPgetVarPseudocostVal(scip, variable, std::max(ceiling - value, 0.0));
    const double score = SCIPgetBranchScore(scip, variable, down, up);
    f[pseudocost_down] = static_cast<float>(std::min(down, largest));
    f[pseudocost_up] = static_cast<float>(std::min(up, largest));
    f[pseudocost_score] = static_cast<float>(std::min(score, largest));
    down_sum += f[pseudocost_down];
    up_sum += f[pseudocost_up];
    best = std::max(best, f[pseudocost_score]);
    f[pseudocost_count_down] =
        share(SCIPgetVarPseudocostCountCurrentRun(scip, variable, downwards), half_count);
    f[pseudocost_count_up] =
        share(SCIPgetVarPseudocostCountCurrentRun(scip, variable, upwards), half_count);
    f[conflict_score] = share(SCIPgetVarConflictScore(scip, variable), usual_conflict);
    f[inference_score] = share(SCIPgetVarAvgInferenceScore(scip, variable), usual_inference);
    f[cutoff_score] = share(SCIPgetVarAvgCutoffScore(scip, variable), usual_cutoff);
    f[candidate_depth] = node_depth;
    f += candidate_feature_count;
  }
  const auto count = static_cast<double>(candidates.size());
  f = features.data();
  for (std::size_t k = 0; k < candidates.size(); ++k, f += candidate_feature_count) {
    f[pseudocost_down] = share(f[pseudocost_down], down_sum / count);
    f[pseudocost_up] = share(f[pseudocost_up], up_sum / count);
    f[pseudocost_score] = best > 0.0F ? f[pseudocost_score] / best : 0.0F;
  }
}

}  // namespace kida
