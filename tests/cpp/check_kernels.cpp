// Compares a table of kernels with plain loops in double precision, on awkward shapes.
//
// Compiled with the file of one instruction set and -DTABLE=kernels_NAME; prints the table's name
// and the largest error, relative to the sum of the magnitudes that were added. Needs no library.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <vector>

#include "../../kida/cpp/kernels.h"

namespace kida {
extern const Kernels TABLE;
}

namespace {

using Floats = std::vector<float>;
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

std::mt19937 source(1);

Floats draw(std::size_t count) {
  Floats values(count);
  for (float& value : values) value = static_cast<float>(source() % 2001) / 1000.0F - 1.0F;
  return values;
}

// A sum beside the magnitudes that were added to it.
struct Sum {
  double value = 0.0;
  double size = 0.0;
  void add(double x) {
    value += x;
    size += std::abs(x);
  }
};

double error(float found, double expected, double size) {
  if (std::isnan(found) || std::isnan(expected)) {
    return std::isnan(found) && std::isnan(expected) ? 0.0 : HUGE_VAL;
  }
  return std::abs(found - expected) / std::max(size, 1e-6);
}

// Negative is zero; not a number stays what it is.
double relu(double x) { return x < 0.0 ? 0.0 : x; }

double check_dense(int count, int inputs, int second_inputs, int outputs, bool is_relu, bool bias,
                   bool degrees) {
  const Floats x1 = draw(static_cast<std::size_t>(count) * (inputs + 3)),
               w1 = draw(inputs * outputs);
  const Floats x2 = draw(count * std::max(second_inputs, 1));
  const Floats w2 = draw(std::max(second_inputs, 1) * outputs), b = draw(outputs);
  const Floats degree = draw(count), degree_bias = draw(outputs);
  const kida::Dense second{w2.data(), nullptr, second_inputs, outputs};
  Floats y(count * outputs);
  kida::DenseCall call{.first = {w1.data(), bias ? b.data() : nullptr, inputs, outputs},
                       .x1 = x1.data(),
                       .stride1 = inputs + 3,
                       .count = count,
                       .y = y.data()};
  if (second_inputs > 0) {
    call.second = &second;
    call.x2 = x2.data();
    call.stride2 = second_inputs;
  }
  if (degrees) {
    call.degree = degree.data();
    call.degree_bias = degree_bias.data();
  }
  call.relu = is_relu;
  kida::TABLE.dense(call);
  double worst = 0.0;
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j < outputs; ++j) {
      Sum sum;
      if (bias) sum.add(b[j]);
      if (degrees) sum.add(double(degree[i]) * degree_bias[j]);
      for (int k = 0; k < inputs; ++k)
        sum.add(double(x1[i * (inputs + 3) + k]) * w1[k * outputs + j]);
      for (int k = 0; k < second_inputs; ++k) {
        sum.add(double(x2[i * second_inputs + k]) * w2[k * outputs + j]);
      }
      const double expected = is_relu ? relu(sum.value) : sum.value;
      worst = std::max(worst, error(y[i * outputs + j], expected, sum.size));
    }
  }
  return worst;
}

double check_messages(int rows, int variables, int width, bool poisoned) {
  std::vector<std::int32_t> starts{0}, columns, slot(variables);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < variables; ++j) {
      if (source() % 3 == 0) columns.push_back(j);
    }
    starts.push_back(static_cast<std::int32_t>(columns.size()));
  }
  std::int32_t slots = 0;
  for (auto& s : slot) s = source() % 2 == 0 ? slots++ : -1;
  Floats values = draw(columns.size()), edge = draw(width);
  const Floats of_rows = draw(rows * width), of_variables = draw(variables * width);
  if (poisoned && !values.empty()) values[values.size() / 2] = nan;
  const Floats of_slots = draw(std::max(slots, 1) * width);
  const kida::Edges edges{starts.data(), columns.data(), values.data(), rows};
  const float shift = 0.25F, scale = 1.5F;

  Floats sums(rows * width);
  kida::TABLE.gather(edges, {shift, scale, edge.data(), of_rows.data(), of_variables.data(), width},
                     sums.data());
  Floats back(std::max(slots, 1) * width), degree(std::max(slots, 1));
  kida::TABLE.scatter(edges, {shift, scale, edge.data(), of_slots.data(), of_rows.data(), width},
                      slot.data(), back.data(), degree.data());

  std::vector<Sum> gathered(rows * width), scattered(std::max(slots, 1) * width);
  Floats degrees(std::max(slots, 1));
  for (int i = 0; i < rows; ++i) {
    for (std::int32_t k = starts[i]; k < starts[i + 1]; ++k) {
      const int j = columns[k], s = slot[j];
      const double value = (double(values[k]) + shift) * scale;
      if (s >= 0) degrees[s] += 1.0F;
      for (int c = 0; c < width; ++c) {
        const double message = value * edge[c];
        gathered[i * width + c].add(
            relu(of_rows[i * width + c] + message + of_variables[j * width + c]));
        if (s < 0) continue;
        scattered[s * width + c].add(
            relu(of_slots[s * width + c] + message + of_rows[i * width + c]));
      }
    }
  }
  double worst = degree == degrees ? 0.0 : HUGE_VAL;
  for (std::size_t k = 0; k < sums.size(); ++k) {
    worst = std::max(worst, error(sums[k], gathered[k].value, gathered[k].size + 1.0));
  }
  for (std::size_t k = 0; k < back.size(); ++k) {
    worst = std::max(worst, error(back[k], scattered[k].value, scattered[k].size + 1.0));
  }
  return worst;
}

}  // namespace

int main() {
  double worst = 0.0;
  for (const int outputs : {16, 32, 48, 64, 80}) {
    for (const int count : {0, 1, 2, 5, 6, 7, 13}) {
      for (const int second : {0, 9}) {
        for (const int options : {0, 1, 2, 4, 7}) {
          worst = std::max(worst, check_dense(count, 17, second, outputs, (options & 1) != 0,
                                              (options & 2) != 0, (options & 4) != 0));
        }
      }
    }
    for (const bool poisoned : {false, true}) {
      worst = std::max(worst, check_messages(11, 23, outputs, poisoned));
      worst = std::max(worst, check_messages(1, 1, outputs, poisoned));
    }
  }
  std::printf("%s %.3g\n", kida::TABLE.name, worst);
  return 0;
}
