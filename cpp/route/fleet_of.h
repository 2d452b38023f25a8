// The fleet behind matcher/fleet.h, for one kind of travel times. Queries are defined in fleet.cpp.
#ifndef MATCHER_ROUTE_FLEET_OF_H
#define MATCHER_ROUTE_FLEET_OF_H

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "matcher/fleet.h"
#include "route/fleet_columns.h"
#include "route/fleet_tables.h"
#include "route/live_routes.h"
#include "route/position_search.h"
#include "route/travel.h"

namespace matcher::route {

template <class Times>
class FleetOf final : public Fleet {
 public:
  explicit FleetOf(const FleetSettings& settings) : settings_(settings) {
    probe_ = orders_.push();
    state_.push_back(kFree);
    refresh();
  }

  InputFault add_courier(const FleetCourier& courier, std::int32_t& handle) override {
    if (const InputFault fault = check(courier); !fault.ok()) return fault;
    if (gone_couriers_.empty()) {
      gone_couriers_.push_back(static_cast<std::int32_t>(loc_.size()));
      loc_.push_back(-1);
      free_.push_back(0);
      shift_end_.push_back(kNeverMs);
      capacity_.push_back(0);
      skills_.push_back(0);
      speed_.push_back(1);
      profile_.push_back(0);
      stops_.emplace_back();
      routes_.emplace_back();
      locked_.push_back(0);
      length_.push_back(0);
      saving_.push_back(0.0);
    }
    handle = gone_couriers_.back();
    gone_couriers_.pop_back();
    set(handle, courier);
    return {};
  }

  InputFault update_courier(std::int32_t courier, const FleetCourier& values) override {
    if (!has(courier)) return {"courier", "does not exist", courier};
    if (const InputFault fault = check(values); !fault.ok()) return fault;
    const std::int32_t before = loc_[at(courier)];
    set(courier, values);
    drop(before);
    return {};
  }

  InputFault remove_courier(std::int32_t courier) override {
    if (!has(courier)) return {"courier", "does not exist", courier};
    for (const FleetStop& stop : stops_[at(courier)]) state_[at(stop.order)] = kOpen;
    stops_[at(courier)].clear();
    locked_[at(courier)] = 0;
    compile(courier);
    drop(loc_[at(courier)]);
    loc_[at(courier)] = -1;
    gone_couriers_.push_back(courier);
    return {};
  }

  InputFault add_order(const FleetOrder& order, std::int32_t& handle) override {
    if (const InputFault fault = check(order); !fault.ok()) return fault;
    if (spare_.empty()) {
      spare_.push_back(orders_.push());
      state_.push_back(kFree);
      refresh();
    }
    handle = spare_.back();
    spare_.pop_back();
    orders_.set(handle, order, take(order.pickup), take(order.dropoff));
    state_[at(handle)] = kOpen;
    refresh();
    return {};
  }

  InputFault remove_order(std::int32_t order) override {
    if (!known(order)) return {"order", "does not exist", order};
    if (const std::int32_t courier = state_[at(order)]; courier >= 0) {
      auto& stops = stops_[at(courier)];
      for (std::int32_t k = 0; k < locked_[at(courier)]; ++k) {
        if (stops[at(k)].order == order) return {"order", "has a stop that is locked", order};
      }
      std::erase_if(stops, [&](const FleetStop& stop) { return stop.order == order; });
      compile(courier);
    }
    forget(order);
    return {};
  }

  InputFault insert(std::int32_t order, std::int32_t courier, std::int32_t pickup_pos,
                    std::int32_t dropoff_pos) override {
    if (!known(order) || state_[at(order)] != kOpen) return {"order", "does not exist or is in a route", order};
    if (!has(courier)) return {"courier", "does not exist", courier};
    auto& stops = stops_[at(courier)];
    if (pickup_pos < locked_[at(courier)] || pickup_pos > dropoff_pos || at(dropoff_pos) > stops.size()) {
      return {"position", "is not within the changeable part of the route", pickup_pos};
    }
    if (settings_.rules.last_in_first_out &&
        !is_balanced(std::span(stops).subspan(at(pickup_pos), at(dropoff_pos - pickup_pos)))) {
      return {"position", "puts the order under one that is dropped off later", dropoff_pos};
    }
    stops.insert(stops.begin() + dropoff_pos, {StopKind::kDropoff, order});
    stops.insert(stops.begin() + pickup_pos, {StopKind::kPickup, order});
    state_[at(order)] = courier;
    compile(courier);
    return {};
  }

