// Reads the columns of a Python mapping as spans, strictly: the exact dtype, one dimension, C order; nothing is cast.
#ifndef MATCHER_BINDINGS_COLUMNS_H
#define MATCHER_BINDINGS_COLUMNS_H

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <span>
#include <string>
#include <vector>

namespace matcher::bindings {

template <class T>
std::span<const T> strict_span(const pybind11::handle& value, const std::string& name, pybind11::ssize_t ndim = 1) {
  namespace py = pybind11;
  if (!py::isinstance<py::array>(value)) throw py::type_error(name + " is not a numpy array");
  const auto array = py::reinterpret_borrow<py::array>(value);
  if (!py::dtype::of<T>().is(array.dtype()) && !array.dtype().equal(py::dtype::of<T>())) {
    throw py::type_error(name + " has dtype " + py::str(array.dtype()).cast<std::string>() + ", not " +
                         py::str(py::dtype::of<T>()).cast<std::string>());
  }
  if (array.ndim() != ndim) throw py::value_error(name + " does not have " + std::to_string(ndim) + " dimension(s)");
  if ((array.flags() & py::array::c_style) == 0) throw py::value_error(name + " is not C-contiguous");
  return {static_cast<const T*>(array.data()), static_cast<std::size_t>(array.size())};
}

// The flag that cancels a kernel: the first of `values`; null for an empty array.
inline const std::int32_t* flag_of(const pybind11::handle& values) {
  const auto flag = strict_span<std::int32_t>(values, "cancel");
  return flag.empty() ? nullptr : flag.data();
}

// The columns of one table, e.g. `orders`; errors name table and column.
class Columns {
 public:
  Columns(const pybind11::dict& table, std::string name) : table_(table), name_(std::move(name)) {}

  template <class T>
  std::span<const T> get(const char* column) const {
    return strict_span<T>(item(column), name_ + "." + column);
  }
  pybind11::object item(const char* column) const {
    if (!table_.contains(column)) throw pybind11::key_error(name_ + " lacks the column " + column);
    return table_[column];
  }
  bool has(const char* column) const { return table_.contains(column); }

 private:
  const pybind11::dict& table_;
  std::string name_;
};

// Moves a vector of (arrays of) numbers into a new numpy array of the given shape.
template <class T, class Row>
pybind11::array_t<T> to_array(const std::vector<Row>& rows, std::vector<pybind11::ssize_t> shape) {
  pybind11::array_t<T> array(std::move(shape));
  static_assert(sizeof(Row) % sizeof(T) == 0);
  if (!rows.empty()) std::memcpy(array.mutable_data(), rows.data(), rows.size() * sizeof(Row));
  return array;
}

template <class T>
pybind11::array_t<T> to_array(const std::vector<T>& values) {
  return to_array<T, T>(values, {static_cast<pybind11::ssize_t>(values.size())});
}

}  // namespace matcher::bindings

#endif  // MATCHER_BINDINGS_COLUMNS_H
