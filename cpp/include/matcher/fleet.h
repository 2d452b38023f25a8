// Running routes of a fleet, kept up to date change by change, and the exactly cheapest insertions into them.
//
// Problem: orders arrive one at a time, couriers move, serve and run late; for each new order find the k couriers who
// serve it at the least additional cost, with positions and times, in microseconds and without missing any.
//
// Method: each route is kept compiled (schedule, limits, loads; see route/live_routes.h) and recompiled alone when it
// changes. Beside it lie slot-major single-precision columns: position, departure and latest arrival of every stop of
// every route. A query runs over these columns once, without branches: for each courier it bounds the cheapest pair of
// positions from below, over every pair whose own hand-overs and next stop can be in time: by the exact detour, or,
// with weights on more than travel and courier time, by its price, delays of later stops included (tangents of their
// convex cost). Couriers are then searched exactly (route/position_search.h) in the order of their bounds until the
// next bound is above the k-th best cost. Slack for rounding is subtracted from every bound, so the answer is exact.
//
// The latest arrival at a stop is the one that keeps all later time limits. Limits on the time on board are left to the
// exact search: a table that includes them with pick-ups taken as fixed refuses positions that are feasible, since
// delaying a pick-up delays the start of its ride, too.
//
// Under last_in_first_out (ServiceRules) routes are nested: set_route refuses one that is not, insert a position that
// is not, and cheapest and refusals look at nested positions only.
//
// Cost is that of matcher/insertion.h. With a matrix that breaks the triangle inequality and weights on more than
// travel and courier time a bound does not exist, and every courier is searched: exact all the same.
//
// Complexity: a query is O(couriers * longest route) vector work and a handful of exact searches; a change is
// O(length of the route). Tie rule: lower cost, then lower courier, then as in matcher/insertion.h.
#ifndef MATCHER_FLEET_H
#define MATCHER_FLEET_H

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "matcher/insertion.h"
#include "matcher/schedule.h"

namespace matcher {

// A position on the plane or sphere of the fleet, or a row of its matrix.
struct FleetPlace {
  double x = 0.0, y = 0.0, z = 0.0;
  std::int32_t row = -1;
};

// One order by value; the meaning of the fields is that of the columns of the same name.
struct FleetOrder {
  FleetPlace pickup, dropoff;
  std::int64_t placed_ms = 0, ready_ms = 0, promised_by_ms = kNeverMs, dropoff_not_before_ms = 0;
  std::int64_t pickup_by_ms = kNeverMs, dropoff_by_ms = kNeverMs, freshness_ms = kNeverMs;
  std::int32_t size = 0;
  std::uint64_t skills = 0;
  std::int32_t pickup_access_ms = 0, pickup_leave_ms = 0, dropoff_access_ms = 0, dropoff_leave_ms = 0;
};

struct FleetCourier {
  FleetPlace place;
  std::int64_t free_ms = 0, shift_end_ms = kNeverMs;
  std::int32_t capacity = 0;
  std::uint64_t skills = 0;
  std::int32_t speed_mph = 1;  // metric travel
  std::int32_t profile = 0;    // matrix travel
};

struct FleetSettings {
  double radius_m = 0.0;
  double factor = 1.0;
  std::int64_t quantum_ms = 1;
  std::vector<std::int32_t> matrix_ms;  // profiles * places * places; empty: metric travel
  std::int32_t matrix_places = 0;
  std::array<std::int64_t, kQuantityCount> weights{};  // micros per second, >= 0
  ServiceRules rules;
  std::int32_t max_route_stops = 64;
};

struct FleetStop {
  StopKind kind;
  std::int32_t order;  // handle
};

struct FleetInsertion {
  std::int32_t courier;
  std::int32_t pickup_pos;
  std::int32_t dropoff_pos;
  std::int64_t cost;  // additional, micro-milliseconds per second: sum of weights[q] * delta[q]
  Quantities delta;
  std::int64_t pickup_at_ms;
  std::int64_t dropoff_at_ms;
  std::int64_t finish_ms;
};

// The route that an insertion makes, with the times of its stops. The stops of the new order name order -1.
struct FleetPreview {
  std::vector<FleetStop> stops;
  std::vector<std::int64_t> arrive_ms, at_ms, depart_ms;
  std::int64_t depart_by_ms = 0;  // latest first departure that changes no time of the first visit
};

class Fleet {
 public:
  virtual ~Fleet() = default;
  // Null when the settings make no sense; `fault` says which.
  static std::unique_ptr<Fleet> make(const FleetSettings& settings, InputFault& fault);

  // Handles are small; those of removed orders are used again.
  virtual InputFault add_courier(const FleetCourier& courier, std::int32_t& handle) = 0;
  // Replaces everything about a courier but its route.
  virtual InputFault update_courier(std::int32_t courier, const FleetCourier& values) = 0;
  // The orders of its route are in no route afterwards. Handles of removed couriers are used again.
  virtual InputFault remove_courier(std::int32_t courier) = 0;
  virtual InputFault add_order(const FleetOrder& order, std::int32_t& handle) = 0;
  virtual InputFault remove_order(std::int32_t order) = 0;  // takes its stops out of the route, if any

  virtual InputFault insert(std::int32_t order, std::int32_t courier, std::int32_t pickup_pos,
                            std::int32_t dropoff_pos) = 0;
  // Replaces a whole route. An order with only a drop-off is on board since its ready_ms.
  virtual InputFault set_route(std::int32_t courier, std::span<const FleetStop> stops, std::int32_t locked) = 0;
  // The first visit of the route is done as scheduled: the courier stands there, free at its departure.
  virtual InputFault serve_visit(std::int32_t courier, std::int32_t& stops_served) = 0;
  virtual InputFault move(std::int32_t courier, const FleetPlace& place, std::int64_t free_ms) = 0;
  // Time has passed and nothing was heard: whoever was free before `now_ms` can start from its place then.
  virtual InputFault advance(std::int64_t now_ms) = 0;

  virtual InputFault preview(const FleetOrder& order, std::int32_t courier, std::int32_t pickup_pos,
                             std::int32_t dropoff_pos, FleetPreview& out) = 0;
  virtual InputFault cheapest(const FleetOrder& order, std::int32_t k, std::vector<FleetInsertion>& out) = 0;
  // Couriers that cannot take the order, by the reasons of matcher/insertion.h.
  virtual InputFault refusals(const FleetOrder& order, std::array<std::int32_t, kRejectionCount>& out) = 0;

  virtual std::int32_t couriers() const = 0;
  virtual std::span<const FleetStop> route(std::int32_t courier) const = 0;
  virtual std::int32_t locked(std::int32_t courier) const = 0;
  virtual std::span<const std::int64_t> times(std::int32_t courier) const = 0;  // hand-over of every stop
  virtual const Quantities& quantities(std::int32_t courier) const = 0;
  // How far apart two places are, for comparisons: metres, or in a matrix ms of the first profile, there and back.
  virtual double gap(const FleetPlace& a, const FleetPlace& b) const = 0;
};

// Handles that `load_fleet` gave out, by row of the columns; -1: an order that no route mentions.
struct FleetRows {
  std::vector<std::int32_t> order, courier;
};

// Adds the couriers of the market, their routes and the orders in these. On a fault the fleet is of no more use.
InputFault load_fleet(const Market& market, Fleet& fleet, FleetRows& out);

}  // namespace matcher

#endif  // MATCHER_FLEET_H