  InputFault set_route(std::int32_t courier, std::span<const FleetStop> stops, std::int32_t locked) override {
    if (!has(courier)) return {"courier", "does not exist", courier};
    if (locked < 0 || at(locked) > stops.size()) return {"locked", "is not within the route", locked};
    for (const FleetStop& stop : stops) {
      if (!known(stop.order)) return {"order", "does not exist", stop.order};
      const std::int32_t holder = state_[at(stop.order)];
      if (holder != kOpen && holder != courier) return {"order", "is in another route", stop.order};
    }
    if (settings_.rules.last_in_first_out && !is_stacked(stops)) {
      return {"route", "drops off an order beneath one that was picked up later", courier};
    }
    const std::vector<FleetStop> before = stops_[at(courier)];
    const std::int32_t locked_before = locked_[at(courier)];
    stops_[at(courier)].assign(stops.begin(), stops.end());
    locked_[at(courier)] = locked;
    if (!compile(courier)) {
      stops_[at(courier)] = before;
      locked_[at(courier)] = locked_before;
      compile(courier);
      return {"route", "has a drop-off before its pick-up, a stop twice or a pick-up without a drop-off", courier};
    }
    for (const FleetStop& stop : before) state_[at(stop.order)] = kOpen;
    for (const FleetStop& stop : stops) state_[at(stop.order)] = courier;
    return {};
  }

  InputFault serve_visit(std::int32_t courier, std::int32_t& stops_served) override {
    if (!has(courier)) return {"courier", "does not exist", courier};
    stops_served = 0;
    auto& stops = stops_[at(courier)];
    if (stops.empty()) return {};
    const LiveRoute& live = routes_[at(courier)];
    const std::int32_t place = live.stops[0].visit.place;
    std::size_t count = 1;
    // Stops of one visit share their hand-over and depart together; the anchor after the last has that departure.
    while (count < stops.size() && joins(live, count)) ++count;
    const std::int64_t departed = live.anchors[count].depart_ms;
    for (std::size_t k = 0; k < count; ++k) {
      const std::int32_t order = stops[k].order;
      if (stops[k].kind == StopKind::kPickup) orders_.ready[at(order)] = live.at_ms[k];
    }
    std::vector<std::int32_t> done;
    for (std::size_t k = 0; k < count; ++k) {
      if (stops[k].kind == StopKind::kDropoff) done.push_back(stops[k].order);
    }
    hold(place);
    drop(loc_[at(courier)]);
    loc_[at(courier)] = place;
    free_[at(courier)] = departed;
    stops.erase(stops.begin(), stops.begin() + static_cast<std::ptrdiff_t>(count));
    locked_[at(courier)] = std::max(0, locked_[at(courier)] - static_cast<std::int32_t>(count));
    for (const std::int32_t order : done) forget(order);
    refresh();
    compile(courier);
    stops_served = static_cast<std::int32_t>(count);
    return {};
  }

  InputFault move(std::int32_t courier, const FleetPlace& place, std::int64_t free_ms) override {
    if (!has(courier)) return {"courier", "does not exist", courier};
    if (const InputFault fault = check_place(place); !fault.ok()) return fault;
    if (!sound_time(free_ms)) return {"free_ms", "is further than 2^36 ms away", -1};
    const std::int32_t row = take(place);
    drop(loc_[at(courier)]);
    loc_[at(courier)] = row;
    free_[at(courier)] = free_ms;
    refresh();
    compile(courier);
    return {};
  }

  InputFault advance(std::int64_t now_ms) override {
    if (!sound_time(now_ms)) return {"now_ms", "is further than 2^36 ms away", -1};
    for (std::size_t c = 0; c < loc_.size(); ++c) {
      if (loc_[c] < 0 || free_[c] >= now_ms) continue;
      free_[c] = now_ms;
      compile(static_cast<std::int32_t>(c));
    }
    return {};
  }

