// The card of a policy, out of JSON: the twin of kida/network/card.py and steering.py and of the
// bounds in kida/rule.py and kida/network/architecture.py. A test hands the same cards to both.
#include <algorithm>
#include <cmath>
#include <limits>
#include <regex>
#include <set>
#include <stdexcept>

#include "allowed_parameters.h"
#include "policy.h"

namespace kida {

namespace {

constexpr int newest_schema = 2;
constexpr int steering_schema = 1;
constexpr std::size_t most_shortlists = 16;
constexpr int longest_shortlist = 1'000'000;
constexpr std::int64_t largest_seed = 2147483646;
constexpr double largest_value = 1e15;      // of a variable
constexpr std::size_t longest_name = 1000;  // of a variable

[[noreturn]] void refuse(const std::string& field, const std::string& why) {
  throw std::invalid_argument(field.empty() ? why : field + " " + why);
}

// The fields of one object, each read by name: what is missing keeps its value, what is unknown is
// refused in the end.
class Fields {
 public:
  Fields(const Json& json, std::string place) : place_(std::move(place)) {
    object_ = json.as<JsonObject>();
    if (object_ == nullptr) refuse(place_.empty() ? "it" : place_, "must be an object");
  }

  const Json* get(const std::string& name) {
    known_.insert(name);
    return find(*object_, name);
  }

  // As the options of the rule visit it (rule_options.h).
  template <typename T>
  void operator()(const char* name, T& value, IntegerRange range = {}) {
    if (const Json* json = get(name)) read(*json, field(name), value, range);
  }

  void require_all_known() const {
    for (const JsonMember& member : *object_) {
      if (known_.contains(member.name)) continue;
      std::string names;
      for (const std::string& name : known_) names += (names.empty() ? "" : ", ") + name;
      refuse(place_,
             "has the unknown field '" + member.name.substr(0, 80) + "'; the fields are " + names);
    }
  }

  std::string field(const std::string& name) const {
    return place_.empty() ? name : place_ + "." + name;
  }

 private:
  static void read(const Json& json, const std::string& field, int& value, IntegerRange range) {
    const auto* found = json.as<std::int64_t>();
    if (found == nullptr || *found < range.least || *found > range.most) {
      refuse(field, "is " + shown(json) + "; it must be an integer from " +
                        std::to_string(range.least) + " to " + std::to_string(range.most));
    }
    value = static_cast<int>(*found);
  }
  static void read(const Json& json, const std::string& field, bool& value, IntegerRange) {
    const auto* found = json.as<bool>();
    if (found == nullptr) refuse(field, "is " + shown(json) + "; it must be true or false");
    value = *found;
  }
  static void read(const Json& json, const std::string& field, CandidateSet& value, IntegerRange) {
    const auto* found = json.as<std::string>();
    const auto name = found == nullptr ? candidate_set_names.end()
                                       : std::find(candidate_set_names.begin(),
                                                   candidate_set_names.end(), *found);
    if (name == candidate_set_names.end()) {
      refuse(field, "is " + shown(json) + "; choose one of fractional, unfixed");
    }
    value = static_cast<CandidateSet>(name - candidate_set_names.begin());
  }

