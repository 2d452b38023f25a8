#include "matcher/match_request.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <unordered_map>

#include "wire/check.h"
#include "wire/fields.h"
#include "wire/parse.h"

// Compiled twice on x86 and chosen at load time; both round alike, as nothing is contracted. Sanitizers cannot start
// through a resolver.
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MATCHER_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define MATCHER_WIDE
#endif
#if defined(__GNUC__) || defined(__clang__)
#define MATCHER_RESTRICT __restrict__
#else
#define MATCHER_RESTRICT
#endif

namespace matcher {
namespace {

using wire::CourierRow;
using wire::OrderRow;
using wire::Rows;
using wire::StopRow;

constexpr std::int64_t kNeverMs = std::int64_t{1} << 50;
constexpr double kEarthRadiusM = 6'371'008.8;

using Index = std::uint32_t;

// Positions in the order of the rows' ids; empty when an id is there twice.
template <class Row>
std::vector<Index> sorted_by_id(const std::vector<Row>& rows) {
  std::vector<Index> at(rows.size());
  std::iota(at.begin(), at.end(), Index{0});
  const auto before = [&rows](Index a, Index b) { return rows[a].id < rows[b].id; };
  const auto not_before = [&before](Index a, Index b) { return !before(a, b); };
  if (std::adjacent_find(at.begin(), at.end(), not_before) == at.end()) return at;
  std::sort(at.begin(), at.end(), before);
  if (std::adjacent_find(at.begin(), at.end(), not_before) != at.end()) return {};
  return at;
}

// Sine and cosine of degrees: the same operations in the same order as matcher.domain.sphere.
struct SinCos {
  double sin, cos;
};

inline SinCos sin_cos_degrees(double degrees) {
  static constexpr double kSin[] = {1.0,
                                    -1.0 / 6,
                                    1.0 / 120,
                                    -1.0 / 5040,
                                    1.0 / 362880,
                                    -1.0 / 39916800,
                                    1.0 / 6227020800,
                                    -1.0 / 1307674368000,
                                    1.0 / 355687428096000};
  static constexpr double kCos[] = {1.0,
                                    -1.0 / 2,
                                    1.0 / 24,
                                    -1.0 / 720,
                                    1.0 / 40320,
                                    -1.0 / 3628800,
                                    1.0 / 479001600,
                                    -1.0 / 87178291200,
                                    1.0 / 20922789888000};
  constexpr double kRadians = std::numbers::pi / 180.0;
  // The nearest integer, ties to even, without a call: this far out doubles are one apart, and the last bits count.
  constexpr double kWhole = 0x1.8p52;
  const double shifted = degrees / 90.0 + kWhole;
  const double x = (degrees - 90.0 * (shifted - kWhole)) * kRadians;
  const double square = x * x;
  double sin = kSin[8], cos = kCos[8];
  for (int k = 7; k >= 0; --k) {
    sin = sin * square + kSin[k];
    cos = cos * square + kCos[k];
  }
  sin *= x;
  const auto quarter = std::bit_cast<std::uint64_t>(shifted);
  const bool swapped = (quarter & 1) != 0;
  const auto signed_by = [](double value, std::uint64_t negative) {
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) ^ (negative & 2) << 62) + 0.0;
  };
  return {signed_by(swapped ? cos : sin, quarter), signed_by(swapped ? sin : cos, quarter + 1)};
}

// Places on the sphere, several at once where the processor can: the same operations, so the same values.
MATCHER_WIDE void on_sphere(std::size_t n, const double* MATCHER_RESTRICT latitude,
                            const double* MATCHER_RESTRICT longitude, double* MATCHER_RESTRICT x,
                            double* MATCHER_RESTRICT y, double* MATCHER_RESTRICT z) {
  for (std::size_t k = 0; k < n; ++k) {
    const SinCos lat = sin_cos_degrees(latitude[k]);
    const SinCos lng = sin_cos_degrees(longitude[k]);
    x[k] = kEarthRadiusM * (lat.cos * lng.cos);
    y[k] = kEarthRadiusM * (lat.cos * lng.sin);
    z[k] = kEarthRadiusM * lat.sin;
  }
}

// Distinct places, sorted by (latitude, longitude).
class Places {
 public:
  explicit Places(std::size_t expected) { points_.reserve(expected); }

