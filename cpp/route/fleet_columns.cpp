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

// Takes one slot into the running minima: best detour of a pick-up alone, of the pair, earliest hand-over.
MATCHER_WIDE void scan_slot(std::size_t n, const SlotView& slot, const ColumnQuery& query, float trip_m, float slack,
                            float touching, float* MATCHER_RESTRICT best_pickup, float* MATCHER_RESTRICT best_pair,
                            float* MATCHER_RESTRICT earliest) {
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
    const float best_pickup_c = best_pickup[c], best_pair_c = best_pair[c], earliest_c = earliest[c];
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
    earliest[c] = least(earliest_c, event_p + late_p);
  }
}

}  // namespace

void FleetColumns::detours(const ColumnQuery& query, std::size_t couriers, double extra_ms, std::vector<float>& bounds,
                           std::vector<float>& pickup, std::vector<float>& dropoff) {
  const std::size_t n = lanes_;
  bounds.assign(n, kFar);
  pickup.assign(n, kFar);
  dropoff.assign(n, kFar);
  best_pickup_.assign(n, kFar);
  to_pickup_.assign(2 * n, 0.0F);
  to_dropoff_.assign(2 * n, 0.0F);
  const auto slack = static_cast<float>(time_slack_ms(extra_ms));
  const auto touching = static_cast<float>(4.0 * 1.2e-7 * reach_m_ * slowest_ + 1e-3);
  const float dx = query.pickup[0] - query.dropoff[0];
  const float dy = query.pickup[1] - query.dropoff[1];
  const float dz = query.pickup[2] - query.dropoff[2];
  const float trip_m = std::sqrt(dx * dx + dy * dy + dz * dz);

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
    const std::size_t row = slot * n;
    const std::size_t here = slot % 2 * n;
    const std::size_t next = n - here;
    scan_slot(n,
              {&depart_[row], &join_[row], &tail_[row], &leg_[row], &latest_next_[row], &to_pickup_[here],
               &to_dropoff_[here], &to_pickup_[next], &to_dropoff_[next], rate_.data(), shift_end_.data()},
              query, trip_m, slack, touching, best_pickup_.data(), bounds.data(), pickup.data());
  }
  for (std::size_t c = 0; c < couriers; ++c) {
    dropoff[c] =
        std::max(pickup[c] + query.pickup_leave + trip_m * rate_[c] + query.dropoff_access, query.dropoff_not_before);
  }
}

}  // namespace matcher::route
