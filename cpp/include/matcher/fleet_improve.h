// Better routes for a fleet under way: orders that may still move are moved.
//
// Problem: a fleet with running routes (matcher/fleet.h) and orders, each open or planned beyond the locked part of a
// route, with a price for serving it not at all. Minimise the cost of all routes plus the prices of orders left out,
// under every rule of the fleet. Orders on board, and those with a locked stop, stay with their couriers.
//
// Method: slack induction by string removals (Christiaens & Vanden Berghe 2020, "Slack induction by string removals for
// vehicle routing problems"): strings of neighbouring orders are taken out of nearby routes and put back, one by one,
// at their exactly cheapest places, which the fleet finds over all couriers; simulated annealing decides what is kept.
//
// Complexity: O(orders * couriers) an iteration at most, some ten queries of the fleet. Memory O(orders * neighbours).
// Deterministic for a seed and max_iterations as long as no StopCheck ends it; orders are taken as they are listed.
// The fleet is left at the best routes found, which are never worse than those it had.
#ifndef MATCHER_FLEET_IMPROVE_H
#define MATCHER_FLEET_IMPROVE_H

#include <cstdint>
#include <span>
#include <vector>

#include "matcher/fleet.h"
#include "matcher/pdptw.h"

namespace matcher {

struct MovableOrder {
  std::int32_t handle = -1;
  FleetOrder order;
  std::int64_t price = 0;  // of leaving it out, in the unit of FleetInsertion::cost
};

struct FleetImproveOptions {
  std::int64_t max_iterations = -1;  // -1: until the StopCheck says so
  std::uint64_t seed = 0;
  double hot = 1.0, cold = 0.01;  // temperatures, as shares of the mean cost of serving an order
  StopCheck* stop = nullptr;
  std::array<std::int64_t, kQuantityCount> weights{};  // those of the fleet
};

struct FleetImprovement {
  std::int64_t iterations = 0;
  std::int64_t improvements = 0;   // of the best
  std::int64_t cost = 0;           // of all routes, without prices
  std::vector<std::int32_t> open;  // handles left out, as they were listed
};

InputFault improve_fleet(Fleet& fleet, std::span<const MovableOrder> orders, const FleetImproveOptions& options,
                         FleetImprovement& out);

}  // namespace matcher

#endif  // MATCHER_FLEET_IMPROVE_H
