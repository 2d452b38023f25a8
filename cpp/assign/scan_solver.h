// Shortest augmenting paths that scan whole rows with vector instructions: the method for small dense problems, whose
// matrix stays in the nearest caches. There a row costs less to scan than a list of its cheap choices to walk.
//
//   1. where every column must end matched, column duals start at the column minima (a column reduction); else at zero;
//   2. rows bid without epsilon, at most twice each on average, with prices four times;
//   3. each row left over is matched along a shortest path, leaving at the first free column or unassigned price;
//   4. where that becomes laborious and all rows must be matched, one guess at the whole answer is tried as a start.
// Every step keeps u[i] + v[j] <= c[i][j], so any stop leaves a bound. A limit on the rows scanned ends the attempt
// where lists would do better; what was found is then a start for them.
#ifndef MATCHER_ASSIGN_SCAN_SOLVER_H
#define MATCHER_ASSIGN_SCAN_SOLVER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "assign/choices.h"
#include "assign/common.h"
#include "assign/event_heap.h"
#include "assign/greedy_guess.h"
#include "assign/path_scan.h"
#include "assign/reach_lists.h"
#include "assign/row_scan.h"
#include "core/budget.h"
#include "core/matrix_view.h"

namespace matcher::assign {

// T: float, double, int32_t, int64_t, whose sums are exact in a double where T is whole. The columns of the matrix lie
// side by side.
template <class T>
class ScanSolver {
  struct Settled {
    double distance;
    double v;
    std::int32_t col;
  };

 public:
  // limit: costs of larger magnitude are not accepted. most_scans: give up after so many rows.
  ScanSolver(const MatrixView<T>& costs, std::span<const double> prices, bool every_column, double limit,
             std::int64_t most_scans, const Budget& budget, Isa isa)
      : costs_(costs),
        prices_(prices),
        every_column_(every_column),
        limit_(limit),
        most_scans_(most_scans),
        meter_(budget),
        isa_(isa),
        n_rows_(static_cast<std::int32_t>(costs.rows)),
        n_cols_(static_cast<std::int32_t>(costs.cols)),
        col_for_row_(size(n_rows_), kFree),
        v_(size(n_cols_), every_column ? kInfinite : 0.0),
        scratch_(std::make_unique_for_overwrite<std::byte[]>(
            size(n_cols_) * (sizeof(double) + sizeof(std::int64_t) + sizeof(std::int32_t)) +
            size(n_rows_) * (sizeof(Settled) + sizeof(std::int32_t)))),
        distance_(reinterpret_cast<double*>(scratch_.get())),
        from_(reinterpret_cast<std::int64_t*>(distance_ + n_cols_)),
        settled_(reinterpret_cast<Settled*>(from_ + n_cols_)),
        row_for_col_(reinterpret_cast<std::int32_t*>(settled_ + n_rows_)),
        waiting_(row_for_col_ + n_cols_) {
    std::fill_n(row_for_col_, n_cols_, kFree);
  }

  enum class Outcome { kAnswered, kGaveUp, kUnacceptable };

  Outcome solve(Assignment<double>& answer) {
    if (every_column_) reduce_columns();
    return serve(answer);
  }

