#include "sample_recorder.h"

#include <algorithm>

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

bool SampleRecorder::wants(int depth, double draw) const {
  const auto& probability = options_.probability_by_depth;
  const auto at = std::min<std::size_t>(depth, probability.size() - 1);
  return !full() && draw < probability[at];
}

void SampleRecorder::record(Scip* scip, const ObservedNode& node, const StrongBranching& expert) {
  samples_.push_back({.node = node,
                      .expert = expert,
                      .depth = SCIPgetDepth(scip),
                      .node_number = SCIPgetNNodes(scip),
                      .lp_objective = SCIPgetLPObjval(scip),
                      .dual_bound = SCIPgetDualbound(scip)});
  if (full()) KIDA_CALL(SCIPinterruptSolve(scip));
}

}  // namespace kida
