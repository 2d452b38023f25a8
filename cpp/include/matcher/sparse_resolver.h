// Exact assignment over allowed pairs, again and again, where little changes from one problem to the next.
//
// Method: solve_sparse's, with the answer it would give, bit for bit. What differs is what happens before the search:
// the rows of the last problem are kept as they came and as they were read (checked, sorted, useless arcs dropped, and
// once needed the arcs by column). A row that is the same in every bit is not read again; nothing that a caller says
// of changes is trusted. So a re-solve costs one comparison of the arcs, and the search from the rows that lost their
// place.
// Complexity: O(arcs) for the comparison, sorting of changed rows, and solve_sparse's search. Memory: about 50 bytes an
// arc (with 64-bit costs), as long as the resolver lives.
// Source: reoptimisation by shortest augmenting paths from the last duals, Volgenant, Computers & OR 23 (1996).
#ifndef MATCHER_SPARSE_RESOLVER_H
#define MATCHER_SPARSE_RESOLVER_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "matcher/assignment.h"

namespace matcher {

namespace assign {
template <class Cost>
class KeptRows;
}  // namespace assign

// As SparseCosts, with column indices of 32 or 64 bits.
template <class Cost, class Index>
struct RowArcs {
  std::span<const std::int64_t> ptr;
  std::span<const Index> col;
  std::span<const Cost> cost;
  std::int32_t n_cols = 0;

  std::int32_t n_rows() const { return static_cast<std::int32_t>(ptr.size()) - 1; }
};

// One solve at a time: the caller sees to it.
template <class Cost>
class SparseResolver {
 public:
  SparseResolver();
  ~SparseResolver();
  SparseResolver(const SparseResolver&) = delete;
  SparseResolver& operator=(const SparseResolver&) = delete;

  // As solve_sparse. old_row: for each row the index it had in the last problem, or -1; empty: the same. It only says
  // where to look first. Nothing: a case for solve_sparse, which says what is wrong, if anything is: the columns of a
  // row do not ascend, an index is out of range, a cost is NaN or -infinity, sums might overflow, or rows and columns
  // change sides (more rows than columns, no prices).
  template <class Index>
  std::optional<Assignment<Cost>> solve(const RowArcs<Cost, Index>& costs, std::span<const Cost> prices,
                                        const Budget& budget, const WarmStart<Cost>& start,
                                        std::span<const std::int32_t> old_row);

  // Of memory held.
  std::size_t bytes() const;

 private:
  std::unique_ptr<assign::KeptRows<Cost>> rows_;
};

}  // namespace matcher

#endif  // MATCHER_SPARSE_RESOLVER_H
