#include <pybind11/numpy.h>

#include <cstdint>
#include <type_traits>
#include <vector>

#include "bindings/assignment_arrays.h"
#include "bindings/register.h"
#include "matcher/auction.h"
#include "matcher/dense_assignment.h"
#include "matcher/sparse_assignment.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;

template <class Cost, class Index>
void register_sparse(py::module_& m) {
  m.def(
      "solve_sparse",
      [](const Array<Index>& ptr, const Array<std::int32_t>& col, const Array<Cost>& cost, std::int32_t n_cols,
         const Array<Cost>& prices, std::int64_t max_iterations, const Array<std::int32_t>& cancel,
         const Array<Cost>& start_duals, const Array<std::int32_t>& start_matching) {
        const auto start = start_of(start_duals, start_matching, ptr.size() - 1, n_cols);
        const Budget budget = budget_of(max_iterations, cancel);
        return solve_arcs(ptr, col, cost, n_cols, prices, [&](const auto& costs, auto row_prices) {
          return matcher::solve_sparse<Cost>(costs, row_prices, budget, start);
        });
      },
      py::arg("ptr").noconvert(), py::arg("col").noconvert(), py::arg("cost").noconvert(), py::arg("n_cols"),
      py::arg("prices").noconvert(), py::arg("max_iterations"), py::arg("cancel").noconvert(),
      py::arg("start_duals").noconvert(), py::arg("start_matching").noconvert());
}

template <class Index>
void register_auction(py::module_& m) {
  m.def(
      "solve_auction",
      [](const Array<Index>& ptr, const Array<std::int32_t>& col, const Array<std::int64_t>& cost, std::int32_t n_cols,
         const Array<std::int64_t>& prices, std::int64_t max_iterations, const Array<std::int32_t>& cancel) {
        const Budget budget = budget_of(max_iterations, cancel);
        return solve_arcs(ptr, col, cost, n_cols, prices, [&](const auto& costs, auto row_prices) {
          return matcher::solve_auction(costs, row_prices, budget);
        });
      },
      py::arg("ptr").noconvert(), py::arg("col").noconvert(), py::arg("cost").noconvert(), py::arg("n_cols"),
      py::arg("prices").noconvert(), py::arg("max_iterations"), py::arg("cancel").noconvert());
}

template <class T>
void register_dense(py::module_& m) {
  using Cost = SumOf<T>;
  m.def(
      "solve_dense",
      [](const py::array_t<T>& costs, const Array<Cost>& prices, std::int64_t max_iterations,
         const Array<std::int32_t>& cancel, const Array<Cost>& start_duals, const Array<std::int32_t>& start_matching,
         int method) {
        const MatrixView<T> view = view_of(costs);
        const auto row_prices = vector_of(prices, "prices");
        check_prices(static_cast<std::int64_t>(row_prices.size()), view.rows);
        const auto start = start_of(start_duals, start_matching, view.rows, view.cols);
        const Budget budget = budget_of(max_iterations, cancel);
        Assignment<Cost> answer;
        {
          py::gil_scoped_release unlocked;
          answer = matcher::solve_dense<T>(view, row_prices, budget, start, static_cast<DenseMethod>(method));
        }
        return to_python(std::move(answer));
      },
      py::arg("costs").noconvert(), py::arg("prices").noconvert(), py::arg("max_iterations"),
      py::arg("cancel").noconvert(), py::arg("start_duals").noconvert(), py::arg("start_matching").noconvert(),
      py::arg("method"));
}

}  // namespace

void register_assign(py::module_& m) {
  register_dense<double>(m);  // first, as overloads are tried in turn and these are the most common
  register_dense<float>(m);
  register_dense<std::int64_t>(m);
  register_dense<std::int32_t>(m);
  register_sparse<std::int64_t, std::int64_t>(m);
  register_sparse<std::int64_t, std::int32_t>(m);
  register_sparse<double, std::int64_t>(m);
  register_sparse<double, std::int32_t>(m);
  register_auction<std::int64_t>(m);
  register_auction<std::int32_t>(m);
}

}  // namespace matcher::bindings
