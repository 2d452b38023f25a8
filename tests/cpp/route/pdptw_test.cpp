// Plans of random problems under the sanitizers, re-checked here from the problem alone.
#include "matcher/pdptw.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace matcher {
namespace {

struct RandomProblem {
  std::vector<double> distance, ready, due, service;
  std::vector<std::int32_t> demand, pickup, delivery;
  PdptwProblem view;

  RandomProblem(std::uint64_t seed, std::int32_t requests, std::int32_t vehicles) {
    std::mt19937_64 rng(seed);
    const auto n = static_cast<std::size_t>(2 * requests + 1);
    std::vector<double> x(n), y(n);
    for (std::size_t k = 0; k < n; ++k) {
      x[k] = static_cast<double>(rng() % 1000) / 10.0;
      y[k] = static_cast<double>(rng() % 1000) / 10.0;
    }
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = 0; b < n; ++b) distance.push_back(std::hypot(x[a] - x[b], y[a] - y[b]));
    }
    ready.assign(n, 0.0);
    due.assign(n, 900.0);
    service.assign(n, 5.0);
    demand.assign(n, 0);
    for (std::int32_t r = 0; r < requests; ++r) {
      const auto p = static_cast<std::size_t>(r + 1);
      const auto d = p + static_cast<std::size_t>(requests);
      ready[p] = static_cast<double>(rng() % 400);
      due[p] = ready[p] + 20.0 + static_cast<double>(rng() % 200);
      demand[p] = static_cast<std::int32_t>(rng() % 7);
      demand[d] = -demand[p];
      pickup.push_back(static_cast<std::int32_t>(p));
      delivery.push_back(static_cast<std::int32_t>(d));
    }
    view.distance = distance;
    view.ready = ready;
    view.due = due;
    view.service = service;
    view.demand = demand;
    view.pickup = pickup;
    view.delivery = delivery;
    view.vehicles = vehicles;
    view.capacity = 10;
  }
};

void expect_feasible(const RandomProblem& problem, const PdptwResult& result) {
  const std::size_t n = problem.ready.size();
  std::vector<int> visits(n);
  ASSERT_LE(static_cast<std::int32_t>(result.routes.size()), problem.view.vehicles);
  double total = 0.0;
  for (const auto& route : result.routes) {
    double clock = problem.ready[0];
    std::size_t last = 0;
    std::int32_t load = 0;
    std::vector<std::int32_t> on_board;
    for (const std::int32_t stop : route) {
      const auto node = static_cast<std::size_t>(stop);
      ++visits[node];
      total += problem.distance[last * n + node];
      clock = std::max(problem.ready[node], clock + problem.distance[last * n + node]);
      ASSERT_LE(clock, problem.due[node] + 1e-6);
      clock += problem.service[node];
      load += problem.demand[node];
      ASSERT_LE(load, problem.view.capacity);
      const auto as_delivery = std::find(problem.delivery.begin(), problem.delivery.end(), stop);
      if (as_delivery == problem.delivery.end()) {
        on_board.push_back(stop);
      } else {
        ASSERT_EQ(
            std::erase(on_board, problem.pickup[static_cast<std::size_t>(as_delivery - problem.delivery.begin())]), 1U);
      }
      last = node;
    }
    ASSERT_TRUE(on_board.empty());
    total += problem.distance[last * n];
    ASSERT_LE(clock + problem.distance[last * n], problem.due[0] + 1e-6);
  }
  for (std::size_t r = 0; r < problem.pickup.size(); ++r) {
    const bool unserved = std::count(result.unserved.begin(), result.unserved.end(), static_cast<int>(r)) == 1;
    ASSERT_EQ(visits[static_cast<std::size_t>(problem.pickup[r])], unserved ? 0 : 1);
  }
  EXPECT_NEAR(total, result.distance, 1e-6);
}

TEST(Pdptw, PlansAreFeasibleWithAnyFleet) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const RandomProblem problem(seed, static_cast<std::int32_t>(seed * 3), static_cast<std::int32_t>(seed % 5 * 3));
    for (const auto objective : {PdptwObjective::kHierarchical, PdptwObjective::kDistance}) {
      PdptwOptions options;
      options.objective = objective;
      options.max_iterations = 300;
      options.seed = seed;
      PdptwResult result;
      ASSERT_TRUE(solve_pdptw(problem.view, options, result).ok());
      expect_feasible(problem, result);
    }
  }
}

