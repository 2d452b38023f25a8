// The columns that a query runs over: slot-major, single precision, one lane a courier; and the bound they give.
#ifndef MATCHER_ROUTE_FLEET_COLUMNS_H
#define MATCHER_ROUTE_FLEET_COLUMNS_H

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "matcher/fleet.h"
#include "route/live_routes.h"

namespace matcher::route {

// What a query asks, in the units of the columns (ms as float; lengths through the rate of each courier).
struct ColumnQuery {
  std::array<float, 3> pickup, dropoff;
  float ready, pickup_access, pickup_leave, pickup_by;
  float dropoff_not_before, dropoff_access, dropoff_leave, dropoff_by;
  float placed, promised_by, severe_after;  // for `prices` only
};

// One slot of every route: where it starts, what follows, and the ways from and to there.
struct SlotView {
  const float* depart;
  const float* join;
  const float* tail;
  const float* leg;
  const float* latest;
  const float* to_pickup;
  const float* to_dropoff;
  const float* from_pickup;
  const float* from_dropoff;
  const float* rate;
  const float* shift_end;
};

using Weights = std::array<std::int64_t, kQuantityCount>;

// What arriving late at a stop costs the rest of its route, from below: the larger of two lines and zero. The cost is
// convex in the arrival, so its tangents never exceed it.
struct DelayLines {
  static constexpr std::array<std::int64_t, 2> kTouchAt{30'000, 480'000};  // ms after the latest harmless arrival
  std::array<float, 2> slope{}, knee{};
};

// The lines for an arrival before stop `k` of a compiled route; k may be its length, where only the end moves.
DelayLines delay_lines(const LiveRoute& route, std::size_t k, const Weights& weights, std::int64_t severe_after_ms);

class FleetColumns {
 public:
  static constexpr float kFar = 1e30F;

  // `weights` decide which columns are kept: with a cost of travel and courier time alone `detours` is the whole bound,
  // else `prices`.
  FleetColumns(const Weights& weights, std::int64_t severe_after_ms)
      : weights_(weights),
        severe_after_ms_(severe_after_ms),
        priced_(std::any_of(weights.begin(), weights.begin() + kTravel, [](auto weight) { return weight != 0; })) {}
  bool priced() const { return priced_; }

  // Positions are kept relative to the first place seen, so that they stay short in single precision.
  std::array<float, 3> relative(double x, double y, double z) {
    if (!centred_) {
      centre_ = {x, y, z};
      centred_ = true;
    }
    const std::array<double, 3> offset{x - centre_[0], y - centre_[1], z - centre_[2]};
    for (const double part : offset) reach_m_ = std::max(reach_m_, std::abs(part));
    return {static_cast<float>(offset[0]), static_cast<float>(offset[1]), static_cast<float>(offset[2])};
  }

  // `position(place)` gives coordinates; `rate` straight-line ms per metre.
  template <class Position>
  void set(std::size_t courier, const LiveRoute& route, double rate, std::int64_t shift_end_ms, Position&& position) {
    reserve(courier + 1, route.anchors.size());
    rate_[courier] = static_cast<float>(rate);
    fastest_ = fastest_ > 0 ? std::min(fastest_, rate) : rate;
    slowest_ = std::max(slowest_, rate);
    shift_end_[courier] = to_float(shift_end_ms);
    const std::size_t n = route.stops.size();
    std::int64_t latest = kNeverMs;  // arrival at the stop in hand that keeps all later limits
    for (std::size_t slot = slots_; slot-- > 0;) {
      const std::size_t cell = slot * lanes_ + courier;
      if (slot > n) {
        clear(cell);
        continue;
      }
      const Anchor& anchor = route.anchors[slot];
      const auto at = position(anchor.place);
      x_[cell] = at[0];
      y_[cell] = at[1];
      z_[cell] = at[2];
      const bool open = slot >= static_cast<std::size_t>(route.locked);
      depart_[cell] = open ? to_float(anchor.depart_ms) : kNowhere;
      join_[cell] = open ? to_float(anchor.join_ms) : kNowhere;
      tail_[cell] = slot < n ? 1.0F : 0.0F;
      leg_[cell] = slot < n ? static_cast<float>(route.legs[slot]) : 0.0F;
      latest_next_[cell] = to_float(latest);
      if (slot > 0) latest = latest_arrival(route, slot - 1, latest);
      latest_ms_ = std::max(latest_ms_, std::abs(static_cast<double>(anchor.depart_ms)));
      if (priced_) set_prices(cell, route, slot);
    }
  }

  // bounds[c]: no feasible insertion into the route of courier c has a shorter detour (ms); kFar: there is none. Slack
  // is not subtracted.
  void detours(const ColumnQuery& query, double extra_ms, std::vector<float>& bounds);

  // bounds[c]: no feasible insertion into the route of courier c costs less, in micro-ms per second, but for what
  // splitting a visit saves; kFar or more: there is none. Slack is not subtracted. Needs columns that are `priced`.
  void prices(const ColumnQuery& query, double extra_ms, std::vector<float>& bounds);

  // What a price may be too high by through rounding.
  double price_slack(double price, double extra_ms) const {
    double per_ms = steepest_;
    for (const std::int64_t weight : weights_) per_ms += 2.0 * static_cast<double>(weight);
    return time_slack_ms(extra_ms) * per_ms + 4e-6 * std::abs(price);
  }

