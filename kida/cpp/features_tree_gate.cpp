#include "features_tree_gate.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "observation.h"

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix
namespace t = tree_gate;

namespace {

// Achterberg's g(x) = x / (x + 1) is never taken below this, nor an average that is divided by.
constexpr double smallest = 0.1;

double quotient(double a, double b) { return b != 0.0 ? a / b : 0.0; }

double logarithm(double x) { return x > 0.0 ? std::log(x) : 0.0; }

double bounded(double x) { return std::max(x / (x + 1.0), smallest); }

// A variable's score beside the average, as in SCIP's reliability branching.
double beside(double score, double average) {
  return 1.0 - 1.0 / (1.0 + score / std::max(average, smallest));
}

double distance(double x, double y) {
  if (x * y < 0.0) return 0.0;
  return std::abs(x - y) / std::max({std::abs(x), std::abs(y), 1e-10});
}

struct Bounds {
  double lower, upper, infinity;
  bool has_upper() const { return upper < infinity; }
  double to_upper(double x) const { return has_upper() ? distance(x, upper) : 0.0; }
  // 1 at the lower bound, 0 at the upper.
  double position(double x) const {
    return has_upper() ? quotient(std::abs(upper - x), std::abs(upper - lower)) : 0.0;
  }
};

// Of the sorted numbers, between the two that are nearest.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - std::floor(place)) * (sorted[above] - sorted[below]);
}

// What is said of both the bounds and the depths of the open nodes.
struct Spread {
  double mean, quartile_distance, variation, quartile_dispersion;

  explicit Spread(const std::vector<double>& sorted) {
    const auto count = static_cast<double>(sorted.size());
    mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / count;
    double squares = 0.0;
    for (const double x : sorted) squares += (x - mean) * (x - mean);
    const double first = quantile(sorted, 0.25);
    const double third = quantile(sorted, 0.75);
    quartile_distance = distance(first, third);
    variation = quotient(std::sqrt(squares / count), mean);
    quartile_dispersion = quotient(third - first, third + first);
  }
};

// SCIP tells how many nodes it has activated and deactivated only as their mean over the nodes.
double switches_per_node(Scip* scip) {
  SCIP_Datatree* table = nullptr;
  KIDA_CALL(SCIPcreateDatatree(scip, &table, 12));
  double mean = 0.0;
  const bool read = SCIPcollectTreeStatistics(scip, table) == okay &&
                    SCIPdatatreeGetReal(table, "average_switch_length", &mean) == okay;
  SCIPfreeDatatree(scip, &table);
  if (!read) throw std::runtime_error("SCIP does not tell its average switch length");
  return mean;
}

void observe_node(Scip* scip, const Bounds& bounds, std::size_t candidates, double* f) {
  SCIP_Node* node = SCIPgetFocusNode(scip);
  const int depth = SCIPnodeGetDepth(node);
  const double value = SCIPgetLPObjval(scip);
  SCIP_Domchg* changes = SCIPnodeGetDomchg(node);
  f[t::node_depth] = quotient(depth, depth > 0 ? SCIPgetMaxDepth(scip) : 0);
  f[t::node_plunge_depth] = quotient(depth > 0 ? SCIPgetPlungeDepth(scip) : 0, depth);
  f[t::node_bound_distance] = distance(bounds.lower, value);
  f[t::node_root_distance] = distance(SCIPgetLowerboundRoot(scip), value);
  f[t::node_upper_distance] = bounds.to_upper(value);
  f[t::node_position] = bounds.position(value);
  f[t::node_candidates] =
      quotient(static_cast<double>(candidates), SCIPgetNBinVars(scip) + SCIPgetNIntVars(scip));
  f[t::node_bound_changes] =
      quotient(changes != nullptr ? SCIPdomchgGetNBoundchgs(changes) : 0, SCIPgetNVars(scip));
}

