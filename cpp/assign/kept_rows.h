// The rows of a sparse problem as they came and as they were read, kept for the next problem: only rows that differ in
// a bit are read again.
#ifndef MATCHER_ASSIGN_KEPT_ROWS_H
#define MATCHER_ASSIGN_KEPT_ROWS_H

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "assign/choices.h"
#include "assign/common.h"
#include "assign/kept_columns.h"
#include "assign/sparse_choices.h"
#include "matcher/sparse_resolver.h"

namespace matcher::assign {

template <class T>
auto bits_of(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::bit_cast<std::uint64_t>(value);
  } else {
    return value;
  }
}

// The first place at or after `at` where a and b differ, or `end`. In blocks without branches, which vectorise.
template <class T, class U>
std::int64_t first_difference(const T* a, const U* b, std::int64_t at, std::int64_t end) {
  constexpr std::int64_t kBlock = 64;
  using Bits = std::common_type_t<decltype(bits_of(*a)), decltype(bits_of(*b))>;
  for (; end - at >= kBlock; at += kBlock) {
    Bits differing = 0;
    for (std::int64_t k = at; k < at + kBlock; ++k) {
      differing |= static_cast<Bits>(bits_of(a[k])) ^ static_cast<Bits>(bits_of(b[k]));
    }
    if (differing != 0) break;
  }
  while (at < end && static_cast<Bits>(bits_of(a[at])) == static_cast<Bits>(bits_of(b[at]))) ++at;
  return at;
}

// Choices for PathSolver, those that SparseChoices would give.
template <class Cost>
class KeptRows {
 public:
  static constexpr BidLimits kBids = SparseChoices<Cost>::kBids;

  // Makes these the rows of this problem; prices: one a row, or empty; old_row: see SparseResolver. False: a row is
  // not one to keep (SparseResolver says which are); the rows that are known remain right.
  template <class Index>
  bool update(const RowArcs<Cost, Index>& now, std::span<const Cost> prices, std::span<const std::int32_t> old_row) {
    const auto arcs = static_cast<std::int64_t>(now.col.size());
    const bool worn = unused_ > arcs / 2 + 1024;
    if (now.n_cols < n_cols_ || worn) *this = {};
    if (now.n_cols != n_cols_) columns_ = {};
    n_cols_ = now.n_cols;
    place(old_row, now.n_rows());
    if (choices_.empty()) reserve(arcs);
    duals_known_ = false;
    changed_.assign(slots_.size(), 0);
    find_changed(now, prices);
    for (std::int32_t i = 0; i < now.n_rows(); ++i) {
      if (changed_[at(i)] == 0 || read(now, i, price_of(prices, i))) continue;
      forget();  // it is not the optimum of the rows now kept
      return false;
    }
    return true;
  }
  // After an update: what the next solve starts from; and after that, its optimum. Where the start is the optimum
  // before, unchanged rows need no look. Whole costs only: others' pairs are tight but for rounding.
  void start_from(const WarmStart<Cost>& start) {
    duals_known_ = !start.col_duals.empty() &&
                   std::equal(start.col_duals.begin(), start.col_duals.end(), last_duals_.begin(), last_duals_.end());
  }
  void remember(const Assignment<Cost>& optimum) {
    if constexpr (std::is_integral_v<Cost>) {
      last_duals_ = optimum.col_duals;
      last_pairs_.resize(optimum.col_for_row.size());
      for (std::size_t i = 0; i < last_pairs_.size(); ++i) {
        const std::int32_t j = optimum.col_for_row[i];
        last_pairs_[i] = {j < 0 ? Cost{0} : optimum.row_duals[i] + optimum.col_duals[at(j)], j};
      }
    }
  }
  void forget() {
    last_duals_.clear();
    last_pairs_.clear();
  }
  bool still_best(std::int32_t i, std::int32_t j) const {
    return duals_known_ && changed_[at(i)] == 0 && at(i) < last_pairs_.size() && last_pairs_[at(i)].col == j;
  }
  Cost pair_cost(std::int32_t i) const { return last_pairs_[at(i)].cost; }

