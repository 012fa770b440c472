// Whether, and how long, a shortlist pays: found out within the solve, at a bounded risk.
//
// A *look* is a node at which all candidates were asked, as SCIP's default does. It tells of every
// list what it would have kept of the gain, and so costs nothing that default would not. Between
// two looks a list is played at a few nodes. What it is predicted to cost is the growth of the
// tree, if every branching gains a share r of what it could, times the work of a node in simplex
// iterations:
//
//     (2 ^ (depth (1 / r - 1)) (node + list) + missed node) / (node + all),
//
// where depth is the logarithm of the nodes so far, or of 256, as the tree may yet become larger,
// and missed is the share of looks that found a child without a solution where the list would not
// have looked, so that the child becomes a node.
//
// A list is played only if that is below 1 by a margin, and only while what has been lost so far,
// plus the most that the next nodes could lose, is within an allowance, a share of the iterations
// of the solve so far (the conservative bandits of Wu, Shariff, Lattimore and Szepesvari, ICML
// 2016, arXiv:1602.04282). So whatever the scores are and however they change, the loss that the
// looks measure is never more than that share. Everything is counted in iterations, never in
// seconds: the same solve makes the same choices.
#pragma once

#include <cstddef>
#include <vector>

namespace kida {

// What was found at a node where all candidates were asked.
struct Look {
  double iterations = 0.0;  // of strong branching
  int evaluated = 0;        // candidates that strong branching was asked about
  // Of each list: its best candidate's gain / that of the choice. NaN where that is not known: the
  // list would be all, or the node was not branched on.
  std::vector<double> retained;
  // Of each list: 1 if it has found what all have found instead of branching, or they have
  // branched; else 0.
  std::vector<double> caught;
};

class ShortlistMonitor {
 public:
  static constexpr double allowance = 0.03;  // of all iterations so far
  static constexpr int warmup = 4;           // looks before any list is played
  static constexpr int longest_span = 16;    // nodes between two looks
  static constexpr int patience = 64;        // looks in a row at which no list paid
  static constexpr double margin = 0.03;     // by which a list must be predicted to pay

  explicit ShortlistMonitor(std::vector<int> lengths);

  const std::vector<int>& lengths() const { return lengths_; }

  // Where the solve stands: iterations so far, strong branching included; those since the decision
  // before, strong branching apart; and nodes so far. To be told at every node, before next().
  void at_node(double work, double since, double nodes);

  // The length of the list to play at this node; 0: look.
  int next() const { return playing_ >= 0 && left_ > 0 ? lengths_[playing_] : 0; }

  // A list was played here, at a cost of so many iterations of strong branching.
  void played(double iterations);

  void looked(const Look& look);

  // The tree begins anew: its root is looked at.
  void restart() { left_ = 0; }

  // The length of the list that was played since the last look; 0 if none was. The next look has to
  // tell of it.
  int unsettled() const { return since_look_ > 0 ? lengths_[playing_] : 0; }

  // No list pays: SCIP's default for good.
  bool closed() const { return closed_; }

  // What the lists have lost so far, in iterations, as the looks measured it; below 0: won. No more
  // than the allowance is ever in hand: what a list saves at one node, default may save at another.
  double lost() const { return lost_; }

 private:
  // A mean of what came last, plain of the first few.
  class Average {
   public:
    void add(double value);
    double mean() const { return mean_; }
    double pessimistic() const;  // lower by its standard error
    bool empty() const { return count_ == 0; }

   private:
    double mean_ = 0.0;
    double variance_ = 0.0;
    int count_ = 0;
  };
  struct List {
    Average retained, caught, iterations;
  };

  // Work with a list that retains and catches so much, relative to default's.
  double ratio(std::size_t list, double retained, double caught) const;
  double per_node() const { return node_.mean() + all_.mean(); }  // of default's
  void settle(const Look& look);
  int best() const;

  std::vector<int> lengths_;
  std::vector<List> lists_;
  Average node_, all_;
  double evaluated_ = 0.0;  // mean over the looks' decisions, for lists that were not played yet
  double work_ = 0.0;
  double depth_ = 0.0;
  double lost_ = 0.0;
  double at_risk_ = 0.0;  // of each node that the list is played at
  int looks_ = 0;
  int idle_ = 0;
  int playing_ = -1;
  int span_ = 1;
  int left_ = 0;
  int since_look_ = 0;
  bool closed_ = false;
};

}  // namespace kida
