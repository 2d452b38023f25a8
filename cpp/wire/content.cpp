#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "matcher/match_request.h"

namespace matcher {
namespace {

static_assert(std::endian::native == std::endian::little, "columns are written as they lie in memory");

// In the length of a column whose values are all the same, of which one is written: many columns are left at their
// defaults, and what is written is hashed.
constexpr std::uint64_t kSame = std::uint64_t{1} << 63;

template <class T>
void put(std::string& out, const std::vector<T>& values) {
  static_assert(std::is_arithmetic_v<T>);
  // Equal values are equal bytes: no column holds -0.0 or NaN.
  const bool same =
      values.size() > 1 && std::memcmp(values.data(), values.data() + 1, (values.size() - 1) * sizeof(T)) == 0;
  const std::uint64_t count = values.size() | (same ? kSame : 0);
  out.append(reinterpret_cast<const char*>(&count), sizeof count);
  out.append(reinterpret_cast<const char*>(values.data()), (same ? 1 : values.size()) * sizeof(T));
}

std::int32_t code_points(std::string_view utf8) {
  std::int32_t count = 0;
  std::size_t at = 0;
  for (; at + 8 <= utf8.size(); at += 8) {  // of eight bytes, those that are 10xxxxxx continue a code point
    std::uint64_t eight;
    std::memcpy(&eight, utf8.data() + at, 8);
    const std::uint64_t continuing = (eight & ~(eight << 1) & 0x8080808080808080u) >> 7;
    count += 8 - static_cast<std::int32_t>(continuing * 0x0101010101010101u >> 56);  // the sum of its bytes
  }
  for (; at < utf8.size(); ++at) count += (static_cast<unsigned char>(utf8[at]) & 0xC0) != 0x80;
  return count;
}

void put(std::string& out, const std::vector<std::string_view>& texts) {
  std::vector<std::int32_t> lengths(texts.size());
  std::size_t bytes = 0;
  for (std::size_t k = 0; k < texts.size(); ++k) {
    lengths[k] = code_points(texts[k]);
    bytes += texts[k].size();
  }
  put(out, lengths);
  char* to = (out.resize(out.size() + bytes), out.data() + (out.size() - bytes));
  for (const std::string_view text : texts) to = std::copy(text.begin(), text.end(), to);
}

// Bytes of one row in all columns together, with room for ids of usual length.
constexpr std::size_t kOrderBytes = 192, kCourierBytes = 96, kPlaceBytes = 16, kOtherBytes = 512;

}  // namespace

std::string canonical_content(const MatchRequestColumns& c) {
  std::string out;
  out.reserve(c.order_ids.size() * kOrderBytes + c.courier_ids.size() * kCourierBytes +
              c.latitude.size() * kPlaceBytes + kOtherBytes);
  const auto all = [&out](const auto&... columns) { (put(out, columns), ...); };
  all(c.skill_names, c.store_ids, c.order_ids, c.courier_ids, c.latitude, c.longitude);
  all(c.pickup_loc, c.dropoff_loc, c.placed_ms, c.ready_ms, c.promised_by_ms, c.dropoff_not_before_ms, c.pickup_by_ms,
      c.dropoff_by_ms, c.freshness_ms, c.size, c.order_skills, c.priority, c.store, c.pickup_access_ms,
      c.pickup_leave_ms, c.dropoff_access_ms, c.dropoff_leave_ms, c.pay_micros, c.order_courier);
  all(c.courier_loc, c.free_ms, c.shift_end_ms, c.capacity, c.courier_skills, c.mode, c.speed_mph, c.earned_micros,
      c.guaranteed_micros);
  all(c.route_ptr, c.stop_order, c.stop_kind, c.locked, c.demand_loc, c.demand_weight);
  if (!c.refusal_order.empty()) all(c.refusal_order, c.refusal_courier);
  const auto only = [](const auto& column, auto unset) {
    return std::all_of(column.begin(), column.end(), [unset](auto value) { return value == unset; });
  };
  if (!only(c.announced, -1) || !only(c.acceptance_permille, 0) || !only(c.on_shift_ms, 0)) {
    all(c.announced, c.acceptance_permille, c.on_shift_ms);
  }
  if (c.ready_early_ms != c.ready_ms || c.ready_late_ms != c.ready_ms) all(c.ready_early_ms, c.ready_late_ms);
  return out;
}

}  // namespace matcher
