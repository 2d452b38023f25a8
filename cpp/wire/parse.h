// The rows of a MatchRequest as they are listed, before anything is checked against anything else.
#ifndef MATCHER_WIRE_PARSE_H
#define MATCHER_WIRE_PARSE_H

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "matcher/match_request.h"

namespace matcher::wire {

// Names of skills in the order of their first mention; at most 63.
class Skills {
 public:
  // Bit of the name, or 0 when there are too many.
  std::uint64_t bit(std::string_view name) {
    for (std::size_t k = 0; k < names_.size(); ++k) {
      if (names_[k] == name) return std::uint64_t{1} << k;
    }
    if (names_.size() == 63) return 0;
    names_.push_back(name);
    return std::uint64_t{1} << (names_.size() - 1);
  }
  const std::vector<std::string_view>& names() const { return names_; }

 private:
  std::vector<std::string_view> names_;
};

struct OrderRow {
  std::string_view id, store_id, announced;
  double pickup_latitude = 0, pickup_longitude = 0, dropoff_latitude = 0, dropoff_longitude = 0;
  std::int64_t placed_at_ms = 0, ready_at_ms = 0, promised_by_ms = 0, dropoff_not_before_ms = 0, pickup_by_ms = 0,
               dropoff_by_ms = 0, freshness_limit_ms = 0, picked_up_at_ms = 0, courier_pay_micros = 0,
               ready_early_at_ms = 0, ready_late_at_ms = 0;
  std::uint64_t skills = 0;
  std::size_t first_refusal = 0, refusals = 0;
  std::int32_t size = 0, priority = 0, pickup_access_ms = 0, pickup_leave_ms = 0, dropoff_access_ms = 0,
               dropoff_leave_ms = 0;
};

struct StopRow {
  std::string_view order_id;
  std::int32_t kind = 0;
};

struct CourierRow {
  std::string_view id;
  double latitude = 0, longitude = 0;
  std::int64_t free_at_ms = 0, shift_end_at_ms = 0, earned_micros = 0, guaranteed_micros = 0, on_shift_ms = 0;
  std::uint64_t skills = 0;
  std::size_t first_stop = 0, stops = 0;
  std::int32_t capacity = 0, mode = 0, speed_meters_per_hour = 0, locked_stops = 0, acceptance_permille = 0;
};

struct DemandRow {
  double latitude = 0, longitude = 0;
  std::int32_t weight = 0;
};

struct Rows {
  std::string_view policy, market_id;
  std::int64_t at_ms = 0;
  std::int32_t forced_rung = 0, frame = 0;
  bool validate_only = false;
  std::vector<OrderRow> orders;
  std::vector<CourierRow> couriers;
  std::vector<StopRow> stops;
  std::vector<DemandRow> demand;
  std::vector<std::string_view> refused;  // courier ids
  Skills skills;
};

// False: the reference must look at it.
bool parse_match_request(std::string_view bytes, const MatchRequestLimits& limits, Rows& rows);

}  // namespace matcher::wire

#endif  // MATCHER_WIRE_PARSE_H
