// Columns with several places: against brute force, against their own duals, and batches against single solves.
#include "matcher/capacitated_assignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "matcher/assignment_batch.h"

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
  Costs prices;  // empty: as many pairs as there are rows or places
  std::vector<std::int32_t> places;
  std::vector<std::int64_t> ptr{0};
  std::vector<std::int32_t> col;
  Costs cost;

  SparseCosts<std::int64_t> sparse() const { return {ptr, col, cost, cols}; }
  std::int64_t at(std::int64_t i, std::int64_t j) const { return matrix[static_cast<std::size_t>(i * cols + j)]; }
  std::int64_t all_places() const { return std::accumulate(places.begin(), places.end(), std::int64_t{0}); }
  Answer solve(const Budget& budget = {}, const WarmStart<std::int64_t>& start = {}) const {
    return solve_capacitated<std::int64_t>(sparse(), places, prices, budget, start);
  }
};

Problem random_problem(std::mt19937_64& random, std::int64_t most, bool priced) {
  Problem p;
  p.rows = static_cast<std::int32_t>(below(random, most));
  p.cols = static_cast<std::int32_t>(below(random, most));
  const std::int64_t spread = below(random, 3) == 0 ? 3 : 1000000;
  const std::int64_t density = 1 + below(random, 4);
  for (std::int32_t j = 0; j < p.cols; ++j) p.places.push_back(static_cast<std::int32_t>(below(random, 4)));
  for (std::int32_t i = 0; i < p.rows; ++i) {
    for (std::int32_t j = 0; j < p.cols; ++j) {
      const bool allowed = below(random, 4) < density;
      p.matrix.push_back(allowed ? below(random, spread) - spread / 3 : kForbidden);
      if (!allowed) continue;
      p.col.push_back(j);
      p.cost.push_back(p.matrix.back());
    }
    p.ptr.push_back(static_cast<std::int64_t>(p.col.size()));
    if (priced) p.prices.push_back(below(random, 2) == 0 ? kForbidden : below(random, spread) - spread / 3);
  }
  return p;
}

// Least total with `pairs_left` pairs still to be made (or prices to be paid); kForbidden: impossible.
std::int64_t brute_force(const Problem& p, std::int32_t row, std::vector<std::int32_t>& left, std::int64_t pairs_left) {
  if (row == p.rows) return pairs_left == 0 || !p.prices.empty() ? 0 : kForbidden;
  std::int64_t best = kForbidden;
  const auto consider = [&](std::int64_t cost, std::int64_t then) {
    if (cost == kForbidden) return;
    const std::int64_t rest = brute_force(p, row + 1, left, then);
    if (rest != kForbidden) best = std::min(best, cost + rest);
  };
  if (!p.prices.empty()) {
    consider(p.prices[static_cast<std::size_t>(row)], pairs_left);
  } else if (p.rows - row > pairs_left) {
    consider(0, pairs_left);
  }
  for (std::int32_t j = 0; j < p.cols; ++j) {
    if (left[static_cast<std::size_t>(j)] == 0) continue;
    --left[static_cast<std::size_t>(j)];
    consider(p.at(row, j), pairs_left - 1);
    ++left[static_cast<std::size_t>(j)];
  }
  return best;
}

std::int64_t brute_force(const Problem& p) {
  std::vector<std::int32_t> left = p.places;
  return brute_force(p, 0, left, p.prices.empty() ? std::min<std::int64_t>(p.rows, p.all_places()) : p.rows);
}

std::int64_t bound(const Problem& p, const Answer& answer) {
  std::int64_t sum = std::accumulate(answer.row_duals.begin(), answer.row_duals.end(), std::int64_t{0});
  for (std::size_t j = 0; j < p.places.size(); ++j) sum += p.places[j] * answer.col_duals[j];
  return sum;
}

