// Times and costs of courier routes.
//
// Problem: for every courier a sequence of stops (pick-ups and drop-offs of orders) that starts where the courier is.
// When does each stop happen, which limits does the route break, and how long do customers, food and couriers wait?
//
// Method: one forward pass. Stops are served in groups: a maximal run of consecutive pick-ups at one place is one group
// (the courier walks in once and the hand-over waits for the last of them); every drop-off is its own group, unless
// `share_dropoff_service` makes runs of drop-offs at one place share as well. For a group
//   arrival   = previous departure + travel
//   event     = max(arrival + longest access, latest earliest time)     the hand-over of all its stops
//   departure = event + longest leave
// with the earliest time of a pick-up being ready_ms, of a drop-off dropoff_not_before_ms. The courier departs from
// `loc` not before `free_ms`.
//
// Complexity: O(stops). Deterministic: integers throughout, one division per metric travel time.
//
// Limits (all hard): pick-up event <= min(pickup_by_ms, shift_end_ms); drop-off event <= dropoff_by_ms; drop-off event
// - pick-up event <= freshness_ms, where an order on board (no pick-up in the route) was picked up at its ready_ms;
// load <= capacity after every stop, on-board orders included; skills of the order within those of the courier.
#ifndef MATCHER_SCHEDULE_H
#define MATCHER_SCHEDULE_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace matcher {

// "No limit" in columns of latest times; far beyond any time a plan reaches, far below overflow.
inline constexpr std::int64_t kNeverMs = std::int64_t{1} << 50;

enum class StopKind : std::int8_t { kPickup = 1, kDropoff = 2 };

// What a route is measured by, in ms, in this order.
enum Quantity : std::size_t {
  kClickToDoor,     // sum over drop-offs of event - placed
  kLateness,        // sum over drop-offs of max(0, event - promised_by)
  kSevereLateness,  // sum over drop-offs of max(0, event - promised_by - severe_after)
  kPickupDelay,     // sum over pick-ups of event - ready
  kTravel,          // sum of travel times
  kCourierTime,     // last departure - latest first departure that changes no event of the first group; 0 when empty
  kQuantityCount,
};
using Quantities = std::array<std::int64_t, kQuantityCount>;

// Bits of a route's violations.
enum Violation : std::int32_t {
  kOverCapacity = 1,
  kLacksSkills = 2,
  kAfterShiftEnd = 4,
  kOutsideTimeWindow = 8,
  kNotFresh = 16,
  kStopOrder = 32,  // a drop-off before its pick-up, a stop twice, or a pick-up without a drop-off
};

// Distinct places on a plane (radius_m = 0, z = 0) or as points of a sphere; metres. Same place iff same index.
struct PlaceColumns {
  std::span<const double> x, y, z;
  double radius_m = 0.0;
};

// ms = ceil(arc * factor * 3.6e6 / (speed_mph * quantum_ms)) * quantum_ms, arc being the straight line on the plane and
// the great circle on the sphere. One division of exact products: 3200 m at 19200 m/h are 10 minutes, not 11, when
// minutes are the quantum.
struct MetricTravel {
  double factor = 1.0;
  std::int64_t quantum_ms = 1;
  std::span<const std::int32_t> speed_mph;  // per courier, > 0
};

// ms = matrix_ms[profile[courier]][from][to]; the diagonal is taken as 0. May be asymmetric and need not satisfy the
// triangle inequality.
struct MatrixTravel {
  std::span<const std::int32_t> matrix_ms;  // profiles * places * places, >= 0
  std::span<const std::int32_t> profile;    // per courier
};

using TravelModel = std::variant<MetricTravel, MatrixTravel>;

struct OrderColumns {
  std::span<const std::int32_t> pickup_loc, dropoff_loc;
  std::span<const std::int64_t> placed_ms, ready_ms, promised_by_ms, dropoff_not_before_ms;
  std::span<const std::int64_t> pickup_by_ms, dropoff_by_ms, freshness_ms;
  std::span<const std::int32_t> size;
  std::span<const std::uint64_t> skills;
  std::span<const std::int32_t> pickup_access_ms, pickup_leave_ms, dropoff_access_ms, dropoff_leave_ms;
};

struct CourierColumns {
  std::span<const std::int32_t> loc;
  std::span<const std::int64_t> free_ms, shift_end_ms;
  std::span<const std::int32_t> capacity;
  std::span<const std::uint64_t> skills;
};

// Courier c has the stops ptr[c] .. ptr[c + 1].
struct RouteColumns {
  std::span<const std::int32_t> ptr;
  std::span<const std::int32_t> stop_order;
  std::span<const std::int8_t> stop_kind;
  std::span<const std::int32_t> locked;  // first stops that can be neither changed nor preceded
};

struct ServiceRules {
  bool share_dropoff_service = false;
  std::int64_t severe_after_ms = 0;
  // Insertions and fleets: an order picked up later is dropped off sooner. Routes without it are scheduled all the
  // same.
  bool last_in_first_out = false;
};

// One consistent market: everything the routing kernels read.
struct Market {
  PlaceColumns places;
  TravelModel travel;
  OrderColumns orders;
  CourierColumns couriers;
  RouteColumns routes;
  ServiceRules rules;
};

// What is wrong with an input: the column, and the row when one is to blame. `ok()` when nothing is.
struct InputFault {
  std::string_view column;
  std::string_view problem;
  std::int64_t row = -1;

  bool ok() const { return column.empty(); }
};

// Shapes, index ranges and signs of all columns, and that no sum of times can overflow. O(input).
InputFault check_market(const Market& market);

struct RouteSchedules {
  std::vector<std::int64_t> arrive_ms, at_ms, depart_ms;  // per stop; stops of a group share them
  std::vector<Quantities> quantities;                     // per courier
  std::vector<std::int64_t> depart_by_ms;                 // per courier; free_ms for an empty route
  std::vector<std::int32_t> violations;                   // per courier, bits of Violation
};

// Schedules all routes of the market. Routes that break limits are scheduled all the same.
InputFault evaluate_routes(const Market& market, RouteSchedules& out);

}  // namespace matcher

#endif  // MATCHER_SCHEDULE_H
