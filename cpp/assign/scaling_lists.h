// What epsilon-scaled bidding knows of each row of a dense matrix: a wide, unsorted list of columns and a bound on all
// others. Prices move far while scaling, so a list pays by its width; for the same reason it is made when first asked
// for, and again whenever the bound no longer tells which column is best.
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
  static constexpr std::int32_t kRoom = 504;
  static constexpr std::size_t kStride = kRoom + 8;
  static constexpr double kReach = 4;
  static constexpr double kLargest = std::numeric_limits<double>::max();

  struct List {
    std::int32_t count = 0;
    double beyond = -std::numeric_limits<double>::infinity();  // other columns cost at least that, now and for ever
  };

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

  // Five times as far from the best column as eight columns reach, if that is not too many to list.
  void make(std::int32_t i, const T* row, const double* v) {
    List& list = lists_[static_cast<std::size_t>(i)];
    double* cost = costs_.get() + static_cast<std::size_t>(i) * kStride;
    std::int32_t* column = columns_.get() + static_cast<std::size_t>(i) * kStride;
    const LaneBound lanes = lane_bound(isa_, row, v, n_cols_, kLargest);
    double bound = std::min(lanes.bound + kReach * (lanes.bound - lanes.least), kLargest);
    list.count = collect_at_most(isa_, row, v, n_cols_, bound, kRoom, cost, column);
    if (list.count >= kRoom) {
      bound = std::min(lanes.bound, kLargest);
      list.count = collect_at_most(isa_, row, v, n_cols_, bound, kRoom, cost, column);
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
