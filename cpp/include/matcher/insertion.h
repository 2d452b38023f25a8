// Cheapest feasible insertion of orders and bundles into running courier routes.
//
// Problem: a unit is one order, or up to six orders with one pick-up place that enter a route together. For each unit,
// find the couriers who could be at its pick-up first, and for each of them the exactly cheapest way to serve the unit:
// pick-ups before the present stop i, drop-offs as one block before the present stop j >= i, in their best sequence.
//
// Without detours i is the end of the route, or follows a present pick-up of the same place, whose group it joins.
//
// Feasible means: no limit (see schedule.h) that the present route keeps is broken, and no limit that reality has
// already broken is broken by more; the unit's own limits are kept. Cost is the weighted sum of the quantities of
// schedule.h, so what is minimised is exactly what evaluate_routes reports for the new route minus the old one.
//
// Method: per pick-up place a vector pass bounds every courier's earliest arrival from below; exact arrivals are
// computed only where the bound leaves the rank open. A courier's earliest arrival at a place is the least over its
// insertable positions (a position next to the pick-ups of the same place joins their group and arrives with it). Per
// courier all (i, j) are walked from shared prefixes; sequences by depth-first search. Every term only grows along a
// route, so a walk ends as soon as it costs what the best known does.
//
// Complexity: O(places of pick-up * couriers) for the ranking, O(n^3) worst and typically O(n^2) per unit and courier
// with n stops, times the sequences that the bound leaves.
//
// Tie rules: rank by earliest arrival, then lower courier; position by lower i, then lower j, then the
// lexicographically smallest sequence of order indices.
#ifndef MATCHER_INSERTION_H
#define MATCHER_INSERTION_H

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "matcher/schedule.h"

namespace matcher {

inline constexpr std::int32_t kMaxUnitOrders = 6;

// Why a courier is no candidate for a unit; the first that applies, in this order.
//
// Before the ranking: the earliest arrival is beyond the reach; skills; the unit's size exceeds the capacity; the
// hand-over at the earliest arrival is after the shift or a pickup_by; the route would exceed its longest length.
// Ranked couriers without a feasible position: the limit that stopped the walk that got furthest, counted in stops
// of the new route before the group that broke it; between equals the first in this order.
enum Rejection : std::size_t {
  kRejectOutOfReach,
  kRejectSkills,
  kRejectCapacity,
  kRejectShiftEnd,
  kRejectTimeWindow,
  kRejectFreshness,
  kRejectRouteFull,
  kRejectionCount,
};

// Unit u has the orders unit_order[unit_ptr[u]] .. unit_order[unit_ptr[u + 1]], none of them in a route.
struct UnitColumns {
  std::span<const std::int32_t> ptr;
  std::span<const std::int32_t> order;
};

struct InsertionOptions {
  std::int64_t nearest = 24;         // couriers evaluated exactly per unit
  std::int64_t reach_ms = kNeverMs;  // latest arrival at the pick-up
  std::int64_t max_route_stops = 16;
  bool detours = true;  // false: pick-ups join those of their place in the route, or follow its end
  std::array<std::int64_t, kQuantityCount> weights{};  // micros per second, >= 0
  const std::int32_t* cancelled = nullptr;             // any other thread may set it to non-zero; see core/cancel.h
};

// One courier who can serve one unit, at its cheapest.
struct InsertionCandidate {
  std::int32_t courier;
  std::int32_t pickup_pos;
  std::int32_t dropoff_pos;
  std::array<std::int32_t, kMaxUnitOrders> sequence;  // drop-off order, padded with -1
  Quantities delta;                                   // new route minus present route
  std::int64_t pickup_at_ms;
  std::int64_t dropoff_at_ms;  // of the last order of the sequence
  std::int64_t finish_ms;      // last departure
  std::int64_t depart_by_ms;   // of the new route, see schedule.h
};

struct InsertionCandidates {
  std::vector<std::int32_t> ptr;               // candidates of unit u: ptr[u] .. ptr[u + 1]
  std::vector<InsertionCandidate> candidates;  // couriers ascending within a unit
  std::vector<std::array<std::int32_t, kRejectionCount>> rejected;
  std::vector<std::int32_t> pruned;  // eligible, but not among the nearest
  bool cancelled = false;            // nothing is answered
};

InputFault insertion_candidates(const Market& market, const UnitColumns& units, const InsertionOptions& options,
                                InsertionCandidates& out);

}  // namespace matcher

#endif  // MATCHER_INSERTION_H
