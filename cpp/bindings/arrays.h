// Vectors out, spans in: numpy arrays across the boundary without copies.
#ifndef MATCHER_BINDINGS_ARRAYS_H
#define MATCHER_BINDINGS_ARRAYS_H

#include <pybind11/numpy.h>

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace matcher::bindings {

// Exactly this dtype, C-contiguous; with .noconvert() nothing is cast or copied on the way in.
template <class T>
using Array = pybind11::array_t<T, pybind11::array::c_style>;

// The array owns the vector.
template <class T>
pybind11::array_t<T> to_numpy(std::vector<T>&& values) {
  auto owner = std::make_unique<std::vector<T>>(std::move(values));
  const T* data = owner->data();
  const auto size = static_cast<pybind11::ssize_t>(owner->size());
  pybind11::capsule keeper(owner.get(), [](void* held) { delete static_cast<std::vector<T>*>(held); });
  owner.release();
  return pybind11::array_t<T>(size, data, keeper);
}

template <class T>
std::span<const T> vector_of(const Array<T>& array, const char* name) {
  if (array.ndim() != 1) throw std::invalid_argument(std::string(name) + " must be one-dimensional");
  return {array.data(), static_cast<std::size_t>(array.size())};
}

}  // namespace matcher::bindings

#endif  // MATCHER_BINDINGS_ARRAYS_H