  void add(double latitude, double longitude) {
    latitude += 0.0;  // -0.0 becomes 0.0
    least_ = std::min(least_, latitude);
    most_ = std::max(most_, latitude);
    points_.push_back({latitude, longitude + 0.0, static_cast<Index>(points_.size())});
  }

  // The index of each added place, and the places themselves.
  std::vector<std::int32_t> settle(std::int32_t frame, MatchRequestColumns& out) {
    sort();
    std::vector<std::int32_t> index(points_.size());
    for (std::size_t k = 0; k < points_.size(); ++k) {
      const Point& p = points_[k];
      if (k == 0 || p.latitude != points_[k - 1].latitude || p.longitude != points_[k - 1].longitude) {
        out.latitude.push_back(p.latitude);
        out.longitude.push_back(p.longitude);
      }
      index[p.added] = static_cast<std::int32_t>(out.latitude.size()) - 1;
    }
    project(frame, out);
    return index;
  }

 private:
  struct Point {
    double latitude, longitude;
    Index added;
  };

  // An integer that orders doubles as they compare (IEEE 754; none of them is NaN or -0.0).
  static std::uint64_t rank(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    return bits >> 63 ? ~bits : bits | std::uint64_t{1} << 63;
  }

  // By (latitude, longitude). Latitudes are dealt into about as many slots of equal width as there are points, and each
  // slot is sorted: linear where places are spread as in a town, O(n log n) wherever they lie.
  void sort() {
    if (points_.size() < 2) return;
    const std::uint64_t first = rank(least_);
    const int width = static_cast<int>(std::bit_width(rank(most_) - first));
    const int shift = std::max(0, width - static_cast<int>(std::bit_width(points_.size())));
    const auto slot = [&](double latitude) { return static_cast<std::size_t>((rank(latitude) - first) >> shift); };
    std::vector<Index> end(slot(most_) + 2, 0);
    for (const Point& p : points_) ++end[slot(p.latitude) + 1];
    std::partial_sum(end.begin(), end.end(), end.begin());
    std::vector<Point> dealt(points_.size());
    for (const Point& p : points_) dealt[end[slot(p.latitude)]++] = p;  // its start becomes its end
    const auto at = [&dealt](Index k) { return dealt.begin() + static_cast<std::ptrdiff_t>(k); };
    Index begin = 0;
    for (const Index stop : end) {
      if (stop - begin > 1) {  // few slots hold more
        std::sort(at(begin), at(stop), [](const Point& a, const Point& b) {
          return a.latitude != b.latitude ? a.latitude < b.latitude : a.longitude < b.longitude;
        });
      }
      begin = stop;
    }
    points_ = std::move(dealt);
  }

  static void project(std::int32_t frame, MatchRequestColumns& out) {
    const std::size_t n = out.latitude.size();
    if (frame == wire::kPlane) {
      out.x = out.longitude;
      out.y = out.latitude;
      out.z.assign(n, 0.0);
      return;
    }
    out.radius_m = kEarthRadiusM;
    out.x.resize(n);
    out.y.resize(n);
    out.z.resize(n);
    on_sphere(n, out.latitude.data(), out.longitude.data(), out.x.data(), out.y.data(), out.z.data());
  }

  std::vector<Point> points_;
  double least_ = std::numeric_limits<double>::infinity(), most_ = -least_;
};

// Sorts names and tells where each went.
std::vector<std::size_t> sort_names(std::vector<std::string_view>& names) {
  std::vector<std::size_t> order(names.size()), went(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&names](std::size_t a, std::size_t b) { return names[a] < names[b]; });
  std::vector<std::string_view> sorted;
  sorted.reserve(names.size());
  for (std::size_t k = 0; k < order.size(); ++k) {
    went[order[k]] = k;
    sorted.push_back(names[order[k]]);
  }
  names = std::move(sorted);
  return went;
}

std::uint64_t renamed(std::uint64_t bits, const std::vector<std::size_t>& went) {
  std::uint64_t result = 0;
  for (std::size_t k = 0; bits != 0; ++k, bits >>= 1) {
    if (bits & 1) result |= std::uint64_t{1} << went[k];
  }
  return result;
}

class Builder {
 public:
  Builder(const Rows& rows, MatchRequestColumns& out) : rows_(rows), out_(out) {}

