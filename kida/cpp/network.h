// The forward pass of the bipartite graph network, for the branching candidates only.
//
// Computes what kida/network/gnn.py defines (the oracle in the tests), rearranged without changing
// the result: a linear map behind a sum is applied once per node instead of once per edge, two
// linear maps in a row are multiplied together beforehand, only the candidates go through the
// second half-convolution and the readout, and where they have few rows, no others are computed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels.h"
#include "observation.h"

namespace kida {

// A named parameter as the model file holds it: row-major, (outputs, inputs) for weights.
struct Parameter {
  const float* data;
  std::vector<std::size_t> shape;
};
using Parameters = std::map<std::string, Parameter>;

// Whether scores can be believed.
bool all_finite(std::span<const float> scores);

class Network {
 public:
  // With `candidate_features` the readout also reads what the solver has learned of the candidates;
  // with `incumbent_features` the variables' embedding reads the incumbent's columns, 0 for NaN.
  // Throws std::invalid_argument naming the parameter that is missing, of another shape, or
  // superfluous, or the embedding size that is not a multiple of 8 up to 128.
  Network(const Parameters& parameters, int embedding_size, bool candidate_features,
          bool incumbent_features);

  // Scratch memory of one caller; grows to the largest observation seen and stays.
  struct Workspace {
    std::vector<float> variable_input, row_input, variables, rows, hidden, senders, receivers, sums,
        updated, degree, candidate_rows, candidate_sums, candidate_degree, candidate_left,
        candidate_hidden;
    std::vector<std::int32_t> slot, place, part_rows, part_candidates;
    Observation part;
  };

  // Score the node's candidates, which must differ, candidates[k] into scores[k]; a network that
  // does not read their features ignores them. Scores of weights that do not fit may not be finite.
  // Safe to call from several threads with a workspace each.
  void score(const NodeView& node, Workspace& workspace, std::span<float> scores) const;

  int embedding_size() const { return embedding_size_; }
  bool candidate_features() const { return candidate_features_; }
  bool incumbent_features() const { return incumbent_features_; }

  // The instruction set in use: "avx512", "avx2" or "baseline".
  static const char* instruction_set();

  // Those that are compiled in, widest first, and whether this processor has them.
  static std::vector<std::pair<std::string, bool>> instruction_sets();

  // Use another instruction set that this processor has; throws otherwise.
  static void use_instruction_set(const std::string& name);

 private:
  struct Layer {
    std::vector<float> weights;  // input-major, outputs padded with zeros
    std::vector<float> bias;     // padded; empty: none
    int inputs = 0;
    int outputs = 0;
    Dense view() const;
  };
  struct Normalisation {
    std::vector<float> shift;
    std::vector<float> scale;
  };
  struct Embedding {
    Normalisation normalisation;
    Layer first, second;
  };
  struct HalfConvolution {
    Layer receiver, sender;  // of the message, scaled by its normalisation
    std::vector<float> edge;
    Layer aggregate, own;            // the update's first layer, on [sum of messages, own]
    std::vector<float> degree_bias;  // times the number of messages
    Layer update;                    // the update's second layer, with what follows multiplied in
  };
  class Builder;

  // Put what the candidates' scores depend on, their rows and those rows' variables, into
  // workspace.part and return true, unless that is more than half of the rows.
  static bool take_part(const NodeView& node, Workspace& workspace);
  void score_graph(const NodeView& node, Workspace& workspace, std::span<float> scores) const;
  // The steps of that, each from what the former left in the workspace.
  void embed_node(const ObservationView& observation, Workspace& workspace) const;
  void send_to_rows(const ObservationView& observation, Workspace& workspace) const;
  void send_to_candidates(const ObservationView& observation,
                          std::span<const std::int32_t> candidates, Workspace& workspace) const;

  void embed(const Embedding& embedding, const std::vector<float>& input, int count,
             std::vector<float>& hidden, std::vector<float>& output) const;

  Messages messages(const HalfConvolution& convolution, const std::vector<float>& receivers,
                    const std::vector<float>& senders) const;
  std::size_t size(int count) const { return static_cast<std::size_t>(count) * width_; }

  int embedding_size_;
  bool candidate_features_;
  bool incumbent_features_;
  std::vector<int> variable_features_;  // the columns that it reads
  int width_;
  Embedding variable_embedding_, row_embedding_;
  float edge_shift_, edge_scale_;
  HalfConvolution to_rows_, to_variables_;
  Layer readout_features_;  // the columns of the readout's first layer that read the candidates'
  std::vector<float> readout_;
};

}  // namespace kida
