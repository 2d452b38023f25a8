// What the path solver knows of each row: its cheapest choices now, and a bound on all others for ever.
//
// Column duals v only fall while rows are served, so reduced costs c - v only rise. A list made once therefore stays
// sound: an arc's reduced cost is at least `low`, its value when the list was made, and every column not listed costs
// at least `beyond`. A row whose dual stays below `beyond` is certified without looking at its other columns again.
#ifndef MATCHER_ASSIGN_CHOICES_H
#define MATCHER_ASSIGN_CHOICES_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "assign/common.h"
#include "assign/greedy_guess.h"
#include "assign/row_scan.h"
#include "assign/scaling_lists.h"
#include "core/matrix_view.h"

namespace matcher::assign {

// A number the solvers can work with, or +infinity for a forbidden pair.
template <class T>
bool acceptable(T cost, double limit) {
  const auto value = static_cast<double>(cost);
  return (std::numeric_limits<T>::has_infinity && value == infinite<double>()) || std::abs(value) <= limit;
}

template <class Cost>
struct Choice {
  Cost cost;
  Cost low;
  std::int32_t col;
};

template <class Cost>
Cost low_of(const Choice<Cost>& choice) {
  return choice.low;
}

// A choice listed at duals of zero.
template <class Cost>
struct PlainChoice {
  Cost cost;
  std::int32_t col;
};

template <class Cost>
Cost low_of(const PlainChoice<Cost>& choice) {
  return choice.cost;
}

// How far rows bid before paths are searched: sweeps over the free rows, bids that one of them may set off in a sweep,
// and bids a row in all.
struct BidLimits {
  int sweeps;
  std::int64_t chain, each;
};

// Rows of a sparse problem: every arc that can be better than its row's price is listed, so nothing is beyond.
template <class Cost>
class SparseChoices {
 public:
  // Where columns are contested, chains of bids by tiny amounts are cut short.
  static constexpr BidLimits kBids{2, 8, 16};

  // prices: one a row, or empty.
  SparseChoices(const SparseCosts<Cost>& costs, std::span<const Cost> prices)
      : costs_(costs), choices_(costs.col.size()) {
    lists_.reserve(static_cast<std::size_t>(costs.n_rows()));
    for (std::int32_t i = 0; i < costs.n_rows(); ++i) {
      const auto begin = costs.ptr[static_cast<std::size_t>(i)], end = costs.ptr[static_cast<std::size_t>(i) + 1];
      const Cost out = prices.empty() ? must_match<Cost>() : prices[static_cast<std::size_t>(i)];
      PlainChoice<Cost>* sorted = choices_.data() + begin;
      std::int64_t count = 0;
      for (auto a = begin; a < end; ++a) {
        const Cost cost = costs.cost[static_cast<std::size_t>(a)];
        if (cost >= out) continue;  // forbidden, or leaving the row out is as good for ever
        sorted[count++] = {cost, costs.col[static_cast<std::size_t>(a)]};
      }
      sort(sorted, count);
      lists_.push_back({sorted, static_cast<std::size_t>(count)});
    }
  }
  std::int32_t n_rows() const { return costs_.n_rows(); }
  std::int32_t n_cols() const { return costs_.n_cols; }
  std::span<const PlainChoice<Cost>> of(std::int32_t i) const { return lists_[static_cast<std::size_t>(i)]; }
  Cost beyond(std::int32_t) const { return infinite<Cost>(); }
  void renew(std::int32_t, const std::vector<Cost>&) {}
  void extend(std::int32_t, const std::vector<Cost>&, std::int32_t) {}
  // Bids have left so many rows free that paths from them would be long.
  bool contested(std::int32_t free_rows) const { return free_rows > 1000 + n_rows() / 5; }
  // Searching has become dear when many rows were visited for each.
  bool laborious(std::int64_t rows_visited) const {
    return rows_visited > 100 * static_cast<std::int64_t>(n_rows()) + 10000;
  }

