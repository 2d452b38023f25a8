#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <span>
#include <vector>

#include "bindings/assignment_arrays.h"
#include "bindings/register.h"
#include "matcher/assignment_batch.h"
#include "matcher/capacitated_assignment.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;

std::span<const std::int32_t> capacities_of(const Array<std::int32_t>& capacities, std::int64_t cols) {
  const auto values = vector_of(capacities, "capacities");
  if (static_cast<std::int64_t>(values.size()) != cols) {
    throw std::invalid_argument("capacities must have one value a column");
  }
  for (const std::int32_t value : values) {
    if (value < 0) throw std::invalid_argument("capacities must not be negative");
  }
  return values;
}

template <class Cost, class Index>
void register_capacitated_sparse(py::module_& m) {
  m.def(
      "solve_capacitated_sparse",
      [](const Array<Index>& ptr, const Array<std::int32_t>& col, const Array<Cost>& cost,
         const Array<std::int32_t>& capacities, const Array<Cost>& prices, std::int64_t max_iterations,
         const Array<std::int32_t>& cancel, const Array<Cost>& start_duals, const Array<std::int32_t>& start_matching) {
        const auto places = capacities_of(capacities, capacities.size());
        const auto n_cols = static_cast<std::int32_t>(places.size());
        const auto start = start_of(start_duals, start_matching, ptr.size() - 1, n_cols);
        const Budget budget = budget_of(max_iterations, cancel);
        return solve_arcs(ptr, col, cost, n_cols, prices, [&](const auto& costs, auto row_prices) {
          return matcher::solve_capacitated<Cost>(costs, places, row_prices, budget, start);
        });
      },
      py::arg("ptr").noconvert(), py::arg("col").noconvert(), py::arg("cost").noconvert(),
      py::arg("capacities").noconvert(), py::arg("prices").noconvert(), py::arg("max_iterations"),
      py::arg("cancel").noconvert(), py::arg("start_duals").noconvert(), py::arg("start_matching").noconvert());
}

template <class T>
void register_capacitated_dense(py::module_& m) {
  using Cost = SumOf<T>;
  m.def(
      "solve_capacitated_dense",
      [](const py::array_t<T>& costs, const Array<std::int32_t>& capacities, const Array<Cost>& prices,
         std::int64_t max_iterations, const Array<std::int32_t>& cancel, const Array<Cost>& start_duals,
         const Array<std::int32_t>& start_matching) {
        const MatrixView<T> view = view_of(costs);
        const auto places = capacities_of(capacities, view.cols);
        const auto row_prices = vector_of(prices, "prices");
        check_prices(static_cast<std::int64_t>(row_prices.size()), view.rows);
        const auto start = start_of(start_duals, start_matching, view.rows, view.cols);
        const Budget budget = budget_of(max_iterations, cancel);
        Assignment<Cost> answer;
        {
          py::gil_scoped_release unlocked;
          answer = matcher::solve_capacitated<T>(view, places, row_prices, budget, start);
        }
        return to_python(std::move(answer));
      },
      py::arg("costs").noconvert(), py::arg("capacities").noconvert(), py::arg("prices").noconvert(),
      py::arg("max_iterations"), py::arg("cancel").noconvert(), py::arg("start_duals").noconvert(),
      py::arg("start_matching").noconvert());
}

template <class T>
void register_solve_batch(py::module_& m) {
  using Cost = SumOf<T>;
  m.def(
      "solve_batch",
      [](const std::vector<py::array_t<T>>& problems, const std::vector<Array<Cost>>& prices,
         std::int64_t max_iterations, const Array<std::int32_t>& cancel) {
        if (!prices.empty() && prices.size() != problems.size()) {
          throw std::invalid_argument("prices must be empty or have one array a problem");
        }
        std::vector<MatrixView<T>> views;
        std::vector<std::span<const Cost>> row_prices;
        views.reserve(problems.size());
        row_prices.reserve(prices.size());
        for (const auto& problem : problems) views.push_back(view_of(problem));
        for (std::size_t k = 0; k < prices.size(); ++k) {
          row_prices.push_back(vector_of(prices[k], "prices"));
          check_prices(static_cast<std::int64_t>(row_prices[k].size()), views[k].rows);
        }
        const Budget budget = budget_of(max_iterations, cancel);
        AssignmentBatch<Cost> batch;
        {
          py::gil_scoped_release unlocked;
          batch = matcher::solve_batch<T>(views, row_prices, budget);
        }
        return py::make_tuple(to_numpy(std::move(batch.status)), to_numpy(std::move(batch.total)),
                              to_numpy(std::move(batch.iterations)), to_numpy(std::move(batch.bad_cell)),
                              to_numpy(std::move(batch.row_ptr)), to_numpy(std::move(batch.col_ptr)),
                              to_numpy(std::move(batch.witness_ptr)), to_numpy(std::move(batch.col_for_row)),
                              to_numpy(std::move(batch.row_duals)), to_numpy(std::move(batch.col_duals)),
                              to_numpy(std::move(batch.witness)));
      },
      py::arg("problems").noconvert(), py::arg("prices").noconvert(), py::arg("max_iterations"),
      py::arg("cancel").noconvert());
}

template <class T>
void register_dense_variants(py::module_& m) {
  register_capacitated_dense<T>(m);
  register_solve_batch<T>(m);
}

}  // namespace

void register_assign_variants(py::module_& m) {
  register_dense_variants<std::int64_t>(m);
  register_dense_variants<std::int32_t>(m);
  register_dense_variants<double>(m);
  register_dense_variants<float>(m);
  register_capacitated_sparse<std::int64_t, std::int64_t>(m);
  register_capacitated_sparse<std::int64_t, std::int32_t>(m);
  register_capacitated_sparse<double, std::int64_t>(m);
  register_capacitated_sparse<double, std::int32_t>(m);
}

}  // namespace matcher::bindings
