#include "network.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <stdexcept>

namespace kida {

namespace {

// The variable features that the network reads: all but the incumbent's.
constexpr auto network_variable_features = [] {
  std::array<int, variable_feature_count - 2> features{};
  int count = 0;
  for (int f = 0; f < variable_feature_count; ++f) {
    if (f != incumbent_value && f != average_incumbent_value) features[count++] = f;
  }
  return features;
}();

int padded(int width) { return (width + width_multiple - 1) / width_multiple * width_multiple; }

bool supported(const Kernels& kernels) {
#if defined(__x86_64__)
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
#if defined(__x86_64__)
  __builtin_cpu_init();  // needed before main
#endif
  return *std::find_if(all_kernels().begin(), all_kernels().end(),
                       [](const Kernels* kernels) { return supported(*kernels); });
}();

}  // namespace

const char* Network::instruction_set() { return active_kernels->name; }

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

// Reads the parameters, checks them, and multiplies together what is linear. Products of weights
// are formed in double precision, so that the folded network rounds no more than the original.
class Network::Builder {
 public:
  explicit Builder(const Parameters& parameters) : parameters_(parameters) {}

  // A weight matrix or bias vector while it is being put together.
  struct Matrix {
    int outputs = 0;
    int inputs = 0;
    std::vector<double> values;  // outputs x inputs
    double& at(int i, int j) { return values[static_cast<std::size_t>(i) * inputs + j]; }
    double at(int i, int j) const { return values[static_cast<std::size_t>(i) * inputs + j]; }
  };

  Matrix matrix(const std::string& name, int outputs, int inputs) {
    const auto shape = std::vector<std::size_t>{static_cast<std::size_t>(outputs),
                                                static_cast<std::size_t>(inputs)};
    return {outputs, inputs, read(name, shape)};
  }
  Matrix vector(const std::string& name, int size) {
    return {size, 1, read(name, {static_cast<std::size_t>(size)})};
  }
  double scalar(const std::string& name) { return vector(name, 1).at(0, 0); }

  void require_all_used() const {
    for (const auto& [name, parameter] : parameters_) {
      if (!used_.contains(name)) {
        throw std::invalid_argument("unexpected parameter '" + name + "'");
      }
    }
  }

  static Matrix multiply(const Matrix& left, const Matrix& right) {
    Matrix product{left.outputs, right.inputs,
                   std::vector<double>(static_cast<std::size_t>(left.outputs) * right.inputs)};
    for (int i = 0; i < left.outputs; ++i) {
      for (int k = 0; k < left.inputs; ++k) {
        for (int j = 0; j < right.inputs; ++j) product.at(i, j) += left.at(i, k) * right.at(k, j);
      }
    }
    return product;
  }
  static Matrix scaled(Matrix matrix, double factor) {
    for (double& value : matrix.values) value *= factor;
    return matrix;
  }
  static Matrix columns(const Matrix& matrix, int begin, int count) {
    Matrix part{matrix.outputs, count,
                std::vector<double>(static_cast<std::size_t>(matrix.outputs) * count)};
    for (int i = 0; i < matrix.outputs; ++i) {
      for (int j = 0; j < count; ++j) part.at(i, j) = matrix.at(i, begin + j);
    }
    return part;
  }

  // Padded to `width` outputs, and to `inputs` inputs (the padded width of the layer before).
  static Layer layer(const Matrix& weights, const Matrix* bias, int inputs, int width) {
    Layer layer;
    layer.inputs = inputs;
    layer.outputs = width;
    layer.weights.assign(static_cast<std::size_t>(inputs) * width, 0.0F);
    for (int i = 0; i < weights.outputs; ++i) {
      for (int j = 0; j < weights.inputs; ++j) {
        layer.weights[static_cast<std::size_t>(j) * width + i] =
            static_cast<float>(weights.at(i, j));
      }
    }
    if (bias != nullptr) layer.bias = flat(*bias, width);
    return layer;
  }
  static std::vector<float> flat(const Matrix& vector, int width) {
    std::vector<float> values(width, 0.0F);
    std::copy(vector.values.begin(), vector.values.end(), values.begin());
    return values;
  }

 private:
  std::vector<double> read(const std::string& name, const std::vector<std::size_t>& shape) {
    const auto found = parameters_.find(name);
    if (found == parameters_.end()) {
      throw std::invalid_argument("the parameter '" + name + "' is missing");
    }
    if (found->second.shape != shape) {
      auto text = [](const std::vector<std::size_t>& dimensions) {
        std::string result = "(";
        for (std::size_t d : dimensions) result += std::to_string(d) + ", ";
        return result + ")";
      };
      throw std::invalid_argument("the parameter '" + name + "' has shape " +
                                  text(found->second.shape) + ", expected " + text(shape));
    }
    used_.insert(name);
    std::size_t size = 1;
    for (std::size_t d : shape) size *= d;
    return {found->second.data, found->second.data + size};
  }

