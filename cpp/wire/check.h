// Whether rows pass every check of matcher.domain.checks that looks at one row. Which check failed is not said: the
// reference says it.
#ifndef MATCHER_WIRE_CHECK_H
#define MATCHER_WIRE_CHECK_H

#include "wire/parse.h"

namespace matcher::wire {

enum Frame : std::int32_t { kWgs84 = 1, kPlane = 2 };
enum StopKind : std::int32_t { kPickup = 1, kDropoff = 2 };

// Frame 0 counts as kWgs84.
bool rows_are_sane(const Rows& rows);

}  // namespace matcher::wire

#endif  // MATCHER_WIRE_CHECK_H
