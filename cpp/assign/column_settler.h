// The last step where columns may stay free: one with a dual below zero takes a row over along a shortest path of
// columns, or its dual returns to zero.
#ifndef MATCHER_ASSIGN_COLUMN_SETTLER_H
#define MATCHER_ASSIGN_COLUMN_SETTLER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "assign/common.h"
#include "assign/event_heap.h"
#include "assign/path_state.h"
#include "core/budget.h"

namespace matcher::assign {

template <class Cost, class Choices>
class ColumnSettler {
 public:
  // Every row has its place, and each pair is tight. prices: one a row, or empty.
  ColumnSettler(Choices& choices, std::span<const Cost> prices, PathState<Cost>& state, BudgetMeter& meter)
      : choices_(choices), state_(state), meter_(meter), u_(state.rows.size()) {
    for (std::size_t i = 0; i < u_.size(); ++i) {
      const auto& pair = state.rows[i];
      const bool priced = !prices.empty() && prices[i] != must_match<Cost>();
      u_[i] = pair.col >= 0 ? pair.cost - v(pair.col) : priced ? prices[i] : kInfinite;
    }
  }

  // False: stopped before all were settled.
  bool settle_all() {
    for (std::int32_t j = 0; j < choices_.n_cols(); ++j) {
      if (col(j).row == kFree && v(j) < 0 && !settle(j)) return false;
    }
    return true;
  }

 private:
  using State = PathState<Cost>;
  using Col = typename State::Col;
  static constexpr std::int32_t kFree = State::kFree;
  static constexpr Cost kInfinite = infinite<Cost>();

  static std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }
  auto& row(std::int32_t i) { return state_.row(i); }
  Col& col(std::int32_t j) { return state_.col(j); }
  Cost& v(std::int32_t j) { return state_.dual(j); }
  void match(std::int32_t i, std::int32_t j, Cost cost) { state_.match(i, j, cost); }

  // Raises the dual of a free column to zero, along with those of columns that it would otherwise undercut; the path
  // may end with another column free instead.
  bool settle(std::int32_t source) {
    heap_.clear();
    order_.clear();
    reached_.clear();
    Cost exit = -v(source);
    std::int32_t exit_col = source, exit_row = kFree;  // exit_row: one left out until now
    Cost exit_cost = 0;
    std::int32_t exit_from = kFree;
    col(source).distance = 0;
    reached_.push_back(source);
    heap_.push({Cost{0}, source});
    bool granted = true;
    while (!heap_.empty() && heap_.top().at < exit) {
      const Event<Cost> event = heap_.pop();
      const std::int32_t j = event.id;
      if (col(j).distance != event.at) continue;
      if (!meter_.spend()) {
        granted = false;
        break;
      }
      const Cost now = event.at;
      order_.push_back(j);
      choices_.column(j, [&](std::int32_t i, Cost cost) {
        const Cost d = std::max(now, now + (cost - v(j) - u_[size(i)]));
        if (d >= exit) return;
        const std::int32_t k = row(i).col;
        if (k == j) return;
        if (k < 0) {
          exit = d;
          exit_row = i;
          exit_cost = cost;
          exit_from = j;
          return;
        }
        Col& c = col(k);
        if (d >= c.distance) return;
        if (c.distance == kInfinite) reached_.push_back(k);
        c.distance = d;
        c.from = j;
        c.from_cost = cost;
        heap_.push({d, k});
        if (d - v(k) < exit) {
          exit = d - v(k);
          exit_col = k;
          exit_row = kFree;
        }
      });
    }
    if (granted) {
      for (const std::int32_t j : order_) {
        if (col(j).distance >= exit) continue;
        v(j) += exit - col(j).distance;
        const std::int32_t i = col(j).row;
        if (i != kFree) u_[size(i)] = row(i).cost - v(j);
      }
      if (exit_row != kFree) {
        row(exit_row).col = kFree;
        hand_over(exit_row, exit_from, exit_cost);
      } else if (exit_col != source) {
        v(exit_col) = 0;
        const std::int32_t i = std::exchange(col(exit_col).row, kFree);
        hand_over(i, col(exit_col).from, col(exit_col).from_cost);
      }
    }
    for (const std::int32_t j : reached_) {
      col(j).distance = kInfinite;
      col(j).from = kFree;
    }
    return granted;
  }

  // Row i takes column j, whose row takes the column that j was reached from, back to the source.
  void hand_over(std::int32_t i, std::int32_t j, Cost cost) {
    while (true) {
      const std::int32_t next = col(j).row;
      match(i, j, cost);
      u_[size(i)] = cost - v(j);
      if (next == kFree) return;
      i = next;
      cost = col(j).from_cost;
      j = col(j).from;
    }
  }

  Choices& choices_;
  State& state_;
  BudgetMeter& meter_;
  std::vector<Cost> u_;
  EventHeap<Cost> heap_;
  std::vector<std::int32_t> order_, reached_;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_COLUMN_SETTLER_H
