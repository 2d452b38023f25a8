#include "matcher/sparse_assignment.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "assign/common.h"

namespace matcher {
namespace {

using assign::infinite;

template <class Cost>
class SparseSolver {
 public:
  SparseSolver(const SparseCosts<Cost>& costs, std::span<const Cost> prices, const Budget& budget)
      : costs_(costs),
        prices_(prices),
        meter_(budget),
        n_rows_(costs.n_rows()),
        col_for_row_(size(n_rows_), kUnassigned),
        row_for_col_(size(costs.n_cols), kFree),
        arc_for_row_(size(n_rows_), -1),
        u_(size(n_rows_), 0),
        v_(size(costs.n_cols), 0),
        distance_(size(costs.n_cols), infinite<Cost>()),
        from_row_(size(costs.n_cols), kFree),
        from_arc_(size(costs.n_cols), -1),
        settled_(size(costs.n_cols), 0) {}

  Assignment<Cost> solve() {
    Assignment<Cost> answer;
    bool stopped = !bid();
    for (std::int32_t i = 0; i < n_rows_ && !stopped; ++i) {
      if (col_for_row_[size(i)] != kUnassigned) continue;
      switch (augment(i)) {
        case Outcome::kMatched:
          break;
        case Outcome::kStopped:
          stopped = true;
          break;
        case Outcome::kNoPath:
          answer.witness = std::move(witness_);
          answer.status = SolveStatus::kInfeasible;
          return finish(std::move(answer));
      }
    }
    if (stopped) {
      answer.status = SolveStatus::kStopped;
      complete_greedily();
    }
    return finish(std::move(answer));
  }

 private:
  enum class Outcome { kMatched, kStopped, kNoPath };
  static constexpr std::int32_t kFree = -1;
  static constexpr std::int32_t kLeftOut = -2;  // pays its price

  struct Reached {
    Cost distance;
    std::int32_t col;
    // std::push_heap keeps the largest on top: reversed, so the nearest and then the lowest column comes first.
    bool operator<(const Reached& other) const {
      return distance != other.distance ? distance > other.distance : col > other.col;
    }
  };

  static std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }
  Cost price(std::int32_t i) const { return prices_.empty() ? must_match<Cost>() : prices_[size(i)]; }
  bool must(std::int32_t i) const { return price(i) == must_match<Cost>(); }
  std::int64_t begin(std::int32_t i) const { return costs_.ptr[size(i)]; }
  std::int64_t end(std::int32_t i) const { return costs_.ptr[size(i) + 1]; }
  Cost reduced(std::int64_t arc) const { return costs_.cost[size(arc)] - v_[size(costs_.col[size(arc)])]; }

  void match(std::int32_t i, std::int64_t arc) {
    const std::int32_t j = costs_.col[size(arc)];
    col_for_row_[size(i)] = j;
    arc_for_row_[size(i)] = arc;
    row_for_col_[size(j)] = i;
  }

  // One sweep in which each row, and each row it displaces, bids; a row bids at most four times on average.
  bool bid() {
    std::int64_t bids_left = 4 * static_cast<std::int64_t>(n_rows_);
    for (std::int32_t first = 0; first < n_rows_; ++first) {
      std::int32_t i = first;
      while (i != kFree && bids_left-- > 0) {
        if (!meter_.spend()) return false;
        i = bid_once(i);
      }
    }
    return true;
  }

