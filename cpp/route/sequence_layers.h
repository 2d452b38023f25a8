// All sequences of one courier's stops at once, by the number of stops made: matcher/sequence.h states the problem.
//
// A label is a beginning: when it leaves its last stop and what it has cost. Labels of the same stops served and the
// same last one compete before anything else is asked of them; those left are held to a bound of the rest and go on.
// Only for stops that all have visits of their own: a visit that may still grow has no time to compare.
#ifndef MATCHER_ROUTE_SEQUENCE_LAYERS_H
#define MATCHER_ROUTE_SEQUENCE_LAYERS_H

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

struct LayerAnswer {
  std::int64_t cost = std::numeric_limits<std::int64_t>::max();  // max: nothing within the limit
  bool exact = true;   // false: too many labels; something costs as much, or less
  bool unique = true;  // no other sequence is known to be able to cost the same
  std::array<std::size_t, kMaxSequenceStops> path{};
};

// Sets of stops that may have been served: each order counts the states that it can be in.
std::size_t layer_sets(const LayerProblem& problem);

class SequenceLayers {
 public:
  // The cheapest sequence that costs at most `limit`. Gives up at 2^18 labels. Needs layer_sets() <= kMaxLayerSets.
  LayerAnswer run(const LayerProblem& problem, std::int64_t limit);
  std::int64_t labels() const { return labels_made_; }

 private:
  static constexpr std::int32_t kNoLabel = -1;

  struct Label {
    std::int64_t time_ms, cost;  // departure from the last stop; less the value of the courier's latest start
    std::int64_t least;          // no way to go on costs less
    std::int32_t parent, next;   // next: of the same set and last stop
    std::int32_t set;
    std::uint8_t last;
    bool beaten, tied;  // tied: another beginning costs the same
  };

  enum class Standing : std::uint8_t { kOpen, kMayTie, kBetter };

  // What is the same for all labels that have served a set of stops.
  struct Set {
    std::uint64_t sweep = 0;
    std::uint32_t follow = 0;                    // stops that may come next
    std::uint32_t pickups = 0, dropoffs = 0;     // left
    std::uint32_t aboard = 0;                    // drop-offs left whose pick-up is served, with a limited ride
    bool limited = false;                        // a ride with a limit is still to begin
    std::int64_t calm_ms = 0;                    // who leaves no sooner never waits again
    std::int64_t unhurried_ms = 0;               // who leaves no later comes within every window, whatever the sequence
    std::int64_t least_rate = 0, most_rate = 0;  // cost of leaving a ms later: at least, once calm; at most
    std::int64_t way_ms = 0, stays_ms = 0;       // of the stops left
    std::size_t due_count = 0;                   // drop-offs left
    std::int64_t since_sum_ms = 0;               // of those
    std::int64_t left_sum_ms = 0;                // their hand-overs one by one, leaving at 0
    std::size_t in_turn = 0;                     // first of the set's in `in_turn_`
    std::array<std::int32_t, kMaxSequenceStops> first;  // label, by last stop
  };

  const Set& set_of(std::int32_t index) const {
    return sets_[static_cast<std::size_t>(slot_of_[static_cast<std::size_t>(index)])];
  }
  bool sweep(std::size_t width);
  void expand(std::int32_t from);
  void drop_newest();
  bool is_beaten(const Set& set, std::int32_t label);
  void enter(Set& set, std::int32_t label);
  Standing beats(const Set& set, std::int32_t a, std::int32_t b) const;
  std::int64_t bound(std::int32_t label);
  Set& reach(std::int32_t index, std::uint32_t served);
  void describe(Set& set, std::uint32_t served);
  std::int64_t event_cost(const LayerStop& stop, std::int64_t event) const;
  std::int64_t& deadline(std::int32_t label, std::size_t stop) {
    return deadlines_[static_cast<std::size_t>(label) * rides_ + ride_of_[stop]];
  }

  const LayerProblem* problem_ = nullptr;
  std::vector<Set> sets_;              // those that were reached
  std::vector<std::int32_t> slot_of_;  // in `sets_`, by index of the set; -1: not reached
  std::vector<Label> labels_;
  std::vector<std::int64_t> deadlines_;  // of rides under way, by label
  // The i-th of a set's drop-offs, made one after the other: when at least, leaving at 0; and the i-th promise.
  struct InTurn {
    std::int64_t left_ms, due_ms;
  };
  std::vector<InTurn> in_turn_;
  struct Ranked {
    std::int64_t least;
    std::int32_t label;
  };
  std::vector<Ranked> ranked_;
  std::array<std::int32_t, kMaxSequenceStops> step_{};    // of the set's index when the stop is served
  std::array<std::size_t, kMaxSequenceStops> ride_of_{};  // column of `deadlines_`
  std::array<std::size_t, kMaxSequenceStops> by_step_{}, by_due_{};
  std::array<std::int64_t, kMaxSequenceStops> soonest_{};
  std::size_t rides_ = 0, due_count_ = 0;
  std::uint32_t limited_ = 0;  // drop-offs with a column
  std::uint64_t sweep_ = 0;
  std::int64_t limit_ = 0, labels_made_ = 0;
  LayerAnswer answer_;
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_SEQUENCE_LAYERS_H
