// What is left of a sequence of one courier's stops costs at least: matcher/sequence.h states the problem.
//
// For every set of stops served and every last one of it: the earliest time at which the last one can be left (a pass
// over the sets, the small ones first), then the least cost of the rest for who leaves it then, and by how much each ms
// later makes that dearer at least (a pass back). Ride limits are left out, and the rest of a state may be costed from
// another sequence's time: so these are bounds, exact where nobody waits and who is late stays late.
#ifndef MATCHER_ROUTE_SEQUENCE_RESTS_H
#define MATCHER_ROUTE_SEQUENCE_RESTS_H

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "matcher/sequence.h"

namespace matcher::route {

inline constexpr std::size_t kMaxLayerSets = 6561;  // eight orders, each not picked up, on board or delivered

using SequenceTravel = std::array<std::array<std::int64_t, kMaxSequenceStops>, kMaxSequenceStops + 1>;

// One stop; `latest_ms` holds for orders on board from the beginning the end of their ride, too.
struct LayerStop {
  std::int64_t earliest_ms = 0, latest_ms = 0, access_ms = 0, leave_ms = 0;
  std::int64_t since_ms = 0;        // what its delay is counted from
  std::int64_t promised_by_ms = 0;  // drop-offs
  std::int64_t ride_ms = kNeverMs;  // drop-offs whose pick-up is among the stops
  std::int64_t way_in_ms = 0;       // the shortest, from any other place
  std::int64_t long_way_ms = 0;     // the longest
  std::size_t partner = 0;          // the other stop of the order; of drop-offs only with `paired`
  bool is_pickup = false, paired = false;
  std::array<std::int64_t, 1 + kMaxLoadDimensions> load{};
};

struct LayerProblem {
  std::size_t count = 0, dimensions = 1;
  std::array<LayerStop, kMaxSequenceStops> stops;
  const SequenceTravel* travel = nullptr;   // row kMaxSequenceStops: from where the sequence starts
  const SequenceTravel* closure = nullptr;  // no way from a to b is shorter
  std::int64_t start_ms = 0, start_cost = 0;
  bool begun = false;  // a visit has been made: the start of the courier is settled and in `start_cost`
  std::array<std::int64_t, 1 + kMaxLoadDimensions> load{}, room{};
  std::array<std::int64_t, kQuantityCount> weights{};
  std::int64_t severe_after_ms = 0;
};

// Sets of stops that may have been served: each order counts the states that it can be in.
std::size_t layer_sets(const LayerProblem& problem);

class SequenceRests {
 public:
  static constexpr std::int64_t kNoCost = std::numeric_limits<std::int64_t>::max();

  // Needs layer_sets() <= kMaxLayerSets.
  void prepare(const LayerProblem& problem);

  // A set of stops served is the sum of their steps.
  std::int32_t step(std::size_t stop) const { return static_cast<std::int32_t>(step_of_[order_of_[stop]]); }

  // The least cost of the stops that are not in the set, for who leaves `last` of it then; kNoCost: none keeps the
  // windows.
  std::int64_t least(std::int32_t set, std::size_t last, std::int64_t time_ms) const {
    const std::size_t at = static_cast<std::size_t>(set) * orders_ + order_of_[last];
    const Rest& rest = rests_[at];
    if ((reached_[static_cast<std::size_t>(set)] >> order_of_[last] & 1U) == 0 || time_ms > rest.latest_ms)
      return kNoCost;
    return rest.cost + rest.rate * std::max<std::int64_t>(0, time_ms - rest.from_ms);
  }

 private:
  static constexpr std::size_t kMostOrders = kMaxSequenceStops;
  static constexpr std::int64_t kUnreached = std::int64_t{1} << 60;  // further than any time, and far from overflow

  // The rest costs `cost` until `from_ms`, then `rate` more for each ms; nothing keeps its window after `latest_ms`.
  struct Rest {
    std::int64_t latest_ms, from_ms, cost, rate;
  };
  // A stop that may come next, and what follows it: its event costs `cost`, and `rate` more for each ms after 0.
  struct Next {
    std::size_t stop;
    std::int64_t access_ms, earliest_ms, latest_ms, promised_by_ms;
    std::int64_t from_ms, cost, event_rate, rate;
  };

  void number();
  void find_rides();
  void count_on();
  void count_back();
  void load(std::size_t order, std::size_t stop, std::int64_t times);
  bool may_ride() const;
  std::uint32_t look_ahead(std::size_t set);
  bool fits(const LayerStop& stop) const;
  void look_back(std::size_t set);
  void settle(std::size_t from, std::int64_t soonest, std::size_t count, Rest& rest) const;

  const LayerProblem* problem_ = nullptr;
  std::size_t orders_ = 0, sets_ = 0;
  bool loads_bind_ = false;
  std::array<std::size_t, kMaxSequenceStops> order_of_{};  // by stop
  // By order: its stops in turn and their number, and by how much each makes the index of a set greater.
  std::array<std::array<std::size_t, 2>, kMostOrders> stops_of_{};
  std::array<std::uint8_t, kMostOrders> most_{};
  std::array<std::size_t, kMostOrders> step_of_{};
  // Orders, as bits, that cannot be on board where a stop is made, or together with another order.
  std::array<std::uint32_t, kMaxSequenceStops> never_at_{};
  std::array<std::uint32_t, kMostOrders> never_with_{};
  std::uint32_t limited_ = 0;  // those that some other one cannot ride with

  // The set in hand: stops made by order, what they leave on board, and which orders of those picked up on the way.
  std::array<std::uint8_t, kMostOrders> made_{};
  std::array<std::int64_t, 1 + kMaxLoadDimensions> load_{};
  std::uint32_t aboard_ = 0;
  std::array<Next, kMostOrders> nexts_;

  std::vector<std::uint32_t> reached_;  // by set: orders, as bits, that can be the last one served
  std::vector<std::int64_t> soonest_;   // by set, then order of the last stop: when it can be left
  std::vector<Rest> rests_;             // likewise
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_SEQUENCE_RESTS_H
