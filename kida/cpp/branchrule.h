// The branching rule: observe, score, branch, without entering Python in the node loop.
//
// At a node the rule may instead ask the strong-branching expert: near the root, as the policy's
// card says, and at nodes that are recorded as training samples (sample_recorder). The options are
// declared in rule_options.h; what they do is decided here.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "network.h"
#include "observation.h"
#include "rule_host.h"
#include "rule_options.h"
#include "sample_recorder.h"
#include "steering.h"
#include "strong_branching.h"

namespace kida {

// Who decides at nodes where the expert does not.
enum class Acting { network, expert, random, scip, function, steering };

// Returns the position of its choice in the candidates; or tells the host why not and returns -1.
using Chooser = std::function<int(const ObservedNode&)>;

// Replaces the expert's scores, one for each candidate, NaN where it was not evaluated; or tells
// the host why not and returns false.
using ExpertScore = std::function<bool(Scip*, const std::vector<SCIP_Var*>& candidates, int depth,
                                       std::vector<double>& scores, const StrongBranching&)>;

// Among SCIP's branching rules: above reliability pseudocosts (10000) and below nothing that a user
// is likely to set.
inline constexpr int rule_priority = 1'000'000;

// What one rule is made of, beside its network.
struct RuleSetup {
  DecisionOptions decision;
  RecordingOptions recording;
  Acting acting = Acting::network;
  Chooser function;          // for Acting::function
  ExpertScore expert_score;  // of the expert's candidates; empty: SCIP's branching score
  std::optional<SteeringSetup> steering;  // for Acting::steering
  std::uint64_t seed = 0;
  int priority = rule_priority;
  bool trace = false;  // keep the timings of every decision of the network
};

struct Statistics {
  std::int64_t decisions = 0;          // all nodes this rule branched on
  std::int64_t network_decisions = 0;  // or the function's
  std::int64_t expert_decisions = 0;
  std::int64_t shortlist_decisions = 0;  // of the network's, by reliability branching
  std::int64_t looks = 0;       // all candidates were asked, to see what a shortlist would keep
  std::int64_t candidates = 0;  // sum over the decisions
  std::int64_t unscored = 0;    // nodes left to SCIP's rules because a score was not finite
  double seconds_observing = 0.0;
  double seconds_scoring = 0.0;
  double seconds_expert = 0.0;
  // Between SCIP calling the rule and its return, without reliability branching among a list.
  double seconds_total = 0.0;
};

// Seconds of one decision of the network.
struct Timing {
  float observing, scoring, total;
};

class Brancher : public std::enable_shared_from_this<Brancher> {
 public:
  // Include the rule into `scip`, which shares its ownership. `network` may be null unless it acts.
  // A network's rule acts in copies of the model too, unless they are made while it is being
  // solved, as SCIP's heuristics do; of other rules a copy says that it has none.
  static std::shared_ptr<Brancher> include(Scip* scip, std::shared_ptr<const Network> network,
                                           RuleSetup setup, std::shared_ptr<RuleHost> host);

  // Whether there is a rule in `scip` already.
  static bool included(Scip* scip);

  const Statistics& statistics() const { return statistics_; }
  std::int64_t decisions_in_copies() const { return *decisions_in_copies_; }
  const std::vector<Sample>& samples() const { return recorder_.samples(); }
  const std::vector<Timing>& trace() const { return trace_; }
  // Whether the problem was not linear, and this rule has not branched.
  bool declined() const { return declined_ || (given_nonlinear_ && statistics_.decisions == 0); }
  RuleHost& host() const { return *host_; }

 private:
  struct Callbacks;
  static constexpr int none = -1;  // instead of a candidate's position: nobody here has chosen
  struct Choice {
    int candidate = none;
    bool by_expert = false;
    bool shortlisted = false;  // reliability branching chooses, among the candidates of shortlist_
  };

  Brancher(std::shared_ptr<const Network> network, RuleSetup setup, std::shared_ptr<RuleHost> host)
      : network_(std::move(network)),
        setup_(std::move(setup)),
        host_(std::move(host)),
        recorder_(setup_.recording),
        random_(setup_.seed) {}

  // One rule in one SCIP, of the model or of a copy, which may run in a thread of its own.
  static void include(Scip* scip, std::shared_ptr<Brancher> brancher);
  void copy_to(Scip* target);
  void warn_once(Scip* scip, bool& warned, const char* message);
  void warn_not_finite();

  bool is_copy() const { return host_ == nullptr; }
  bool failure_waiting() const { return !is_copy() && host_->waiting(); }
  int execute(Scip* scip);
  int fail(Scip* scip, const char* why, int* result) noexcept;  // returns SCIP's return code
  int give_up(Scip* scip);
  static bool is_nonlinear(Scip* scip);
  static bool was_nonlinear(Scip* scip);  // as it was given
  void judge(Scip* scip);
  bool is_reliability_first(Scip* scip) const;
  Choice choose(Scip* scip);
  int ask_expert(Scip* scip, bool teaches, bool observed);
  bool score_by_function(Scip* scip);
  std::vector<std::size_t> expert_shortlist(Scip* scip, bool observed);
  void best_scored(int limit, std::vector<std::size_t>& positions) const;
  Choice ask_acting(Scip* scip);
  Choice ask_network(Scip* scip);
  Choice ask_steering(Scip* scip);
  int ask_function(Scip* scip);
  void observe_node(Scip* scip, bool with_incumbent, bool with_candidate_features);
  bool score();
  int branch(Scip* scip, Choice choice);
  void branch_on(Scip* scip, Choice choice);
  int branch_reliably(Scip* scip);
  bool leaves_all() const;
  double uniform();

  std::shared_ptr<const Network> network_;
  RuleSetup setup_;
  // None in a copy: that may run beside the thread that holds the interpreter lock, and would wait
  // for it for ever.
  std::shared_ptr<RuleHost> host_;
  SampleRecorder recorder_;
  std::mt19937_64 random_;
  bool given_nonlinear_ = false;
  bool declined_ = false;  // presolving has left it nonlinear
  bool unused_ = false;    // what is to be steered does not branch
  bool failed_ = false;    // at this node
  bool warned_nonlinear_ = false;
  bool warned_unused_ = false;
  bool warned_not_finite_ = false;
  bool warned_copy_ = false;
  Scip* scip_ = nullptr;
  std::shared_ptr<std::atomic<std::int64_t>> decisions_in_copies_ =
      std::make_shared<std::atomic<std::int64_t>>(0);
  Statistics statistics_;
  std::vector<Timing> trace_;

  // Scratch memory, kept from node to node.
  std::vector<SCIP_Var*> candidates_;
  ObservedNode node_;
  std::vector<float> scores_;
  std::vector<std::size_t> shortlist_;  // positions in candidates_, ascending
  std::vector<SCIP_Var*> shortlisted_;
  std::vector<double> values_, fractions_;
  StrongBranching expert_;
  std::optional<Steering> steering_;  // of this solve
  Network::Workspace workspace_;
  Timing timing_{};
};

// The branching candidates at the focus node, of the highest branching priority present.
void branching_candidates(Scip* scip, CandidateSet which, std::vector<SCIP_Var*>& candidates);

}  // namespace kida
