#include "matcher/fleet_improve.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "route/plan.h"
#include "route/travel.h"

namespace matcher {
namespace {

using route::at;
using route::Rng;

constexpr std::size_t kNeighbours = 40;
constexpr std::size_t kMostRemoved = 12;
constexpr std::int32_t kLongestString = 6;
constexpr double kBlink = 0.02;  // of looking at the second-best courier, too

class Improver {
 public:
  Improver(Fleet& fleet, std::span<const MovableOrder> orders, const FleetImproveOptions& options)
      : fleet_(fleet), orders_(orders), options_(options), rng_(options.seed) {}

  InputFault run(FleetImprovement& out) {
    if (const InputFault fault = read_routes(); !fault.ok()) return fault;
    find_neighbours();
    best_routes_ = routes_;
    best_cost_ = cost_;
    insert_open();
    keep_best();
    double unit = 0.0;
    if (!orders_.empty()) {
      unit = std::abs(static_cast<double>(route_cost_)) / static_cast<double>(orders_.size()) + 1.0;
    }
    while (!orders_.empty()) {
      const double gone = progress();
      if (gone >= 1.0) break;
      ++iterations_;
      const double heat = unit * options_.hot * std::pow(options_.cold / options_.hot, gone);
      if (!iterate(heat)) break;
    }
    go_to(best_routes_);
    out.iterations = iterations_;
    out.improvements = improvements_;
    out.cost = route_cost_;
    for (std::size_t k = 0; k < orders_.size(); ++k) {
      if (courier_of_[k] < 0) out.open.push_back(orders_[k].handle);
    }
    return {};
  }

 private:
  using Stops = std::vector<FleetStop>;

  std::int64_t cost_of(std::int32_t courier) const {
    std::int64_t cost = 0;
    const Quantities& quantities = fleet_.quantities(courier);
    for (std::size_t q = 0; q < kQuantityCount; ++q) cost += options_.weights[q] * quantities[q];
    return cost;
  }

  InputFault read_routes() {
    const auto couriers = fleet_.couriers();
    routes_.resize(at(couriers));
    locked_.resize(at(couriers), 0);
    std::int32_t largest = -1;
    for (const MovableOrder& order : orders_) largest = std::max(largest, order.handle);
    row_of_.assign(at(largest + 1), -1);
    for (std::size_t k = 0; k < orders_.size(); ++k) {
      if (orders_[k].handle < 0 || row_of_[at(orders_[k].handle)] >= 0)
        return {"order", "is listed twice", orders_[k].handle};
      row_of_[at(orders_[k].handle)] = static_cast<std::int32_t>(k);
    }
    courier_of_.assign(orders_.size(), -1);
    for (std::int32_t c = 0; c < couriers; ++c) {
      const auto stops = fleet_.route(c);
      routes_[at(c)].assign(stops.begin(), stops.end());
      locked_[at(c)] = fleet_.locked(c);
      for (std::size_t k = 0; k < stops.size(); ++k) {
        const std::int32_t listed = row(stops[k].order);
        if (listed < 0) continue;
        if (k < at(locked_[at(c)])) return {"order", "has a stop that is locked", stops[k].order};
        courier_of_[at(listed)] = c;
      }
      for (const FleetStop& stop : stops) {
        if (row(stop.order) < 0) continue;
        const auto pickups = std::count_if(stops.begin(), stops.end(), [&](const FleetStop& other) {
          return other.order == stop.order && other.kind == StopKind::kPickup;
        });
        if (pickups == 0) return {"order", "is on board", stop.order};
      }
      route_cost_ += cost_of(c);
    }
    cost_ = static_cast<double>(route_cost_);
    for (std::size_t k = 0; k < orders_.size(); ++k) {
      if (courier_of_[k] < 0) cost_ += static_cast<double>(orders_[k].price);
    }
    return {};
  }

  std::int32_t row(std::int32_t handle) const { return at(handle) < row_of_.size() ? row_of_[at(handle)] : -1; }

  void find_neighbours() {
    const std::size_t n = orders_.size();
    neighbours_.resize(n);
    std::vector<std::pair<double, std::int32_t>> by_gap;
    for (std::size_t k = 0; k < n; ++k) {
      by_gap.clear();
      for (std::size_t other = 0; other < n; ++other) {
        if (other == k) continue;
        const FleetOrder &a = orders_[k].order, &b = orders_[other].order;
        by_gap.emplace_back(fleet_.gap(a.pickup, b.pickup) + fleet_.gap(a.dropoff, b.dropoff),
                            static_cast<std::int32_t>(other));
      }
      const std::size_t most = std::min(kNeighbours, by_gap.size());
      std::partial_sort(by_gap.begin(), by_gap.begin() + static_cast<std::ptrdiff_t>(most), by_gap.end());
      for (std::size_t m = 0; m < most; ++m) neighbours_[k].push_back(by_gap[m].second);
    }
  }

