#include "bindings/register.h"

namespace matcher::bindings {

void register_route(pybind11::module_&) {}

}  // namespace matcher::bindings