  const JsonObject* object_;
  std::string place_;
  std::set<std::string> known_;
};

void read_architecture(const Json& json, Card& card) {
  Fields fields(json, "architecture");
  fields("embedding_size", card.embedding_size, {8, 128});
  if (card.embedding_size % 8 != 0) {
    refuse("architecture.embedding_size",
           "is " + std::to_string(card.embedding_size) + "; it must be a multiple of 8");
  }
  // What the candidate features were once called.
  const bool both = fields.get("candidate_features") != nullptr;
  fields(both ? "candidate_features" : "statistics", card.candidate_features);
  fields("incumbent_features", card.incumbent_features);
  fields.require_all_known();
}

ParameterValue parameter_value(const Json& json, const std::string& name) {
  if (const auto* value = json.as<bool>()) return *value;
  if (const auto* value = json.as<double>()) return *value;
  const auto* integer = json.as<std::int64_t>();
  if (integer != nullptr && *integer >= -largest_parameter) return *integer;
  if (const auto* text = json.as<std::string>()) {
    if (text->size() == 1 && text->front() >= ' ' && text->front() <= '~') return text->front();
  }
  refuse("", "the policy's card sets SCIP's parameter '" + name + "' to " + shown(json) +
                 "; write a finite number, a truth value or a single character");
}

bool may_set(const std::string& name) {
  static const auto allowed = [] {
    std::vector<std::regex> patterns;
    for (const char* pattern : allowed_parameters) patterns.emplace_back(pattern);
    return patterns;
  }();
  static const std::regex never(never_in_parameters);
  return name.size() <= longest_parameter &&
         std::any_of(allowed.begin(), allowed.end(),
                     [&](const std::regex& pattern) { return std::regex_match(name, pattern); }) &&
         !std::regex_search(name, never);
}

void read_parameters(const Json& json, Card& card) {
  const auto* object = json.as<JsonObject>();
  if (object == nullptr) refuse("parameters", "must be an object");
  for (const JsonMember& member : *object) {
    if (!may_set(member.name)) {
      refuse("", "the policy's card sets SCIP's parameter '" +
                     member.name.substr(0, longest_parameter) +
                     "', which is none of those that change the search and not the answer; leave "
                     "it out, or set it yourself");
    }
    card.parameters.insert_or_assign(member.name, parameter_value(member.value, member.name));
  }
  if (card.parameters.size() > most_parameters) {
    refuse("", "the policy's card sets " + std::to_string(card.parameters.size()) +
                   " parameters of SCIP, more than " + std::to_string(most_parameters));
  }
}

// How many characters, not bytes, a text has.
std::size_t length(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

// A number of a variable's, within bounds; infinite if it is none.
double number_of(const Json& json) {
  const auto* integer = json.as<std::int64_t>();
  if (integer != nullptr) return static_cast<double>(*integer);
  const auto* real = json.as<double>();
  return real != nullptr ? *real : std::numeric_limits<double>::infinity();
}

const JsonObject& by_variables(const Json& json, const std::string& field) {
  const auto* object = json.as<JsonObject>();
  if (object == nullptr) refuse(field, "must be an object");
  for (const JsonMember& member : *object) {
    if (length(member.name) > longest_name) refuse(field, "has a name that is too long");
  }
  return *object;
}

void read_start(const Json& json, Card& card) {
  for (const JsonMember& member : by_variables(json, "start")) {
    const double value = number_of(member.value);
    if (!(std::abs(value) <= largest_value)) {
      refuse("start", "gives a variable the value " + shown(member.value) +
                          "; write a number from -1e15 to 1e15");
    }
    card.start.insert_or_assign(member.name, value);
  }
}

double pseudocost_of(const Json& json) {
  if (json.as<std::nullptr_t>() != nullptr) return unknown_cost;
  const double value = number_of(json);
  if (value < 0.0 || value > largest_pseudocost) {
    refuse("pseudocosts",
           "gives a variable " + shown(json) + "; write a number from 0 to 1e15, or null");
  }
  return value;
}

void read_pseudocosts(const Json& json, Card& card) {
  for (const JsonMember& member : by_variables(json, "pseudocosts")) {
    const auto* pair = member.value.as<JsonArray>();
    if (pair == nullptr || pair->size() != 2) {
      refuse("pseudocosts", "must give each variable two numbers: of a unit down, and up");
    }
    card.pseudocosts.insert_or_assign(
        member.name, Pseudocost{pseudocost_of((*pair)[0]), pseudocost_of((*pair)[1])});
  }
}

// What says how the policy was made: only that it is what it should be.
void check_history(Fields& fields) {
  const Json* recipe = fields.get("recipe");
  if (recipe != nullptr && recipe->as<JsonObject>() == nullptr) {
    refuse("recipe", "must be an object");
  }
  const Json* version = fields.get("scip_version");
  if (version != nullptr &&
      (version->as<std::string>() == nullptr || length(*version->as<std::string>()) > 100)) {
    refuse("scip_version", "must be a text of at most 100 characters");
  }
  if (const Json* seeds = fields.get("seeds")) {
    const auto* entries = seeds->as<JsonArray>();
    const bool valid = entries != nullptr && entries->size() <= 10'000 &&
                       std::all_of(entries->begin(), entries->end(), [](const Json& entry) {
                         const auto* seed = entry.as<std::int64_t>();
                         return seed != nullptr && *seed >= 0 && *seed <= largest_seed;
                       });
    if (!valid) refuse("seeds", "must be at most 10000 integers from 0 to 2147483646");
  }
  if (const Json* results = fields.get("results")) {
    const auto* entries = results->as<JsonArray>();
    const bool valid = entries != nullptr && entries->size() <= 1000 &&
                       std::all_of(entries->begin(), entries->end(), [](const Json& entry) {
                         return entry.as<JsonObject>() != nullptr;
                       });
    if (!valid) refuse("results", "must be at most 1000 objects");
  }
}

std::vector<int> read_columns(const Json* json) {
  const auto* names = json == nullptr ? nullptr : json->as<JsonArray>();
  if (names == nullptr || names->empty() || names->size() > steering_feature_names.size()) {
    refuse("features", "must be a list of 1 to " + std::to_string(steering_feature_names.size()) +
                           " candidate features");
  }
  std::vector<int> columns;
  for (const Json& name : *names) {
    const auto* text = name.as<std::string>();
    const auto found = text == nullptr ? steering_feature_names.end()
                                       : std::find(steering_feature_names.begin(),
                                                   steering_feature_names.end(), *text);
    if (found == steering_feature_names.end()) {
      refuse("", "there is no candidate feature " + shown(name));
    }
    const auto column = static_cast<int>(found - steering_feature_names.begin());
    if (std::find(columns.begin(), columns.end(), column) != columns.end()) {
      refuse("", "a candidate feature is there twice; each is read once");
    }
    columns.push_back(column);
  }
  return columns;
}

std::vector<int> read_shortlists(const Json& json) {
  const auto* entries = json.as<JsonArray>();
  std::vector<int> lengths;
  if (entries != nullptr && entries->size() <= most_shortlists) {
    for (const Json& entry : *entries) {
      const auto* length = entry.as<std::int64_t>();
      const bool rises = length != nullptr && *length > (lengths.empty() ? 0 : lengths.back());
      if (!rises || *length > longest_shortlist) break;
      lengths.push_back(static_cast<int>(*length));
    }
  }
  if (entries == nullptr || lengths.empty() || lengths.size() != entries->size()) {
    refuse("shortlists", "must be 1 to " + std::to_string(most_shortlists) + " lengths from 1 to " +
                             std::to_string(longest_shortlist) + ", rising");
  }
  return lengths;
}

Card steering_card_from(Fields& fields, const Json& kind, std::int64_t version) {
  const auto* name = kind.as<std::string>();
  if (name == nullptr || *name != "relpscost") {
    refuse("kind", "is " + shown(kind) + "; it must be relpscost");
  }
  if (version != steering_schema) {
    refuse("", "it has schema version " + std::to_string(version) +
                   ", and this kida reads version " + std::to_string(steering_schema) +
                   " of this kind: use the kida that wrote it, or train anew");
  }
  Card card;
  card.has_network = false;
  SteeringCard steering;
  steering.columns = read_columns(fields.get("features"));
  fields("hidden", steering.hidden, {1, 256});
  if (steering.hidden == 0) refuse("hidden", "is missing");
  if (const Json* lengths = fields.get("shortlists")) steering.lengths = read_shortlists(*lengths);
  fields("monitor", steering.monitored);
  if (const Json* parameters = fields.get("parameters")) read_parameters(*parameters, card);
  check_history(fields);
  fields.require_all_known();
  card.steering = std::move(steering);
  return card;
}

}  // namespace

Card card_from(const Json& json) {
  Fields fields(json, "");
  // The version comes first: the fields of another version cannot be judged here.
  const Json* version = fields.get("schema_version");
  if (version == nullptr) refuse("", "it has no schema_version; restore the original file");
  const auto* number = version->as<std::int64_t>();
  if (number == nullptr || *number < 1 || *number > newest_schema) {
    refuse("", "it has schema version " + shown(*version) + ", and this kida reads versions 1 to " +
                   std::to_string(newest_schema) + ": use the kida that wrote it, or train anew");
  }
  if (const Json* kind = fields.get("kind")) return steering_card_from(fields, *kind, *number);
  Card card;
  if (const Json* architecture = fields.get("architecture")) {
    card.has_network = architecture->as<std::nullptr_t>() == nullptr;
    if (card.has_network) read_architecture(*architecture, card);
  }
  card.decision.visit(fields);
  if (!card.has_network && card.decision != DecisionOptions{}) {
    refuse("", "it has no network, and says how one would be used: restore the original file");
  }
  if (card.decision.shortlist != 0 && card.decision.candidates != CandidateSet::fractional) {
    refuse("shortlist", "is " + std::to_string(card.decision.shortlist) +
                            ", but SCIP's reliability branching chooses among fractional "
                            "candidates alone");
  }
  if (const Json* parameters = fields.get("parameters")) read_parameters(*parameters, card);
  if (const Json* start = fields.get("start")) read_start(*start, card);
  if (const Json* costs = fields.get("pseudocosts")) read_pseudocosts(*costs, card);
  check_history(fields);
  fields.require_all_known();
  if (*number != (card.candidate_features ? 2 : 1)) {
    refuse("", "it has schema version " + std::to_string(*number) + ", but a network " +
                   (card.candidate_features ? "with" : "without") +
                   " candidate features is of version " + (card.candidate_features ? "2" : "1") +
                   ": restore the original file");
  }
  return card;
}

}  // namespace kida