TEST(Pdptw, SameSeedSamePlan) {
  const RandomProblem problem(3, 40, 40);
  PdptwOptions options;
  options.max_iterations = 1000;
  PdptwResult one, other;
  ASSERT_TRUE(solve_pdptw(problem.view, options, one).ok());
  ASSERT_TRUE(solve_pdptw(problem.view, options, other).ok());
  EXPECT_EQ(one.routes, other.routes);
}

// Of several threads too: what a search learns from the others must not depend on which of them is faster.
TEST(Pdptw, SameSeedSamePlanWithThreads) {
  const RandomProblem problem(3, 40, 40);
  PdptwOptions options;
  options.max_iterations = 1000;
  options.threads = 3;
  PdptwResult one, other;
  ASSERT_TRUE(solve_pdptw(problem.view, options, one).ok());
  ASSERT_TRUE(solve_pdptw(problem.view, options, other).ok());
  EXPECT_EQ(one.routes, other.routes);
  EXPECT_EQ(one.iterations, other.iterations);
  expect_feasible(problem, one);
  options.threads = 0;
  EXPECT_EQ(solve_pdptw(problem.view, options, one).column, "threads");
}

// Vehicle types, further dimensions of load, rides and prizes take other paths through the plan; here for the
// sanitizers and for what a plan must keep, the Python tests hold the same plans to the checker.
TEST(Pdptw, MixedFleetsWithRidesAndPrizes) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    RandomProblem problem(seed, 16, 0);
    const std::size_t n = problem.ready.size();
    std::mt19937_64 rng(seed);
    std::vector<std::int32_t> more(n);
    std::vector<std::uint8_t> allowed(32, 1);
    std::vector<double> ride(16), prize(16, std::numeric_limits<double>::infinity());
    for (std::size_t r = 0; r < 16; ++r) {
      const auto p = static_cast<std::size_t>(problem.pickup[r]), d = static_cast<std::size_t>(problem.delivery[r]);
      more[p] = static_cast<std::int32_t>(rng() % 4);
      more[d] = -more[p];
      ride[r] = problem.distance[p * n + d] * (1.0 + 0.2 * static_cast<double>(rng() % 5));
      if (rng() % 2 == 0) prize[r] = static_cast<double>(rng() % 150);
      if (rng() % 3 == 0) allowed[2 * r + rng() % 2] = 0;
    }
    const std::vector<PdptwVehicleType> types{{2, 0, 0, 0.0, 900.0, 30.0}, {3, 0, 0, 100.0, 700.0, 0.0}};
    const std::vector<std::int32_t> capacities{10, 5, 8, 9};
    problem.view.types = types;
    problem.view.capacities = capacities;
    problem.view.more_demand = more;
    problem.view.allowed = allowed;
    problem.view.max_ride = ride;
    problem.view.prize = prize;
    PdptwOptions options;
    options.objective = PdptwObjective::kDistance;
    options.max_iterations = 300;
    options.seed = seed;
    PdptwResult result;
    ASSERT_TRUE(solve_pdptw(problem.view, options, result).ok());
    ASSERT_EQ(result.types.size(), result.routes.size());
    for (std::int32_t type = 0; type < 2; ++type) {
      ASSERT_LE(std::count(result.types.begin(), result.types.end(), type),
                types[static_cast<std::size_t>(type)].count);
    }
    std::size_t stops = 0;
    for (std::size_t k = 0; k < result.routes.size(); ++k) {
      const auto type = static_cast<std::size_t>(result.types[k]);
      std::int32_t load = 0, extra = 0;
      for (const std::int32_t stop : result.routes[k]) {
        const auto node = static_cast<std::size_t>(stop);
        ++stops;
        load += problem.demand[node];
        extra += more[node];
        ASSERT_LE(load, capacities[2 * type]);
        ASSERT_LE(extra, capacities[2 * type + 1]);
        if (const auto at = std::find(problem.pickup.begin(), problem.pickup.end(), stop); at != problem.pickup.end()) {
          ASSERT_TRUE(allowed[2 * static_cast<std::size_t>(at - problem.pickup.begin()) + type]);
        }
      }
    }
    ASSERT_EQ(stops, 2 * (16 - result.unserved.size()));
  }
}

