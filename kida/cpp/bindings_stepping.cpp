// What Python sees of a stepped solve: waiting for it with the interpreter lock released, Ctrl-C
// included, and letting go of it in whatever state it is.
#include <nanobind/stl/string.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "bindings.h"
#include "decision_points.h"
#include "stepped_solve.h"

namespace kida {

using namespace nb::literals;

namespace {

using State = SteppedSolve::State;

// How often a sleeping caller looks whether Ctrl-C was pressed, and a stopping one asks again.
constexpr std::chrono::milliseconds signal_interval{50}, stop_interval{10};
// How long an object that is collected waits for its solve: an LP is solved to its end.
constexpr double patience = 30.0;

// The thread that ends the interpreter, once it does.
std::atomic<unsigned long> ending_thread{0};

// Runs `function`, which must not throw, without the interpreter lock. Once the interpreter ends,
// other threads do not come back: taking the lock would end them in a way that C++ calls a fatal
// error (before Python 3.14).
template <typename Function>
auto unlocked(Function function) {
  // Any model of the process may have had PySCIPOpt print SCIP's errors through Python
  // (redirectOutput, as CVXPY does), which it does without taking the lock.
  scip::SCIPmessageSetErrorPrintingDefault();
  PyThreadState* state = PyEval_SaveThread();
  const auto result = function();
  const unsigned long ending = ending_thread;
  while (ending != 0 && ending != PyThread_get_thread_ident()) {
    std::this_thread::sleep_for(std::chrono::hours(1));
  }
  PyEval_RestoreThread(state);
  return result;
}

// Owns the model while the solve runs in it: a reference that the garbage collector does not see,
// so that it never frees SCIP under the thread, whatever circle model and caller are in.
class Handle {
 public:
  Handle(nb::object model, std::shared_ptr<SteppedSolve> solve)
      : model_(std::move(model)), solve_(std::move(solve)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (abandoned_) {
      model_.release();
    } else if (!at_end()) {
      const auto until = after(patience);
      bool ended = false;
      while (!solve_->in_own_thread() && !ended && Clock::now() < until) ended = ask_to_end();
      // SCIP runs in it, for ever or until the process ends: nobody may free it.
      if (!ended) model_.release();
    }
  }

  SteppedSolve& solve() {
    require_own_process();
    return *solve_;
  }

  void start() {
    unlocked([] { return true; });  // nothing begins once the interpreter ends
    solve().start();
  }

  // Whether the solve has come to rest within so many seconds; raises what Ctrl-C does.
  bool stop(double seconds) {
    for (const auto until = after(seconds); !at_end();) {
      if (ask_to_end()) break;
      if (PyErr_CheckSignals() != 0) nb::raise_python_error();
      if (Clock::now() >= until) return false;
    }
    let_go();
    return true;
  }

  // In a child process after a fork the thread does not exist, and in this one nobody waits for it.
  void abandon() { abandoned_ = true; }

  // Looks at nothing that another thread may hold.
  bool abandoned() const { return abandoned_; }

  // Whether the solve waited for a choice, which has to be among the options.
  bool resume(int choice) {
    if (abandoned_ || solve_->state() != State::parked) return false;
    const auto count = static_cast<int>(solve_->options().size());
    if (choice < SteppedSolve::leave_to_scip || choice >= count) {
      throw nb::index_error(
          (std::to_string(choice) + " is no position among " + std::to_string(count) + " options")
              .c_str());
    }
    solve_->resume(choice);
    return true;
  }

  // The options of the next decision, or None if the solve is over. Raises what Ctrl-C does.
  nb::object wait() {
    require_own_process();
    while (!unlocked([this] { return solve_->wait_for(signal_interval); })) {
      if (PyErr_CheckSignals() != 0) nb::raise_python_error();
    }
    nb::object found = options();
    if (found.is_none()) let_go();
    return found;
  }

  nb::object options() const {
    if (abandoned_ || solve_->state() != State::parked) return nb::none();
    return nb::cast(to_numpy(solve_->options()));
  }

 private:
  using Clock = std::chrono::steady_clock;

  static Clock::time_point after(double seconds) {
    return Clock::now() +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

  bool at_end() const {
    const State state = solve_->state();
    if (state == State::finished) solve_->wait_for({});  // for the thread, which is about to end
    return state == State::ready || state == State::finished;
  }

  // Of the model, where nothing runs in it any more.
  void let_go() {
    if (!abandoned_ && solve_->state() == State::finished && at_end()) model_ = nb::none();
  }

  bool ask_to_end() {
    return unlocked([this] {
      solve_->request_stop();
      solve_->wait_for(stop_interval);
      return solve_->state() == State::finished;
    });
  }

  void require_own_process() const {
    if (abandoned_) throw std::runtime_error("this solve was abandoned");
  }

  nb::object model_;
  std::shared_ptr<SteppedSolve> solve_;
  bool abandoned_ = false;
};

Handle* make_handle(nb::object model, const nb::object& capsule, const std::string& decision,
                    const std::string& candidates, int priority) {
  Scip* scip = scip_of(capsule);
  auto solve = std::make_shared<SteppedSolve>(scip);
  if (decision == "branching") {
    stop_at_branching(scip, solve, candidate_set_of(candidates), priority);
  } else if (decision == "node_selection") {
    stop_at_node_selection(scip, solve, priority);
  } else if (decision == "primal_search") {
    stop_after_nodes(scip, solve, priority);
  } else if (decision != "none") {
    throw std::invalid_argument("'" + decision +
                                "' is not one of branching, node_selection, primal_search, none");
  }
  return new Handle(std::move(model), std::move(solve));
}

std::string state_name(State state) {
  switch (state) {
    case State::ready: return "ready";
    case State::running: return "running";
    case State::parked: return "parked";
    case State::finished: break;
  }
  return "finished";
}

}  // namespace

void bind_stepping(nb::module_& m) {
  nb::class_<Handle>(m, "SteppedSolve", "A solve in a thread of its own that stops at decisions.")
      .def(nb::new_(&make_handle), "model"_a, "scip"_a, "decision"_a, "candidates"_a, "priority"_a)
      .def("start", &Handle::start, "Let the solve run.")
      .def("resume", &Handle::resume, "choice"_a,
           "Let the solve run on with a position among the options, or -1 to leave it to SCIP; "
           "False if it waits for no choice.")
      .def("wait", &Handle::wait,
           "Sleep until there is a decision to take and return its options; None at the end.")
      .def("stop", &Handle::stop, "seconds"_a,
           "End the solve; False if it has not come to rest within that time.")
      .def("abandon", &Handle::abandon, "Let go of a thread that is not there, or does not end.")
      .def_prop_ro("options", &Handle::options)
      .def_prop_ro("state",
                   [](Handle& self) {
                     return self.abandoned() ? "abandoned" : state_name(self.solve().state());
                   })
      .def_prop_ro("in_own_thread", [](Handle& self) { return self.solve().in_own_thread(); })
      .def_prop_ro("seconds", [](Handle& self) { return self.solve().seconds(); })
      .def_prop_ro("retcode", [](Handle& self) { return self.solve().retcode(); })
      .def_prop_ro("failure", [](Handle& self) { return self.solve().failure(); });
  m.def(
      "end_stepping", [] { ending_thread = PyThread_get_thread_ident(); },
      "Say that the interpreter is about to end: other threads that wait stay where they are.");
}

}  // namespace kida
