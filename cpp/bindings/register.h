// One register function per family of kernels, each in its own file.
#ifndef MATCHER_BINDINGS_REGISTER_H
#define MATCHER_BINDINGS_REGISTER_H

#include <pybind11/pybind11.h>

namespace matcher::bindings {

void register_assign(pybind11::module_& m);
void register_assign_variants(pybind11::module_& m);
void register_assign_usual(pybind11::module_& m);
void register_assign_resolver(pybind11::module_& m);
void register_route(pybind11::module_& m);
void register_insertion(pybind11::module_& m);
void register_fleet(pybind11::module_& m);
void register_pdptw(pybind11::module_& m);
void register_sequence(pybind11::module_& m);
void register_standing(pybind11::module_& m);
void register_batch(pybind11::module_& m);
void register_wire(pybind11::module_& m);
void register_solve_request(pybind11::module_& m);

}  // namespace matcher::bindings

#endif  // MATCHER_BINDINGS_REGISTER_H