void observe_counts(Scip* scip, const TreeRecorder& recorder, double* f) {
  const auto lps = static_cast<double>(SCIPgetNLPs(scip));
  f[t::node_lps] = quotient(static_cast<double>(SCIPgetNNodeLPs(scip)), lps);
  const int depth = SCIPnodeGetDepth(SCIPgetFocusNode(scip));
  if (depth == 0) return;  // the others are 0 at the root

  const auto nodes = static_cast<double>(SCIPgetNNodes(scip));
  const auto objective = static_cast<double>(SCIPgetNObjlimLeaves(scip));
  const auto infeasible = static_cast<double>(SCIPgetNInfeasibleLeaves(scip));
  const auto feasible = static_cast<double>(SCIPgetNFeasibleLeaves(scip));
  const double all = objective + infeasible + feasible;
  const double created = static_cast<double>(recorder.children()) + SCIPgetNRuns(scip);
  f[t::objective_leaves] = quotient(objective, all);
  f[t::infeasible_leaves] = quotient(infeasible, all);
  f[t::feasible_leaves] = quotient(feasible, all);
  f[t::infeasible_to_objective_leaves] = (infeasible + 1.0) / (objective + 1.0);
  f[t::nodes_left] = SCIPgetNNodesLeft(scip) / nodes;
  f[t::leaves] = all / nodes;
  f[t::internal_nodes] = static_cast<double>(recorder.branchings_of_run(scip)) / nodes;
  f[t::processed_to_created] = nodes / created;

  // Activated less deactivated are the nodes of the path to the focus node.
  const double switches = switches_per_node(scip);
  f[t::activated_nodes] = 0.5 * (switches + (depth + 1) / nodes);
  f[t::deactivated_nodes] = 0.5 * (switches - (depth + 1) / nodes);
  f[t::plunge_depth] = quotient(SCIPgetPlungeDepth(scip), SCIPgetMaxDepth(scip));
  f[t::backtracks] = static_cast<double>(SCIPgetNBacktracks(scip)) / nodes;
  f[t::log_iterations_per_node] =
      logarithm(static_cast<double>(SCIPgetNLPIterations(scip)) / nodes);
  f[t::log_lps_per_node] = logarithm(lps / nodes);
  f[t::nodes_per_lp] = quotient(nodes, lps);
  f[t::nodes_before_first] = static_cast<double>(recorder.nodes_before_first()) / nodes;
}

void observe_gap(Scip* scip, const TreeRecorder& recorder, const Bounds& bounds, double* f) {
  const double gap = SCIPgetGap(scip);
  const double first = recorder.first_gap();
  const double last = recorder.last_gap();
  f[t::log_primal_dual_integral] = logarithm(SCIPgetPrimalDualIntegral(scip));
  if (std::max({gap, first, last}) < bounds.infinity) {
    f[t::gap_to_last] = quotient(gap, last);
    f[t::gap_to_first] = quotient(gap, first);
    f[t::last_gap_to_first] = quotient(last, first);
  }
  const double root = SCIPgetLowerboundRoot(scip);
  f[t::root_to_bound] = distance(root, bounds.lower);
  f[t::upper_to_bound] = bounds.to_upper(bounds.lower);
  f[t::is_upper_solution] = SCIPisPrimalboundSol(scip);
}

void observe_means(Scip* scip, double* f) {
  f[t::mean_conflict_score] = bounded(SCIPgetAvgConflictScore(scip));
  f[t::mean_conflict_length_score] = bounded(SCIPgetAvgConflictlengthScore(scip));
  f[t::mean_inference_score] = bounded(SCIPgetAvgInferenceScore(scip));
  f[t::mean_cutoff_score] = bounded(SCIPgetAvgCutoffScore(scip));
  f[t::mean_pseudocost_score] = bounded(SCIPgetAvgPseudocostScore(scip));
  f[t::mean_cutoffs_up] = bounded(SCIPgetAvgCutoffs(scip, upwards));
  f[t::mean_cutoffs_down] = bounded(SCIPgetAvgCutoffs(scip, downwards));
  f[t::mean_inferences_up] = bounded(SCIPgetAvgInferences(scip, upwards));
  f[t::mean_inferences_down] = bounded(SCIPgetAvgInferences(scip, downwards));
  f[t::pseudocost_variance_up] = bounded(SCIPgetPseudocostVariance(scip, upwards, 1));
  f[t::pseudocost_variance_down] = bounded(SCIPgetPseudocostVariance(scip, downwards, 1));
  f[t::conflicts_applied] = bounded(static_cast<double>(SCIPgetNConflictConssApplied(scip)));
}

