// Set packing: bound and packing per grant of work. The certificate is asserted while timing.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <vector>

#include "matcher/set_packing.h"

namespace {

// Rows half orders, half couriers; a column has a courier and 1 to `largest` orders, and a gain to match.
struct Instance {
  std::int32_t n_orders, n_couriers;
  std::vector<std::int32_t> courier, ptr{0}, order;
  std::vector<std::int64_t> cost, wait;

  Instance(int rows, int columns, int largest) : n_orders(rows / 2), n_couriers(rows - rows / 2) {
    std::mt19937 generator(7);
    const auto draw = [&](int span) { return static_cast<std::int32_t>(generator() % static_cast<unsigned>(span)); };
    wait.assign(static_cast<std::size_t>(n_orders), 20'000'000);
    std::vector<std::int32_t> last(wait.size(), -1);
    for (std::int32_t k = 0; k < columns; ++k) {
      const auto size = 1 + draw(largest);
      for (std::int32_t i = 0; i < size;) {
        const auto o = draw(n_orders);
        if (last[static_cast<std::size_t>(o)] == k) continue;
        last[static_cast<std::size_t>(o)] = k;
        order.push_back(o);
        ++i;
      }
      ptr.push_back(static_cast<std::int32_t>(order.size()));
      courier.push_back(draw(n_couriers));
      cost.push_back(size * std::int64_t{20'000'000} - (size + 1) * std::int64_t{1'000'000} - size * draw(1'000'000));
    }
  }
  matcher::PackingProblem problem() const { return {n_orders, n_couriers, courier, ptr, order, cost, wait}; }
};

void solve(benchmark::State& state) {
  const Instance instance(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)), 4);
  const auto problem = instance.problem();
  matcher::PackingSolution solution;
  for (auto _ : state) {
    solution =
        matcher::solve_packing(problem, {.max_iterations = state.range(2), .order_price = {}, .courier_price = {}});
    std::int64_t bound = 0;
    for (const auto price : solution.order_price) bound += price;
    for (const auto price : solution.courier_price) bound -= price;
    if (bound != solution.price_bound || solution.lower_bound > solution.total) state.SkipWithError("certificate");
  }
  const auto nothing = static_cast<double>(problem.n_orders) * 20e6;
  state.counters["gap_of_gain_pct"] = 100.0 * static_cast<double>(solution.total - solution.lower_bound) /
                                      (nothing - static_cast<double>(solution.lower_bound));
}
BENCHMARK(solve)
    ->ArgNames({"rows", "columns", "iterations"})
    ->ArgsProduct({{100, 500}, {2'000}, {1'000, 10'000, 50'000}})
    ->Args({1'000, 50'000, 50'000})
    ->Unit(benchmark::kMillisecond);

}  // namespace
