#include "branchrule.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "ranking.h"

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

constexpr const char* rule_name = "kida";

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

void branching_candidates(Scip* scip, CandidateSet which, std::vector<SCIP_Var*>& candidates) {
  SCIP_Var** variables = nullptr;
  int count = 0;
  int priority_count = 0;
  if (which == CandidateSet::unfixed) {
    KIDA_CALL(SCIPgetPseudoBranchCands(scip, &variables, &count, &priority_count));
  } else {
    KIDA_CALL(
        SCIPgetLPBranchCands(scip, &variables, nullptr, nullptr, &count, &priority_count, nullptr));
  }
  // SCIP's arrays begin with the variables of highest priority and change under strong branching.
  candidates.assign(variables, variables + priority_count);
  // Columns that are priced in later, or were taken out: the LP cannot tell anything of them.
  std::erase_if(candidates, [](SCIP_Var* variable) { return SCIPvarIsInLP(variable) == 0; });
}

struct Brancher::Callbacks {
  using Owner = std::shared_ptr<Brancher>;

  static Brancher& of(SCIP_Branchrule* rule) {
    return **reinterpret_cast<Owner*>(SCIPbranchruleGetData(rule));
  }
  static Retcode on_branching(Scip* scip, SCIP_Branchrule* rule, Bool, int* result) {
    *result = constants.result_didnotrun;
    Brancher& self = of(rule);
    try {
      const auto begin = Clock::now();
      *result = self.execute(scip);
      self.statistics_.seconds_total += seconds(begin, Clock::now());
    } catch (const std::exception& failure) {
      return self.fail(scip, failure.what(), result);
    }
    return okay;
  }
  static Retcode on_copy(Scip* target, SCIP_Branchrule* rule) {
    try {
      of(rule).copy_to(target);
    } catch (const std::exception&) {
      return error;
    }
    return okay;
  }
  // The problem as it was given, which presolving may solve.
  static Retcode on_problem(Scip* scip, SCIP_Branchrule* rule) {
    Brancher& self = of(rule);
    self.given_nonlinear_ = was_nonlinear(scip);
    try {
      if (self.setup_.steering) self.steering_.emplace(*self.setup_.steering);
    } catch (const std::exception&) {
      return error;
    }
    return okay;
  }
  // The tree begins, or a restart: presolving may have made the problem linear.
  static Retcode on_tree(Scip* scip, SCIP_Branchrule* rule) {
    Brancher& self = of(rule);
    try {
      self.judge(scip);
    } catch (const std::exception&) {
      return error;
    }
    if (self.steering_) self.steering_->restart(scip);
    return okay;
  }
  static Retcode on_free(Scip*, SCIP_Branchrule* rule) {
    auto* owner = reinterpret_cast<Owner*>(SCIPbranchruleGetData(rule));
    (*owner)->scip_ = nullptr;
    delete owner;
    return okay;
  }
};

bool Brancher::included(Scip* scip) { return SCIPfindBranchrule(scip, rule_name) != nullptr; }

std::shared_ptr<Brancher> Brancher::include(Scip* scip, std::shared_ptr<const Network> network,
                                            RuleSetup setup, std::shared_ptr<RuleHost> host) {
  if (network == nullptr && setup.acting == Acting::network) {
    throw std::invalid_argument("a rule that acts by the network needs one");
  }
  if (setup.steering.has_value() != (setup.acting == Acting::steering)) {
    throw std::invalid_argument("a rule that steers needs a model, and no other rule does");
  }
  std::shared_ptr<Brancher> brancher(
      new Brancher(std::move(network), std::move(setup), std::move(host)));
  include(scip, brancher);
  return brancher;
}

void Brancher::include(Scip* scip, std::shared_ptr<Brancher> brancher) {
  brancher->scip_ = scip;
  SCIP_Branchrule* rule = nullptr;
  auto owner = std::make_unique<Callbacks::Owner>(brancher);
  KIDA_CALL(SCIPincludeBranchruleBasic(
      scip, &rule, rule_name, "learned branching by a bipartite graph network",
      brancher->setup_.priority, -1, 1.0, reinterpret_cast<SCIP_BranchruleData*>(owner.get())));
  owner.release();  // SCIP has it now
  KIDA_CALL(SCIPsetBranchruleExecLp(scip, rule, Callbacks::on_branching));
  KIDA_CALL(SCIPsetBranchruleCopy(scip, rule, Callbacks::on_copy));
  KIDA_CALL(SCIPsetBranchruleInit(scip, rule, Callbacks::on_problem));
  KIDA_CALL(SCIPsetBranchruleInitsol(scip, rule, Callbacks::on_tree));
  KIDA_CALL(SCIPsetBranchruleFree(scip, rule, Callbacks::on_free));
}

