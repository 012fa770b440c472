#include "tree_recorder.h"

#include <exception>
#include <stdexcept>

#include "better_solution.h"

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

constexpr const char* event_handler_name = "kida_tree";

std::uint64_t event_types() {
  return constants.event_best_solution_found | constants.event_node_branched;
}

}  // namespace

struct TreeRecorder::Callbacks {
  using Owner = std::shared_ptr<TreeRecorder>;

  static Owner& of(SCIP_Eventhdlr* handler) {
    return *reinterpret_cast<Owner*>(SCIPeventhdlrGetData(handler));
  }
  static Retcode on_event(Scip* scip, SCIP_Eventhdlr* handler, SCIP_Event* event, SCIP_EventData*) {
    try {
      if (SCIPeventGetType(event) == constants.event_node_branched) {
        of(handler)->on_branching(scip);
      } else {
        of(handler)->on_solution(scip, event);
      }
    } catch (const std::exception&) {
      return error;
    }
    return okay;
  }
  static Retcode on_init(Scip* scip, SCIP_Eventhdlr* handler) {
    of(handler)->start();
    return SCIPcatchEvent(scip, event_types(), handler, nullptr, nullptr);
  }
  static Retcode on_exit(Scip* scip, SCIP_Eventhdlr* handler) {
    return SCIPdropEvent(scip, event_types(), handler, nullptr, -1);
  }
  static Retcode on_free(Scip*, SCIP_Eventhdlr* handler) {
    delete &of(handler);
    return okay;
  }
};

std::shared_ptr<TreeRecorder> TreeRecorder::include(Scip* scip) {
  SCIP_Eventhdlr* handler = SCIPfindEventhdlr(scip, event_handler_name);
  if (handler != nullptr) return Callbacks::of(handler);
  if (SCIPgetStage(scip) != constants.stage_problem) {
    throw std::runtime_error("the tree must be listened to from the beginning of the solve");
  }
  auto owner = std::make_unique<Callbacks::Owner>(std::make_shared<TreeRecorder>());
  KIDA_CALL(SCIPincludeEventhdlrBasic(scip, &handler, event_handler_name,
                                      "counts nodes and gaps for observations", Callbacks::on_event,
                                      reinterpret_cast<SCIP_EventhdlrData*>(owner.get())));
  const Callbacks::Owner recorder = *owner;
  owner.release();  // SCIP has it now
  KIDA_CALL(SCIPsetEventhdlrInit(scip, handler, Callbacks::on_init));
  KIDA_CALL(SCIPsetEventhdlrExit(scip, handler, Callbacks::on_exit));
  KIDA_CALL(SCIPsetEventhdlrFree(scip, handler, Callbacks::on_free));
  return recorder;
}

std::int64_t TreeRecorder::branchings_of_run(Scip* scip) const {
  return SCIPgetNRuns(scip) == run_ ? branchings_of_run_ : 0;
}

void TreeRecorder::on_branching(Scip* scip) {
  branchings_of_run_ = branchings_of_run(scip) + 1;
  run_ = SCIPgetNRuns(scip);
  ++branchings_;
  SCIP_Node** ignored = nullptr;
  int children = 0;
  int ignored_count = 0;
  KIDA_CALL(SCIPgetOpenNodesData(scip, &ignored, &ignored, &ignored, &ignored_count, &children,
                                 &ignored_count));
  children_ += children;
}

void TreeRecorder::on_solution(Scip* scip, SCIP_Event* event) {
  last_gap_ = gap_after(scip, event);
  if (before_first_ >= 0) return;
  first_gap_ = last_gap_;
  before_first_ = SCIPgetNNodes(scip);
}

}  // namespace kida