  // The row displaced, or kFree.
  std::int32_t bid_once(std::int32_t i) {
    Cost best = infinite<Cost>(), second = infinite<Cost>();
    std::int64_t best_arc = -1, second_arc = -1;
    for (auto arc = begin(i); arc < end(i); ++arc) {
      const Cost value = reduced(arc);
      if (value < second) {
        if (value < best) {
          second = best;
          second_arc = best_arc;
          best = value;
          best_arc = arc;
        } else {
          second = value;
          second_arc = arc;
        }
      }
    }
    const Cost out = price(i);
    if (!must(i) && out <= best) {
      col_for_row_[size(i)] = kLeftOut;
      return kFree;
    }
    if (best_arc < 0) return kFree;  // nothing to bid for; the path search will say so
    const bool lone = second_arc < 0 && must(i);
    if (!must(i) && out < second) second = out;
    std::int32_t j = costs_.col[size(best_arc)];
    if (!lone && best < second) {
      v_[size(j)] -= second - best;
    } else if (row_for_col_[size(j)] != kFree) {
      // No margin to bid with: only a free column of equal worth helps. Leave the rest to the path search.
      if (lone || second_arc < 0 || reduced(second_arc) != best) return kFree;
      if (row_for_col_[size(costs_.col[size(second_arc)])] != kFree) return kFree;
      best_arc = second_arc;
      j = costs_.col[size(second_arc)];
    }
    const std::int32_t displaced = row_for_col_[size(j)];
    match(i, best_arc);
    if (displaced != kFree) {
      col_for_row_[size(displaced)] = kUnassigned;
      arc_for_row_[size(displaced)] = -1;
    }
    return displaced;
  }

  // Shortest alternating path from a free row to a free column or to a row whose price is the cheapest way out.
  Outcome augment(std::int32_t source) {
    heap_.clear();
    reached_.clear();
    order_.clear();
    Cost exit_distance = infinite<Cost>();
    std::int32_t exit_row = kFree;  // leaves its column and pays its price
    std::int32_t exit_col = kFree;
    std::int32_t i = source;
    Cost base = 0;  // distance of row i minus its dual
    Outcome outcome = Outcome::kNoPath;
    while (true) {
      if (!meter_.spend()) {
        outcome = Outcome::kStopped;
        break;
      }
      if (!must(i) && base + price(i) < exit_distance) {
        exit_distance = base + price(i);
        exit_row = i;
        exit_col = kFree;
      }
      for (auto arc = begin(i); arc < end(i); ++arc) {
        const std::int32_t j = costs_.col[size(arc)];
        if (settled_[size(j)]) continue;
        const Cost d = base + reduced(arc);
        if (d >= distance_[size(j)] || d >= exit_distance) continue;
        if (distance_[size(j)] == infinite<Cost>()) reached_.push_back(j);
        distance_[size(j)] = d;
        from_row_[size(j)] = i;
        from_arc_[size(j)] = arc;
        if (row_for_col_[size(j)] == kFree) {
          exit_distance = d;
          exit_row = kFree;
          exit_col = j;
        } else {
          heap_.push_back({d, j});
          std::push_heap(heap_.begin(), heap_.end());
        }
      }
      std::int32_t next = kFree;
      while (!heap_.empty() && heap_.front().distance < exit_distance) {
        const Reached top = heap_.front();
        std::pop_heap(heap_.begin(), heap_.end());
        heap_.pop_back();
        if (!settled_[size(top.col)] && top.distance == distance_[size(top.col)]) {
          next = top.col;
          break;
        }
      }
      if (next == kFree) {
        if (exit_row != kFree || exit_col != kFree) outcome = Outcome::kMatched;
        break;
      }
      settled_[size(next)] = 1;
      order_.push_back(next);
      i = row_for_col_[size(next)];
      base = distance_[size(next)] - reduced(arc_for_row_[size(i)]);
    }
    if (outcome == Outcome::kMatched) {
      for (const std::int32_t j : order_) v_[size(j)] += distance_[size(j)] - exit_distance;
      flip(source, exit_row, exit_col);
    } else if (outcome == Outcome::kNoPath) {
      witness_.assign(1, source);
      for (const std::int32_t j : order_) witness_.push_back(row_for_col_[size(j)]);
      std::sort(witness_.begin(), witness_.end());
    }
    for (const std::int32_t j : reached_) {
      distance_[size(j)] = infinite<Cost>();
      settled_[size(j)] = 0;
    }
    return outcome;
  }

