// Dense assignment by method, family and size. The optimum is asserted while timing.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <utility>

#include "matcher/dense_assignment.h"
#include "problems.h"

namespace {

using matcher::DenseMethod;
using namespace matcher::bench;

void solve(benchmark::State& state, DenseMethod method, Family family, std::int64_t rows, std::int64_t cols) {
  const auto costs = dense_costs(family, rows, cols);
  const matcher::MatrixView<std::int64_t> view{costs.data(), rows, cols, cols, 1};
  std::int64_t iterations = 0;
  for (auto _ : state) {
    const auto answer = matcher::solve_dense<std::int64_t>(view, {}, {}, {}, method);
    iterations = answer.iterations;
    if (!proven(answer)) state.SkipWithError("the duals do not prove the total");
  }
  state.counters["bids_and_visits"] = static_cast<double>(iterations);
}

void register_all() {
  const std::pair<const char*, DenseMethod> methods[] = {
      {"auto", DenseMethod::kAuto}, {"scans", DenseMethod::kScans},   {"lists", DenseMethod::kLists},
      {"avx2", DenseMethod::kAvx2}, {"scalar", DenseMethod::kScalar}, {"plain", DenseMethod::kPlain}};
  const std::pair<const char*, Family> families[] = {
      {"uniform", kUniform}, {"points", kPoints}, {"products", kProducts}};
  const std::pair<std::int64_t, std::int64_t> shapes[] = {{100, 100}, {200, 200}, {400, 400}, {100, 1000}};
  for (const auto& [method_name, method] : methods) {
    for (const auto& [family_name, family] : families) {
      for (const auto& [rows, cols] : shapes) {
        const auto name = std::string("dense/") + method_name + "/" + family_name + "/" + std::to_string(rows) + "x" +
                          std::to_string(cols);
        benchmark::RegisterBenchmark(name.c_str(), solve, method, family, rows, cols)->Unit(benchmark::kMicrosecond);
      }
    }
    if (method != DenseMethod::kAuto && method != DenseMethod::kLists) continue;
    benchmark::RegisterBenchmark((std::string("dense/") + method_name + "/uniform/2000x2000").c_str(), solve, method,
                                 kUniform, 2000, 2000)
        ->Unit(benchmark::kMicrosecond);
  }
}

const bool registered = (register_all(), true);

}  // namespace
