#include "matcher/assignment_batch.h"

#include <algorithm>
#include <cstddef>

namespace matcher {
namespace {

// Appends `values`, or as many `otherwise` where nothing was solved.
template <class Value>
void append(std::vector<Value>& all, const std::vector<Value>& values, std::int64_t count, Value otherwise) {
  if (values.empty()) {
    all.insert(all.end(), static_cast<std::size_t>(count), otherwise);
  } else {
    all.insert(all.end(), values.begin(), values.end());
  }
}

}  // namespace

template <class T>
AssignmentBatch<SumOf<T>> solve_batch(std::span<const MatrixView<T>> problems,
                                      std::span<const std::span<const SumOf<T>>> prices, const Budget& budget) {
  using Cost = SumOf<T>;
  AssignmentBatch<Cost> batch;
  for (std::size_t k = 0; k < problems.size(); ++k) {
    Budget left = budget;
    if (budget.is_cancelled()) left.max_iterations = 0;
    const MatrixView<T>& costs = problems[k];
    const Assignment<Cost> answer = solve_dense<T>(costs, prices.empty() ? std::span<const Cost>{} : prices[k], left);
    batch.status.push_back(static_cast<std::int32_t>(answer.status));
    batch.total.push_back(answer.total);
    batch.iterations.push_back(answer.iterations);
    batch.bad_cell.push_back(answer.bad_cell);
    append(batch.col_for_row, answer.col_for_row, costs.rows, kUnassigned);
    append(batch.row_duals, answer.row_duals, costs.rows, Cost{0});
    append(batch.col_duals, answer.col_duals, costs.cols, Cost{0});
    batch.witness.insert(batch.witness.end(), answer.witness.begin(), answer.witness.end());
    batch.row_ptr.push_back(batch.row_ptr.back() + costs.rows);
    batch.col_ptr.push_back(batch.col_ptr.back() + costs.cols);
    batch.witness_ptr.push_back(static_cast<std::int64_t>(batch.witness.size()));
  }
  return batch;
}

template AssignmentBatch<double> solve_batch(std::span<const MatrixView<float>>,
                                             std::span<const std::span<const double>>, const Budget&);
template AssignmentBatch<double> solve_batch(std::span<const MatrixView<double>>,
                                             std::span<const std::span<const double>>, const Budget&);
template AssignmentBatch<std::int64_t> solve_batch(std::span<const MatrixView<std::int32_t>>,
                                                   std::span<const std::span<const std::int64_t>>, const Budget&);
template AssignmentBatch<std::int64_t> solve_batch(std::span<const MatrixView<std::int64_t>>,
                                                   std::span<const std::span<const std::int64_t>>, const Budget&);

}  // namespace matcher