  template <class Visit>
  void column(std::int32_t j, Visit&& visit) {
    if (!by_column_) by_column_.emplace(costs_);
    for (auto a = by_column_->ptr[static_cast<std::size_t>(j)]; a < by_column_->ptr[static_cast<std::size_t>(j) + 1];
         ++a) {
      visit(by_column_->row[static_cast<std::size_t>(a)], by_column_->cost[static_cast<std::size_t>(a)]);
    }
  }

 private:
  static void sort(PlainChoice<Cost>* list, std::int64_t count) {
    if (count > 64) {
      std::stable_sort(list, list + count, [](const auto& a, const auto& b) { return a.cost < b.cost; });
      return;
    }
    for (std::int64_t k = 1; k < count; ++k) {
      const PlainChoice<Cost> moved = list[k];
      std::int64_t at = k;
      for (; at > 0 && moved.cost < list[at - 1].cost; --at) list[at] = list[at - 1];
      list[at] = moved;
    }
  }

  const SparseCosts<Cost>& costs_;
  std::vector<PlainChoice<Cost>> choices_;
  std::vector<std::span<const PlainChoice<Cost>>> lists_;
  std::optional<ColumnArcs<Cost>> by_column_;
};

// Rows of a dense matrix of any strides, read where it lies: about 8 to 24 choices of each row, more where asked for.
template <class T>
class DenseChoices {
 public:
  static constexpr BidLimits kBids{2, std::numeric_limits<std::int64_t>::max(), 4};

  // prices: one a row, or empty. v: column duals to start from, or empty: all zero. limit: costs of larger magnitude
  // are not accepted.
  DenseChoices(const MatrixView<T>& costs, std::span<const double> prices, std::span<const double> v, double limit,
               Isa isa)
      : costs_(costs),
        prices_(prices),
        isa_(isa),
        limit_(limit),
        slots_(static_cast<std::size_t>(costs.rows)),
        values_(static_cast<std::size_t>(costs.cols) + 16),
        columns_(static_cast<std::size_t>(costs.cols) + 16) {
    pool_.reserve(static_cast<std::size_t>(costs.rows) * 28);
    const double* duals = v.empty() ? nullptr : v.data();
    if (costs.col_stride == 1) {
      for (std::int32_t i = 0; i < n_rows() && valid_; ++i) list(i, costs_.row(i), duals, kFew);
      return;
    }
    // Turn a block of rows round at a time: a column of the block is a cache line or two.
    row_.resize(static_cast<std::size_t>(kBlock * costs.cols));
    for (std::int64_t first = 0; first < costs.rows && valid_; first += kBlock) {
      const std::int64_t block = std::min<std::int64_t>(kBlock, costs.rows - first);
      for (std::int64_t j = 0; j < costs.cols; ++j) {
        for (std::int64_t b = 0; b < block; ++b)
          row_[static_cast<std::size_t>(b * costs.cols + j)] = costs_(first + b, j);
      }
      for (std::int64_t b = 0; b < block && valid_; ++b) {
        list(static_cast<std::int32_t>(first + b), row_.data() + b * costs.cols, duals, kFew);
      }
    }
  }
  // False: a cost is NaN, -infinity, or beyond the limit.
  bool valid() const { return valid_; }
  // For a square problem that all must be matched in.
  std::optional<Guess> guess() const {
    if (costs_.col_stride != 1) return std::nullopt;
    // Where a guess is right, it is right for a part as well: a small one says whether to read the whole so often.
    const std::int64_t step = costs_.rows / kPart;
    const MatrixView<T> part{costs_.data, kPart, kPart, costs_.row_stride * step, 1};
    if (step > 1 && !GreedyGuess<T>(part, isa_).make()) return std::nullopt;
    return GreedyGuess<T>(costs_, isa_).make();
  }
  // For epsilon-scaled bidding. coarse: the best of a sample will do.
  Liking liked(std::int32_t i, const std::vector<double>& v, bool coarse) {
    if (!scaling_) scaling_.emplace(n_rows(), n_cols(), isa_);
    const auto read = [this](std::int32_t at) { return row(at); };
    return coarse ? scaling_->coarse(i, v.data(), read, of(i)) : scaling_->best(i, v.data(), read);
  }
  // Whether coarse choices are much less work.
  bool samples() const { return ScalingLists<T>::samples(n_cols()); }
  std::int32_t n_rows() const { return static_cast<std::int32_t>(costs_.rows); }
  std::int32_t n_cols() const { return static_cast<std::int32_t>(costs_.cols); }
  std::span<const Choice<double>> of(std::int32_t i) const {
    const Slot& slot = slots_[static_cast<std::size_t>(i)];
    return {pool_.data() + slot.begin, static_cast<std::size_t>(slot.count)};
  }
  double beyond(std::int32_t i) const { return slots_[static_cast<std::size_t>(i)].beyond; }
  // The cheapest choices at the present duals.
  void renew(std::int32_t i, const std::vector<double>& v) { list(i, row(i), v.data(), kFew); }
  // The same, but so many.
  void extend(std::int32_t i, const std::vector<double>& v, std::int32_t wanted) {
    ++extended_;
    list(i, row(i), v.data(), wanted);
  }
  bool contested(std::int32_t) const { return false; }
  // Searching has become dear when an eighth of the rows had to be read again for it.
  bool laborious(std::int64_t) const { return extended_ > 16 + n_rows() / 8; }

