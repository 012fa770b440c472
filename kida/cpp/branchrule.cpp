#include "branchrule.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

constexpr const char* rule_name = "kida";

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

void branching_candidates(Scip* scip, bool unfixed, std::vector<SCIP_Var*>& candidates) {
  SCIP_Var** variables = nullptr;
  int count = 0;
  int priority_count = 0;
  if (unfixed) {
    KIDA_CALL(SCIPgetPseudoBranchCands(scip, &variables, &count, &priority_count));
  } else {
    KIDA_CALL(
        SCIPgetLPBranchCands(scip, &variables, nullptr, nullptr, &count, &priority_count, nullptr));
  }
  // SCIP's arrays begin with the variables of highest priority and change under strong branching.
  candidates.assign(variables, variables + priority_count);
}

struct Brancher::Callbacks {
  using Owner = std::shared_ptr<Brancher>;

  static Retcode on_branching(Scip* scip, SCIP_Branchrule* rule, Bool, int* result) {
    *result = constants.result_didnotrun;
    Brancher& self = **reinterpret_cast<Owner*>(SCIPbranchruleGetData(rule));
    try {
      const auto begin = Clock::now();
      *result = self.execute(scip);
      self.statistics_.seconds_total += seconds(begin, Clock::now());
    } catch (const std::exception& failure) {
      self.state_ = State::failed;
      PendingException::store(self.exception_,
                              std::string("kida's branching rule failed: ") + failure.what());
      return SCIPinterruptSolve(scip);
    }
    return okay;
  }
  static Retcode on_free(Scip*, SCIP_Branchrule* rule) {
    auto* owner = reinterpret_cast<Owner*>(SCIPbranchruleGetData(rule));
    // They may refer to the model, which ends here.
    (*owner)->options_.function = nullptr;
    (*owner)->options_.expert_score = nullptr;
    delete owner;
    return okay;
  }
};

std::shared_ptr<Brancher> Brancher::include(Scip* scip, std::shared_ptr<const Network> network,
                                            const RuleOptions& options, int priority) {
  if (network == nullptr && options.acting == Acting::network) {
    throw std::invalid_argument("a rule that acts by the network needs one");
  }
  if (SCIPfindBranchrule(scip, rule_name) != nullptr) {
    throw std::runtime_error("this model already has a kida branching rule");
  }
  std::shared_ptr<Brancher> brancher(new Brancher(std::move(network), options));
  SCIP_Branchrule* rule = nullptr;
  KIDA_CALL(SCIPincludeBranchruleBasic(
      scip, &rule, rule_name, "learned branching by a bipartite graph network", priority, -1, 1.0,
      reinterpret_cast<SCIP_BranchruleData*>(new Callbacks::Owner(brancher))));
  KIDA_CALL(SCIPsetBranchruleExecLp(scip, rule, Callbacks::on_branching));
  KIDA_CALL(SCIPsetBranchruleFree(scip, rule, Callbacks::on_free));
  return brancher;
}

// The observation describes a linear relaxation of a linear problem; on others SCIP's rules go on.
bool Brancher::accepts(Scip* scip) {
  if (state_ == State::unused) {
    SCIP_Conshdlr* nonlinear = SCIPfindConshdlr(scip, "nonlinear");
    state_ = nonlinear != nullptr && SCIPconshdlrGetNActiveConss(nonlinear) > 0 ? State::declined
                                                                                : State::active;
    if (state_ == State::declined) {
      const PyGILState_STATE lock = PyGILState_Ensure();
      if (PyErr_WarnEx(PyExc_RuntimeWarning,
                       "kida declines to branch: the problem has nonlinear constraints; SCIP's "
                       "own branching rules go on",
                       1) != 0) {
        // A warning turned into an error cannot leave a callback: hand it over.
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        PendingException::store(exception_, value);
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
      }
      PyGILState_Release(lock);
    }
  }
  return state_ == State::active;
}

