// Random routes under the sanitizers, held to every sequence of their stops as the schedule kernel measures them.
#include "matcher/sequence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace matcher {
namespace {

struct SmallMarket {
  std::vector<double> x, y, z;
  std::vector<std::int32_t> pickup, dropoff, size, access, leave, stop_order, ptr{0}, locked, loc, capacity, speed;
  std::vector<std::int64_t> placed, ready, promised, not_before, by, ride, free_ms, shift_end;
  std::vector<std::uint64_t> skills, courier_skills;
  std::vector<std::int8_t> stop_kind;

  explicit SmallMarket(std::mt19937_64& rng, std::int32_t orders = 3) {
    const auto below = [&](std::uint64_t n) { return static_cast<std::int32_t>(rng() % n); };
    const std::int32_t places = 2 * orders;
    for (std::int32_t k = 0; k < places; ++k) {
      x.push_back(below(4000));
      y.push_back(below(4000));
      z.push_back(0.0);
    }
    for (std::int32_t o = 0; o < orders; ++o) {
      pickup.push_back(below(static_cast<std::uint64_t>(places)));
      dropoff.push_back(below(static_cast<std::uint64_t>(places)));
      size.push_back(below(3));
      access.push_back(30'000 * below(3));
      leave.push_back(30'000 * below(3));
      placed.push_back(-60'000 * below(20));
      ready.push_back(60'000 * below(20));
      promised.push_back(rng() % 2 == 0 ? kNeverMs : ready.back() + 60'000 * below(30));
      not_before.push_back(rng() % 4 == 0 ? 60'000 * below(30) : -1'200'000);
      by.push_back(rng() % 4 == 0 ? ready.back() + 60'000 * below(40) : kNeverMs);
      ride.push_back(rng() % 2 == 0 ? 60'000 * (5 + below(25)) : kNeverMs);
      skills.push_back(0);
      for (const std::int8_t kind : {std::int8_t{1}, std::int8_t{2}}) {
        if (kind == 1 && rng() % 5 == 0) continue;  // on board
        stop_order.push_back(o);
        stop_kind.push_back(kind);
      }
    }
    ptr.push_back(static_cast<std::int32_t>(stop_order.size()));
    locked.push_back(below(3));
    loc.push_back(below(static_cast<std::uint64_t>(places)));
    capacity.push_back(6);
    speed.push_back(15'000);
    free_ms.push_back(60'000 * below(5));
    shift_end.push_back(kNeverMs);
    courier_skills.push_back(0);
  }
  Market market() const {
    return {{x, y, z, 0.0},
            MetricTravel{1.2, 1000, speed},
            {pickup, dropoff, placed, ready, promised, not_before, by, by, ride, size, skills, access, leave, access,
             leave},
            {loc, free_ms, shift_end, capacity, courier_skills},
            {ptr, stop_order, stop_kind, locked},
            {true, 300'000}};
  }
};

// Least cost over all sequences that keep the limits; INT64_MAX: none does.
std::int64_t cheapest(SmallMarket small, const SequenceOptions& options) {
  const SmallMarket given = small;
  const std::size_t n = small.stop_order.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::int64_t best = INT64_MAX;
  do {
    std::uint32_t seen = 0;
    bool possible = true;  // stops are given by order, the pick-up first
    for (const std::size_t stop : order) {
      possible &= given.stop_kind[stop] == 1 || stop == 0 || given.stop_order[stop - 1] != given.stop_order[stop] ||
                  (seen >> (stop - 1) & 1U) != 0;
      seen |= 1U << stop;
    }
    if (!possible) continue;
    for (std::size_t k = 0; k < n; ++k) {
      small.stop_order[k] = given.stop_order[order[k]];
      small.stop_kind[k] = given.stop_kind[order[k]];
    }
    RouteSchedules schedules;
    EXPECT_TRUE(evaluate_routes(small.market(), schedules).ok());
    if (schedules.violations[0] != 0) continue;
    std::int64_t cost = 0;
    for (std::size_t q = 0; q < kQuantityCount; ++q) cost += options.weights[q] * schedules.quantities[0][q];
    best = std::min(best, cost);
  } while (std::next_permutation(order.begin() + given.locked[0], order.end()));
  return best;
}

TEST(Sequence, IsTheBestOfAllSequences) {
  std::mt19937_64 rng(5);
  SequenceOptions options;
  options.weights = {1000, 2000, 4000, 500, 1000, 500};
  int feasible = 0;
  for (int turn = 0; turn < 400; ++turn) {
    SmallMarket small(rng);
    if (turn % 2 == 0) small.locked[0] = 0;
    SequencedRoutes found;
    ASSERT_TRUE(best_sequences(small.market(), options, found).ok());
    const std::int64_t best = cheapest(small, options);
    // Locked stops may break limits that the schedule kernel counts: then the kernel alone finds a sequence.
    if (best == INT64_MAX) {
      ASSERT_TRUE(found.feasible[0] == 0 || small.locked[0] > 0);
      continue;
    }
    ASSERT_EQ(found.feasible[0], 1);
    ASSERT_LE(found.cost[0], best);
    if (small.locked[0] == 0) {
      ASSERT_EQ(found.cost[0], best);
    }
    ++feasible;
  }
  EXPECT_GT(feasible, 100);
}

// Four orders, so that the layers answer wherever every stop has a visit of its own. Little room and short rides, so
// that many sets of stops cannot be served together.
TEST(Sequence, LongerRoutesAreTheBestOfAllSequences) {
  std::mt19937_64 rng(11);
  SequenceOptions options;
  int feasible = 0;
  for (int turn = 0; turn < 160; ++turn) {
    options.weights = {1000, 2000, 4000, 500, 1000, 500};
    if (turn % 3 == 0) options.weights = {0, 0, 0, 0, 1000, 700};
    if (turn % 3 == 1) options.weights = {0, 3, 0, 2, 0, 0};
    SmallMarket small(rng, 4);
    small.locked[0] = 0;
    if (turn % 2 == 0) small.capacity[0] = 2 + turn % 3;
    if (turn % 5 == 0) std::fill(small.ride.begin(), small.ride.end(), 60'000 * (8 + turn % 17));
    if (turn % 4 != 0) {  // no two stops at one place
      std::iota(small.pickup.begin(), small.pickup.end(), 0);
      std::iota(small.dropoff.begin(), small.dropoff.end(), 4);
    }
    SequencedRoutes found;
    ASSERT_TRUE(best_sequences(small.market(), options, found).ok());
    const std::int64_t best = cheapest(small, options);
    ASSERT_EQ(found.feasible[0] != 0, best != INT64_MAX);
    if (best == INT64_MAX) continue;
    ASSERT_EQ(found.cost[0], best);
    ++feasible;
    SmallMarket again = small;  // what was found costs the least, so it stays
    again.stop_order = found.stop_order;
    again.stop_kind = found.stop_kind;
    ASSERT_TRUE(best_sequences(again.market(), options, found).ok());
    ASSERT_EQ(found.stop_order, again.stop_order);
    ASSERT_EQ(found.stop_kind, again.stop_kind);
  }
  EXPECT_GT(feasible, 20);
}

TEST(Sequence, OverflowIsRefused) {
  std::mt19937_64 rng(1);
  SmallMarket small(rng);
  small.ready[1] = std::int64_t{1} << 35;
  SequencedRoutes found;
  EXPECT_EQ(best_sequences(small.market(), {}, found).column, "orders.ready_ms");
}

}  // namespace
}  // namespace matcher
