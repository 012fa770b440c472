// The options of the branching rule, each declared here once: the twin of kida/rule.py, which says
// what each one means. Python hands them over in one dict; a test compares names and defaults.
//
// To add one, add a field, and its line in `visit`, here and a field there, and what it does to
// branchrule.cpp. Its type must be one that the readers in bindings_branchrule.cpp and card.cpp
// know.
#pragma once

#include <array>
#include <string_view>
#include <vector>

namespace kida {

enum class CandidateSet { fractional, unfixed };
inline constexpr std::array<std::string_view, 2> candidate_set_names{"fractional", "unfixed"};

// What an integer may be: Python's Natural, unless the line in `visit` says otherwise.
struct IntegerRange {
  int least = 0;
  int most = 1'000'000'000;
};

// Who decides at a node: the options that a policy's card has.
struct DecisionOptions {
  CandidateSet candidates = CandidateSet::fractional;
  int expert_depth = -1;
  int expert_candidates = 0;
  int expert_iterations = 0;
  int network_depth = -1;
  int shortlist = 0;

  template <typename Visitor>
  void visit(Visitor&& visitor) {
    visitor("candidates", candidates);
    visitor("expert_depth", expert_depth, IntegerRange{-1, 1'000'000});
    visitor("expert_candidates", expert_candidates);
    visitor("expert_iterations", expert_iterations);
    visitor("network_depth", network_depth, IntegerRange{-1, 1'000'000});
    visitor("shortlist", shortlist);
  }
  bool operator==(const DecisionOptions&) const = default;
};

// Which nodes are recorded as samples for training, and what that does to the decisions there.
struct RecordingOptions {
  std::vector<double> probability_by_depth;  // empty, unlike in Python: nothing is recorded
  int samples_per_episode = 100;
  bool act_on_expert = true;
  bool expert_teaches = false;

  template <typename Visitor>
  void visit(Visitor&& visitor) {
    visitor("probability_by_depth", probability_by_depth);
    visitor("samples_per_episode", samples_per_episode);
    visitor("act_on_expert", act_on_expert);
    visitor("expert_teaches", expert_teaches);
  }
};

}  // namespace kida
