#include "bindings/register.h"

namespace matcher::bindings {

void register_route(pybind11::module_& m) {
  register_insertion(m);
  register_fleet(m);
  register_pdptw(m);
  register_sequence(m);
}

}  // namespace matcher::bindings
