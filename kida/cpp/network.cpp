#include "network.h"

#ifdef _WIN32
#include <windows.h>
#endif

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace kida {

namespace {

bool supported(const Kernels& kernels) {
#if defined(__x86_64__) && defined(_WIN32)
  // It tells of no part of AVX-512 but the first. Intel's and AMD's with AVX2 all have FMA too.
  if (&kernels == &kernels_avx2) {
    return IsProcessorFeaturePresent(PF_AVX2_INSTRUCTIONS_AVAILABLE) != 0;
  }
#elif defined(__x86_64__)
  if (&kernels == &kernels_avx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
  }
  if (&kernels == &kernels_avx2) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  }
#endif
  return &kernels == &kernels_baseline;
}

// Widest first.
std::span<const Kernels* const> all_kernels() {
#if defined(__x86_64__)
  static constexpr std::array<const Kernels*, 3> list{&kernels_avx512, &kernels_avx2,
                                                      &kernels_baseline};
#else
  static constexpr std::array<const Kernels*, 1> list{&kernels_baseline};
#endif
  return list;
}

Edges edges_of(const ObservationView& o) {
  return {
      .starts = o.row_starts, .columns = o.edge_columns, .values = o.edge_values, .rows = o.rows};
}

const Kernels* active_kernels = [] {
#if defined(__x86_64__) && !defined(_WIN32)
  __builtin_cpu_init();  // needed before main
#endif
  return *std::find_if(all_kernels().begin(), all_kernels().end(),
                       [](const Kernels* kernels) { return supported(*kernels); });
}();

}  // namespace

bool all_finite(std::span<const float> scores) {
  return std::all_of(scores.begin(), scores.end(),
                     [](float score) { return std::isfinite(score); });
}

const char* Network::instruction_set() { return active_kernels->name; }

std::vector<std::pair<std::string, bool>> Network::instruction_sets() {
  std::vector<std::pair<std::string, bool>> found;
  for (const Kernels* kernels : all_kernels())
    found.emplace_back(kernels->name, supported(*kernels));
  return found;
}

void Network::use_instruction_set(const std::string& name) {
  for (const Kernels* kernels : all_kernels()) {
    if (kernels->name == name && supported(*kernels)) {
      active_kernels = kernels;
      return;
    }
  }
  throw std::invalid_argument("this processor has no instruction set named " + name);
}

Dense Network::Layer::view() const {
  return {weights.data(), bias.empty() ? nullptr : bias.data(), inputs, outputs};
}

void Network::embed(const Embedding& embedding, const std::vector<float>& input, int count,
                    std::vector<float>& hidden, std::vector<float>& output) const {
  hidden.resize(static_cast<std::size_t>(count) * width_);
  output.resize(static_cast<std::size_t>(count) * width_);
  const Kernels& run = *active_kernels;
  run.dense({.first = embedding.first.view(),
             .x1 = input.data(),
             .stride1 = embedding.first.inputs,
             .relu = true,
             .count = count,
             .y = hidden.data()});
  run.dense({.first = embedding.second.view(),
             .x1 = hidden.data(),
             .stride1 = width_,
             .relu = true,
             .count = count,
             .y = output.data()});
}

bool Network::take_part(const NodeView& node, Workspace& w) {
  const ObservationView& o = node.observation;
  const auto candidates = node.candidates;
  constexpr std::int32_t absent = -1;
  w.place.assign(o.variables, absent);
  Observation& part = w.part;
  part.variable_features.clear();
  std::int32_t variables = 0;
  auto take_variable = [&](std::int32_t j) {
    if (w.place[j] != absent) return;
    w.place[j] = variables++;
    const float* features = o.variable_features + std::ptrdiff_t{j} * variable_feature_count;
    part.variable_features.insert(part.variable_features.end(), features,
                                  features + variable_feature_count);
  };
  std::for_each(candidates.begin(), candidates.end(), take_variable);

  w.part_rows.clear();
  for (int i = 0; i < o.rows; ++i) {
    if (std::any_of(o.edge_columns + o.row_starts[i], o.edge_columns + o.row_starts[i + 1],
                    [&](std::int32_t j) { return w.place[j] != absent; })) {
      w.part_rows.push_back(i);
      if (2 * w.part_rows.size() > static_cast<std::size_t>(o.rows)) return false;
    }
  }

  part.row_features.clear();
  part.row_starts.assign(1, 0);
  part.edge_columns.clear();
  part.edge_values.clear();
  for (const std::int32_t i : w.part_rows) {
    const float* features = o.row_features + std::ptrdiff_t{i} * row_feature_count;
    part.row_features.insert(part.row_features.end(), features, features + row_feature_count);
    for (std::int32_t k = o.row_starts[i]; k < o.row_starts[i + 1]; ++k) {
      take_variable(o.edge_columns[k]);
      part.edge_columns.push_back(w.place[o.edge_columns[k]]);
      part.edge_values.push_back(o.edge_values[k]);
    }
    part.row_starts.push_back(static_cast<std::int32_t>(part.edge_columns.size()));
  }
  w.part_candidates.resize(candidates.size());
  std::transform(candidates.begin(), candidates.end(), w.part_candidates.begin(),
                 [&](std::int32_t j) { return w.place[j]; });
  return true;
}

void Network::score(const NodeView& node, Workspace& workspace, std::span<float> scores) const {
  if (take_part(node, workspace)) {
    score_graph({view_of(workspace.part), workspace.part_candidates, node.candidate_features},
                workspace, scores);
  } else {
    score_graph(node, workspace, scores);
  }
}

