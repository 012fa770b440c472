#include "bound_recorder.h"

#ifdef _WIN32
#include <windows.h>
#endif

#include <algorithm>
#include <atomic>
#include <ctime>
#include <type_traits>

#include "better_solution.h"

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

constexpr const char* event_handler_name = "kida_bounds";
constexpr const char* clock_rule_name = "kida_clock";
// Before every other rule, the learned one included.
constexpr int clock_rule_priority = 536870911;

std::atomic<int> alive_count{0};

double process_cpu_seconds() {
#ifdef _WIN32
  FILETIME created, ended, kernel, user;
  GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user);
  auto seconds = [](const FILETIME& time) {
    return 1e-7 * (4294967296.0 * time.dwHighDateTime + time.dwLowDateTime);
  };
  return seconds(kernel) + seconds(user);
#else
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
#endif
}

std::uint64_t event_types() {
  return constants.event_dual_bound_improved | constants.event_best_solution_found |
         constants.event_node_branched;
}

}  // namespace

// SCIP's side: the event handler and the clock rule both hold a shared pointer to the recorder,
// released when SCIP frees them.
struct BoundRecorderCallbacks {
  using Owner = std::shared_ptr<BoundRecorder>;

  static BoundRecorder& of(SCIP_Eventhdlr* handler) {
    return **reinterpret_cast<Owner*>(SCIPeventhdlrGetData(handler));
  }
  static Retcode on_event(Scip* scip, SCIP_Eventhdlr* handler, SCIP_Event* event, SCIP_EventData*) {
    try {
      if (SCIPeventGetType(event) == constants.event_node_branched) {
        // Constraint handlers may branch by themselves, without asking any rule.
        of(handler).on_branching(scip);
      } else if (SCIPeventGetType(event) == constants.event_best_solution_found) {
        of(handler).record(scip, primal_bound_after(scip, event));
      } else {
        of(handler).record(scip, SCIPgetPrimalbound(scip));
      }
    } catch (...) {  // out of memory: nothing may cross the C boundary
      return error;
    }
    return okay;
  }
  static Retcode on_init(Scip* scip, SCIP_Eventhdlr* handler) {
    return SCIPcatchEvent(scip, event_types(), handler, nullptr, nullptr);
  }
  static Retcode on_exit(Scip* scip, SCIP_Eventhdlr* handler) {
    return SCIPdropEvent(scip, event_types(), handler, nullptr, -1);
  }
  static Retcode on_free(Scip*, SCIP_Eventhdlr* handler) {
    delete reinterpret_cast<Owner*>(SCIPeventhdlrGetData(handler));
    --alive_count;
    return okay;
  }
  static Retcode on_branching(Scip* scip, SCIP_Branchrule* rule, Bool, int* result) {
    *result = constants.result_didnotrun;
    (*reinterpret_cast<Owner*>(SCIPbranchruleGetData(rule)))->on_branching(scip);
    return okay;
  }
  static Retcode on_rule_free(Scip*, SCIP_Branchrule* rule) {
    delete reinterpret_cast<Owner*>(SCIPbranchruleGetData(rule));
    return okay;
  }
};

std::shared_ptr<BoundRecorder> BoundRecorder::include(Scip* scip, double limit_after_root) {
  if (SCIPfindEventhdlr(scip, event_handler_name) != nullptr) {
    throw std::runtime_error("this model already has a bound recorder");
  }
  using Callbacks = BoundRecorderCallbacks;
  std::shared_ptr<BoundRecorder> recorder(new BoundRecorder(limit_after_root));
  SCIP_Eventhdlr* handler = nullptr;
  KIDA_CALL(SCIPincludeEventhdlrBasic(
      scip, &handler, event_handler_name, "records the bounds", Callbacks::on_event,
      reinterpret_cast<SCIP_EventhdlrData*>(new Callbacks::Owner(recorder))));
  KIDA_CALL(SCIPsetEventhdlrInit(scip, handler, Callbacks::on_init));
  KIDA_CALL(SCIPsetEventhdlrExit(scip, handler, Callbacks::on_exit));
  KIDA_CALL(SCIPsetEventhdlrFree(scip, handler, Callbacks::on_free));
  ++alive_count;
  SCIP_Branchrule* rule = nullptr;
  KIDA_CALL(SCIPincludeBranchruleBasic(
      scip, &rule, clock_rule_name, "notes when the root node has ended; never branches",
      clock_rule_priority, -1, 1.0,
      reinterpret_cast<SCIP_BranchruleData*>(new Callbacks::Owner(recorder))));
  // Of whatever kind the first decision is: nonlinear problems branch on external candidates, and
  // on pseudo candidates those whose LP is not solved.
  KIDA_CALL(SCIPsetBranchruleExecLp(scip, rule, Callbacks::on_branching));
  KIDA_CALL(SCIPsetBranchruleExecExt(scip, rule, Callbacks::on_branching));
  KIDA_CALL(SCIPsetBranchruleExecPs(scip, rule, Callbacks::on_branching));
  KIDA_CALL(SCIPsetBranchruleFree(scip, rule, Callbacks::on_rule_free));
  return recorder;
}

