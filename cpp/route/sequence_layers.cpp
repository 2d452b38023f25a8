#include "route/sequence_layers.h"

#include <algorithm>
#include <bit>

namespace matcher::route {
namespace {

constexpr std::int64_t kNoCost = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kSetsAtFirst = 256;
constexpr std::size_t kMostLabels = 1U << 18;
constexpr std::size_t kLabelsKept = 1U << 14;  // more are given back
constexpr std::size_t kTrialWidth = 3;         // labels of a layer that go on in the first sweep
constexpr std::size_t kTrialWidthOfRides = 8;  // likewise, where those that look cheapest may be out of time

std::size_t index_of(std::int32_t label) { return static_cast<std::size_t>(label); }

// Calls visit(stop) for every stop of a bit set.
template <class Visit>
void each(std::uint32_t stops, Visit&& visit) {
  for (; stops != 0; stops &= stops - 1) visit(static_cast<std::size_t>(std::countr_zero(stops)));
}

}  // namespace

LayerAnswer SequenceLayers::run(const LayerProblem& problem, std::int64_t limit) {
  problem_ = &problem;
  limit_ = limit;
  labels_made_ = 0;
  answer_ = {};
  rides_ = 0;
  limited_ = 0;
  for (std::size_t k = 0; k < problem.count; ++k) {
    const LayerStop& stop = problem.stops[k];
    if (!stop.paired || stop.ride_ms >= kNeverMs) continue;
    ride_of_[k] = rides_++;
    limited_ |= 1U << k;
  }
  rests_.prepare(problem);
  slot_of_.assign(layer_sets(problem), -1);
  sets_.clear();
  sets_.reserve(kSetsAtFirst);
  sweep(rides_ > 0 ? kTrialWidthOfRides : kTrialWidth);
  limit_ = std::min(limit_, answer_.cost);
  const std::int64_t tried = answer_.cost;
  answer_ = {};
  if (!sweep(std::numeric_limits<std::size_t>::max())) {
    answer_.cost = tried;
    answer_.exact = false;
  }
  if (labels_.capacity() > kLabelsKept) {
    labels_ = {};
    deadlines_ = {};
  }
  return answer_;
}

// By layers, `width` labels of each at most. False when there are too many.
bool SequenceLayers::sweep(std::size_t width) {
  ++sweep_;
  labels_.assign(1, {problem_->start_ms, problem_->start_cost, 0, kNoLabel, kNoLabel, 0,
                     static_cast<std::uint8_t>(kMaxSequenceStops), false, false});
  deadlines_.assign(rides_, 0);
  reach(0, 0);
  for (std::size_t depth = 0, begin = 0; depth < problem_->count; ++depth) {
    const std::size_t layer_end = labels_.size();
    ranked_.clear();
    for (; begin < layer_end; ++begin) {
      if (!labels_[begin].beaten) ranked_.push_back({labels_[begin].least, static_cast<std::int32_t>(begin)});
    }
    if (ranked_.size() > width) {
      std::nth_element(
          ranked_.begin(), ranked_.begin() + static_cast<std::ptrdiff_t>(width), ranked_.end(),
          [](const auto& a, const auto& b) { return a.least != b.least ? a.least < b.least : a.label < b.label; });
      ranked_.resize(width);
    }
    for (const Ranked& one : ranked_) {
      if (labels_.size() > kMostLabels) return false;
      expand(one.label);
    }
    if (depth + 1 < problem_->count) continue;
    std::int32_t best = kNoLabel;
    for (std::size_t k = layer_end; k < labels_.size(); ++k) {
      const Label& label = labels_[k];
      const std::int64_t cost = label.cost + problem_->weights[kCourierTime] * label.time_ms;
      if (label.beaten || cost > limit_ || cost > answer_.cost) continue;
      if (cost == answer_.cost) {
        answer_.unique = false;
        continue;
      }
      answer_.cost = cost;
      answer_.unique = true;
      best = static_cast<std::int32_t>(k);
    }
    for (std::size_t at = problem_->count; best != kNoLabel && at > 0; best = labels_[index_of(best)].parent) {
      answer_.path[--at] = labels_[index_of(best)].last;
      answer_.unique &= !labels_[index_of(best)].tied;
    }
  }
  labels_made_ += static_cast<std::int64_t>(labels_.size());
  return true;
}

std::int64_t SequenceLayers::event_cost(const LayerStop& stop, std::int64_t event) const {
  const auto& w = problem_->weights;
  if (stop.is_pickup) return w[kPickupDelay] * (event - stop.since_ms);
  const std::int64_t late = event - stop.promised_by_ms;
  return w[kClickToDoor] * (event - stop.since_ms) + w[kLateness] * std::max<std::int64_t>(0, late) +
         w[kSevereLateness] * std::max<std::int64_t>(0, late - problem_->severe_after_ms);
}

void SequenceLayers::expand(std::int32_t from) {
  const Label label = labels_[index_of(from)];
  const Set& set = set_of(label.set);
  const std::uint32_t follow = set.follow;
  const std::uint32_t served = ~(set.pickups | set.dropoffs) & ((1U << problem_->count) - 1);
  each(follow, [&](std::size_t k) {
    const LayerStop& stop = problem_->stops[k];
    const std::int64_t travel = (*problem_->travel)[label.last][k];
    const std::int64_t event = std::max(label.time_ms + travel + stop.access_ms, stop.earliest_ms);
    const bool limited = (limited_ >> k & 1U) != 0;
    if (event > stop.latest_ms || (limited && event > deadline(from, k))) return;
    std::int64_t cost = label.cost + problem_->weights[kTravel] * travel + event_cost(stop, event);
    if (label.parent == kNoLabel && !problem_->begun) {
      cost -= problem_->weights[kCourierTime] * (event - stop.access_ms - travel);
    }
    const std::int32_t reached_set = label.set + rests_.step(k);
    const std::int64_t left = event + stop.leave_ms;
    const std::int64_t rest = rests_.least(reached_set, k, left);
    if (rest == kNoCost || cost + rest > limit_) return;
    const auto made = static_cast<std::int32_t>(labels_.size());
    labels_.push_back(
        {left, cost, cost + rest, from, kNoLabel, reached_set, static_cast<std::uint8_t>(k), false, false});
    if (rides_ > 0) {
      deadlines_.resize(deadlines_.size() + rides_);
      std::copy_n(deadlines_.begin() + static_cast<std::ptrdiff_t>(index_of(from) * rides_), rides_,
                  deadlines_.end() - static_cast<std::ptrdiff_t>(rides_));
      if (stop.is_pickup && (limited_ >> stop.partner & 1U) != 0) {
        deadline(made, stop.partner) = event + problem_->stops[stop.partner].ride_ms;
      }
    }
    Set& reached = reach(reached_set, served | 1U << k);
    if (!in_time(reached, made) || is_beaten(reached, made)) return drop_newest();
    enter(reached, made);
  });
}

// Whether every order on board can still be delivered before its ride is too long.
bool SequenceLayers::in_time(const Set& set, std::int32_t label) const {
  const Label& from = labels_[index_of(label)];
  for (std::uint32_t rides = set.aboard; rides != 0; rides &= rides - 1) {
    const auto k = static_cast<std::size_t>(std::countr_zero(rides));
    const std::int64_t soonest = from.time_ms + (*problem_->closure)[from.last][k] + problem_->stops[k].access_ms;
    if (soonest > deadlines_[index_of(label) * rides_ + ride_of_[k]]) return false;
  }
  return true;
}

void SequenceLayers::drop_newest() {
  labels_.pop_back();
  deadlines_.resize(deadlines_.size() - rides_);
}

bool SequenceLayers::is_beaten(const Set& set, std::int32_t made) {
  for (std::int32_t k = set.first[labels_[index_of(made)].last]; k != kNoLabel; k = labels_[index_of(k)].next) {
    const Standing standing = beats(set, k, made);
    if (standing == Standing::kOpen) continue;
    labels_[index_of(k)].tied |= standing == Standing::kMayTie;
    return true;
  }
  return false;
}

// Puts a label beside those of its set and last stop, in place of those that it beats.
void SequenceLayers::enter(Set& set, std::int32_t made) {
  Label& label = labels_[index_of(made)];
  std::int32_t* link = &set.first[label.last];
  while (*link != kNoLabel) {
    Label& other = labels_[index_of(*link)];
    const Standing standing = beats(set, made, *link);
    if (standing == Standing::kOpen) {
      link = &other.next;
      continue;
    }
    label.tied |= standing == Standing::kMayTie;
    other.beaten = true;
    *link = other.next;
  }
  label.next = set.first[label.last];
  set.first[label.last] = made;
}

// Whether every way to go on from b is open to a and no dearer there. Who leaves later is later at every stop to come,
// by at most as much, and for less time on board. Who leaves earlier may wait on the way, which nobody does on purpose:
// with an order on board whose ride is limited, or for nothing. Once calm, every stop to come is as much earlier.
SequenceLayers::Standing SequenceLayers::beats(const Set& set, std::int32_t a, std::int32_t b) const {
  const Label &one = labels_[index_of(a)], &two = labels_[index_of(b)];
  const std::int64_t earlier = two.time_ms - one.time_ms;
  std::int64_t gain = two.cost - one.cost, shift = 0;  // of deadlines
  if (earlier < 0) {
    gain += earlier * set.most_rate;
    shift = earlier;
  } else if (one.time_ms >= set.calm_ms) {
    gain += earlier * set.least_rate;
    shift = earlier;
  }
  if (gain < 0 || (earlier < 0 && one.time_ms > set.unhurried_ms)) return Standing::kOpen;
  if (set.limited && earlier > shift) return Standing::kOpen;
  for (std::uint32_t rides = set.aboard; rides != 0; rides &= rides - 1) {
    const std::size_t ride = ride_of_[static_cast<std::size_t>(std::countr_zero(rides))];
    if (deadlines_[index_of(a) * rides_ + ride] < deadlines_[index_of(b) * rides_ + ride] - shift) {
      return Standing::kOpen;
    }
  }
  return gain > 0 ? Standing::kBetter : Standing::kMayTie;
}

SequenceLayers::Set& SequenceLayers::reach(std::int32_t index, std::uint32_t served) {
  std::int32_t& slot = slot_of_[index_of(index)];
  if (slot < 0) {
    slot = static_cast<std::int32_t>(sets_.size());
    describe(sets_.emplace_back(), served);
  }
  Set& set = sets_[index_of(slot)];
  if (set.sweep != sweep_) {
    set.first.fill(kNoLabel);
    set.sweep = sweep_;
  }
  return set;
}

void SequenceLayers::describe(Set& set, std::uint32_t served) {
  set.follow = set.pickups = set.dropoffs = set.aboard = 0;
  set.limited = false;
  set.calm_ms = std::numeric_limits<std::int64_t>::min();
  set.least_rate = set.most_rate = problem_->weights[kCourierTime];
  auto load = problem_->load;
  each(served, [&](std::size_t k) {
    for (std::size_t d = 0; d < problem_->dimensions; ++d) load[d] += problem_->stops[k].load[d];
  });
  std::int64_t latest = kNeverMs, longest = 0, opening = std::numeric_limits<std::int64_t>::min();
  for (std::size_t k = 0; k < problem_->count; ++k) {
    if ((served >> k & 1U) != 0) continue;
    const LayerStop& stop = problem_->stops[k];
    set.calm_ms = std::max(set.calm_ms, stop.earliest_ms - stop.access_ms - stop.way_in_ms);
    latest = std::min(latest, stop.latest_ms);
    opening = std::max(opening, stop.earliest_ms);
    longest += stop.long_way_ms + stop.access_ms + stop.leave_ms;
    const auto& w = problem_->weights;
    set.least_rate += stop.is_pickup ? w[kPickupDelay] : w[kClickToDoor];
    set.most_rate += stop.is_pickup ? w[kPickupDelay] : w[kClickToDoor] + w[kLateness] + w[kSevereLateness];
    if (stop.is_pickup) {
      set.pickups |= 1U << k;
      bool fits = true;
      for (std::size_t d = 0; d < problem_->dimensions; ++d) {
        fits &= stop.load[d] <= 0 || load[d] + stop.load[d] <= problem_->room[d];
      }
      if (fits) set.follow |= 1U << k;
      continue;
    }
    set.dropoffs |= 1U << k;
    const bool aboard = !stop.paired || (served >> stop.partner & 1U) != 0;
    const bool limited = (limited_ >> k & 1U) != 0;
    set.limited |= limited && !aboard;
    if (!aboard) continue;
    set.follow |= 1U << k;
    if (limited) set.aboard |= 1U << k;
  }
  const std::int64_t hurry = latest - longest;
  set.unhurried_ms = opening <= hurry ? hurry : std::numeric_limits<std::int64_t>::min();
}

}  // namespace matcher::route
