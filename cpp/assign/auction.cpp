#include "matcher/auction.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "assign/common.h"

namespace matcher {
namespace {

using Arcs = SparseCosts<std::int64_t>;

// Everything here is in scaled units: a cost times `scale`. `paid` is the cost a row has now, column price included.
class Auction {
 public:
  Auction(const Arcs& costs, std::span<const std::int64_t> prices, std::int64_t largest, const Budget& budget)
      : costs_(costs),
        by_column_(costs),
        prices_(prices),
        meter_(budget),
        n_rows_(costs.n_rows()),
        // One residue more than there are duals: see exact_duals.
        scale_(static_cast<std::int64_t>(n_rows_) + costs.n_cols + 2),
        largest_(std::max<std::int64_t>(largest, 1) * scale_),
        col_for_row_(size(n_rows_), kUnassigned),
        row_for_col_(size(costs.n_cols), kFree),
        paid_(size(n_rows_), 0),
        column_price_(size(costs.n_cols), 0) {}

  Assignment<std::int64_t> solve() {
    Assignment<std::int64_t> answer;
    for (std::int64_t epsilon = std::max<std::int64_t>(largest_ / 4, 1);;
         epsilon = std::max<std::int64_t>(epsilon / 5, 1)) {
      answer.status = phase(epsilon);
      if (answer.status != SolveStatus::kOptimal || epsilon == 1) break;
      first_phase_ = false;
    }
    if (answer.status == SolveStatus::kStopped) complete_greedily();
    finish(answer);
    return answer;
  }

 private:
  static constexpr std::int32_t kFree = -1;
  static constexpr std::int32_t kLeftOut = -2;

  static std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }
  bool must(std::int32_t i) const { return prices_.empty() || prices_[size(i)] == must_match<std::int64_t>(); }
  std::int64_t out_price(std::int32_t i) const { return prices_[size(i)] * scale_; }
  std::int64_t cost(std::int64_t arc) const { return costs_.cost[size(arc)] * scale_; }

  SolveStatus phase(std::int64_t epsilon) {
    std::fill(col_for_row_.begin(), col_for_row_.end(), kUnassigned);
    std::fill(row_for_col_.begin(), row_for_col_.end(), kFree);
    queue_.clear();
    for (std::int32_t i = 0; i < n_rows_; ++i) queue_.push_back(i);
    const SolveStatus status = forward(epsilon);
    if (status != SolveStatus::kOptimal) return status;
    if (prices_.empty() && n_rows_ == costs_.n_cols && n_rows_ > 0) {
      // Every column is taken: only differences of prices matter, and keeping them low keeps them in range.
      const std::int64_t least = *std::min_element(column_price_.begin(), column_price_.end());
      for (auto& price : column_price_) price -= least;
      for (auto& paid : paid_) paid -= least;
    }
    return reverse(epsilon);
  }