void observe_open_nodes(Scip* scip, const Bounds& bounds, double* f) {
  SCIP_Node** nodes[3] = {nullptr, nullptr, nullptr};  // leaves, children, siblings
  int counts[3] = {0, 0, 0};
  KIDA_CALL(SCIPgetOpenNodesData(scip, &nodes[0], &nodes[1], &nodes[2], &counts[0], &counts[1],
                                 &counts[2]));
  std::vector<double> lower;
  std::vector<double> depths;
  for (int kind = 0; kind < 3; ++kind) {
    for (int i = 0; i < counts[kind]; ++i) {
      lower.push_back(SCIPnodeGetLowerbound(nodes[kind][i]));
      depths.push_back(SCIPnodeGetDepth(nodes[kind][i]));
    }
  }
  // SCIP's own average adds up differences, and is off for ever once a bound was infinite.
  const double focus = SCIPnodeGetLowerbound(SCIPgetFocusNode(scip));
  const double mean =
      std::accumulate(lower.begin(), lower.end(), focus) / static_cast<double>(lower.size() + 1);
  f[t::root_to_average_bound] = distance(SCIPgetLowerboundRoot(scip), mean);
  if (lower.empty()) return;
  std::sort(lower.begin(), lower.end());
  std::sort(depths.begin(), depths.end());
  const double lowest = lower.front();
  const double highest = lower.back();
  const auto share_at = [&](double bound) {
    return static_cast<double>(std::count(lower.begin(), lower.end(), bound)) /
           static_cast<double>(lower.size());
  };
  const Spread of_bounds(lower);
  f[t::open_at_lowest] = share_at(lowest);
  f[t::open_at_highest] = share_at(highest);
  f[t::open_bound_to_highest] = distance(bounds.lower, highest);
  f[t::open_lowest_to_highest] = distance(lowest, highest);
  f[t::open_lowest_to_upper] = bounds.to_upper(lowest);
  f[t::open_highest_to_upper] = bounds.to_upper(highest);
  f[t::open_mean_position] = bounds.position(of_bounds.mean);
  f[t::open_lowest_position] = bounds.position(lowest);
  f[t::open_highest_position] = bounds.position(highest);
  f[t::open_quartile_distance] = of_bounds.quartile_distance;
  f[t::open_variation] = of_bounds.variation;
  f[t::open_quartile_dispersion] = of_bounds.quartile_dispersion;
  const Spread of_depths(depths);
  f[t::open_depth_mean] = quotient(of_depths.mean, SCIPgetMaxDepth(scip));
  f[t::open_depth_quartile_distance] = of_depths.quartile_distance;
  f[t::open_depth_variation] = of_depths.variation;
  f[t::open_depth_quartile_dispersion] = of_depths.quartile_dispersion;
}

}  // namespace