  bool build() {
    order_at_ = sorted_by_id(rows_.orders);
    courier_at_ = sorted_by_id(rows_.couriers);
    if (order_at_.size() != rows_.orders.size() || courier_at_.size() != rows_.couriers.size()) return false;
    owner_.assign(order_at_.size(), -1);
    aboard_.assign(order_at_.size(), 0);
    if (!routes()) return false;
    out_.policy = rows_.policy;
    out_.forced_rung = rows_.forced_rung;
    out_.validate_only = rows_.validate_only;
    out_.market_id = rows_.market_id;
    out_.at_ms = rows_.at_ms;
    out_.frame = rows_.frame == 0 ? static_cast<std::int32_t>(wire::kWgs84) : rows_.frame;
    out_.skill_names = rows_.skills.names();
    skill_went_ = sort_names(out_.skill_names);
    places();
    orders();
    stores();
    couriers();
    naming();
    return true;
  }

 private:
  // Checks routes, in sorted order of couriers, and writes their columns.
  bool routes() {
    std::unordered_map<std::string_view, std::int32_t> index;  // only ever looked up
    if (!rows_.stops.empty()) {
      index.reserve(order_at_.size());
      for (std::size_t k = 0; k < order_at_.size(); ++k) {
        index.emplace(rows_.orders[order_at_[k]].id, static_cast<std::int32_t>(k));
      }
    }
    picked_.assign(order_at_.size(), 0);
    dropped_.assign(order_at_.size(), 0);
    out_.route_ptr.reserve(courier_at_.size() + 1);
    out_.route_ptr.push_back(0);
    out_.locked.reserve(courier_at_.size());
    for (std::size_t c = 0; c < courier_at_.size(); ++c) {
      const CourierRow& row = rows_.couriers[courier_at_[c]];
      for (std::size_t k = row.first_stop; k < row.first_stop + row.stops; ++k) {
        const auto found = index.find(rows_.stops[k].order_id);
        if (found == index.end() || !stop(rows_.stops[k], found->second, static_cast<std::int32_t>(c))) return false;
      }
      out_.route_ptr.push_back(static_cast<std::int32_t>(out_.stop_order.size()));
      out_.locked.push_back(row.locked_stops);
    }
    for (std::size_t k = 0; k < order_at_.size(); ++k) {
      if (picked_[k] && !dropped_[k]) return false;
      aboard_[k] = dropped_[k] && !picked_[k];
    }
    return true;
  }

  bool stop(const StopRow& row, std::int32_t order, std::int32_t courier) {
    const auto k = static_cast<std::size_t>(order);
    if (owner_[k] != -1 && owner_[k] != courier) return false;
    if (row.kind == wire::kPickup) {
      if (picked_[k] || dropped_[k]) return false;
      picked_[k] = 1;
    } else if (row.kind == wire::kDropoff) {
      if (dropped_[k]) return false;
      dropped_[k] = 1;
    } else {
      return false;
    }
    owner_[k] = courier;
    out_.stop_order.push_back(order);
    out_.stop_kind.push_back(static_cast<std::int8_t>(row.kind));
    return true;
  }

  void places() {
    const std::size_t n = order_at_.size(), m = courier_at_.size();
    const std::size_t points = rows_.demand.size();
    Places places(2 * n + m + points);
    for (const Index at : order_at_) places.add(rows_.orders[at].pickup_latitude, rows_.orders[at].pickup_longitude);
    for (const Index at : order_at_) places.add(rows_.orders[at].dropoff_latitude, rows_.orders[at].dropoff_longitude);
    for (const Index at : courier_at_) places.add(rows_.couriers[at].latitude, rows_.couriers[at].longitude);
    for (const wire::DemandRow& point : rows_.demand) places.add(point.latitude, point.longitude);
    const std::vector<std::int32_t> index = places.settle(out_.frame, out_);
    const auto part = [&index](std::size_t from, std::size_t count) {
      const auto begin = index.begin() + static_cast<std::ptrdiff_t>(from);
      return std::vector<std::int32_t>(begin, begin + static_cast<std::ptrdiff_t>(count));
    };
    out_.pickup_loc = part(0, n);
    out_.dropoff_loc = part(n, n);
    out_.courier_loc = part(2 * n, m);
    demand(part(2 * n + m, points));
  }

