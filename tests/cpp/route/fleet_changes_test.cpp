// Long random histories of a fleet under the sanitizers: after every few changes it must equal a fleet that is made
// from scratch with the same couriers, orders and routes, in its times, its quantities and its answers. A deterministic
// driver: a seed is a history, and a failure names it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "matcher/fleet.h"
#include "matcher/fleet_improve.h"

namespace matcher {
namespace {

constexpr std::array<std::int64_t, kQuantityCount> kWeights{1000, 2000, 500, 500, 1000, 500};

// What the fleet should be, in plain values.
struct Mirror {
  explicit Mirror(std::uint64_t seed) : rng(seed), stacked(seed % 2 == 0) { fleet = make(); }

  std::mt19937_64 rng;
  bool stacked;  // last in, first out
  std::unique_ptr<Fleet> fleet;
  std::map<std::int32_t, FleetCourier> couriers;
  std::map<std::int32_t, std::int32_t> locked;
  std::map<std::int32_t, std::vector<FleetStop>> routes;
  std::map<std::int32_t, FleetOrder> orders;

  std::unique_ptr<Fleet> make() const {
    FleetSettings settings;
    settings.weights = kWeights;
    settings.max_route_stops = 10;
    settings.rules.last_in_first_out = stacked;
    InputFault fault;
    auto made = Fleet::make(settings, fault);
    EXPECT_TRUE(fault.ok());
    return made;
  }
  std::int64_t draw(std::int64_t n) { return static_cast<std::int64_t>(rng() % static_cast<std::uint64_t>(n)); }
  FleetPlace place() { return {static_cast<double>(draw(6)) * 500.0, static_cast<double>(draw(6)) * 400.0, 0.0, -1}; }
  FleetCourier courier() {
    FleetCourier made;
    made.place = place();
    made.free_ms = draw(600'000);
    if (draw(3) == 0) made.shift_end_ms = draw(3'600'000);
    made.capacity = static_cast<std::int32_t>(draw(6));
    made.skills = static_cast<std::uint64_t>(draw(4));
    made.speed_mph = 8'000 + static_cast<std::int32_t>(draw(3)) * 5'000;
    return made;
  }
  FleetOrder order() {
    FleetOrder made;
    made.pickup = place();
    made.dropoff = place();
    made.ready_ms = draw(1'800'000);
    if (draw(3) == 0) made.promised_by_ms = made.ready_ms + draw(1'800'000);
    if (draw(4) == 0) made.dropoff_by_ms = made.ready_ms + draw(2'400'000);
    if (draw(4) == 0) made.freshness_ms = 300'000 + draw(1'200'000);
    made.size = static_cast<std::int32_t>(draw(3));
    made.skills = draw(5) == 0 ? 1 : 0;
    made.pickup_access_ms = static_cast<std::int32_t>(draw(2)) * 60'000;
    made.dropoff_leave_ms = static_cast<std::int32_t>(draw(2)) * 30'000;
    return made;
  }
  std::int32_t some_courier() {
    auto entry = couriers.begin();
    std::advance(entry, draw(static_cast<std::int64_t>(couriers.size())));
    return entry->first;
  }
  bool open(std::int32_t handle) const {
    for (const auto& [courier, stops] : routes) {
      for (const FleetStop& stop : stops) {
        if (stop.order == handle) return false;
      }
    }
    return true;
  }
  std::vector<std::int32_t> open_orders() const {
    std::vector<std::int32_t> found;
    for (const auto& [handle, order] : orders) {
      if (open(handle)) found.push_back(handle);
    }
    return found;
  }
  void reread() {
    for (auto& [handle, stops] : routes) stops.assign(fleet->route(handle).begin(), fleet->route(handle).end());
  }

  void add_courier() {
    const FleetCourier made = courier();
    std::int32_t handle = -1;
    ASSERT_TRUE(fleet->add_courier(made, handle).ok());
    ASSERT_FALSE(couriers.contains(handle));
    couriers[handle] = made;
    locked[handle] = 0;
    routes[handle] = {};
  }
  void remove_courier() {
    const std::int32_t handle = some_courier();
    ASSERT_TRUE(fleet->remove_courier(handle).ok());
    ASSERT_FALSE(fleet->remove_courier(handle).ok());
    // Orders on board are nobody's now; they are forgotten, as a caller would.
    std::vector<std::int32_t> picked;
    for (const FleetStop& stop : routes[handle]) {
      if (stop.kind == StopKind::kPickup) picked.push_back(stop.order);
    }
    for (const FleetStop& stop : routes[handle]) {
      if (stop.kind == StopKind::kPickup || std::count(picked.begin(), picked.end(), stop.order) > 0) continue;
      ASSERT_TRUE(fleet->remove_order(stop.order).ok());
      orders.erase(stop.order);
    }
    couriers.erase(handle);
    locked.erase(handle);
    routes.erase(handle);
  }
  void update_courier() {
    const std::int32_t handle = some_courier();
    couriers[handle] = courier();
    ASSERT_TRUE(fleet->update_courier(handle, couriers[handle]).ok());
  }
  void move() {
    const std::int32_t handle = some_courier();
    couriers[handle].place = place();
    couriers[handle].free_ms = draw(900'000);
    ASSERT_TRUE(fleet->move(handle, couriers[handle].place, couriers[handle].free_ms).ok());
  }
  void advance() {
    const std::int64_t now = draw(700'000);
    ASSERT_TRUE(fleet->advance(now).ok());
    for (auto& [handle, courier] : couriers) courier.free_ms = std::max(courier.free_ms, now);
  }
  void add_order() {
    const FleetOrder made = order();
    std::int32_t handle = -1;
    ASSERT_TRUE(fleet->add_order(made, handle).ok());
    ASSERT_FALSE(orders.contains(handle));
    orders[handle] = made;
  }
  void insert() {
    const auto candidates = open_orders();
    if (candidates.empty()) return;
    const std::int32_t handle =
        candidates[static_cast<std::size_t>(draw(static_cast<std::int64_t>(candidates.size())))];
    std::vector<FleetInsertion> found;
    ASSERT_TRUE(fleet->cheapest(orders[handle], 2, found).ok());
    if (found.empty()) return;
    const FleetInsertion& place = found.back();
    const Quantities before = fleet->quantities(place.courier);
    FleetPreview preview;
    ASSERT_TRUE(fleet->preview(orders[handle], place.courier, place.pickup_pos, place.dropoff_pos, preview).ok());
    ASSERT_TRUE(fleet->insert(handle, place.courier, place.pickup_pos, place.dropoff_pos).ok());
    for (std::size_t q = 0; q < kQuantityCount; ++q) {
      ASSERT_EQ(fleet->quantities(place.courier)[q] - before[q], place.delta[q]);
    }
    const auto times = fleet->times(place.courier);
    ASSERT_TRUE(std::equal(times.begin(), times.end(), preview.at_ms.begin(), preview.at_ms.end()));
    ASSERT_EQ(preview.depart_ms.back(), place.finish_ms);
    reread();
  }
  void remove_order() {
    if (orders.empty()) return;
    auto entry = orders.begin();
    std::advance(entry, draw(static_cast<std::int64_t>(orders.size())));
    const std::int32_t handle = entry->first;
    if (!fleet->remove_order(handle).ok()) return;  // it has a stop that is locked
    orders.erase(handle);
    reread();
  }
  void lock() {
    const std::int32_t handle = some_courier();
    locked[handle] = static_cast<std::int32_t>(draw(static_cast<std::int64_t>(routes[handle].size()) + 1));
    ASSERT_TRUE(fleet->set_route(handle, routes[handle], locked[handle]).ok());
  }
  void serve() {
    const std::int32_t handle = some_courier();
    if (routes[handle].empty()) return;
    const std::vector<FleetStop> before = routes[handle];
    const std::int64_t event = fleet->times(handle)[0];
    std::int32_t served = 0;
    ASSERT_TRUE(fleet->serve_visit(handle, served).ok());
    std::int64_t leave = 0;
    for (std::size_t k = 0; k < static_cast<std::size_t>(served); ++k) {
      FleetOrder& order = orders[before[k].order];
      const bool pickup = before[k].kind == StopKind::kPickup;
      couriers[handle].place = pickup ? order.pickup : order.dropoff;
      leave = std::max<std::int64_t>(leave, pickup ? order.pickup_leave_ms : order.dropoff_leave_ms);
      if (pickup) order.ready_ms = event;
    }
    for (std::size_t k = 0; k < static_cast<std::size_t>(served); ++k) {
      if (before[k].kind == StopKind::kDropoff) orders.erase(before[k].order);
    }
    couriers[handle].free_ms = event + leave;
    locked[handle] = std::max(0, locked[handle] - served);
    reread();
  }
  std::int64_t total(const Fleet& of) const {
    std::int64_t cost = 0;
    for (const auto& [handle, stops] : routes) {
      for (std::size_t q = 0; q < kQuantityCount; ++q) cost += kWeights[q] * of.quantities(handle)[q];
    }
    return cost;
  }
  void improve() {
    std::vector<MovableOrder> movable;
    std::size_t open_before = 0;
    for (const auto& [handle, order] : orders) {
      bool fixed = false;
      for (const auto& [courier, stops] : routes) {
        bool pickup = false, held = false;
        for (std::size_t k = 0; k < stops.size(); ++k) {
          if (stops[k].order != handle) continue;
          held = true;
          pickup = pickup || stops[k].kind == StopKind::kPickup;
          fixed = fixed || k < static_cast<std::size_t>(locked[courier]);
        }
        fixed = fixed || (held && !pickup);
      }
      if (fixed) continue;
      if (open(handle)) ++open_before;
      movable.push_back({handle, order, std::int64_t{1} << 45});
    }
    const std::int64_t cost_before = total(*fleet);
    FleetImproveOptions options;
    options.max_iterations = 15;
    options.seed = rng();
    options.weights = kWeights;
    FleetImprovement done;
    ASSERT_TRUE(improve_fleet(*fleet, movable, options, done).ok());
    reread();
    ASSERT_EQ(done.cost, total(*fleet));
    ASSERT_LE(done.open.size(), open_before);
    if (done.open.size() == open_before) {
      ASSERT_LE(done.cost, cost_before);
    }
    for (const std::int32_t handle : done.open) ASSERT_TRUE(open(handle));
    ASSERT_EQ(done.open.size(), static_cast<std::size_t>(std::count_if(movable.begin(), movable.end(),
                                                                       [&](const auto& o) { return open(o.handle); })));
  }

  void change() {
    if (couriers.size() < 3) return add_courier();
    switch (draw(16)) {
      case 0:
        return couriers.size() < 9 ? add_courier() : remove_courier();
      case 1:
        return draw(2) == 0 ? remove_courier() : update_courier();
      case 2:
        return move();
      case 3:
        return advance();
      case 4:
      case 5:
      case 6:
        return add_order();
      case 7:
        return remove_order();
      case 8:
        return lock();
      case 9:
      case 10:
        return serve();
      case 11:
        return improve();
      default:
        return insert();
    }
  }

  // Everything that can be asked, of this fleet and of one made from nothing.
  void compare() {
    const auto fresh = make();
    std::map<std::int32_t, std::int32_t> order_of, courier_of;
    for (const auto& [handle, order] : orders) ASSERT_TRUE(fresh->add_order(order, order_of[handle]).ok());
    for (const auto& [handle, courier] : couriers) {
      ASSERT_TRUE(fresh->add_courier(courier, courier_of[handle]).ok());
      std::vector<FleetStop> stops;
      for (const FleetStop& stop : routes[handle]) stops.push_back({stop.kind, order_of[stop.order]});
      ASSERT_TRUE(fresh->set_route(courier_of[handle], stops, locked[handle]).ok());
      const auto ours = fleet->times(handle), theirs = fresh->times(courier_of[handle]);
      ASSERT_TRUE(std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end()));
      ASSERT_EQ(fleet->quantities(handle), fresh->quantities(courier_of[handle]));
    }
    const FleetOrder query = order();
    std::vector<FleetInsertion> ours, theirs;
    ASSERT_TRUE(fleet->cheapest(query, 4, ours).ok());
    ASSERT_TRUE(fresh->cheapest(query, 4, theirs).ok());
    ASSERT_EQ(ours.size(), theirs.size());
    for (std::size_t k = 0; k < ours.size(); ++k) {
      ASSERT_EQ(ours[k].cost, theirs[k].cost);
      ASSERT_EQ(courier_of[ours[k].courier], theirs[k].courier);  // handles keep their order
      ASSERT_EQ(ours[k].pickup_pos, theirs[k].pickup_pos);
      ASSERT_EQ(ours[k].dropoff_pos, theirs[k].dropoff_pos);
    }
    std::array<std::int32_t, kRejectionCount> refused{}, refused_fresh{};
    ASSERT_TRUE(fleet->refusals(query, refused).ok());
    ASSERT_TRUE(fresh->refusals(query, refused_fresh).ok());
    ASSERT_EQ(refused, refused_fresh);
  }
};

class FleetHistory : public testing::TestWithParam<std::uint64_t> {};

TEST_P(FleetHistory, EqualsAFleetMadeFromScratch) {
  Mirror mirror(GetParam());
  for (int step = 0; step < 400; ++step) {
    ASSERT_NO_FATAL_FAILURE(mirror.change()) << "step " << step;
    if (step % 3 == 0) {
      ASSERT_NO_FATAL_FAILURE(mirror.compare()) << "step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, FleetHistory, testing::Range<std::uint64_t>(1, 9));

TEST(FleetImprove, TheSameSeedGivesTheSameRoutes) {
  const auto routes = [] {
    Mirror mirror(3);
    for (int k = 0; k < 5; ++k) mirror.add_courier();
    for (int k = 0; k < 12; ++k) mirror.add_order();
    mirror.improve();
    mirror.improve();
    std::vector<std::int32_t> flat;
    for (const auto& [courier, stops] : mirror.routes) {
      for (const FleetStop& stop : stops) flat.push_back(stop.order);
      flat.push_back(-1);
    }
    return flat;
  };
  EXPECT_EQ(routes(), routes());
}

TEST(FleetImprove, OrdersThatCannotMoveAreRefused) {
  Mirror mirror(5);
  mirror.add_courier();
  mirror.couriers.begin()->second = {{}, 0, kNeverMs, 10, 3, 20'000, 0};
  ASSERT_TRUE(mirror.fleet->update_courier(0, mirror.couriers.begin()->second).ok());
  std::int32_t handle = -1;
  const FleetOrder plain;
  ASSERT_TRUE(mirror.fleet->add_order(plain, handle).ok());
  const std::vector<FleetStop> stops{{StopKind::kPickup, handle}, {StopKind::kDropoff, handle}};
  FleetImproveOptions options;
  options.max_iterations = 1;
  options.weights = kWeights;
  FleetImprovement done;
  const std::vector<MovableOrder> movable{{handle, plain, 1}};
  ASSERT_TRUE(mirror.fleet->set_route(0, stops, 1).ok());
  EXPECT_EQ(improve_fleet(*mirror.fleet, movable, options, done).problem, "has a stop that is locked");
  ASSERT_TRUE(mirror.fleet->set_route(0, std::vector<FleetStop>{stops[1]}, 0).ok());
  EXPECT_EQ(improve_fleet(*mirror.fleet, movable, options, done).problem, "is on board");
  const std::vector<MovableOrder> twice{{handle, plain, 1}, {handle, plain, 1}};
  EXPECT_EQ(improve_fleet(*mirror.fleet, twice, options, done).problem, "is listed twice");
}

}  // namespace
}  // namespace matcher
