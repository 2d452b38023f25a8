// The usual assignment call, end to end: a matrix in, a finished solution out. Small problems take a microsecond or two
// to solve, less than a call through converters and a handful of Python functions costs, and far less where these have
// left the caches. So this one function is bare CPython, and fills the slots of the solution itself.
#include <pybind11/numpy.h>
#include <structmember.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <exception>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#include "bindings/assignment_arrays.h"
#include "bindings/register.h"
#include "matcher/dense_assignment.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;

// What a solution keeps, in the order of matcher.solve.AssignmentSolution.
enum Slot : std::size_t {
  kColForRow,
  kTotalCost,
  kRowDuals,
  kColDuals,
  kLowerBound,
  kGap,
  kStatus,
  kIterations,
  kWitness,
  kResolver,
  kSlots
};
constexpr const char* kSlotNames[kSlots] = {"col_for_row", "total_cost", "row_duals",  "col_duals", "lower_bound",
                                            "gap",         "status",     "iterations", "witness",   "resolver"};

// Made once, when the module is loaded. Between two calls the caches may have gone to others, and then each line of
// code or data that a call touches costs more than arithmetic does: so it looks nothing up that it could keep.
struct Shared {
  std::array<PyObject*, kSlots> names{};
  PyObject* no_witness = nullptr;
  PyObject* no_gap = nullptr;
  py::dtype int32, int64, float64;
  PyTypeObject* kind = nullptr;  // of the last solution, and where it has its slots
  std::array<Py_ssize_t, kSlots> places{};
};
Shared& shared() {
  static Shared& once = *new Shared;  // for as long as the interpreter: its end is no time to drop references
  return once;
}

const py::dtype& element(std::int32_t) { return shared().int32; }
const py::dtype& element(std::int64_t) { return shared().int64; }
const py::dtype& element(double) { return shared().float64; }

// The array owns a copy: for a few values that is cheaper than an object that keeps the vector.
template <class T>
py::object copied(const std::vector<T>& values) {
  const auto& numpy = py::detail::npy_api::get();
  auto size = static_cast<Py_intptr_t>(values.size());
  py::object array = py::reinterpret_steal<py::object>(numpy.PyArray_NewFromDescr_(
      numpy.PyArray_Type_, py::object(element(T{})).release().ptr(), 1, &size, nullptr, nullptr, 0, nullptr));
  if (!array) throw py::error_already_set();
  std::copy(values.begin(), values.end(), reinterpret_cast<T*>(py::detail::array_proxy(array.ptr())->data));
  return array;
}

py::object number(double value) { return py::reinterpret_steal<py::object>(PyFloat_FromDouble(value)); }
py::object number(std::int64_t value) { return py::reinterpret_steal<py::object>(PyLong_FromLongLong(value)); }

// Finds the slots of the class, which must be what `@dataclass(slots=True)` makes: objects without a __new__ of their
// own.
void learn(PyTypeObject* kind) {
  Shared& common = shared();
  std::array<Py_ssize_t, kSlots> places{};
  for (std::size_t k = 0; k < kSlots; ++k) {
    const auto slot =
        py::reinterpret_steal<py::object>(PyObject_GetAttr(reinterpret_cast<PyObject*>(kind), common.names[k]));
    if (!slot) throw py::error_already_set();
    const bool member = Py_TYPE(slot.ptr()) == &PyMemberDescr_Type;
    const PyMemberDef* found = member ? reinterpret_cast<PyMemberDescrObject*>(slot.ptr())->d_member : nullptr;
    if (found == nullptr || found->type != T_OBJECT_EX || kind->tp_new != PyBaseObject_Type.tp_new) {
      throw py::type_error("kind must be a class with plain slots");
    }
    places[k] = found->offset;
  }
  Py_INCREF(kind);
  Py_XDECREF(std::exchange(common.kind, kind));
  common.places = places;
}

// An object of `kind` with its slots filled, past an __init__ that would take longer than all else and a __setattr__
// that refuses.
template <class Cost>
PyObject* solution_of(PyObject* kind, PyObject* optimal, Assignment<Cost>&& answer) {
  auto* type = reinterpret_cast<PyTypeObject*>(kind);
  if (type != shared().kind) learn(type);
  const Shared& common = shared();
  const py::object total = number(answer.total), iterations = number(answer.iterations);
  const py::object matching = copied(answer.col_for_row);
  const py::object rows = copied(answer.row_duals), cols = copied(answer.col_duals);
  PyObject* const solution = total && iterations ? type->tp_alloc(type, 0) : nullptr;
  if (solution == nullptr) throw py::error_already_set();
  const std::array<PyObject*, kSlots> values{matching.ptr(),    total.ptr(),   rows.ptr(), cols.ptr(),
                                             total.ptr(),       common.no_gap, optimal,    iterations.ptr(),
                                             common.no_witness, Py_None};
  for (std::size_t k = 0; k < kSlots; ++k) {
    Py_INCREF(values[k]);
    *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(solution) + common.places[k]) = values[k];
  }
  return solution;
}

