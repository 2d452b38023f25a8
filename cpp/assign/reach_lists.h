// Short lists of what searches by scans of whole rows have found to matter: for a row, the columns within the reach of
// the searches so far. A search that comes back to a row then goes by its list; only where it gets beyond the reach is
// the row read again. Column duals only fall, so reduced costs only rise, and a list made once stays sound.
#ifndef MATCHER_ASSIGN_REACH_LISTS_H
#define MATCHER_ASSIGN_REACH_LISTS_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "assign/common.h"
#include "assign/row_scan.h"

namespace matcher::assign {

template <class T>
class ReachLists {
 public:
  ReachLists(std::int32_t n_rows, std::int32_t n_cols, Isa isa)
      : isa_(isa),
        n_cols_(n_cols),
        room_(n_cols / kShort),
        lists_(static_cast<std::size_t>(n_rows)),
        columns_(static_cast<std::size_t>(room_) + 16) {}

  bool listed(std::int32_t i) const { return lists_[static_cast<std::size_t>(i)].count > 0; }
  // What is not listed costs more than this.
  double beyond(std::int32_t i) const { return lists_[static_cast<std::size_t>(i)].beyond; }

  // Lists what costs at most `bound` at the duals v; nothing, where that is no short list.
  void make(std::int32_t i, const T* row, const double* v, double bound) {
    List& list = lists_[static_cast<std::size_t>(i)];
    const std::int32_t found = collect_at_most(isa_, row, v, n_cols_, bound, room_, columns_.data());
    list.count = 0;
    if (found >= room_) return;
    if (found > list.room) {
      list.arcs = place(found);
      list.room = found;
    }
    list.count = found;
    list.beyond = bound;
    for (std::int32_t k = 0; k < found; ++k) {
      const std::int32_t j = columns_[static_cast<std::size_t>(k)];
      list.arcs[k] = {static_cast<double>(row[j]), j};
    }
  }

  // distance[j] = min(distance[j], max(now, base + (cost[j] - v[j]))) over the list, from[j] = i where that made it
  // less.
  void relax(std::int32_t i, const double* v, double base, double now, double* distance, std::int64_t* from) const {
    const List& list = lists_[static_cast<std::size_t>(i)];
    for (std::int32_t k = 0; k < list.count; ++k) {
      const std::int32_t j = list.arcs[k].col;
      const double d = std::max(now, base + (list.arcs[k].cost - v[j]));
      if (d < distance[j]) {
        distance[j] = d;
        from[j] = i;
      }
    }
  }

 private:
  static constexpr std::int32_t kShort = 6;  // a list of more than this part of all columns is no shorter to walk

  struct Arc {
    double cost;
    std::int32_t col;
  };
  struct List {
    Arc* arcs = nullptr;
    std::int32_t count = 0;
    std::int32_t room = 0;
    double beyond = 0;
  };

  Arc* place(std::int32_t arcs) {
    if (chunks_.empty() || used_ + arcs > kChunk) {
      chunks_.push_back(std::make_unique_for_overwrite<Arc[]>(static_cast<std::size_t>(std::max(kChunk, arcs))));
      used_ = 0;
    }
    Arc* found = chunks_.back().get() + used_;
    used_ += arcs;
    return found;
  }

  static constexpr std::int32_t kChunk = 4096;

  Isa isa_;
  std::int32_t n_cols_, room_;
  std::vector<List> lists_;
  std::vector<std::unique_ptr<Arc[]>> chunks_;  // lists stay where they are
  std::int32_t used_ = 0;                       // of the last
  std::vector<std::int32_t> columns_;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_REACH_LISTS_H