void expect_feasible_duals(const Problem& p, const Answer& answer) {
  const bool fill_all = p.prices.empty() && p.rows > p.all_places();
  for (std::int32_t i = 0; i < p.rows; ++i) {
    const auto u = answer.row_duals[static_cast<std::size_t>(i)];
    if (!p.prices.empty()) {
      EXPECT_LE(u, p.prices[static_cast<std::size_t>(i)]);
    }
    if (fill_all) {
      EXPECT_LE(u, 0);
    }
    for (std::int32_t j = 0; j < p.cols; ++j) {
      if (p.at(i, j) != kForbidden) {
        EXPECT_LE(u + answer.col_duals[static_cast<std::size_t>(j)], p.at(i, j));
      }
    }
  }
  for (std::size_t j = 0; j < p.places.size() && !fill_all; ++j) EXPECT_LE(answer.col_duals[j], 0);
}

// Nobody is served twice or where there is no place, and the total is what the pairs say.
void expect_matching(const Problem& p, const Answer& answer) {
  std::vector<std::int32_t> left = p.places;
  std::int64_t total = 0;
  for (std::int32_t i = 0; i < p.rows; ++i) {
    const std::int32_t j = answer.col_for_row[static_cast<std::size_t>(i)];
    if (j >= 0) {
      ASSERT_NE(p.at(i, j), kForbidden);
      ASSERT_GE(--left[static_cast<std::size_t>(j)], 0);
      total += p.at(i, j);
    } else if (!p.prices.empty()) {
      total += p.prices[static_cast<std::size_t>(i)];
    }
  }
  EXPECT_EQ(total, answer.total);
}

// A Hall-type witness: rows that reach fewer places than they are, or columns with more places than rows they reach.
void expect_witness(const Problem& p, const Answer& answer) {
  ASSERT_FALSE(answer.witness.empty());
  const bool by_column = p.prices.empty() && p.rows > p.all_places();
  std::vector<bool> reached(static_cast<std::size_t>(by_column ? p.rows : p.cols), false);
  std::int64_t wanted = 0, found = 0;
  for (const std::int32_t w : answer.witness) {
    wanted += by_column ? p.places[static_cast<std::size_t>(w)] : 1;
    if (!by_column && !p.prices.empty()) {
      EXPECT_EQ(p.prices[static_cast<std::size_t>(w)], kForbidden);
    }
    for (std::size_t k = 0; k < reached.size(); ++k) {
      const auto other = static_cast<std::int64_t>(k);
      if ((by_column ? p.at(other, w) : p.at(w, other)) != kForbidden) reached[k] = true;
    }
  }
  for (std::size_t k = 0; k < reached.size(); ++k) {
    if (reached[k]) found += by_column ? 1 : p.places[k];
  }
  EXPECT_LT(found, wanted);
}

// Prices, none with places enough, none with too few places: the brute-force optimum, proven, or a witness.
TEST(CapacitatedAssignment, AgreesWithBruteForce) {
  std::mt19937_64 random(21);
  int infeasible = 0, filled = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    const Problem p = random_problem(random, 6, trial % 2 == 0);
    const std::int64_t best = brute_force(p);
    const Answer answer = p.solve();
    if (best == kForbidden) {
      ASSERT_EQ(answer.status, SolveStatus::kInfeasible) << trial;
      expect_witness(p, answer);
      ++infeasible;
      continue;
    }
    ASSERT_EQ(answer.status, SolveStatus::kOptimal) << trial;
    ASSERT_EQ(answer.total, best) << trial;
    expect_matching(p, answer);
    expect_feasible_duals(p, answer);
    EXPECT_EQ(bound(p, answer), answer.total) << trial;
    filled += p.prices.empty() && p.rows > p.all_places() ? 1 : 0;
  }
  EXPECT_GT(infeasible, 200);
  EXPECT_GT(filled, 200);
}

// Larger than brute force can go, dense and sparse: the certificates must still hold, and the two forms agree.
TEST(CapacitatedAssignment, MiddleSizedProblemsAreProven) {
  std::mt19937_64 random(22);
  for (int trial = 0; trial < 80; ++trial) {
    Problem p = random_problem(random, 80, trial % 3 == 0);
    const Answer answer = p.solve();
    std::vector<double> matrix(p.matrix.begin(), p.matrix.end()), prices(p.prices.begin(), p.prices.end());
    for (auto* values : {&matrix, &prices}) {
      for (double& x : *values) x = x > 1e17 ? std::numeric_limits<double>::infinity() : x;
    }
    const auto dense =
        solve_capacitated<double>(MatrixView<double>{matrix.data(), p.rows, p.cols, p.cols, 1}, p.places, prices);
    ASSERT_EQ(dense.status, answer.status);
    if (answer.status != SolveStatus::kOptimal) continue;
    EXPECT_EQ(dense.total, static_cast<double>(answer.total));
    EXPECT_EQ(dense.col_for_row, answer.col_for_row) << "both walk the pairs in one order";
    expect_matching(p, answer);
    expect_feasible_duals(p, answer);
    EXPECT_EQ(bound(p, answer), answer.total) << trial;
  }
}