  void demand(const std::vector<std::int32_t>& places) {
    std::vector<std::pair<std::int32_t, std::int32_t>> points;
    points.reserve(places.size());
    for (std::size_t k = 0; k < places.size(); ++k) points.emplace_back(places[k], rows_.demand[k].weight);
    std::sort(points.begin(), points.end());
    for (const auto& [place, weight] : points) {
      out_.demand_loc.push_back(place);
      out_.demand_weight.push_back(weight);
    }
  }

  std::int64_t since(std::int64_t time, std::int64_t unset) const { return time == 0 ? unset : time - rows_.at_ms; }

  // Row by row, not column by column: rows are wide, and each is fetched once.
  void orders() {
    const std::size_t n = order_at_.size();
    const auto sized = [n](auto&... columns) { (columns.resize(n), ...); };
    sized(out_.order_ids, out_.placed_ms, out_.ready_ms, out_.promised_by_ms, out_.dropoff_not_before_ms,
          out_.pickup_by_ms, out_.dropoff_by_ms, out_.freshness_ms, out_.size, out_.order_skills, out_.priority,
          out_.pickup_access_ms, out_.pickup_leave_ms, out_.dropoff_access_ms, out_.dropoff_leave_ms, out_.pay_micros);
    for (std::size_t k = 0; k < n; ++k) {
      const OrderRow& o = rows_.orders[order_at_[k]];
      out_.order_ids[k] = o.id;
      out_.placed_ms[k] = since(o.placed_at_ms, 0);
      out_.ready_ms[k] = since(aboard_[k] ? o.picked_up_at_ms : o.ready_at_ms, 0);
      out_.promised_by_ms[k] = since(o.promised_by_ms, kNeverMs);
      out_.dropoff_not_before_ms[k] = since(o.dropoff_not_before_ms, 0);
      out_.pickup_by_ms[k] = since(o.pickup_by_ms, kNeverMs);
      out_.dropoff_by_ms[k] = since(o.dropoff_by_ms, kNeverMs);
      out_.freshness_ms[k] = o.freshness_limit_ms == 0 ? kNeverMs : o.freshness_limit_ms;
      out_.size[k] = o.size;
      out_.order_skills[k] = renamed(o.skills, skill_went_);
      out_.priority[k] = o.priority;
      out_.pickup_access_ms[k] = o.pickup_access_ms;
      out_.pickup_leave_ms[k] = o.pickup_leave_ms;
      out_.dropoff_access_ms[k] = o.dropoff_access_ms;
      out_.dropoff_leave_ms[k] = o.dropoff_leave_ms;
      out_.pay_micros[k] = o.courier_pay_micros;
    }
    readiness();
    out_.order_courier = owner_;
  }

  // How uncertain ready times are: not at all for orders on board, and where nothing is said.
  void readiness() {
    out_.ready_early_ms = out_.ready_late_ms = out_.ready_ms;
    for (std::size_t k = 0; k < order_at_.size(); ++k) {
      if (aboard_[k]) continue;
      const OrderRow& row = rows_.orders[order_at_[k]];
      const std::int64_t ready = out_.ready_ms[k];
      out_.ready_early_ms[k] = std::min(ready, since(row.ready_early_at_ms, ready));
      out_.ready_late_ms[k] = std::max(ready, since(row.ready_late_at_ms, ready));
    }
  }

  void stores() {
    const std::size_t n = order_at_.size();
    std::vector<std::pair<std::string_view, Index>> named;
    for (std::size_t k = 0; k < n; ++k) {
      const std::string_view store = rows_.orders[order_at_[k]].store_id;
      if (!store.empty()) named.emplace_back(store, static_cast<Index>(k));
    }
    std::sort(named.begin(), named.end());
    out_.store.assign(n, -1);
    for (const auto& [store, k] : named) {
      if (out_.store_ids.empty() || out_.store_ids.back() != store) out_.store_ids.push_back(store);
      out_.store[k] = static_cast<std::int32_t>(out_.store_ids.size()) - 1;
    }
  }

