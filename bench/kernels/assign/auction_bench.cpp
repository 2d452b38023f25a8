// The epsilon-scaling auction on the sparse problems of its neighbour. The optimum is asserted while timing.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "matcher/auction.h"
#include "matcher/sparse_assignment.h"
#include "problems.h"

namespace {

using matcher::bench::proven;
using matcher::bench::SparseProblem;

void auction(benchmark::State& state) {
  const SparseProblem problem(static_cast<std::int32_t>(state.range(0)), static_cast<std::int32_t>(state.range(1)));
  const auto optimum = matcher::solve_sparse<std::int64_t>(problem.costs(), problem.prices).total;
  for (auto _ : state) {
    const auto answer = matcher::solve_auction(problem.costs(), problem.prices);
    if (!proven(answer) || answer.total != optimum) state.SkipWithError("not the optimum");
  }
}
BENCHMARK(auction)->Args({1'000, 20})->Args({10'000, 10})->Unit(benchmark::kMicrosecond);

}  // namespace
