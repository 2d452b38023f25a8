#include "matcher/capacitated_assignment.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "assign/common.h"
#include "assign/event_heap.h"

namespace matcher {
namespace {

using assign::infinite;

// Neither NaN nor -infinity.
template <class Cost>
bool usable(Cost cost) {
  if constexpr (std::numeric_limits<Cost>::has_infinity) return cost > -std::numeric_limits<Cost>::infinity();
  return true;
}

// Rows as the solver walks them: visit(i, f) calls f(column, cost) for each allowed pair in ascending order of arcs.
template <class Cost_>
struct SparseRows {
  using Cost = Cost_;
  const SparseCosts<Cost>& costs;

  std::int32_t n_rows() const { return costs.n_rows(); }
  std::int32_t n_cols() const { return costs.n_cols; }
  template <class Visit>
  void visit(std::int32_t i, Visit&& each) const {
    const auto end = static_cast<std::size_t>(costs.ptr[static_cast<std::size_t>(i) + 1]);
    for (auto a = static_cast<std::size_t>(costs.ptr[static_cast<std::size_t>(i)]); a < end; ++a) {
      if (costs.cost[a] != must_match<Cost>()) each(costs.col[a], costs.cost[a]);
    }
  }
  std::int64_t first_bad() const {
    const auto bad = std::find_if_not(costs.cost.begin(), costs.cost.end(), usable<Cost>);
    return bad == costs.cost.end() ? -1 : bad - costs.cost.begin();
  }
  Cost largest() const { return assign::largest_arc(costs); }
};

template <class T>
struct DenseRows {
  using Cost = SumOf<T>;
  const MatrixView<T>& costs;

  std::int32_t n_rows() const { return static_cast<std::int32_t>(costs.rows); }
  std::int32_t n_cols() const { return static_cast<std::int32_t>(costs.cols); }
  template <class Visit>
  void visit(std::int32_t i, Visit&& each) const {
    for (std::int32_t j = 0; j < n_cols(); ++j) {
      const auto cost = static_cast<Cost>(costs(i, j));
      if (cost != must_match<Cost>()) each(j, cost);
    }
  }
  std::int64_t first_bad() const {
    for (std::int64_t i = 0; i < costs.rows; ++i) {
      for (std::int64_t j = 0; j < costs.cols; ++j) {
        if (!usable(costs(i, j))) return i * costs.cols + j;
      }
    }
    return -1;
  }
  Cost largest() const {
    Cost most = 0;
    for (std::int64_t i = 0; i < costs.rows; ++i) {
      for (std::int64_t j = 0; j < costs.cols; ++j) {
        const auto cost = static_cast<Cost>(costs(i, j));
        // An integer cannot forbid a pair, so the largest is just too large.
        if (!std::numeric_limits<Cost>::has_infinity && cost == must_match<Cost>()) return cost;
        most = std::max(most, assign::magnitude(cost));
      }
    }
    return most;
  }
};

template <class Rows>
class PlaceSolver {
  using Cost = typename Rows::Cost;

 public:
  PlaceSolver(const Rows& rows, std::span<const std::int32_t> capacities, std::span<const Cost> prices,
              const Budget& budget)
      : source_(rows),
        capacities_(capacities),
        prices_(prices),
        meter_(budget),
        n_rows_(rows.n_rows()),
        n_cols_(rows.n_cols()),
        rows_(size(n_rows_)) {
    const auto places = std::accumulate(capacities.begin(), capacities.end(), std::int64_t{0});
    fill_all_ = prices.empty() && n_rows_ > places;
    cols_.resize(size(n_cols_) + (fill_all_ ? 1 : 0));
    v_.assign(cols_.size(), 0);
    for (std::int32_t j = 0; j < n_cols_; ++j) col(j).room = capacities[size(j)];
    if (fill_all_) col(n_cols_).room = n_rows_ - places;  // takes the rows that nobody serves
  }

  Assignment<Cost> solve(const WarmStart<Cost>& start) {
    Assignment<Cost> answer;
    resume(start);
    for (std::int32_t i = 0; i < n_rows_ && answer.status == SolveStatus::kOptimal; ++i) {
      if (row(i).col == kFree) answer.status = augment(i);
    }
    if (answer.status == SolveStatus::kStopped) complete_greedily();
    finish(answer);
    return answer;
  }