// Uniform in [0, 1); spelled out because the standard distributions differ between libraries.
double Brancher::uniform() { return static_cast<double>(random_() >> 11U) * 0x1.0p-53; }

bool Brancher::wants_sample(int depth, std::int64_t node) {
  const auto& probability = options_.record_probability;
  if (probability.empty()) return false;
  // Drawn at every node, so that the stream does not depend on the samples taken.
  const double draw = uniform();
  const auto at = std::min<std::size_t>(depth, probability.size() - 1);
  return static_cast<int>(samples_.size()) < options_.max_samples && draw < probability[at] &&
         options_.record_depths.contains(depth) && options_.record_nodes.contains(node);
}

int Brancher::ask_expert(Scip* scip, int depth, bool teaches, bool record) {
  const auto positions = shortlist(scip, record);
  const auto begin = Clock::now();
  if (options_.expert_solves) {
    strong_branching(scip, candidates_, positions, options_.expert_iterations, !teaches, expert_);
  } else {
    pseudocost_branching(scip, candidates_, positions, expert_);
  }
  if (options_.expert_score && expert_.complete && !score_by_function(scip, depth)) {
    expert_.complete = false;
    state_ = State::failed;
  }
  statistics_.seconds_expert += seconds(begin, Clock::now());
  return expert_.best;
}

bool Brancher::score_by_function(Scip* scip, int depth) {
  std::vector<double> scores(expert_.score);
  if (!options_.expert_score(scip, candidates_, depth, scores, expert_, exception_)) return false;
  const int before = expert_.best;
  expert_.best = -1;
  for (std::size_t k = 0; k < scores.size(); ++k) {
    if (std::isnan(expert_.score[k]) || std::isnan(scores[k])) continue;
    if (expert_.best < 0 || scores[k] > scores[expert_.best]) expert_.best = static_cast<int>(k);
  }
  expert_.score = std::move(scores);
  if (expert_.best != before) {  // the children's bounds were kept for the former best only
    expert_.best_down = expert_.best_up = SCIPgetLPObjval(scip);
  }
  return true;
}

// Positions of the candidates that the expert is asked about; by the network, best first.
std::vector<std::size_t> Brancher::shortlist(Scip* scip, bool observed) {
  if (network_ == nullptr || options_.expert_candidates <= 0) {
    return promising_by_pseudocost(scip, candidates_, options_.expert_candidates);
  }
  if (!observed) observe_node(scip, false, network_->statistics());
  score();
  std::vector<std::size_t> positions(candidates_.size());
  std::iota(positions.begin(), positions.end(), std::size_t{0});
  std::stable_sort(positions.begin(), positions.end(),
                   [this](std::size_t a, std::size_t b) { return scores_[a] > scores_[b]; });
  positions.resize(
      std::min(positions.size(), static_cast<std::size_t>(options_.expert_candidates)));
  return positions;
}

void Brancher::observe_node(Scip* scip, bool with_incumbent, bool with_statistics) {
  const auto begin = Clock::now();
  observe(scip, with_incumbent, observation_);
  if (with_statistics) observe_candidates(scip, candidates_, candidate_statistics_);
  candidate_indices_.resize(candidates_.size());
  std::transform(candidates_.begin(), candidates_.end(), candidate_indices_.begin(),
                 SCIPvarGetProbindex);
  timing_.observing = static_cast<float>(seconds(begin, Clock::now()));
  statistics_.seconds_observing += timing_.observing;
}

// Of the node as observed.
void Brancher::score() {
  const auto begin = Clock::now();
  scores_.resize(candidates_.size());
  network_->score(observation_, candidate_indices_, candidate_statistics_, workspace_, scores_);
  timing_.scoring = static_cast<float>(seconds(begin, Clock::now()));
  statistics_.seconds_scoring += timing_.scoring;
}

int Brancher::ask_network(Scip* scip) {
  observe_node(scip, false, network_->statistics());
  score();
  statistics_.network_decisions += 1;
  return static_cast<int>(std::max_element(scores_.begin(), scores_.end()) - scores_.begin());
}

