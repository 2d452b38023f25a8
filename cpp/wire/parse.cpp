#include "wire/parse.h"

#include <algorithm>

#include "wire/fields.h"
#include "wire/reader.h"

namespace matcher::wire {
namespace {

constexpr std::size_t kMaxRefusals = 1'000;  // of one order

class Parser {
 public:
  Parser(const MatchRequestLimits& limits, Rows& rows) : limits_(limits), rows_(rows) {}

  bool request(std::string_view bytes) {
    bool has_snapshot = false;
    Reader in(bytes);
    while (in.next()) {
      switch (static_cast<RequestField>(in.field())) {
        case RequestField::snapshot:
          // A second one would have to be merged into the first.
          if (has_snapshot || !snapshot(in.bytes())) return false;
          has_snapshot = true;
          break;
        case RequestField::policy:
          rows_.policy = text(in);
          break;
        case RequestField::forced_rung:
          rows_.forced_rung = in.int32();
          break;
        case RequestField::validate_only:
          rows_.validate_only = in.boolean();
          break;
        case RequestField::effort:
          return false;  // replay; not worth a second reader
        default:
          in.skip();
      }
    }
    return has_snapshot && good_ && !in.failed();
  }

 private:
  // Room for rows as long as the first of them in all the bytes that are left: growing would copy each several times,
  // and to count them first is a walk over the whole message.
  template <class Row>
  static void reserve(std::vector<Row>& rows, std::size_t row_bytes, std::size_t bytes_left, std::int64_t most) {
    if (rows.empty()) rows.reserve(std::min(bytes_left / (row_bytes + 1) + 1, static_cast<std::size_t>(most)));
  }

  bool snapshot(std::string_view bytes) {
    Reader in(bytes);
    const auto row = [&](auto& rows, std::int64_t most, auto&& read) {
      if (static_cast<std::int64_t>(rows.size()) >= most) return false;
      const std::string_view row_bytes = in.bytes();
      reserve(rows, row_bytes.size(), in.left(), most);
      return read(row_bytes);
    };
    while (in.next()) {
      switch (static_cast<SnapshotField>(in.field())) {
        case SnapshotField::market_id:
          rows_.market_id = text(in);
          break;
        case SnapshotField::at_ms:
          rows_.at_ms = in.int64();
          break;
        case SnapshotField::frame:
          rows_.frame = in.int32();
          break;
        case SnapshotField::orders:
          if (!row(rows_.orders, limits_.orders, [this](auto of) { return order(of); })) return false;
          break;
        case SnapshotField::couriers:
          if (!row(rows_.couriers, limits_.couriers, [this](auto of) { return courier(of); })) return false;
          break;
        case SnapshotField::expected_demand:
          if (!row(rows_.demand, limits_.demand_points, [this](auto of) { return demand(of); })) return false;
          break;
        default:
          in.skip();
      }
    }
    return !in.failed();
  }

  bool order(std::string_view bytes) {
    OrderRow& row = rows_.orders.emplace_back();
    row.first_refusal = rows_.refused.size();
    Reader in(bytes);
    while (in.next()) {
      switch (static_cast<OrderField>(in.field())) {
        case OrderField::id:
          row.id = text(in);
          break;
        case OrderField::pickup_latitude:
          row.pickup_latitude = in.float64();
          break;
        case OrderField::pickup_longitude:
          row.pickup_longitude = in.float64();
          break;
        case OrderField::dropoff_latitude:
          row.dropoff_latitude = in.float64();
          break;
        case OrderField::dropoff_longitude:
          row.dropoff_longitude = in.float64();
          break;
        case OrderField::placed_at_ms:
          row.placed_at_ms = in.int64();
          break;
        case OrderField::ready_at_ms:
          row.ready_at_ms = in.int64();
          break;
        case OrderField::promised_by_ms:
          row.promised_by_ms = in.int64();
          break;
        case OrderField::dropoff_not_before_ms:
          row.dropoff_not_before_ms = in.int64();
          break;
        case OrderField::pickup_by_ms:
          row.pickup_by_ms = in.int64();
          break;
        case OrderField::dropoff_by_ms:
          row.dropoff_by_ms = in.int64();
          break;
        case OrderField::size:
          row.size = in.int32();
          break;
        case OrderField::required_skills:
          row.skills |= skill(in);
          break;
        case OrderField::priority:
          row.priority = in.int32();
          break;
        case OrderField::freshness_limit_ms:
          row.freshness_limit_ms = in.int64();
          break;
        case OrderField::store_id:
          row.store_id = text(in);
          break;
        case OrderField::pickup_access_ms:
          row.pickup_access_ms = in.int32();
          break;
        case OrderField::pickup_leave_ms:
          row.pickup_leave_ms = in.int32();
          break;
        case OrderField::dropoff_access_ms:
          row.dropoff_access_ms = in.int32();
          break;
        case OrderField::dropoff_leave_ms:
          row.dropoff_leave_ms = in.int32();
          break;
        case OrderField::picked_up_at_ms:
          row.picked_up_at_ms = in.int64();
          break;
        case OrderField::courier_pay_micros:
          row.courier_pay_micros = in.int64();
          break;
        case OrderField::refused_courier_ids:
          rows_.refused.push_back(text(in));
          if (rows_.refused.back().empty()) good_ = false;
          break;
        case OrderField::announced_courier_id:
          row.announced = text(in);
          break;
        case OrderField::ready_early_at_ms:
          row.ready_early_at_ms = in.int64();
          break;
        case OrderField::ready_late_at_ms:
          row.ready_late_at_ms = in.int64();
          break;
        default:
          in.skip();
      }
    }
    row.refusals = rows_.refused.size() - row.first_refusal;
    return !in.failed() && row.refusals <= kMaxRefusals;
  }

