// Scores of candidates by a small network of two layers over what is known of each: cheap, without
// the LP's graph.
//
// The twin of kida/network/steering.py, which says what each feature means and what a model is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "network.h"
#include "observation.h"
#include "scip_api.h"

namespace kida {

// Behind the features that networks may read of a candidate too.
enum SteeringFeature : int {
  fractionality = candidate_feature_count,
  objective_size,
  noise,
  steering_feature_count
};

// As cards name them.
inline constexpr std::array<const char*, steering_feature_count> steering_feature_names{
    "pseudocost_down",       "pseudocost_up",       "pseudocost_score",
    "pseudocost_count_down", "pseudocost_count_up", "conflict_score",
    "inference_score",       "cutoff_score",        "depth",
    "fractionality",         "objective_size",      "noise"};

// Fill `features`, candidates x steering_feature_count; `draw` gives the noise. `known` is scratch.
void observe_steering(Scip* scip, std::span<SCIP_Var* const> candidates,
                      const std::function<double()>& draw, std::vector<float>& known,
                      std::vector<float>& features);

class CandidateModel {
 public:
  // Reads the features `columns`. Throws std::invalid_argument naming the parameter that is
  // missing, of another shape, or superfluous, or the feature that there is not.
  CandidateModel(const Parameters& parameters, std::vector<int> columns, int hidden);

  // Score all candidates, steering_feature_count features each. Safe to call from several threads.
  void score(std::span<const float> features, std::span<float> scores) const;

 private:
  std::vector<int> columns_;
  int hidden_;
  std::vector<float> weights_;  // hidden x columns
  std::vector<float> bias_;     // hidden
  std::vector<float> output_;   // hidden
};

}  // namespace kida