// A solve that stops for lack of work must still bound the optimum from both sides.
TEST(CapacitatedAssignment, AnyBudgetBoundsTheOptimum) {
  std::mt19937_64 random(23);
  for (int trial = 0; trial < 300; ++trial) {
    Problem p = random_problem(random, 7, trial % 2 == 0);
    for (auto& price : p.prices) price = price == kForbidden ? 50 : price;
    const std::int64_t best = brute_force(p);
    if (best == kForbidden) continue;
    for (std::int64_t limit = 0; limit < 12; ++limit) {
      Budget budget;
      budget.max_iterations = limit;
      const Answer answer = p.solve(budget);
      EXPECT_LE(answer.iterations, limit);
      EXPECT_LE(bound(p, answer), best) << trial << ' ' << limit;
      expect_feasible_duals(p, answer);
      if (!p.prices.empty()) {
        EXPECT_GE(answer.total, best) << trial << ' ' << limit;
        expect_matching(p, answer);
      }
    }
  }
}

// Whatever a warm start says, the answer is exact; saying the truth makes it cheap.
TEST(CapacitatedAssignment, AnyWarmStartIsExact) {
  std::mt19937_64 random(24);
  for (int trial = 0; trial < 400; ++trial) {
    const Problem p = random_problem(random, trial % 4 == 0 ? 60 : 7, trial % 2 == 0);
    const Answer cold = p.solve();
    if (cold.status != SolveStatus::kOptimal) continue;
    Costs duals(static_cast<std::size_t>(p.cols));
    std::vector<std::int32_t> matching(static_cast<std::size_t>(p.rows));
    for (auto& v : duals) v = 500000 - below(random, 2000000);
    for (auto& j : matching) j = static_cast<std::int32_t>(below(random, p.cols + 2)) - 1;
    const Answer misled = p.solve({}, {duals, matching});
    ASSERT_EQ(misled.status, SolveStatus::kOptimal) << trial;
    EXPECT_EQ(misled.total, cold.total) << trial;
    expect_feasible_duals(p, misled);
    EXPECT_EQ(bound(p, misled), misled.total);
    const Answer again = p.solve({}, {cold.col_duals, cold.col_for_row});
    EXPECT_EQ(again.total, cold.total);
    EXPECT_LE(again.iterations, 2 * std::int64_t{p.rows}) << "at most a look at each row left out, and beside it";
  }
}

// With one place a column the problem is the plain one.
TEST(CapacitatedAssignment, OnePlaceEachIsThePlainProblem) {
  std::mt19937_64 random(25);
  const std::int64_t n = 60, m = 75;
  std::vector<std::int32_t> matrix(static_cast<std::size_t>(n * m));
  for (auto& cost : matrix) cost = static_cast<std::int32_t>(below(random, 1000));
  const MatrixView<std::int32_t> view{matrix.data(), n, m, m, 1};
  for (const auto& turned : {view, view.transposed()}) {
    const std::vector<std::int32_t> ones(static_cast<std::size_t>(turned.cols), 1);
    EXPECT_EQ(solve_capacitated<std::int32_t>(turned, ones, {}).total, solve_dense<std::int32_t>(turned, {}).total);
  }
}

// What cannot be summed is refused, and a cost that is no number is named.
TEST(CapacitatedAssignment, RefusesWhatItCannotSum) {
  const std::vector<std::int32_t> places{2, 2};
  const Costs huge{kForbidden - 1, 1, 1, kForbidden - 1};
  EXPECT_EQ(solve_capacitated<std::int64_t>(MatrixView<std::int64_t>{huge.data(), 2, 2, 2, 1}, places, {}).status,
            SolveStatus::kOverflow);
  const std::vector<float> odd{1, 2, 3, -std::numeric_limits<float>::infinity()};
  const auto refused = solve_capacitated<float>(MatrixView<float>{odd.data(), 2, 2, 2, 1}, places, {});
  EXPECT_EQ(refused.status, SolveStatus::kInvalid);
  EXPECT_EQ(refused.bad_cell, 3);
}

