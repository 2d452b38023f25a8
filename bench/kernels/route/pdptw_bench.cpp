// Plans: what an iteration of the search costs, by tasks and length of routes. The plan is checked to be whole.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "matcher/pdptw.h"

namespace {

// Requests on a square; `width` of the windows decides how many stops a route has.
struct Instance {
  std::vector<double> distance, ready, due, service;
  std::vector<std::int32_t> demand, pickup, delivery;

  Instance(std::int32_t requests, double width) {
    std::mt19937_64 generator(11);
    const auto draw = [&](double span) { return span * static_cast<double>(generator() >> 11) * 0x1.0p-53; };
    const auto n = static_cast<std::size_t>(2 * requests + 1);
    std::vector<double> x(n), y(n);
    for (std::size_t k = 0; k < n; ++k) {
      x[k] = draw(500.0);
      y[k] = draw(500.0);
    }
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = 0; b < n; ++b) distance.push_back(std::hypot(x[a] - x[b], y[a] - y[b]));
    }
    ready.assign(n, 0.0);
    due.assign(n, 6000.0);
    service.assign(n, 10.0);
    demand.assign(n, 0);
    for (std::int32_t r = 0; r < requests; ++r) {
      const auto p = static_cast<std::size_t>(2 * r + 1);
      ready[p] = 800.0 + draw(3200.0 - width);  // no two places are 800 apart, so every request can be served
      due[p] = ready[p] + width;
      demand[p] = 1 + static_cast<std::int32_t>(draw(9.0));
      demand[p + 1] = -demand[p];
      pickup.push_back(static_cast<std::int32_t>(p));
      delivery.push_back(static_cast<std::int32_t>(p + 1));
    }
  }
  matcher::PdptwProblem problem() const {
    matcher::PdptwProblem view;
    view.distance = distance;
    view.ready = ready;
    view.due = due;
    view.service = service;
    view.demand = demand;
    view.pickup = pickup;
    view.delivery = delivery;
    view.vehicles = static_cast<std::int32_t>(pickup.size());
    view.capacity = 40;
    return view;
  }
};

void solve(benchmark::State& state) {
  const Instance instance(static_cast<std::int32_t>(state.range(0) / 2), static_cast<double>(state.range(1)));
  matcher::PdptwOptions options;
  options.objective = matcher::PdptwObjective::kDistance;
  options.max_iterations = state.range(2);
  matcher::PdptwResult result;
  for (auto _ : state) {
    const auto fault = matcher::solve_pdptw(instance.problem(), options, result);
    if (!fault.ok() || !result.unserved.empty()) state.SkipWithError("a request is unserved");
  }
  state.counters["routes"] = static_cast<double>(result.routes.size());
  state.counters["distance"] = result.distance;
}
// No iteration: matrices checked, plan built. A thousand: what an iteration adds, removals and insertions.
BENCHMARK(solve)
    ->ArgNames({"tasks", "window", "iterations"})
    ->ArgsProduct({{100, 400, 1000}, {100, 2000}, {0, 1000}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
