// Pickup and delivery with time windows: plans for a whole day of requests.
//
// Problem: each request has a pick-up and a delivery, with time windows, service times and a load in one or more
// dimensions, perhaps several windows a stop, a price of being late, a limit on the time on board, a prize that may be
// forgone; travel times that depend on the departure. Vehicles of one or several types (start, end, shift, capacity,
// fixed cost). Serve every request once, pick-up before delivery in one route. Hierarchical objective: fewest vehicles,
// then least cost; or least cost alone: distance, fixed costs, lateness, prizes forgone.
//
// Method, three stages over one plan (route/plan.h), whose routes answer "cheapest feasible insertion" from tables of
// earliest and latest starts in amortised constant time per pair of positions, cached per (request, route):
//  1. construction: requests by urgency into their cheapest feasible place, else a new vehicle;
//  2. fewer vehicles: take a route apart and insert its requests elsewhere, by guided ejection of those that have
//  proved
//     easiest to place (Nagata & Kobayashi 2010, "A memetic algorithm for the pickup and delivery problem with time
//     windows using selective route exchange crossover"; Curtois, Landa-Silva, Qu & Laesanklang 2018, "Large
//     neighbourhood search with adaptive guided ejection search for the pickup and delivery problem with time
//     windows") in turns with string removals that count how often each request was left out (see 3);
//  3. slack induction by string removals with simulated annealing for the distance (Christiaens & Vanden Berghe 2020,
//     "Slack induction by string removals for vehicle routing problems"); from 200 requests on in parts of the plan,
//     routes that share neighbours, as problems of their own (Santini, Schneider, Vidal & Vigo 2023, "Decomposition
//     strategies for vehicle routing heuristics"); routes seen on the way are put together anew by weighted set packing
//     (set_packing.h; Rochat & Taillard 1995, "Probabilistic diversification and intensification in local search for
//     vehicle routing").
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

// Vehicles that are alike. `start` and `end` are nodes of no request.
struct PdptwVehicleType {
  std::int32_t count = 0;
  std::int32_t start = 0, end = 0;
  double earliest = 0.0, latest = 0.0;  // leaves its start, is at its end
  double fixed_cost = 0.0;              // of a vehicle that is used
};

// Without `types`, node 0 is the depot of all vehicles. Times and distances are in one unit; travel time equals
// `distance` unless `duration` is given.
struct PdptwProblem {
  std::span<const double> distance;  // nodes * nodes
  std::span<const double> duration;  // nodes * nodes, or empty
  std::span<const double> ready, due, service;
  std::span<const std::int32_t> demand;            // of a pick-up positive, of its delivery the same negative
  std::span<const std::int32_t> pickup, delivery;  // per request
  std::int32_t vehicles = 0;
  std::int32_t capacity = 0;
  // Optional; empty when not used.
  std::span<const PdptwVehicleType> types;    // replace `vehicles` and `capacity`
  std::span<const std::int32_t> capacities;   // types * (1 + further dimensions of load); required with types
  std::span<const std::int32_t> more_demand;  // nodes * further dimensions
  std::span<const std::uint8_t> allowed;      // requests * types: whether this type may serve it
  std::span<const double> max_ride;  // per request, from the end of service at pick-up to its start at delivery
  std::span<const double> prize;     // per request, lost when unserved; infinite: it must be served
  // Travel by departure time: row k of `bin_duration` holds from bins[k] on, the first one before that too; `duration`
  // is then the least of all rows. A vehicle may wait before it leaves where a later row gets it there earlier.
  std::span<const double> bins;          // ascending departure times
  std::span<const double> bin_duration;  // bins * nodes * nodes
  // Per node, what a unit of time after `due` costs at the start of service; infinite: `due` is hard.
  std::span<const double> late_cost;
  // Several windows: of node k the pairs (begin, end) from window_first[k] to window_first[k + 1], ascending, disjoint,
  // the first from `ready`, the last to `due`. No pair: the one window from `ready` to `due`.
  std::span<const std::int32_t> window_first;  // nodes + 1
  std::span<const double> windows;             // 2 * pairs
};

enum class PdptwObjective { kHierarchical, kDistance };

// What the search asks about the time; it never reads a clock itself. Asked every few dozen microseconds, by every
// thread.
class StopCheck {
 public:
  virtual ~StopCheck() = default;
  virtual double elapsed_fraction() = 0;  // of the time granted; >= 1: stop
};

struct PdptwImprovement {
  std::int64_t iteration;
  double fraction;
  std::int32_t unserved;
  std::int32_t vehicles;
  double distance;  // cost, without the prizes forgone
};

// Told of better plans as they are found, by each thread at most once for every thousandth of the budget and by one at
// a time.
class PlanListener {
 public:
  virtual ~PlanListener() = default;
  virtual void improved(const PdptwImprovement& now, const std::vector<std::vector<std::int32_t>>& routes) = 0;
};

struct PdptwOptions {
  PdptwObjective objective = PdptwObjective::kHierarchical;
  std::int64_t max_iterations = -1;  // of each thread; -1: until the StopCheck says so
  std::uint64_t seed = 0;
  std::int32_t threads = 1;  // searches with seeds of their own, which show each other their best plans
  StopCheck* stop = nullptr;
  PlanListener* listener = nullptr;
  std::vector<std::vector<std::int32_t>> initial;  // routes to start from; feasible ones are kept
  bool keep_pool = false;                          // fill PdptwResult::pool
};

struct PdptwResult {
  std::vector<std::vector<std::int32_t>> routes;  // node ids, depots left out
  std::vector<std::int32_t> types;                // of the vehicle of each route
  std::vector<std::int32_t> unserved;             // requests
  double distance = 0.0;                          // cost, without the prizes forgone
  std::int64_t iterations = 0;                    // of all threads
  std::vector<PdptwImprovement> history;          // of the thread that found the plan
  // Routes of complete plans seen on the way, of each set of requests the shortest known (to a thread); with
  // vehicles of one type and without prizes. Empty elsewhere, for plans searched in parts, and unless asked for.
  std::vector<std::vector<std::int32_t>> pool;
};

InputFault solve_pdptw(const PdptwProblem& problem, const PdptwOptions& options, PdptwResult& out);

}  // namespace matcher

#endif  // MATCHER_PDPTW_H