  InputFault preview(const FleetOrder& order, std::int32_t courier, std::int32_t pickup_pos, std::int32_t dropoff_pos,
                     FleetPreview& out) override;
  InputFault cheapest(const FleetOrder& order, std::int32_t k, std::vector<FleetInsertion>& out) override;
  InputFault refusals(const FleetOrder& order, std::array<std::int32_t, kRejectionCount>& out) override;

  std::int32_t couriers() const override { return static_cast<std::int32_t>(loc_.size()); }
  std::span<const FleetStop> route(std::int32_t courier) const override { return stops_[at(courier)]; }
  std::int32_t locked(std::int32_t courier) const override { return locked_[at(courier)]; }
  std::span<const std::int64_t> times(std::int32_t courier) const override { return routes_[at(courier)].at_ms; }
  const Quantities& quantities(std::int32_t courier) const override { return routes_[at(courier)].quantities; }
  double gap(const FleetPlace& a, const FleetPlace& b) const override {
    if constexpr (Times::kTriangle) {
      return std::hypot(std::hypot(a.x - b.x, a.y - b.y), a.z - b.z);
    } else {
      const auto cell = [&](std::int32_t from, std::int32_t to) {
        return static_cast<double>(settings_.matrix_ms[at(from) * at(settings_.matrix_places) + at(to)]);
      };
      return a.row == b.row ? 0.0 : cell(a.row, b.row) + cell(b.row, a.row);
    }
  }

 private:
  static constexpr double kFarthest = 1e7;   // metres from the origin, per axis
  static constexpr std::int32_t kFree = -2;  // an unused row
  static constexpr std::int32_t kOpen = -1;  // in no route

  std::int32_t profiles() const {
    const auto cells = std::int64_t{settings_.matrix_places} * settings_.matrix_places;
    return cells == 0 ? 0 : static_cast<std::int32_t>(static_cast<std::int64_t>(settings_.matrix_ms.size()) / cells);
  }
  bool has(std::int32_t courier) const { return courier >= 0 && at(courier) < loc_.size() && loc_[at(courier)] >= 0; }
  InputFault check(const FleetCourier& courier) const {
    if (const InputFault fault = check_place(courier.place); !fault.ok()) return fault;
    if (!sound_time(courier.free_ms)) return {"courier", "is free further than 2^36 ms away", -1};
    if (courier.capacity < 0) return {"courier", "has a negative capacity", -1};
    if constexpr (Times::kTriangle) {
      const double longest = 3.2 * kFarthest * settings_.factor * 3.6e6;
      if (courier.speed_mph <= 0 || longest / courier.speed_mph >= static_cast<double>(kHorizonMs)) {
        return {"courier", "is so slow that a trip may take longer than 2^36 ms", courier.speed_mph};
      }
    } else if (courier.profile < 0 || courier.profile >= profiles()) {
      return {"courier", "names a profile that does not exist", -1};
    }
    return {};
  }
  void set(std::int32_t courier, const FleetCourier& values) {
    const auto c = at(courier);
    loc_[c] = take(values.place);
    free_[c] = values.free_ms;
    shift_end_[c] = values.shift_end_ms;
    capacity_[c] = values.capacity;
    skills_[c] = values.skills;
    speed_[c] = values.speed_mph;
    profile_[c] = values.profile;
    refresh();
    compile(courier);
  }
  bool known(std::int32_t order) const {
    return order >= 0 && order != probe_ && at(order) < state_.size() && state_[at(order)] != kFree;
  }
  InputFault check_place(const FleetPlace& place) const {
    if constexpr (Times::kTriangle) {
      for (const double part : {place.x, place.y, place.z}) {
        if (!std::isfinite(part) || std::abs(part) > kFarthest) {
          return {"place", "is not within 10,000 km of the origin", -1};
        }
      }
    } else if (place.row < 0 || place.row >= settings_.matrix_places) {
      return {"place", "is not a row of the matrix", place.row};
    }
    return {};
  }
  InputFault check(const FleetOrder& order) const {
    if (const InputFault fault = check_place(order.pickup); !fault.ok()) return fault;
    if (const InputFault fault = check_place(order.dropoff); !fault.ok()) return fault;
    return check_order(order);
  }

