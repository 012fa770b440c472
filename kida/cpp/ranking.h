// Candidates in the order of their scores.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace kida {

// Put the positions of `scores` into `positions`, best first, equal ones in their order.
template <typename Score>
void rank(const std::vector<Score>& scores, std::vector<std::size_t>& positions) {
  positions.resize(scores.size());
  std::iota(positions.begin(), positions.end(), std::size_t{0});
  std::stable_sort(positions.begin(), positions.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
}

}  // namespace kida
