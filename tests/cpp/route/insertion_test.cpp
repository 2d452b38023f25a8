// Hand-made markets with answers that can be read off; the Python suite compares with enumeration.
#include "matcher/insertion.h"

#include <gtest/gtest.h>

#include <vector>

namespace matcher {
namespace {

// Owns the columns of a small market on a line: one metre takes one second.
struct LineMarket {
  std::vector<double> x, zero;
  std::vector<std::int32_t> pickup_loc, dropoff_loc, size, access, leave, none;
  std::vector<std::int64_t> placed, ready, promised, not_before, pickup_by, dropoff_by, freshness;
  std::vector<std::uint64_t> order_skills, courier_skills;
  std::vector<std::int32_t> loc, capacity, speed, ptr{0}, stop_order, locked;
  std::vector<std::int64_t> free, shift_end;
  std::vector<std::int8_t> stop_kind;

  explicit LineMarket(std::vector<double> places) : x(std::move(places)), zero(x.size()) {}

  std::int32_t order(std::int32_t from, std::int32_t to) {
    pickup_loc.push_back(from);
    dropoff_loc.push_back(to);
    size.push_back(1);
    for (auto* column : {&access, &leave, &none}) column->push_back(0);
    for (auto* column : {&placed, &ready, &not_before}) column->push_back(0);
    for (auto* column : {&promised, &pickup_by, &dropoff_by, &freshness}) column->push_back(kNeverMs);
    order_skills.push_back(0);
    return static_cast<std::int32_t>(size.size()) - 1;
  }
  std::int32_t courier(std::int32_t place, std::vector<std::pair<StopKind, std::int32_t>> route = {}) {
    loc.push_back(place);
    capacity.push_back(4);
    speed.push_back(3600);
    free.push_back(0);
    shift_end.push_back(kNeverMs);
    courier_skills.push_back(0);
    locked.push_back(0);
    for (const auto& [kind, stop] : route) {
      stop_kind.push_back(static_cast<std::int8_t>(kind));
      stop_order.push_back(stop);
    }
    ptr.push_back(static_cast<std::int32_t>(stop_order.size()));
    return static_cast<std::int32_t>(loc.size()) - 1;
  }
  Market view() const {
    return {{x, zero, zero, 0.0},
            MetricTravel{1.0, 1, speed},
            {pickup_loc, dropoff_loc, placed, ready, promised, not_before, pickup_by, dropoff_by, freshness, size,
             order_skills, access, leave, none, none},
            {loc, free, shift_end, capacity, courier_skills},
            {ptr, stop_order, stop_kind, locked},
            {}};
  }
};

InsertionCandidates insert(const LineMarket& market, std::vector<std::int32_t> unit, std::int64_t nearest = 8) {
  const std::vector<std::int32_t> ptr{0, static_cast<std::int32_t>(unit.size())};
  InsertionCandidates out;
  InsertionOptions options;
  options.nearest = nearest;
  options.weights = {1000, 0, 0, 0, 1000, 0};
  const InputFault fault = insertion_candidates(market.view(), {ptr, unit}, options, out);
  EXPECT_TRUE(fault.ok()) << fault.column << " " << fault.problem;
  return out;
}

TEST(Schedule, PickupsAtOnePlaceShareTheirHandOver) {
  LineMarket market({0, 100});
  const auto a = market.order(0, 1);
  const auto b = market.order(0, 1);
  market.ready[1] = 60'000;
  market.leave[0] = 5'000;
  market.courier(0, {{StopKind::kPickup, a}, {StopKind::kPickup, b}, {StopKind::kDropoff, a}, {StopKind::kDropoff, b}});
  RouteSchedules out;
  ASSERT_TRUE(evaluate_routes(market.view(), out).ok());
  EXPECT_EQ(out.at_ms, (std::vector<std::int64_t>{60'000, 60'000, 165'000, 165'000}));
  EXPECT_EQ(out.quantities[0][kPickupDelay], 60'000);
  EXPECT_EQ(out.depart_by_ms[0], 60'000) << "leaving any time before the second order is ready changes nothing";
  EXPECT_EQ(out.quantities[0][kCourierTime], 105'000);
}

TEST(Schedule, BrokenLimitsAreNamed) {
  LineMarket market({0, 100});
  const auto a = market.order(0, 1);
  market.freshness[0] = 99'000;
  market.courier(1, {{StopKind::kPickup, a}, {StopKind::kDropoff, a}});
  market.shift_end[0] = 1;
  market.capacity[0] = 0;
  market.order_skills[0] = 1;
  RouteSchedules out;
  ASSERT_TRUE(evaluate_routes(market.view(), out).ok());
  EXPECT_EQ(out.violations[0], kOverCapacity | kLacksSkills | kAfterShiftEnd | kNotFresh);
}

TEST(Schedule, StopsOutOfOrderAreNamed) {
  LineMarket market({0, 100});
  const auto a = market.order(0, 1);
  const auto b = market.order(0, 1);
  market.courier(0, {{StopKind::kDropoff, a}, {StopKind::kPickup, a}});
  market.courier(0, {{StopKind::kPickup, b}});
  market.courier(0, {{StopKind::kPickup, b}, {StopKind::kDropoff, b}, {StopKind::kDropoff, b}});
  RouteSchedules out;
  ASSERT_TRUE(evaluate_routes(market.view(), out).ok());
  for (const auto violations : out.violations) EXPECT_EQ(violations & kStopOrder, kStopOrder);
}

TEST(Insertion, OnTheWayCostsNoTravel) {
  LineMarket market({0, 100, 200, 300});
  const auto running = market.order(0, 3);
  const auto fresh = market.order(1, 2);
  market.courier(0, {{StopKind::kPickup, running}, {StopKind::kDropoff, running}});
  const auto found = insert(market, {fresh});
  ASSERT_EQ(found.candidates.size(), 1U);
  EXPECT_EQ(found.candidates[0].pickup_pos, 1);
  EXPECT_EQ(found.candidates[0].dropoff_pos, 1);
  EXPECT_EQ(found.candidates[0].delta[kTravel], 0);
  EXPECT_EQ(found.candidates[0].pickup_at_ms, 100'000);
}

TEST(Insertion, EqualPositionsGoToTheEarliest) {
  LineMarket market({0, 100});
  const auto running = market.order(0, 1);
  const auto fresh = market.order(0, 1);
  market.courier(0, {{StopKind::kPickup, running}, {StopKind::kDropoff, running}});
  const auto found = insert(market, {fresh});
  ASSERT_EQ(found.candidates.size(), 1U);
  EXPECT_EQ(found.candidates[0].pickup_pos, 0) << "before or after the other pick-up at this place is the same";
  EXPECT_EQ(found.candidates[0].dropoff_pos, 1);
}

TEST(Insertion, BundleTakesTheBestSequenceAndTheSmallestOfEqualOnes) {
  LineMarket market({0, 100, 200});
  const auto far = market.order(0, 2);
  const auto near = market.order(0, 1);
  const auto also_far = market.order(0, 2);
  market.courier(0);
  const auto found = insert(market, {also_far, far, near});
  ASSERT_EQ(found.candidates.size(), 1U);
  EXPECT_EQ(found.candidates[0].sequence, (std::array<std::int32_t, kMaxUnitOrders>{near, far, also_far, -1, -1, -1}));
}

TEST(Insertion, NearestByArrivalNotByDistance) {
  LineMarket market({0, 100, 10});
  const auto fresh = market.order(0, 1);
  market.courier(2);  // 10 m away, busy for long
  market.courier(1);  // 100 m away, free
  market.free[0] = 200'000;
  const auto found = insert(market, {fresh}, 1);
  ASSERT_EQ(found.candidates.size(), 1U);
  EXPECT_EQ(found.candidates[0].courier, 1);
  EXPECT_EQ(found.pruned[0], 1);
}

TEST(Insertion, NothingGoesBeforeTheLockedPrefix) {
  LineMarket market({0, 100, 200, 300});
  const auto running = market.order(0, 3);
  const auto fresh = market.order(1, 2);
  market.courier(0, {{StopKind::kPickup, running}, {StopKind::kDropoff, running}});
  market.locked[0] = 2;
  const auto found = insert(market, {fresh});
  ASSERT_EQ(found.candidates.size(), 1U);
  EXPECT_EQ(found.candidates[0].pickup_pos, 2);
}

TEST(Insertion, AnOrderOnBoardKeepsItsFreshness) {
  LineMarket market({0, 100, 50});
  const auto carried = market.order(0, 1);
  const auto fresh = market.order(0, 0);
  market.freshness[0] = 100'000;  // picked up at ready = 0: just made by driving straight
  market.courier(0, {{StopKind::kDropoff, carried}});
  market.access[1] = 1'000;
  const auto found = insert(market, {fresh});
  ASSERT_EQ(found.candidates.size(), 1U);
  EXPECT_EQ(found.candidates[0].pickup_pos, 1);
}

TEST(Insertion, ReasonsAreCountedOnce) {
  LineMarket market({0, 100, 5000});
  const auto fresh = market.order(0, 1);
  for (int c = 0; c < 5; ++c) market.courier(0);
  market.order_skills[0] = 2;
  for (std::size_t c = 1; c < 5; ++c) market.courier_skills[c] = 2;
  market.capacity[1] = 0;
  market.shift_end[2] = -1;
  market.freshness[0] = 1'000;
  market.loc[4] = 2;
  const std::vector<std::int32_t> ptr{0, 1}, unit{fresh};
  InsertionCandidates out;
  InsertionOptions options;
  options.reach_ms = 1'000'000;
  ASSERT_TRUE(insertion_candidates(market.view(), {ptr, unit}, options, out).ok());
  const std::array<std::int32_t, kRejectionCount> expected{1, 1, 1, 1, 0, 1, 0};
  EXPECT_EQ(out.rejected[0], expected);
  EXPECT_TRUE(out.candidates.empty());
}

TEST(Insertion, AnswersNothingOnceCancelled) {
  LineMarket market({0, 100});
  const std::vector<std::int32_t> ptr{0, 1}, unit{market.order(0, 1)};
  market.courier(0);
  std::int32_t flag = 0;
  InsertionOptions options;
  options.cancelled = &flag;
  InsertionCandidates out;
  ASSERT_TRUE(insertion_candidates(market.view(), {ptr, unit}, options, out).ok());
  EXPECT_FALSE(out.cancelled);
  EXPECT_EQ(out.candidates.size(), 1U);
  flag = 1;
  ASSERT_TRUE(insertion_candidates(market.view(), {ptr, unit}, options, out).ok());
  EXPECT_TRUE(out.cancelled);
  EXPECT_TRUE(out.candidates.empty());
}

TEST(Insertion, FaultsNameColumnAndRow) {
  LineMarket market({0, 100});
  market.order(0, 7);
  market.courier(0);
  const std::vector<std::int32_t> ptr{0, 1}, unit{0};
  InsertionCandidates out;
  const InputFault fault = insertion_candidates(market.view(), {ptr, unit}, {}, out);
  EXPECT_EQ(fault.column, "orders.dropoff_loc");
  EXPECT_EQ(fault.row, 0);
}

}  // namespace
}  // namespace matcher
