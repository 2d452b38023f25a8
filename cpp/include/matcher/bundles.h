// Groups of orders of one store that are worth trying together.
//
// Problem.  Among n orders there are far too many subsets to price against every courier. Propose those that can pay:
// orders of one store and pick-up place, ready within a spread, whose doors lie on one way.
//
// Estimate.  For a bundle taken at once when its last order is ready (or now), by the drop-off sequence of least
// delay that keeps every freshness limit:
//   saving  courier time: out-and-back trips of each order alone, less the one tour that ends at the store again;
//   delay   customers' time: drop-offs later than if each order left alone when ready, plus what that adds beyond
//           the promises.
// Bundles are ranked by saving - delay. Sequences are exact (all of them, cut off by the best).
//
// Method.  Each order keeps its `neighbours` best partners: the 2 * neighbours best by the straight-line estimate are
// evaluated. Bundles of k + 1 are those of k, the `neighbours` best of each of their orders, plus a partner of any of
// their orders. Complexity O(sum over stores of orders^2) cheap scores + O(n * neighbours^2 * max_orders) evaluations.
//
// Ties: larger rank first, then fewer orders, then the lexicographically lower orders. Deterministic.
//
// G. Clarke, J. Wright: Scheduling of vehicles from a central depot to a number of delivery points. Operations Research
//   12 (1964).
// D. Reyes, A. Erera, M. Savelsbergh, S. Sahasrabudhe, R. O'Neil: The meal delivery routing problem. Optimization
//   Online (2018).
#ifndef MATCHER_BUNDLES_H
#define MATCHER_BUNDLES_H

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "matcher/schedule.h"

namespace matcher {

inline constexpr std::int32_t kMaxBundleOrders = 6;
inline constexpr std::int32_t kMaxBundleNeighbours = 64;

struct BundleProblem {
  PlaceColumns places;
  TravelModel travel;                   // that of courier 0 is used
  std::span<const std::int32_t> open;   // ascending indices of the orders to plan; all columns below are of all orders
  std::span<const std::int32_t> store;  // -1: never bundled
  std::span<const std::int32_t> pickup_loc, dropoff_loc;
  std::span<const std::int64_t> ready_ms, promised_by_ms, freshness_ms;
  std::span<const std::int32_t> size;
};

struct BundleRules {
  std::int32_t max_orders = 3;             // 1 .. kMaxBundleOrders
  std::int64_t ready_spread_ms = 600'000;  // largest difference of ready times, none counted as before now
  std::int32_t neighbours = 6;             // 0 .. kMaxBundleNeighbours
  std::int64_t max_bundles = 100'000;      // proposed at most; the best are kept
  std::int64_t max_size = std::numeric_limits<std::int64_t>::max();  // of a bundle's orders together
  const std::int32_t* cancelled = nullptr;  // any other thread may set it to non-zero; see core/cancel.h
};

// Units: every open order alone, ascending, then bundles by number of orders and lexicographically.
struct Bundles {
  std::vector<std::int32_t> unit_ptr;    // (units + 1,)
  std::vector<std::int32_t> unit_order;  // orders of a unit, ascending
  std::vector<std::int32_t> sequence;    // the same orders as they are dropped off
  std::vector<std::int64_t> saving_ms;   // (units,) 0 for single orders
  std::vector<std::int64_t> delay_ms;    // (units,) 0 for single orders
  std::int64_t dropped = 0;              // bundles beyond max_bundles
  bool cancelled = false;                // nothing is answered
};

// The first thing wrong with the arrays or rules; nothing is proposed then.
InputFault propose_bundles(const BundleProblem& problem, const BundleRules& rules, Bundles& out);

}  // namespace matcher

#endif  // MATCHER_BUNDLES_H
