#include "candidate_model.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

void observe_steering(Scip* scip, std::span<SCIP_Var* const> candidates,
                      const std::function<double()>& draw, std::vector<float>& known,
                      std::vector<float>& features) {
  observe_candidates(scip, candidates, known);
  features.resize(candidates.size() * steering_feature_count);
  const double feastol = SCIPfeastol(scip);
  double largest = 0.0;
  for (SCIP_Var* variable : candidates) {
    largest = std::max(largest, std::abs(SCIPvarGetObj(variable)));
  }
  for (std::size_t k = 0; k < candidates.size(); ++k) {
    float* f = features.data() + k * steering_feature_count;
    std::copy_n(known.data() + k * candidate_feature_count, candidate_feature_count, f);
    const double value = SCIPvarGetLPSol(candidates[k]);
    const double fraction = std::max(value - std::floor(value + feastol), 0.0);
    f[fractionality] = static_cast<float>(2.0 * std::min(fraction, 1.0 - fraction));
    const double size = std::abs(SCIPvarGetObj(candidates[k]));
    f[objective_size] = largest > 0.0 ? static_cast<float>(size / largest) : 0.0F;
    f[noise] = static_cast<float>(draw());
  }
}

CandidateModel::CandidateModel(const Parameters& parameters, std::vector<int> columns, int hidden)
    : columns_(std::move(columns)), hidden_(hidden) {
  for (const int column : columns_) {
    if (column < 0 || column >= steering_feature_count) {
      throw std::invalid_argument("there is no candidate feature " + std::to_string(column));
    }
  }
  auto read = [&](const std::string& name, std::vector<std::size_t> shape) {
    const auto found = parameters.find(name);
    if (found == parameters.end() || found->second.shape != shape) {
      throw std::invalid_argument("the parameter '" + name + "' is missing or of another shape");
    }
    std::size_t size = 1;
    for (const std::size_t d : shape) size *= d;
    return std::vector<float>(found->second.data, found->second.data + size);
  };
  if (hidden < 1 || columns_.empty()) {
    throw std::invalid_argument("a model has one hidden neuron and one feature at least");
  }
  const auto h = static_cast<std::size_t>(hidden);
  weights_ = read("hidden.weight", {h, columns_.size()});
  bias_ = read("hidden.bias", {h});
  output_ = read("output.weight", {1, h});
  if (parameters.size() != 3) throw std::invalid_argument("there is an unexpected parameter");
}

void CandidateModel::score(std::span<const float> features, std::span<float> scores) const {
  const float* f = features.data();
  for (float& score : scores) {
    score = 0.0F;
    const float* weights = weights_.data();
    for (int h = 0; h < hidden_; ++h) {
      float sum = bias_[h];
      for (const int column : columns_) sum += f[column] * *weights++;
      score += std::max(sum, 0.0F) * output_[h];
    }
    f += steering_feature_count;
  }
}

}  // namespace kida
