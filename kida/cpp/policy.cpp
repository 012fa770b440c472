#include "policy.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace kida {

namespace {

namespace fs = std::filesystem;

// As in kida/network/card.py and kida/network/policy.py.
constexpr std::size_t largest_card = 1U << 20U;
constexpr std::size_t largest_weights = 2U << 20U;
constexpr const char* card_file = "card.json";
constexpr const char* weights_file = "weights.safetensors";

std::string text_of(const fs::path& path) {
  const std::u8string text = path.u8string();
  return {text.begin(), text.end()};
}

std::string read_file(const fs::path& path, const char* what, std::size_t largest) {
  std::error_code problem;
  const auto status = fs::status(path, problem);
  if (status.type() == fs::file_type::not_found) {
    throw std::runtime_error(text_of(path.parent_path()) + " holds no " + text_of(path.filename()) +
                             ": it is not a policy; give the folder that 'kida train' or "
                             "'kida tune' left");
  }
  // A pipe that nobody writes to would be waited for without end.
  if (!fs::is_regular_file(status)) {
    throw std::runtime_error(text_of(path) + " is not " + what + ": it is no file");
  }
  std::ifstream file(path, std::ios::binary);
  // What it says of its size need not hold while it is read.
  std::string content(largest + 1, '\0');
  if (file) file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (file.bad() || (!file.eof() && file.fail())) {
    throw std::runtime_error(text_of(path) + " cannot be read");
  }
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > largest) {
    throw std::runtime_error(text_of(path) + " is not " + what + ": it has more than " +
                             std::to_string(largest >> 10U) + " KiB");
  }
  return content;
}

[[noreturn]] void damaged(const std::string& why) { throw std::invalid_argument(why); }

std::size_t natural(const Json& json, std::size_t most, const std::string& name) {
  const auto* value = json.as<std::int64_t>();
  if (value == nullptr || *value < 0 || static_cast<std::uint64_t>(*value) > most) {
    damaged("'" + name + "' has a size or an offset that cannot be");
  }
  return static_cast<std::size_t>(*value);
}

}  // namespace

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

Weights::Weights(const std::string& content) {
  std::uint64_t header_size = 0;
  if (content.size() < sizeof header_size) damaged("it is too short");
  std::memcpy(&header_size, content.data(), sizeof header_size);
  if (header_size > content.size() - sizeof header_size) damaged("its header has no end");
  const std::size_t begin = sizeof header_size + static_cast<std::size_t>(header_size);
  if ((content.size() - begin) % sizeof(float) != 0) damaged("it does not hold whole numbers");
  const Json header = parse_json(std::string_view(content).substr(sizeof header_size, header_size));
  const auto* arrays = header.as<JsonObject>();
  if (arrays == nullptr) damaged("its header is no object");
  values_.resize((content.size() - begin) / sizeof(float));
  std::memcpy(values_.data(), content.data() + begin, content.size() - begin);

  std::vector<std::pair<std::size_t, std::size_t>> ranges;  // of values_
  for (const JsonMember& member : *arrays) {
    if (member.name == "__metadata__") {
      if (member.value.as<JsonObject>() == nullptr) damaged("its notes are no object");
    } else {
      ranges.push_back(add(member.name, member.value));
    }
  }
  std::sort(ranges.begin(), ranges.end());
  std::size_t held = 0;
  for (const auto& [first, last] : ranges) {
    if (first != held) damaged("its arrays overlap or leave gaps");
    held = last;
  }
  if (held != values_.size()) damaged("it holds more than its arrays");
  for (const float value : values_) {
    if (!std::isfinite(value)) damaged("it holds a weight that is not finite");
  }
}

std::pair<std::size_t, std::size_t> Weights::add(const std::string& name, const Json& description) {
  const auto* fields = description.as<JsonObject>();
  if (fields == nullptr) damaged("'" + name + "' is not described");
  const Json* type = find(*fields, "dtype");
  const Json* shape = find(*fields, "shape");
  const Json* offsets = find(*fields, "data_offsets");
  if (type == nullptr || type->as<std::string>() == nullptr || *type->as<std::string>() != "F32") {
    damaged("'" + name + "' must be float32");
  }
  const auto* lengths = shape == nullptr ? nullptr : shape->as<JsonArray>();
  const auto* range = offsets == nullptr ? nullptr : offsets->as<JsonArray>();
  if (lengths == nullptr || lengths->size() > 2 || range == nullptr || range->size() != 2) {
    damaged("'" + name + "' is not described");
  }
  const std::size_t bytes = values_.size() * sizeof(float);
  Parameter parameter{nullptr, {}};
  std::size_t size = 1;
  for (const Json& length : *lengths) {
    parameter.shape.push_back(natural(length, values_.size(), name));
    size *= parameter.shape.back();  // of two lengths within the bound of a file: no overflow
  }
  const std::size_t begin = natural((*range)[0], bytes, name);
  const std::size_t end = natural((*range)[1], bytes, name);
  if (end < begin || end - begin != size * sizeof(float) || begin % sizeof(float) != 0) {
    damaged("'" + name + "' does not have the size of its shape");
  }
  parameter.data = values_.data() + begin / sizeof(float);
  if (!parameters_.emplace(name, std::move(parameter)).second) {
    damaged("'" + name + "' is there twice");
  }
  return {begin / sizeof(float), end / sizeof(float)};
}

Policy load_policy(const fs::path& given) {
  std::error_code problem;
  // Of a training run, the policy that it ended with.
  const bool is_run =
      !fs::exists(given / card_file, problem) && fs::exists(given / "policy" / card_file, problem);
  const fs::path folder = is_run ? given / "policy" : given;
  if (!fs::is_directory(folder, problem)) {
    throw std::runtime_error("there is no policy " + text_of(given) + ": it is no folder");
  }
  const fs::path card_path = folder / card_file;
  const std::string card_text = read_file(card_path, "a policy's card", largest_card);
  Policy policy;
  try {
    policy.card = card_from(parse_json(card_text));
  } catch (const std::invalid_argument& trouble) {
    throw std::runtime_error(text_of(card_path) + " is not a policy's card: " + trouble.what());
  }
  const fs::path weights_path = folder / weights_file;
  const bool learned = policy.card.has_network || policy.card.steering;
  if (!learned && !fs::exists(weights_path, problem)) return policy;
  const std::string content = read_file(weights_path, "a network's weights", largest_weights);
  try {
    const Weights weights(content);
    if (const auto& steering = policy.card.steering) {
      auto model = std::make_shared<CandidateModel>(weights.parameters(), steering->columns,
                                                    steering->hidden);
      policy.steering = {std::move(model), steering->lengths, steering->monitored};
      return policy;
    }
    if (!policy.card.has_network) damaged("the card says that there is no network");
    policy.network =
        std::make_shared<Network>(weights.parameters(), policy.card.embedding_size,
                                  policy.card.candidate_features, policy.card.incumbent_features);
  } catch (const std::invalid_argument& trouble) {
    throw std::runtime_error(text_of(weights_path) +
                             " is damaged or does not belong to the card: " + trouble.what());
  }
  return policy;
}

}  // namespace kida