  bool courier(std::string_view bytes) {
    CourierRow& row = rows_.couriers.emplace_back();
    row.first_stop = rows_.stops.size();
    Reader in(bytes);
    while (in.next()) {
      switch (static_cast<CourierField>(in.field())) {
        case CourierField::id:
          row.id = text(in);
          break;
        case CourierField::latitude:
          row.latitude = in.float64();
          break;
        case CourierField::longitude:
          row.longitude = in.float64();
          break;
        case CourierField::free_at_ms:
          row.free_at_ms = in.int64();
          break;
        case CourierField::shift_end_at_ms:
          row.shift_end_at_ms = in.int64();
          break;
        case CourierField::capacity:
          row.capacity = in.int32();
          break;
        case CourierField::skills:
          row.skills |= skill(in);
          break;
        case CourierField::mode:
          row.mode = in.int32();
          break;
        case CourierField::speed_meters_per_hour:
          row.speed_meters_per_hour = in.int32();
          break;
        case CourierField::route:
          if (!stop(in.bytes())) return false;
          break;
        case CourierField::locked_stops:
          row.locked_stops = in.int32();
          break;
        case CourierField::earned_micros:
          row.earned_micros = in.int64();
          break;
        case CourierField::guaranteed_micros:
          row.guaranteed_micros = in.int64();
          break;
        case CourierField::acceptance_permille:
          row.acceptance_permille = in.int32();
          break;
        case CourierField::on_shift_ms:
          row.on_shift_ms = in.int64();
          break;
        default:
          in.skip();
      }
    }
    row.stops = rows_.stops.size() - row.first_stop;
    return !in.failed() && static_cast<std::int64_t>(row.stops) <= limits_.route_stops;
  }

  bool demand(std::string_view bytes) {
    DemandRow& row = rows_.demand.emplace_back();
    Reader in(bytes);
    while (in.next()) {
      switch (static_cast<DemandField>(in.field())) {
        case DemandField::latitude:
          row.latitude = in.float64();
          break;
        case DemandField::longitude:
          row.longitude = in.float64();
          break;
        case DemandField::weight:
          row.weight = in.int32();
          break;
        default:
          in.skip();
      }
    }
    return !in.failed();
  }

  bool stop(std::string_view bytes) {
    StopRow& row = rows_.stops.emplace_back();
    Reader in(bytes);
    while (in.next()) {
      switch (static_cast<StopField>(in.field())) {
        case StopField::kind:
          row.kind = in.int32();
          break;
        case StopField::order_id:
          row.order_id = text(in);
          break;
        default:
          in.skip();
      }
    }
    return !in.failed();
  }

  // An id or a name: of allowed length, and UTF-8. An earlier value of a field that comes twice is checked as well.
  std::string_view text(Reader& in) {
    const std::string_view value = in.bytes();
    if (static_cast<std::int64_t>(value.size()) > limits_.id_bytes || !is_utf8(value)) good_ = false;
    return value;
  }

  std::uint64_t skill(Reader& in) {
    const std::string_view name = text(in);
    const std::uint64_t bit = rows_.skills.bit(name);
    if (name.empty() || bit == 0) good_ = false;
    return bit;
  }

  const MatchRequestLimits& limits_;
  Rows& rows_;
  bool good_ = true;
};

}  // namespace

bool parse_match_request(std::string_view bytes, const MatchRequestLimits& limits, Rows& rows) {
  return Parser(limits, rows).request(bytes);
}

}  // namespace matcher::wire
