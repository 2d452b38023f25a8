// Set packing through its public function: against enumeration, and its certificate checked anew.
#include "matcher/set_packing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <limits>
#include <random>
#include <vector>

namespace matcher {
namespace {

struct Columns {
  std::int32_t n_orders = 0;
  std::int32_t n_couriers = 0;
  std::vector<std::int32_t> courier, ptr{0}, order;
  std::vector<std::int64_t> cost, wait;

  void add(std::int32_t c, const std::vector<std::int32_t>& orders, std::int64_t price) {
    courier.push_back(c);
    order.insert(order.end(), orders.begin(), orders.end());
    ptr.push_back(static_cast<std::int32_t>(order.size()));
    cost.push_back(price);
  }
  PackingProblem problem() const { return {n_orders, n_couriers, courier, ptr, order, cost, wait}; }
};

Columns random_columns(unsigned seed, std::int32_t n_orders, std::int32_t n_couriers, int count, int largest) {
  std::mt19937 generator(seed);
  const auto draw = [&](int low, int high) {
    return low + static_cast<int>(generator() % static_cast<unsigned>(high - low + 1));
  };
  Columns columns;
  columns.n_orders = n_orders;
  columns.n_couriers = n_couriers;
  for (std::int32_t o = 0; o < n_orders; ++o) columns.wait.push_back(draw(0, 40));
  for (int k = 0; k < count; ++k) {
    std::vector<std::int32_t> orders;
    const int size = draw(1, std::min(largest, static_cast<int>(n_orders)));
    while (static_cast<int>(orders.size()) < size) {
      const auto o = draw(0, n_orders - 1);
      if (std::find(orders.begin(), orders.end(), o) == orders.end()) orders.push_back(o);
    }
    columns.add(draw(0, n_couriers - 1), orders, draw(-5, 20 * size));
  }
  return columns;
}

// Least cost by trying every column or none for each courier.
std::int64_t enumerate(const PackingProblem& p, std::int32_t courier, std::uint32_t taken) {
  if (courier == p.n_couriers) {
    std::int64_t sum = 0;
    for (std::size_t o = 0; o < p.wait.size(); ++o) sum += (taken >> o & 1U) != 0 ? 0 : p.wait[o];
    return sum;
  }
  auto best = enumerate(p, courier + 1, taken);
  for (std::size_t k = 0; k < p.courier.size(); ++k) {
    if (p.courier[k] != courier) continue;
    std::uint32_t members = 0;
    for (auto i = p.ptr[k]; i < p.ptr[k + 1]; ++i) members |= 1U << p.order[static_cast<std::size_t>(i)];
    if ((members & taken) == 0) best = std::min(best, p.cost[k] + enumerate(p, courier + 1, taken | members));
  }
  return best;
}

// That the packing is one, costs its total, and that the prices prove the bound.
void check(const PackingProblem& p, const PackingSolution& s) {
  std::vector<bool> busy(static_cast<std::size_t>(p.n_couriers)), served(p.wait.size());
  std::int64_t total = 0;
  for (const auto column : s.chosen) {
    const auto k = static_cast<std::size_t>(column);
    ASSERT_FALSE(busy[static_cast<std::size_t>(p.courier[k])]);
    busy[static_cast<std::size_t>(p.courier[k])] = true;
    total += p.cost[k];
    for (auto i = p.ptr[k]; i < p.ptr[k + 1]; ++i) {
      const auto o = static_cast<std::size_t>(p.order[static_cast<std::size_t>(i)]);
      ASSERT_FALSE(served[o]);
      served[o] = true;
    }
  }
  std::int64_t bound = 0;
  for (std::size_t o = 0; o < p.wait.size(); ++o) {
    if (!served[o]) total += p.wait[o];
    ASSERT_LE(s.order_price[o], p.wait[o]);
    bound += s.order_price[o];
  }
  for (const auto price : s.courier_price) {
    ASSERT_GE(price, 0);
    bound -= price;
  }
  for (std::size_t k = 0; k < p.courier.size(); ++k) {
    auto slack = p.cost[k] + s.courier_price[static_cast<std::size_t>(p.courier[k])];
    for (auto i = p.ptr[k]; i < p.ptr[k + 1]; ++i) {
      slack -= s.order_price[static_cast<std::size_t>(p.order[static_cast<std::size_t>(i)])];
    }
    ASSERT_GE(slack, 0) << "column " << k;
  }
  EXPECT_EQ(total, s.total);
  EXPECT_EQ(bound, s.price_bound);
  EXPECT_LE(s.price_bound, s.lower_bound);
  EXPECT_LE(s.lower_bound, s.total);
}

PackingSolution solve(const Columns& columns, std::int64_t budget) {
  return solve_packing(columns.problem(), {.max_iterations = budget, .order_price = {}, .courier_price = {}});
}

TEST(SetPacking, EqualsEnumeration) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    const auto columns =
        random_columns(seed, 1 + static_cast<std::int32_t>(seed % 8), 1 + static_cast<std::int32_t>(seed % 5),
                       static_cast<int>(seed % 23), seed % 3 == 0 ? 1 : 4);
    const auto solution = solve(columns, 10'000);
    check(columns.problem(), solution);
    ASSERT_EQ(solution.status, PackingStatus::kOptimal) << seed;
    ASSERT_EQ(solution.total, enumerate(columns.problem(), 0, 0)) << seed;
  }
}

// Cut short anywhere, from no work at all, what is returned holds, and the work stays near what was granted.
TEST(SetPacking, HoldsAtEveryBudget) {
  const auto columns = random_columns(3, 120, 60, 900, 5);
  for (std::int64_t budget : {0, 1, 3, 10, 30, 100, 300, 1000, 3000}) {
    const auto solution = solve(columns, budget);
    check(columns.problem(), solution);
    EXPECT_LE(solution.iterations, budget + 60);
  }
}

// A flag raised before or while it works ends it without an answer; one that is never raised changes nothing.
TEST(SetPacking, StopsWhenCancelled) {
  const auto columns = random_columns(5, 400, 200, 6000, 5);
  std::int32_t flag = 1;
  const auto run = [&] {
    return solve_packing(
        columns.problem(),
        {.max_iterations = std::int64_t{1} << 40, .order_price = {}, .courier_price = {}, .cancelled = &flag});
  };
  EXPECT_EQ(run().status, PackingStatus::kCancelled);
  EXPECT_TRUE(run().chosen.empty());

  std::atomic_ref(flag).store(0);
  auto running = std::async(std::launch::async, run);
  ASSERT_EQ(running.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout) << "too easy to be cancelled";
  std::atomic_ref(flag).store(1);
  EXPECT_EQ(running.get().status, PackingStatus::kCancelled);

  flag = 0;
  const auto never = solve_packing(
      columns.problem(), {.max_iterations = 3000, .order_price = {}, .courier_price = {}, .cancelled = &flag});
  const auto plain = solve(columns, 3000);
  EXPECT_EQ(never.chosen, plain.chosen);
  EXPECT_EQ(never.iterations, plain.iterations);
}

TEST(SetPacking, SameAnswerTwice) {
  const auto columns = random_columns(4, 120, 60, 900, 5);
  const auto first = solve(columns, 2000);
  const auto second = solve(columns, 2000);
  EXPECT_EQ(first.chosen, second.chosen);
  EXPECT_EQ(first.order_price, second.order_price);
  EXPECT_EQ(first.iterations, second.iterations);
}

TEST(SetPacking, NothingToDo) {
  EXPECT_EQ(solve(Columns{}, 10).status, PackingStatus::kOptimal);
  Columns waiting;
  waiting.n_orders = 2;
  waiting.wait = {3, 4};
  const auto solution = solve(waiting, 10);
  EXPECT_EQ(solution.status, PackingStatus::kOptimal);
  EXPECT_EQ(solution.total, 7);
}

TEST(SetPacking, OverflowAndFaultsAreStatus) {
  Columns columns;
  columns.n_orders = columns.n_couriers = 1;
  columns.wait = {1};
  columns.add(0, {0}, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(solve(columns, 10).status, PackingStatus::kOverflow);
  columns.cost = {0};
  columns.order = {1};
  EXPECT_EQ(solve(columns, 10).status, PackingStatus::kInvalid);
}

}  // namespace
}  // namespace matcher
