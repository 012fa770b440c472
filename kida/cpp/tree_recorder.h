// What happens in the tree of a solve and SCIP does not tell, counted from the solve's beginning.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>

#include "scip_api.h"

namespace kida {

// Counts what SCIP counts too, but does not tell: it listens to a solve from its beginning.
class TreeRecorder {
 public:
  // The recorder in `scip`, included if there is none yet: before the solve begins.
  static std::shared_ptr<TreeRecorder> include(Scip* scip);

  std::int64_t branchings() const { return branchings_; }            // nodes branched so far
  std::int64_t children() const { return children_; }                // created by them
  std::int64_t nodes_before_first() const { return before_first_; }  // solution; -1: none yet
  double first_gap() const { return first_gap_; }  // when the first solution had been found
  double last_gap() const { return last_gap_; }    // when the best one had been found

  // Nodes branched in the current one of SCIP's restarts.
  std::int64_t branchings_of_run(Scip* scip) const;

 private:
  struct Callbacks;
  void start() { *this = TreeRecorder(); }
  void on_branching(Scip* scip);
  void on_solution(Scip* scip, SCIP_Event* event);

  std::int64_t branchings_ = 0;
  std::int64_t branchings_of_run_ = 0;
  std::int64_t children_ = 0;
  std::int64_t before_first_ = -1;
  int run_ = 0;
  double first_gap_ = std::numeric_limits<double>::infinity();
  double last_gap_ = std::numeric_limits<double>::infinity();
};

}  // namespace kida
