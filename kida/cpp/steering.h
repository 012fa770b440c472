// Steering SCIP's reliability branching: a small model says which candidates it is asked about, a
// monitor says how many and whether it pays at all.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "candidate_model.h"
#include "shortlist_monitor.h"

namespace kida {

struct SteeringSetup {
  std::shared_ptr<const CandidateModel> model;
  std::vector<int> lengths;  // of the lists, ascending
  bool monitored = true;     // otherwise the first list is played everywhere
};

// One solve's.
class Steering {
 public:
  explicit Steering(SteeringSetup setup);

  // A run of the solve begins. What was lost in those before still counts.
  void restart(Scip* scip);

  // SCIP's default for good.
  bool closed() const { return closed_ || monitor_.closed(); }

  // Put the positions, ascending, of the candidates that are to be asked into `shortlist`: those
  // that are reliable, which costs nothing, and the best of the others. False where all are and
  // nothing is to be learned of it: SCIP's default does the same.
  bool choose(Scip* scip, std::span<SCIP_Var* const> candidates,
              const std::function<double()>& draw, std::vector<std::size_t>& shortlist);

  // Reliability branching has been asked about what choose() chose; and has branched, or not.
  void learn(Scip* scip, std::span<SCIP_Var* const> candidates, bool branched);

  // Whether choose() has chosen all candidates, to see what a list would have kept.
  bool looking() const { return looking_; }

  // Whether the scores of the node just chosen at were not finite, and SCIP decides.
  bool unscored() const { return unscored_; }

 private:
  bool is_reliable(Scip* scip, SCIP_Var* variable) const;
  bool score(Scip* scip, std::span<SCIP_Var* const> candidates,
             const std::function<double()>& draw);
  void look(Scip* scip, std::span<SCIP_Var* const> candidates, double iterations, bool branched);
  bool compare_gains(Scip* scip, std::span<SCIP_Var* const> candidates);
  void compare_reductions(Scip* scip, std::span<SCIP_Var* const> candidates);

  SteeringSetup setup_;
  ShortlistMonitor monitor_;
  bool looking_ = false;
  bool unscored_ = false;
  bool closed_ = false;
  int unscored_nodes_ = 0;  // in a row
  double reliable_ = 5.0;   // observations, of both directions, after which SCIP asks no more
  double iterations_before_ = -1.0;        // at the decision before
  double strong_iterations_before_ = 0.0;  // at this node
  std::vector<float> known_, features_, scores_;
  std::vector<std::size_t> ranked_;  // positions, best first
  // Of each position, its place among the candidates that are not reliable, from 1 on; 0: it is.
  std::vector<int> places_;
  Look look_;
};

}  // namespace kida
