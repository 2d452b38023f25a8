// Sparse assignment, cold and from its own duals. The optimum is asserted while timing.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "matcher/sparse_assignment.h"
#include "problems.h"

namespace {

using matcher::bench::proven;
using matcher::bench::SparseProblem;

void cold(benchmark::State& state) {
  const SparseProblem problem(static_cast<std::int32_t>(state.range(0)), static_cast<std::int32_t>(state.range(1)));
  for (auto _ : state) {
    const auto answer = matcher::solve_sparse<std::int64_t>(problem.costs(), problem.prices);
    if (!proven(answer)) state.SkipWithError("the duals do not prove the total");
  }
}

void warm(benchmark::State& state) {
  const SparseProblem problem(static_cast<std::int32_t>(state.range(0)), static_cast<std::int32_t>(state.range(1)));
  const auto last = matcher::solve_sparse<std::int64_t>(problem.costs(), problem.prices);
  for (auto _ : state) {
    const auto answer =
        matcher::solve_sparse<std::int64_t>(problem.costs(), problem.prices, {}, {last.col_duals, last.col_for_row});
    if (!proven(answer) || answer.total != last.total) state.SkipWithError("another total from a warm start");
  }
}

BENCHMARK(cold)->Name("sparse/cold")->Args({1'000, 20})->Args({10'000, 10})->Unit(benchmark::kMicrosecond);
BENCHMARK(warm)->Name("sparse/warm")->Args({1'000, 20})->Args({10'000, 10})->Unit(benchmark::kMicrosecond);

}  // namespace
