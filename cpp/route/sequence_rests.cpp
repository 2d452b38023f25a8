#include "route/sequence_rests.h"

#include <bit>

namespace matcher::route {
namespace {

// Calls visit(index) for every one of a bit set.
template <class Visit>
void each(std::uint32_t bits, Visit&& visit) {
  for (; bits != 0; bits &= bits - 1) visit(static_cast<std::size_t>(std::countr_zero(bits)));
}

}  // namespace

std::size_t layer_sets(const LayerProblem& problem) {
  std::size_t sets = 1;
  for (std::size_t k = 0; k < problem.count; ++k) {
    if (!problem.stops[k].is_pickup) sets *= problem.stops[k].paired ? 3 : 2;
  }
  return sets;
}

void SequenceRests::prepare(const LayerProblem& problem) {
  problem_ = &problem;
  number();
  find_rides();
  if (reached_.size() < sets_) reached_.resize(sets_);
  if (soonest_.size() < sets_ * orders_) {
    soonest_.resize(sets_ * orders_);
    rests_.resize(sets_ * orders_);
  }
  made_.fill(0);
  aboard_ = 0;
  load_ = problem.load;
  reached_[0] = 1;
  for (std::size_t set = 1; set < sets_; ++set) {
    count_on();
    reached_[set] = may_ride() ? look_ahead(set) : 0;
  }
  for (std::size_t set = sets_; set-- > 1; count_back()) {
    if (reached_[set] != 0) look_back(set);
  }
}

void SequenceRests::number() {
  orders_ = 0;
  sets_ = 1;
  auto most = problem_->load;
  for (std::size_t k = 0; k < problem_->count; ++k) {
    const LayerStop& stop = problem_->stops[k];
    for (std::size_t d = 0; d < problem_->dimensions; ++d) most[d] += std::max<std::int64_t>(0, stop.load[d]);
    if (stop.is_pickup) continue;
    stops_of_[orders_] = {stop.paired ? stop.partner : k, k};
    most_[orders_] = stop.paired ? 2 : 1;
    step_of_[orders_] = sets_;
    order_of_[stops_of_[orders_][0]] = order_of_[k] = orders_;
    sets_ *= stop.paired ? 3 : 2;
    ++orders_;
  }
  loads_bind_ = false;
  for (std::size_t d = 0; d < problem_->dimensions; ++d) loads_bind_ |= most[d] > problem_->room[d];
}

// Rides that are too long however one drives: with one stop on the way, or two rides that overlap.
void SequenceRests::find_rides() {
  never_at_.fill(0);
  never_with_.fill(0);
  limited_ = 0;
  const auto& stops = problem_->stops;
  const auto way = [&](std::size_t a, std::size_t b) {  // from the event at a to that at b
    return stops[a].leave_ms + (*problem_->closure)[a][b] + stops[b].access_ms;
  };
  for (std::size_t o = 0; o < orders_; ++o) {
    const auto [pickup, dropoff] = stops_of_[o];
    if (most_[o] < 2 || stops[dropoff].ride_ms >= kNeverMs) continue;
    for (std::size_t k = 0; k < problem_->count; ++k) {
      if (k == pickup || k == dropoff) continue;
      if (way(pickup, k) + way(k, dropoff) > stops[dropoff].ride_ms) never_at_[k] |= 1U << o;
    }
  }
  // Of two on board one is picked up while the other one is there, and one delivered.
  const auto apart = [&](std::size_t a, std::size_t b, std::size_t stop) {
    return (never_at_[stops_of_[b][stop]] >> a & 1U) != 0 && (never_at_[stops_of_[a][stop]] >> b & 1U) != 0;
  };
  for (std::size_t a = 0; a < orders_; ++a) {
    for (std::size_t b = 0; b < orders_; ++b) {
      if (a == b || most_[a] < 2 || most_[b] < 2 || !(apart(a, b, 0) || apart(a, b, 1))) continue;
      never_with_[a] |= 1U << b;
      limited_ |= 1U << a;
    }
  }
}

// The next set: its number counts, by order, the stops made.
void SequenceRests::count_on() {
  std::size_t o = 0;
  for (; made_[o] == most_[o]; ++o) {
    for (std::size_t i = 0; i < most_[o]; ++i) load(o, i, -1);
    made_[o] = 0;
  }
  load(o, made_[o]++, 1);
  const bool aboard = made_[o] < most_[o];
  aboard_ = (aboard_ & ~(1U << o)) | (aboard ? 1U << o : 0U);
}

void SequenceRests::count_back() {
  for (std::size_t o = 0; made_[o]-- == 0; ++o) made_[o] = most_[o];
}

void SequenceRests::load(std::size_t order, std::size_t stop, std::int64_t times) {
  if (!loads_bind_) return;
  const auto& change = problem_->stops[stops_of_[order][stop]].load;
  for (std::size_t d = 0; d < problem_->dimensions; ++d) load_[d] += times * change[d];
}

// Whether the orders on board in the set in hand can be there together.
bool SequenceRests::may_ride() const {
  for (std::uint32_t rest = aboard_ & limited_; rest != 0; rest &= rest - 1) {
    if ((never_with_[static_cast<std::size_t>(std::countr_zero(rest))] & aboard_) != 0) return false;
  }
  return true;
}

// Whether there is room for what the set in hand has on board, a pick-up of it being the last.
bool SequenceRests::fits(const LayerStop& stop) const {
  for (std::size_t d = 0; d < problem_->dimensions; ++d) {
    if (stop.load[d] > 0 && load_[d] > problem_->room[d]) return false;
  }
  return true;
}

// The soonest times of the set in hand, from those of the sets without its last stop; what can be last.
std::uint32_t SequenceRests::look_ahead(std::size_t set) {
  std::uint32_t reached = 0;
  std::array<std::size_t, kMostOrders> lasts;
  for (std::size_t o = 0; o < orders_; ++o) lasts[o] = stops_of_[o][made_[o] == 2 ? 1 : 0];
  for (std::size_t o = 0; o < orders_; ++o) {
    if (made_[o] == 0) continue;
    const std::size_t before = set - step_of_[o], last = lasts[o];
    if (reached_[before] == 0 || (aboard_ & never_at_[last]) != 0) continue;
    const LayerStop& stop = problem_->stops[last];
    if (stop.is_pickup && loads_bind_ && !fits(stop)) continue;
    std::int64_t arrive = kUnreached;
    if (before == 0) {
      arrive = problem_->start_ms + (*problem_->travel)[kMaxSequenceStops][last];
    } else {
      const std::int64_t* left = &soonest_[before * orders_];
      each(reached_[before] & ~(1U << o), [&](std::size_t other) {
        arrive = std::min(arrive, left[other] + (*problem_->travel)[lasts[other]][last]);
      });
      if ((reached_[before] >> o & 1U) != 0) {
        arrive = std::min(arrive, left[o] + (*problem_->travel)[stops_of_[o][0]][last]);
      }
    }
    const std::int64_t event = std::max(arrive + stop.access_ms, stop.earliest_ms);
    if (event > stop.latest_ms) continue;
    soonest_[set * orders_ + o] = event + stop.leave_ms;
    reached |= 1U << o;
  }
  return reached;
}

// What is left after the set in hand: once all are served, the time of the courier.
void SequenceRests::look_back(std::size_t set) {
  const auto& w = problem_->weights;
  if (set + 1 == sets_) {
    for (std::size_t o = 0; o < orders_; ++o) rests_[set * orders_ + o] = {kUnreached, 0, 0, w[kCourierTime]};
    return;
  }
  std::size_t count = 0;
  for (std::size_t o = 0; o < orders_; ++o) {
    const std::size_t after = set + step_of_[o], at = after * orders_ + o;
    if (made_[o] == most_[o] || (reached_[after] >> o & 1U) == 0) continue;
    const std::size_t k = stops_of_[o][made_[o]];
    const LayerStop& stop = problem_->stops[k];
    const Rest& then = rests_[at];
    if (then.latest_ms < soonest_[at]) continue;
    const std::int64_t rate = stop.is_pickup ? w[kPickupDelay] : w[kClickToDoor];
    nexts_[count++] = {k,
                       stop.access_ms,
                       stop.earliest_ms,
                       std::min(stop.latest_ms, then.latest_ms - stop.leave_ms),
                       stop.is_pickup ? kNeverMs : stop.promised_by_ms,
                       then.from_ms - stop.leave_ms,
                       then.cost - rate * stop.since_ms,
                       rate,
                       then.rate};
  }
  each(reached_[set], [&](std::size_t o) {
    const std::size_t at = set * orders_ + o;
    settle(stops_of_[o][made_[o] - 1U], soonest_[at], count, rests_[at]);
  });
}

// Of all stops that may come next the least cost, the latest turn and the lowest rate.
void SequenceRests::settle(std::size_t from, std::int64_t soonest, std::size_t count, Rest& rest) const {
  const auto& w = problem_->weights;
  const auto& travel = (*problem_->travel)[from];
  std::int64_t cost = kNoCost, rate = kNoCost, turn = soonest, latest = -kUnreached;
  for (std::size_t n = 0; n < count; ++n) {
    const Next& next = nexts_[n];
    const std::int64_t way = travel[next.stop];
    const std::int64_t arrive = soonest + way + next.access_ms;
    const std::int64_t event = std::max(arrive, next.earliest_ms);
    if (event > next.latest_ms) continue;  // nor can who leaves later
    const std::int64_t after = event - next.from_ms, late = event - next.promised_by_ms;
    const std::int64_t severe = late - problem_->severe_after_ms;
    cost = std::min(cost, next.cost + w[kTravel] * way + next.event_rate * event +
                              w[kLateness] * std::max<std::int64_t>(0, late) +
                              w[kSevereLateness] * std::max<std::int64_t>(0, severe) +
                              next.rate * std::max<std::int64_t>(0, after));
    rate = std::min(
        rate, next.rate + next.event_rate + (late >= 0 ? w[kLateness] : 0) + (severe >= 0 ? w[kSevereLateness] : 0));
    turn = std::max(turn, soonest + (event - arrive) + std::max<std::int64_t>(0, -after));
    latest = std::max(latest, next.latest_ms - next.access_ms - way);
  }
  rest = {latest, turn, cost, rate};
}

}  // namespace matcher::route
