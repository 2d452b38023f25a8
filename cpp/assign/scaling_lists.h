// What epsilon-scaled bidding knows of each row of a dense matrix: a wide, unsorted list of columns and a bound on all
// others. Prices move far while scaling, so a list pays by its width; for the same reason it is made when first asked
// for, and again whenever the bound no longer tells which column is best. Coarse phases move prices farthest and need
// the best column least: they go by lists of the near columns and a sample of all others, made once.
#ifndef MATCHER_ASSIGN_SCALING_LISTS_H
#define MATCHER_ASSIGN_SCALING_LISTS_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "assign/path_scan.h"
#include "assign/row_scan.h"

namespace matcher::assign {

// The column a row likes best.
struct Liking {
  double first = std::numeric_limits<double>::infinity();
  double second = std::numeric_limits<double>::infinity();  // no other column is below it
  double cost = 0;                                          // of the column, without its dual
  std::int32_t col = -1;                                    // -1: no column at all
};

template <class T>
class ScalingLists {
 public:
  ScalingLists(std::int32_t n_rows, std::int32_t n_cols, Isa isa)
      : isa_(isa),
        n_cols_(n_cols),
        lists_(static_cast<std::size_t>(n_rows)),
        costs_(std::make_unique_for_overwrite<double[]>(static_cast<std::size_t>(n_rows) * kStride)),
        columns_(std::make_unique_for_overwrite<std::int32_t[]>(static_cast<std::size_t>(n_rows) * kStride)) {}

  // Whether a sample is much less than all columns.
  static bool samples(std::int32_t n_cols) { return n_cols > 2 * kRoom; }

  // The best of a sample, in which `near` (the row's choices, cheapest first) has a part. read as below.
  template <class Read, class Near>
  Liking coarse(std::int32_t i, const double* v, Read&& read, const Near& near) {
    if (!lists_[static_cast<std::size_t>(i)].sampled) sample(i, read(i), near);
    return best_listed(i, v, std::numeric_limits<double>::infinity());
  }

  // read(i): the costs of row i side by side. Ties go to the lowest column.
  template <class Read>
  Liking best(std::int32_t i, const double* v, Read&& read) {
    const List& list = lists_[static_cast<std::size_t>(i)];
    const Liking found = best_listed(i, v, list.beyond);
    if (found.first <= list.beyond) return found;
    const T* row = read(i);
    make(i, row, v);
    if (list.count > 1) return best_listed(i, v, list.beyond);
    const TwoLeast least = two_least(isa_, row, v, n_cols_);
    if (least.at < 0) return {};
    return {least.first, least.second, static_cast<double>(row[least.at]), least.at};
  }

 private:
  static constexpr std::int32_t kRoom = 248;
  static constexpr std::int32_t kNear = 40;
  static constexpr std::int32_t kLine = 8;  // columns that are sampled together, as memory brings them together
  static constexpr std::int32_t kLines = (kRoom - kNear) / kLine;
  static constexpr std::size_t kStride = kRoom + 16;
  static constexpr double kLargest = std::numeric_limits<double>::max();

  struct List {
    std::int32_t count = 0;
    double beyond = -std::numeric_limits<double>::infinity();  // other columns cost at least that, now and for ever
    bool sampled = false;                                      // knows nothing of others
  };

  // One line of columns out of every so many, each row others: together they join all rows and columns.
  template <class Near>
  void sample(std::int32_t i, const T* row, const Near& near) {
    double* cost = costs_.get() + static_cast<std::size_t>(i) * kStride;
    std::int32_t* column = columns_.get() + static_cast<std::size_t>(i) * kStride;
    const std::int32_t lines = (n_cols_ + kLine - 1) / kLine, each = (lines + kLines - 1) / kLines;
    std::int32_t count = 0, picked[kLines];
    auto drawn = static_cast<std::uint32_t>(i) * 2654435769U + 1;  // a row's own start of a linear congruence
    for (std::int32_t first = 0; first < lines; first += each) {
      drawn = drawn * 1664525U + 1013904223U;
      const auto line = first + static_cast<std::int32_t>((drawn >> 8U) % static_cast<std::uint32_t>(each));
      picked[first / each] = line;
      for (std::int32_t j = line * kLine; j < std::min((line + 1) * kLine, n_cols_); ++j) {
        cost[count] = static_cast<double>(row[j]);
        column[count++] = j;
      }
    }
    for (std::size_t k = 0; k < std::min<std::size_t>(near.size(), kNear); ++k) {
      const std::int32_t line = near[k].col / kLine;
      if (picked[line / each] == line) continue;  // there already
      cost[count] = near[k].cost;
      column[count++] = near[k].col;
    }
    lists_[static_cast<std::size_t>(i)] = {count, -std::numeric_limits<double>::infinity(), true};
  }

  Liking best_listed(std::int32_t i, const double* v, double beyond) const {
    const List& list = lists_[static_cast<std::size_t>(i)];
    const double* cost = costs_.get() + static_cast<std::size_t>(i) * kStride;
    const std::int32_t* column = columns_.get() + static_cast<std::size_t>(i) * kStride;
    double duals[kStride];
    for (std::int32_t k = 0; k < list.count; ++k) duals[k] = v[column[k]];
    const TwoLeast least = two_least(isa_, cost, duals, list.count);
    if (least.at < 0) return {};
    return {least.first, std::min(least.second, beyond), cost[least.at], column[least.at]};
  }

  // Five times as far from the best column as eight columns reach, or as far as there is room.
  void make(std::int32_t i, const T* row, const double* v) {
    List& list = lists_[static_cast<std::size_t>(i)];
    double* cost = costs_.get() + static_cast<std::size_t>(i) * kStride;
    std::int32_t* column = columns_.get() + static_cast<std::size_t>(i) * kStride;
    const LaneBound lanes = lane_bound(isa_, row, v, n_cols_, kLargest);
    double bound = kLargest;
    list.sampled = false;
    for (const double reach : {4.0, 2.0, 1.0, 0.5, 0.0}) {
      bound = std::min(reach > 0 ? lanes.bound + reach * (lanes.bound - lanes.least) : lanes.bound, kLargest);
      list.count = collect_at_most(isa_, row, v, n_cols_, bound, kRoom, column);
      if (list.count < kRoom) break;
    }
    list.beyond = bound < kLargest ? bound : std::numeric_limits<double>::infinity();
    if (list.count >= kRoom) list = {};  // ties: no list is short enough
    for (std::int32_t k = 0; k < list.count; ++k) cost[k] = static_cast<double>(row[column[k]]);
  }

  Isa isa_;
  std::int32_t n_cols_;
  std::vector<List> lists_;
  std::unique_ptr<double[]> costs_;  // memory is touched only for rows that are listed
  std::unique_ptr<std::int32_t[]> columns_;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_SCALING_LISTS_H