template <class T>
PyObject* solve(PyObject* kind, PyObject* optimal, const py::array& costs, const double* price) {
  using Cost = SumOf<T>;
  const auto step = static_cast<py::ssize_t>(sizeof(T));
  const MatrixView<T> view{static_cast<const T*>(costs.data()), costs.shape(0), costs.shape(1), costs.strides(0) / step,
                           costs.strides(1) / step};
  std::vector<Cost> prices;
  if (price != nullptr) prices.assign(static_cast<std::size_t>(view.rows), static_cast<Cost>(*price));
  Assignment<Cost> answer;
  {
    py::gil_scoped_release unlocked;
    answer = matcher::solve_dense<T>(view, prices);
  }
  if (answer.status == SolveStatus::kOptimal) return solution_of(kind, optimal, std::move(answer));
  return to_python(std::move(answer)).release().ptr();
}

// Which kernel reads such elements: 'd', 'f', 'q', 'i', or 0.
char kernel_type(const py::dtype& type) {
  const char order = type.byteorder();
  if (order != '=' && order != '|') return 0;
  if (type.kind() == 'f') return type.itemsize() == 8 ? 'd' : type.itemsize() == 4 ? 'f' : '\0';
  if (type.kind() == 'i') return type.itemsize() == 8 ? 'q' : type.itemsize() == 4 ? 'i' : '\0';
  return 0;
}

// Whether the matrix can be read where it lies.
bool readable(const py::array& costs) {
  constexpr py::ssize_t kMost = std::numeric_limits<std::int32_t>::max() - 1;
  const py::ssize_t step = costs.itemsize();
  return costs.ndim() == 2 && (costs.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0 &&
         costs.shape(0) <= kMost && costs.shape(1) <= kMost && costs.strides(0) % step == 0 &&
         costs.strides(1) % step == 0;
}

PyObject* usual(PyObject* const* arguments) {
  PyObject* const kind = arguments[0];
  PyObject* const price = arguments[3];
  if (!PyType_Check(kind)) {
    PyErr_SetString(PyExc_TypeError, "kind must be a class");
    return nullptr;
  }
  // Exactly an array: a subclass may mean something else by its elements.
  const auto array_type = reinterpret_cast<PyObject*>(Py_TYPE(arguments[2]));
  if (array_type != reinterpret_cast<PyObject*>(py::detail::npy_api::get().PyArray_Type_)) Py_RETURN_NONE;
  const auto costs = py::reinterpret_borrow<py::array>(arguments[2]);
  if (!readable(costs)) Py_RETURN_NONE;
  const char type = kernel_type(costs.dtype());
  double paid = 0;
  if (price != Py_None) {
    if (!PyFloat_CheckExact(price) || (type != 'd' && type != 'f')) Py_RETURN_NONE;
    paid = PyFloat_AS_DOUBLE(price);
    if (!(paid > -std::numeric_limits<double>::infinity())) Py_RETURN_NONE;
  }
  const double* each = price == Py_None ? nullptr : &paid;
  switch (type) {
    case 'd':
      return solve<double>(kind, arguments[1], costs, each);
    case 'f':
      return solve<float>(kind, arguments[1], costs, each);
    case 'q':
      return solve<std::int64_t>(kind, arguments[1], costs, each);
    case 'i':
      return solve<std::int32_t>(kind, arguments[1], costs, each);
    default:
      Py_RETURN_NONE;
  }
}

PyObject* solve_usual(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 4) {
    PyErr_Format(PyExc_TypeError, "solve_usual takes 4 arguments, got %zd", count);
    return nullptr;
  }
  try {
    return usual(arguments);
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

PyMethodDef methods[] = {
    {"solve_usual", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&solve_usual)), METH_FASTCALL,
     "solve_usual(kind, optimal, costs, price, /)\n--\n\n"
     "Solve an array of rows and columns; price: a float for every row left out, or None. Proven: an object of class\n"
     "kind with the slots of AssignmentSolution filled, optimal as its status. Else what solve_dense returns; None\n"
     "when the arguments are not a case for this."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_assign_usual(py::module_& m) {
  Shared& common = shared();
  for (std::size_t k = 0; k < kSlots; ++k) common.names[k] = PyUnicode_InternFromString(kSlotNames[k]);
  common.int32 = py::dtype::of<std::int32_t>();
  common.int64 = py::dtype::of<std::int64_t>();
  common.float64 = py::dtype::of<double>();
  common.no_witness = py::array_t<std::int32_t>(0).release().ptr();
  common.no_gap = PyFloat_FromDouble(0.0);
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
}

}  // namespace matcher::bindings
