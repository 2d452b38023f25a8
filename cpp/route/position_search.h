// The cheapest feasible way to serve one unit within one courier's route; see matcher/insertion.h.
#ifndef MATCHER_ROUTE_POSITION_SEARCH_H
#define MATCHER_ROUTE_POSITION_SEARCH_H

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "matcher/insertion.h"
#include "route/live_routes.h"

namespace matcher::route {

inline constexpr int kNoRejection = kRejectionCount;
inline constexpr int kTooDear = kRejectionCount + 1;  // no limit is broken, but nothing costs less than was asked for

// State of a walk along a route under construction. Copied at every branch.
struct WalkState {
  Group group;
  std::int64_t time_ms = 0;  // departure from the last closed group
  std::int64_t depart_by_ms = 0;
  std::int64_t load = 0;
  std::int32_t walked = 0;  // stops, those of the open group included
  std::int32_t place = -1;
  Quantities quantities{};
};

template <class Times>
class PositionSearch {
 public:
  // Without detours a route gets no visit to another pick-up place before its end; see matcher/insertion.h.
  PositionSearch(const Market& market, const Times& times, const std::array<std::int64_t, kQuantityCount>& weights,
                 bool detours = true)
      : market_(market), times_(times), weights_(weights), detours_(detours) {}

  // kNoRejection when `best` was filled. `below`: only insertions that cost less matter; those that do not are not
  // looked at, so a reason for finding none is complete only without that limit.
  int run(std::int32_t courier, const LiveRoute& route, std::span<const std::int32_t> unit, InsertionCandidate& best,
          std::int64_t below = INT64_MAX);
  std::int64_t cost(const Quantities& quantities) const;

 private:
  void prepare(std::int32_t courier, std::span<const std::int32_t> unit);
  void drop(const WalkState& state, std::size_t depth, std::uint32_t used);
  void finish(WalkState state, std::size_t last);
  bool push(WalkState& state, const LiveStop& stop, std::int32_t slot, std::int64_t travel);
  bool close(WalkState& state);
  bool reject(int reason, std::int32_t progress);
  void bound_rest();
  std::int64_t dropoff_cost(const LiveStop& stop, std::int64_t event) const;
  bool hopeless(const WalkState& state, std::size_t next, std::uint32_t dropped) const;
  bool too_far() const;
  bool is_detour(std::size_t position) const;
  void count_aboard();

  const Market& market_;
  const Times& times_;
  const std::array<std::int64_t, kQuantityCount>& weights_;
  bool detours_;

  std::int32_t courier_ = 0;
  std::span<const LiveStop> stops_;
  std::span<const std::int64_t> legs_;
  std::size_t orders_ = 0;  // of the unit
  std::array<std::int32_t, kMaxUnitOrders> unit_{};
  std::array<LiveStop, kMaxUnitOrders> pickups_{}, dropoffs_{};
  std::vector<std::int64_t> to_pickup_, from_pickup_;                                // per anchor, per stop
  std::array<std::vector<std::int64_t>, kMaxUnitOrders> to_dropoff_, from_dropoff_;  // per anchor, per stop
  std::array<std::int64_t, kMaxUnitOrders> pickup_to_dropoff_{};
  std::array<std::array<std::int64_t, kMaxUnitOrders>, kMaxUnitOrders> between_{};

  struct Walked {
    const LiveStop* stop;
    std::int32_t slot;
  };
  std::vector<Walked> trail_;         // stops walked, by depth
  std::vector<std::int64_t> events_;  // pick-up events by slot: stops of the route, then orders of the unit
  std::vector<WalkState> prefixes_;   // by stops walked
  std::vector<std::int32_t> aboard_;  // by stops walked: orders more than at the start; kept under last in, first out
  std::size_t pickup_pos_ = 0, dropoff_pos_ = 0;
  std::array<std::int32_t, kMaxUnitOrders> sequence_{};

