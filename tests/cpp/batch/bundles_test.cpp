// Bundles through their public function: what is proposed keeps the rules, and input that is wrong is named.
#include "matcher/bundles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace matcher {
namespace {

// Stores at the first places, doors at random around them.
struct Town {
  std::vector<double> x, y, z;
  std::vector<std::int32_t> open, store, pickup, dropoff, size, speed{25'000};
  std::vector<std::int64_t> ready, promised, fresh;

  Town(unsigned seed, int orders, int stores) {
    std::mt19937 generator(seed);
    const auto draw = [&](int span) { return static_cast<int>(generator() % static_cast<unsigned>(span)); };
    for (int i = 0; i < stores + orders; ++i) {
      x.push_back(draw(8000));
      y.push_back(draw(8000));
      z.push_back(0.0);
    }
    for (int o = 0; o < orders; ++o) {
      open.push_back(o);
      store.push_back(draw(stores));
      pickup.push_back(store.back());
      dropoff.push_back(stores + o);
      size.push_back(1 + draw(3));
      ready.push_back(draw(1'200'000) - 300'000);
      promised.push_back(ready.back() + draw(2'400'000));
      fresh.push_back(draw(3) == 0 ? kNeverMs : 1'000'000 + draw(2'000'000));
    }
  }
  BundleProblem problem() const {
    return {.places = {x, y, z, 0.0},
            .travel = MetricTravel{1.3, 1000, speed},
            .open = open,
            .store = store,
            .pickup_loc = pickup,
            .dropoff_loc = dropoff,
            .ready_ms = ready,
            .promised_by_ms = promised,
            .freshness_ms = fresh,
            .size = size};
  }
};

TEST(Bundles, AnswerNothingOnceCancelled) {
  const Town town(1, 300, 8);
  std::int32_t flag = 0;
  const BundleRules rules{.max_orders = 5, .cancelled = &flag};
  Bundles bundles;
  ASSERT_TRUE(propose_bundles(town.problem(), rules, bundles).ok());
  EXPECT_FALSE(bundles.cancelled);
  EXPECT_GT(bundles.unit_ptr.size(), 300U);
  flag = 1;
  ASSERT_TRUE(propose_bundles(town.problem(), rules, bundles).ok());
  EXPECT_TRUE(bundles.cancelled);
  EXPECT_TRUE(bundles.unit_ptr.empty());
}

TEST(Bundles, KeepTheRules) {
  const Town town(1, 300, 8);
  const BundleRules rules{
      .max_orders = 5, .ready_spread_ms = 400'000, .neighbours = 5, .max_bundles = 5000, .max_size = 8};
  Bundles bundles;
  ASSERT_TRUE(propose_bundles(town.problem(), rules, bundles).ok());
  ASSERT_GT(bundles.unit_ptr.size(), 500U);
  for (std::size_t u = 0; u + 1 < bundles.unit_ptr.size(); ++u) {
    const auto first = bundles.unit_order.begin() + bundles.unit_ptr[u];
    const auto end = bundles.unit_order.begin() + bundles.unit_ptr[u + 1];
    if (u < 300) {
      ASSERT_EQ(end - first, 1);
      ASSERT_EQ(*first, static_cast<std::int32_t>(u));
      continue;
    }
    ASSERT_GE(end - first, 2);
    ASSERT_LE(end - first, 5);
    ASSERT_TRUE(std::is_sorted(first, end));
    ASSERT_TRUE(std::is_permutation(first, end, bundles.sequence.begin() + bundles.unit_ptr[u]));
    std::int64_t size = 0;
    std::int64_t earliest = kNeverMs;
    std::int64_t latest = 0;
    for (auto it = first; it != end; ++it) {
      const auto o = static_cast<std::size_t>(*it);
      ASSERT_EQ(town.store[o], town.store[static_cast<std::size_t>(*first)]);
      size += town.size[o];
      earliest = std::min(earliest, std::max<std::int64_t>(town.ready[o], 0));
      latest = std::max(latest, town.ready[o]);
    }
    ASSERT_LE(size, 8);
    ASSERT_LE(latest - earliest, 400'000);
    ASSERT_GT(bundles.saving_ms[u], 0);
  }
}

TEST(Bundles, FaultsAreNamed) {
  Town town(2, 5, 1);
  town.dropoff[3] = 99;
  Bundles bundles;
  const auto fault = propose_bundles(town.problem(), {}, bundles);
  EXPECT_EQ(fault.column, "orders.dropoff_loc");
  EXPECT_EQ(fault.row, 3);
  EXPECT_TRUE(bundles.unit_ptr.empty());
}

}  // namespace
}  // namespace matcher
