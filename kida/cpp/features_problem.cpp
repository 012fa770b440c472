#include "features_problem.h"

#include <algorithm>
#include <cmath>

#include "observation.h"

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix
namespace p = problem;

namespace {

// SCIP's objective senses have had these values since SCIP 1.
constexpr int maximize = -1;

// A linear constraint over active variables: lhs <= sum + constant <= rhs.
struct LinearConstraint {
  std::vector<SCIP_Var*> variables;
  std::vector<double> values;
  double lhs = 0.0, rhs = 0.0, constant = 0.0;
};

// Before the solve variables are the problem's own, or their complements.
void resolve_negated(LinearConstraint& c) {
  for (std::size_t k = 0; k < c.variables.size(); ++k) {
    if (SCIPvarIsNegated(c.variables[k]) == 0) continue;
    c.constant += c.values[k] * SCIPvarGetNegationConstant(c.variables[k]);
    c.values[k] = -c.values[k];
    c.variables[k] = SCIPvarGetNegationVar(c.variables[k]);
  }
}

// In the solve they may also be fixed, or aggregated to others.
void resolve_active(Scip* scip, LinearConstraint& c) {
  int count = static_cast<int>(c.variables.size());
  int required = 0;
  int size = count;
  KIDA_CALL(SCIPgetProbvarLinearSum(scip, c.variables.data(), c.values.data(), &count, size,
                                    &c.constant, &required));
  if (required > size) {
    c.variables.resize(static_cast<std::size_t>(required));
    c.values.resize(static_cast<std::size_t>(required));
    KIDA_CALL(SCIPgetProbvarLinearSum(scip, c.variables.data(), c.values.data(), &count, required,
                                      &c.constant, &required));
  }
  c.variables.resize(static_cast<std::size_t>(count));
  c.values.resize(static_cast<std::size_t>(count));
}

// False if the constraint is not linear.
bool read(Scip* scip, SCIP_Cons* constraint, LinearConstraint& c) {
  Bool success = 0;
  int count = 0;
  KIDA_CALL(SCIPgetConsNVars(scip, constraint, &count, &success));
  if (success == 0) return false;
  c.variables.resize(static_cast<std::size_t>(count));
  c.values.resize(static_cast<std::size_t>(count));
  c.constant = 0.0;
  KIDA_CALL(SCIPgetConsVars(scip, constraint, c.variables.data(), count, &success));
  if (success == 0) return false;
  KIDA_CALL(SCIPgetConsVals(scip, constraint, c.values.data(), count, &success));
  if (success == 0) return false;
  c.lhs = SCIPconsGetLhs(scip, constraint, &success);
  if (success == 0) return false;
  c.rhs = SCIPconsGetRhs(scip, constraint, &success);
  return success != 0;
}

void observe_variables(Scip* scip, bool before_solve, ProblemGraph& graph) {
  const double infinity = SCIPinfinity(scip);
  const double sign = before_solve && SCIPgetObjsense(scip) == maximize ? -1.0 : 1.0;
  SCIP_Var** variables = SCIPgetVars(scip);
  const int count = SCIPgetNVars(scip);
  graph.variable_features.assign(static_cast<std::size_t>(count) * p::variable_feature_count, 0.0);
  for (int j = 0; j < count; ++j) {
    SCIP_Var* variable = variables[j];
    double* f =
        graph.variable_features.data() +
        static_cast<std::ptrdiff_t>(SCIPvarGetProbindex(variable)) * p::variable_feature_count;
    const double lower = SCIPvarGetLbGlobal(variable);
    const double upper = SCIPvarGetUbGlobal(variable);
    f[p::objective] = sign * SCIPvarGetObj(variable);
    f[p::is_type_binary + type_feature(variable) - is_type_binary] = 1.0;
    f[p::has_lower_bound] = std::abs(lower) < infinity;
    f[p::has_upper_bound] = std::abs(upper) < infinity;
    f[p::lower_bound] = std::abs(lower) < infinity ? lower : 0.0;
    f[p::upper_bound] = std::abs(upper) < infinity ? upper : 0.0;
  }
}

}  // namespace

void observe_problem(Scip* scip, ProblemGraph& graph) {
  const bool before_solve = SCIPgetStage(scip) == constants.stage_problem;
  const double infinity = SCIPinfinity(scip);
  observe_variables(scip, before_solve, graph);
  graph.row_starts.assign(1, 0);
  LinearConstraint c;
  SCIP_Cons** constraints = SCIPgetConss(scip);
  for (int i = 0; i < SCIPgetNConss(scip); ++i) {
    if (!read(scip, constraints[i], c)) {
      ++graph.left_out;
      continue;
    }
    if (before_solve) {
      resolve_negated(c);
    } else {
      resolve_active(scip, c);
    }
    const auto add_side = [&](double sign, double side) {
      if (std::abs(side) >= infinity) return;
      graph.bias.push_back(sign * (side - c.constant));
      for (std::size_t k = 0; k < c.variables.size(); ++k) {
        graph.edge_columns.push_back(SCIPvarGetProbindex(c.variables[k]));
        graph.edge_values.push_back(sign * c.values[k]);
      }
      graph.row_starts.push_back(static_cast<std::int32_t>(graph.edge_columns.size()));
    };
    add_side(-1.0, c.lhs);
    add_side(1.0, c.rhs);
  }
}

}  // namespace kida