  std::int32_t take(const FleetPlace& place) { return Times::kTriangle ? places_.take(place) : place.row; }
  void hold(std::int32_t row) {
    if constexpr (Times::kTriangle) places_.take({places_.x[at(row)], places_.y[at(row)], places_.z[at(row)], -1});
  }
  void drop(std::int32_t row) {
    if constexpr (Times::kTriangle) places_.release(row);
  }
  void forget(std::int32_t order) {
    drop(orders_.pickup_loc[at(order)]);
    drop(orders_.dropoff_loc[at(order)]);
    state_[at(order)] = kFree;
    spare_.push_back(order);
  }

  // Spans into the vectors, after any of them may have moved.
  void refresh() {
    market_.places = {places_.x, places_.y, places_.z, settings_.radius_m};
    market_.orders = orders_.view();
    market_.couriers = {loc_, free_, shift_end_, capacity_, skills_};
    market_.rules = settings_.rules;
    if constexpr (Times::kTriangle) {
      times_ = Times(market_.places, {settings_.factor, settings_.quantum_ms, speed_});
    } else {
      times_ = Times(at(settings_.matrix_places), {settings_.matrix_ms, profile_});
    }
  }

  bool joins(const LiveRoute& live, std::size_t k) const {
    Group group;
    group.open(live.stops[k - 1].visit, 0, 0);
    return group.takes(live.stops[k].visit, settings_.rules.share_dropoff_service);
  }

  bool compile(std::int32_t courier) {
    scratch_order_.clear();
    scratch_kind_.clear();
    for (const FleetStop& stop : stops_[at(courier)]) {
      scratch_order_.push_back(stop.order);
      scratch_kind_.push_back(static_cast<std::int8_t>(stop.kind));
    }
    LiveRoute& live = routes_[at(courier)];
    length_[at(courier)] = static_cast<std::int32_t>(scratch_order_.size());
    if (!compiler_.compile(courier, {scratch_order_, scratch_kind_}, locked_[at(courier)], live)) return false;
    const std::int64_t saving = largest_saving(live, settings_.weights, Times::kTriangle, !columns_.priced());
    saving_[at(courier)] = saving == kNoBound ? 1e300 : static_cast<double>(saving);
    if constexpr (Times::kTriangle) {
      columns_.set(at(courier), live, times_.ms_per_metre(courier), shift_end_[at(courier)],
                   [&](std::int32_t place) { return position(place); });
    }
    return true;
  }
  std::array<float, 3> position(std::int32_t place) {
    return columns_.relative(places_.x[at(place)], places_.y[at(place)], places_.z[at(place)]);
  }

  bool fits(const FleetOrder& order, std::size_t courier) const {
    return loc_[courier] >= 0 && (order.skills & ~skills_[courier]) == 0 && order.size <= capacity_[courier] &&
           length_[courier] + 2 <= settings_.max_route_stops;
  }
  void bound_all(const FleetOrder& order);

  FleetSettings settings_;
  Places places_;
  OrderTable orders_;
  std::vector<std::int32_t> state_;  // per order: the courier, kOpen or kFree
  std::vector<std::int32_t> spare_;
  std::vector<std::int32_t> gone_couriers_;  // their place is -1
  std::vector<std::int32_t> loc_, capacity_, speed_, profile_, locked_, length_;
  std::vector<double> saving_;  // per courier: what `columns_` do not know that an insertion can save
  std::vector<std::int64_t> free_, shift_end_;
  std::vector<std::uint64_t> skills_;
  std::vector<std::vector<FleetStop>> stops_;
  std::vector<LiveRoute> routes_;
  Market market_;
  Times times_;
  RouteCompiler<Times> compiler_{market_, times_};
  RouteWalk<Times> walk_{market_, times_};
  PositionSearch<Times> search_{market_, times_, settings_.weights};
  FleetColumns columns_{settings_.weights, settings_.rules.severe_after_ms};
  std::int32_t probe_ = 0;
  std::vector<std::int32_t> scratch_order_;
  std::vector<std::int8_t> scratch_kind_;
  std::vector<float> least_;
  std::vector<double> bound_;
  std::vector<std::int32_t> order_of_search_;
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_FLEET_OF_H