// Plans of many routes are worked on in parts: still complete, reproducible, and no iteration more than granted.
TEST(Pdptw, PlansOfManyRoutesAreWorkedOnInParts) {
  const RandomProblem problem(5, 230, 120);
  for (const auto objective : {PdptwObjective::kHierarchical, PdptwObjective::kDistance}) {
    PdptwOptions options;
    options.objective = objective;
    options.max_iterations = 0;
    PdptwResult first, one, other;
    ASSERT_TRUE(solve_pdptw(problem.view, options, first).ok());
    options.max_iterations = 1500;
    ASSERT_TRUE(solve_pdptw(problem.view, options, one).ok());
    ASSERT_TRUE(solve_pdptw(problem.view, options, other).ok());
    EXPECT_EQ(one.routes, other.routes);
    EXPECT_EQ(one.iterations, other.iterations);
    EXPECT_LE(one.iterations, 1500);
    EXPECT_GE(one.iterations, 1490);
    expect_feasible(problem, one);
    EXPECT_TRUE(one.unserved.empty());
    EXPECT_LT(one.distance, 0.9 * first.distance);
  }
}

// Pick-ups with a second window, deliveries that may be late at a price: the cost told is that of the routes driven.
void expect_timely(const RandomProblem& problem, const PdptwResult& result) {
  const PdptwProblem& view = problem.view;
  const std::size_t n = problem.ready.size();
  double cost = 0.0;
  for (const auto& route : result.routes) {
    double clock = problem.ready[0];
    std::size_t last = 0;
    for (const std::int32_t stop : route) {
      const auto node = static_cast<std::size_t>(stop);
      cost += problem.distance[last * n + node];
      clock = std::max(problem.ready[node], clock + problem.distance[last * n + node]);
      const auto first = static_cast<std::size_t>(view.window_first[node]);
      const auto behind = static_cast<std::size_t>(view.window_first[node + 1]);
      for (std::size_t k = first; k < behind; ++k) {
        if (clock > view.windows[2 * k + 1] + 1e-6) continue;
        clock = std::max(clock, view.windows[2 * k]);
        break;
      }
      if (std::isinf(view.late_cost[node])) {
        ASSERT_LE(clock, problem.due[node] + 1e-6);
      } else {
        cost += view.late_cost[node] * std::max(0.0, clock - problem.due[node]);
      }
      clock += problem.service[node];
      last = node;
    }
    cost += problem.distance[last * n];
    ASSERT_LE(clock + problem.distance[last * n], problem.due[0] + 1e-6);
  }
  EXPECT_NEAR(cost, result.distance, 1e-6 * cost);
}

TEST(Pdptw, SeveralWindowsAndPricedLateness) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const std::int32_t requests = seed < 3 ? 14 : 230;
    RandomProblem problem(seed, requests, requests / 2);
    std::vector<double> windows, late(problem.ready.size(), std::numeric_limits<double>::infinity());
    std::vector<std::int32_t> first{0};
    for (std::size_t node = 0; node < problem.ready.size(); ++node) {
      if (problem.demand[node] < 0) late[node] = 0.1 * static_cast<double>(node % 8);
      if (late[node] < 1.0) problem.due[node] = 250.0 + static_cast<double>(node % 90);
      if (problem.demand[node] > 0) {
        for (const double end : {problem.ready[node], problem.ready[node] + 8.0, problem.due[node] + 40.0}) {
          windows.push_back(end);
        }
        windows.push_back(problem.due[node] += 60.0);
      }
      first.push_back(static_cast<std::int32_t>(windows.size() / 2));
    }
    problem.view.window_first = first;
    problem.view.windows = windows;
    problem.view.late_cost = late;
    PdptwOptions options;
    options.objective = PdptwObjective::kDistance;
    options.max_iterations = 1200;
    PdptwResult one, other;
    ASSERT_TRUE(solve_pdptw(problem.view, options, one).ok());
    ASSERT_TRUE(solve_pdptw(problem.view, options, other).ok());
    EXPECT_EQ(one.routes, other.routes);
    EXPECT_GT(one.routes.size(), 2U);
    expect_timely(problem, one);
    options.objective = PdptwObjective::kHierarchical;
    EXPECT_EQ(solve_pdptw(problem.view, options, one).column, "late_cost");
    options.objective = PdptwObjective::kDistance;
    windows[1] = windows[0] - 1.0;
    EXPECT_EQ(solve_pdptw(problem.view, options, one).column, "windows");
    problem.view.window_first = std::span(first).first(first.size() - 1);
    EXPECT_EQ(solve_pdptw(problem.view, options, one).column, "windows");
    problem.view.window_first = {};
    problem.view.windows = {};
    late[3] = -1.0;
    EXPECT_EQ(solve_pdptw(problem.view, options, one).column, "late_cost");
  }
}

