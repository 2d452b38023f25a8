#include "route/sequence_layers.h"

#include <algorithm>
#include <bit>

namespace matcher::route {
namespace {

constexpr std::int64_t kNoCost = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kSetsAtFirst = 256;
constexpr std::size_t kMostLabels = 1U << 18;
constexpr std::size_t kLabelsKept = 1U << 14;  // more are given back
constexpr std::size_t kTrialWidth = 12;        // labels of a layer that go on in the first sweep

std::size_t index_of(std::int32_t label) { return static_cast<std::size_t>(label); }

// Calls visit(stop) for every stop of a bit set.
template <class Visit>
void each(std::uint32_t stops, Visit&& visit) {
  for (; stops != 0; stops &= stops - 1) visit(static_cast<std::size_t>(std::countr_zero(stops)));
}

}  // namespace

std::size_t layer_sets(const LayerProblem& problem) {
  std::size_t sets = 1;
  for (std::size_t k = 0; k < problem.count; ++k) {
    if (!problem.stops[k].is_pickup) sets *= problem.stops[k].paired ? 3 : 2;
  }
  return sets;
}

LayerAnswer SequenceLayers::run(const LayerProblem& problem, std::int64_t limit) {
  problem_ = &problem;
  limit_ = limit;
  labels_made_ = 0;
  answer_ = {};
  rides_ = due_count_ = 0;
  limited_ = 0;
  std::int32_t step = 1;
  for (std::size_t k = 0; k < problem.count; ++k) {
    const LayerStop& stop = problem.stops[k];
    by_step_[k] = k;
    if (stop.is_pickup) continue;
    by_due_[due_count_++] = k;
    step_[k] = step;
    if (stop.paired) step_[stop.partner] = step;
    step *= stop.paired ? 3 : 2;
    if (!stop.paired || stop.ride_ms >= kNeverMs) continue;
    ride_of_[k] = rides_++;
    limited_ |= 1U << k;
  }
  slot_of_.assign(index_of(step), -1);
  sets_.clear();
  sets_.reserve(kSetsAtFirst);
  in_turn_.clear();
  const auto stay = [&](std::size_t k) {
    const LayerStop& stop = problem.stops[k];
    return stop.way_in_ms + stop.access_ms + stop.leave_ms;
  };
  const auto end = [](auto& array, std::size_t count) { return array.begin() + static_cast<std::ptrdiff_t>(count); };
  std::sort(by_step_.begin(), end(by_step_, problem.count), [&](auto a, auto b) { return stay(a) < stay(b); });
  std::sort(by_due_.begin(), end(by_due_, due_count_),
            [&](auto a, auto b) { return problem.stops[a].promised_by_ms < problem.stops[b].promised_by_ms; });
  sweep(kTrialWidth);
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
    const auto made = static_cast<std::int32_t>(labels_.size());
    labels_.push_back({event + stop.leave_ms, cost, 0, from, kNoLabel, label.set + step_[k],
                       static_cast<std::uint8_t>(k), false, false});
    if (rides_ > 0) {
      deadlines_.resize(deadlines_.size() + rides_);
      std::copy_n(deadlines_.begin() + static_cast<std::ptrdiff_t>(index_of(from) * rides_), rides_,
                  deadlines_.end() - static_cast<std::ptrdiff_t>(rides_));
      if (stop.is_pickup && (limited_ >> stop.partner & 1U) != 0) {
        deadline(made, stop.partner) = event + problem_->stops[stop.partner].ride_ms;
      }
    }
    Set& reached = reach(label.set + step_[k], served | 1U << k);
    if (is_beaten(reached, made)) return drop_newest();
    labels_.back().least = bound(made);
    if (labels_.back().least > limit_) return drop_newest();
    enter(reached, made);
  });
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

