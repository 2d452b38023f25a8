// All native methods on the same problems, without Python: against brute force, and against their own duals.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "matcher/auction.h"
#include "matcher/dense_assignment.h"
#include "matcher/sparse_assignment.h"

namespace matcher {
namespace {

using Costs = std::vector<std::int64_t>;
using Answer = Assignment<std::int64_t>;
constexpr std::int64_t kForbidden = must_match<std::int64_t>();

std::int64_t below(std::mt19937_64& random, std::int64_t n) {
  return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
}

struct Problem {
  std::int32_t rows = 0, cols = 0;
  Costs matrix;  // kForbidden where no pair is allowed
  Costs prices;
  std::vector<std::int64_t> ptr{0};
  std::vector<std::int32_t> col;
  Costs cost;

  SparseCosts<std::int64_t> sparse() const { return {ptr, col, cost, cols}; }
  std::int64_t at(std::int32_t i, std::int32_t j) const { return matrix[static_cast<std::size_t>(i * cols + j)]; }
};

Problem random_problem(std::mt19937_64& random, std::int64_t most) {
  Problem p;
  p.rows = static_cast<std::int32_t>(below(random, most));
  p.cols = static_cast<std::int32_t>(below(random, most));
  const std::int64_t spread = below(random, 3) == 0 ? 3 : 1000000;
  const std::int64_t density = 1 + below(random, 4);
  for (std::int32_t i = 0; i < p.rows; ++i) {
    for (std::int32_t j = 0; j < p.cols; ++j) {
      const bool allowed = below(random, 4) < density;
      p.matrix.push_back(allowed ? below(random, spread) - spread / 3 : kForbidden);
      if (!allowed) continue;
      p.col.push_back(j);
      p.cost.push_back(p.matrix.back());
    }
    p.ptr.push_back(static_cast<std::int64_t>(p.col.size()));
    p.prices.push_back(below(random, 2) == 0 ? kForbidden : below(random, spread) - spread / 3);
  }
  return p;
}

// The same problem as doubles with +infinity, solved densely and told in whole numbers again.
Answer dense(const Problem& p, DenseMethod method, const Budget& budget = {}) {
  const auto widen = [](const Costs& values) {
    std::vector<double> wide(values.begin(), values.end());
    for (std::size_t k = 0; k < wide.size(); ++k) {
      if (values[k] == kForbidden) wide[k] = std::numeric_limits<double>::infinity();
    }
    return wide;
  };
  const std::vector<double> matrix = widen(p.matrix), prices = widen(p.prices);
  const auto found = solve_dense<double>({matrix.data(), p.rows, p.cols, p.cols, 1}, prices, budget, {}, method);
  Answer answer;
  answer.status = found.status;
  answer.col_for_row = found.col_for_row;
  for (const double u : found.row_duals) answer.row_duals.push_back(static_cast<std::int64_t>(u));
  for (const double v : found.col_duals) answer.col_duals.push_back(static_cast<std::int64_t>(v));
  answer.total = static_cast<std::int64_t>(found.total);
  answer.iterations = found.iterations;
  return answer;
}

std::vector<std::pair<std::string, Answer>> all_methods(const Problem& p, const Budget& budget = {}) {
  return {{"sparse", solve_sparse<std::int64_t>(p.sparse(), p.prices, budget)},
          {"auction", solve_auction(p.sparse(), p.prices, budget)},
          {"dense", dense(p, DenseMethod::kAuto, budget)},
          {"plain", dense(p, DenseMethod::kPlain, budget)},
          {"lists", dense(p, DenseMethod::kLists, budget)},
          {"scans", dense(p, DenseMethod::kScans, budget)},
          {"avx2", dense(p, DenseMethod::kAvx2, budget)},
          {"scalar", dense(p, DenseMethod::kScalar, budget)}};
}

// kForbidden when no complete matching exists.
std::int64_t brute_force(const Problem& p, std::int32_t row, std::uint32_t taken) {
  if (row == p.rows) return 0;
  std::int64_t best = kForbidden;
  const auto consider = [&](std::int64_t cost, std::uint32_t then) {
    if (cost == kForbidden) return;
    const std::int64_t rest = brute_force(p, row + 1, then);
    if (rest != kForbidden) best = std::min(best, cost + rest);
  };
  consider(p.prices[static_cast<std::size_t>(row)], taken);
  for (std::int32_t j = 0; j < p.cols; ++j) {
    if ((taken >> j & 1U) == 0) consider(p.at(row, j), taken | 1U << j);
  }
  return best;
}

std::int64_t bound(const Answer& answer) {
  return std::accumulate(answer.row_duals.begin(), answer.row_duals.end(), std::int64_t{0}) +
         std::accumulate(answer.col_duals.begin(), answer.col_duals.end(), std::int64_t{0});
}

// The dual constraints hold and the bound meets the total.
void expect_proof(const Problem& p, const Answer& answer) {
  for (std::int32_t i = 0; i < p.rows; ++i) {
    const auto u = answer.row_duals[static_cast<std::size_t>(i)];
    const auto price = p.prices[static_cast<std::size_t>(i)];
    if (price != kForbidden) {
      EXPECT_LE(u, price);
    }
    for (std::int32_t j = 0; j < p.cols; ++j) {
      if (p.at(i, j) != kForbidden) {
        EXPECT_LE(u + answer.col_duals[static_cast<std::size_t>(j)], p.at(i, j));
      }
    }
  }
  for (const auto v : answer.col_duals) EXPECT_LE(v, 0);
  EXPECT_EQ(bound(answer), answer.total);
}

// Every method proves the brute-force optimum, and none finds one where there is none.
TEST(Assignment, AllMethodsAgreeWithBruteForce) {
  std::mt19937_64 random(11);
  int infeasible = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const Problem p = random_problem(random, 6);
    const std::int64_t best = brute_force(p, 0, 0);
    for (const auto& [name, answer] : all_methods(p)) {
      if (best == kForbidden) {
        ASSERT_EQ(answer.status, SolveStatus::kInfeasible) << name << trial;
        ++infeasible;
        continue;
      }
      ASSERT_EQ(answer.status, SolveStatus::kOptimal) << name << trial;
      ASSERT_EQ(answer.total, best) << name << trial;
      expect_proof(p, answer);
    }
  }
  EXPECT_GT(infeasible, 100);
}

// Larger than brute force can go: lists are renewed and extended, heaps fill, and the certificates must still hold.
TEST(Assignment, MiddleSizedProblemsAreProven) {
  std::mt19937_64 random(14);
  for (int trial = 0; trial < 60; ++trial) {
    const Problem p = random_problem(random, 90);
    const auto answers = all_methods(p);
    for (const auto& [name, answer] : answers) {
      ASSERT_EQ(answer.status, answers.front().second.status) << name << trial;
      if (answer.status != SolveStatus::kOptimal) continue;
      ASSERT_EQ(answer.total, answers.front().second.total) << name << trial;
      expect_proof(p, answer);
    }
  }
}

// A solve that stops for lack of work must still bound the optimum from both sides.
TEST(Assignment, AnyBudgetBoundsTheOptimum) {
  std::mt19937_64 random(12);
  for (int trial = 0; trial < 200; ++trial) {
    Problem p = random_problem(random, 6);
    for (auto& price : p.prices) price = price == kForbidden ? 50 : price;
    const std::int64_t best = brute_force(p, 0, 0);
    for (std::int64_t limit = 0; limit < 12; ++limit) {
      Budget budget;
      budget.max_iterations = limit;
      for (const auto& [name, answer] : all_methods(p, budget)) {
        EXPECT_LE(answer.iterations, limit) << name;
        EXPECT_LE(bound(answer), best) << name << trial << ' ' << limit;
        EXPECT_GE(answer.total, best) << name << trial << ' ' << limit;
      }
    }
  }
}

// Points on a line (many near ties) and products (Machol-Wien): where epsilon-scaled bidding has to help.
TEST(Assignment, HardFamiliesAreProvenOnEveryInstructionSet) {
  for (const std::int64_t n : {60, 150, 600}) {  // the last goes by lists, the others by scans
    for (const bool products : {false, true}) {
      std::mt19937_64 random(15);
      std::vector<float> matrix(static_cast<std::size_t>(n * n));
      std::vector<std::int32_t> whole(matrix.size());
      Costs rows(static_cast<std::size_t>(n)), cols(rows.size());
      for (auto* side : {&rows, &cols}) {
        for (auto& x : *side) x = below(random, 4000);
      }
      for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
          const auto gap = std::abs(rows[static_cast<std::size_t>(i)] - cols[static_cast<std::size_t>(j)]);
          whole[static_cast<std::size_t>(i * n + j)] = static_cast<std::int32_t>(products ? (i + 1) * (j + 1) : gap);
        }
      }
      std::copy(whole.begin(), whole.end(), matrix.begin());
      const MatrixView<std::int32_t> view{whole.data(), n, n, n, 1};
      const auto plain = solve_dense<std::int32_t>(view, {}, {}, {}, DenseMethod::kPlain);
      const auto wide = solve_dense<std::int32_t>(view, {});
      const auto scalar = solve_dense<std::int32_t>(view, {}, {}, {}, DenseMethod::kScalar);
      const auto avx2 = solve_dense<std::int32_t>(view, {}, {}, {}, DenseMethod::kAvx2);
      const auto lists = solve_dense<std::int32_t>(view, {}, {}, {}, DenseMethod::kLists);
      const auto turned = solve_dense<std::int32_t>(view.transposed(), {});
      const auto narrow = solve_dense<float>({matrix.data(), n, n, n, 1}, {});
      for (const auto& answer : {plain, wide, scalar, avx2, lists, turned}) {
        EXPECT_EQ(answer.total, plain.total);
        EXPECT_EQ(bound(answer), plain.total);
      }
      EXPECT_NEAR(narrow.total, static_cast<double>(plain.total), 1e-6 * static_cast<double>(plain.total));
      for (const auto& narrower : {avx2, scalar}) {
        EXPECT_EQ(wide.col_for_row, narrower.col_for_row) << "the answer must not depend on the machine";
        EXPECT_EQ(wide.col_duals, narrower.col_duals);
        EXPECT_EQ(wide.iterations, narrower.iterations);
      }
    }
  }
}

