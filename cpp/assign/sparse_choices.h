// The choices of each row of a sparse problem: all its arcs that may ever matter.
#ifndef MATCHER_ASSIGN_SPARSE_CHOICES_H
#define MATCHER_ASSIGN_SPARSE_CHOICES_H

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "assign/choices.h"
#include "assign/common.h"

namespace matcher::assign {

// Rows of a sparse problem: every arc that can be better than its row's price is listed, so nothing is beyond.
template <class Cost>
class SparseChoices {
 public:
  // Where columns are contested, chains of bids by tiny amounts are cut short: the next sweep finds better ones. Three
  // sweeps of short chains took a tenth to a third less work than two of long ones for 5 to 100 arcs a row, low and
  // high prices, and sides of unequal length.
  static constexpr BidLimits kBids{3, 2, 16};

  // prices: one a row, or empty.
  SparseChoices(const SparseCosts<Cost>& costs, std::span<const Cost> prices)
      : costs_(costs), choices_(std::make_unique_for_overwrite<PlainChoice<Cost>[]>(costs.col.size())) {
    PlainChoice<Cost>* sorted =
        choices_.get();  // close together, whatever is dropped: memory not touched costs nothing
    lists_.reserve(static_cast<std::size_t>(costs.n_rows()));
    for (std::int32_t i = 0; i < costs.n_rows(); ++i) {
      const auto begin = costs.ptr[static_cast<std::size_t>(i)], end = costs.ptr[static_cast<std::size_t>(i) + 1];
      const Cost out = prices.empty() ? must_match<Cost>() : prices[static_cast<std::size_t>(i)];
      std::int64_t count = 0;
      for (auto a = begin; a < end; ++a) {
        const Cost cost = costs.cost[static_cast<std::size_t>(a)];
        if (cost >= out) continue;  // forbidden, or leaving the row out is as good for ever
        sorted[count++] = {cost, costs.col[static_cast<std::size_t>(a)]};
      }
      sort(sorted, count);
      lists_.push_back({sorted, static_cast<std::size_t>(count)});
      sorted += count;
    }
  }
  std::int32_t n_rows() const { return costs_.n_rows(); }
  std::int32_t n_cols() const { return costs_.n_cols; }
  std::span<const PlainChoice<Cost>> of(std::int32_t i) const { return lists_[static_cast<std::size_t>(i)]; }
  Cost beyond(std::int32_t) const { return infinite<Cost>(); }
  void renew(std::int32_t, const std::vector<Cost>&) {}
  void extend(std::int32_t, const std::vector<Cost>&, std::int32_t) {}
  template <class Traits>
  bool contested(std::int32_t free_rows, Traits&& traits) const {
    return contested(free_rows, n_rows(), traits);
  }
  bool laborious(std::int64_t rows_visited) const { return laborious(rows_visited, n_rows()); }
  // Bids have left so many rows free that paths from them would be long. In smaller problems it depends on what rows
  // have at stake: in sweeps over neighbours in a city paths were long where a third of the rows were free, the price
  // was far beyond what separates a row's choices, and there were more than a few of these. traits(): RowTraits.
  template <class Traits>
  static bool contested(std::int32_t free_rows, std::int32_t rows, Traits&& traits) {
    if (free_rows > 1000 + rows / 5) return true;
    if (rows < 100 || free_rows < 0.32 * rows) return false;
    const RowTraits mean = traits();
    return mean.listed >= 7 && mean.price > 2 * mean.spread;
  }
  // Searching has become dear when many rows were visited for each.
  static bool laborious(std::int64_t rows_visited, std::int64_t rows) { return rows_visited > 100 * rows + 10000; }

  template <class Visit>
  void column(std::int32_t j, Visit&& visit) {
    if (!by_column_) by_column_.emplace(costs_);
    for (auto a = by_column_->ptr[static_cast<std::size_t>(j)]; a < by_column_->ptr[static_cast<std::size_t>(j) + 1];
         ++a) {
      visit(by_column_->row[static_cast<std::size_t>(a)], by_column_->cost[static_cast<std::size_t>(a)]);
    }
  }

  // By cost; equal ones stay in their order.
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

 private:
  const SparseCosts<Cost>& costs_;
  std::unique_ptr<PlainChoice<Cost>[]> choices_;
  std::vector<std::span<const PlainChoice<Cost>>> lists_;
  std::optional<ColumnArcs<Cost>> by_column_;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_SPARSE_CHOICES_H