void Brancher::copy_to(Scip* target) {
  // Copies made in between are SCIP's own, for its heuristics, which choose how they branch.
  const int stage = SCIPgetStage(scip_);
  if (stage != constants.stage_problem && stage != constants.stage_presolved &&
      stage != constants.stage_solved) {
    return;
  }
  const bool by_itself = setup_.acting == Acting::network || setup_.acting == Acting::steering;
  if (!by_itself || recorder_.active()) {
    if (!is_copy() && !leaves_all()) {
      warn_once(scip_, warned_copy_,
                "the copy of this model is branched by SCIP's own rules: a Python function, or a "
                "rule that records samples, acts in the model that it was attached to only");
    }
    return;
  }
  std::shared_ptr<Brancher> brancher(new Brancher(network_, setup_, nullptr));
  brancher->decisions_in_copies_ = decisions_in_copies_;
  include(target, std::move(brancher));
}

void Brancher::warn_once(Scip* scip, bool& warned, const char* message) {
  if (!warned && !is_copy()) host_->warn(scip, message);
  warned = true;
}

bool Brancher::is_nonlinear(Scip* scip) {
  SCIP_Conshdlr* nonlinear = SCIPfindConshdlr(scip, "nonlinear");
  return nonlinear != nullptr && SCIPconshdlrGetNActiveConss(nonlinear) > 0;
}

bool Brancher::was_nonlinear(Scip* scip) {
  SCIP_Conshdlr* nonlinear = SCIPfindConshdlr(scip, "nonlinear");
  SCIP_Cons** constraints = SCIPgetOrigConss(scip);
  return nonlinear != nullptr &&
         std::any_of(constraints, constraints + SCIPgetNOrigConss(scip),
                     [&](SCIP_Cons* c) { return SCIPconsGetHdlr(c) == nonlinear; });
}

// The observation describes a linear relaxation of a linear problem; on others SCIP's rules go on.
void Brancher::judge(Scip* scip) {
  declined_ = is_nonlinear(scip);
  if (declined_ && !leaves_all()) {
    warn_once(scip, warned_nonlinear_,
              "kida declines to branch: the problem has nonlinear constraints; SCIP's own "
              "branching rules go on");
  }
  unused_ = setup_.acting == Acting::steering && !is_reliability_first(scip);
  if (unused_ && !declined_) {
    warn_once(scip, warned_unused_,
              "kida declines to steer reliability branching: another of SCIP's branching rules "
              "has a higher priority");
  }
}

// Whether reliability branching is what SCIP asks first where this rule leaves a node to it.
bool Brancher::is_reliability_first(Scip* scip) const {
  SCIP_Branchrule* reliability = SCIPfindBranchrule(scip, "relpscost");
  if (reliability == nullptr) return false;
  const int priority = SCIPbranchruleGetPriority(reliability);
  SCIP_Branchrule** rules = SCIPgetBranchrules(scip);
  return std::all_of(rules, rules + SCIPgetNBranchrules(scip), [&](SCIP_Branchrule* rule) {
    const int other = SCIPbranchruleGetPriority(rule);
    return rule == reliability || other < priority || other >= setup_.priority;
  });
}

// Whether SCIP's own rules branch everywhere, as where there are parameters and no network.
bool Brancher::leaves_all() const {
  return setup_.acting == Acting::scip && !recorder_.active() && setup_.decision.expert_depth < 0;
}

// Uniform in [0, 1); spelled out because the standard distributions differ between libraries.
double Brancher::uniform() { return static_cast<double>(random_() >> 11U) * 0x1.0p-53; }

// With `observed`, node_ is the node's already. The choice is none if nothing could be evaluated;
// of a failing score function too, which has told why.
int Brancher::ask_expert(Scip* scip, bool teaches, bool observed) {
  const auto positions = expert_shortlist(scip, observed);
  const auto begin = Clock::now();
  strong_branching(scip, candidates_, positions,
                   {.iterations = setup_.decision.expert_iterations, .idempotent = !teaches},
                   expert_);
  if (setup_.expert_score && expert_.complete && !score_by_function(scip)) failed_ = true;
  statistics_.seconds_expert += seconds(begin, Clock::now());
  return failed_ ? none : expert_.best;
}