// A long column of large costs: each fits, a path fits, the total would not.
TEST(Assignment, TotalsOverManyRowsAreRefusedBeforeTheyWrap) {
  const std::int64_t n = 1000;
  const Costs column(static_cast<std::size_t>(n), std::int64_t{1} << 54);
  const MatrixView<std::int64_t> view{column.data(), n, 1, 1, 1};
  EXPECT_EQ(solve_dense<std::int64_t>(view, column).status, SolveStatus::kOverflow);
  const Costs lower(static_cast<std::size_t>(n), std::int64_t{1} << 50);
  EXPECT_EQ(solve_dense<std::int64_t>({lower.data(), n, 1, 1, 1}, lower).total, n << 50);
}

// Every problem of a batch gets the bytes that it gets alone, whatever stands beside it.
TEST(AssignmentBatch, IsManySingleSolves) {
  std::mt19937_64 random(26);
  std::vector<std::vector<double>> matrices(200);
  std::vector<MatrixView<double>> views;
  for (std::size_t k = 0; k < matrices.size(); ++k) {
    const std::int64_t n = below(random, 8), m = below(random, 8);
    auto& matrix = matrices[k];
    matrix.resize(static_cast<std::size_t>(n * m));
    for (double& cost : matrix) cost = static_cast<double>(below(random, 50));
    if (k % 5 == 0 && !matrix.empty()) matrix[0] = std::numeric_limits<double>::infinity();
    if (k % 11 == 0 && !matrix.empty()) matrix.back() = std::numeric_limits<double>::quiet_NaN();
    views.push_back({matrix.data(), n, m, m, 1});
  }
  const auto batch = solve_batch<double>(views, {});
  ASSERT_EQ(batch.status.size(), views.size());
  for (std::size_t k = 0; k < views.size(); ++k) {
    const auto single = solve_dense<double>(views[k], {});
    EXPECT_EQ(batch.status[k], static_cast<std::int32_t>(single.status));
    EXPECT_EQ(batch.bad_cell[k], single.bad_cell);
    ASSERT_EQ(batch.row_ptr[k + 1] - batch.row_ptr[k], views[k].rows);
    ASSERT_EQ(batch.col_ptr[k + 1] - batch.col_ptr[k], views[k].cols);
    if (single.status == SolveStatus::kInvalid) continue;
    EXPECT_EQ(batch.total[k], single.total);
    EXPECT_TRUE(
        std::equal(single.col_for_row.begin(), single.col_for_row.end(), batch.col_for_row.begin() + batch.row_ptr[k]));
    EXPECT_TRUE(
        std::equal(single.row_duals.begin(), single.row_duals.end(), batch.row_duals.begin() + batch.row_ptr[k]));
    EXPECT_TRUE(
        std::equal(single.col_duals.begin(), single.col_duals.end(), batch.col_duals.begin() + batch.col_ptr[k]));
    EXPECT_TRUE(std::equal(single.witness.begin(), single.witness.end(), batch.witness.begin() + batch.witness_ptr[k],
                           batch.witness.begin() + batch.witness_ptr[k + 1]));
  }
}

// Problems not begun when the flag goes up are answered all the same: without work, with a bound.
TEST(AssignmentBatch, CancelledProblemsGetNoIterations) {
  const std::vector<std::int32_t> matrix{4, 1, 3, 2, 0, 5};
  const std::vector<MatrixView<std::int32_t>> views(3, {matrix.data(), 2, 3, 3, 1});
  const std::int32_t raised = 1;
  Budget budget;
  budget.cancelled = &raised;
  const auto batch = solve_batch<std::int32_t>(views, {}, budget);
  for (std::size_t k = 0; k < views.size(); ++k) {
    EXPECT_EQ(batch.status[k], static_cast<std::int32_t>(SolveStatus::kStopped));
    EXPECT_EQ(batch.iterations[k], 0);
    EXPECT_GE(batch.total[k], 3);
  }
}

}  // namespace
}  // namespace matcher
