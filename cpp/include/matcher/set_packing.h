// Weighted set packing over (courier, bundle of orders) columns, with a price of waiting for each order left out.
//
// Problem.  Choose columns such that every courier and every order is in at most one chosen column; a column costs
// cost[k], an order in no chosen column costs wait[o]. Minimise the sum.
//
// Certificate.  Prices u_o <= wait[o] of orders (possibly negative) and p_c >= 0 of couriers with, for every column k,
//
//     cost[k] - sum(u_o : o in k) + p_courier[k] >= 0
//
// prove that no packing costs less than sum(u) - sum(p): linear programming duality. Prices are returned always, hold
// exactly in 64-bit integers, and can be checked in one pass by code that knows nothing of this file.
//
// Method.  Everything is done in terms of gains g_k = sum(wait of members) - cost[k]; columns without gain are dropped.
//   1. The columns with one order are an assignment problem (sparse_assignment.h): exact, with prices. If there are no
//      others, done.
//   2. Prices: deflected subgradient descent (Polyak steps towards the best packing known) on the Lagrangian that
//      prices orders and lets every courier choose; its optimum is that of the linear relaxation. Rounded to integers,
//      courier prices recomputed exactly, so each bound is valid whatever the arithmetic before it.
//   3. Packing: dives that fix the columns couriers pick most and price the rest anew, with a bounded tree
//      search for the last columns, first over everything, then over large parts of the best packing; small
//      neighbourhoods are searched depth-first. Work goes to the kind of neighbourhood that gains more for it. Where
//      large ones were gaining and nothing does any more, new packings are dived for and crossed with each other.
//   4. Proof: a packing falls short of the bound by the reduced costs of its columns plus the prices of the rows it
//      leaves free. Depth-first search over rows enumerates what loses less than the best packing, split into
//      independent components; when it ends within its share of the work, the packing is optimal.
//
// Complexity.  Bounded by max_iterations: one iteration is 1000 visits of a column's member, 2 to 4 microseconds.
// Memory O(columns and members).
//
// Ties and determinism.  Equal input gives equal output: fixed pseudo-random sequence, IEEE arithmetic without libm, no
// clock. Among equal columns the lowest index wins; a column without gain is never chosen.
//
// M. Held, P. Wolfe, H. Crowder: Validation of subgradient optimization. Mathematical Programming 6 (1974).
// P. Camerini, L. Fratta, F. Maffioli: On improving relaxation methods by modified gradient techniques. Mathematical
//   Programming Study 3 (1975).
// A. Caprara, M. Fischetti, P. Toth: A heuristic method for the set covering problem. Operations Research 47 (1999).
#ifndef MATCHER_SET_PACKING_H
#define MATCHER_SET_PACKING_H

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace matcher {

// Stands for "no price known" in PackingOptions::order_price.
inline constexpr std::int64_t kUnknownPrice = std::numeric_limits<std::int64_t>::min();

struct PackingProblem {
  std::int32_t n_orders = 0;
  std::int32_t n_couriers = 0;
  std::span<const std::int32_t> courier;  // (columns,)
  std::span<const std::int32_t> ptr;      // (columns + 1,) column k has the orders order[ptr[k]:ptr[k+1]]
  std::span<const std::int32_t> order;    // members, distinct within a column, at least one
  std::span<const std::int64_t> cost;     // (columns,) may be negative
  std::span<const std::int64_t> wait;     // (n_orders,) >= 0
};

struct PackingOptions {
  std::int64_t max_iterations = 100'000;
  // Prices of an earlier solve to start from; empty for none. Any values are safe. An order at kUnknownPrice is priced
  // from courier_price, if given.
  std::span<const std::int64_t> order_price;
  std::span<const std::int64_t> courier_price;
  const std::int32_t* cancelled = nullptr;  // any other thread may set it to non-zero; see core/cancel.h
};

enum class PackingStatus : std::uint8_t {
  kOptimal,    // lower_bound == total
  kStopped,    // the work is used up, or more would not help; the packing and both bounds hold
  kOverflow,   // costs too large for exact sums: (orders + couriers + 1) x the largest magnitude reaches 2^62
  kInvalid,    // arrays contradict each other; see check_packing
  kCancelled,  // nothing is answered
};

struct PackingSolution {
  PackingStatus status = PackingStatus::kStopped;
  std::vector<std::int32_t> chosen;  // column indices, ascending
  std::int64_t total = 0;
  std::int64_t lower_bound = 0;  // proven: max of price_bound and what the search has shown
  std::int64_t price_bound = 0;  // sum(order_price) - sum(courier_price)
  std::vector<std::int64_t> order_price;
  std::vector<std::int64_t> courier_price;
  std::int64_t iterations = 0;  // work done, never much above max_iterations
};

// What is wrong with a problem's arrays.
enum class PackingFault : std::uint8_t {
  kNone,
  kNegativeCount,
  kArrayLengths,
  kPointerOrder,
  kEmptyColumn,
  kOrderRange,
  kOrderTwice,
  kCourierRange,
  kNegativeWait,
};

// First fault of the arrays; `at` receives the column (or order) it is in.
PackingFault check_packing(const PackingProblem& problem, std::int64_t& at);

PackingSolution solve_packing(const PackingProblem& problem, const PackingOptions& options = {});

}  // namespace matcher

#endif  // MATCHER_SET_PACKING_H
