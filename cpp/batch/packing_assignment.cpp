// The columns with one order are an assignment problem with a price (zero, in gains) of leaving an order out.
#include <algorithm>

#include "batch/packing_model.h"
#include "matcher/sparse_assignment.h"

namespace matcher::packing {

SingleAssignment assign_singles(const Model& model, Work& work) {
  std::vector<std::int64_t> ptr{0};
  std::vector<std::int32_t> courier;
  std::vector<std::int32_t> column;
  std::vector<std::int64_t> cost;
  for (std::int32_t o = 0; o < model.n_orders; ++o) {
    for (const auto k : model.columns_of(o)) {
      if (model.rows_of(k).size() != 2) continue;
      courier.push_back(model.rows_of(k)[1] - model.n_orders);
      column.push_back(k);
      cost.push_back(-model.gain[static_cast<std::size_t>(k)]);
    }
    ptr.push_back(static_cast<std::int64_t>(cost.size()));
  }
  const std::vector<std::int64_t> nothing(static_cast<std::size_t>(model.n_orders), 0);
  // One iteration of the assignment looks at the columns of one order.
  const auto visits = 2 * (static_cast<std::int64_t>(cost.size()) / std::max(model.n_orders, 1) + 1);
  work.add(model.members());
  const SparseCosts<std::int64_t> costs{.ptr = ptr, .col = courier, .cost = cost, .n_cols = model.n_couriers};
  const auto solved = solve_sparse<std::int64_t>(
      costs, nothing,
      {.max_iterations = std::max<std::int64_t>(work.left(), 0) / visits, .cancelled = work.cancelled()});
  work.add(solved.iterations * visits);

  SingleAssignment result;
  result.order_price.assign(static_cast<std::size_t>(model.n_orders), 0);
  for (std::size_t o = 0; o < result.order_price.size(); ++o) {
    result.order_price[o] = o < solved.row_duals.size() ? -solved.row_duals[o] : model.most[o];
    if (o >= solved.col_for_row.size() || solved.col_for_row[o] == kUnassigned) continue;
    std::int32_t best = -1;
    for (auto i = static_cast<std::size_t>(ptr[o]); i < static_cast<std::size_t>(ptr[o + 1]); ++i) {
      if (courier[i] != solved.col_for_row[o]) continue;
      const auto gain = model.gain[static_cast<std::size_t>(column[i])];
      if (best < 0 || gain > model.gain[static_cast<std::size_t>(best)]) best = column[i];
    }
    result.packing.columns.push_back(best);
    result.packing.gain += model.gain[static_cast<std::size_t>(best)];
  }
  std::sort(result.packing.columns.begin(), result.packing.columns.end());
  return result;
}

}  // namespace matcher::packing