 private:
  static constexpr std::int32_t kFree = -1;
  static constexpr std::int32_t kLeftOut = -2;
  static constexpr std::int32_t kNone = -1;
  static constexpr Cost kInfinite = infinite<Cost>();
  static constexpr int kMostPasses = 16;

  struct Row {
    Cost cost = 0;  // of its pair
    std::int32_t col = kFree;
    std::int32_t next = kNone, before = kNone;  // among the rows that its column holds
  };
  struct Col {
    Cost distance = kInfinite;
    Cost from_cost = 0;
    std::int32_t from = kNone;  // the row it was reached from
    std::int32_t held = kNone;  // the row placed last
    std::int64_t room = 0;
  };
  struct Exit {
    Cost distance = kInfinite;
    std::int32_t row = kNone, col = kNone;
  };

  static std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }
  Row& row(std::int32_t i) { return rows_[size(i)]; }
  Col& col(std::int32_t j) { return cols_[size(j)]; }
  Cost& v(std::int32_t j) { return v_[size(j)]; }
  Cost price(std::int32_t i) const {
    if (prices_.empty() || prices_[size(i)] == must_match<Cost>()) return kInfinite;
    return prices_[size(i)];
  }

  // Columns without places are nobody's choice.
  template <class Visit>
  void visit(std::int32_t i, Visit&& each) const {
    source_.visit(i, [&](std::int32_t j, Cost cost) {
      if (capacities_[size(j)] > 0) each(j, cost);
    });
    if (fill_all_) each(n_cols_, Cost{0});
  }

  void place(std::int32_t i, std::int32_t j, Cost cost) {
    const std::int32_t first = std::exchange(col(j).held, i);
    row(i) = {cost, j, first, kNone};
    if (first != kNone) row(first).before = i;
    --col(j).room;
  }

  void remove(std::int32_t i) {
    const Row& r = row(i);
    (r.before == kNone ? col(r.col).held : row(r.before).next) = r.next;
    if (r.next != kNone) row(r.next).before = r.before;
    ++col(r.col).room;
    row(i) = {};
  }