int Brancher::ask_function(Scip* scip) {
  observe_node(scip, true, false);
  const auto begin = Clock::now();
  const int choice = options_.function(observation_, candidate_indices_, exception_);
  timing_.scoring = static_cast<float>(seconds(begin, Clock::now()));
  statistics_.seconds_scoring += timing_.scoring;
  statistics_.network_decisions += choice >= 0 ? 1 : 0;
  return choice;
}

void Brancher::branch(Scip* scip, int choice, bool expert_bounds) {
  SCIP_Node* down = nullptr;
  SCIP_Node* middle = nullptr;
  SCIP_Node* up = nullptr;
  KIDA_CALL(SCIPbranchVar(scip, candidates_[choice], &down, &middle, &up));
  // Strong branching has proved bounds for the children, unless columns are priced in later.
  if (expert_bounds && SCIPallColsInLP(scip) != 0 && middle == nullptr && down != nullptr &&
      up != nullptr) {
    KIDA_CALL(SCIPupdateNodeLowerbound(scip, down, expert_.best_down));
    KIDA_CALL(SCIPupdateNodeLowerbound(scip, up, expert_.best_up));
  }
}

int Brancher::execute(Scip* scip) {
  const auto begin = Clock::now();
  if (state_ == State::failed || !accepts(scip)) return constants.result_didnotrun;
  branching_candidates(scip, options_.unfixed_candidates, candidates_);
  if (candidates_.empty()) return constants.result_didnotrun;

  const int depth = SCIPgetDepth(scip);
  const bool record = wants_sample(depth, SCIPgetNNodes(scip));
  const bool expert_decides = options_.acting == Acting::expert || depth <= options_.expert_depth;
  const bool expert_acts = expert_decides || (record && options_.act_on_expert);
  int choice = -1;
  bool by_expert = false;
  bool recorded = false;

  if (record || expert_acts) {
    if (record) observe_node(scip, true, true);  // before the expert teaches the solver
    const bool teaches = expert_decides || (options_.expert_teaches && expert_acts);
    const int expert_choice = ask_expert(scip, depth, teaches, record);
    if (state_ == State::failed) {  // the score function has stored why
      KIDA_CALL(SCIPinterruptSolve(scip));
      return constants.result_didnotrun;
    }
    if (record && expert_.complete) {
      samples_.push_back({observation_, candidate_indices_, candidate_statistics_, expert_, depth,
                          SCIPgetNNodes(scip), SCIPgetLPObjval(scip), SCIPgetDualbound(scip)});
      recorded = true;
      if (options_.stop_when_full && static_cast<int>(samples_.size()) >= options_.max_samples) {
        KIDA_CALL(SCIPinterruptSolve(scip));
      }
    }
    if (expert_acts && expert_choice >= 0) {
      choice = expert_choice;
      by_expert = true;
    }
  }
  if (choice < 0) {
    // Also where the expert could evaluate nothing.
    switch (options_.acting) {
      case Acting::network: choice = ask_network(scip); break;
      case Acting::function: choice = ask_function(scip); break;
      case Acting::random:
        choice = static_cast<int>(uniform() * static_cast<double>(candidates_.size()));
        break;
      case Acting::expert:
      case Acting::scip: return constants.result_didnotrun;
    }
  }
  if (choice < 0) {  // the function failed and has stored why
    state_ = State::failed;
    KIDA_CALL(SCIPinterruptSolve(scip));
    return constants.result_didnotrun;
  }
  if (recorded) samples_.back().taken = choice;
  statistics_.decisions += 1;
  statistics_.expert_decisions += by_expert ? 1 : 0;
  statistics_.candidates += static_cast<std::int64_t>(candidates_.size());
  branch(scip, choice, by_expert);
  if (options_.trace && !by_expert) {
    timing_.total = static_cast<float>(seconds(begin, Clock::now()));
    trace_.push_back(timing_);
  }
  return constants.result_branched;
}

}  // namespace kida