  void couriers() {
    const std::size_t n = courier_at_.size();
    const auto sized = [n](auto&... columns) { (columns.resize(n), ...); };
    sized(out_.courier_ids, out_.free_ms, out_.shift_end_ms, out_.capacity, out_.courier_skills, out_.mode,
          out_.speed_mph, out_.earned_micros, out_.guaranteed_micros, out_.acceptance_permille, out_.on_shift_ms);
    for (std::size_t k = 0; k < n; ++k) {
      const CourierRow& c = rows_.couriers[courier_at_[k]];
      out_.courier_ids[k] = c.id;
      out_.free_ms[k] = std::max<std::int64_t>(since(c.free_at_ms, 0), 0);
      out_.shift_end_ms[k] = since(c.shift_end_at_ms, kNeverMs);
      out_.capacity[k] = c.capacity;
      out_.courier_skills[k] = renamed(c.skills, skill_went_);
      out_.mode[k] = static_cast<std::int8_t>(std::max(c.mode, 1));
      out_.speed_mph[k] = c.speed_meters_per_hour;
      out_.earned_micros[k] = c.earned_micros;
      out_.guaranteed_micros[k] = c.guaranteed_micros;
      out_.acceptance_permille[k] = c.acceptance_permille;
      out_.on_shift_ms[k] = c.on_shift_ms;
    }
  }

  // What orders say of couriers by name.
  void naming() {
    out_.announced.assign(order_at_.size(), -1);
    const auto announced = [](const OrderRow& o) { return !o.announced.empty(); };
    if (rows_.refused.empty() && std::none_of(rows_.orders.begin(), rows_.orders.end(), announced)) return;
    std::unordered_map<std::string_view, std::int32_t> index;  // only ever looked up
    index.reserve(courier_at_.size());
    for (std::size_t c = 0; c < courier_at_.size(); ++c) {
      index.emplace(rows_.couriers[courier_at_[c]].id, static_cast<std::int32_t>(c));
    }
    refusals(index);
    for (std::size_t k = 0; k < order_at_.size(); ++k) {
      const auto found = index.find(rows_.orders[order_at_[k]].announced);
      if (found != index.end()) out_.announced[k] = found->second;
    }
  }

  // Pairs by order, then courier, each once; couriers that are not listed have nothing to refuse.
  void refusals(const std::unordered_map<std::string_view, std::int32_t>& index) {
    std::vector<std::int32_t> refusing;
    for (std::size_t k = 0; k < order_at_.size(); ++k) {
      const OrderRow& row = rows_.orders[order_at_[k]];
      refusing.clear();
      for (std::size_t r = row.first_refusal; r < row.first_refusal + row.refusals; ++r) {
        const auto found = index.find(rows_.refused[r]);
        if (found != index.end()) refusing.push_back(found->second);
      }
      std::sort(refusing.begin(), refusing.end());
      refusing.erase(std::unique(refusing.begin(), refusing.end()), refusing.end());
      out_.refusal_order.insert(out_.refusal_order.end(), refusing.size(), static_cast<std::int32_t>(k));
      out_.refusal_courier.insert(out_.refusal_courier.end(), refusing.begin(), refusing.end());
    }
  }

  const Rows& rows_;
  MatchRequestColumns& out_;
  std::vector<Index> order_at_, courier_at_;
  std::vector<std::int32_t> owner_;
  std::vector<std::uint8_t> picked_, dropped_, aboard_;
  std::vector<std::size_t> skill_went_;
};

}  // namespace

MatchRequestStatus decode_match_request(std::string_view bytes, const MatchRequestLimits& limits,
                                        MatchRequestColumns& out) {
  Rows rows;
  out = MatchRequestColumns();
  const bool good =
      wire::parse_match_request(bytes, limits, rows) && wire::rows_are_sane(rows) && Builder(rows, out).build();
  return good ? MatchRequestStatus::kOk : MatchRequestStatus::kRefer;
}

std::vector<WireField> match_request_fields() {
  std::vector<WireField> fields;
#define MATCHER_FIELD(name, number, kind) fields.push_back({message, #name, number, #kind});
  const char* message = "MatchRequest";
  MATCHER_REQUEST_FIELDS(MATCHER_FIELD)
  message = "Snapshot";
  MATCHER_SNAPSHOT_FIELDS(MATCHER_FIELD)
  message = "DemandPoint";
  MATCHER_DEMAND_FIELDS(MATCHER_FIELD)
  message = "Order";
  MATCHER_ORDER_FIELDS(MATCHER_FIELD)
  message = "RouteStop";
  MATCHER_STOP_FIELDS(MATCHER_FIELD)
  message = "Courier";
  MATCHER_COURIER_FIELDS(MATCHER_FIELD)
#undef MATCHER_FIELD
  return fields;
}

}  // namespace matcher