// Whatever a warm start says, the answer is exact; saying the truth makes it cheap.
TEST(Assignment, AnyWarmStartIsExact) {
  std::mt19937_64 random(16);
  for (int trial = 0; trial < 400; ++trial) {
    const Problem p = random_problem(random, trial % 4 == 0 ? 60 : 7);
    const Answer cold = solve_sparse<std::int64_t>(p.sparse(), p.prices);
    if (cold.status != SolveStatus::kOptimal) continue;
    Costs duals(static_cast<std::size_t>(p.cols));
    std::vector<std::int32_t> matching(static_cast<std::size_t>(p.rows));
    for (auto& v : duals) v = 5 - below(random, 2000000);
    for (auto& j : matching) j = static_cast<std::int32_t>(below(random, p.cols + 2)) - 1;
    const Answer misled = solve_sparse<std::int64_t>(p.sparse(), p.prices, {}, {duals, matching});
    EXPECT_EQ(misled.total, cold.total) << trial;
    expect_proof(p, misled);
    const Answer again = solve_sparse<std::int64_t>(p.sparse(), p.prices, {}, {cold.col_duals, cold.col_for_row});
    EXPECT_EQ(again.total, cold.total);
    EXPECT_LE(again.iterations, p.rows) << "at most one look at each row left out";
    std::vector<double> matrix(p.matrix.begin(), p.matrix.end()), prices(p.prices.begin(), p.prices.end());
    std::vector<double> wide(duals.begin(), duals.end());
    for (auto* values : {&matrix, &prices}) {
      for (double& x : *values) x = x > 1e17 ? std::numeric_limits<double>::infinity() : x;
    }
    const auto dense_again =
        solve_dense<double>({matrix.data(), p.rows, p.cols, p.cols, 1}, prices, {}, {wide, matching});
    EXPECT_EQ(dense_again.total, static_cast<double>(cold.total)) << trial;
  }
}