// No way to go on costs less; kNoCost: none keeps the limits, or the limit of the cost. The i-th drop-off to come is no
// sooner than the i-th of all that could be made at once, and than the i-th when they are made one after the other.
std::int64_t SequenceLayers::bound(std::int32_t label) {
  const Label& from = labels_[index_of(label)];
  const Set& set = set_of(from.set);
  const auto& w = problem_->weights;
  const std::int64_t now = from.time_ms, severe_after = problem_->severe_after_ms;
  const std::int64_t on_way = from.cost + w[kTravel] * set.way_ms;
  const std::int64_t in_turn = static_cast<std::int64_t>(set.due_count) * now + set.left_sum_ms;
  const bool begun = from.parent != kNoLabel || problem_->begun;
  std::int64_t finish = now + set.way_ms + set.stays_ms;
  if (begun && on_way + w[kClickToDoor] * (in_turn - set.since_sum_ms) + w[kCourierTime] * finish > limit_) {
    return kNoCost;
  }
  const auto& closure = (*problem_->closure)[from.last];
  std::int64_t delay = 0, late = 0, severe = 0;
  std::size_t count = 0;
  std::array<std::int64_t, kMaxSequenceStops> soonest_dropoffs;
  for (std::uint32_t left = set.pickups; left != 0; left &= left - 1) {
    const auto k = static_cast<std::size_t>(std::countr_zero(left));
    const LayerStop& stop = problem_->stops[k];
    const std::int64_t soonest = std::max(now + closure[k] + stop.access_ms, stop.earliest_ms);
    if (soonest > stop.latest_ms) return kNoCost;
    soonest_[k] = soonest + stop.leave_ms;
    finish = std::max(finish, soonest_[k]);
    delay += soonest - stop.since_ms;
  }
  for (std::uint32_t left = set.dropoffs; left != 0; left &= left - 1) {
    const auto k = static_cast<std::size_t>(std::countr_zero(left));
    const LayerStop& stop = problem_->stops[k];
    std::int64_t soonest = now + closure[k];
    if (stop.paired && (set.pickups >> stop.partner & 1U) != 0) {
      soonest = std::max(soonest, soonest_[stop.partner] + (*problem_->closure)[stop.partner][k]);
    }
    soonest = std::max(soonest + stop.access_ms, stop.earliest_ms);
    if (soonest > stop.latest_ms || ((set.aboard >> k & 1U) != 0 && soonest > deadline(label, k))) return kNoCost;
    finish = std::max(finish, soonest + stop.leave_ms);
    late += std::max<std::int64_t>(0, soonest - stop.promised_by_ms);
    severe += std::max<std::int64_t>(0, soonest - stop.promised_by_ms - severe_after);
    std::size_t place = count++;
    for (; place > 0 && soonest_dropoffs[place - 1] > soonest; --place) {
      soonest_dropoffs[place] = soonest_dropoffs[place - 1];
    }
    soonest_dropoffs[place] = soonest;
  }
  std::int64_t events = 0, late_in_turn = 0, severe_in_turn = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t event = std::max(soonest_dropoffs[i], now + in_turn_[set.in_turn + i].left_ms);
    events += event;
    late_in_turn += std::max<std::int64_t>(0, event - in_turn_[set.in_turn + i].due_ms);
    severe_in_turn += std::max<std::int64_t>(0, event - in_turn_[set.in_turn + i].due_ms - severe_after);
  }
  return on_way + w[kPickupDelay] * delay + w[kClickToDoor] * (std::max(events, in_turn) - set.since_sum_ms) +
         w[kLateness] * std::max(late, late_in_turn) + w[kSevereLateness] * std::max(severe, severe_in_turn) +
         (begun ? w[kCourierTime] * finish : 0);
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
  set.way_ms = set.stays_ms = set.left_sum_ms = set.since_sum_ms = 0;
  auto load = problem_->load;
  each(served, [&](std::size_t k) {
    for (std::size_t d = 0; d < problem_->dimensions; ++d) load[d] += problem_->stops[k].load[d];
  });
  std::size_t on_board = 0;
  std::int64_t longest_leave = 0, latest = kNeverMs, longest = 0, opening = std::numeric_limits<std::int64_t>::min();
  for (std::size_t k = 0; k < problem_->count; ++k) {
    if ((served >> k & 1U) != 0) continue;
    const LayerStop& stop = problem_->stops[k];
    set.calm_ms = std::max(set.calm_ms, stop.earliest_ms - stop.access_ms - stop.way_in_ms);
    set.way_ms += stop.way_in_ms;
    set.stays_ms += stop.access_ms + stop.leave_ms;
    latest = std::min(latest, stop.latest_ms);
    opening = std::max(opening, stop.earliest_ms);
    longest += stop.long_way_ms;
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
    longest_leave = std::max(longest_leave, stop.leave_ms);
    set.since_sum_ms += stop.since_ms;
    set.left_sum_ms -= stop.leave_ms;
    const bool aboard = !stop.paired || (served >> stop.partner & 1U) != 0;
    const bool limited = (limited_ >> k & 1U) != 0;
    set.limited |= limited && !aboard;
    if (!aboard) continue;
    ++on_board;
    set.follow |= 1U << k;
    if (limited) set.aboard |= 1U << k;
  }
  const std::int64_t hurry = latest - longest - set.stays_ms;
  set.unhurried_ms = opening <= hurry ? hurry : std::numeric_limits<std::int64_t>::min();
  // The drop-offs one after the other: the i-th is left no sooner than after the shortest steps of as many stops as
  // must come first, its own pick-up among them when too few orders are on board. Lateness is least when the earliest
  // promise is kept first.
  set.due_count = static_cast<std::size_t>(std::popcount(set.dropoffs));
  set.in_turn = in_turn_.size();
  std::size_t step = 0, steps = 0, due = 0;
  std::int64_t left = 0;
  for (std::size_t i = 1; i <= set.due_count; ++i) {
    for (const std::size_t before = i + (i > on_board ? i - on_board : 0); steps < before; ++steps) {
      while ((served >> by_step_[step] & 1U) != 0) ++step;
      const LayerStop& stop = problem_->stops[by_step_[step++]];
      left += stop.way_in_ms + stop.access_ms + stop.leave_ms;
    }
    while ((served >> by_due_[due] & 1U) != 0) ++due;
    in_turn_.push_back({left - longest_leave, problem_->stops[by_due_[due++]].promised_by_ms});
    set.left_sum_ms += left;
  }
}

}  // namespace matcher::route
