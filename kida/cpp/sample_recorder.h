// Records some of the nodes of a solve as training samples: which ones, how many, and what a
// sample holds. The branching rule (branchrule) asks it at every node and tells it the outcome.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "observation.h"
#include "rule_options.h"
#include "strong_branching.h"

namespace kida {

// A node recorded for training.
struct Sample {
  ObservedNode node;  // before the expert taught the solver more
  StrongBranching expert;
  int depth = 0;
  std::int64_t node_number = 0;
  double lp_objective = 0.0;
  double dual_bound = 0.0;  // of the whole problem when the node was processed
  int taken = -1;           // index of the candidate branched on; -1 if SCIP decided
};

class SampleRecorder {
 public:
  explicit SampleRecorder(RecordingOptions options) : options_(std::move(options)) {}

  const std::vector<Sample>& samples() const { return samples_; }

  // Whether any node may be recorded at all.
  bool active() const { return !options_.probability_by_depth.empty(); }

  // Whether a node at `depth` is to be recorded; `draw` is a random number, uniform in [0, 1).
  bool wants(int depth, double draw) const;

  // Record the focus node, whose LP is solved. With the last sample the solve ends.
  void record(Scip* scip, const ObservedNode& node, const StrongBranching& expert);

  // Which candidate was branched on at the node recorded last.
  void set_taken(int choice) { samples_.back().taken = choice; }

 private:
  bool full() const {
    return samples_.size() >= static_cast<std::size_t>(options_.samples_per_episode);
  }

  RecordingOptions options_;
  std::vector<Sample> samples_;
};

}  // namespace kida
