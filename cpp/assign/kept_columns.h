// The arcs of kept rows by column: as they once were, and beside them those of the rows that changed since.
#ifndef MATCHER_ASSIGN_KEPT_COLUMNS_H
#define MATCHER_ASSIGN_KEPT_COLUMNS_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace matcher::assign {

template <class Cost>
struct KeptArcs {
  std::span<const std::int32_t> col;
  std::span<const Cost> cost;
};

template <class Cost>
class KeptColumns {
 public:
  // Row i is not what it was, or is gone.
  void change(std::int32_t i) {
    listed_ = false;
    if (ptr_.empty()) return;
    if (at(i) >= changed_.size()) changed_.resize(at(i) + 1, 0);
    if (changed_[at(i)] != 0) return;
    changed_[at(i)] = 1;
    rows_changed_ += 1;
  }

  // Before columns are visited. arcs_of: of each row. All are turned when an eighth of the rows changed, otherwise only
  // those that did.
  template <class ArcsOf>
  void prepare(std::int32_t n_rows, std::int32_t n_cols, ArcsOf&& arcs_of) {
    if (listed_) return;
    if (ptr_.empty() || rows_changed_ > n_rows / 8) turn_all(n_rows, n_cols, arcs_of);
    turn_changed(n_rows, n_cols, arcs_of);
    listed_ = true;
  }

  // Rows in ascending order.
  template <class Visit>
  void visit(std::int32_t j, Visit&& visit) const {
    std::int32_t later = first_[at(j)];
    for (std::int64_t a = ptr_[at(j)]; a < ptr_[at(j) + 1]; ++a) {
      const Arc& arc = arcs_[at(a)];
      if (changed_[at(arc.row)] != 0) continue;
      for (; later != kNone && later_[at(later)].arc.row < arc.row; later = later_[at(later)].next) {
        visit(later_[at(later)].arc.row, later_[at(later)].arc.cost);
      }
      visit(arc.row, arc.cost);
    }
    for (; later != kNone; later = later_[at(later)].next) visit(later_[at(later)].arc.row, later_[at(later)].arc.cost);
  }

  std::size_t bytes() const {
    return ptr_.capacity() * sizeof(std::int64_t) + arcs_.capacity() * sizeof(Arc) + later_.capacity() * sizeof(Later) +
           first_.capacity() * sizeof(std::int32_t) + changed_.capacity();
  }

 private:
  static constexpr std::int32_t kNone = -1;
  struct Arc {
    Cost cost;
    std::int32_t row;
  };
  struct Later {
    Arc arc;
    std::int32_t next;
  };

  static std::size_t at(std::int64_t value) { return static_cast<std::size_t>(value); }

  template <class ArcsOf>
  void turn_all(std::int32_t n_rows, std::int32_t n_cols, ArcsOf& arcs_of) {
    ptr_.assign(at(n_cols) + 1, 0);
    for (std::int32_t i = 0; i < n_rows; ++i) {
      for (const std::int32_t j : arcs_of(i).col) ++ptr_[at(j) + 1];
    }
    for (std::size_t j = 1; j < ptr_.size(); ++j) ptr_[j] += ptr_[j - 1];
    arcs_.resize(at(ptr_.back()));
    std::vector<std::int64_t> next(ptr_.begin(), ptr_.end() - 1);
    for (std::int32_t i = 0; i < n_rows; ++i) {
      const KeptArcs<Cost> arcs = arcs_of(i);
      for (std::size_t k = 0; k < arcs.col.size(); ++k) arcs_[at(next[at(arcs.col[k])]++)] = {arcs.cost[k], i};
    }
    changed_.assign(at(n_rows), 0);
    rows_changed_ = 0;
  }

  // Linked from the last row to the first, so that each column has its rows in ascending order.
  template <class ArcsOf>
  void turn_changed(std::int32_t n_rows, std::int32_t n_cols, ArcsOf& arcs_of) {
    first_.assign(at(n_cols), kNone);
    later_.clear();
    for (std::int32_t i = rows_changed_ > 0 ? n_rows : 0; i-- > 0;) {
      if (changed_[at(i)] == 0) continue;
      const KeptArcs<Cost> arcs = arcs_of(i);
      for (std::size_t k = 0; k < arcs.col.size(); ++k) {
        std::int32_t& first = first_[at(arcs.col[k])];
        later_.push_back({{arcs.cost[k], i}, first});
        first = static_cast<std::int32_t>(later_.size()) - 1;
      }
    }
  }

  std::vector<std::int64_t> ptr_;  // empty: not turned yet
  std::vector<Arc> arcs_;
  std::vector<Later> later_;
  std::vector<std::int32_t> first_;  // among the later ones, of each column
  std::vector<char> changed_;        // rows, since all were turned
  std::int32_t rows_changed_ = 0;
  bool listed_ = false;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_KEPT_COLUMNS_H
