#include "shortlist_monitor.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kida {

namespace {

// How many of the last values a mean is of, about.
constexpr int memory = 8;
// Less of the gain than this is not told apart: the list is lost in any case.
constexpr double least_retained = 0.1;
// At the top of a tree nobody knows how large it will be: not smaller than this.
constexpr double least_nodes = 256.0;

}  // namespace

void ShortlistMonitor::Average::add(double value) {
  count_ = std::min(count_ + 1, memory);
  const double weight = 1.0 / count_;
  const double step = value - mean_;
  mean_ += weight * step;
  variance_ = (1.0 - weight) * (variance_ + weight * step * step);
}

double ShortlistMonitor::Average::pessimistic() const {
  return mean_ - std::sqrt(variance_ / std::max(count_, 1));
}

ShortlistMonitor::ShortlistMonitor(std::vector<int> lengths)
    : lengths_(std::move(lengths)), lists_(lengths_.size()) {}

void ShortlistMonitor::at_node(double work, double since, double nodes) {
  work_ = work;
  node_.add(since);
  depth_ = std::log2(std::max(nodes, least_nodes));
}

void ShortlistMonitor::played(double iterations) {
  lists_[playing_].iterations.add(iterations);
  --left_;
  ++since_look_;
}

double ShortlistMonitor::ratio(std::size_t list, double retained, double caught) const {
  const double all = all_.mean();
  double iterations = lists_[list].iterations.mean();
  if (lists_[list].iterations.empty()) {
    // Not known before it has been played: as if strong branching were asked about all of it.
    iterations = all * std::min(1.0, lengths_[list] / std::max(evaluated_, 1.0));
  }
  const double kept = std::clamp(retained, least_retained, 1.0);
  const double growth = std::exp2(depth_ * (1.0 / kept - 1.0));
  const double work = growth * (node_.mean() + iterations) + (1.0 - caught) * node_.mean();
  return work / std::max(node_.mean() + all, 1.0);
}

// The list that was played since the last look is charged by what this one tells.
void ShortlistMonitor::settle(const Look& look) {
  if (since_look_ == 0) return;
  // Of the gains a node tells nothing that was not branched on.
  const double told = look.retained[playing_];
  const double loss = ratio(playing_, std::isnan(told) ? 1.0 : told, look.caught[playing_]) - 1.0;
  lost_ += since_look_ * at_risk_ * std::clamp(loss, -1.0, 1.0);
  lost_ = std::max(lost_, -allowance * work_);
  since_look_ = 0;
}

// The list that pays most; -1 if none does.
int ShortlistMonitor::best() const {
  int found = -1;
  double least = 1.0 - margin;
  for (std::size_t list = 0; list < lists_.size(); ++list) {
    const List& seen = lists_[list];
    if (seen.retained.empty()) continue;
    const double predicted =
        ratio(list, seen.retained.pessimistic(), std::max(seen.caught.pessimistic(), 0.0));
    if (predicted < least) {
      least = predicted;
      found = static_cast<int>(list);
    }
  }
  return found;
}

void ShortlistMonitor::looked(const Look& look) {
  settle(look);
  ++looks_;
  all_.add(look.iterations);
  evaluated_ += (look.evaluated - evaluated_) / std::min(looks_, memory);
  for (std::size_t list = 0; list < lists_.size(); ++list) {
    const double retained = look.retained[list];
    if (!std::isnan(retained)) lists_[list].retained.add(std::clamp(retained, 0.0, 1.0));
    lists_[list].caught.add(look.caught[list]);
  }
  const int before = playing_;
  playing_ = -1;
  left_ = 0;
  if (looks_ < warmup) return;
  const int chosen = best();
  if (chosen < 0) {
    closed_ = ++idle_ >= patience;
    return;
  }
  idle_ = 0;
  // Longer while it goes on to pay. A node's work is at risk at each, no look tells of more: never
  // more of them than may be lost.
  span_ = chosen == before ? std::min(2 * span_, longest_span) : 1;
  at_risk_ = std::max(per_node(), 1.0);
  const double room = (allowance * work_ - lost_) / at_risk_;
  left_ = static_cast<int>(std::clamp(std::floor(room), 0.0, static_cast<double>(span_)));
  if (left_ > 0) playing_ = chosen;
}

}  // namespace kida