  // Takes over what an earlier solve knew, and undoes as much of it as optimality demands: pairs must be a best choice
  // of their row, and (unless every place will be filled) a column with room must have dual zero.
  void resume(const WarmStart<Cost>& start) {
    if (start.col_duals.empty() || start.col_for_row.empty()) return;
    for (std::int32_t j = 0; j < n_cols_; ++j) {
      v(j) = fill_all_ ? start.col_duals[size(j)] : std::min(start.col_duals[size(j)], Cost{0});
    }
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      const std::int32_t j = start.col_for_row[size(i)];
      if (j < 0 || j >= n_cols_ || col(j).room == 0) continue;
      Cost mine = kInfinite;
      visit(i, [&](std::int32_t k, Cost cost) {
        if (k == j) mine = std::min(mine, cost);
      });
      if (mine < kInfinite) place(i, j, mine);
    }
    for (int pass = 0; pass < kMostPasses; ++pass) {
      bool settled = true;
      for (std::int32_t j = 0; j < n_cols_ && !fill_all_; ++j) {
        if (col(j).room > 0 && v(j) < 0) v(j) = 0;
      }
      for (std::int32_t i = 0; i < n_rows_; ++i) {
        if (row(i).col < 0 || row(i).cost - v(row(i).col) <= least(i)) continue;
        const std::int32_t j = row(i).col;
        remove(i);
        settled = settled && (fill_all_ || v(j) == 0);
      }
      if (settled) return;
    }
    // The start does not fit this problem.
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      if (row(i).col >= 0) remove(i);
    }
    std::fill(v_.begin(), v_.end(), Cost{0});
  }

  // The row's dual: its cheapest choice at the present duals.
  Cost least(std::int32_t i) {
    Cost best = price(i);
    visit(i, [&](std::int32_t j, Cost cost) { best = std::min(best, cost - v(j)); });
    return best;
  }

  SolveStatus augment(std::int32_t first) {
    heap_.clear();
    settled_.clear();
    reached_.clear();
    exit_ = {};
    // The dual of the first row is not known and taken as zero: distances are relative, and may be negative.
    SolveStatus status = relax(first, Cost{0}, -kInfinite) ? SolveStatus::kOptimal : SolveStatus::kStopped;
    while (status == SolveStatus::kOptimal && !heap_.empty() && heap_.top().at < exit_.distance) {
      const assign::Event<Cost> event = heap_.pop();
      if (col(event.id).distance != event.at) continue;  // reached nearer since
      settled_.push_back(event.id);
      for (std::int32_t i = col(event.id).held; i != kNone && status == SolveStatus::kOptimal; i = row(i).next) {
        if (!relax(i, event.at - (row(i).cost - v(event.id)), event.at)) status = SolveStatus::kStopped;
      }
    }
    if (status == SolveStatus::kOptimal) {
      if (exit_.row == kNone && exit_.col == kNone) {
        status = SolveStatus::kInfeasible;
        name_witness(first);
      } else {
        for (const std::int32_t j : settled_) v(j) += col(j).distance - exit_.distance;
        flip(first);
      }
    }
    for (const std::int32_t j : reached_) {
      col(j).distance = kInfinite;
      col(j).from = kNone;
    }
    return status;
  }

  // Looks at all choices of a row at distance `now`; base: that distance minus the row's dual. False: out of budget.
  bool relax(std::int32_t i, Cost base, Cost now) {
    if (!meter_.spend()) return false;
    if (price(i) < kInfinite && std::max(now, base + price(i)) < exit_.distance) {
      exit_ = {std::max(now, base + price(i)), i, kNone};
    }
    visit(i, [&](std::int32_t j, Cost cost) {
      Col& c = col(j);
      const Cost d = std::max(now, base + (cost - v(j)));  // rounding must not reach back
      if (d >= c.distance || d >= exit_.distance) return;
      if (c.distance == kInfinite) reached_.push_back(j);
      c.distance = d;
      c.from = i;
      c.from_cost = cost;
      if (c.room > 0) {
        exit_ = {d, kNone, j};
      } else {
        heap_.push({d, j});
      }
    });
    return true;
  }

  void flip(std::int32_t first) {
    std::int32_t j = exit_.col;
    if (exit_.row != kNone) {
      j = row(exit_.row).col;
      if (j >= 0) remove(exit_.row);
      row(exit_.row).col = kLeftOut;
      if (exit_.row == first) return;
    }
    while (true) {
      const std::int32_t i = col(j).from, left = row(i).col;
      const Cost cost = col(j).from_cost;
      if (left >= 0) remove(i);
      place(i, j, cost);
      if (i == first) return;
      j = left;
    }
  }

  // All that was reached is full. Rows: the first and those held there. Or, where every place must be filled: the
  // columns that none of those rows reaches, for which too few rows remain.
  void name_witness(std::int32_t first) {
    if (fill_all_) {
      for (std::int32_t j = 0; j < n_cols_; ++j) {
        if (capacities_[size(j)] > 0 && col(j).distance == kInfinite) witness_.push_back(j);
      }
      return;
    }
    witness_.push_back(first);
    for (const std::int32_t j : settled_) {
      for (std::int32_t i = col(j).held; i != kNone; i = row(i).next) witness_.push_back(i);
    }
    std::sort(witness_.begin(), witness_.end());
  }

  // After a stop: rows without a place take the cheapest column with room if it beats their price, and those that must
  // be matched any such column.
  void complete_greedily() {
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      if (row(i).col != kFree) continue;
      Cost best = price(i), cost = 0;
      std::int32_t best_col = kNone;
      source_.visit(i, [&](std::int32_t j, Cost value) {
        if (col(j).room > 0 && value < best) {
          best = value;
          best_col = j;
          cost = value;
        }
      });
      if (best_col == kNone && fill_all_ && col(n_cols_).room > 0) best_col = n_cols_;
      if (best_col != kNone) {
        place(i, best_col, cost);
      } else if (price(i) < kInfinite) {
        row(i).col = kLeftOut;
      }
    }
  }

  void finish(Assignment<Cost>& answer) {
    answer.col_for_row.resize(size(n_rows_));
    answer.row_duals.resize(size(n_rows_));
    const bool served = answer.status == SolveStatus::kOptimal;
    const Cost shift = fill_all_ ? v(n_cols_) : Cost{0};  // of the column that is not there: its dual becomes zero
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      const Row& r = row(i);
      answer.col_for_row[size(i)] = r.col >= 0 && r.col < n_cols_ ? r.col : kUnassigned;
      if (r.col >= 0) answer.total += r.cost;
      if (r.col == kLeftOut) answer.total += price(i);
      const Cost dual = !served ? least(i) : r.col >= 0 ? r.cost - v(r.col) : price(i);
      answer.row_duals[size(i)] =
          dual >= kInfinite ? Cost{0} : dual + shift;  // a row without any choice bounds nothing
    }
    answer.col_duals.assign(v_.begin(), v_.begin() + n_cols_);
    for (Cost& dual : answer.col_duals) dual -= shift;
    bound_closed_columns(answer);
    answer.witness = std::move(witness_);
    answer.iterations = meter_.used();
  }

  // The dual of a column without places counts zero times; it is as low as its pairs ask for.
  void bound_closed_columns(Assignment<Cost>& answer) const {
    for (std::int32_t j = 0; j < n_cols_; ++j) {
      if (capacities_[size(j)] == 0) answer.col_duals[size(j)] = 0;
    }
    if (std::find(capacities_.begin(), capacities_.end(), 0) == capacities_.end()) return;
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      const Cost dual = answer.row_duals[size(i)];
      source_.visit(i, [&](std::int32_t j, Cost cost) {
        if (capacities_[size(j)] == 0) answer.col_duals[size(j)] = std::min(answer.col_duals[size(j)], cost - dual);
      });
    }
  }

  const Rows& source_;
  std::span<const std::int32_t> capacities_;
  std::span<const Cost> prices_;
  BudgetMeter meter_;
  std::int32_t n_rows_, n_cols_;
  bool fill_all_ = false;  // fewer places than rows, and no prices
  std::vector<Row> rows_;
  std::vector<Col> cols_;
  std::vector<Cost> v_;
  Exit exit_;
  assign::EventHeap<Cost> heap_;
  std::vector<std::int32_t> settled_, reached_, witness_;
};

