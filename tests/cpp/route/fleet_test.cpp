// Random changes of a fleet under the sanitizers; the Python suite holds the same changes to enumeration.
#include "matcher/fleet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace matcher {
namespace {

FleetPlace random_place(std::mt19937_64& rng) {
  return {static_cast<double>(rng() % 6) * 500.0, static_cast<double>(rng() % 6) * 400.0, 0.0, -1};
}

FleetOrder random_order(std::mt19937_64& rng) {
  FleetOrder order;
  order.pickup = random_place(rng);
  order.dropoff = random_place(rng);
  order.ready_ms = static_cast<std::int64_t>(rng() % 1'200'000);
  if (rng() % 3 == 0) order.dropoff_by_ms = order.ready_ms + static_cast<std::int64_t>(rng() % 2'400'000);
  if (rng() % 3 == 0) order.freshness_ms = 300'000 + static_cast<std::int64_t>(rng() % 1'200'000);
  order.size = static_cast<std::int32_t>(rng() % 3);
  order.pickup_leave_ms = 60'000;
  return order;
}

std::unique_ptr<Fleet> small_fleet(std::mt19937_64& rng, std::int32_t couriers) {
  FleetSettings settings;
  settings.weights = {1000, 2000, 0, 500, 1000, 500};
  settings.max_route_stops = 12;
  InputFault fault;
  auto fleet = Fleet::make(settings, fault);
  for (std::int32_t c = 0; c < couriers; ++c) {
    FleetCourier courier;
    courier.place = random_place(rng);
    courier.capacity = 5;
    courier.speed_mph = 15'000;
    std::int32_t handle = -1;
    EXPECT_TRUE(fleet->add_courier(courier, handle).ok());
    EXPECT_EQ(handle, c);
  }
  return fleet;
}

TEST(Fleet, AnyChangeLeavesAnswersInOrderAndDeltasTrue) {
  std::mt19937_64 rng(7);
  constexpr std::int32_t kCouriers = 9;
  const auto fleet = small_fleet(rng, kCouriers);
  std::vector<std::int32_t> orders;
  std::vector<FleetInsertion> found, best;
  for (int step = 0; step < 1500; ++step) {
    const FleetOrder order = random_order(rng);
    ASSERT_TRUE(fleet->cheapest(order, kCouriers, found).ok());
    ASSERT_TRUE(fleet->cheapest(order, 1, best).ok());
    ASSERT_EQ(found.empty(), best.empty());
    for (std::size_t k = 1; k < found.size(); ++k) {
      ASSERT_TRUE(found[k - 1].cost < found[k].cost ||
                  (found[k - 1].cost == found[k].cost && found[k - 1].courier < found[k].courier));
    }
    std::array<std::int32_t, kRejectionCount> refused{};
    ASSERT_TRUE(fleet->refusals(order, refused).ok());
    std::int32_t refusals = 0;
    for (const std::int32_t count : refused) refusals += count;
    ASSERT_EQ(refusals + static_cast<std::int32_t>(found.size()), kCouriers);
    if (!best.empty()) {
      ASSERT_EQ(best[0].cost, found[0].cost);
      ASSERT_EQ(best[0].courier, found[0].courier);
      const Quantities before = fleet->quantities(best[0].courier);
      std::int32_t handle = -1;
      ASSERT_TRUE(fleet->add_order(order, handle).ok());
      ASSERT_TRUE(fleet->insert(handle, best[0].courier, best[0].pickup_pos, best[0].dropoff_pos).ok());
      const Quantities after = fleet->quantities(best[0].courier);
      for (std::size_t q = 0; q < kQuantityCount; ++q) ASSERT_EQ(after[q] - before[q], best[0].delta[q]);
      orders.push_back(handle);
    }
    const auto courier = static_cast<std::int32_t>(rng() % kCouriers);
    switch (rng() % 4) {
      case 0: {
        std::int32_t served = 0;
        ASSERT_TRUE(fleet->serve_visit(courier, served).ok());
        break;
      }
      case 1:
        ASSERT_TRUE(fleet->move(courier, random_place(rng), static_cast<std::int64_t>(rng() % 600'000)).ok());
        break;
      case 2:
        // Known or not, served or not: a fault or a change, never a broken state.
        if (!orders.empty()) fleet->remove_order(orders[rng() % orders.size()]);
        break;
      default:
        fleet->insert(static_cast<std::int32_t>(rng() % 40) - 2, courier, static_cast<std::int32_t>(rng() % 5) - 1,
                      static_cast<std::int32_t>(rng() % 9));
    }
  }
}

// With k = all couriers nothing is bounded away; with k = 1 nearly everything is.
TEST(Fleet, TheBoundHidesNothing) {
  std::mt19937_64 rng(11);
  constexpr std::int32_t kCouriers = 120;
  const auto fine = [&](std::uint64_t span) { return static_cast<double>(rng() % span); };
  for (const std::array<std::int64_t, kQuantityCount>& weights :
       {std::array<std::int64_t, kQuantityCount>{1000, 2000, 4000, 500, 1000, 500}, {0, 0, 0, 7, 0, 2000}}) {
    FleetSettings settings;
    settings.weights = weights;
    settings.rules.severe_after_ms = 600'000;
    settings.factor = 1.3;
    settings.quantum_ms = 1000;
    InputFault fault;
    const auto fleet = Fleet::make(settings, fault);
    const auto order = [&] {
      FleetOrder next = random_order(rng);
      if (rng() % 2 == 0) next.pickup = {fine(4000), fine(4000), 0.0, -1};
      if (rng() % 2 == 0) next.dropoff = {fine(4000), fine(4000), 0.0, -1};
      if (rng() % 2 == 0) next.promised_by_ms = next.ready_ms + static_cast<std::int64_t>(rng() % 2'400'000);
      if (rng() % 5 == 0) next.dropoff_not_before_ms = static_cast<std::int64_t>(rng() % 2'400'000);
      next.placed_ms = -static_cast<std::int64_t>(rng() % 600'000);
      next.pickup_access_ms = static_cast<std::int32_t>(rng() % 3) * 60'000;
      next.pickup_leave_ms = static_cast<std::int32_t>(rng() % 3) * 60'000;
      next.dropoff_access_ms = static_cast<std::int32_t>(rng() % 3) * 30'000;
      next.dropoff_leave_ms = static_cast<std::int32_t>(rng() % 3) * 30'000;
      return next;
    };
    std::vector<FleetInsertion> found, best;
    for (std::int32_t c = 0; c < kCouriers; ++c) {
      FleetCourier courier;
      courier.place = {fine(4000), fine(4000), 0.0, -1};
      courier.free_ms = static_cast<std::int64_t>(rng() % 900'000);
      courier.capacity = 6;
      courier.speed_mph = static_cast<std::int32_t>(9'000 + rng() % 9'000);
      std::int32_t handle = -1;
      ASSERT_TRUE(fleet->add_courier(courier, handle).ok());
    }
    for (int step = 0; step < 700; ++step) {
      const FleetOrder next = order();
      ASSERT_TRUE(fleet->cheapest(next, kCouriers, found).ok());
      ASSERT_TRUE(fleet->cheapest(next, 1, best).ok());
      ASSERT_EQ(found.empty(), best.empty());
      if (best.empty()) continue;
      ASSERT_EQ(best[0].cost, found[0].cost);
      ASSERT_EQ(best[0].courier, found[0].courier);
      ASSERT_EQ(best[0].pickup_pos, found[0].pickup_pos);
      ASSERT_EQ(best[0].dropoff_pos, found[0].dropoff_pos);
      // Any of the better ones, so that routes grow and few of them are ideal.
      const FleetInsertion& taken = found[rng() % std::min<std::size_t>(found.size(), 40)];
      std::int32_t handle = -1;
      ASSERT_TRUE(fleet->add_order(next, handle).ok());
      ASSERT_TRUE(fleet->insert(handle, taken.courier, taken.pickup_pos, taken.dropoff_pos).ok());
    }
  }
}

TEST(Fleet, SettingsThatMakeNoSenseAreRefused) {
  InputFault fault;
  FleetSettings settings;
  settings.weights[0] = -1;
  EXPECT_EQ(Fleet::make(settings, fault), nullptr);
  EXPECT_EQ(fault.column, "weights");
  settings = {};
  settings.matrix_ms = {0, 1, 2};
  settings.matrix_places = 2;
  EXPECT_EQ(Fleet::make(settings, fault), nullptr);
  EXPECT_EQ(fault.column, "matrix_ms");
}

}  // namespace
}  // namespace matcher
