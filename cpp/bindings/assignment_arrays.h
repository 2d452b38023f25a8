// What the bindings of all assignment kernels share: numpy arrays to problems, checked, and answers to tuples.
#ifndef MATCHER_BINDINGS_ASSIGNMENT_ARRAYS_H
#define MATCHER_BINDINGS_ASSIGNMENT_ARRAYS_H

#include <pybind11/numpy.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "matcher/assignment.h"

namespace matcher::bindings {

inline Budget budget_of(std::int64_t max_iterations, const Array<std::int32_t>& cancel) {
  Budget budget;
  if (max_iterations >= 0) budget.max_iterations = max_iterations;
  if (cancel.size() > 0) budget.cancelled = cancel.data();
  return budget;
}

template <class Cost>
pybind11::tuple to_python(Assignment<Cost>&& answer) {
  return pybind11::make_tuple(to_numpy(std::move(answer.col_for_row)), to_numpy(std::move(answer.row_duals)),
                              to_numpy(std::move(answer.col_duals)), answer.total, static_cast<int>(answer.status),
                              answer.iterations, to_numpy(std::move(answer.witness)), answer.bad_cell);
}

inline void check_size(std::int64_t rows, std::int64_t cols) {
  if (rows > std::numeric_limits<std::int32_t>::max() - 1 || cols > std::numeric_limits<std::int32_t>::max() - 1) {
    throw std::invalid_argument("more rows or columns than a 32-bit index can name");
  }
}

inline void check_prices(std::int64_t prices, std::int64_t rows) {
  if (prices != 0 && prices != rows) throw std::invalid_argument("prices must be empty or have one value a row");
}

// Of compressed rows whatever their kind, all but the column indices.
template <class Rows>
void check_rows(const Rows& costs) {
  if (costs.ptr.empty() || costs.ptr.front() != 0) throw std::invalid_argument("ptr must start with 0");
  for (std::size_t i = 1; i < costs.ptr.size(); ++i) {
    if (costs.ptr[i] < costs.ptr[i - 1]) throw std::invalid_argument("ptr must not decrease");
  }
  if (costs.ptr.back() != static_cast<std::int64_t>(costs.col.size()) || costs.col.size() != costs.cost.size()) {
    throw std::invalid_argument("ptr, col and cost disagree on the number of arcs");
  }
  if (costs.n_cols < 0) throw std::invalid_argument("n_cols must not be negative");
}

template <class Cost>
void check_arcs(const SparseCosts<Cost>& costs) {
  check_rows(costs);
  for (const std::int32_t j : costs.col) {
    if (j < 0 || j >= costs.n_cols) throw std::invalid_argument("col holds an index outside [0, n_cols)");
  }
}

template <class Cost>
WarmStart<Cost> start_of(const Array<Cost>& col_duals, const Array<std::int32_t>& col_for_row, std::int64_t rows,
                         std::int64_t cols) {
  const WarmStart<Cost> start{vector_of(col_duals, "start_duals"), vector_of(col_for_row, "start_matching")};
  if (!start.col_duals.empty() && static_cast<std::int64_t>(start.col_duals.size()) != cols) {
    throw std::invalid_argument("start_duals must be empty or have one value a column");
  }
  if (!start.col_for_row.empty() && static_cast<std::int64_t>(start.col_for_row.size()) != rows) {
    throw std::invalid_argument("start_matching must be empty or have one value a row");
  }
  return start;
}

template <class T>
MatrixView<T> view_of(const pybind11::array_t<T>& costs) {
  if (costs.ndim() != 2) throw std::invalid_argument("costs must be two-dimensional");
  const auto step = static_cast<pybind11::ssize_t>(sizeof(T));
  if (costs.strides(0) % step != 0 || costs.strides(1) % step != 0) {
    throw std::invalid_argument("strides of costs must be whole elements");
  }
  check_size(costs.shape(0), costs.shape(1));
  return {costs.data(), costs.shape(0), costs.shape(1), costs.strides(0) / step, costs.strides(1) / step};
}

template <class Cost, class Index, class Solver>
pybind11::tuple solve_arcs(const Array<Index>& ptr, const Array<std::int32_t>& col, const Array<Cost>& cost,
                           std::int32_t n_cols, const Array<Cost>& prices, Solver&& solver) {
  std::vector<std::int64_t> widened;
  SparseCosts<Cost> costs{{}, vector_of(col, "col"), vector_of(cost, "cost"), n_cols};
  const auto starts = vector_of(ptr, "ptr");
  if constexpr (std::is_same_v<Index, std::int64_t>) {
    costs.ptr = starts;
  } else {
    widened.assign(starts.begin(), starts.end());
    costs.ptr = widened;
  }
  const auto row_prices = vector_of(prices, "prices");
  check_size(static_cast<std::int64_t>(costs.ptr.size()), n_cols);
  Assignment<Cost> answer;
  {
    pybind11::gil_scoped_release unlocked;
    check_arcs(costs);
    check_prices(static_cast<std::int64_t>(row_prices.size()), costs.n_rows());
    answer = solver(costs, row_prices);
  }
  return to_python(std::move(answer));
}

}  // namespace matcher::bindings

#endif  // MATCHER_BINDINGS_ASSIGNMENT_ARRAYS_H
