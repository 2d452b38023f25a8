#include "matcher/dense_assignment.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "assign/common.h"
#include "assign/dense_choices.h"
#include "assign/path_solver.h"
#include "assign/row_order.h"
#include "assign/row_scan.h"
#include "assign/scan_solver.h"

namespace matcher {
namespace {

using assign::infinite;

// Shortest augmenting paths that scan whole rows, in the number type of the sums.
template <class T>
class PlainSolver {
  using Cost = SumOf<T>;

 public:
  PlainSolver(const MatrixView<T>& costs, std::span<const Cost> prices, const Budget& budget)
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

  // Integers cannot forbid a pair.
  static constexpr Cost kForbidden = must_match<Cost>();
  Cost cost_of(std::int32_t i, std::int32_t j) const { return static_cast<Cost>(costs_(i, j)); }
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
        const Cost cost = cost_of(i, j);
        if (cost != kForbidden) {
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
      base = nearest - (cost_of(i, j) - v_[size(j)]);
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
        if (row_for_col_[size(j)] == kFree && cost_of(i, j) < best) {
          best = cost_of(i, j);
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
        answer.total += cost_of(i, j);
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
      if (cost_of(i, j) != kForbidden) least = std::min(least, cost_of(i, j) - v_[size(j)]);
    }
    return least == must_match<Cost>() ? Cost{0} : least;
  }

  MatrixView<T> costs_;
  std::span<const Cost> prices_;
  BudgetMeter meter_;
  std::int32_t n_rows_, n_cols_;
  std::vector<std::int32_t> col_for_row_, row_for_col_;
  std::vector<Cost> u_, v_, distance_;
  std::vector<std::int32_t> from_row_, pending_, settled_, witness_;
};

// The first cost that is NaN or -infinity, counted row by row; -1: none.
template <class T>
std::int64_t first_bad_cell(const MatrixView<T>& costs) {
  if constexpr (std::numeric_limits<T>::has_infinity) {
    for (std::int64_t i = 0; i < costs.rows; ++i) {
      for (std::int64_t j = 0; j < costs.cols; ++j) {
        if (std::isnan(costs(i, j)) || costs(i, j) == -std::numeric_limits<T>::infinity()) return i * costs.cols + j;
      }
    }
  }
  return -1;
}

template <class T>
SumOf<T> largest_cost(const MatrixView<T>& costs) {
  SumOf<T> largest = 0;
  for (std::int64_t i = 0; i < costs.rows; ++i) {
    for (std::int64_t j = 0; j < costs.cols; ++j) {
      const auto cost = static_cast<SumOf<T>>(costs(i, j));
      if (std::is_integral_v<T> && cost == must_match<SumOf<T>>()) return cost;
      largest = std::max(largest, assign::magnitude(cost));
    }
  }
  return largest;
}

// Largest magnitude whose sums stay exact (whole numbers) or finite in a double.
template <class T>
double double_limit(std::int64_t rows, std::int64_t cols) {
  const auto terms = static_cast<double>(assign::longest_sum(rows, cols));
  return std::is_integral_v<T> ? std::floor(0x1p53 / terms) : std::numeric_limits<double>::max() / terms;
}

template <class T>
Assignment<SumOf<T>> refused(SolveStatus status, std::int64_t bad_cell = -1) {
  Assignment<SumOf<T>> answer;
  answer.status = status;
  answer.bad_cell = bad_cell;
  return answer;
}

template <class T>
Assignment<SumOf<T>> solve_plain(const MatrixView<T>& costs, std::span<const SumOf<T>> prices, const Budget& budget) {
  if (const auto bad = first_bad_cell(costs); bad >= 0) return refused<T>(SolveStatus::kInvalid, bad);
  const SumOf<T> largest = std::max(largest_cost(costs), assign::largest_magnitude(prices));
  if (!assign::sums_fit(largest, costs.rows, costs.cols)) return refused<T>(SolveStatus::kOverflow);
  return PlainSolver<T>(costs, prices, budget).solve();
}

std::vector<double> as_doubles(std::span<const std::int64_t> values) { return {values.begin(), values.end()}; }

std::vector<std::int64_t> as_whole(const std::vector<double>& values) {
  std::vector<std::int64_t> whole(values.size());
  std::transform(values.begin(), values.end(), whole.begin(), [](double v) { return static_cast<std::int64_t>(v); });
  return whole;
}

// Up to so many bytes the matrix stays in the second-level cache, and whole rows are cheaper to scan than lists to
// walk.
constexpr std::int64_t kScannedBytes = 1'300'000;
// Where columns may stay free most rows need few scans, so they are tried first, a few a row: up to what a shared cache
// may hold.
constexpr std::int64_t kTriedBytes = 12'000'000;
constexpr std::int64_t kTries = 5;
// Scans a row that a start with few free rows is worth before lists are made.
constexpr std::int64_t kResumed = 16;
constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

// Solves in doubles. False: some cost or price is outside `limit`, NaN or -infinity.
template <class T>
bool solve_in_doubles(MatrixView<T> costs, std::span<const double> prices, std::span<const double> col_duals,
                      std::span<const std::int32_t> col_for_row, const Budget& budget, assign::Isa isa,
                      DenseMethod method, Assignment<double>& answer) {
  const double limit = double_limit<T>(costs.rows, costs.cols);
  const auto payable = [limit](double price) { return assign::acceptable(price, limit); };
  if (!std::all_of(prices.begin(), prices.end(), payable)) return false;
  const bool every_column = costs.rows == costs.cols && std::all_of(prices.begin(), prices.end(), [](double price) {
                              return price == must_match<double>();
                            });
  const bool cold = col_duals.empty() && col_for_row.empty();
  const auto bytes = costs.rows * costs.cols * static_cast<std::int64_t>(sizeof(T));
  const bool scanned = bytes <= kScannedBytes || method == DenseMethod::kScans;
  const bool tried = !every_column && costs.col_stride == 1 && bytes <= kTriedBytes;
  std::vector<double> duals(col_duals.begin(), col_duals.end());
  for (double& dual : duals) dual = std::max(std::min(dual, 0.0), -limit);
  std::vector<std::int32_t> matching(col_for_row.begin(), col_for_row.end());
  Budget left = budget;
  std::int64_t used = 0;
  if (cold && method != DenseMethod::kLists && (scanned || tried)) {
    std::unique_ptr<T[]> rows;
    if (costs.col_stride != 1) {
      rows = assign::in_row_order(costs, isa);
      costs = {rows.get(), costs.rows, costs.cols, costs.cols, 1};
    }
    using Scans = assign::ScanSolver<T>;
    Scans scans(costs, prices, every_column, limit, scanned ? kNoLimit : kTries * costs.rows, budget, isa);
    const auto outcome = scans.solve(answer);
    if (outcome != Scans::Outcome::kGaveUp) return outcome == Scans::Outcome::kAnswered;
    duals = scans.col_duals();
    matching = scans.col_for_row();
    used = scans.iterations();
    left.max_iterations -= used;
  }
  const bool resumed = !col_duals.empty() && !col_for_row.empty() && every_column && costs.col_stride == 1;
  if (resumed && method != DenseMethod::kLists) {
    using Scans = assign::ScanSolver<T>;
    Scans scans(costs, prices, every_column, limit, kResumed * costs.rows, budget, isa);
    const auto outcome = scans.resume(duals, matching, bytes > kTriedBytes, answer);
    if (outcome != Scans::Outcome::kGaveUp) return outcome == Scans::Outcome::kAnswered;
    duals = scans.col_duals();
    matching = scans.col_for_row();
    used = scans.iterations();
    left.max_iterations -= used;
  }
  const bool raise = cold && every_column;
  assign::DenseChoices<T> choices(costs, prices, duals, raise, limit, isa);
  if (!choices.valid()) return false;
  if (raise) duals = choices.raised();
  answer = assign::PathSolver<double, assign::DenseChoices<T>>(choices, prices, {duals, matching}, every_column,
                                                               std::is_integral_v<T>, left)
               .solve();
  answer.iterations += used;
  return true;
}

assign::Isa instructions(DenseMethod method) {
  const assign::Isa best = assign::best_isa();
  if (method == DenseMethod::kScalar) return assign::Isa::kScalar;
  return method == DenseMethod::kAvx2 ? std::min(best, assign::Isa::kAvx2) : best;
}

template <class T>
Assignment<SumOf<T>> solve_oriented(const MatrixView<T>& costs, std::span<const SumOf<T>> prices, const Budget& budget,
                                    const WarmStart<SumOf<T>>& start, DenseMethod method) {
  if (method == DenseMethod::kPlain) return solve_plain(costs, prices, budget);
  const assign::Isa isa = instructions(method);
  Assignment<double> found;
  if constexpr (std::is_integral_v<T>) {
    std::vector<double> wanted = as_doubles(prices);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (prices[i] == must_match<std::int64_t>()) wanted[i] = must_match<double>();
    }
    const std::vector<double> duals = as_doubles(start.col_duals);
    // Beyond 53 bits: the plain method sums in int64.
    if (!solve_in_doubles(costs, std::span<const double>(wanted), std::span<const double>(duals), start.col_for_row,
                          budget, isa, method, found)) {
      return solve_plain(costs, prices, budget);
    }
    Assignment<std::int64_t> answer;
    answer.status = found.status;
    answer.col_for_row = std::move(found.col_for_row);
    answer.row_duals = as_whole(found.row_duals);
    answer.col_duals = as_whole(found.col_duals);
    answer.total = static_cast<std::int64_t>(found.total);
    answer.iterations = found.iterations;
    answer.witness = std::move(found.witness);
    return answer;
  } else {
    if (solve_in_doubles(costs, prices, start.col_duals, start.col_for_row, budget, isa, method, found)) return found;
    const auto bad = first_bad_cell(costs);
    return refused<T>(bad >= 0 ? SolveStatus::kInvalid : SolveStatus::kOverflow, bad);
  }
}

}  // namespace

