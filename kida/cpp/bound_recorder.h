// The trajectory of the bounds during a solve, and the moment at which the root node ended.
//
// A native event handler, so that recording costs every policy the same few hundred nanoseconds
// per change of a bound and never enters Python.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "scip_api.h"

namespace kida {

class BoundRecorder {
 public:
  // One entry per change; times in seconds since start(); bounds in the original objective sense.
  struct Trajectory {
    std::vector<double> wall, cpu, dual, primal;
    std::vector<std::int64_t> nodes;
  };
  struct Progress {
    double wall = 0.0, dual = 0.0, primal = 0.0;
    std::int64_t nodes = 0, lp_iterations = 0;
  };

  // Include a recorder into `scip`. At the first branching decision the root has ended; if
  // limit_after_root is finite the solve then has that many seconds left.
  static std::shared_ptr<BoundRecorder> include(Scip* scip, double limit_after_root);

  // The one in `scip`, or null.
  static std::shared_ptr<BoundRecorder> of(Scip* scip);
  // How many SCIPs have one and are not freed.
  static int alive();

  void start();             // the origin of the clocks: call just before solving
  void finish(Scip* scip);  // append the final bounds: call just after solving

  // Both may be called from another thread during the solve.
  Trajectory trajectory(std::size_t first = 0) const;  // without the events before that one
  Progress progress() const;

  double root_end_wall() const { return root_end_wall_; }  // NaN: never branched
  double root_end_cpu() const { return root_end_cpu_; }
  double wall() const;  // seconds since start()

 private:
  explicit BoundRecorder(double limit_after_root) : limit_after_root_(limit_after_root) {}
  void record(Scip* scip, double primal);
  void on_branching(Scip* scip);
  void update_progress(Scip* scip, double primal);
  double cpu() const;

  double limit_after_root_;
  std::chrono::steady_clock::time_point wall_origin_ = std::chrono::steady_clock::now();
  double cpu_origin_ = 0.0;
  double root_end_wall_ = std::numeric_limits<double>::quiet_NaN();
  double root_end_cpu_ = std::numeric_limits<double>::quiet_NaN();
  mutable std::mutex mutex_;
  Trajectory trajectory_;
  Progress progress_;
  friend struct BoundRecorderCallbacks;
};

}  // namespace kida