// Costs whose sums cannot be represented are refused, not wrapped around; NaN is named.
TEST(Assignment, RefusesWhatItCannotSum) {
  const Costs huge{kForbidden - 1, 1, 1, kForbidden - 1};
  EXPECT_EQ(solve_dense<std::int64_t>({huge.data(), 2, 2, 2, 1}, {}).status, SolveStatus::kOverflow);
  const std::vector<std::int64_t> ptr{0, 2, 4};
  const std::vector<std::int32_t> col{0, 1, 0, 1};
  EXPECT_EQ(solve_sparse<std::int64_t>({ptr, col, huge, 2}, {}).status, SolveStatus::kOverflow);
  EXPECT_EQ(solve_auction({ptr, col, huge, 2}, {}).status, SolveStatus::kOverflow);
  const std::vector<float> odd{1, 2, 3, std::numeric_limits<float>::quiet_NaN()};
  const auto refused = solve_dense<float>({odd.data(), 2, 2, 2, 1}, {});
  EXPECT_EQ(refused.status, SolveStatus::kInvalid);
  EXPECT_EQ(refused.bad_cell, 3);
  const Costs beyond_doubles{(std::int64_t{1} << 53) + 1, std::int64_t{1} << 53, std::int64_t{1} << 53, 1};
  EXPECT_EQ(solve_dense<std::int64_t>({beyond_doubles.data(), 2, 2, 2, 1}, {}).total, (std::int64_t{1} << 53) + 2);
}

// A raised cancel flag stops a solve that would otherwise run on.
TEST(Assignment, CancelFlagStops) {
  const std::int64_t n = 400;
  std::mt19937_64 random(13);
  Costs matrix(static_cast<std::size_t>(n * n));
  for (auto& cost : matrix) cost = below(random, 1000);
  const std::int32_t raised = 1;
  Budget budget;
  budget.cancelled = &raised;
  EXPECT_EQ(solve_dense<std::int64_t>({matrix.data(), n, n, n, 1}, {}, budget).status, SolveStatus::kStopped);
}

}  // namespace
}  // namespace matcher
