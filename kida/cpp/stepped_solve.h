// A solve that stops at every decision, in a thread of its own.
//
// SCIP calls its plugins and takes an answer; whoever experiments wants to be asked, go away and
// come back with one. So SCIP runs in a thread of its own: at a decision its callback parks there
// (decision_points), the caller looks at SCIP as if it were his, and resumes it with a choice. At
// any time one of the two works and the other one sleeps on a condition variable. The thread never
// takes the interpreter lock by itself.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "scip_api.h"
#include "sleeper.h"
#include "solver_thread.h"

namespace kida {

class SteppedSolve : public std::enable_shared_from_this<SteppedSolve> {
 public:
  enum class State { ready, running, parked, finished };
  // Instead of a position among the options.
  static constexpr int leave_to_scip = -1;
  static constexpr int stop = -2;

  // `scip` must outlive the thread: whoever owns it stops the solve first.
  explicit SteppedSolve(Scip* scip) : scip_(scip) {}
  SteppedSolve(const SteppedSolve&) = delete;
  SteppedSolve& operator=(const SteppedSolve&) = delete;

  // The caller's side. It sleeps in `wait_for`, which says whether the solve is at rest.
  void start();
  void resume(int choice);
  bool wait_for(std::chrono::milliseconds duration);
  // Ask for the end of the solve; SCIP forgets an interrupt that comes before it has begun, so ask
  // again until it is at rest, that is, finished.
  void request_stop();

  State state() const;
  // Whether the calling thread is the one that SCIP runs in, in a plugin of somebody else's.
  bool in_own_thread() const;
  // What may be chosen of; to be looked at while the solve is parked.
  const std::vector<std::int64_t>& options() const { return options_; }
  // Seconds that SCIP worked; those in which it waited for a choice are not among them.
  double seconds() const { return seconds_; }
  // Of SCIPsolve, and what failed in a callback, if anything; to be looked at after the end.
  scip::Retcode retcode() const { return retcode_; }
  const std::string& failure() const { return failure_; }

  // The solver's side: park with these options; returns a position among them or one of the above.
  int decide(std::vector<std::int64_t> options);
  // End the solve because of what has failed in a callback.
  void fail(std::string what) { failure_ = std::move(what); }

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  void count_seconds();

  Scip* scip_;
  mutable std::mutex mutex_;
  std::condition_variable caller_, solver_;
  Sleeper sleeping_caller_, sleeping_solver_;
  State state_ = State::ready;
  bool stopping_ = false;
  bool joinable_ = false;
  SolverThread thread_;
  int choice_ = leave_to_scip;
  std::vector<std::int64_t> options_;
  Clock::time_point resumed_;
  double seconds_ = 0.0;
  scip::Retcode retcode_ = scip::okay;
  std::string failure_;
};

}  // namespace kida