  template <class Visit>
  void column(std::int32_t j, Visit&& visit) {
    for (std::int32_t i = 0; i < n_rows(); ++i) {
      const auto cost = static_cast<double>(costs_(i, j));
      if (cost < infinite<double>()) visit(i, cost);
    }
  }

 private:
  static constexpr std::int32_t kFew = 8;
  static constexpr std::int32_t kWide = 4;  // times as many as wanted are still kept
  static constexpr std::int64_t kBlock = 16;
  static constexpr std::int64_t kPart = 256;
  static constexpr double kLargest = std::numeric_limits<double>::max();

  struct Slot {
    std::int64_t begin = 0;
    std::int32_t count = 0;
    std::int32_t room = 0;
    double beyond = infinite<double>();
  };

  const T* row(std::int32_t i) {
    if (costs_.col_stride == 1) return costs_.row(i);
    for (std::int64_t j = 0; j < costs_.cols; ++j) row_[static_cast<std::size_t>(j)] = costs_(i, j);
    return row_.data();
  }

  void list(std::int32_t i, const T* row, const double* v, std::int32_t wanted) {
    std::int32_t found;
    double beyond = infinite<double>();
    double* values = values_.data();
    std::int32_t* columns = columns_.data();
    if (wanted <= kFew) {
      const LaneBound lanes = lane_bound(isa_, row, v, n_cols(), limit_);
      if (!lanes.ordinary && !std::all_of(row, row + n_cols(), [this](T cost) { return acceptable(cost, limit_); })) {
        valid_ = false;
        return;
      }
      const double bound = std::min(lanes.bound, most(i));
      found = collect_at_most(isa_, row, v, n_cols(), bound, kMany, values, columns);
      if (found >= kMany) {  // ties, or a lane without cheap columns
        found = collect_at_most(isa_, row, v, n_cols(), bound, n_cols() + 1, values, columns);
        beyond = found > kMany ? keep(found, kMany) : next_after(bound);
        found = std::min(found, kMany);
      } else if (bound < kLargest) {
        beyond = next_after(bound);
      }
    } else {
      const double bound = farther(i, row, v, wanted);
      found = collect_at_most(isa_, row, v, n_cols(), bound, n_cols() + 1, values, columns);
      if (found > kWide * wanted) {
        beyond = keep(found, wanted);
        found = wanted;
      } else if (bound < kLargest) {
        beyond = next_after(bound);
      }
    }
    store(i, row, found, beyond);
  }