  SolveStatus forward(std::int64_t epsilon) {
    // In a feasible problem an alternating path of at most min(rows, cols) steps leads from any free row to a free
    // column or to a row with a price of its own; prices start at zero and each step adds at most two costs and
    // epsilon.
    const std::int64_t steps = std::min<std::int64_t>(n_rows_, costs_.n_cols) + 1;
    const std::int64_t ceiling = steps * (2 * largest_ + epsilon) + 1;
    for (std::size_t head = 0; head < queue_.size(); ++head) {
      if (head > (std::size_t{1} << 16) && head * 2 > queue_.size()) {
        queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head));
        head = 0;
      }
      if (!meter_.spend()) return SolveStatus::kStopped;
      const std::int32_t i = queue_[head];
      std::int64_t best = kNever, second = kNever;
      std::int32_t best_col = kFree;
      for (auto arc = costs_.ptr[size(i)]; arc < costs_.ptr[size(i) + 1]; ++arc) {
        const std::int32_t j = costs_.col[size(arc)];
        const std::int64_t value = cost(arc) + column_price_[size(j)];
        if (value < best) {
          if (j != best_col) second = best;  // a parallel arc is no second choice
          best = value;
          best_col = j;
        } else if (value < second && j != best_col) {
          second = value;
        }
      }
      if (!must(i) && out_price(i) <= best) {
        col_for_row_[size(i)] = kLeftOut;
        paid_[size(i)] = out_price(i);
        continue;
      }
      if (best_col == kFree) return SolveStatus::kInfeasible;
      if (!must(i)) second = std::min(second, out_price(i));
      if (second == kNever) second = best + largest_;  // a single choice outbids whoever has another
      if (first_phase_ && best > ceiling) return SolveStatus::kInfeasible;
      std::int64_t& price = column_price_[size(best_col)];
      price += second - best + epsilon;
      paid_[size(i)] = second + epsilon;
      if (price > kNever / 4) return SolveStatus::kOverflow;
      const std::int32_t displaced = std::exchange(row_for_col_[size(best_col)], i);
      col_for_row_[size(i)] = best_col;
      if (displaced != kFree) {
        col_for_row_[size(displaced)] = kUnassigned;
        queue_.push_back(displaced);
      }
    }
    return SolveStatus::kOptimal;
  }

  // Columns that nobody took but whose price is left from an earlier phase: give each to the row that would pay most,
  // or set its price to zero.
  SolveStatus reverse(std::int64_t epsilon) {
    queue_.clear();
    for (std::int32_t j = 0; j < costs_.n_cols; ++j) {
      if (row_for_col_[size(j)] == kFree && column_price_[size(j)] > 0) queue_.push_back(j);
    }
    while (!queue_.empty()) {
      if (!meter_.spend()) return SolveStatus::kStopped;
      const std::int32_t j = queue_.back();
      queue_.pop_back();
      std::int64_t best = -kNever, second = -kNever;
      std::int32_t best_row = kFree;
      for (auto arc = by_column_.ptr[size(j)]; arc < by_column_.ptr[size(j) + 1]; ++arc) {
        const std::int32_t i = by_column_.row[size(arc)];
        const std::int64_t offer = paid_[size(i)] - by_column_.cost[size(arc)] * scale_;
        if (offer > best) {
          if (i != best_row) second = best;
          best = offer;
          best_row = i;
        } else if (offer > second && i != best_row) {
          second = offer;
        }
      }
      std::int64_t& price = column_price_[size(j)];
      if (best <= epsilon) {
        price = 0;
        continue;
      }
      price = std::max<std::int64_t>(0, second - epsilon);
      const std::int32_t left = std::exchange(col_for_row_[size(best_row)], j);
      paid_[size(best_row)] -= best - price;
      row_for_col_[size(j)] = best_row;
      if (left >= 0) {
        row_for_col_[size(left)] = kFree;
        if (column_price_[size(left)] > 0) queue_.push_back(left);
      }
    }
    return SolveStatus::kOptimal;
  }

  void complete_greedily() {
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      if (col_for_row_[size(i)] != kUnassigned) continue;
      std::int64_t best = must(i) ? must_match<std::int64_t>() : prices_[size(i)];
      std::int32_t best_col = kFree;
      for (auto arc = costs_.ptr[size(i)]; arc < costs_.ptr[size(i) + 1]; ++arc) {
        if (row_for_col_[size(costs_.col[size(arc)])] == kFree && costs_.cost[size(arc)] < best) {
          best = costs_.cost[size(arc)];
          best_col = costs_.col[size(arc)];
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

  // Column duals in original units. Scaled duals violate a constraint by at most one unit; rounding all of them down
  // to multiples of `scale` keeps every constraint if no dual lies just below a multiple, because only there can one
  // unit become a whole multiple. There are more residues than duals, so some shift leaves that residue empty.
  std::vector<std::int64_t> exact_duals() const {
    std::vector<char> taken(size(scale_), 0);
    taken[0] = 1;  // the zero that free columns and prices are compared with
    for (const auto value : column_price_) taken[size(value % scale_)] = 1;
    for (const auto value : paid_) taken[size((value % scale_ + scale_) % scale_)] = 1;
    const auto gap = std::find(taken.begin(), taken.end(), 0) - taken.begin();
    const std::int64_t shift = scale_ - 1 - gap;  // moves the empty residue to scale - 1
    std::vector<std::int64_t> duals(column_price_.size());
    const std::int64_t zero = shift / scale_;
    for (std::size_t j = 0; j < duals.size(); ++j) duals[j] = zero - (column_price_[j] + shift) / scale_;
    return duals;
  }

  void finish(Assignment<std::int64_t>& answer) {
    answer.col_duals = exact_duals();
    answer.row_duals.resize(size(n_rows_));
    answer.total = 0;
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      std::int32_t& j = col_for_row_[size(i)];
      if (j == kLeftOut) answer.total += prices_[size(i)];
      std::int64_t dual = must(i) ? must_match<std::int64_t>() : prices_[size(i)];
      std::int64_t cheapest = must_match<std::int64_t>();
      for (auto arc = costs_.ptr[size(i)]; arc < costs_.ptr[size(i) + 1]; ++arc) {
        const std::int32_t k = costs_.col[size(arc)];
        dual = std::min(dual, costs_.cost[size(arc)] - answer.col_duals[size(k)]);
        if (k == j) cheapest = std::min(cheapest, costs_.cost[size(arc)]);
      }
      if (j >= 0) answer.total += cheapest;
      if (j == kLeftOut) j = kUnassigned;
      answer.row_duals[size(i)] = dual == must_match<std::int64_t>() ? 0 : dual;
    }
    answer.col_for_row = std::move(col_for_row_);
    answer.iterations = meter_.used();
  }

  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max() / 2;

  const Arcs& costs_;
  assign::ColumnArcs<std::int64_t> by_column_;
  std::span<const std::int64_t> prices_;
  BudgetMeter meter_;
  std::int32_t n_rows_;
  std::int64_t scale_, largest_;
  bool first_phase_ = true;
  std::vector<std::int32_t> col_for_row_, row_for_col_;
  std::vector<std::int64_t> paid_, column_price_;
  std::vector<std::int32_t> queue_;
};

}  // namespace

Assignment<std::int64_t> solve_auction(const SparseCosts<std::int64_t>& costs, std::span<const std::int64_t> prices,
                                       const Budget& budget) {
  const std::int64_t largest = std::max(assign::largest_arc(costs), assign::largest_magnitude(prices));
  const std::int64_t scale = static_cast<std::int64_t>(costs.n_rows()) + costs.n_cols + 2;
  const std::int64_t steps = std::min<std::int64_t>(costs.n_rows(), costs.n_cols) + 2;
  if (largest > std::numeric_limits<std::int64_t>::max() / 64 / scale / steps) {
    Assignment<std::int64_t> refused;
    refused.status = SolveStatus::kOverflow;
    return refused;
  }
  if (prices.empty() && costs.n_rows() > costs.n_cols) {
    const assign::ColumnArcs<std::int64_t> by_column(costs);
    const auto view = by_column.view(costs.n_rows());
    return assign::transposed(Auction(view, prices, largest, budget).solve(), costs.n_rows());
  }
  return Auction(costs, prices, largest, budget).solve();
}

}  // namespace matcher
