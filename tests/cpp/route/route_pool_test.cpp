// Plans put together from routes seen before.
#include "route/route_pool.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

namespace matcher::route {
namespace {

// Requests on a line, pick-up r + 1 and delivery r + 1 + requests, without any limit that matters.
struct Line {
  std::vector<double> distance, ready, due, service;
  std::vector<std::int32_t> demand, pickup, delivery;
  PdptwProblem view;

  explicit Line(std::int32_t requests) {
    const std::int32_t nodes = 2 * requests + 1;
    const auto at = [&](std::int32_t node) {
      if (node == 0) return 0.0;
      return node <= requests ? 10.0 + node : 50.0 + node - requests;
    };
    for (std::int32_t a = 0; a < nodes; ++a) {
      for (std::int32_t b = 0; b < nodes; ++b) distance.push_back(std::abs(at(a) - at(b)));
    }
    ready.assign(index(nodes), 0.0);
    due.assign(index(nodes), 1e6);
    service.assign(index(nodes), 0.0);
    demand.assign(index(nodes), 0);
    for (std::int32_t r = 0; r < requests; ++r) {
      pickup.push_back(r + 1);
      delivery.push_back(r + 1 + requests);
    }
    view.distance = distance;
    view.ready = ready;
    view.due = due;
    view.service = service;
    view.demand = demand;
    view.pickup = pickup;
    view.delivery = delivery;
    view.vehicles = requests;
    view.capacity = 1;
  }

  // Pick-ups in this order, then deliveries in the same.
  std::vector<std::int32_t> route(const std::vector<std::int32_t>& requests) const {
    std::vector<std::int32_t> nodes;
    for (const std::int32_t r : requests) nodes.push_back(pickup[index(r)]);
    for (const std::int32_t r : requests) nodes.push_back(delivery[index(r)]);
    return nodes;
  }
};

void set_plan(Plan& plan, const std::vector<std::vector<std::int32_t>>& routes) {
  plan.replace({}, {});
  for (const auto& nodes : routes) ASSERT_TRUE(plan.assign(plan.empty_slot(0), nodes, 0));
}

double length_of(const Plan& plan, const std::vector<std::vector<std::int32_t>>& routes) {
  double sum = 0.0;
  for (const auto& nodes : routes) {
    std::int32_t last = 0;
    for (const std::int32_t node : nodes) {
      sum += plan.between(last, node);
      last = node;
    }
    sum += plan.between(last, 0);
  }
  return sum;
}

// Each plan has one good route; the good ones together are better than either plan.
TEST(RoutePool, TheGoodRoutesOfTwoPlansMakeABetterOne) {
  const Line line(8);
  Plan plan(line.view);
  RoutePool pool(8);
  const auto good_left = line.route({0, 1, 2, 3}), bad_left = line.route({3, 0, 2, 1});
  const auto good_right = line.route({4, 5, 6, 7}), bad_right = line.route({7, 4, 6, 5});
  set_plan(plan, {good_left, bad_right});
  pool.note(plan);
  set_plan(plan, {line.route({0, 1, 2}), line.route({3}), good_right});
  pool.note(plan);
  set_plan(plan, {bad_left, bad_right});
  pool.note(plan);
  for (const bool fewest : {false, true}) {
    const auto found = pool.combine(plan, fewest, 10'000);
    ASSERT_EQ(found.size(), 2U);
    const std::set<std::vector<std::int32_t>> routes(found.begin(), found.end());
    EXPECT_EQ(routes, (std::set<std::vector<std::int32_t>>{good_left, good_right}));
    EXPECT_LT(length_of(plan, found), plan.distance());
  }
  set_plan(plan, {good_left, good_right});
  pool.note(plan);
  EXPECT_TRUE(pool.combine(plan, true, 10'000).empty());
}

// Of one set of requests only the shortest order is kept, whichever came first.
TEST(RoutePool, OneRouteForASetOfRequests) {
  const Line line(4);
  Plan plan(line.view);
  RoutePool pool(4);
  for (const auto& order : {std::vector<std::int32_t>{0, 1, 2, 3}, {3, 1, 0, 2}, {2, 0, 3, 1}}) {
    set_plan(plan, {line.route(order)});
    pool.note(plan);
  }
  EXPECT_EQ(pool.size(), 1U);
  const auto found = pool.combine(plan, true, 10'000);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0], line.route({0, 1, 2, 3}));
}

// A pool that has seen many routes forgets those that it has not seen for long.
TEST(RoutePool, ItsSizeIsBounded) {
  const Line line(20);
  Plan plan(line.view);
  RoutePool pool(20);
  Rng rng(1);
  for (int k = 0; k < 30'000; ++k) {
    std::vector<std::int32_t> some;
    for (std::int32_t r = 0; r < 20; ++r) {
      if (rng.below(2) == 0) some.push_back(r);
    }
    if (some.empty()) continue;
    set_plan(plan, {line.route(some)});
    pool.note(plan);
    ASSERT_LE(pool.size(), 20'000U);
  }
  EXPECT_GE(pool.size(), 10'000U);
}

}  // namespace
}  // namespace matcher::route
