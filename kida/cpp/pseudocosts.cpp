#include "pseudocosts.h"

#include <cmath>
#include <memory>
#include <string_view>
#include <utility>

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

constexpr const char* event_handler_name = "kida_pseudocosts";
// SCIP's name of a transformed variable is that of the original one behind this.
constexpr std::string_view transformed_prefix = "t_";

std::string original_name(SCIP_Var* variable) {
  std::string_view name = SCIPvarGetName(variable);
  if (name.starts_with(transformed_prefix)) name.remove_prefix(transformed_prefix.size());
  return std::string(name);
}

double learned(Scip* scip, SCIP_Var* variable, int direction, double scale) {
  if (SCIPgetVarPseudocostCount(scip, variable, direction) <= 0.0) return unknown_cost;
  const double cost =
      scale * SCIPgetVarPseudocostVal(scip, variable, direction == downwards ? -1.0 : 1.0);
  return cost <= largest_pseudocost ? cost : unknown_cost;
}

// SCIP's side: the event handler owns the pseudocosts.
struct Begin {
  Pseudocosts pseudocosts;
  bool begun = false;

  static Begin& of(SCIP_Eventhdlr* handler) {
    return *reinterpret_cast<Begin*>(SCIPeventhdlrGetData(handler));
  }
  static Retcode on_event(Scip* scip, SCIP_Eventhdlr* handler, SCIP_Event*, SCIP_EventData*) {
    Begin& begin = of(handler);
    if (std::exchange(begin.begun, true)) return okay;
    try {
      return begin.hand_on(scip);
    } catch (...) {  // out of memory: nothing may cross the C boundary
      return error;
    }
  }
  static Retcode on_init(Scip* scip, SCIP_Eventhdlr* handler) {
    of(handler).begun = false;
    return SCIPcatchEvent(scip, constants.event_first_lp_solved, handler, nullptr, nullptr);
  }
  static Retcode on_exit(Scip* scip, SCIP_Eventhdlr* handler) {
    return SCIPdropEvent(scip, constants.event_first_lp_solved, handler, nullptr, -1);
  }
  static Retcode on_free(Scip*, SCIP_Eventhdlr* handler) {
    delete &of(handler);
    return okay;
  }

  Retcode hand_on(Scip* scip) const {
    const double scale = SCIPgetTransObjscale(scip);
    SCIP_Var** variables = SCIPgetVars(scip);
    const int count = SCIPgetNVars(scip);
    for (int i = 0; i < count; ++i) {
      const auto found = pseudocosts.find(original_name(variables[i]));
      if (found == pseudocosts.end()) continue;
      const auto [down, up] = found->second;
      Retcode done = okay;
      if (!std::isnan(down)) {
        done = SCIPupdateVarPseudocost(scip, variables[i], -1.0, down / scale, 1.0);
      }
      if (done == okay && !std::isnan(up)) {
        done = SCIPupdateVarPseudocost(scip, variables[i], 1.0, up / scale, 1.0);
      }
      if (done != okay) return done;
    }
    return okay;
  }
};

}  // namespace

Pseudocosts learned_pseudocosts(Scip* scip) {
  Pseudocosts found;
  const int stage = SCIPgetStage(scip);
  if (stage != constants.stage_solving && stage != constants.stage_solved) return found;
  const double scale = SCIPgetTransObjscale(scip);
  SCIP_Var** variables = SCIPgetVars(scip);
  const int count = SCIPgetNVars(scip);
  for (int i = 0; i < count; ++i) {
    const Pseudocost pseudocost{learned(scip, variables[i], downwards, scale),
                                learned(scip, variables[i], upwards, scale)};
    if (!std::isnan(pseudocost.down) || !std::isnan(pseudocost.up)) {
      found.emplace(original_name(variables[i]), pseudocost);
    }
  }
  return found;
}

void include_pseudocosts(Scip* scip, Pseudocosts pseudocosts) {
  SCIP_Eventhdlr* handler = SCIPfindEventhdlr(scip, event_handler_name);
  if (handler != nullptr) {  // of a policy that was attached before
    Begin::of(handler).pseudocosts = std::move(pseudocosts);
    return;
  }
  if (pseudocosts.empty()) return;
  auto begin = std::make_unique<Begin>();
  begin->pseudocosts = std::move(pseudocosts);
  KIDA_CALL(SCIPincludeEventhdlrBasic(scip, &handler, event_handler_name,
                                      "hands on what former solves have learned", Begin::on_event,
                                      reinterpret_cast<SCIP_EventhdlrData*>(begin.get())));
  KIDA_CALL(SCIPsetEventhdlrFree(scip, handler, Begin::on_free));
  begin.release();  // SCIP's now
  KIDA_CALL(SCIPsetEventhdlrInit(scip, handler, Begin::on_init));
  KIDA_CALL(SCIPsetEventhdlrExit(scip, handler, Begin::on_exit));
}

}  // namespace kida
