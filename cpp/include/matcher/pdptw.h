// Pickup and delivery with time windows: plans for a whole day of requests.
//
// Problem: each request has a pick-up and a delivery, with time windows, service times and a load; vehicles of one
// capacity start and end at a depot. Serve every request once, pick-up before delivery in one route. Hierarchical
// objective: fewest vehicles, then least distance; or least distance alone.
//
// Method, three stages over one plan (route/plan.h), whose routes answer "cheapest feasible insertion" from tables of
// earliest and latest starts in amortised constant time per pair of positions, cached per (request, route):
//  1. construction: requests by urgency into their cheapest feasible place, else a new vehicle;
//  2. guided ejection search for the fleet: take a route apart and insert its requests elsewhere, ejecting those that
//  have proved
//     easiest to place (Nagata & Kobayashi 2010, "A memetic algorithm for the pickup and delivery problem with time
//     windows using selective route exchange crossover"; Curtois, Landa-Silva, Qu & Laesanklang 2018, "Large
//     neighbourhood search with adaptive guided ejection search for the pickup and delivery problem with time
//     windows");
//  3. slack induction by string removals with simulated annealing for the distance (Christiaens & Vanden Berghe 2020,
//     "Slack induction by string removals for vehicle routing problems").
//
// Complexity: memory O(nodes^2) for the distances and O(requests * routes) for the cache. Deterministic for a seed and
// an iteration budget; with a deadline the cooling follows the clock and the result depends on the machine. A plan in
// hand is always complete and feasible, or lists what is unserved when the vehicles do not suffice.
#ifndef MATCHER_PDPTW_H
#define MATCHER_PDPTW_H

#include <cstdint>
#include <span>
#include <vector>

#include "matcher/schedule.h"

namespace matcher {

// Node 0 is the depot. Times and distances are in one unit; travel time equals `distance` unless `duration` is given.
struct PdptwProblem {
  std::span<const double> distance;  // nodes * nodes
  std::span<const double> duration;  // nodes * nodes, or empty
  std::span<const double> ready, due, service;
  std::span<const std::int32_t> demand;            // of a pick-up positive, of its delivery the same negative
  std::span<const std::int32_t> pickup, delivery;  // per request
  std::int32_t vehicles = 0;
  std::int32_t capacity = 0;
};

enum class PdptwObjective { kHierarchical, kDistance };

// What the search asks about the time; it never reads a clock itself. Asked every few dozen microseconds.
class StopCheck {
 public:
  virtual ~StopCheck() = default;
  virtual double elapsed_fraction() = 0;  // of the time granted; >= 1: stop
};

struct PdptwOptions {
  PdptwObjective objective = PdptwObjective::kHierarchical;
  std::int64_t max_iterations = -1;  // -1: until the StopCheck says so
  std::uint64_t seed = 0;
  StopCheck* stop = nullptr;
  std::vector<std::vector<std::int32_t>> initial;  // routes to start from; feasible ones are kept
};

struct PdptwImprovement {
  std::int64_t iteration;
  double fraction;
  std::int32_t unserved;
  std::int32_t vehicles;
  double distance;
};

struct PdptwResult {
  std::vector<std::vector<std::int32_t>> routes;  // node ids, depots left out
  std::vector<std::int32_t> unserved;             // requests
  double distance = 0.0;
  std::int64_t iterations = 0;
  std::vector<PdptwImprovement> history;
};

InputFault solve_pdptw(const PdptwProblem& problem, const PdptwOptions& options, PdptwResult& out);

}  // namespace matcher

#endif  // MATCHER_PDPTW_H