  double progress() {
    const double clock = options_.stop != nullptr ? options_.stop->elapsed_fraction() : 0.0;
    if (clock >= 1.0) return 1.0;
    if (options_.max_iterations < 0) return options_.stop != nullptr ? clock : 1.0;
    if (iterations_ >= options_.max_iterations) return 1.0;
    return static_cast<double>(iterations_) / static_cast<double>(options_.max_iterations);
  }
  bool stopped() const { return options_.stop != nullptr && options_.stop->elapsed_fraction() >= 1.0; }

  void read(std::int32_t courier, std::int64_t cost_before) {
    const auto stops = fleet_.route(courier);
    routes_[at(courier)].assign(stops.begin(), stops.end());
    route_cost_ += cost_of(courier) - cost_before;
  }

  // False: there was no time to look.
  bool insert(std::int32_t order, bool blink) {
    if (stopped()) return false;
    const MovableOrder& movable = orders_[at(order)];
    if (!fleet_.cheapest(movable.order, blink ? 2 : 1, found_).ok() || found_.empty()) return true;
    const FleetInsertion& place = found_.back();
    if (place.cost >= movable.price) return true;
    touch(place.courier);
    const std::int64_t before = cost_of(place.courier);
    if (!fleet_.insert(movable.handle, place.courier, place.pickup_pos, place.dropoff_pos).ok()) return true;
    read(place.courier, before);
    courier_of_[at(order)] = place.courier;
    cost_ += static_cast<double>(place.cost) - static_cast<double>(movable.price);
    return true;
  }

  void insert_open() {
    std::vector<std::int32_t> open;
    for (std::size_t k = 0; k < orders_.size(); ++k) {
      if (courier_of_[k] < 0) open.push_back(static_cast<std::int32_t>(k));
    }
    std::stable_sort(open.begin(), open.end(), [&](auto a, auto b) { return due(a) < due(b); });
    for (const std::int32_t order : open) {
      if (!insert(order, false)) break;
    }
    touched_.clear();
  }

  std::int64_t due(std::int32_t order) const {
    const FleetOrder& o = orders_[at(order)].order;
    return std::min({o.pickup_by_ms, o.dropoff_by_ms, o.promised_by_ms});
  }

  // Remembers a route before its first change in an iteration.
  void touch(std::int32_t courier) {
    for (const auto& [known, stops] : touched_) {
      if (known == courier) return;
    }
    touched_.emplace_back(courier, routes_[at(courier)]);
  }

  // Takes out up to `most` orders around one of them, as they follow each other in its route.
  void remove_string(std::int32_t order, std::size_t most) {
    const std::int32_t courier = courier_of_[at(order)];
    std::vector<std::int32_t> sequence;
    std::size_t where = 0;
    for (const FleetStop& stop : routes_[at(courier)]) {
      const std::int32_t other = row(stop.order);
      if (stop.kind != StopKind::kPickup || other < 0) continue;
      if (other == order) where = sequence.size();
      sequence.push_back(other);
    }
    const std::size_t length = std::min<std::size_t>(sequence.size(), 1 + at(rng_.below(kLongestString)));
    const std::size_t take = std::min(length, most);
    const std::size_t low = where + 1 >= take ? where + 1 - take : 0;
    const std::size_t high = std::min(where, sequence.size() - take);
    const std::size_t first = low + at(rng_.below(static_cast<std::int32_t>(high - low + 1)));
    touch(courier);
    const std::int64_t before = cost_of(courier);
    Stops rest = routes_[at(courier)];
    for (std::size_t k = first; k < first + take; ++k) {
      const std::int32_t gone = sequence[k];
      std::erase_if(rest, [&](const FleetStop& stop) { return row(stop.order) == gone; });
      courier_of_[at(gone)] = -1;
      removed_.push_back(gone);
      cost_ += static_cast<double>(orders_[at(gone)].price);
    }
    fleet_.set_route(courier, rest, locked_[at(courier)]);
    const std::int64_t now = route_cost_;
    read(courier, before);
    cost_ += static_cast<double>(route_cost_ - now);
  }

