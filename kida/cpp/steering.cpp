#include "steering.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "network.h"

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

// The variable that the focus node has just been branched on; null if it has no children.
SCIP_Var* branching_variable(Scip* scip) {
  SCIP_Node** children = nullptr;
  int count = 0;
  KIDA_CALL(SCIPgetChildren(scip, &children, &count));
  if (count == 0) return nullptr;
  std::array<SCIP_Var*, 1> variable{};
  std::array<double, 1> bound{};
  std::array<int, 1> type{};
  int changes = 0;
  SCIPnodeGetParentBranchings(children[0], variable.data(), bound.data(), type.data(), &changes, 1);
  return changes == 1 ? variable[0] : nullptr;
}

}  // namespace

Steering::Steering(SteeringSetup setup) : setup_(std::move(setup)), monitor_(setup_.lengths) {}

bool Steering::rank(Scip* scip, std::span<SCIP_Var* const> candidates,
                    const std::function<double()>& draw) {
  observe_steering(scip, candidates, draw, features_);
  scores_.resize(candidates.size());
  setup_.model->score(features_, scores_);
  if (!all_finite(scores_)) return false;
  ranked_.resize(candidates.size());
  std::iota(ranked_.begin(), ranked_.end(), std::size_t{0});
  std::stable_sort(ranked_.begin(), ranked_.end(),
                   [this](std::size_t a, std::size_t b) { return scores_[a] > scores_[b]; });
  return true;
}

bool Steering::choose(Scip* scip, std::span<SCIP_Var* const> candidates,
                      const std::function<double()>& draw, std::vector<std::size_t>& shortlist) {
  unscored_ = false;
  if (monitor_.closed()) return false;
  const auto iterations = static_cast<double>(SCIPgetNLPIterations(scip));
  strong_iterations_before_ = static_cast<double>(SCIPgetNStrongbranchLPIterations(scip));
  // The root's are no node's like the others.
  if (iterations_before_ >= 0.0) {
    monitor_.at_node(iterations + strong_iterations_before_, iterations - iterations_before_,
                     static_cast<double>(SCIPgetNNodes(scip)));
  }
  iterations_before_ = iterations;
  const int length = setup_.monitored ? monitor_.next() : setup_.lengths.front();
  // The shortest list would hold them all.
  const auto shortest = static_cast<std::size_t>(setup_.lengths.front());
  if (candidates.size() <= std::max(shortest, static_cast<std::size_t>(length))) return false;
  unscored_ = !rank(scip, candidates, draw);
  if (unscored_) return false;
  looking_ = length == 0;
  const auto count = looking_ ? candidates.size() : static_cast<std::size_t>(length);
  shortlist.assign(ranked_.begin(), ranked_.begin() + static_cast<std::ptrdiff_t>(count));
  // In SCIP's order, by which it settles ties.
  std::sort(shortlist.begin(), shortlist.end());
  return true;
}

void Steering::learn(Scip* scip, std::span<SCIP_Var* const> candidates, bool branched) {
  if (!setup_.monitored) return;
  const double spent =
      static_cast<double>(SCIPgetNStrongbranchLPIterations(scip)) - strong_iterations_before_;
  if (!looking_) {
    monitor_.played(spent);
  } else if (branched) {
    look(scip, candidates, spent);
  }
}

void Steering::look(Scip* scip, std::span<SCIP_Var* const> candidates, double iterations) {
  SCIP_Var* chosen = branching_variable(scip);
  Look found{.iterations = iterations, .evaluated = 0, .retained = {}};
  const auto node = SCIPgetNNodes(scip);
  found.evaluated =
      static_cast<int>(std::count_if(candidates.begin(), candidates.end(), [&](SCIP_Var* variable) {
        return SCIPgetVarStrongbranchNode(scip, variable) == node;
      }));
  const auto place =
      std::find_if(ranked_.begin(), ranked_.end(),
                   [&](std::size_t position) { return candidates[position] == chosen; }) -
      ranked_.begin();
  if (place == static_cast<std::ptrdiff_t>(ranked_.size())) return;
  // By what strong branching has just taught the pseudocosts.
  auto gain = [&](SCIP_Var* variable) {
    return SCIPgetVarPseudocostScore(scip, variable, SCIPvarGetLPSol(variable));
  };
  const double full = gain(chosen);
  double best = 0.0;
  std::size_t seen = 0;
  for (const int length : monitor_.lengths()) {
    const auto end = std::min(static_cast<std::size_t>(length), ranked_.size());
    for (; seen < end; ++seen) best = std::max(best, gain(candidates[ranked_[seen]]));
    const bool listed = place < static_cast<std::ptrdiff_t>(end);
    found.retained.push_back(listed || full <= 0.0 ? 1.0 : std::min(best / full, 1.0));
  }
  monitor_.looked(found);
}

}  // namespace kida
