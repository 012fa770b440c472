// What kida.h declares. Nothing is thrown across it: whatever goes wrong becomes a text of the
// thread, and a 0.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

// What libkida shows of itself.
#ifdef _WIN32
#define KIDA_API __declspec(dllexport)
#else
#define KIDA_API __attribute__((visibility("default")))
#endif

#include "branchrule.h"
#include "kida.h"
#include "policy.h"
#include "scip_api.h"
#include "scip_parameters.h"
#include "start.h"
#include "text.h"

namespace kida {

namespace {

constexpr int succeeded = scip::okay;
constexpr int failed = scip::error;
thread_local std::string last_error;

// A solve runs in the thread of whoever called SCIP.
class Program : public RuleHost {
 public:
  void warn(Scip* scip, const char* message) override {
    scip::SCIPwarningMessage(scip, "%s\n", message);
  }
  bool keep(const std::string& failure) override {
    last_error = printable(failure);
    return false;
  }
  bool waiting() const override { return false; }
};

// SCIP's plugins cannot be asked for a rule of this library: one of that name may be another's.
class Rules {
 public:
  void put(const Scip* scip, const std::shared_ptr<Brancher>& rule) {
    const std::lock_guard lock(mutex_);
    std::erase_if(rules_, [](const auto& entry) { return entry.second.expired(); });
    rules_[scip] = rule;
  }
  std::shared_ptr<Brancher> get(const Scip* scip) {
    const std::lock_guard lock(mutex_);
    const auto found = rules_.find(scip);
    return found == rules_.end() ? nullptr : found->second.lock();
  }

 private:
  std::mutex mutex_;
  std::map<const Scip*, std::weak_ptr<Brancher>> rules_;
};

Rules& rules() {
  static Rules all;
  return all;
}

// By one caller at a time, and before any of them solves.
void connect() {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  // A set that this processor does not have is refused as long as it is asked for.
  const char* name = scip::connected() ? nullptr : std::getenv("KIDA_INSTRUCTION_SET");
  if (name != nullptr && *name != '\0') Network::use_instruction_set(name);
  scip::connect_to_loaded();
}

void include(Scip* scip, const char* policy_folder) {
  if (scip == nullptr || policy_folder == nullptr) {
    throw std::invalid_argument("kida_include() needs a SCIP and the folder of a policy");
  }
  connect();
  // As UTF-8, also where the system's own encoding is another.
  Policy policy = load_policy(reinterpret_cast<const char8_t*>(policy_folder));
  const int stage = scip::SCIPgetStage(scip);
  if (stage != scip::constants.stage_init && stage != scip::constants.stage_problem) {
    throw std::runtime_error(
        "a rule must be included before the solve begins, and this SCIP's has begun: call "
        "SCIPfreeTransform() first");
  }
  if (!policy.card.start.empty() && stage == scip::constants.stage_init) {
    throw std::runtime_error(
        "this policy brings starting values for a problem's variables: read the problem first, "
        "then include the policy");
  }
  if (Brancher::included(scip)) {
    throw std::runtime_error("this SCIP already has a kida branching rule");
  }
  ScipParameters parameters(scip);
  for (const auto& [name, value] : policy.card.parameters) parameters.set(name, value);
  // First what SCIP may refuse: nothing else is there then.
  if (!policy.card.start.empty() && add_start(scip, policy.card.start) == 0) {
    scip::SCIPwarningMessage(scip, "kida: %s\n", no_start);
  }
  include_pseudocosts(scip, std::move(policy.card.pseudocosts));
  RuleSetup setup;
  setup.decision = policy.card.decision;
  if (!policy.card.has_network) setup.acting = policy.steering ? Acting::steering : Acting::scip;
  setup.steering = std::move(policy.steering);
  rules().put(scip, Brancher::include(scip, std::move(policy.network), std::move(setup),
                                      std::make_shared<Program>()));
  parameters.keep();
}

void fill(const Scip* scip, KidaStatistics* result, std::size_t size) {
  const auto rule = rules().get(scip);
  if (rule == nullptr) throw std::runtime_error("kida_include() put no rule into this SCIP");
  if (result == nullptr || size == 0) throw std::invalid_argument("there is no room for them");
  const Statistics& s = rule->statistics();
  const KidaStatistics all{.decisions = s.decisions,
                           .network_decisions = s.network_decisions,
                           .expert_decisions = s.expert_decisions,
                           .candidates = s.candidates,
                           .unscored = s.unscored,
                           .decisions_in_copies = rule->decisions_in_copies(),
                           .declined = rule->declined() ? 1 : 0,
                           .seconds_observing = s.seconds_observing,
                           .seconds_scoring = s.seconds_scoring,
                           .seconds_expert = s.seconds_expert,
                           .seconds_total = s.seconds_total,
                           .shortlist_decisions = s.shortlist_decisions,
                           .looks = s.looks};
  // The program may be older, with fewer fields, or newer, with some that are not known here.
  std::memset(result, 0, size);
  std::memcpy(result, &all, std::min(size, sizeof all));
}

template <typename Function>
int guarded(Function&& function) noexcept {
  try {
    last_error.clear();
    function();
    return succeeded;
  } catch (const std::exception& trouble) {
    try {
      last_error = printable(trouble.what());
    } catch (...) {  // no memory for it
      last_error.clear();
    }
  } catch (...) {
    last_error.clear();
  }
  return failed;
}

}  // namespace

}  // namespace kida

extern "C" {

int kida_include(Scip* scip, const char* policy_folder) {
  return kida::guarded([&] { kida::include(scip, policy_folder); });
}

int kida_statistics(const Scip* scip, KidaStatistics* statistics, size_t size) {
  return kida::guarded([&] { kida::fill(scip, statistics, size); });
}

const char* kida_last_error(void) { return kida::last_error.c_str(); }

const char* kida_version(void) { return KIDA_VERSION; }
}