  // Of all rows that were kept at any time, so at least that of the present ones.
  Cost largest() const { return largest_; }

  std::int32_t n_rows() const { return static_cast<std::int32_t>(slots_.size()); }
  std::int32_t n_cols() const { return n_cols_; }
  std::span<const PlainChoice<Cost>> of(std::int32_t i) const {
    const Slot& slot = slots_[at(i)];
    return {choices_.data() + slot.begin, static_cast<std::size_t>(slot.listed)};
  }
  Cost beyond(std::int32_t) const { return infinite<Cost>(); }
  void renew(std::int32_t, const std::vector<Cost>&) {}
  void extend(std::int32_t, const std::vector<Cost>&, std::int32_t) {}
  template <class Traits>
  bool contested(std::int32_t free_rows, Traits&& traits) const {
    return SparseChoices<Cost>::contested(free_rows, n_rows(), traits);
  }
  bool laborious(std::int64_t visited) const { return SparseChoices<Cost>::laborious(visited, n_rows()); }
  template <class Visit>
  void column(std::int32_t j, Visit&& visit) {
    columns_.prepare(n_rows(), n_cols_, [this](std::int32_t i) { return arcs_of(i); });
    columns_.visit(j, visit);
  }

  std::size_t bytes() const {
    return slots_.capacity() * sizeof(Slot) + changed_.capacity() + col_.capacity() * sizeof(std::int32_t) +
           cost_.capacity() * sizeof(Cost) + choices_.capacity() * sizeof(PlainChoice<Cost>) +
           last_duals_.capacity() * sizeof(Cost) + last_pairs_.capacity() * sizeof(Pair) + columns_.bytes();
  }

 private:
  static constexpr std::int32_t kNothing = -1;
  // Where a row's arcs are: `count` as they came, of which `listed` can matter, in the place of `room` of them.
  struct Slot {
    std::int64_t begin = 0;
    std::int32_t room = 0, count = kNothing, listed = 0;
    Cost price = 0;
  };

  struct Pair {
    Cost cost = 0;
    std::int32_t col = kNothing;
  };

  static std::size_t at(std::int64_t value) { return static_cast<std::size_t>(value); }
  static Cost price_of(std::span<const Cost> prices, std::int32_t i) {
    return prices.empty() ? must_match<Cost>() : prices[at(i)];
  }
  KeptArcs<Cost> arcs_of(std::int32_t i) const {
    const Slot& slot = slots_[at(i)];
    const auto count = at(std::max(slot.count, 0));
    return {{col_.data() + slot.begin, count}, {cost_.data() + slot.begin, count}};
  }

  void reserve(std::int64_t arcs) {
    col_.reserve(at(arcs));
    cost_.reserve(at(arcs));
    choices_.reserve(at(arcs));
  }

  // What is known of old_row[i] goes to row i. A row with no old one takes the place of the row of its number, if that
  // stayed where it is too.
  void place(std::span<const std::int32_t> old_row, std::int32_t n) {
    bool stay = true;
    for (std::size_t i = 0; i < old_row.size(); ++i) {
      stay &= old_row[i] < 0 || old_row[i] == static_cast<std::int32_t>(i);
    }
    if (!stay) {
      columns_ = {};
      forget();
      std::vector<Slot> moved(at(n));
      for (std::size_t i = 0; i < moved.size(); ++i) {
        const std::int32_t old = old_row[i];
        if (old >= 0 && at(old) < slots_.size()) moved[i] = std::exchange(slots_[at(old)], {});
      }
      slots_.swap(moved);
      for (const Slot& left : moved) unused_ += left.room;
      return;
    }
    for (std::size_t i = at(n); i < slots_.size(); ++i) {
      unused_ += slots_[i].room;
      columns_.change(static_cast<std::int32_t>(i));
    }
    slots_.resize(at(n));
  }

