#include "matcher/sparse_assignment.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "assign/common.h"
#include "assign/neighbourhood_order.h"
#include "assign/sparse_choices.h"
#include "assign/sparse_paths.h"

namespace matcher {
namespace {

// Up to so many arcs searches stay in the second-level cache whatever the order of rows.
constexpr std::size_t kNearArcs = 1 << 18;

template <class Cost>
std::int64_t first_bad_arc(const SparseCosts<Cost>& costs) {
  if constexpr (std::numeric_limits<Cost>::has_infinity) {
    for (std::size_t a = 0; a < costs.cost.size(); ++a) {
      if (std::isnan(costs.cost[a]) || costs.cost[a] == -std::numeric_limits<Cost>::infinity()) {
        return static_cast<std::int64_t>(a);
      }
    }
  }
  return -1;
}

template <class Cost>
Assignment<Cost> solve_rows(const SparseCosts<Cost>& costs, std::span<const Cost> prices, const Budget& budget,
                            const WarmStart<Cost>& start) {
  assign::SparseChoices<Cost> choices(costs, prices);
  return assign::solve_choices(choices, prices, budget, start);
}

}  // namespace

template <class Cost>
Assignment<Cost> solve_sparse(const SparseCosts<Cost>& costs, std::span<const Cost> prices, const Budget& budget,
                              const WarmStart<Cost>& start) {
  Assignment<Cost> refused;
  refused.bad_cell = first_bad_arc(costs);
  if (refused.bad_cell >= 0) {
    refused.status = SolveStatus::kInvalid;
    return refused;
  }
  const Cost largest = std::max(
      {assign::largest_arc(costs), assign::largest_magnitude(prices), assign::largest_magnitude(start.col_duals)});
  if (!assign::sums_fit(largest, costs.n_rows(), costs.n_cols)) {
    refused.status = SolveStatus::kOverflow;
    return refused;
  }
  if (prices.empty() && costs.n_rows() > costs.n_cols) {
    // Columns choose rows. What a start knows of columns does not carry over.
    const assign::ColumnArcs<Cost> by_column(costs);
    const auto view = by_column.view(costs.n_rows());
    return assign::transposed(solve_rows(view, prices, budget, {}), costs.n_rows());
  }
  const bool cold = start.col_duals.empty() && start.col_for_row.empty();
  if (cold && costs.col.size() > kNearArcs) {
    const assign::NeighbourhoodOrder<Cost> order(costs, prices);
    return order.original(solve_rows(order.costs(), order.prices(), budget, start));
  }
  return solve_rows(costs, prices, budget, start);
}

template Assignment<std::int64_t> solve_sparse(const SparseCosts<std::int64_t>&, std::span<const std::int64_t>,
                                               const Budget&, const WarmStart<std::int64_t>&);
template Assignment<double> solve_sparse(const SparseCosts<double>&, std::span<const double>, const Budget&,
                                         const WarmStart<double>&);

}  // namespace matcher
