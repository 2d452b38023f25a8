// A sparse problem renumbered so that rows that compete for columns lie side by side: breadth-first from row to row
// over shared columns. Searches stay among neighbours, so a large problem is then solved from the near cache; the
// renumbering costs about two passes over the arcs.
#ifndef MATCHER_ASSIGN_NEIGHBOURHOOD_ORDER_H
#define MATCHER_ASSIGN_NEIGHBOURHOOD_ORDER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "assign/common.h"

namespace matcher::assign {

template <class Cost>
class NeighbourhoodOrder {
 public:
  // Arcs that leaving the row out at `prices` (one a row, or empty) makes useless are dropped.
  NeighbourhoodOrder(const SparseCosts<Cost>& costs, std::span<const Cost> prices)
      : costs_(costs),
        prices_(prices),
        new_col_(static_cast<std::size_t>(costs.n_cols), kUnseen),
        row_seen_(static_cast<std::size_t>(costs.n_rows()), 0) {
    gather_columns();
    ptr_.reserve(row_seen_.size() + 1);
    ptr_.push_back(0);
    col_.reserve(costs.col.size());
    cost_.reserve(costs.col.size());
    old_row_.reserve(row_seen_.size());
    old_col_.reserve(new_col_.size());
    for (std::int32_t i = 0; i < costs.n_rows(); ++i) {
      if (row_seen_[at(i)] != 0) continue;
      reach(i);
      while (ptr_.size() <= old_row_.size()) append_next();
    }
    for (std::int32_t j = 0; j < costs.n_cols; ++j) {
      if (new_col_[at(j)] == kUnseen) old_col_.push_back(j);
    }
    new_prices_.reserve(prices.size());
    for (const std::int32_t i : prices.empty() ? std::vector<std::int32_t>{} : old_row_) {
      new_prices_.push_back(prices[at(i)]);
    }
  }

  SparseCosts<Cost> costs() const { return {ptr_, col_, cost_, costs_.n_cols}; }
  std::span<const Cost> prices() const { return new_prices_; }

  // The answer to the renumbered problem, in the terms of the one given.
  Assignment<Cost> original(Assignment<Cost>&& answer) const {
    Assignment<Cost> turned = answer;
    for (std::size_t i = 0; i < old_row_.size(); ++i) {
      const std::int32_t j = answer.col_for_row[i];
      turned.col_for_row[at(old_row_[i])] = j >= 0 ? old_col_[at(j)] : j;
      turned.row_duals[at(old_row_[i])] = answer.row_duals[i];
    }
    for (std::size_t j = 0; j < old_col_.size(); ++j) turned.col_duals[at(old_col_[j])] = answer.col_duals[j];
    for (std::int32_t& i : turned.witness) i = old_row_[at(i)];
    std::sort(turned.witness.begin(), turned.witness.end());
    return turned;
  }

 private:
  static constexpr std::int32_t kUnseen = -1;

  static std::size_t at(std::int64_t value) { return static_cast<std::size_t>(value); }

  void gather_columns() {
    rows_of_ptr_.assign(new_col_.size() + 1, 0);
    for (const std::int32_t j : costs_.col) ++rows_of_ptr_[at(j) + 1];
    for (std::size_t j = 1; j < rows_of_ptr_.size(); ++j) rows_of_ptr_[j] += rows_of_ptr_[j - 1];
    rows_of_.resize(costs_.col.size());
    std::vector<std::int64_t> next(rows_of_ptr_.begin(), rows_of_ptr_.end() - 1);
    for (std::int32_t i = 0; i < costs_.n_rows(); ++i) {
      for (auto a = costs_.ptr[at(i)]; a < costs_.ptr[at(i) + 1]; ++a) {
        rows_of_[at(next[at(costs_.col[at(a)])]++)] = i;
      }
    }
  }

  void reach(std::int32_t i) {
    if (row_seen_[at(i)] != 0) return;
    row_seen_[at(i)] = 1;
    old_row_.push_back(i);
  }

  // The arcs of the first reached row that has none yet.
  void append_next() {
    const std::int32_t i = old_row_[ptr_.size() - 1];
    const Cost out = prices_.empty() ? must_match<Cost>() : prices_[at(i)];
    for (auto a = costs_.ptr[at(i)]; a < costs_.ptr[at(i) + 1]; ++a) {
      if (costs_.cost[at(a)] >= out) continue;
      const std::int32_t j = costs_.col[at(a)];
      if (new_col_[at(j)] == kUnseen) {
        new_col_[at(j)] = static_cast<std::int32_t>(old_col_.size());
        old_col_.push_back(j);
        for (auto k = rows_of_ptr_[at(j)]; k < rows_of_ptr_[at(j) + 1]; ++k) reach(rows_of_[at(k)]);
      }
      col_.push_back(new_col_[at(j)]);
      cost_.push_back(costs_.cost[at(a)]);
    }
    ptr_.push_back(static_cast<std::int64_t>(col_.size()));
  }

  const SparseCosts<Cost>& costs_;
  std::span<const Cost> prices_;
  std::vector<std::int64_t> rows_of_ptr_;
  std::vector<std::int32_t> rows_of_;
  std::vector<std::int32_t> new_col_;
  std::vector<char> row_seen_;
  std::vector<std::int64_t> ptr_;
  std::vector<std::int32_t> col_, old_row_, old_col_;
  std::vector<Cost> cost_, new_prices_;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_NEIGHBOURHOOD_ORDER_H
