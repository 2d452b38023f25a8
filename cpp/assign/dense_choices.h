// The choices of each row of a dense matrix: what a vector pass over the row finds cheap, more where asked for.
#ifndef MATCHER_ASSIGN_DENSE_CHOICES_H
#define MATCHER_ASSIGN_DENSE_CHOICES_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "assign/choices.h"
#include "assign/common.h"
#include "assign/greedy_guess.h"
#include "assign/row_order.h"
#include "assign/row_scan.h"
#include "assign/scaling_lists.h"
#include "core/matrix_view.h"

namespace matcher::assign {

// Rows of a dense matrix of any strides, read where it lies: about 8 to 24 choices of each row, more where asked for.
template <class T>
class DenseChoices {
 public:
  static constexpr BidLimits kBids{2, std::numeric_limits<std::int64_t>::max(), 4};

  // prices: one a row, or empty. v: column duals to start from, or empty: all zero or, if raise, what raised() says
  // (then every column must end matched). limit: costs of larger magnitude are not accepted.
  DenseChoices(const MatrixView<T>& costs, std::span<const double> prices, std::span<const double> v, bool raise,
               double limit, Isa isa)
      : costs_(costs),
        prices_(prices),
        isa_(isa),
        limit_(limit),
        sorts_(!raise),
        slots_(static_cast<std::size_t>(costs.rows)),
        keys_(static_cast<std::size_t>(costs.cols)),
        columns_(static_cast<std::size_t>(costs.cols) + 17) {
    pool_.reserve(static_cast<std::size_t>(costs.rows) * 28);
    read_all(v.empty() ? nullptr : v.data());
    sorts_ = true;
    if (raise && valid_ && n_rows() > 0) raise_duals();
  }
  // False: a cost is NaN, -infinity, or beyond the limit.
  bool valid() const { return valid_; }
  // Column duals that spare most searches: see raise_duals().
  const std::vector<double>& raised() const { return raised_; }
  // For a problem that all rows must be matched in.
  std::optional<Guess> guess() {
    if (!GreedyGuess<T>::promises(costs_, isa_)) return std::nullopt;
    if (costs_.col_stride != 1) {  // as the rows will be read often
      in_order_ = in_row_order(costs_, isa_);
      costs_ = {in_order_.get(), costs_.rows, costs_.cols, costs_.cols, 1};
    }
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
  template <class Traits>
  bool contested(std::int32_t, Traits&&) const {
    return false;
  }
  // Searching has become dear when an eighth of the rows had to be read again for it.
  bool laborious(std::int64_t) const { return extended_ > 16 + n_rows() / 8; }

  template <class Visit>
  void column(std::int32_t j, Visit&& visit) {
    // A column of a matrix in row order touches a cache line a row. Once many were read, a turned copy has paid.
    if (turned_ == nullptr && ++columns_read_ > n_cols() / kTurned) {
      turned_ = in_row_order(costs_.transposed(), isa_);
    }
    const T* column = turned_ == nullptr ? nullptr : turned_.get() + static_cast<std::int64_t>(j) * n_rows();
    for (std::int32_t i = 0; i < n_rows(); ++i) {
      const auto cost = static_cast<double>(column == nullptr ? costs_(i, j) : column[i]);
      if (cost < infinite<double>()) visit(i, cost);
    }
  }

 private:
  static constexpr std::int32_t kFew = 8;
  static constexpr std::int32_t kWide = 4;  // times as many as wanted are still kept
  static constexpr std::int64_t kBlock = 16;
  static constexpr std::int32_t kRanked = 64;  // so many choices are put in order by counting
  static constexpr double kRaised = 0.45;
  static constexpr std::int32_t kTurned = 16;
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

  void read_all(const double* v) {
    if (costs_.col_stride == 1) {
      for (std::int32_t i = 0; i < n_rows() && valid_; ++i) list(i, costs_.row(i), v, kFew);
      return;
    }
    // Turn a block of rows round at a time: a column of the block is a cache line or two.
    row_.resize(static_cast<std::size_t>(kBlock * costs_.cols));
    for (std::int64_t first = 0; first < costs_.rows && valid_; first += kBlock) {
      const std::int64_t block = std::min<std::int64_t>(kBlock, costs_.rows - first);
      for (std::int64_t j = 0; j < costs_.cols; ++j) {
        for (std::int64_t b = 0; b < block; ++b)
          row_[static_cast<std::size_t>(b * costs_.cols + j)] = costs_(first + b, j);
      }
      for (std::int64_t b = 0; b < block && valid_; ++b) {
        list(static_cast<std::int32_t>(first + b), row_.data() + b * costs_.cols, v, kFew);
      }
    }
  }

  // A column reduction from what is listed: each dual becomes what the column costs at least beyond the best choice of
  // a row that lists it. A column that few rows like is then not left for last, which about halves the searches of
  // random problems. No dual above a part of what most lists reach, so that lists hardly lose: what they do not list
  // may be that much less.
  void raise_duals() {
    raised_.assign(static_cast<std::size_t>(n_cols()), infinite<double>());
    std::vector<double> reach;
    reach.reserve(slots_.size());
    for (const Slot& slot : slots_) {
      const std::span<const Choice<double>> listed{pool_.data() + slot.begin, static_cast<std::size_t>(slot.count)};
      double least = infinite<double>();
      for (const auto& choice : listed) least = std::min(least, choice.cost);
      for (const auto& choice : listed) {
        double& dual = raised_[static_cast<std::size_t>(choice.col)];
        dual = std::min(dual, choice.cost - least);
      }
      reach.push_back(listed.empty() ? 0.0 : slot.beyond - least);
    }
    const auto tenth = reach.begin() + n_rows() / 10;
    std::nth_element(reach.begin(), tenth, reach.end());
    double most = *tenth < kLargest ? *tenth * kRaised : 0.0;
    if (std::is_integral_v<T>) most = std::floor(most);
    double highest = 0;
    for (double& dual : raised_) {
      dual = std::min(dual, most);
      highest = std::max(highest, dual);
    }
    for (Slot& slot : slots_) {
      slot.beyond -= highest;
      sort(pool_.data() + slot.begin, slot.count, raised_.data());
    }
  }

  void list(std::int32_t i, const T* row, const double* v, std::int32_t wanted) {
    std::int32_t found;
    double beyond = infinite<double>();
    if (wanted <= kFew) {
      const LaneBound lanes = lane_bound(isa_, row, v, n_cols(), limit_);
      if (!lanes.ordinary && !std::all_of(row, row + n_cols(), [this](T cost) { return acceptable(cost, limit_); })) {
        valid_ = false;
        return;
      }
      const double bound = std::min(lanes.bound, most(i));
      found = collect_at_most(isa_, row, v, n_cols(), bound, kMany, columns_.data());
      if (found >= kMany) {  // ties, or a lane without cheap columns
        found = collect_at_most(isa_, row, v, n_cols(), bound, n_cols() + 1, columns_.data());
        beyond = found > kMany ? keep(row, v, found, kMany) : next_after(bound);
        found = std::min(found, kMany);
      } else if (bound < kLargest) {
        beyond = next_after(bound);
      }
    } else {
      const double bound = farther(i, row, v, wanted);
      found = collect_at_most(isa_, row, v, n_cols(), bound, n_cols() + 1, columns_.data());
      if (found > kWide * wanted) {
        beyond = keep(row, v, found, wanted);
        found = wanted;
      } else if (bound < kLargest) {
        beyond = next_after(bound);
      }
    }
    store(i, row, v, found, beyond);
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

  // Moves the `wanted` cheapest columns (the lowest among equals) to the front, in ascending order; the rest cost at
  // least what is returned.
  double keep(const T* row, const double* v, std::int32_t found, std::int32_t wanted) {
    pairs_.resize(static_cast<std::size_t>(found));
    for (std::size_t k = 0; k < pairs_.size(); ++k) pairs_[k] = {reduced(row, v, columns_[k]), columns_[k]};
    std::nth_element(pairs_.begin(), pairs_.begin() + wanted, pairs_.end());
    for (std::size_t k = 0; k < static_cast<std::size_t>(wanted); ++k) columns_[k] = pairs_[k].second;
    std::sort(columns_.begin(), columns_.begin() + wanted);
    return pairs_[static_cast<std::size_t>(wanted)].first;
  }

  static double reduced(const T* row, const double* v, std::int32_t j) {
    return v == nullptr ? static_cast<double>(row[j]) : static_cast<double>(row[j]) - v[j];
  }

  void store(std::int32_t i, const T* row, const double* v, std::int32_t found, double beyond) {
    Slot& slot = slots_[static_cast<std::size_t>(i)];
    if (found > slot.room) {
      slot.begin = static_cast<std::int64_t>(pool_.size());
      slot.room = found + 4;
      pool_.resize(pool_.size() + static_cast<std::size_t>(slot.room));
    }
    slot.count = found;
    slot.beyond = beyond;
    Choice<double>* list = pool_.data() + slot.begin;
    for (std::int32_t k = 0; k < found; ++k) {
      const std::int32_t j = columns_[static_cast<std::size_t>(k)];
      list[k] = {static_cast<double>(row[j]), 0, j};
    }
    if (sorts_) sort(list, found, v);
  }

  // By reduced cost, equals as they stand: in ascending order of columns.
  void sort(Choice<double>* list, std::int32_t count, const double* v) {
    for (std::int32_t k = 0; k < count; ++k) {
      list[k].low = v == nullptr ? list[k].cost : list[k].cost - v[list[k].col];
    }
    if (count > kRanked) {
      std::stable_sort(list, list + count, [](const auto& a, const auto& b) { return a.low < b.low; });
      return;
    }
    Choice<double> unsorted[kRanked];
    std::int32_t places[kRanked];
    for (std::int32_t k = 0; k < count; ++k) {
      unsorted[k] = list[k];
      keys_[static_cast<std::size_t>(k)] = list[k].low;
    }
    ranks(isa_, keys_.data(), count, places);
    for (std::int32_t k = 0; k < count; ++k) list[places[k]] = unsorted[k];
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
  bool sorts_;  // lists are put in order as they are made
  std::int64_t extended_ = 0;
  std::vector<Choice<double>> pool_;
  std::vector<Slot> slots_;
  std::vector<double> keys_, raised_;
  std::vector<std::int32_t> columns_;
  std::vector<std::pair<double, std::int32_t>> pairs_;
  std::optional<ScalingLists<T>> scaling_;
  std::vector<T> row_;
  std::unique_ptr<T[]> in_order_, turned_;  // copies: rows side by side, columns side by side
  std::int32_t columns_read_ = 0;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_DENSE_CHOICES_H
