// From the bytes of a matcher.v1.MatchRequest to the columns of a Snapshot, in one pass over the bytes and one sort.
//
// Problem: at 200 orders and 1,000 couriers, message objects of a Python runtime cost more than the decision.
// Method: parse into rows, check, sort rows by id and places by coordinates, write the columns.
// Complexity: O(bytes + n log n), n rows. Rows that come sorted, as our own clients send them, are not sorted again.
// Contract: kOk means that the columns are bit for bit what the reference (python/matcher/wire/request.py with
// matcher.domain.builder, on the official protobuf runtime) makes of the same bytes. Anything that the reference might
// refuse, and anything unusual, is kRefer: the caller asks the reference, which says what is wrong and where. A
// property test and a fuzzer hold both to each other.
#ifndef MATCHER_MATCH_REQUEST_H
#define MATCHER_MATCH_REQUEST_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace matcher {

// As matcher.domain.Limits.
struct MatchRequestLimits {
  std::int64_t orders;
  std::int64_t couriers;
  std::int64_t route_stops;
  std::int64_t id_bytes;
  std::int64_t demand_points;
};

enum class MatchRequestStatus {
  kOk = 0,
  kRefer = 1,
};

// Columns as in matcher.domain.snapshot; texts point into the request's bytes.
struct MatchRequestColumns {
  std::string_view policy;
  std::int32_t forced_rung = 0;
  bool validate_only = false;

  std::string_view market_id;
  std::int64_t at_ms = 0;
  std::int32_t frame = 0;
  std::vector<std::string_view> skill_names;
  std::vector<std::string_view> store_ids;

  std::vector<double> latitude, longitude, x, y, z;
  double radius_m = 0;

  std::vector<std::string_view> order_ids;
  std::vector<std::int32_t> pickup_loc, dropoff_loc;
  std::vector<std::int64_t> placed_ms, ready_ms, promised_by_ms, dropoff_not_before_ms, pickup_by_ms, dropoff_by_ms,
      freshness_ms;
  std::vector<std::int32_t> size;
  std::vector<std::uint64_t> order_skills;
  std::vector<std::int32_t> priority, store, pickup_access_ms, pickup_leave_ms, dropoff_access_ms, dropoff_leave_ms,
      order_courier, announced;
  std::vector<std::int64_t> pay_micros, ready_early_ms, ready_late_ms;

  std::vector<std::string_view> courier_ids;
  std::vector<std::int32_t> courier_loc;
  std::vector<std::int64_t> free_ms, shift_end_ms;
  std::vector<std::int32_t> capacity;
  std::vector<std::uint64_t> courier_skills;
  std::vector<std::int8_t> mode;
  std::vector<std::int32_t> speed_mph;
  std::vector<std::int64_t> earned_micros, guaranteed_micros, on_shift_ms;
  std::vector<std::int32_t> acceptance_permille;

  std::vector<std::int32_t> route_ptr, stop_order;
  std::vector<std::int8_t> stop_kind;
  std::vector<std::int32_t> locked;

  std::vector<std::int32_t> demand_loc, demand_weight;
  std::vector<std::int32_t> refusal_order, refusal_courier;
};

// Decodes `bytes`; `out` is meaningful when the answer is kOk, and refers to `bytes`.
MatchRequestStatus decode_match_request(std::string_view bytes, const MatchRequestLimits& limits,
                                        MatchRequestColumns& out);

// What the digest of the snapshot is made of after its scalars: lengths and bytes of all texts and columns,
// little-endian, in the order of matcher.domain.canonical, which says the same in Python. Of a column of equal values
// there is one. Texts must be valid UTF-8.
std::string canonical_content(const MatchRequestColumns& columns);

// A field of the contract as this decoder knows it.
struct WireField {
  const char* message;
  const char* name;
  std::uint32_t number;
  const char* kind;
};

// All fields that decode_match_request knows.
std::vector<WireField> match_request_fields();

}  // namespace matcher

#endif  // MATCHER_MATCH_REQUEST_H