  // From column duals at most zero, and the columns that rows had at them: one pass keeps the pairs that are still a
  // best choice. Gives up where that leaves many rows free. Every column must end matched. far: the matrix is too large
  // for any cache, so that searches had better go by short lists (assign/reach_lists.h) than come back to its rows.
  Outcome resume(std::span<const double> duals, std::span<const std::int32_t> col_for_row, bool far,
                 Assignment<double>& answer) {
    v_.assign(duals.begin(), duals.end());
    const bool searches = std::any_of(col_for_row.begin(), col_for_row.end(), [](std::int32_t j) { return j < 0; });
    if (far && searches) {
      lists_.emplace(n_rows_, n_cols_, isa_);
      pairs_.assign(size(n_rows_), {0.0, kFree});
    }
    std::int32_t kept = 0;
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      const LaneBound lanes = lane_bound(isa_, costs_.row(i), v_.data(), n_cols_, limit_);
      if (lanes.ordinary) {
        ++checked_;
      } else if (!check(i)) {
        return Outcome::kUnacceptable;
      }
      if (lists_) lists_->make(i, costs_.row(i), v_.data(), lanes.bound);
      const std::int32_t j = col_for_row[size(i)];
      if (j < 0 || j >= n_cols_ || row_for_col_[j] != kFree || cost(i, j) >= kInfinite) continue;
      if (!(reduced(i, j) <= lanes.least + rounding(cost(i, j), v_[size(j)], std::is_integral_v<T>))) continue;
      col_for_row_[size(i)] = j;
      row_for_col_[j] = i;
      ++kept;
    }
    if (n_rows_ - kept > n_rows_ / 8 + 1) return Outcome::kGaveUp;
    guessed_ = true;
    return serve(answer);
  }

  // After giving up: what another method may start from.
  const std::vector<double>& col_duals() const { return v_; }
  const std::vector<std::int32_t>& col_for_row() const { return col_for_row_; }
  std::int64_t iterations() const { return meter_.used(); }

 private:
  Outcome serve(Assignment<double>& answer) {
    answer.status = bid_all() ? augment_all() : SolveStatus::kStopped;
    while (checked_ < n_rows_) check(checked_);
    if (!acceptable_) return Outcome::kUnacceptable;
    if (gave_up()) return Outcome::kGaveUp;
    if (answer.status == SolveStatus::kStopped) complete_greedily();
    finish(answer);
    return Outcome::kAnswered;
  }

  static constexpr std::int32_t kFree = -1;
  static constexpr std::int32_t kLeftOut = -2;
  static constexpr double kInfinite = infinite<double>();

  static constexpr std::int64_t kLaborious = 6;  // rows scanned for each
  static constexpr double kAhead = 3;            // lists go so many times as far as any search went

  struct Pair {
    double cost;
    std::int32_t col;
  };
  struct Beyond {
    double at;
    std::int32_t id;
    double base;
  };

