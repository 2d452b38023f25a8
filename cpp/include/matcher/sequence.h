// The best order of the stops that one courier has.
//
// Problem: a courier's route is a set of stops: pick-ups, drop-offs, and drop-offs of orders on board. In which
// sequence is it driven at least cost? Pick-ups come before their drop-offs; the first `locked` stops stay where they
// are; the courier stays where the route ends. Limits and times are those of schedule.h, with further dimensions of
// load where wanted; cost is the weighted sum of its quantities, so lateness and delays are soft and time windows hard.
//
// Method: up to six free stops, and where stops may share a visit: depth-first branch and bound over the first stop to
// come, the child with the least bound first. Its bound: the hand-over of each stop that is left at the earliest time
// that the closure of the travel times allows, through its own pick-up; or all of them one after the other, each by its
// shortest way in.
// Else all beginnings at once, by the number of stops made. For every set of stops served and every last one of it, two
// passes over the sets find the soonest time there, and what the rest costs at least for who leaves then or later:
// exactly what it costs where nobody waits and who is late stays late. A first sweep that keeps few beginnings gives
// the cost to beat; few others can still meet it. Of those that have served the same stops and end at the same one, one
// stands for another if it is earlier and no dearer, or later and cheaper by more than the delay can cost. Where rides
// still to begin are limited, who is early may wait on board, so that only an equally late one, a later one, or one
// with nothing left to wait for stands for another. Beyond 6561 sets of stops served or 2^18 beginnings branch and
// bound takes over.
//
// Complexity: exponential in the stops, in practice a hundred microseconds for 12. Exact. Ties: the present sequence,
// when it keeps the limits and nothing is cheaper; else the one that branch and bound comes to first, which is the same
// on every machine: where the layers see that several may cost the least, it searches on with their cost.
#ifndef MATCHER_SEQUENCE_H
#define MATCHER_SEQUENCE_H

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "matcher/schedule.h"

namespace matcher {

inline constexpr std::size_t kMaxSequenceStops = 16;  // that are not locked
inline constexpr std::size_t kMaxLoadDimensions = 4;  // besides the size

struct SequenceOptions {
  std::array<std::int64_t, kQuantityCount> weights{};  // micros per second, 0 .. 10^6
  // Further dimensions of load: of every order and every courier, row by row; both empty when there are none.
  std::span<const std::int32_t> more_size, more_capacity;
};

struct SequencedRoutes {
  // As the market's columns: the stops of every courier in their best sequence; the present one where none is feasible.
  std::vector<std::int32_t> stop_order;
  std::vector<std::int8_t> stop_kind;
  std::vector<std::uint8_t> feasible;  // per courier: some sequence keeps every limit; locked stops are not asked
  std::vector<std::int64_t> cost;      // per courier, micro-ms per second, of the sequence given; 0 where infeasible
  std::vector<std::int64_t> nodes;     // per courier: beginnings that were looked at
};

// Every route of the market. Each must be complete: a pick-up with its drop-off, no stop twice; the present sequence
// need not be possible. Times lie within 2^34 ms of the clock, routes have at most 64 stops. Skills are not looked at:
// who has an order may serve it.
InputFault best_sequences(const Market& market, const SequenceOptions& options, SequencedRoutes& out);

}  // namespace matcher

#endif  // MATCHER_SEQUENCE_H
