#include "matcher/sparse_resolver.h"

#include <algorithm>

#include "assign/common.h"
#include "assign/kept_rows.h"
#include "assign/sparse_paths.h"

namespace matcher {

template <class Cost>
SparseResolver<Cost>::SparseResolver() : rows_(std::make_unique<assign::KeptRows<Cost>>()) {}

template <class Cost>
SparseResolver<Cost>::~SparseResolver() = default;

template <class Cost>
std::size_t SparseResolver<Cost>::bytes() const {
  return rows_->bytes();
}

template <class Cost>
template <class Index>
std::optional<Assignment<Cost>> SparseResolver<Cost>::solve(const RowArcs<Cost, Index>& costs,
                                                            std::span<const Cost> prices, const Budget& budget,
                                                            const WarmStart<Cost>& start,
                                                            std::span<const std::int32_t> old_row) {
  if (prices.empty() && costs.n_rows() > costs.n_cols) return std::nullopt;
  try {
    if (!rows_->update(costs, prices, old_row)) return std::nullopt;
  } catch (...) {
    *rows_ = {};  // half of a row may have been written
    throw;
  }
  const Cost largest =
      std::max({rows_->largest(), assign::largest_magnitude(prices), assign::largest_magnitude(start.col_duals)});
  if (!assign::sums_fit(largest, costs.n_rows(), costs.n_cols)) {
    *rows_ = {};  // perhaps by a cost of long ago
    return std::nullopt;
  }
  rows_->start_from(start);
  Assignment<Cost> answer = assign::solve_choices(*rows_, prices, budget, start);
  rows_->forget();
  if (answer.status == SolveStatus::kOptimal) rows_->remember(answer);
  return answer;
}

template class SparseResolver<std::int64_t>;
template class SparseResolver<double>;
template std::optional<Assignment<std::int64_t>> SparseResolver<std::int64_t>::solve(
    const RowArcs<std::int64_t, std::int32_t>&, std::span<const std::int64_t>, const Budget&,
    const WarmStart<std::int64_t>&, std::span<const std::int32_t>);
template std::optional<Assignment<std::int64_t>> SparseResolver<std::int64_t>::solve(
    const RowArcs<std::int64_t, std::int64_t>&, std::span<const std::int64_t>, const Budget&,
    const WarmStart<std::int64_t>&, std::span<const std::int32_t>);
template std::optional<Assignment<double>> SparseResolver<double>::solve(const RowArcs<double, std::int32_t>&,
                                                                         std::span<const double>, const Budget&,
                                                                         const WarmStart<double>&,
                                                                         std::span<const std::int32_t>);
template std::optional<Assignment<double>> SparseResolver<double>::solve(const RowArcs<double, std::int64_t>&,
                                                                         std::span<const double>, const Budget&,
                                                                         const WarmStart<double>&,
                                                                         std::span<const std::int32_t>);

}  // namespace matcher