  const Parameters& parameters_;
  std::set<std::string> used_;
};

Network::Network(const Parameters& parameters, int embedding_size, bool candidate_features)
    : embedding_size_(embedding_size),
      candidate_features_(candidate_features),
      width_(padded(embedding_size)) {
  if (embedding_size < 8 || embedding_size > 128 || embedding_size % 8 != 0) {
    throw std::invalid_argument("the embedding size is " + std::to_string(embedding_size) +
                                "; it must be a multiple of 8 up to 128");
  }
  const int d = embedding_size;
  using Matrix = Builder::Matrix;
  Builder builder(parameters);

  auto embedding = [&](const std::string& name, int features) {
    Embedding e;
    e.normalisation.shift = Builder::flat(builder.vector(name + ".0.shift", features), features);
    e.normalisation.scale = Builder::flat(builder.vector(name + ".0.scale", features), features);
    const Matrix bias1 = builder.vector(name + ".1.bias", d);
    const Matrix bias3 = builder.vector(name + ".3.bias", d);
    e.first =
        Builder::layer(builder.matrix(name + ".1.weight", d, features), &bias1, features, width_);
    e.second = Builder::layer(builder.matrix(name + ".3.weight", d, d), &bias3, width_, width_);
    return e;
  };
  variable_embedding_ =
      embedding("var_embedding", static_cast<int>(network_variable_features.size()));
  row_embedding_ = embedding("cons_embedding", row_feature_count);
  edge_shift_ = static_cast<float>(builder.scalar("edge_embedding.0.shift"));
  edge_scale_ = static_cast<float>(builder.scalar("edge_embedding.0.scale"));

  // `follow` is the linear map (and bias) that comes next after the update's second layer.
  auto half_convolution = [&](const std::string& name, const Matrix& follow,
                              const Matrix* follow_bias) {
    HalfConvolution c;
    const double message = builder.scalar(name + ".feature_module_final.0.scale");
    const double post = builder.scalar(name + ".post_conv_module.0.scale");
    const Matrix receiver_bias =
        Builder::scaled(builder.vector(name + ".feature_module_left.0.bias", d), message);
    c.receiver = Builder::layer(
        Builder::scaled(builder.matrix(name + ".feature_module_left.0.weight", d, d), message),
        &receiver_bias, width_, width_);
    c.edge = Builder::flat(
        Builder::scaled(builder.matrix(name + ".feature_module_edge.0.weight", d, 1), message),
        width_);

    const Matrix mix = builder.matrix(name + ".output_module.0.weight", d, 2 * d);
    const Matrix mix_messages = Builder::scaled(Builder::columns(mix, 0, d), post);
    const Matrix mix_bias = builder.vector(name + ".output_module.0.bias", d);
    c.aggregate = Builder::layer(
        Builder::multiply(mix_messages,
                          builder.matrix(name + ".feature_module_final.2.weight", d, d)),
        &mix_bias, width_, width_);
    c.degree_bias = Builder::flat(
        Builder::multiply(mix_messages, builder.vector(name + ".feature_module_final.2.bias", d)),
        width_);
    c.own = Builder::layer(Builder::columns(mix, d, d), nullptr, width_, width_);

    Matrix update_bias =
        Builder::multiply(follow, builder.vector(name + ".output_module.2.bias", d));
    if (follow_bias != nullptr) {
      for (int i = 0; i < d; ++i) update_bias.at(i, 0) += follow_bias->at(i, 0);
    }
    c.update = Builder::layer(
        Builder::multiply(follow, builder.matrix(name + ".output_module.2.weight", d, d)),
        &update_bias, width_, width_);
    return c;
  };
  // The updated rows serve only as senders of the second half; the updated variables only enter
  // the readout.
  const Matrix row_sender =
      Builder::scaled(builder.matrix("conv_c_to_v.feature_module_right.0.weight", d, d),
                      builder.scalar("conv_c_to_v.feature_module_final.0.scale"));
  to_rows_ = half_convolution("conv_v_to_c", row_sender, nullptr);
  to_rows_.sender = Builder::layer(
      Builder::scaled(builder.matrix("conv_v_to_c.feature_module_right.0.weight", d, d),
                      builder.scalar("conv_v_to_c.feature_module_final.0.scale")),
      nullptr, width_, width_);
  const Matrix readout_bias = builder.vector("output_module.0.bias", d);
  const int extra = candidate_features ? candidate_feature_count : 0;
  const Matrix join = builder.matrix("output_module.0.weight", d, d + extra);
  to_variables_ = half_convolution("conv_c_to_v", Builder::columns(join, 0, d), &readout_bias);
  readout_features_ = Builder::layer(Builder::columns(join, d, extra), nullptr, extra, width_);
  Matrix readout = builder.matrix("output_module.2.weight", 1, d);
  readout_ = Builder::flat(readout, width_);
  builder.require_all_used();
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
  for (std::size_t k = 0; k < node.candidates.size(); ++k) {
    if (!std::isfinite(scores[k])) {
      throw std::runtime_error("the network's score of variable " +
                               std::to_string(node.candidates[k]) +
                               " is not finite: its weights do not fit this problem");
    }
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
    constexpr int features = network_variable_features.size();
    w.variable_input.resize(static_cast<std::size_t>(o.variables) * features);
    float* out = w.variable_input.data();
    const float* in = o.variable_features;
    for (int j = 0; j < o.variables; ++j, in += variable_feature_count, out += features) {
      for (int f = 0; f < features; ++f) {
        out[f] = (in[network_variable_features[f]] + n.shift[f]) * n.scale[f];
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
