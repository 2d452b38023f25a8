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
  PositionSearch(const Market& market, const LiveRoutes& routes, const Times& times, const InsertionOptions& options)
      : market_(market), routes_(routes), times_(times), options_(options) {
    const std::size_t longest = routes.longest() + 2 * kMaxUnitOrders;
    events_.resize(longest);
    present_events_.resize(longest);
    trail_.resize(longest);
    prefixes_.resize(longest);
  }

  // kNoRejection when `best` was filled.
  int run(std::int32_t courier, std::span<const std::int32_t> unit, InsertionCandidate& best);

 private:
  void prepare(std::int32_t courier, std::span<const std::int32_t> unit);
  void drop(const WalkState& state, std::size_t depth, std::uint32_t used);
  void finish(WalkState state, std::size_t last);
  bool push(WalkState& state, const LiveStop& stop, std::int32_t slot, std::int64_t travel);
  bool close(WalkState& state);
  bool reject(int reason, std::int32_t progress);
  std::int64_t cost(const Quantities& quantities) const;
  bool hopeless(const WalkState& state) const;

  const Market& market_;
  const LiveRoutes& routes_;
  const Times& times_;
  const InsertionOptions& options_;

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
  std::vector<std::int64_t> present_events_;
  std::vector<WalkState> prefixes_;  // by stops walked
  std::size_t pickup_pos_ = 0, dropoff_pos_ = 0;
  std::array<std::int32_t, kMaxUnitOrders> sequence_{};

  bool found_ = false;
  std::int64_t best_cost_ = 0;
  std::int64_t floor_cost_ = 0;  // what terms not walked yet can subtract at most
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
  for (std::size_t term = 0; term < kQuantityCount; ++term) sum += options_.weights[term] * quantities[term];
  return sum;
}

template <class Times>
bool PositionSearch<Times>::hopeless(const WalkState& state) const {
  if (!found_) return false;
  Quantities so_far = state.quantities;
  if (state.walked > state.group.stops) so_far[kCourierTime] = state.time_ms - state.depart_by_ms;
  return cost(so_far) + floor_cost_ >= best_cost_;
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
  stops_ = routes_.stops(courier);
  legs_ = routes_.legs(courier);
  orders_ = unit.size();
  std::copy(unit.begin(), unit.end(), unit_.begin());
  std::sort(unit_.begin(), unit_.begin() + static_cast<std::ptrdiff_t>(orders_));  // sequences in lexicographic order
  const auto anchors = routes_.anchors(courier);
  const auto locked = at(market_.routes.locked[at(courier)]);
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
  floor_cost_ = 0;
  const auto lower_floor = [&](const LiveStop& stop, std::int64_t ready_ms) {
    const std::int64_t click = std::max(stop.visit.earliest_ms, ready_ms) - stop.placed_ms;
    floor_cost_ += options_.weights[kClickToDoor] * std::min<std::int64_t>(0, click);
  };
  for (const LiveStop& stop : stops_) {
    if (stop.visit.kind == StopKind::kDropoff) {
      lower_floor(stop, stop.pickup_stop < 0 ? -kNeverMs : stops_[at(stop.pickup_stop)].visit.earliest_ms);
    }
  }
  for (std::size_t u = 0; u < orders_; ++u) lower_floor(dropoffs_[u], pickups_[u].visit.earliest_ms);
}

template <class Times>
int PositionSearch<Times>::run(std::int32_t courier, std::span<const std::int32_t> unit, InsertionCandidate& best) {
  prepare(courier, unit);
  found_ = false;
  reason_ = kNoRejection;
  furthest_ = -1;
  best_ = &best;
  const std::size_t n = stops_.size();
  const auto locked = at(market_.routes.locked[at(courier)]);

  WalkState present;
  present.time_ms = present.depart_by_ms = market_.couriers.free_ms[at(courier)];
  present.load = routes_.load_on_board(courier);
  present.place = market_.couriers.loc[at(courier)];
  for (std::size_t k = 0; k <= n; ++k) {
    prefixes_[k] = present;
    if (k < n) push(present, stops_[k], static_cast<std::int32_t>(k), legs_[k]);
  }
  close(present);
  std::copy(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(n), present_events_.begin());

  for (pickup_pos_ = locked; pickup_pos_ <= n; ++pickup_pos_) {
    WalkState picked = prefixes_[pickup_pos_];
    for (std::int32_t depth = 0; depth < picked.walked; ++depth) {  // undo what other branches wrote
      trail_[at(depth)] = {&stops_[at(depth)], depth};
      events_[at(depth)] = present_events_[at(depth)];
    }
    bool feasible = true;
    for (std::size_t u = 0; u < orders_ && feasible; ++u) {
      feasible = push(picked, pickups_[u], static_cast<std::int32_t>(n + u), u == 0 ? to_pickup_[pickup_pos_] : 0);
    }
    if (!feasible) continue;
    for (dropoff_pos_ = pickup_pos_; dropoff_pos_ <= n; ++dropoff_pos_) {
      if (dropoff_pos_ > pickup_pos_) {
        const std::size_t stop = dropoff_pos_ - 1;
        const std::int64_t travel = stop == pickup_pos_ ? from_pickup_[stop] : legs_[stop];
        if (!push(picked, stops_[stop], static_cast<std::int32_t>(stop), travel)) break;
      }
      if (hopeless(picked)) break;
      drop(picked, 0, 0);
    }
  }
  if (!found_) return reason_;
  best.courier = courier;
  for (std::size_t term = 0; term < kQuantityCount; ++term) {
    best.delta[term] = best_quantities_[term] - routes_.quantities(courier)[term];
  }
  return kNoRejection;
}

// Extends the block of drop-offs by every order not used yet, lowest order first.
template <class Times>
void PositionSearch<Times>::drop(const WalkState& state, std::size_t depth, std::uint32_t used) {
  for (std::size_t u = 0; u < orders_; ++u) {
    if ((used >> u & 1U) != 0) continue;
    std::int64_t travel = 0;
    if (depth > 0) {
      travel = between_[at(sequence_[depth - 1])][u];
    } else {
      travel = dropoff_pos_ == pickup_pos_ ? pickup_to_dropoff_[u] : to_dropoff_[u][dropoff_pos_];
    }
    WalkState next = state;
    sequence_[depth] = static_cast<std::int32_t>(u);
    if (!push(next, dropoffs_[u], -1, travel) || hopeless(next)) continue;
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
    if (hopeless(state)) return;
  }
  if (!close(state)) return;
  state.quantities[kCourierTime] = state.time_ms - state.depart_by_ms;
  const std::int64_t total = cost(state.quantities);
  if (found_ && total >= best_cost_) return;
  found_ = true;
  best_cost_ = total;
  best_quantities_ = state.quantities;
  best_->pickup_pos = static_cast<std::int32_t>(pickup_pos_);
  best_->dropoff_pos = static_cast<std::int32_t>(dropoff_pos_);
  best_->sequence.fill(-1);
  for (std::size_t u = 0; u < orders_; ++u) best_->sequence[u] = unit_[at(sequence_[u])];
  best_->pickup_at_ms = events_[stops_.size()];
  best_->finish_ms = state.time_ms;
  best_->depart_by_ms = state.depart_by_ms;
}

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_POSITION_SEARCH_H