template <class T>
Assignment<SumOf<T>> solve_dense(const MatrixView<T>& costs, std::span<const SumOf<T>> prices, const Budget& budget,
                                 const WarmStart<SumOf<T>>& start, DenseMethod method) {
  if (!prices.empty() || costs.rows <= costs.cols) return solve_oriented(costs, prices, budget, start, method);
  // More rows than columns: columns choose rows. What a start knows of columns does not carry over.
  auto answer = assign::transposed(solve_oriented(costs.transposed(), prices, budget, {}, method), costs.rows);
  if (answer.status == SolveStatus::kInvalid) answer.bad_cell = first_bad_cell(costs);
  return answer;
}

template Assignment<double> solve_dense(const MatrixView<float>&, std::span<const double>, const Budget&,
                                        const WarmStart<double>&, DenseMethod);
template Assignment<double> solve_dense(const MatrixView<double>&, std::span<const double>, const Budget&,
                                        const WarmStart<double>&, DenseMethod);
template Assignment<std::int64_t> solve_dense(const MatrixView<std::int32_t>&, std::span<const std::int64_t>,
                                              const Budget&, const WarmStart<std::int64_t>&, DenseMethod);
template Assignment<std::int64_t> solve_dense(const MatrixView<std::int64_t>&, std::span<const std::int64_t>,
                                              const Budget&, const WarmStart<std::int64_t>&, DenseMethod);

}  // namespace matcher