template <class Rows, class Cost = typename Rows::Cost>
Assignment<Cost> checked(const Rows& rows, std::span<const std::int32_t> capacities, std::span<const Cost> prices,
                         const Budget& budget, const WarmStart<Cost>& start) {
  Assignment<Cost> refused;
  refused.bad_cell = rows.first_bad();
  if (refused.bad_cell >= 0) {
    refused.status = SolveStatus::kInvalid;
    return refused;
  }
  const Cost largest =
      std::max({rows.largest(), assign::largest_magnitude(prices), assign::largest_magnitude(start.col_duals)});
  if (!assign::sums_fit(largest, rows.n_rows(), static_cast<std::int64_t>(rows.n_cols()) + 1)) {
    refused.status = SolveStatus::kOverflow;
    return refused;
  }
  return PlaceSolver<Rows>(rows, capacities, prices, budget).solve(start);
}

}  // namespace

template <class Cost>
Assignment<Cost> solve_capacitated(const SparseCosts<Cost>& costs, std::span<const std::int32_t> capacities,
                                   std::span<const Cost> prices, const Budget& budget, const WarmStart<Cost>& start) {
  return checked(SparseRows<Cost>{costs}, capacities, prices, budget, start);
}

template <class T>
Assignment<SumOf<T>> solve_capacitated(const MatrixView<T>& costs, std::span<const std::int32_t> capacities,
                                       std::span<const SumOf<T>> prices, const Budget& budget,
                                       const WarmStart<SumOf<T>>& start) {
  return checked(DenseRows<T>{costs}, capacities, prices, budget, start);
}

template Assignment<std::int64_t> solve_capacitated(const SparseCosts<std::int64_t>&, std::span<const std::int32_t>,
                                                    std::span<const std::int64_t>, const Budget&,
                                                    const WarmStart<std::int64_t>&);
template Assignment<double> solve_capacitated(const SparseCosts<double>&, std::span<const std::int32_t>,
                                              std::span<const double>, const Budget&, const WarmStart<double>&);
template Assignment<double> solve_capacitated(const MatrixView<float>&, std::span<const std::int32_t>,
                                              std::span<const double>, const Budget&, const WarmStart<double>&);
template Assignment<double> solve_capacitated(const MatrixView<double>&, std::span<const std::int32_t>,
                                              std::span<const double>, const Budget&, const WarmStart<double>&);
template Assignment<std::int64_t> solve_capacitated(const MatrixView<std::int32_t>&, std::span<const std::int32_t>,
                                                    std::span<const std::int64_t>, const Budget&,
                                                    const WarmStart<std::int64_t>&);
template Assignment<std::int64_t> solve_capacitated(const MatrixView<std::int64_t>&, std::span<const std::int32_t>,
                                                    std::span<const std::int64_t>, const Budget&,
                                                    const WarmStart<std::int64_t>&);

}  // namespace matcher
