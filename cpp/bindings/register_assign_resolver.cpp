#include <pybind11/numpy.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/assignment_arrays.h"
#include "bindings/register.h"
#include "matcher/sparse_resolver.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;

// Solutions share one, so that calls from several threads may meet in it: whoever comes second does without.
class Resolver {
 public:
  template <class Cost, class Index>
  py::object solve(const Array<Index>& ptr, const Array<Index>& col, const Array<Cost>& cost, std::int32_t n_cols,
                   const Array<Cost>& prices, std::int64_t max_iterations, const Array<std::int32_t>& cancel,
                   const Array<Cost>& start_duals, const Array<std::int32_t>& start_matching,
                   const Array<std::int32_t>& old_row) {
    const auto start = start_of(start_duals, start_matching, ptr.size() - 1, n_cols);
    const Budget budget = budget_of(max_iterations, cancel);
    const auto row_prices = vector_of(prices, "prices");
    const auto old = vector_of(old_row, "old_row");
    const auto starts = vector_of(ptr, "ptr");
    RowArcs<Cost, Index> costs{{}, vector_of(col, "col"), vector_of(cost, "cost"), n_cols};
    check_size(static_cast<std::int64_t>(starts.size()), n_cols);
    std::optional<Assignment<Cost>> answer;
    {
      py::gil_scoped_release unlocked;
      std::vector<std::int64_t> widened;
      if constexpr (std::is_same_v<Index, std::int64_t>) {
        costs.ptr = starts;
      } else {
        widened.assign(starts.begin(), starts.end());
        costs.ptr = widened;
      }
      check_rows(costs);
      check_prices(static_cast<std::int64_t>(row_prices.size()), costs.n_rows());
      if (!old.empty() && static_cast<std::int64_t>(old.size()) != costs.n_rows()) {
        throw std::invalid_argument("old_row must be empty or have one value a row");
      }
      const std::unique_lock<std::mutex> lock(busy_, std::try_to_lock);
      if (lock.owns_lock()) answer = of<Cost>().solve(costs, row_prices, budget, start, old);
    }
    return answer ? py::object(to_python(std::move(*answer))) : py::none();
  }

  std::size_t bytes() const {
    py::gil_scoped_release unlocked;
    const std::lock_guard<std::mutex> lock(busy_);
    return (whole_ ? whole_->bytes() : 0) + (floating_ ? floating_->bytes() : 0);
  }

 private:
  // A resolver knows problems of one kind of number; the other kind's is forgotten.
  template <class Cost>
  SparseResolver<Cost>& of() {
    if constexpr (std::is_integral_v<Cost>) {
      floating_.reset();
      if (!whole_) whole_ = std::make_unique<SparseResolver<Cost>>();
      return *whole_;
    } else {
      whole_.reset();
      if (!floating_) floating_ = std::make_unique<SparseResolver<Cost>>();
      return *floating_;
    }
  }

  mutable std::mutex busy_;
  std::unique_ptr<SparseResolver<std::int64_t>> whole_;
  std::unique_ptr<SparseResolver<double>> floating_;
};

template <class Cost, class Index>
void def_solve(py::class_<Resolver>& kind) {
  kind.def("solve", &Resolver::solve<Cost, Index>, py::arg("ptr").noconvert(), py::arg("col").noconvert(),
           py::arg("cost").noconvert(), py::arg("n_cols"), py::arg("prices").noconvert(), py::arg("max_iterations"),
           py::arg("cancel").noconvert(), py::arg("start_duals").noconvert(), py::arg("start_matching").noconvert(),
           py::arg("old_row").noconvert());
}

}  // namespace

void register_assign_resolver(py::module_& m) {
  // The plain metaclass, so that the stub can be exact.
  py::class_<Resolver> kind(m, "SparseResolver", py::metaclass(reinterpret_cast<PyObject*>(&PyType_Type)),
                            "See matcher.kernels.SparseResolver.");
  kind.def(py::init<>());
  def_solve<std::int64_t, std::int32_t>(kind);
  def_solve<std::int64_t, std::int64_t>(kind);
  def_solve<double, std::int32_t>(kind);
  def_solve<double, std::int64_t>(kind);
  kind.def_property_readonly("nbytes", &Resolver::bytes);
  // What is kept only saves work: a copy, also in another process, begins with nothing.
  kind.def("__reduce__", [](const py::object& self) { return py::make_tuple(py::type::of(self), py::tuple()); });
}

}  // namespace matcher::bindings