void observe_tree_gate_candidates(Scip* scip, const TreeRecorder& recorder,
                                  std::span<SCIP_Var* const> candidates,
                                  std::vector<double>& features) {
  const double feastol = SCIPfeastol(scip);
  const double depth = SCIPgetMaxDepth(scip);
  const double cliques = SCIPgetNCliques(scip);
  const auto decisions = static_cast<double>(recorder.branchings());
  const double all_up = SCIPgetPseudocostCount(scip, upwards, 1);
  const double all_down = SCIPgetPseudocostCount(scip, downwards, 1);
  features.assign(candidates.size() * t::candidate_feature_count, 0.0);
  double* f = features.data();
  for (SCIP_Var* variable : candidates) {
    const double value = lp_value(scip, variable);
    const double up = SCIPgetVarPseudocostCountCurrentRun(scip, variable, upwards);
    const double down = SCIPgetVarPseudocostCountCurrentRun(scip, variable, downwards);
    f[t::fraction] = value - std::floor(value + feastol);
    f[t::average_solution] = SCIPvarGetAvgSol(variable);
    if (depth > 0.0) {
      f[t::branch_depth_up] = 1.0 - SCIPvarGetAvgBranchdepthCurrentRun(variable, upwards) / depth;
      f[t::branch_depth_down] =
          1.0 - SCIPvarGetAvgBranchdepthCurrentRun(variable, downwards) / depth;
    }
    f[t::conflict_score] =
        beside(SCIPgetVarConflictScore(scip, variable), SCIPgetAvgConflictScore(scip));
    f[t::conflict_length_score] =
        beside(SCIPgetVarConflictlengthScore(scip, variable), SCIPgetAvgConflictlengthScore(scip));
    f[t::inference_score] =
        beside(SCIPgetVarAvgInferenceScore(scip, variable), SCIPgetAvgInferenceScore(scip));
    f[t::cutoff_score] =
        beside(SCIPgetVarAvgCutoffScore(scip, variable), SCIPgetAvgCutoffScore(scip));
    f[t::pseudocost_score] =
        beside(SCIPgetVarPseudocostScore(scip, variable, value), SCIPgetAvgPseudocostScore(scip));
    f[t::pseudocost_count_up_share] = quotient(up, all_up);
    f[t::pseudocost_count_down_share] = quotient(down, all_down);
    f[t::pseudocost_count_up_by_branchings] =
        quotient(up, static_cast<double>(SCIPvarGetNBranchingsCurrentRun(variable, upwards)));
    f[t::pseudocost_count_down_by_branchings] =
        quotient(down, static_cast<double>(SCIPvarGetNBranchingsCurrentRun(variable, downwards)));
    f[t::pseudocost_count_up_by_decisions] = quotient(up, decisions);
    f[t::pseudocost_count_down_by_decisions] = quotient(down, decisions);
    f[t::implications_down] = SCIPvarGetNImpls(variable, 0);
    f[t::implications_up] = SCIPvarGetNImpls(variable, 1);
    f[t::cliques_down] = quotient(SCIPvarGetNCliques(variable, 0), cliques);
    f[t::cliques_up] = quotient(SCIPvarGetNCliques(variable, 1), cliques);
    f[t::cutoffs_up] = bounded(SCIPgetVarAvgCutoffsCurrentRun(scip, variable, upwards));
    f[t::cutoffs_down] = bounded(SCIPgetVarAvgCutoffsCurrentRun(scip, variable, downwards));
    f[t::conflict_length_up] =
        bounded(SCIPgetVarAvgConflictlengthCurrentRun(scip, variable, upwards));
    f[t::conflict_length_down] =
        bounded(SCIPgetVarAvgConflictlengthCurrentRun(scip, variable, downwards));
    f[t::inferences_up] = bounded(SCIPgetVarAvgInferencesCurrentRun(scip, variable, upwards));
    f[t::inferences_down] = bounded(SCIPgetVarAvgInferencesCurrentRun(scip, variable, downwards));
    f += t::candidate_feature_count;
  }
}

void observe_tree_gate_tree(Scip* scip, const TreeRecorder& recorder, std::size_t candidates,
                            std::vector<double>& features) {
  features.assign(t::tree_feature_count, 0.0);
  const Bounds bounds{SCIPgetLowerbound(scip), SCIPgetUpperbound(scip), SCIPinfinity(scip)};
  double* f = features.data();
  observe_node(scip, bounds, candidates, f);
  observe_counts(scip, recorder, f);
  observe_gap(scip, recorder, bounds, f);
  observe_means(scip, f);
  observe_open_nodes(scip, bounds, f);
}

}  // namespace kida
