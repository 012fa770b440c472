// A policy read from its folder without Python: the card, checked as kida/network/card.py and
// steering.py do it, and the weights, checked as kida/network/policy.py does it. All of it comes
// from elsewhere, and is hostile until then.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "json.h"
#include "network.h"
#include "pseudocosts.h"
#include "rule_options.h"
#include "steering.h"

namespace kida {

using ParameterValue = std::variant<bool, std::int64_t, double, char>;

// Of the card of a policy that steers SCIP's reliability branching, what its model reads.
struct SteeringCard {
  std::vector<int> columns;  // of SteeringFeature, in the order of the weights
  int hidden = 0;
  std::vector<int> lengths{4, 8, 16};  // of the shortlists
  bool monitored = true;
};

// Of what is in a card, that which decides how the policy branches.
struct Card {
  bool has_network = true;  // otherwise SCIP's own rules branch, under the parameters
  int embedding_size = 64;
  bool candidate_features = false;
  bool incumbent_features = false;
  DecisionOptions decision;
  std::map<std::string, ParameterValue> parameters;  // SCIP's
  std::map<std::string, double> start;   // values of variables that the search begins from
  Pseudocosts pseudocosts;               // that it begins with
  std::optional<SteeringCard> steering;  // then there is no network
};

// Arrays by name, their values one after the other.
class Weights {
 public:
  // Out of the content of a safetensors file. Throws std::invalid_argument.
  explicit Weights(const std::string& content);
  const Parameters& parameters() const { return parameters_; }

 private:
  // Returns where in values_ the array is.
  std::pair<std::size_t, std::size_t> add(const std::string& name, const Json& description);

  std::vector<float> values_;
  Parameters parameters_;  // into values_
};

struct Policy {
  Card card;
  std::shared_ptr<const Network> network;  // null without one
  std::optional<SteeringSetup> steering;
};

// Throws std::invalid_argument that says what is wrong with a card.
Card card_from(const Json& json);

// Read a policy's folder, or that of a training run that has ended. Throws std::runtime_error that
// names the file and what is wrong with it.
Policy load_policy(const std::filesystem::path& folder);

}  // namespace kida