  static std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }
  double price(std::int32_t i) const { return prices_.empty() ? kInfinite : prices_[size(i)]; }
  double cost(std::int32_t i, std::int32_t j) const { return static_cast<double>(costs_(i, j)); }
  double reduced(std::int32_t i, std::int32_t j) const { return cost(i, j) - v_[size(j)]; }
  std::span<const Settled> settled() const { return {settled_, size(n_settled_)}; }

  // Rows are checked in ascending order, each when it is first read, so that it comes from memory once. False: it, or
  // one before, holds a cost that no search may meet.
  bool check(std::int32_t i) {
    return i < checked_ ? acceptable_ : found(lane_bound(isa_, costs_.row(i), nullptr, n_cols_, limit_).ordinary);
  }

  // The next row to be checked has been read, and was ordinary or not.
  bool found(bool ordinary) {
    const T* row = costs_.row(checked_++);
    if (ordinary) return acceptable_;
    bool fine = true;  // no early exit: that keeps the loop vectorisable
    for (std::int32_t j = 0; j < n_cols_; ++j) fine &= matcher::assign::acceptable(row[j], limit_);
    return acceptable_ = acceptable_ && fine;
  }

  bool gave_up() const { return meter_.used() > most_scans_; }
  bool spend() { return !gave_up() && meter_.spend(); }

  void reduce_columns() {
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      if (!found(lower_to_row(isa_, costs_.row(i), n_cols_, limit_, v_.data()))) return;
    }
    for (double& dual : v_) {
      if (dual >= kInfinite) dual = 0;  // a column without a row: the path search will say so
    }
  }

  // Two sweeps in which rows, and the rows they displace, bid; few in all, as a path costs hardly more than a
  // bid here. With prices twice as many took less time in city-like problems.
  bool bid_all() {
    std::int32_t n_waiting = 0;
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      if (col_for_row_[size(i)] == kFree) waiting_[n_waiting++] = i;
    }
    std::int64_t bids_left = (prices_.empty() ? 2 : 4) * static_cast<std::int64_t>(n_waiting);
    for (int sweep = 0; sweep < 2; ++sweep) {
      std::int32_t still = 0;  // at most one row stays free for each that began
      for (std::int32_t at = 0; at < n_waiting; ++at) {
        std::int32_t i = waiting_[at];
        while (i != kFree && bids_left > 0) {
          --bids_left;
          const TwoLeast best = two_least(isa_, costs_.row(i), v_.data(), n_cols_, limit_);
          if (!(i < checked_ ? acceptable_ : found(best.ordinary)) || !spend()) return false;
          const std::int32_t displaced = bid(i, best);
          if (col_for_row_[size(i)] == kFree) waiting_[still++] = i;
          i = displaced;
        }
        if (i != kFree) waiting_[still++] = i;
      }
      n_waiting = still;
    }
    return true;
  }

  // The row displaced, or kFree.
  std::int32_t bid(std::int32_t i, const TwoLeast& best) {
    const double out = price(i);
    if (out < kInfinite && out <= best.first) {
      col_for_row_[size(i)] = kLeftOut;
      return kFree;
    }
    if (best.at < 0) return kFree;
    const double second = std::min(best.second, out);
    std::int32_t j = best.at;
    if (best.first < second && second < kInfinite) {
      v_[size(j)] -= second - best.first;
    } else if (row_for_col_[j] != kFree) {
      // No margin to bid with: only a free column of equal worth helps. Leave the rest to the path search.
      if (best.first < best.second) return kFree;
      j = free_column_at(i, best.first);
      if (j == kFree) return kFree;
    }
    const std::int32_t displaced = std::exchange(row_for_col_[j], i);
    col_for_row_[size(i)] = j;
    if (displaced != kFree) col_for_row_[size(displaced)] = kFree;
    return displaced;
  }

  std::int32_t free_column_at(std::int32_t i, double value) const {
    for (std::int32_t j = 0; j < n_cols_; ++j) {
      if (row_for_col_[j] == kFree && reduced(i, j) == value) return j;
    }
    return kFree;
  }

  SolveStatus augment_all() {
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      if (col_for_row_[size(i)] != kFree) continue;
      const SolveStatus status = augment(i);
      if (status != SolveStatus::kOptimal) return status;
      if (!guessed_ && (every_column_ || prices_.empty()) && meter_.used() > kLaborious * n_rows_) {
        guessed_ = true;
        if (start_from_guess()) i = -1;
      }
    }
    return SolveStatus::kOptimal;
  }

  bool start_from_guess() {
    if (!GreedyGuess<T>::promises(costs_, isa_)) return false;
    auto guess = GreedyGuess<T>(costs_, isa_).make();
    if (!guess) return false;
    std::vector<std::int32_t>& matching = guess->col_for_row;
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      std::int32_t& j = matching[size(i)];
      const double best = two_least(isa_, costs_.row(i), guess->col_duals.data(), n_cols_).first;
      const double dual = guess->col_duals[size(j)];
      if (cost(i, j) - dual <= best + rounding(cost(i, j), dual, std::is_integral_v<T>)) continue;
      if (!every_column_) return false;  // a column with a dual must keep its row
      j = kFree;                         // let the search decide
    }
    v_ = std::move(guess->col_duals);
    col_for_row_ = std::move(matching);
    std::fill_n(row_for_col_, n_cols_, kFree);
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      if (col_for_row_[size(i)] != kFree) row_for_col_[col_for_row_[size(i)]] = i;
    }
    return true;
  }

  // Shortest alternating path from a free row to a free column, or to a row whose price is the cheapest way out.
  // Settled columns keep out of the scans by a dual of minus infinity until the search ends.
  SolveStatus augment(std::int32_t source) {
    if (!check(source)) return SolveStatus::kStopped;
    std::fill_n(distance_, n_cols_, kInfinite);
    n_settled_ = 0;
    free_cols_.clear();
    double exit = kInfinite;
    std::int32_t exit_row = kFree, exit_col = kFree;
    // The dual of the source is not known and taken as zero: distances are relative, and may be negative.
    double now = -kInfinite, base = 0;  // base: distance of the row minus its dual
    began_ = kInfinite;
    if (lists_) {
      at_start_.assign(v_.begin(), v_.end());
      beyond_.clear();
    }
    SolveStatus status = SolveStatus::kOptimal;
    for (std::int32_t i = source;;) {
      if (!spend()) {
        status = SolveStatus::kStopped;
        break;
      }
      if (price(i) < kInfinite && base + price(i) < exit) {
        exit = base + price(i);
        exit_row = i;
      }
      const Nearest nearest = relax(i, base, now);
      began_ = std::min(began_, nearest.distance);
      if (exit < kInfinite && nearest.distance >= exit) break;
      if (nearest.at < 0) {
        status = SolveStatus::kInfeasible;
        break;
      }
      std::int32_t j = nearest.at;
      // Columns come one by one, but a run of equal distances is left as soon as it holds a free one.
      if (nearest.distance == now && row_for_col_[j] != kFree) j = free_at(now, j);
      if (row_for_col_[j] == kFree) {
        exit = nearest.distance;
        exit_row = kFree;
        exit_col = j;
        break;
      }
      now = nearest.distance;
      i = row_for_col_[j];
      base = now - (pair_cost(i, j) - v_[size(j)]);
      settled_[n_settled_++] = {now, v_[size(j)], j};
      v_[size(j)] = -kInfinite;
      distance_[j] = kInfinite;
    }
    const bool found = status == SolveStatus::kOptimal;
    for (const Settled& s : settled()) v_[size(s.col)] = found ? s.v + (s.distance - exit) : s.v;
    if (found) {
      reach_ = std::max(reach_, exit - began_);
      flip(source, exit_row, exit_col);
    } else if (status == SolveStatus::kInfeasible) {
      witness_.assign(1, source);
      for (const Settled& s : settled()) witness_.push_back(row_for_col_[s.col]);
      std::sort(witness_.begin(), witness_.end());
    }
    return status;
  }

  // From row i on; the nearest column after it. By its list if there is one; rows that come into reach beyond their
  // lists are read.
  Nearest relax(std::int32_t i, double base, double now) {
    if (!lists_) return relax_row(isa_, costs_.row(i), v_.data(), n_cols_, base, now, i, distance_, from_);
    Nearest nearest;
    if (lists_->listed(i)) {
      lists_->relax(i, v_.data(), base, now, distance_, from_);
      beyond_.push({base + lists_->beyond(i), i, base});
      nearest = nearest_of(isa_, distance_, n_cols_);
    } else {
      nearest = read(i, base, now);
    }
    while (!beyond_.empty() && beyond_.top().at <= nearest.distance) {
      const Beyond reached = beyond_.pop();
      nearest = read(reached.id, reached.base, now);
    }
    return nearest;
  }

  // Kept beside the matrix once there are lists: else each step of a search would wait for one cell of it.
  double pair_cost(std::int32_t i, std::int32_t j) {
    if (!lists_) return cost(i, j);
    Pair& pair = pairs_[size(i)];
    if (pair.col != j) pair = {cost(i, j), j};
    return pair.cost;
  }

  // The whole row; it is listed for the next search.
  Nearest read(std::int32_t i, double base, double now) {
    const Nearest nearest = relax_row(isa_, costs_.row(i), v_.data(), n_cols_, base, now, i, distance_, from_);
    const std::int32_t j = col_for_row_[size(i)];
    if (lists_ && j != kFree) {
      ReachLists<T>& lists = *lists_;
      const double tight = pair_cost(i, j) - at_start_[size(j)];
      lists.make(i, costs_.row(i), at_start_.data(), tight + kAhead * std::max(reach_, nearest.distance - began_));
    }
    return nearest;
  }

  std::int32_t free_at(double now, std::int32_t otherwise) {
    if (free_cols_.empty()) {  // listed once a search, and only where distances tie
      for (std::int32_t j = 0; j < n_cols_; ++j) {
        if (row_for_col_[j] == kFree) free_cols_.push_back(j);
      }
    }
    for (const std::int32_t j : free_cols_) {
      if (distance_[j] == now) return j;
    }
    return otherwise;
  }

  void flip(std::int32_t source, std::int32_t exit_row, std::int32_t exit_col) {
    std::int32_t j = exit_col;
    if (exit_row != kFree) {
      j = std::exchange(col_for_row_[size(exit_row)], kLeftOut);
      if (exit_row == source) return;
    }
    while (true) {
      const auto i = static_cast<std::int32_t>(from_[j]);
      row_for_col_[j] = i;
      std::swap(col_for_row_[size(i)], j);
      if (i == source) return;
    }
  }

  // After a stop: rows without a place take the cheapest free column if it beats their price.
  void complete_greedily() {
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      if (col_for_row_[size(i)] != kFree) continue;
      double best = price(i);
      std::int32_t taken = best < kInfinite ? kLeftOut : kFree;
      for (std::int32_t j = 0; j < n_cols_; ++j) {
        if (row_for_col_[j] == kFree && cost(i, j) < best) {
          best = cost(i, j);
          taken = j;
        }
      }
      col_for_row_[size(i)] = taken;
      if (taken >= 0) row_for_col_[size(taken)] = i;
    }
  }

  void finish(Assignment<double>& answer) {
    const bool served = answer.status == SolveStatus::kOptimal;  // each pair is tight
    answer.row_duals.resize(size(n_rows_));
    answer.total = 0;
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      std::int32_t& j = col_for_row_[size(i)];
      if (j >= 0) answer.total += cost(i, j);
      if (j == kLeftOut) answer.total += price(i);
      double dual = served && j >= 0 ? reduced(i, j) : price(i);
      if (!served) dual = std::min(dual, two_least(isa_, costs_.row(i), v_.data(), n_cols_).first);
      answer.row_duals[size(i)] = dual >= kInfinite ? 0.0 : dual;  // a row without any choice bounds nothing
      if (j < 0) j = kUnassigned;
    }
    if (every_column_ && n_cols_ > 0) {
      // Free to shift: the highest column dual becomes zero, so that no dual has the wrong sign.
      const double highest = *std::max_element(v_.begin(), v_.end());
      for (double& dual : v_) dual -= highest;
      for (double& dual : answer.row_duals) dual += highest;
    }
    answer.col_for_row = std::move(col_for_row_);
    answer.col_duals = std::move(v_);
    answer.witness = std::move(witness_);
    answer.iterations = meter_.used();
  }

  MatrixView<T> costs_;
  std::span<const double> prices_;
  bool every_column_;
  double limit_;
  std::int64_t most_scans_;
  std::int32_t checked_ = 0;
  bool acceptable_ = true;
  bool guessed_ = false;
  BudgetMeter meter_;
  Isa isa_;
  std::int32_t n_rows_, n_cols_;
  std::vector<std::int32_t> col_for_row_;
  std::vector<double> v_;
  std::unique_ptr<std::byte[]> scratch_;  // the arrays below, in one piece: small problems take as long as allocations
  double* distance_;
  std::int64_t* from_;
  Settled* settled_;  // in the present search; at most one a row
  std::int32_t n_settled_ = 0;
  std::int32_t* row_for_col_;
  std::int32_t* waiting_;  // rows that are to bid
  std::vector<std::int32_t> free_cols_, witness_;
  std::optional<ReachLists<T>> lists_;
  double reach_ = 0;                  // the longest path found
  double began_ = 0;                  // distance of the first column of the present search
  std::vector<double> at_start_;      // column duals at the start of the search
  std::vector<Pair> pairs_;           // as last asked for
  EventHeap<double, Beyond> beyond_;  // rows gone by their lists, and where those end
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_SCAN_SOLVER_H