  // Rows whose arcs lie here as they lie there are compared as one.
  template <class Index>
  void find_changed(const RowArcs<Cost, Index>& now, std::span<const Cost> prices) {
    const auto n = now.n_rows();
    const auto alike = [&](std::int32_t i) {
      const Slot& slot = slots_[at(i)];
      return slot.count == now.ptr[at(i) + 1] - now.ptr[at(i)] && slot.price == price_of(prices, i);
    };
    for (std::int32_t i = 0; i < n;) {
      if (!alike(i)) {
        changed_[at(i++)] = 1;
        continue;
      }
      const auto shift = slots_[at(i)].begin - now.ptr[at(i)];
      std::int32_t end = i + 1;
      while (end < n && alike(end) && slots_[at(end)].begin - now.ptr[at(end)] == shift) ++end;
      mark_differing(now, now.col.data(), col_.data(), i, end);
      mark_differing(now, now.cost.data(), cost_.data(), i, end);
      i = end;
    }
  }

  template <class Index, class T, class U>
  void mark_differing(const RowArcs<Cost, Index>& now, const T* there, const U* here, std::int32_t i,
                      std::int32_t end) {
    there += now.ptr[at(i)];
    here += slots_[at(i)].begin;
    const auto origin = now.ptr[at(i)], arcs = now.ptr[at(end)] - origin;
    for (std::int64_t k = first_difference(there, here, 0, arcs); k < arcs;) {
      while (now.ptr[at(i) + 1] - origin <= k) ++i;
      changed_[at(i)] = 1;
      k = first_difference(there, here, now.ptr[at(i) + 1] - origin, arcs);
    }
  }

  template <class Index>
  bool read(const RowArcs<Cost, Index>& now, std::int32_t i, Cost out) {
    Slot& slot = slots_[at(i)];
    const auto begin = now.ptr[at(i)], end = now.ptr[at(i) + 1];
    slot.count = kNothing;  // should the row not be one to keep
    if (end - begin > std::numeric_limits<std::int32_t>::max()) return false;
    const auto count = static_cast<std::int32_t>(end - begin);
    if (count > slot.room) {
      unused_ += slot.room;
      slot.begin = static_cast<std::int64_t>(col_.size());
      slot.room = count;
      col_.resize(col_.size() + at(count));
      cost_.resize(col_.size());
      choices_.resize(col_.size());
    }
    PlainChoice<Cost>* sorted = choices_.data() + slot.begin;
    std::int32_t listed = 0;
    std::int64_t last = -1;
    for (std::int32_t k = 0; k < count; ++k) {
      const auto j = static_cast<std::int64_t>(now.col[at(begin + k)]);
      const Cost cost = now.cost[at(begin + k)];
      if (j <= last || j >= n_cols_ || !usable(cost)) return false;
      last = j;
      largest_ = std::max(largest_, magnitude(cost));
      col_[at(slot.begin + k)] = static_cast<std::int32_t>(j);
      cost_[at(slot.begin + k)] = cost;
      if (cost < out) sorted[listed++] = {cost, static_cast<std::int32_t>(j)};
    }
    SparseChoices<Cost>::sort(sorted, listed);
    slot.count = count;
    slot.listed = listed;
    slot.price = out;
    columns_.change(i);
    return true;
  }

  static bool usable(Cost cost) {
    if constexpr (std::numeric_limits<Cost>::has_infinity) {
      return cost > -std::numeric_limits<Cost>::infinity();  // not true of NaN
    } else {
      return cost != must_match<Cost>();
    }
  }

  std::int32_t n_cols_ = 0;
  Cost largest_ = 0;
  std::int64_t unused_ = 0;  // room of rows that are gone
  std::vector<Slot> slots_;
  std::vector<char> changed_;
  std::vector<std::int32_t> col_;
  std::vector<Cost> cost_;
  std::vector<PlainChoice<Cost>> choices_;
  KeptColumns<Cost> columns_;
  std::vector<Cost> last_duals_;
  std::vector<Pair> last_pairs_;
  bool duals_known_ = false;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_KEPT_ROWS_H
