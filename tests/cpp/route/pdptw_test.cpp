// Plans of random problems under the sanitizers, re-checked here from the problem alone.
#include "matcher/pdptw.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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
    view = {distance, {}, ready, due, service, demand, pickup, delivery, vehicles, 10};
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
