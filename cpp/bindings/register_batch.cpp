#include "bindings/register.h"

namespace matcher::bindings {

void register_batch(pybind11::module_&) {}

}  // namespace matcher::bindings