  // What a detour may be too long by through rounding, ms.
  double detour_slack_ms() const { return 16.0 * 1.2e-7 * reach_m_ * slowest_ + 8.0 * 1.2e-7 * longest_leg() + 1.0; }

  // What a time of the columns, or of a query with times up to `extra_ms`, is off by at most.
  double time_slack_ms(double extra_ms) const {
    return 8.0 * 1.2e-7 * (latest_ms_ + extra_ms + longest_leg()) + detour_slack_ms() + 1.0;
  }

 private:
  static constexpr float kNowhere = 3e38F;

  static float to_float(std::int64_t ms) { return ms >= kNeverMs ? kFar : static_cast<float>(ms); }
  double longest_leg() const { return 4.0 * reach_m_ * slowest_; }

  // Arrival at stop k that keeps its limit and `next`, the latest arrival at the stop after it. A stop that joins the
  // visit of the next one is treated as its start, which is what an insertion before it makes it.
  static std::int64_t latest_arrival(const LiveRoute& route, std::size_t k, std::int64_t next) {
    const LiveStop& stop = route.stops[k];
    const std::int64_t own = std::min(stop.latest_ms, stop.shift_latest_ms);
    std::int64_t event = own;
    if (k + 1 < route.stops.size() && next < kNeverMs) {
      const bool joined = route.at_ms[k] == route.at_ms[k + 1] && route.stops[k + 1].visit.place == stop.visit.place &&
                          route.stops[k + 1].visit.kind == stop.visit.kind;
      event = std::min(event, joined ? next + stop.visit.access_ms : next - route.legs[k + 1] - stop.visit.leave_ms);
    }
    return event >= kNeverMs ? kNeverMs : event - stop.visit.access_ms;
  }

  // What is the same for every slot of a query.
  struct Probe {
    float slack, touching, trip_m;
  };
  Probe aim(const ColumnQuery& query, double extra_ms) const;
  template <class Scan>
  void each_slot(const ColumnQuery& query, Scan&& scan);
  SlotView view(std::size_t row, std::size_t here, std::size_t next) const;
  void set_prices(std::size_t cell, const LiveRoute& route, std::size_t slot);

  void clear(std::size_t cell) {
    x_[cell] = y_[cell] = z_[cell] = 0.0F;
    depart_[cell] = join_[cell] = kNowhere;
    tail_[cell] = leg_[cell] = 0.0F;
    latest_next_[cell] = kFar;
    if (!priced_) return;
    for (auto* column : {&slope_a_, &knee_a_, &slope_b_, &knee_b_, &lag_}) (*column)[cell] = 0.0F;
    lead_[cell] = calm_[cell] = kFar;
    resume_[cell] = kNowhere;
  }

  // Columns that have a value for every slot of every lane.
  std::vector<std::vector<float>*> slotted() {
    std::vector<std::vector<float>*> columns{&x_, &y_, &z_, &depart_, &join_, &tail_, &leg_, &latest_next_};
    if (priced_) {
      columns.insert(columns.end(), {&slope_a_, &knee_a_, &slope_b_, &knee_b_, &lead_, &lag_, &calm_, &resume_});
    }
    return columns;
  }

  void reserve(std::size_t couriers, std::size_t slots) {
    if (couriers <= lanes_ && slots <= slots_) return;
    const std::size_t old_lanes = lanes_;
    const std::size_t old_slots = slots_;
    if (couriers > lanes_) lanes_ = std::max<std::size_t>((couriers + 7) / 8 * 8, lanes_ + lanes_ / 2 / 8 * 8);
    slots_ = std::max(slots_, slots);
    for (auto* column : slotted()) {
      std::vector<float> grown(lanes_ * slots_, 0.0F);
      for (std::size_t slot = 0; slot < old_slots; ++slot) {
        std::copy_n(column->begin() + static_cast<std::ptrdiff_t>(slot * old_lanes), old_lanes,
                    grown.begin() + static_cast<std::ptrdiff_t>(slot * lanes_));
      }
      column->swap(grown);
    }
    for (std::size_t slot = 0; slot < slots_; ++slot) {
      for (std::size_t lane = slot < old_slots ? old_lanes : 0; lane < lanes_; ++lane) clear(slot * lanes_ + lane);
    }
    rate_.resize(lanes_);
    shift_end_.resize(lanes_, kFar);
  }

  const Weights weights_;
  const std::int64_t severe_after_ms_;
  const bool priced_;
  double steepest_ = 0.0;  // slope of any line so far
  std::size_t lanes_ = 0, slots_ = 0;
  std::array<double, 3> centre_{};
  bool centred_ = false;
  double reach_m_ = 0.0, fastest_ = 0.0, slowest_ = 0.0, latest_ms_ = 0.0;
  std::vector<float> x_, y_, z_;                             // anchor
  std::vector<float> depart_, join_;                         // from the anchor; kNowhere: not insertable
  std::vector<float> tail_, leg_;                            // whether a stop follows, and the travel to it
  std::vector<float> latest_next_;                           // latest arrival there
  std::vector<float> slope_a_, knee_a_, slope_b_, knee_b_;   // what arriving late at the next stop costs
  std::vector<float> lead_, lag_;                            // how far a pick-up here moves the start of the route
  std::vector<float> calm_, resume_;                         // latest harmless arrival there, departure from the anchor
  std::vector<float> rate_, shift_end_;                      // per courier
  std::vector<float> to_pickup_, to_dropoff_, best_pickup_;  // scratch
  std::vector<float> after_pickup_;                          // scratch: departure when the pick-up came before
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_FLEET_COLUMNS_H
