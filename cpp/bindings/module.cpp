// The native module: every family of kernels registers itself; nothing else happens here.
#include <pybind11/pybind11.h>

#include "bindings/register.h"

PYBIND11_MODULE(_native, m) {
  m.doc() = "C++ kernels of matcher; see matcher.kernels for the typed facade.";
  m.attr("__version__") = MATCHER_VERSION;
  matcher::bindings::register_assign(m);
  matcher::bindings::register_assign_variants(m);
  matcher::bindings::register_assign_usual(m);
  matcher::bindings::register_assign_resolver(m);
  matcher::bindings::register_route(m);
  matcher::bindings::register_standing(m);
  matcher::bindings::register_batch(m);
  matcher::bindings::register_wire(m);
  matcher::bindings::register_solve_request(m);
}