bool Brancher::score_by_function(Scip* scip) {
  std::vector<double> scores(expert_.score);
  if (!setup_.expert_score(scip, candidates_, SCIPgetDepth(scip), scores, expert_)) {
    return false;
  }
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
std::vector<std::size_t> Brancher::expert_shortlist(Scip* scip, bool observed) {
  const int limit = setup_.decision.expert_candidates;
  if (network_ == nullptr || limit <= 0) {
    return promising_by_pseudocost(scip, candidates_, limit);
  }
  if (!observed) observe_node(scip, network_->incumbent_features(), network_->candidate_features());
  if (!score()) return promising_by_pseudocost(scip, candidates_, limit);
  std::vector<std::size_t> positions;
  best_scored(limit, positions);
  return positions;
}

// Positions of the `limit` candidates of highest score, best first.
void Brancher::best_scored(int limit, std::vector<std::size_t>& positions) const {
  rank(scores_, positions);
  positions.resize(std::min(positions.size(), static_cast<std::size_t>(limit)));
}

void Brancher::observe_node(Scip* scip, bool with_incumbent, bool with_candidate_features) {
  const auto begin = Clock::now();
  observe(scip, with_incumbent, node_.observation);
  if (with_candidate_features) observe_candidates(scip, candidates_, node_.candidate_features);
  node_.candidates.resize(candidates_.size());
  std::transform(candidates_.begin(), candidates_.end(), node_.candidates.begin(),
                 SCIPvarGetProbindex);
  timing_.observing = static_cast<float>(seconds(begin, Clock::now()));
  statistics_.seconds_observing += timing_.observing;
}

// Of the node as observed; false if a score is not finite, and so none can be believed.
bool Brancher::score() {
  const auto begin = Clock::now();
  scores_.resize(candidates_.size());
  network_->score(view_of(node_), workspace_, scores_);
  timing_.scoring = static_cast<float>(seconds(begin, Clock::now()));
  statistics_.seconds_scoring += timing_.scoring;
  if (all_finite(scores_)) return true;
  warn_not_finite();
  return false;
}

void Brancher::warn_not_finite() {
  warn_once(scip_, warned_not_finite_,
            "the network's scores are not finite: its weights do not fit this problem; SCIP's own "
            "branching rules decide at such nodes");
}

Brancher::Choice Brancher::ask_network(Scip* scip) {
  const DecisionOptions& decision = setup_.decision;
  if (decision.network_depth >= 0 && SCIPgetDepth(scip) > decision.network_depth) return {};
  // All are on a list as long as this, whatever their scores.
  const auto limit = static_cast<std::size_t>(decision.shortlist);
  if (limit >= candidates_.size()) {
    shortlist_.resize(candidates_.size());
    std::iota(shortlist_.begin(), shortlist_.end(), std::size_t{0});
    return {.shortlisted = true};
  }
  observe_node(scip, network_->incumbent_features(), network_->candidate_features());
  if (!score()) {
    statistics_.unscored += 1;
    return {};
  }
  if (limit > 0) {
    best_scored(decision.shortlist, shortlist_);
    // In SCIP's order, by which it settles ties.
    std::sort(shortlist_.begin(), shortlist_.end());
    return {.shortlisted = true};
  }
  statistics_.network_decisions += 1;
  const auto best = std::max_element(scores_.begin(), scores_.end());
  return {.candidate = static_cast<int>(best - scores_.begin())};
}

// None where SCIP's default would do the same.
Brancher::Choice Brancher::ask_steering(Scip* scip) {
  const auto begin = Clock::now();
  const bool chosen =
      steering_->choose(scip, candidates_, [this] { return uniform(); }, shortlist_);
  statistics_.seconds_scoring += seconds(begin, Clock::now());
  if (steering_->unscored()) {
    statistics_.unscored += 1;
    warn_not_finite();
  }
  return {.shortlisted = chosen};
}

int Brancher::ask_function(Scip* scip) {
  observe_node(scip, true, false);
  const auto begin = Clock::now();
  const int choice = setup_.function(node_);
  timing_.scoring = static_cast<float>(seconds(begin, Clock::now()));
  statistics_.seconds_scoring += timing_.scoring;
  if (choice < 0) {  // it has told why
    failed_ = true;
    return none;
  }
  statistics_.network_decisions += 1;
  return choice;
}

// Who decides where the expert does not; none where SCIP's own rules do.
Brancher::Choice Brancher::ask_acting(Scip* scip) {
  switch (setup_.acting) {
    case Acting::network: return ask_network(scip);
    case Acting::steering: return ask_steering(scip);
    case Acting::function: return {.candidate = ask_function(scip)};
    case Acting::random:
      return {.candidate = static_cast<int>(uniform() * static_cast<double>(candidates_.size()))};
    case Acting::expert:
    case Acting::scip: break;
  }
  return {};
}

// Also records the node if that is due.
Brancher::Choice Brancher::choose(Scip* scip) {
  const int depth = SCIPgetDepth(scip);
  // Drawn at every node, so that the stream does not depend on the samples taken.
  const bool record = recorder_.active() && recorder_.wants(depth, uniform());
  const bool expert_decides =
      setup_.acting == Acting::expert || depth <= setup_.decision.expert_depth;
  const bool expert_acts = expert_decides || (record && setup_.recording.act_on_expert);
  Choice choice;
  bool recorded = false;
  if (record || expert_acts) {
    if (record) observe_node(scip, true, true);  // before the expert teaches the solver
    const bool teaches = expert_decides || (setup_.recording.expert_teaches && expert_acts);
    const int best = ask_expert(scip, teaches, record);
    if (failed_) return {};
    recorded = record && expert_.complete;
    if (recorded) recorder_.record(scip, node_, expert_);
    if (expert_acts && best != none) choice = {.candidate = best, .by_expert = true};
  }
  // Also where the expert could evaluate nothing.
  if (choice.candidate == none) choice = ask_acting(scip);
  if (recorded) recorder_.set_taken(choice.candidate);
  return choice;
}

// Count the decision if it is one; SCIP's result.
int Brancher::branch(Scip* scip, Choice choice) {
  int result = constants.result_branched;
  if (choice.shortlisted) {
    result = branch_reliably(scip);
    const bool branched = result == constants.result_branched;
    if (steering_) steering_->learn(scip, candidates_, branched);
    if (!branched) return result;
    const bool look = steering_ && steering_->looking();
    statistics_.looks += look ? 1 : 0;
    statistics_.network_decisions += look ? 0 : 1;
    statistics_.shortlist_decisions += look ? 0 : 1;
  } else {
    branch_on(scip, choice);
  }
  statistics_.decisions += 1;
  if (is_copy()) *decisions_in_copies_ += 1;
  statistics_.expert_decisions += choice.by_expert ? 1 : 0;
  statistics_.candidates += static_cast<std::int64_t>(candidates_.size());
  return result;
}

void Brancher::branch_on(Scip* scip, Choice choice) {
  SCIP_Node* down = nullptr;
  SCIP_Node* middle = nullptr;
  SCIP_Node* up = nullptr;
  KIDA_CALL(SCIPbranchVar(scip, candidates_[choice.candidate], &down, &middle, &up));
  // Strong branching has proved bounds for the children, unless columns are priced in later.
  if (choice.by_expert && SCIPallColsInLP(scip) != 0 && middle == nullptr && down != nullptr &&
      up != nullptr) {
    KIDA_CALL(SCIPupdateNodeLowerbound(scip, down, expert_.best_down));
    KIDA_CALL(SCIPupdateNodeLowerbound(scip, up, expert_.best_up));
  }
}

// Let SCIP's reliability branching choose in the shortlist: it may also find that the node can be
// cut off, or domains reduced. It permutes the arrays.
int Brancher::branch_reliably(Scip* scip) {
  int result = constants.result_didnotrun;
  if (SCIPfindBranchrule(scip, "relpscost") == nullptr) return result;
  const double feastol = SCIPfeastol(scip);
  shortlisted_.clear();
  values_.clear();
  fractions_.clear();
  for (const std::size_t position : shortlist_) {
    SCIP_Var* variable = candidates_[position];
    const double value = SCIPvarGetLPSol(variable);
    shortlisted_.push_back(variable);
    values_.push_back(value);
    fractions_.push_back(value - std::floor(value + feastol));
  }
  const auto begin = Clock::now();
  KIDA_CALL(SCIPexecRelpscostBranching(scip, shortlisted_.data(), values_.data(), fractions_.data(),
                                       static_cast<int>(shortlisted_.size()), 1, &result));
  // Strong branching, for the most part, that SCIP would do without this rule.
  statistics_.seconds_total -= seconds(begin, Clock::now());
  return result;
}

int Brancher::fail(Scip* scip, const char* why, int* result) noexcept {
  try {
    if (is_copy() || !host_->keep(std::string("kida's branching rule failed: ") + why))
      return error;
    *result = give_up(scip);
    return okay;
  } catch (const std::exception&) {
    return error;
  }
}

// End the solve because of the failure that the host keeps. SCIP would let its other rules branch
// on this node; told that a domain has changed, it looks at the node again, that is, when it goes
// on.
int Brancher::give_up(Scip* scip) {
  KIDA_CALL(SCIPinterruptSolve(scip));
  return constants.result_reduced_domain;
}

int Brancher::execute(Scip* scip) {
  const auto begin = Clock::now();
  failed_ = false;
  timing_ = {};
  if (failure_waiting()) return give_up(scip);  // that nobody has asked for
  if (declined_ || unused_ || (steering_ && steering_->closed())) return constants.result_didnotrun;
  branching_candidates(scip, setup_.decision.candidates, candidates_);
  if (candidates_.empty()) return constants.result_didnotrun;

  const Choice choice = choose(scip);
  if (failed_ || failure_waiting()) return give_up(scip);
  if (choice.candidate == none && !choice.shortlisted) return constants.result_didnotrun;

  const int result = branch(scip, choice);
  if (setup_.trace && result == constants.result_branched && !choice.by_expert) {
    timing_.total = static_cast<float>(seconds(begin, Clock::now()));
    trace_.push_back(timing_);
  }
  return result;
}

}  // namespace kida