  void remove_around(std::int32_t seed) {
    removed_.clear();
    const std::size_t most = 1 + at(rng_.below(static_cast<std::int32_t>(std::min(kMostRemoved, orders_.size()))));
    std::vector<std::int32_t> ruined;
    const auto consider = [&](std::int32_t order) {
      if (removed_.size() >= most || std::find(removed_.begin(), removed_.end(), order) != removed_.end()) return;
      const std::int32_t courier = courier_of_[at(order)];
      if (courier < 0) {
        removed_.push_back(order);
      } else if (std::find(ruined.begin(), ruined.end(), courier) == ruined.end()) {
        ruined.push_back(courier);
        remove_string(order, most - removed_.size());
      }
    };
    consider(seed);
    for (const std::int32_t order : neighbours_[at(seed)]) consider(order);
  }

  void sort_removed() {
    rng_.shuffle(removed_);
    switch (rng_.below(4)) {
      case 0:
        std::stable_sort(removed_.begin(), removed_.end(), [&](auto a, auto b) { return due(a) < due(b); });
        return;
      case 1:
        std::stable_sort(removed_.begin(), removed_.end(),
                         [&](auto a, auto b) { return orders_[at(a)].order.ready_ms < orders_[at(b)].order.ready_ms; });
        return;
      case 2:
        std::stable_sort(removed_.begin(), removed_.end(),
                         [&](auto a, auto b) { return orders_[at(a)].order.size > orders_[at(b)].order.size; });
        return;
      default:
        return;
    }
  }

  // False: time is up, and the iteration is undone.
  bool iterate(double heat) {
    const double cost_before = cost_;
    const std::int64_t route_cost_before = route_cost_;
    touched_.clear();
    remove_around(rng_.below(static_cast<std::int32_t>(orders_.size())));
    sort_removed();
    bool in_time = true;
    for (const std::int32_t order : removed_) {
      if (!insert(order, rng_.unit() < kBlink)) {
        in_time = false;
        break;
      }
    }
    if (in_time && cost_ < cost_before - heat * std::log(std::max(rng_.unit(), 1e-300))) {
      keep_best();
      return true;
    }
    undo();
    cost_ = cost_before;
    route_cost_ = route_cost_before;
    return in_time;
  }

  void undo() {
    for (const auto& [courier, stops] : touched_) set(courier, {});
    for (const auto& [courier, stops] : touched_) set(courier, stops);
  }

  void set(std::int32_t courier, const Stops& stops) {
    const std::int32_t fixed = stops.empty() ? 0 : locked_[at(courier)];
    for (const FleetStop& stop : routes_[at(courier)]) {
      if (const std::int32_t order = row(stop.order); order >= 0) courier_of_[at(order)] = -1;
    }
    fleet_.set_route(courier, stops, fixed);
    routes_[at(courier)] = stops;
    for (const FleetStop& stop : stops) {
      if (const std::int32_t order = row(stop.order); order >= 0) courier_of_[at(order)] = courier;
    }
  }

  void keep_best() {
    if (cost_ >= best_cost_) return;
    best_cost_ = cost_;
    best_routes_ = routes_;
    ++improvements_;
  }

  void go_to(const std::vector<Stops>& wanted) {
    std::vector<std::int32_t> changed;
    for (std::size_t c = 0; c < wanted.size(); ++c) {
      const bool same =
          std::equal(wanted[c].begin(), wanted[c].end(), routes_[c].begin(), routes_[c].end(),
                     [](const FleetStop& a, const FleetStop& b) { return a.kind == b.kind && a.order == b.order; });
      if (!same) changed.push_back(static_cast<std::int32_t>(c));
    }
    for (const std::int32_t c : changed) route_cost_ -= cost_of(c);
    for (const std::int32_t c : changed) set(c, {});
    for (const std::int32_t c : changed) set(c, wanted[at(c)]);
    for (const std::int32_t c : changed) route_cost_ += cost_of(c);
  }

  Fleet& fleet_;
  std::span<const MovableOrder> orders_;
  const FleetImproveOptions& options_;
  Rng rng_;
  std::vector<Stops> routes_, best_routes_;
  std::vector<std::int32_t> locked_, courier_of_, row_of_, removed_;
  std::vector<std::vector<std::int32_t>> neighbours_;
  std::vector<std::pair<std::int32_t, Stops>> touched_;
  std::vector<FleetInsertion> found_;
  std::int64_t route_cost_ = 0, iterations_ = 0, improvements_ = 0;
  double cost_ = 0.0, best_cost_ = 0.0;  // routes and prices: a sum of many prices may not fit an integer
};

}  // namespace

InputFault improve_fleet(Fleet& fleet, std::span<const MovableOrder> orders, const FleetImproveOptions& options,
                         FleetImprovement& out) {
  if (!(options.hot > 0.0 && options.cold > 0.0)) return {"hot, cold", "must be positive", -1};
  out = {};
  return Improver(fleet, orders, options).run(out);
}

}  // namespace matcher
