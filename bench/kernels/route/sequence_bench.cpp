// The best sequence of one courier's stops: time by number of stops, by how tight rides are, and with or without soft
// windows: promises, past which lateness costs. The present sequence is all pick-ups, then all drop-offs; the answer is
// checked to cost something.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <vector>

#include "matcher/sequence.h"

namespace {

using matcher::kNeverMs;

// One courier in a square of 5 km with `count` orders, ready within 20 minutes, promised in 40.
struct Courier {
  std::vector<double> x, y, z;
  std::vector<std::int32_t> pickup, dropoff, size, zero, minute, stop_order;
  std::vector<std::int64_t> placed, ready, promised, never, ride;
  std::vector<std::uint64_t> skills;
  std::vector<std::int8_t> stop_kind;
  std::vector<std::int32_t> ptr, locked{0}, loc{0}, capacity{100}, speed{18'000};
  std::vector<std::int64_t> free_ms{0}, shift_end{kNeverMs};
  std::vector<std::uint64_t> courier_skills{0};

  Courier(std::int32_t count, std::int64_t ride_ms, bool promises, std::uint64_t seed) {
    std::mt19937_64 generator(seed);
    const auto draw = [&](double span) { return span * static_cast<double>(generator() >> 11) * 0x1.0p-53; };
    const auto n = static_cast<std::size_t>(count);
    for (std::size_t k = 0; k < 2 * n + 1; ++k) {
      x.push_back(draw(5000.0));
      y.push_back(draw(5000.0));
      z.push_back(0.0);
    }
    for (std::int32_t r = 0; r < count; ++r) {
      pickup.push_back(1 + 2 * r);
      dropoff.push_back(2 + 2 * r);
      ready.push_back(60'000 * static_cast<std::int64_t>(draw(20.0)));
      promised.push_back(promises ? ready.back() + 2'400'000 : kNeverMs);
    }
    size.assign(n, 1);
    zero.assign(n, 0);
    minute.assign(n, 60'000);
    placed.assign(n, 0);
    never.assign(n, kNeverMs);
    ride.assign(n, ride_ms);
    skills.assign(n, 0);
    for (const std::int8_t kind : {std::int8_t{1}, std::int8_t{2}}) {
      for (std::int32_t r = 0; r < count; ++r) {
        stop_order.push_back(r);
        stop_kind.push_back(kind);
      }
    }
    ptr = {0, 2 * count};
  }
  matcher::Market market() const {
    return {{x, y, z, 0.0},
            matcher::MetricTravel{1.3, 1000, speed},
            {pickup, dropoff, placed, ready, promised, placed, never, never, ride, size, skills, zero, minute, zero,
             minute},
            {loc, free_ms, shift_end, capacity, courier_skills},
            {ptr, stop_order, stop_kind, locked},
            {false, 1'200'000}};
  }
};

void sequence(benchmark::State& state) {
  std::vector<Courier> couriers;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    couriers.emplace_back(static_cast<std::int32_t>(state.range(0) / 2),
                          state.range(1) > 0 ? state.range(1) * 60'000 : kNeverMs, state.range(2) != 0, seed);
  }
  matcher::SequenceOptions options;
  options.weights = {1000, 2000, 4000, 500, 1000, 500};
  matcher::SequencedRoutes found;
  std::size_t turn = 0;
  std::int64_t nodes = 0, solved = 0;
  for (auto _ : state) {
    const Courier& courier = couriers[turn++ % couriers.size()];
    if (!matcher::best_sequences(courier.market(), options, found).ok()) return state.SkipWithError("refused");
    if (found.feasible[0] != 0 && found.cost[0] <= 0) return state.SkipWithError("costs nothing");
    nodes += found.nodes[0];
    solved += found.feasible[0];
  }
  state.counters["nodes"] = benchmark::Counter(static_cast<double>(nodes), benchmark::Counter::kAvgIterations);
  state.counters["feasible"] = benchmark::Counter(static_cast<double>(solved), benchmark::Counter::kAvgIterations);
}

// `ride`: minutes on board at most, 0 without a limit.
BENCHMARK(sequence)
    ->ArgNames({"stops", "ride", "promises"})
    ->ArgsProduct({{4, 6, 8, 10, 12, 16}, {30, 0}, {1, 0}})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