  const LiveRoute* route_ = nullptr;
  bool found_ = false;
  bool bounded_ = false;
  std::int64_t base_cost_ = 0;  // of the present route
  std::int64_t saving_ = 0;     // what an insertion can save at most besides its detour
  std::int64_t best_cost_ = 0;
  std::vector<std::int64_t> rest_;  // per stop of the route: what it and those after it cost at least
  std::int64_t finish_ms_ = 0;      // no insertion ends the route sooner
  std::int64_t dropoff_at_ms_ = 0;  // of the drop-off of the unit that was walked last
  int reason_ = kNoRejection;
  std::int32_t furthest_ = -1;
  Quantities best_quantities_{};
  InsertionCandidate* best_ = nullptr;
};

template <class Times>
bool PositionSearch<Times>::reject(int reason, std::int32_t progress) {
  if (progress > furthest_ || (progress == furthest_ && reason < reason_)) {
    furthest_ = progress;
    reason_ = reason;
  }
  return false;
}

template <class Times>
std::int64_t PositionSearch<Times>::cost(const Quantities& quantities) const {
  std::int64_t sum = 0;
  for (std::size_t term = 0; term < kQuantityCount; ++term) sum += weights_[term] * quantities[term];
  return sum;
}

template <class Times>
std::int64_t PositionSearch<Times>::dropoff_cost(const LiveStop& stop, std::int64_t event) const {
  Quantities q{};
  add_dropoff(q, event, stop.placed_ms, stop.promised_by_ms, market_.rules.severe_after_ms);
  return weights_[kClickToDoor] * q[kClickToDoor] + weights_[kLateness] * q[kLateness] +
         weights_[kSevereLateness] * q[kSevereLateness];
}

// Where an insertion makes no stop earlier, what is not walked yet costs at least what it does now. Elsewhere a
// drop-off may at best come when its order is ready.
template <class Times>
void PositionSearch<Times>::bound_rest() {
  const std::size_t n = stops_.size();
  rest_.assign(n + 1, 0);
  const bool later = Times::kTriangle && !route_->shared_dropoffs && !route_->uneven_visits;
  finish_ms_ = later ? route_->anchors[n].depart_ms : INT64_MIN;
  for (std::size_t k = n; k-- > 0;) {
    const LiveStop& stop = stops_[k];
    std::int64_t cost = 0;
    if (later) {
      const std::int64_t event = route_->at_ms[k];
      cost = stop.visit.kind == StopKind::kPickup ? weights_[kPickupDelay] * (event - stop.placed_ms)
                                                  : dropoff_cost(stop, event);
      if (k + 1 < n) cost += weights_[kTravel] * legs_[k + 1];
    } else if (stop.visit.kind == StopKind::kDropoff) {
      const std::int64_t ready = stop.pickup_stop < 0 ? -kNeverMs : stops_[at(stop.pickup_stop)].visit.earliest_ms;
      const std::int64_t click = std::max(stop.visit.earliest_ms, ready) - stop.placed_ms;
      cost = weights_[kClickToDoor] * std::min<std::int64_t>(0, click);
    }
    rest_[k] = rest_[k + 1] + cost;
  }
}

// Whether the walk costs what the best does already: what is walked, the open visit as it stands, drop-offs of the unit
// not before now, and the stops from `next` on. `dropped`: orders of the unit whose drop-off is walked.
template <class Times>
bool PositionSearch<Times>::hopeless(const WalkState& state, std::size_t next, std::uint32_t dropped) const {
  if (!found_ && !bounded_) return false;
  std::int64_t sum = rest_[next];
  const std::int64_t now = state.group.stops > 0 ? state.group.event_ms() : state.time_ms;
  for (std::int32_t depth = state.walked - state.group.stops; depth < state.walked; ++depth) {
    const LiveStop& stop = *trail_[at(depth)].stop;
    sum += stop.visit.kind == StopKind::kPickup ? weights_[kPickupDelay] * (now - stop.placed_ms)
                                                : dropoff_cost(stop, now);
  }
  for (std::size_t u = 0; u < orders_; ++u) {
    if ((dropped >> u & 1U) == 0) sum += dropoff_cost(dropoffs_[u], std::max(now, dropoffs_[u].visit.earliest_ms));
  }
  Quantities so_far = state.quantities;
  if (state.walked > state.group.stops) so_far[kCourierTime] = std::max(state.time_ms, finish_ms_) - state.depart_by_ms;
  return cost(so_far) + sum >= best_cost_;
}

// Fixes the times of the open group. False when that breaks a limit.
template <class Times>
bool PositionSearch<Times>::close(WalkState& state) {
  if (state.group.stops == 0) return true;
  const std::int64_t event = state.group.event_ms();
  const std::int32_t first = state.walked - state.group.stops;
  for (std::int32_t depth = first; depth < state.walked; ++depth) {
    const LiveStop& stop = *trail_[at(depth)].stop;
    if (event > stop.shift_latest_ms) return reject(kRejectShiftEnd, first);
    if (event > stop.latest_ms) return reject(kRejectTimeWindow, first);
    if (stop.visit.kind == StopKind::kPickup) {
      events_[at(trail_[at(depth)].slot)] = event;
      state.quantities[kPickupDelay] += event - stop.placed_ms;
    } else {
      const std::int64_t picked = stop.pickup_stop < 0 ? stop.picked_ms : events_[at(stop.pickup_stop)];
      if (stop.ride_ms < kNeverMs && event - picked > stop.ride_ms) return reject(kRejectFreshness, first);
      if (trail_[at(depth)].slot < 0) dropoff_at_ms_ = event;
      add_dropoff(state.quantities, event, stop.placed_ms, stop.promised_by_ms, market_.rules.severe_after_ms);
    }
  }
  if (first == 0) state.depart_by_ms = state.group.depart_by_ms();
  state.time_ms = state.group.depart_ms();
  state.group.stops = 0;
  return true;
}

template <class Times>
bool PositionSearch<Times>::push(WalkState& state, const LiveStop& stop, std::int32_t slot, std::int64_t travel) {
  if (state.group.takes(stop.visit, market_.rules.share_dropoff_service)) {
    state.group.join(stop.visit);
  } else {
    if (!close(state)) return false;
    state.group.open(stop.visit, state.time_ms, travel);
    state.quantities[kTravel] += travel;
  }
  trail_[at(state.walked)] = {&stop, slot};
  ++state.walked;
  state.place = stop.visit.place;
  state.load += stop.load_change;
  if (state.load > stop.load_limit && stop.load_change > 0) {
    return reject(kRejectCapacity, state.walked - state.group.stops);
  }
  return true;
}

template <class Times>
void PositionSearch<Times>::prepare(std::int32_t courier, std::span<const std::int32_t> unit) {
  courier_ = courier;
  stops_ = route_->stops;
  legs_ = route_->legs;
  orders_ = unit.size();
  std::copy(unit.begin(), unit.end(), unit_.begin());
  std::sort(unit_.begin(), unit_.begin() + static_cast<std::ptrdiff_t>(orders_));  // sequences in lexicographic order
  const auto& anchors = route_->anchors;
  const auto locked = at(route_->locked);
  const std::size_t n = stops_.size();
  for (std::size_t u = 0; u < orders_; ++u) {
    pickups_[u] = fresh_stop(market_, courier, unit_[u], StopKind::kPickup);
    dropoffs_[u] = fresh_stop(market_, courier, unit_[u], StopKind::kDropoff);
    dropoffs_[u].pickup_stop = static_cast<std::int32_t>(n + u);
  }
  const std::int32_t pickup = pickups_[0].visit.place;
  to_pickup_.resize(n + 1);
  from_pickup_.resize(n);
  for (std::size_t k = locked; k <= n; ++k) to_pickup_[k] = times_(courier, anchors[k].place, pickup);
  for (std::size_t k = locked; k < n; ++k) from_pickup_[k] = times_(courier, pickup, stops_[k].visit.place);
  for (std::size_t u = 0; u < orders_; ++u) {
    const std::int32_t place = dropoffs_[u].visit.place;
    to_dropoff_[u].resize(n + 1);
    from_dropoff_[u].resize(n);
    pickup_to_dropoff_[u] = times_(courier, pickup, place);
    for (std::size_t k = locked + 1; k <= n; ++k) to_dropoff_[u][k] = times_(courier, anchors[k].place, place);
    for (std::size_t k = locked; k < n; ++k) from_dropoff_[u][k] = times_(courier, place, stops_[k].visit.place);
    for (std::size_t v = 0; v < orders_; ++v) between_[u][v] = times_(courier, place, dropoffs_[v].visit.place);
  }
}

template <class Times>
int PositionSearch<Times>::run(std::int32_t courier, const LiveRoute& route, std::span<const std::int32_t> unit,
                               InsertionCandidate& best, std::int64_t below) {
  route_ = &route;
  const std::size_t deepest = route.stops.size() + 2 * kMaxUnitOrders;
  if (trail_.size() < deepest) {
    events_.resize(deepest);
    trail_.resize(deepest);
    prefixes_.resize(deepest);
  }
  prepare(courier, unit);
  found_ = false;
  bounded_ = below != INT64_MAX;
  base_cost_ = cost(route.quantities);
  saving_ = largest_saving(route, weights_, Times::kTriangle);
  bound_rest();
  const LiveStop& drop_off = dropoffs_[0];  // its click-to-door is a cost of its own, or a saving if it was placed late
  if (saving_ != kNoBound) {
    const std::int64_t least = std::max(drop_off.visit.earliest_ms, pickups_[0].visit.earliest_ms) - drop_off.placed_ms;
    saving_ -= weights_[kClickToDoor] * least;
  }
  if (bounded_) best_cost_ = base_cost_ + below;
  reason_ = kNoRejection;
  furthest_ = -1;
  best_ = &best;
  const std::size_t n = stops_.size();
  const auto locked = at(route_->locked);

  WalkState present;
  present.time_ms = present.depart_by_ms = market_.couriers.free_ms[at(courier)];
  present.load = route.load_on_board;
  present.place = market_.couriers.loc[at(courier)];
  for (std::size_t k = 0; k <= n; ++k) {
    prefixes_[k] = present;
    if (k < n) push(present, stops_[k], static_cast<std::int32_t>(k), legs_[k]);
  }

  const bool stacked = market_.rules.last_in_first_out;
  if (stacked) count_aboard();
  for (pickup_pos_ = locked; pickup_pos_ <= n; ++pickup_pos_) {
    if (!detours_ && is_detour(pickup_pos_)) continue;
    WalkState picked = prefixes_[pickup_pos_];
    for (std::int32_t depth = 0; depth < picked.walked; ++depth) {  // undo what other branches wrote
      trail_[at(depth)] = {&stops_[at(depth)], depth};
      events_[at(depth)] = route.at_ms[at(depth)];
    }
    bool feasible = true;
    for (std::size_t u = 0; u < orders_ && feasible; ++u) {
      feasible = push(picked, pickups_[u], static_cast<std::int32_t>(n + u), u == 0 ? to_pickup_[pickup_pos_] : 0);
    }
    if (!feasible) continue;
    for (dropoff_pos_ = pickup_pos_; dropoff_pos_ <= n; ++dropoff_pos_) {
      if (dropoff_pos_ > pickup_pos_) {
        const std::size_t stop = dropoff_pos_ - 1;
        if (stacked && aboard_[stop + 1] < aboard_[pickup_pos_]) break;  // it lies beneath the unit
        const std::int64_t travel = stop == pickup_pos_ ? from_pickup_[stop] : legs_[stop];
        if (!push(picked, stops_[stop], static_cast<std::int32_t>(stop), travel)) break;
      }
      if (hopeless(picked, dropoff_pos_, 0)) break;
      if (stacked && aboard_[dropoff_pos_] != aboard_[pickup_pos_]) continue;  // others lie on the unit
      if (!too_far()) drop(picked, 0, 0);
    }
  }
  if (!found_) return reason_ == kNoRejection ? kTooDear : reason_;
  best.courier = courier;
  for (std::size_t term = 0; term < kQuantityCount; ++term) {
    best.delta[term] = best_quantities_[term] - route.quantities[term];
  }
  return kNoRejection;
}

template <class Times>
void PositionSearch<Times>::count_aboard() {
  aboard_.assign(1, 0);
  for (const LiveStop& stop : stops_) {
    aboard_.push_back(aboard_.back() + (stop.visit.kind == StopKind::kPickup ? 1 : -1));
  }
}

// Whether pick-ups there are a visit of their own before the end of the present route.
template <class Times>
bool PositionSearch<Times>::is_detour(std::size_t position) const {
  if (position == stops_.size()) return false;
  if (position == 0) return true;
  const Visit& before = stops_[position - 1].visit;
  return before.kind != StopKind::kPickup || before.place != pickups_[0].visit.place;
}

// Whether the detour alone makes the present pair of positions cost what the best does. Single orders only: a bundle's
// block of drop-offs has no length before it has a sequence.
template <class Times>
bool PositionSearch<Times>::too_far() const {
  if ((!found_ && !bounded_) || orders_ > 1 || saving_ == kNoBound) return false;
  const std::size_t n = stops_.size();
  const std::size_t i = pickup_pos_;
  const std::size_t j = dropoff_pos_;
  std::int64_t detour = to_pickup_[i];
  if (i == j) {
    detour += pickup_to_dropoff_[0];
  } else {
    detour += from_pickup_[i] - legs_[i] + to_dropoff_[0][j];
  }
  if (j < n) detour += from_dropoff_[0][j] - legs_[j];
  return base_cost_ + (weights_[kTravel] + weights_[kCourierTime]) * detour - saving_ >= best_cost_;
}

// Extends the block of drop-offs by every order not used yet, lowest order first.
template <class Times>
void PositionSearch<Times>::drop(const WalkState& state, std::size_t depth, std::uint32_t used) {
  for (std::size_t u = 0; u < orders_; ++u) {
    if ((used >> u & 1U) != 0) continue;
    if (market_.rules.last_in_first_out && u + depth + 1 != orders_) continue;
    std::int64_t travel = 0;
    if (depth > 0) {
      travel = between_[at(sequence_[depth - 1])][u];
    } else {
      travel = dropoff_pos_ == pickup_pos_ ? pickup_to_dropoff_[u] : to_dropoff_[u][dropoff_pos_];
    }
    WalkState next = state;
    sequence_[depth] = static_cast<std::int32_t>(u);
    if (!push(next, dropoffs_[u], -1, travel) || hopeless(next, dropoff_pos_, used | 1U << u)) continue;
    if (depth + 1 == orders_) {
      finish(next, u);
    } else {
      drop(next, depth + 1, used | 1U << u);
    }
  }
}

// Walks the rest of the route, whose last stop so far is drop-off `last` of the unit.
template <class Times>
void PositionSearch<Times>::finish(WalkState state, std::size_t last) {
  for (std::size_t k = dropoff_pos_; k < stops_.size(); ++k) {
    const std::int64_t travel = k == dropoff_pos_ ? from_dropoff_[last][k] : legs_[k];
    if (!push(state, stops_[k], static_cast<std::int32_t>(k), travel)) return;
    if (hopeless(state, k + 1, ~std::uint32_t{0})) return;
  }
  if (!close(state)) return;
  state.quantities[kCourierTime] = state.time_ms - state.depart_by_ms;
  const std::int64_t total = cost(state.quantities);
  if ((found_ || bounded_) && total >= best_cost_) return;
  found_ = true;
  best_cost_ = total;
  best_quantities_ = state.quantities;
  best_->pickup_pos = static_cast<std::int32_t>(pickup_pos_);
  best_->dropoff_pos = static_cast<std::int32_t>(dropoff_pos_);
  best_->sequence.fill(-1);
  for (std::size_t u = 0; u < orders_; ++u) best_->sequence[u] = unit_[at(sequence_[u])];
  best_->pickup_at_ms = events_[stops_.size()];
  best_->dropoff_at_ms = dropoff_at_ms_;
  best_->finish_ms = state.time_ms;
  best_->depart_by_ms = state.depart_by_ms;
}

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_POSITION_SEARCH_H
