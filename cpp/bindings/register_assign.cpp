#include "bindings/register.h"

namespace matcher::bindings {

void register_assign(pybind11::module_&) {}

}  // namespace matcher::bindings
