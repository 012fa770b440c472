// A network out of its parameters: named, checked, and multiplied together where nothing but linear
// maps lies between them.
#include <algorithm>
#include <set>
#include <stdexcept>

#include "network.h"

namespace kida {

namespace {

int padded(int width) { return (width + width_multiple - 1) / width_multiple * width_multiple; }

}  // namespace

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

Network::Network(const Parameters& parameters, int embedding_size, bool candidate_features,
                 bool incumbent_features)
    : embedding_size_(embedding_size),
      candidate_features_(candidate_features),
      incumbent_features_(incumbent_features),
      width_(padded(embedding_size)) {
  if (embedding_size < 8 || embedding_size > 128 || embedding_size % 8 != 0) {
    throw std::invalid_argument("the embedding size is " + std::to_string(embedding_size) +
                                "; it must be a multiple of 8 up to 128");
  }
  for (int f = 0; f < variable_feature_count; ++f) {
    if (incumbent_features || !of_incumbent(f)) variable_features_.push_back(f);
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
  variable_embedding_ = embedding("var_embedding", static_cast<int>(variable_features_.size()));
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

}  // namespace kida