  // A bound about half as far again from the best column as the list reaches now: cheaper found than so many columns.
  double farther(std::int32_t i, const T* row, const double* v, std::int32_t wanted) const {
    if (wanted >= n_cols()) return kLargest;
    const LaneBound lanes = lane_bound(isa_, row, v, n_cols(), limit_);
    const double reach = std::max(lanes.bound, beyond(i));
    const double bound = reach + (reach - lanes.least) / 2;
    return std::min(std::is_integral_v<T> ? std::floor(bound) : bound, most(i));  // no NaN: the least is finite
  }

  // Whatever costs more than the row's price does so for ever: leaving the row out is better.
  double most(std::int32_t i) const {
    return prices_.empty() ? kLargest : std::min(prices_[static_cast<std::size_t>(i)], kLargest);
  }

  // Moves the `wanted` cheapest (lowest column first among equals) to the front; the rest cost at least what is
  // returned.
  double keep(std::int32_t found, std::int32_t wanted) {
    pairs_.resize(static_cast<std::size_t>(found));
    for (std::size_t k = 0; k < pairs_.size(); ++k) pairs_[k] = {values_[k], columns_[k]};
    std::nth_element(pairs_.begin(), pairs_.begin() + wanted, pairs_.end());
    const double beyond = pairs_[static_cast<std::size_t>(wanted)].first;
    std::sort(pairs_.begin(), pairs_.begin() + wanted);
    for (std::size_t k = 0; k < static_cast<std::size_t>(wanted); ++k) std::tie(values_[k], columns_[k]) = pairs_[k];
    return beyond;
  }

  void store(std::int32_t i, const T* row, std::int32_t found, double beyond) {
    Slot& slot = slots_[static_cast<std::size_t>(i)];
    if (found > slot.room) {
      slot.begin = static_cast<std::int64_t>(pool_.size());
      slot.room = found + 4;
      pool_.resize(pool_.size() + static_cast<std::size_t>(slot.room));
    }
    slot.count = found;
    slot.beyond = beyond;
    Choice<double>* sorted = pool_.data() + slot.begin;
    if (found > 64) {
      for (std::int32_t k = 0; k < found; ++k) {
        const std::int32_t j = columns_[static_cast<std::size_t>(k)];
        sorted[k] = {static_cast<double>(row[j]), values_[static_cast<std::size_t>(k)], j};
      }
      std::sort(sorted, sorted + found,
                [](const auto& a, const auto& b) { return a.low != b.low ? a.low < b.low : a.col < b.col; });
      return;
    }
    for (std::int32_t k = 0; k < found; ++k) {
      const double low = values_[static_cast<std::size_t>(k)];
      const std::int32_t j = columns_[static_cast<std::size_t>(k)];
      std::int32_t at = k;
      for (; at > 0 && low < sorted[at - 1].low; --at) sorted[at] = sorted[at - 1];
      sorted[at] = {static_cast<double>(row[j]), low, j};
    }
  }

  // The least value above: what is not listed costs at least that. Whole numbers keep duals whole.
  static double next_after(double bound) {
    return std::is_integral_v<T> ? bound + 1 : std::nextafter(bound, infinite<double>());
  }

  static constexpr std::int32_t kMany = 40;

  MatrixView<T> costs_;
  std::span<const double> prices_;
  Isa isa_;
  double limit_;
  bool valid_ = true;
  std::int64_t extended_ = 0;
  std::vector<Choice<double>> pool_;
  std::vector<Slot> slots_;
  std::vector<double> values_;
  std::vector<std::int32_t> columns_;
  std::vector<std::pair<double, std::int32_t>> pairs_;
  std::optional<ScalingLists<T>> scaling_;
  std::vector<T> row_;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_CHOICES_H
