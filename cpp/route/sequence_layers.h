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
#include "route/sequence_rests.h"

namespace matcher::route {

struct LayerAnswer {
  std::int64_t cost = std::numeric_limits<std::int64_t>::max();  // max: nothing within the limit
  bool exact = true;   // false: too many labels; something costs as much, or less
  bool unique = true;  // no other sequence is known to be able to cost the same
  std::array<std::size_t, kMaxSequenceStops> path{};
};

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
  bool in_time(const Set& set, std::int32_t label) const;
  Set& reach(std::int32_t index, std::uint32_t served);
  void describe(Set& set, std::uint32_t served);
  std::int64_t event_cost(const LayerStop& stop, std::int64_t event) const;
  std::int64_t& deadline(std::int32_t label, std::size_t stop) {
    return deadlines_[static_cast<std::size_t>(label) * rides_ + ride_of_[stop]];
  }

  const LayerProblem* problem_ = nullptr;
  SequenceRests rests_;
  std::vector<Set> sets_;              // those that were reached
  std::vector<std::int32_t> slot_of_;  // in `sets_`, by index of the set; -1: not reached
  std::vector<Label> labels_;
  std::vector<std::int64_t> deadlines_;  // of rides under way, by label
  struct Ranked {
    std::int64_t least;
    std::int32_t label;
  };
  std::vector<Ranked> ranked_;
  std::array<std::size_t, kMaxSequenceStops> ride_of_{};  // column of `deadlines_`
  std::size_t rides_ = 0;
  std::uint32_t limited_ = 0;  // drop-offs with a column
  std::uint64_t sweep_ = 0;
  std::int64_t limit_ = 0, labels_made_ = 0;
  LayerAnswer answer_;
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_SEQUENCE_LAYERS_H