  void flip(std::int32_t source, std::int32_t exit_row, std::int32_t exit_col) {
    std::int32_t j = exit_col;
    if (exit_row != kFree) {
      j = col_for_row_[size(exit_row)];
      col_for_row_[size(exit_row)] = kLeftOut;
      if (exit_row == source) return;
    }
    while (true) {
      const std::int32_t i = from_row_[size(j)];
      const std::int32_t left = col_for_row_[size(i)];
      match(i, from_arc_[size(j)]);
      if (i == source) return;
      j = left;
    }
  }

  // After a stop: rows without a place take their cheapest free column if it beats their price.
  void complete_greedily() {
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      if (col_for_row_[size(i)] != kUnassigned) continue;
      Cost best = price(i);
      std::int64_t best_arc = -1;
      for (auto arc = begin(i); arc < end(i); ++arc) {
        if (row_for_col_[size(costs_.col[size(arc)])] == kFree && costs_.cost[size(arc)] < best) {
          best = costs_.cost[size(arc)];
          best_arc = arc;
        }
      }
      if (best_arc >= 0) {
        match(i, best_arc);
      } else if (!must(i)) {
        col_for_row_[size(i)] = kLeftOut;
      }
    }
  }

  Assignment<Cost> finish(Assignment<Cost>&& answer) {
    answer.total = 0;
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      std::int32_t& j = col_for_row_[size(i)];
      if (j >= 0) {
        answer.total += costs_.cost[size(arc_for_row_[size(i)])];
      } else {
        if (j == kLeftOut) answer.total += price(i);
        j = kUnassigned;
      }
      u_[size(i)] = row_dual(i);
    }
    answer.col_for_row = std::move(col_for_row_);
    answer.row_duals = std::move(u_);
    answer.col_duals = std::move(v_);
    answer.iterations = meter_.used();
    return std::move(answer);
  }

  // The largest feasible one. A row without any choice proves infeasibility; its dual carries no information.
  Cost row_dual(std::int32_t i) const {
    Cost least = price(i);
    for (auto arc = begin(i); arc < end(i); ++arc) least = std::min(least, reduced(arc));
    return least == must_match<Cost>() ? Cost{0} : least;
  }

  const SparseCosts<Cost>& costs_;
  std::span<const Cost> prices_;
  BudgetMeter meter_;
  std::int32_t n_rows_;
  std::vector<std::int32_t> col_for_row_, row_for_col_;
  std::vector<std::int64_t> arc_for_row_;
  std::vector<Cost> u_, v_, distance_;
  std::vector<std::int32_t> from_row_;
  std::vector<std::int64_t> from_arc_;
  std::vector<char> settled_;
  std::vector<Reached> heap_;
  std::vector<std::int32_t> reached_, order_, witness_;
};

}  // namespace

template <class Cost>
Assignment<Cost> solve_sparse(const SparseCosts<Cost>& costs, std::span<const Cost> prices, const Budget& budget) {
  const Cost largest = std::max(assign::largest_arc(costs), assign::largest_magnitude(prices));
  if (!assign::sums_fit(largest, costs.n_rows(), costs.n_cols)) {
    Assignment<Cost> refused;
    refused.status = SolveStatus::kOverflow;
    return refused;
  }
  if (prices.empty() && costs.n_rows() > costs.n_cols) {
    const assign::ColumnArcs<Cost> by_column(costs);
    const auto view = by_column.view(costs.n_rows());
    return assign::transposed(SparseSolver<Cost>(view, prices, budget).solve(), costs.n_rows());
  }
  return SparseSolver<Cost>(costs, prices, budget).solve();
}

template Assignment<std::int64_t> solve_sparse(const SparseCosts<std::int64_t>&, std::span<const std::int64_t>,
                                               const Budget&);
template Assignment<double> solve_sparse(const SparseCosts<double>&, std::span<const double>, const Budget&);

}  // namespace matcher
