#include "route/fleet_columns.h"

// The loops below are written for the vectoriser: no branches, no calls but sqrt, all loop constants in locals.
#if defined(__GNUC__) || defined(__clang__)
#define MATCHER_RESTRICT __restrict__
#else
#define MATCHER_RESTRICT
#endif

// On x86 the loops are compiled twice and chosen at load time. The wider one rounds alike (there is no contraction),
// and bounds carry their slack anyway, so answers do not depend on the machine. Sanitizers cannot start through a
// resolver.
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MATCHER_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define MATCHER_WIDE
#endif

namespace matcher::route {
namespace {

constexpr float kFar = FleetColumns::kFar;

inline float least(float a, float b) { return a < b ? a : b; }
inline float most(float a, float b) { return a < b ? b : a; }

// What breaking a limit adds to a detour.
inline float unless(bool kept) { return kept ? 0.0F : kFar; }

// out[c]: straight way between a point and each of n, in ms.
MATCHER_WIDE void ways(std::size_t n, const float* MATCHER_RESTRICT x, const float* MATCHER_RESTRICT y,
                       const float* MATCHER_RESTRICT z, const float* MATCHER_RESTRICT rate,
                       const std::array<float, 3>& point, float* MATCHER_RESTRICT out) {
  const float px = point[0], py = point[1], pz = point[2];
  for (std::size_t c = 0; c < n; ++c) {
    const float dx = x[c] - px, dy = y[c] - py, dz = z[c] - pz;
    out[c] = std::sqrt(dx * dx + dy * dy + dz * dz) * rate[c];
  }
}

// Takes one slot into the running minima: best detour of a pick-up alone, and of the pair.
MATCHER_WIDE void scan_slot(std::size_t n, const SlotView& slot, const ColumnQuery& query, float trip_m, float slack,
                            float touching, float* MATCHER_RESTRICT best_pickup, float* MATCHER_RESTRICT best_pair) {
  const float* MATCHER_RESTRICT depart = slot.depart;
  const float* MATCHER_RESTRICT join = slot.join;
  const float* MATCHER_RESTRICT tail = slot.tail;
  const float* MATCHER_RESTRICT leg = slot.leg;
  const float* MATCHER_RESTRICT latest = slot.latest;
  const float* MATCHER_RESTRICT to_p = slot.to_pickup;
  const float* MATCHER_RESTRICT to_d = slot.to_dropoff;
  const float* MATCHER_RESTRICT from_p = slot.from_pickup;
  const float* MATCHER_RESTRICT from_d = slot.from_dropoff;
  const float* MATCHER_RESTRICT rate = slot.rate;
  const float* MATCHER_RESTRICT shift_end = slot.shift_end;
  const float pickup_access = query.pickup_access, pickup_leave = query.pickup_leave, ready = query.ready;
  const float dropoff_access = query.dropoff_access, dropoff_leave = query.dropoff_leave;
  const float not_before = query.dropoff_not_before;
  const float pickup_by = query.pickup_by + slack, dropoff_by = query.dropoff_by + slack;
  for (std::size_t c = 0; c < n; ++c) {
    // All loads first: a load that depends on a condition keeps a loop from being vectorised.
    const float depart_c = depart[c], join_c = join[c], tail_c = tail[c], leg_c = leg[c], rate_c = rate[c];
    const float to_p_c = to_p[c], to_d_c = to_d[c], from_p_c = from_p[c], from_d_c = from_d[c];
    const float best_pickup_c = best_pickup[c], best_pair_c = best_pair[c];
    const float shift_end_c = shift_end[c] + slack;
    const float allowed = latest[c] + slack;  // arrival at the next stop; kFar when there is none
    // The pick-up after this anchor, and on to the next stop. Stops at one place may become one visit.
    const float start_p = to_p_c <= touching ? join_c : depart_c;
    const float event_p = most(start_p + to_p_c + pickup_access, ready);
    const float leave_p = event_p + pickup_leave;
    const float late_p = unless(event_p <= least(pickup_by, shift_end_c));
    const float arrive_p = from_p_c <= touching ? 0.0F : leave_p + from_p_c;
    const float pickup_alone = to_p_c + tail_c * (from_p_c - leg_c) + late_p + unless(arrive_p <= allowed);
    // The drop-off after this anchor, the pick-up earlier.
    const float start_d = to_d_c <= touching ? -kFar : depart_c;
    const float event_d = most(start_d + to_d_c + dropoff_access, not_before);
    const float arrive_d = from_d_c <= touching ? 0.0F : event_d + dropoff_leave + from_d_c;
    const float onward = tail_c * (from_d_c - leg_c);
    const float separate =
        best_pickup_c + to_d_c + onward + unless(event_d <= dropoff_by) + unless(arrive_d <= allowed);
    // Both after this anchor.
    const float trip = trip_m * rate_c;
    const float event_b = most(leave_p + trip + dropoff_access, not_before);
    const float arrive_b = from_d_c <= touching ? 0.0F : event_b + dropoff_leave + from_d_c;
    const float together =
        to_p_c + trip + onward + late_p + unless(event_b <= dropoff_by) + unless(arrive_b <= allowed);

    best_pair[c] = least(best_pair_c, least(separate, together));
    best_pickup[c] = least(best_pickup_c, pickup_alone);
  }
}

// What the prices read of one slot besides its SlotView.
struct PriceView {
  const float* slope_a;
  const float* knee_a;
  const float* slope_b;
  const float* knee_b;
  const float* lead;
  const float* lag;
  const float* calm;
  const float* resume_next;
};

// Weights as the scan uses them.
struct PriceWeights {
  float click, late, severe, pickup, travel, courier;
};

// Takes one slot into the running minima: the best price of a pick-up alone, of the pair, and the earliest departure
// from the next slot once the pick-up has been somewhere before. A
// drop-off after its pick-up adds at least what it would add alone: delays add up, and their cost is convex.
MATCHER_WIDE void price_slot(std::size_t n, const SlotView& slot, const PriceView& price, const ColumnQuery& query,
                             const PriceWeights& weights, float trip_m, float slack, float touching, float moves_start,
                             float* MATCHER_RESTRICT best_pickup, float* MATCHER_RESTRICT best_pair,
                             float* MATCHER_RESTRICT after_pickup) {
  const float* MATCHER_RESTRICT depart = slot.depart;
  const float* MATCHER_RESTRICT join = slot.join;
  const float* MATCHER_RESTRICT tail = slot.tail;
  const float* MATCHER_RESTRICT leg = slot.leg;
  const float* MATCHER_RESTRICT latest = slot.latest;
  const float* MATCHER_RESTRICT to_p = slot.to_pickup;
  const float* MATCHER_RESTRICT to_d = slot.to_dropoff;
  const float* MATCHER_RESTRICT from_p = slot.from_pickup;
  const float* MATCHER_RESTRICT from_d = slot.from_dropoff;
  const float* MATCHER_RESTRICT rate = slot.rate;
  const float* MATCHER_RESTRICT shift_end = slot.shift_end;
  const float* MATCHER_RESTRICT slope_a = price.slope_a;
  const float* MATCHER_RESTRICT knee_a = price.knee_a;
  const float* MATCHER_RESTRICT slope_b = price.slope_b;
  const float* MATCHER_RESTRICT knee_b = price.knee_b;
  const float* MATCHER_RESTRICT lead = price.lead;
  const float* MATCHER_RESTRICT lag = price.lag;
  const float* MATCHER_RESTRICT calm = price.calm;
  const float* MATCHER_RESTRICT resume_next = price.resume_next;
  const float pickup_access = query.pickup_access, pickup_leave = query.pickup_leave, ready = query.ready;
  const float dropoff_access = query.dropoff_access, dropoff_leave = query.dropoff_leave;
  const float not_before = query.dropoff_not_before, placed = query.placed;
  const float promised = query.promised_by, severe_from = query.promised_by + query.severe_after;
  const float pickup_by = query.pickup_by + slack, dropoff_by = query.dropoff_by + slack;
  const float w_click = weights.click, w_late = weights.late, w_severe = weights.severe;
  const float w_pickup = weights.pickup, w_travel = weights.travel, w_courier = weights.courier;
  for (std::size_t c = 0; c < n; ++c) {
    const float depart_c = depart[c], join_c = join[c], tail_c = tail[c], leg_c = leg[c], rate_c = rate[c];
    const float to_p_c = to_p[c], to_d_c = to_d[c], from_p_c = tail_c * from_p[c], from_d_c = tail_c * from_d[c];
    const float best_pickup_c = best_pickup[c], best_pair_c = best_pair[c], after_c = after_pickup[c];
    const float slope_a_c = slope_a[c], knee_a_c = knee_a[c], slope_b_c = slope_b[c], knee_b_c = knee_b[c];
    const float lead_c = lead[c], lag_c = lag[c], calm_c = calm[c], resume_c = resume_next[c];
    const float shift_end_c = shift_end[c] + slack;
    const float allowed = latest[c] + slack;
    const bool at_next_p = (tail_c > 0.0F) & (from_p_c <= touching);
    const bool at_next_d = (tail_c > 0.0F) & (from_d_c <= touching);
    // The pick-up: its own delay, the travel, what follows, and how much later the courier need start.
    const float start_p = to_p_c <= touching ? join_c : depart_c;
    const float event_p = most(start_p + to_p_c + pickup_access, ready);
    const float leave_p = event_p + pickup_leave;
    const float late_p = unless(event_p <= least(pickup_by, shift_end_c));
    const float arrive_p = at_next_p ? 0.0F : leave_p + from_p_c;
    const float shifted = to_p_c <= moves_start ? ready - pickup_access - to_p_c - lead_c : -kFar;
    const float own_p = w_pickup * (event_p - ready) - w_courier * most(lag_c, shifted) + w_travel * to_p_c + late_p;
    const float delay_p = most(0.0F, most(slope_a_c * (arrive_p - knee_a_c), slope_b_c * (arrive_p - knee_b_c)));
    const float pickup_alone = own_p + w_travel * (from_p_c - leg_c) + delay_p + unless(arrive_p <= allowed);
    // The drop-off after this anchor, the pick-up earlier.
    const float start_d = to_d_c <= touching ? -kFar : after_c;
    const float event_d = most(start_d + to_d_c + dropoff_access, not_before);
    const float arrive_d = at_next_d ? 0.0F : event_d + dropoff_leave + from_d_c;
    const float begin_d = to_d_c <= touching ? -kFar : depart_c;
    const float alone_d = at_next_d ? 0.0F : begin_d + to_d_c + dropoff_access + dropoff_leave + from_d_c;
    const float onward = w_travel * (from_d_c - leg_c);
    const float delay_d = most(0.0F, most(slope_a_c * (alone_d - knee_a_c), slope_b_c * (alone_d - knee_b_c)));
    const float own_d = w_click * (event_d - placed) + w_late * most(0.0F, event_d - promised) +
                        w_severe * most(0.0F, event_d - severe_from) + unless(event_d <= dropoff_by);
    const float separate = best_pickup_c + w_travel * to_d_c + onward + delay_d + own_d + unless(arrive_d <= allowed);
    // Both after this anchor.
    const float trip = trip_m * rate_c;
    const float event_b = most(leave_p + trip + dropoff_access, not_before);
    const float arrive_b = at_next_d ? 0.0F : event_b + dropoff_leave + from_d_c;
    const float delay_b = most(0.0F, most(slope_a_c * (arrive_b - knee_a_c), slope_b_c * (arrive_b - knee_b_c)));
    const float own_b = w_click * (event_b - placed) + w_late * most(0.0F, event_b - promised) +
                        w_severe * most(0.0F, event_b - severe_from) + unless(event_b <= dropoff_by);
    const float together = own_p + w_travel * trip + onward + delay_b + own_b + unless(arrive_b <= allowed);

    best_pair[c] = least(best_pair_c, least(separate, together));
    best_pickup[c] = least(best_pickup_c, pickup_alone);
    // Who arrives at the next stop by its calm leaves it as planned.
    after_pickup[c] = resume_c + most(0.0F, least(after_c + leg_c, arrive_p + late_p) - calm_c);
  }
}

// Whether stops k - 1 and k of a route share a visit.
bool joined(const LiveRoute& route, std::size_t k) {
  const LiveStop &before = route.stops[k - 1], &stop = route.stops[k];
  return route.at_ms[k - 1] == route.at_ms[k] && before.visit.place == stop.visit.place &&
         before.visit.kind == stop.visit.kind;
}

// Length of the first visit, and its longest access.
std::pair<std::size_t, std::int64_t> first_visit(const LiveRoute& route) {
  std::size_t stops = route.stops.empty() ? 0 : 1;
  std::int64_t access = stops > 0 ? route.stops[0].visit.access_ms : 0;
  for (; stops > 0 && stops < route.stops.size() && joined(route, stops); ++stops) {
    access = std::max(access, route.stops[stops].visit.access_ms);
  }
  return {stops, access};
}

}  // namespace

DelayLines delay_lines(const LiveRoute& route, std::size_t k, const Weights& weights, std::int64_t severe_after_ms) {
  const auto weight = [&](Quantity term) { return static_cast<double>(weights[term]); };
  const std::size_t n = route.stops.size();
  const std::int64_t finish = route.anchors[n].depart_ms;
  DelayLines lines;
  for (std::size_t line = 0; line < 2; ++line) {
    if (k == n) {
      lines.slope[line] = static_cast<float>(weight(kCourierTime));
      lines.knee[line] = static_cast<float>(finish);
      continue;
    }
    const std::int64_t touch = route.at_ms[k] - route.stops[k].visit.access_ms + DelayLines::kTouchAt[line];
    std::int64_t arrive = touch;
    double cost = 0.0, slope = 0.0;
    for (std::size_t stop = k;; ++stop) {
      const LiveStop& here = route.stops[stop];
      const std::int64_t event = arrive + here.visit.access_ms, was = route.at_ms[stop];
      if (event <= was) break;                                   // a wait absorbs the delay
      const auto later = [&](double rate, std::int64_t limit) {  // beyond a limit, or beyond the present when later
        const std::int64_t from = std::max(limit, was);
        if (event <= from) return;
        cost += rate * static_cast<double>(event - from);
        slope += rate;
      };
      if (here.visit.kind == StopKind::kPickup) {
        later(weight(kPickupDelay), was);
      } else {
        later(weight(kClickToDoor), was);
        later(weight(kLateness), here.promised_by_ms);
        later(weight(kSevereLateness), here.promised_by_ms + severe_after_ms);
      }
      if (stop + 1 == n) {
        if (const std::int64_t end = event + here.visit.leave_ms; end > finish) {
          cost += weight(kCourierTime) * static_cast<double>(end - finish);
          slope += weight(kCourierTime);
        }
        break;
      }
      arrive = joined(route, stop + 1) ? event - route.stops[stop + 1].visit.access_ms
                                       : event + here.visit.leave_ms + route.legs[stop + 1];
    }
    lines.slope[line] = static_cast<float>(slope);
    lines.knee[line] = slope > 0.0 ? static_cast<float>(static_cast<double>(touch) - cost / slope) : 0.0F;
  }
  return lines;
}

void FleetColumns::set_prices(std::size_t cell, const LiveRoute& route, std::size_t slot) {
  const std::size_t n = route.stops.size();
  const DelayLines lines = delay_lines(route, slot, weights_, severe_after_ms_);
  slope_a_[cell] = lines.slope[0];
  knee_a_[cell] = lines.knee[0];
  slope_b_[cell] = lines.slope[1];
  knee_b_[cell] = lines.knee[1];
  steepest_ = std::max({steepest_, static_cast<double>(lines.slope[0]), static_cast<double>(lines.slope[1])});
  // The departure from an anchor is that of its whole visit; of the last stop alone when a split takes the others away.
  std::int64_t gap = 0;
  for (std::size_t k = slot; k > 1 && joined(route, k - 1); --k) {
    gap = std::max(gap, route.stops[k - 2].visit.leave_ms - route.stops[slot - 1].visit.leave_ms);
  }
  const std::int64_t resume = route.anchors[slot].depart_ms - gap;
  resume_[cell] = to_float(resume);
  // A stop that joins the visit before it is reached without departing.
  calm_[cell] =
      slot < n ? to_float(std::max(route.at_ms[slot] - route.stops[slot].visit.access_ms, resume + route.legs[slot]))
               : kFar;
  // The latest start of the courier: a pick-up in front sets it anew, one that joins or splits the first visit moves
  // it.
  const auto [stops, access] = first_visit(route);
  const std::int64_t start = route.anchors[0].depart_ms;
  const std::int64_t depart_by = stops == 0 ? start : route.at_ms[0] - access - route.legs[0];
  lead_[cell] = kFar;
  lag_[cell] = 0.0F;
  if (slot == 0) {
    lead_[cell] = to_float(depart_by);
    lag_[cell] = static_cast<float>(start - depart_by);
  } else if (slot <= stops) {
    lead_[cell] = to_float(depart_by + route.legs[0]);
    lag_[cell] = slot < stops ? static_cast<float>(access) : 0.0F;
  }
}

void FleetColumns::prices(const ColumnQuery& query, double extra_ms, std::vector<float>& bounds) {
  const std::size_t n = lanes_;
  bounds.assign(n, kFar);
  best_pickup_.assign(n, kFar);
  after_pickup_.assign(n, kFar);
  const Probe probe = aim(query, extra_ms);
  const auto weight = [&](Quantity term) { return static_cast<float>(weights_[term]); };
  const PriceWeights weights{weight(kClickToDoor), weight(kLateness), weight(kSevereLateness),
                             weight(kPickupDelay), weight(kTravel),   weight(kCourierTime)};
  each_slot(query, [&](std::size_t slot, std::size_t here, std::size_t next) {
    const std::size_t row = slot * n;
    const std::size_t row_after = slot + 1 < slots_ ? row + n : row;
    price_slot(n, view(row, here, next),
               {&slope_a_[row], &knee_a_[row], &slope_b_[row], &knee_b_[row], &lead_[row], &lag_[row], &calm_[row],
                &resume_[row_after]},
               query, weights, probe.trip_m, probe.slack, probe.touching, slot == 0 ? kFar : probe.touching,
               best_pickup_.data(), bounds.data(), after_pickup_.data());
  });
}

FleetColumns::Probe FleetColumns::aim(const ColumnQuery& query, double extra_ms) const {
  const float dx = query.pickup[0] - query.dropoff[0];
  const float dy = query.pickup[1] - query.dropoff[1];
  const float dz = query.pickup[2] - query.dropoff[2];
  return {static_cast<float>(time_slack_ms(extra_ms)), static_cast<float>(4.0 * 1.2e-7 * reach_m_ * slowest_ + 1e-3),
          std::sqrt(dx * dx + dy * dy + dz * dz)};
}

// Calls scan(slot, here, next) slot by slot; here and next are where the ways from this and the following slot lie.
template <class Scan>
void FleetColumns::each_slot(const ColumnQuery& query, Scan&& scan) {
  const std::size_t n = lanes_;
  to_pickup_.assign(2 * n, 0.0F);
  to_dropoff_.assign(2 * n, 0.0F);
  const auto measure = [&](std::size_t slot) {
    const std::size_t row = slot * n;
    const std::size_t half = slot % 2 * n;
    ways(n, &x_[row], &y_[row], &z_[row], rate_.data(), query.pickup, &to_pickup_[half]);
    ways(n, &x_[row], &y_[row], &z_[row], rate_.data(), query.dropoff, &to_dropoff_[half]);
  };
  if (n == 0 || slots_ == 0) return;
  measure(0);
  for (std::size_t slot = 0; slot < slots_; ++slot) {
    if (slot + 1 < slots_) measure(slot + 1);
    const std::size_t here = slot % 2 * n;
    scan(slot, here, n - here);
  }
}

SlotView FleetColumns::view(std::size_t row, std::size_t here, std::size_t next) const {
  return {&depart_[row],      &join_[row],       &tail_[row],        &leg_[row],
          &latest_next_[row], &to_pickup_[here], &to_dropoff_[here], &to_pickup_[next],
          &to_dropoff_[next], rate_.data(),      shift_end_.data()};
}

void FleetColumns::detours(const ColumnQuery& query, double extra_ms, std::vector<float>& bounds) {
  const std::size_t n = lanes_;
  bounds.assign(n, kFar);
  best_pickup_.assign(n, kFar);
  const Probe probe = aim(query, extra_ms);
  each_slot(query, [&](std::size_t slot, std::size_t here, std::size_t next) {
    scan_slot(n, view(slot * n, here, next), query, probe.trip_m, probe.slack, probe.touching, best_pickup_.data(),
              bounds.data());
  });
}

}  // namespace matcher::route
