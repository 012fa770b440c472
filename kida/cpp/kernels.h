// The arithmetic of the network's forward pass, compiled once per instruction set.
//
// kernels.inc holds the one implementation; kernels_<isa>.cpp compile it. These files must include
// no header with inline functions: the linker could keep a copy compiled for a processor that the
// user does not have.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kida {

// All widths are padded to this many floats, so that no kernel needs a scalar tail.
inline constexpr int width_multiple = 16;

// One linear layer, weights input-major: output[j] = sum_k input[k] * weights[k * outputs + j].
struct Dense {
  const float* weights;
  const float* bias;  // null: none
  int inputs;
  int outputs;  // a multiple of width_multiple
};

// y = relu?(y0 + x1 W1 [+ x2 W2]) for `count` rows; y0 = bias, plus degree[i] * degree_bias.
// Row r of x1 starts at x1 + r * stride1, likewise x2; rows of y are first.outputs apart.
struct DenseCall {
  Dense first;
  const float* x1;
  std::ptrdiff_t stride1;
  const Dense* second = nullptr;
  const float* x2 = nullptr;
  std::ptrdiff_t stride2 = 0;
  const float* degree = nullptr;
  const float* degree_bias = nullptr;
  bool relu = false;
  int count;
  float* y;
};

// The edges (i, j, v) of the graph, row i after row: of each its variable j and its value v.
struct Edges {
  const std::int32_t* starts;
  const std::int32_t* columns;
  const float* values;
  int rows;
};

// The message on edge (i, j, v): relu(left + (v + shift) * scale * edge + right), of `width`
// floats. Whose left and right these are depends on the direction.
struct Messages {
  float shift;
  float scale;
  const float* edge;
  const float* left;
  const float* right;
  int width;
};

struct Kernels {
  const char* name;

  void (*dense)(const DenseCall& call);

  // sums[i] = sum of the messages on the edges (i, j, v), of left[i] and right[j].
  void (*gather)(const Edges& edges, const Messages& messages, float* sums);

  // The reverse direction, of left[slot[j]] and right[i], for chosen variables only: slot[j] is the
  // row of variable j in left and sums, or -1. sums and degree must be zero on entry.
  void (*scatter)(const Edges& edges, const Messages& messages, const std::int32_t* slot,
                  float* sums, float* degree);
};

extern const Kernels kernels_baseline;
#if defined(__x86_64__)
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
#endif

}  // namespace kida
