// The branching rule: observe, score, branch, without entering Python in the node loop.
//
// At a node the rule may instead ask the strong-branching expert: near the root, as the policy's
// card says, and at nodes that are recorded as training samples.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "network.h"
#include "observation.h"
#include "pending_exception.h"
#include "strong_branching.h"

namespace kida {

// Who decides at nodes where the expert does not.
enum class Acting { network, expert, random, scip, function };

// Returns the position of its choice in the candidates; or stores its exception and returns -1.
using Chooser = std::function<int(const Observation&, const std::vector<std::int32_t>& candidates,
                                  const std::shared_ptr<PendingException>&)>;

// Both ends belong to it.
struct Window {
  std::int64_t first = 0;
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
  bool contains(std::int64_t value) const { return first <= value && value <= last; }
};

// Replaces the expert's scores, one for each candidate, NaN where it was not evaluated; or stores
// its exception and returns false.
using ExpertScore = std::function<bool(Scip*, const std::vector<SCIP_Var*>& candidates, int depth,
                                       std::vector<double>& scores, const StrongBranching&,
                                       const std::shared_ptr<PendingException>&)>;

struct RuleOptions {
  Acting acting = Acting::network;
  bool unfixed_candidates = false;  // every unfixed integer variable, not only the fractional ones
  int expert_depth = -1;            // the expert decides at nodes of at most this depth
  // The expert evaluates that many: those that the network scores highest or, without a network,
  // those of best pseudocost; 0: all.
  int expert_candidates = 0;
  int expert_iterations = 0;  // of the simplex method per child; 0: until it is solved
  bool expert_solves = true;  // strong branching; otherwise the expert goes by pseudocosts
  ExpertScore expert_score;   // of the expert's candidates; empty: SCIP's branching score
  std::vector<double> record_probability;  // of recording a node, by depth; the last goes on
  Window record_depths;                    // nodes are recorded at these depths only,
  Window record_nodes;                     // and of these numbers in the order of processing
  int max_samples = 0;
  bool stop_when_full = false;  // end the solve once that many samples are recorded
  bool act_on_expert = true;    // at recorded nodes the expert's choice is taken
  bool expert_teaches = false;  // there too, strong branching leaves pseudocosts in the solver
  bool trace = false;           // keep the timings of every decision of the network
  std::uint64_t seed = 0;
  Chooser function;  // for Acting::function
};

struct Statistics {
  std::int64_t decisions = 0;          // all nodes this rule branched on
  std::int64_t network_decisions = 0;  // or the function's
  std::int64_t expert_decisions = 0;
  std::int64_t candidates = 0;  // sum over the decisions
  double seconds_observing = 0.0;
  double seconds_scoring = 0.0;
  double seconds_expert = 0.0;
  double seconds_total = 0.0;  // between SCIP calling the rule and its return
};

// A node recorded for training.
struct Sample {
  Observation observation;
  std::vector<std::int32_t> candidates;  // variable indices
  std::vector<float> statistics;         // candidates x candidate_feature_count
  StrongBranching expert;
  int depth = 0;
  std::int64_t node_number = 0;
  double lp_objective = 0.0;
  double dual_bound = 0.0;  // of the whole problem when the node was processed
  int taken = -1;           // index of the candidate branched on; -1 if SCIP decided
};

// Seconds of one decision of the network.
struct Timing {
  float observing, scoring, total;
};

class Brancher : public std::enable_shared_from_this<Brancher> {
 public:
  // Include the rule into `scip`, which shares its ownership. `network` may be null unless it acts.
  static std::shared_ptr<Brancher> include(Scip* scip, std::shared_ptr<const Network> network,
                                           const RuleOptions& options, int priority);

  const Statistics& statistics() const { return statistics_; }
  const std::vector<Sample>& samples() const { return samples_; }
  const std::vector<Timing>& trace() const { return trace_; }
  bool declined() const { return state_ == State::declined; }
  PendingException& exception() { return *exception_; }

 private:
  enum class State { unused, active, declined, failed };
  struct Callbacks;

  Brancher(std::shared_ptr<const Network> network, const RuleOptions& options)
      : network_(std::move(network)), options_(options), random_(options.seed) {}

  int execute(Scip* scip);
  bool accepts(Scip* scip);
  bool wants_sample(int depth, std::int64_t node);
  int ask_expert(Scip* scip, int depth, bool teaches, bool record);
  bool score_by_function(Scip* scip, int depth);
  void observe_node(Scip* scip, bool with_incumbent, bool with_statistics);
  std::vector<std::size_t> shortlist(Scip* scip, bool observed);
  void score();
  int ask_network(Scip* scip);
  int ask_function(Scip* scip);
  void branch(Scip* scip, int choice, bool expert_bounds);
  double uniform();

  std::shared_ptr<const Network> network_;
  RuleOptions options_;
  std::mt19937_64 random_;
  State state_ = State::unused;
  std::shared_ptr<PendingException> exception_ = std::make_shared<PendingException>();
  Statistics statistics_;
  std::vector<Sample> samples_;
  std::vector<Timing> trace_;

  // Scratch memory, kept from node to node.
  std::vector<SCIP_Var*> candidates_;
  std::vector<std::int32_t> candidate_indices_;
  std::vector<float> candidate_statistics_;
  std::vector<float> scores_;
  Observation observation_;
  StrongBranching expert_;
  Network::Workspace workspace_;
  Timing timing_{};
};

// The branching candidates at the focus node: the fractional ones or all unfixed integer variables,
// of the highest branching priority present.
void branching_candidates(Scip* scip, bool unfixed, std::vector<SCIP_Var*>& candidates);

}  // namespace kida
