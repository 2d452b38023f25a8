#include "wire/check.h"

#include <cmath>

namespace matcher::wire {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kHorizonMs = 30 * kDayMs;
constexpr std::int64_t kLastUnixMs = 253'402'300'799'999;  // the end of the year 9999
constexpr std::int32_t kMaxUnits = 1'000'000;
constexpr std::int32_t kMaxSpeedMph = 1'000'000;
constexpr std::int32_t kMaxPriority = 1'000;
constexpr std::int64_t kMaxMicros = 1'000'000'000'000;
constexpr std::int32_t kMaxPermille = 1'000;
constexpr std::int32_t kMaxWeight = 1'000'000;
constexpr std::int32_t kMaxMode = 4;
constexpr std::int32_t kMaxRung = 3;
constexpr double kPlaneReachM = 10'000'000.0;

class Checks {
 public:
  explicit Checks(const Rows& rows)
      : low_(rows.at_ms > kHorizonMs ? rows.at_ms - kHorizonMs : 1),
        high_(rows.at_ms + kHorizonMs),
        max_latitude_(rows.frame == kPlane ? kPlaneReachM : 90.0),
        max_longitude_(rows.frame == kPlane ? kPlaneReachM : 180.0) {}

  bool order(const OrderRow& o) const {
    return !o.id.empty() && place(o.pickup_latitude, o.pickup_longitude) &&
           place(o.dropoff_latitude, o.dropoff_longitude) && time(o.placed_at_ms) && time(o.ready_at_ms) &&
           time(o.promised_by_ms) && time(o.dropoff_not_before_ms) && time(o.pickup_by_ms) && time(o.dropoff_by_ms) &&
           time(o.picked_up_at_ms) && within(o.freshness_limit_ms, kHorizonMs) && within(o.pickup_access_ms, kDayMs) &&
           within(o.pickup_leave_ms, kDayMs) && within(o.dropoff_access_ms, kDayMs) &&
           within(o.dropoff_leave_ms, kDayMs) && within(o.size, kMaxUnits) && within(o.priority, kMaxPriority) &&
           within(o.courier_pay_micros, kMaxMicros) && window(o.dropoff_not_before_ms, o.promised_by_ms) &&
           window(o.dropoff_not_before_ms, o.dropoff_by_ms) && window(o.ready_at_ms, o.pickup_by_ms) &&
           window(o.ready_at_ms, o.dropoff_by_ms) && time(o.ready_early_at_ms) && time(o.ready_late_at_ms) &&
           window(o.ready_early_at_ms, o.ready_at_ms) && window(o.ready_at_ms, o.ready_late_at_ms) &&
           window(o.ready_early_at_ms, o.ready_late_at_ms);
  }

  bool courier(const CourierRow& c) const {
    return !c.id.empty() && place(c.latitude, c.longitude) && time(c.free_at_ms) && time(c.shift_end_at_ms) &&
           within(c.capacity, kMaxUnits) && within(c.speed_meters_per_hour, kMaxSpeedMph) && within(c.mode, kMaxMode) &&
           within(c.earned_micros, kMaxMicros) && within(c.guaranteed_micros, kMaxMicros) &&
           within(c.acceptance_permille, kMaxPermille) && within(c.on_shift_ms, kDayMs) &&
           within(c.locked_stops, static_cast<std::int64_t>(c.stops));
  }

  bool demand(const DemandRow& d) const {
    return place(d.latitude, d.longitude) && 1 <= d.weight && d.weight <= kMaxWeight;
  }

 private:
  static bool within(std::int64_t value, std::int64_t most) { return 0 <= value && value <= most; }
  static bool window(std::int64_t early, std::int64_t late) { return early == 0 || late == 0 || early <= late; }
  bool time(std::int64_t value) const { return value == 0 || (low_ <= value && value <= high_); }
  // Not true of NaN.
  bool place(double latitude, double longitude) const {
    return std::abs(latitude) <= max_latitude_ && std::abs(longitude) <= max_longitude_;
  }

  std::int64_t low_, high_;
  double max_latitude_, max_longitude_;
};

}  // namespace

bool rows_are_sane(const Rows& rows) {
  if (rows.market_id.empty() || rows.at_ms <= 0 || rows.at_ms > kLastUnixMs) return false;
  if (rows.frame < 0 || rows.frame > kPlane || rows.forced_rung < 0 || rows.forced_rung > kMaxRung) return false;
  const Checks checks(rows);
  for (const OrderRow& order : rows.orders) {
    if (!checks.order(order)) return false;
  }
  for (const CourierRow& courier : rows.couriers) {
    if (!checks.courier(courier)) return false;
  }
  for (const DemandRow& point : rows.demand) {
    if (!checks.demand(point)) return false;
  }
  return true;
}

}  // namespace matcher::wire