void Network::score_graph(const NodeView& node, Workspace& w, std::span<float> scores) const {
  const ObservationView& o = node.observation;
  embed_node(o, w);
  send_to_rows(o, w);
  send_to_candidates(o, node.candidates, w);

  // The readout; its second layer has one output.
  const int chosen = static_cast<int>(node.candidates.size());
  const Dense from_features = readout_features_.view();
  active_kernels->dense({.first = to_variables_.update.view(),
                         .x1 = w.candidate_hidden.data(),
                         .stride1 = width_,
                         .second = candidate_features_ ? &from_features : nullptr,
                         .x2 = node.candidate_features.data(),
                         .stride2 = candidate_feature_count,
                         .relu = true,
                         .count = chosen,
                         .y = w.candidate_left.data()});
  for (int k = 0; k < chosen; ++k) {
    const float* row = w.candidate_left.data() + size(k);
    float score = 0.0F;
    for (int c = 0; c < width_; ++c) score += row[c] * readout_[c];
    scores[k] = score;
  }
}

void Network::embed_node(const ObservationView& o, Workspace& w) const {
  {
    const auto& n = variable_embedding_.normalisation;
    const auto features = static_cast<int>(variable_features_.size());
    w.variable_input.resize(static_cast<std::size_t>(o.variables) * features);
    float* out = w.variable_input.data();
    const float* in = o.variable_features;
    for (int j = 0; j < o.variables; ++j, in += variable_feature_count, out += features) {
      for (int f = 0; f < features; ++f) {
        const float value = in[variable_features_[f]];
        const bool absent = of_incumbent(variable_features_[f]) && std::isnan(value);
        out[f] = ((absent ? 0.0F : value) + n.shift[f]) * n.scale[f];
      }
    }
    embed(variable_embedding_, w.variable_input, o.variables, w.hidden, w.variables);
  }
  {
    const auto& n = row_embedding_.normalisation;
    w.row_input.resize(static_cast<std::size_t>(o.rows) * row_feature_count);
    float* out = w.row_input.data();
    const float* in = o.row_features;
    for (int i = 0; i < o.rows; ++i, in += row_feature_count, out += row_feature_count) {
      for (int f = 0; f < row_feature_count; ++f) out[f] = (in[f] + n.shift[f]) * n.scale[f];
    }
    embed(row_embedding_, w.row_input, o.rows, w.hidden, w.rows);
  }
}

void Network::send_to_rows(const ObservationView& o, Workspace& w) const {
  const Kernels& run = *active_kernels;
  w.senders.resize(size(o.variables));
  run.dense({.first = to_rows_.sender.view(),
             .x1 = w.variables.data(),
             .stride1 = width_,
             .count = o.variables,
             .y = w.senders.data()});
  w.receivers.resize(size(o.rows));
  run.dense({.first = to_rows_.receiver.view(),
             .x1 = w.rows.data(),
             .stride1 = width_,
             .count = o.rows,
             .y = w.receivers.data()});
  w.sums.resize(size(o.rows));
  run.gather(edges_of(o), messages(to_rows_, w.receivers, w.senders), w.sums.data());
  w.degree.resize(o.rows);
  for (int i = 0; i < o.rows; ++i) {
    w.degree[i] = static_cast<float>(o.row_starts[i + 1] - o.row_starts[i]);
  }
  w.hidden.resize(size(o.rows));
  const Dense own = to_rows_.own.view();
  run.dense({.first = to_rows_.aggregate.view(),
             .x1 = w.sums.data(),
             .stride1 = width_,
             .second = &own,
             .x2 = w.rows.data(),
             .stride2 = width_,
             .degree = w.degree.data(),
             .degree_bias = to_rows_.degree_bias.data(),
             .relu = true,
             .count = o.rows,
             .y = w.hidden.data()});
  w.updated.resize(size(o.rows));
  run.dense({.first = to_rows_.update.view(),
             .x1 = w.hidden.data(),
             .stride1 = width_,
             .count = o.rows,
             .y = w.updated.data()});
}

void Network::send_to_candidates(const ObservationView& o, std::span<const std::int32_t> candidates,
                                 Workspace& w) const {
  const Kernels& run = *active_kernels;
  const int chosen = static_cast<int>(candidates.size());
  w.slot.assign(o.variables, -1);
  w.candidate_rows.resize(size(chosen));
  for (int k = 0; k < chosen; ++k) {
    w.slot[candidates[k]] = k;
    std::copy_n(w.variables.data() + size(candidates[k]), width_,
                w.candidate_rows.data() + size(k));
  }
  w.candidate_left.resize(size(chosen));
  run.dense({.first = to_variables_.receiver.view(),
             .x1 = w.candidate_rows.data(),
             .stride1 = width_,
             .count = chosen,
             .y = w.candidate_left.data()});
  w.candidate_sums.assign(size(chosen), 0.0F);
  w.candidate_degree.assign(chosen, 0.0F);
  run.scatter(edges_of(o), messages(to_variables_, w.candidate_left, w.updated), w.slot.data(),
              w.candidate_sums.data(), w.candidate_degree.data());
  w.candidate_hidden.resize(size(chosen));
  const Dense own = to_variables_.own.view();
  run.dense({.first = to_variables_.aggregate.view(),
             .x1 = w.candidate_sums.data(),
             .stride1 = width_,
             .second = &own,
             .x2 = w.candidate_rows.data(),
             .stride2 = width_,
             .degree = w.candidate_degree.data(),
             .degree_bias = to_variables_.degree_bias.data(),
             .relu = true,
             .count = chosen,
             .y = w.candidate_hidden.data()});
}

Messages Network::messages(const HalfConvolution& convolution, const std::vector<float>& receivers,
                           const std::vector<float>& senders) const {
  return {.shift = edge_shift_,
          .scale = edge_scale_,
          .edge = convolution.edge.data(),
          .left = receivers.data(),
          .right = senders.data(),
          .width = width_};
}

}  // namespace kida