// Travel that takes longer around noon: driven as early as can be, waiting where that arrives earlier, plans keep
// times.
TEST(Pdptw, TravelByDepartureTime) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const std::int32_t requests = seed < 3 ? 14 : 230;
    RandomProblem problem(seed, requests, requests / 2);
    const std::size_t n = problem.ready.size();
    const std::vector<double> bins{0.0, 150.0, 300.0}, factor{1.0, 1.7, 1.2};
    std::vector<double> rows;
    for (const double slow : factor) {
      for (const double way : problem.distance) rows.push_back(slow * way);
    }
    problem.view.duration = problem.distance;
    problem.view.bins = bins;
    problem.view.bin_duration = rows;
    PdptwOptions options;
    options.max_iterations = 1200;
    PdptwResult result;
    ASSERT_TRUE(solve_pdptw(problem.view, options, result).ok());
    EXPECT_GT(result.routes.size(), 2U);
    const auto arrive = [&](std::size_t a, std::size_t b, double leave) {
      double first = std::numeric_limits<double>::infinity();
      for (std::size_t k = 0; k < bins.size(); ++k) {
        if (k + 1 < bins.size() && leave >= bins[k + 1]) continue;
        first = std::min(first, std::max(leave, bins[k]) + rows[(k * n + a) * n + b]);
      }
      return first;
    };
    for (const auto& route : result.routes) {
      double clock = 0.0;
      std::size_t last = 0;
      for (const std::int32_t stop : route) {
        const auto node = static_cast<std::size_t>(stop);
        clock = std::max(problem.ready[node], arrive(last, node, clock));
        ASSERT_LE(clock, problem.due[node] + 1e-6);
        clock += problem.service[node];
        last = node;
      }
      ASSERT_LE(arrive(last, 0, clock), problem.due[0] + 1e-6);
    }
    rows[5] = -1.0;
    EXPECT_EQ(solve_pdptw(problem.view, options, result).column, "bin_duration");
    problem.view.bins = std::span(bins).first(2);
    EXPECT_EQ(solve_pdptw(problem.view, options, result).column, "bin_duration");
    problem.view.bins = {};
    EXPECT_EQ(solve_pdptw(problem.view, options, result).column, "bins");
  }
}

// Runs out after a number of questions: every place that asks is stopped at once in some run.
class Impatient final : public StopCheck {
 public:
  explicit Impatient(int questions) : left_(questions) {}
  double elapsed_fraction() override { return left_-- > 0 ? 0.0 : 1.0; }

 private:
  int left_;
};

TEST(Pdptw, AStopAtAnyMomentLeavesAPlanInHand) {
  const RandomProblem problem(9, 12, 12);
  for (int questions = 0; questions < 90; questions += 7) {
    Impatient stop(questions);
    PdptwOptions options;
    options.stop = &stop;
    PdptwResult result;
    ASSERT_TRUE(solve_pdptw(problem.view, options, result).ok());
    expect_feasible(problem, result);
  }
}

TEST(Pdptw, AStopAtAnyMomentOfAPartLeavesAPlanInHand) {
  const RandomProblem problem(9, 210, 120);
  for (int questions = 0; questions < 3000; questions += 611) {
    Impatient stop(questions);
    PdptwOptions options;
    options.objective = PdptwObjective::kDistance;
    options.max_iterations = 100'000;
    options.stop = &stop;
    PdptwResult result;
    ASSERT_TRUE(solve_pdptw(problem.view, options, result).ok());
    expect_feasible(problem, result);
  }
}

TEST(Pdptw, FaultsNameTheColumn) {
  RandomProblem problem(1, 4, 4);
  PdptwOptions options;
  PdptwResult result;
  EXPECT_EQ(solve_pdptw(problem.view, options, result).column, "max_iterations");
  options.max_iterations = 1;
  problem.demand[1] = 99;
  EXPECT_EQ(solve_pdptw(problem.view, options, result).column, "request");
}

}  // namespace
}  // namespace matcher
