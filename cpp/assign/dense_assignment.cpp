#include "matcher/dense_assignment.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "assign/common.h"

namespace matcher {
namespace {

using assign::infinite;

template <class Cost>
class DenseSolver {
 public:
  DenseSolver(const MatrixView<Cost>& costs, std::span<const Cost> prices, const Budget& budget)
      : costs_(costs),
        prices_(prices),
        meter_(budget),
        n_rows_(static_cast<std::int32_t>(costs.rows)),
        n_cols_(static_cast<std::int32_t>(costs.cols)),
        col_for_row_(size(n_rows_), kUnassigned),
        row_for_col_(size(n_cols_), kFree),
        u_(size(n_rows_), 0),
        v_(size(n_cols_), 0),
        distance_(size(n_cols_)),
        from_row_(size(n_cols_)),
        pending_(size(n_cols_)) {}

  Assignment<Cost> solve() {
    Assignment<Cost> answer;
    bool stopped = false;
    for (std::int32_t i = 0; i < n_rows_ && !stopped; ++i) {
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
  static constexpr std::int32_t kLeftOut = -2;

  static std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }
  Cost price(std::int32_t i) const { return prices_.empty() ? must_match<Cost>() : prices_[size(i)]; }
  bool must(std::int32_t i) const { return price(i) == must_match<Cost>(); }

  Outcome augment(std::int32_t source) {
    std::fill(distance_.begin(), distance_.end(), infinite<Cost>());
    for (std::int32_t j = 0; j < n_cols_; ++j) pending_[size(j)] = j;
    std::int32_t n_pending = n_cols_;
    settled_.clear();
    Cost exit_distance = infinite<Cost>();
    std::int32_t exit_row = kFree;
    std::int32_t exit_col = kFree;
    std::int32_t i = source;
    Cost base = 0;
    while (true) {
      if (!meter_.spend()) return Outcome::kStopped;
      if (!must(i) && base + price(i) < exit_distance) {
        exit_distance = base + price(i);
        exit_row = i;
      }
      Cost nearest = infinite<Cost>();
      std::int32_t at = kFree;
      bool nearest_free = false;
      for (std::int32_t k = 0; k < n_pending; ++k) {
        const std::int32_t j = pending_[size(k)];
        const Cost cost = costs_(i, j);
        if (cost != must_match<Cost>()) {
          const Cost d = base + (cost - v_[size(j)]);
          if (d < distance_[size(j)]) {
            distance_[size(j)] = d;
            from_row_[size(j)] = i;
          }
        }
        const Cost d = distance_[size(j)];
        const bool is_free = row_for_col_[size(j)] == kFree;
        // pending_ keeps ascending order, so the lowest column of equals is met first.
        if (d < nearest || (d == nearest && is_free && !nearest_free && d < infinite<Cost>())) {
          nearest = d;
          at = k;
          nearest_free = is_free;
        }
      }
      if (exit_row != kFree && exit_distance <= nearest) {
        break;
      }
      if (at == kFree) {
        witness_.assign(1, source);
        for (const std::int32_t j : settled_) witness_.push_back(row_for_col_[size(j)]);
        std::sort(witness_.begin(), witness_.end());
        return Outcome::kNoPath;
      }
      const std::int32_t j = pending_[size(at)];
      if (nearest_free) {
        exit_distance = nearest;
        exit_row = kFree;
        exit_col = j;
        break;
      }
      std::copy(pending_.begin() + at + 1, pending_.begin() + n_pending, pending_.begin() + at);
      --n_pending;
      settled_.push_back(j);
      i = row_for_col_[size(j)];
      base = nearest - (costs_(i, j) - v_[size(j)]);
    }
    for (const std::int32_t j : settled_) v_[size(j)] += distance_[size(j)] - exit_distance;
    flip(source, exit_row, exit_col);
    return Outcome::kMatched;
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
      row_for_col_[size(j)] = i;
      std::swap(col_for_row_[size(i)], j);
      if (i == source) return;
    }
  }

  void complete_greedily() {
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      if (col_for_row_[size(i)] != kUnassigned) continue;
      Cost best = price(i);
      std::int32_t best_col = kFree;
      for (std::int32_t j = 0; j < n_cols_; ++j) {
        if (row_for_col_[size(j)] == kFree && costs_(i, j) < best) {
          best = costs_(i, j);
          best_col = j;
        }
      }
      if (best_col != kFree) {
        col_for_row_[size(i)] = best_col;
        row_for_col_[size(best_col)] = i;
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
        answer.total += costs_(i, j);
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

  Cost row_dual(std::int32_t i) const {
    Cost least = price(i);
    for (std::int32_t j = 0; j < n_cols_; ++j) {
      if (costs_(i, j) != must_match<Cost>()) least = std::min(least, costs_(i, j) - v_[size(j)]);
    }
    return least == must_match<Cost>() ? Cost{0} : least;
  }

  MatrixView<Cost> costs_;
  std::span<const Cost> prices_;
  BudgetMeter meter_;
  std::int32_t n_rows_, n_cols_;
  std::vector<std::int32_t> col_for_row_, row_for_col_;
  std::vector<Cost> u_, v_, distance_;
  std::vector<std::int32_t> from_row_, pending_, settled_, witness_;
};

template <class Cost>
Cost largest_magnitude(const MatrixView<Cost>& costs) {
  Cost largest = 0;
  for (std::int64_t i = 0; i < costs.rows; ++i) {
    for (std::int64_t j = 0; j < costs.cols; ++j) largest = std::max(largest, assign::magnitude(costs(i, j)));
  }
  return largest;
}

}  // namespace

template <class Cost>
Assignment<Cost> solve_dense(const MatrixView<Cost>& costs, std::span<const Cost> prices, const Budget& budget) {
  const Cost largest = std::max(largest_magnitude(costs), assign::largest_magnitude(prices));
  if (!assign::sums_fit(largest, costs.rows, costs.cols)) {
    Assignment<Cost> refused;
    refused.status = SolveStatus::kOverflow;
    return refused;
  }
  if (prices.empty() && costs.rows > costs.cols) {
    return assign::transposed(DenseSolver<Cost>(costs.transposed(), prices, budget).solve(), costs.rows);
  }
  return DenseSolver<Cost>(costs, prices, budget).solve();
}

template Assignment<std::int64_t> solve_dense(const MatrixView<std::int64_t>&, std::span<const std::int64_t>,
                                              const Budget&);
template Assignment<double> solve_dense(const MatrixView<double>&, std::span<const double>, const Budget&);

}  // namespace matcher