std::shared_ptr<BoundRecorder> BoundRecorder::of(Scip* scip) {
  SCIP_Eventhdlr* handler = SCIPfindEventhdlr(scip, event_handler_name);
  if (handler == nullptr) return nullptr;
  return *reinterpret_cast<BoundRecorderCallbacks::Owner*>(SCIPeventhdlrGetData(handler));
}

int BoundRecorder::alive() { return alive_count; }

double BoundRecorder::wall() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_origin_).count();
}

double BoundRecorder::cpu() const { return process_cpu_seconds() - cpu_origin_; }

void BoundRecorder::start() {
  const std::lock_guard lock(mutex_);
  wall_origin_ = std::chrono::steady_clock::now();
  cpu_origin_ = process_cpu_seconds();
  trajectory_ = {};
  progress_ = {};
  root_end_wall_ = root_end_cpu_ = std::numeric_limits<double>::quiet_NaN();
}

void BoundRecorder::finish(Scip* scip) { record(scip, SCIPgetPrimalbound(scip)); }

void BoundRecorder::update_progress(Scip* scip, double primal) {
  progress_.wall = wall();
  progress_.dual = SCIPgetDualbound(scip);
  progress_.primal = primal;
  progress_.nodes = SCIPgetNTotalNodes(scip);
  // Solutions can be found in stages in which SCIP refuses to count LP iterations, and prints so.
  if (SCIPgetStage(scip) == constants.stage_solving) {
    progress_.lp_iterations = SCIPgetNLPIterations(scip);
  }
}

void BoundRecorder::record(Scip* scip, double primal) {
  const std::lock_guard lock(mutex_);
  update_progress(scip, primal);
  trajectory_.wall.push_back(progress_.wall);
  trajectory_.cpu.push_back(cpu());
  trajectory_.dual.push_back(progress_.dual);
  trajectory_.primal.push_back(progress_.primal);
  trajectory_.nodes.push_back(progress_.nodes);
}

void BoundRecorder::on_branching(Scip* scip) {
  const std::lock_guard lock(mutex_);
  update_progress(scip, SCIPgetPrimalbound(scip));
  if (root_end_wall_ == root_end_wall_) return;  // not NaN: the root has ended before
  root_end_wall_ = progress_.wall;
  root_end_cpu_ = cpu();
  if (limit_after_root_ < std::numeric_limits<double>::infinity()) {
    SCIPsetRealParam(scip, "limits/time", SCIPgetSolvingTime(scip) + limit_after_root_);
  }
}

BoundRecorder::Trajectory BoundRecorder::trajectory(std::size_t first) const {
  const std::lock_guard lock(mutex_);
  auto rest = [first](const auto& all) {
    const auto skipped = static_cast<std::ptrdiff_t>(std::min(first, all.size()));
    return std::decay_t<decltype(all)>(all.begin() + skipped, all.end());
  };
  return {.wall = rest(trajectory_.wall),
          .cpu = rest(trajectory_.cpu),
          .dual = rest(trajectory_.dual),
          .primal = rest(trajectory_.primal),
          .nodes = rest(trajectory_.nodes)};
}

BoundRecorder::Progress BoundRecorder::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

}  // namespace kida
