// The vector passes against their scalar twins: one result, bit by bit, on every instruction set this machine has.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "assign/path_scan.h"
#include "assign/row_order.h"
#include "assign/row_scan.h"
#include "assign/scan_solver.h"
#include "matcher/dense_assignment.h"

namespace matcher::assign {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

std::vector<Isa> vector_sets() {
  std::vector<Isa> sets;
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
    if (isa <= best_isa()) sets.push_back(isa);
  }
  return sets;
}

// Rows of every length to 70 (whole blocks, tails, and less than a block), with ties, forbidden pairs and columns that
// are out of the search.
template <class T>
class Scans : public testing::Test {
 protected:
  void draw(std::int32_t count) {
    const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(random() % n); };
    const std::uint64_t spread = below(2) == 0 ? 4 : 100000;
    drawn_cost.clear();
    drawn_v.clear();
    drawn_distance.clear();
    for (std::int32_t j = 0; j < count; ++j) {
      drawn_cost.push_back(static_cast<T>(below(spread)));
      if (std::numeric_limits<T>::has_infinity && below(5) == 0) drawn_cost.back() = std::numeric_limits<T>::infinity();
      drawn_v.push_back(below(6) == 0 ? -kInf : -static_cast<double>(below(spread)) / 4);
      drawn_distance.push_back(below(3) == 0 ? kInf : static_cast<double>(below(spread)));
    }
    drawn_from.assign(drawn_cost.size(), -7);
  }
  std::mt19937_64 random{31};
  std::vector<T> drawn_cost;
  std::vector<double> drawn_v, drawn_distance;
  std::vector<std::int64_t> drawn_from;
};
using Types = testing::Types<float, double, std::int32_t, std::int64_t>;
TYPED_TEST_SUITE(Scans, Types);

// A bid or a step of a search that depended on the machine would make replay depend on it.
TYPED_TEST(Scans, PathScansDoNotDependOnTheInstructionSet) {
  ASSERT_FALSE(vector_sets().empty() && best_isa() != Isa::kScalar);
  for (int trial = 0; trial < 1400; ++trial) {
    const std::int32_t count = trial % 70;
    this->draw(count);
    const auto& cost = this->drawn_cost;
    const double limit = trial % 2 == 0 ? 1e6 : 90'000;  // the second lies within what is drawn
    const TwoLeast least = two_least(Isa::kScalar, cost.data(), this->drawn_v.data(), count, limit);
    const bool ordinary =
        std::all_of(cost.begin(), cost.end(), [limit](auto c) { return std::abs(static_cast<double>(c)) <= limit; });
    EXPECT_EQ(least.ordinary, ordinary) << count;
    auto distance = this->drawn_distance;
    auto from = this->drawn_from;
    const Nearest nearest =
        relax_row(Isa::kScalar, cost.data(), this->drawn_v.data(), count, 3.0, 5.0, 9, distance.data(), from.data());
    auto lowered = this->drawn_distance;
    const double most = lower_to(Isa::kScalar, cost.data(), 2.5, count, lowered.data());
    auto reduced = this->drawn_distance;
    EXPECT_EQ(lower_to_row(Isa::kScalar, cost.data(), count, limit, reduced.data()), ordinary) << count;
    for (const Isa isa : vector_sets()) {
      const TwoLeast same = two_least(isa, cost.data(), this->drawn_v.data(), count, limit);
      EXPECT_EQ(same.ordinary, ordinary) << count;
      EXPECT_EQ(same.first, least.first) << count;
      EXPECT_EQ(same.second, least.second) << count;
      EXPECT_EQ(same.at, least.at) << count;
      auto distance_there = this->drawn_distance;
      auto from_there = this->drawn_from;
      const Nearest there = relax_row(isa, cost.data(), this->drawn_v.data(), count, 3.0, 5.0, 9, distance_there.data(),
                                      from_there.data());
      EXPECT_EQ(there.distance, nearest.distance) << count;
      EXPECT_EQ(there.at, nearest.at) << count;
      EXPECT_EQ(distance_there, distance);
      EXPECT_EQ(from_there, from);
      auto lowered_there = this->drawn_distance;
      EXPECT_EQ(lower_to(isa, cost.data(), 2.5, count, lowered_there.data()), most);
      EXPECT_EQ(lowered_there, lowered);
      auto reduced_there = this->drawn_distance;
      EXPECT_EQ(lower_to_row(isa, cost.data(), count, limit, reduced_there.data()), ordinary) << count;
      EXPECT_EQ(reduced_there, reduced);
    }
  }
}

// The same for the passes that lists are made by.
TYPED_TEST(Scans, ListScansDoNotDependOnTheInstructionSet) {
  for (int trial = 0; trial < 1400; ++trial) {
    const std::int32_t count = trial % 70;
    this->draw(count);
    for (double& dual : this->drawn_v) dual = dual == -kInf ? 0 : dual;
    const double* v = trial % 3 == 0 ? nullptr : this->drawn_v.data();
    const LaneBound reference = lane_bound(Isa::kScalar, this->drawn_cost.data(), v, count, 1e6);
    const auto collect = [&](Isa isa) {
      const auto room = 1 + count / 2;
      std::vector<std::int32_t> columns(static_cast<std::size_t>(room) + 16);
      const auto found = collect_at_most(isa, this->drawn_cost.data(), v, count, reference.bound, room, columns.data());
      columns.resize(static_cast<std::size_t>(found));
      return columns;
    };
    for (const Isa isa : vector_sets()) {
      const auto bound = lane_bound(isa, this->drawn_cost.data(), v, count, 1e6);
      EXPECT_EQ(bound.bound, reference.bound) << count;
      EXPECT_EQ(bound.ordinary, reference.ordinary) << count;
      EXPECT_EQ(collect(isa), collect(Isa::kScalar)) << count;
    }
  }
}

// Lists are put in order by counting; equals must keep theirs, or ties would go by the machine.
TYPED_TEST(Scans, ARowOrderCopyHoldsTheSameMatrix) {
  std::mt19937_64 draws(29);
  for (const std::int64_t rows : {0, 1, 3, 4, 7, 8, 12, 17, 33}) {
    for (const std::int64_t cols : {0, 1, 3, 4, 9, 64, 255, 261, 520}) {
      for (const std::int64_t apart : {1, 2}) {  // rows side by side, or every second place
        std::vector<TypeParam> cells(static_cast<std::size_t>(rows * cols * apart));
        for (auto& cell : cells) cell = static_cast<TypeParam>(draws() % 1'000'000);
        const MatrixView<TypeParam> view{cells.data(), rows, cols, apart, rows * apart};
        for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
          if (isa > best_isa()) continue;
          const auto copy = in_row_order(view, isa);
          for (std::int64_t i = 0; i < rows; ++i) {
            for (std::int64_t j = 0; j < cols; ++j) ASSERT_EQ(copy[static_cast<std::size_t>(i * cols + j)], view(i, j));
          }
        }
      }
    }
  }
}

TYPED_TEST(Scans, RanksAreThePlacesOfAStableSort) {
  for (int trial = 0; trial < 700; ++trial) {
    const std::int32_t count = trial % 70;
    this->draw(count);
    const std::vector<double> keys(this->drawn_cost.begin(), this->drawn_cost.end());
    std::vector<std::size_t> order(keys.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return keys[a] < keys[b]; });
    for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
      if (isa > best_isa()) continue;
      std::vector<std::int32_t> places(keys.size());
      ranks(isa, keys.data(), count, places.data());
      for (std::size_t k = 0; k < order.size(); ++k) EXPECT_EQ(places[order[k]], static_cast<std::int32_t>(k));
    }
  }
}

// What the passes say, said again in the plainest way.
TYPED_TEST(Scans, TwoLeastAreTheTwoLeast) {
  for (int trial = 0; trial < 300; ++trial) {
    const std::int32_t count = trial % 40;
    this->draw(count);
    std::vector<std::pair<double, std::int32_t>> values;
    for (std::int32_t j = 0; j < count; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const double value = static_cast<double>(this->drawn_cost[at]) - this->drawn_v[at];
      if (value < kInf) values.emplace_back(value, j);
    }
    std::sort(values.begin(), values.end());
    const TwoLeast least = two_least(best_isa(), this->drawn_cost.data(), this->drawn_v.data(), count);
    EXPECT_EQ(least.at, values.empty() ? -1 : values[0].second);
    EXPECT_EQ(least.first, values.empty() ? kInf : values[0].first);
    EXPECT_EQ(least.second, values.size() < 2 ? kInf : values[1].first);
  }
}

// The tie rule: the lowest column of those that cost a row the same, on every path.
// Lists must not change an answer: problems near and far differ in speed alone. Points make long searches, which go
// beyond their lists; whole numbers make ties.
TYPED_TEST(Scans, AResumedSolveByListsFindsTheOptimum) {
  std::mt19937_64 draws(37);
  const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(draws() % n); };
  for (int trial = 0; trial < 60; ++trial) {
    const std::int64_t n = 20 + below(90);
    const std::uint64_t spread = trial % 3 == 0 ? 20 : 1000;
    std::vector<std::int64_t> ends(static_cast<std::size_t>(4 * n));
    const auto place = [&](std::int64_t& at) { at = below(spread); };
    std::for_each(ends.begin(), ends.end(), place);
    std::vector<TypeParam> cells(static_cast<std::size_t>(n * n));
    const auto fill = [&] {
      for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
          const auto* from = &ends[static_cast<std::size_t>(2 * i)];
          const auto* to = &ends[static_cast<std::size_t>(2 * (n + j))];
          cells[static_cast<std::size_t>(i * n + j)] =
              static_cast<TypeParam>(std::abs(from[0] - to[0]) + std::abs(from[1] - to[1]));
        }
      }
    };
    const MatrixView<TypeParam> view{cells.data(), n, n, n, 1};
    fill();
    const auto before = solve_dense<TypeParam>(view, {});
    std::vector<double> duals(before.col_duals.begin(), before.col_duals.end());
    auto matching = before.col_for_row;
    for (std::int64_t moved = 0; moved < 1 + n / 10; ++moved) {
      const std::int64_t i = below(static_cast<std::uint64_t>(n));
      std::for_each_n(ends.begin() + 2 * i, 2, place);
      matching[static_cast<std::size_t>(i)] = kUnassigned;
    }
    fill();
    const auto optimum = solve_dense<TypeParam>(view, {}, {}, {}, DenseMethod::kPlain).total;
    std::vector<std::int32_t> first;
    for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
      if (isa > best_isa()) continue;
      using Solver = ScanSolver<TypeParam>;
      Solver solver(view, {}, true, 0x1p40, std::numeric_limits<std::int64_t>::max(), {}, isa);
      Assignment<double> answer;
      ASSERT_EQ(solver.resume(duals, matching, true, answer), Solver::Outcome::kAnswered);
      ASSERT_EQ(answer.status, SolveStatus::kOptimal);
      EXPECT_EQ(answer.total, static_cast<double>(optimum));
      double bound = 0;
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
        bound += answer.row_duals[i] + answer.col_duals[i];
        for (std::size_t j = 0; j < static_cast<std::size_t>(n); ++j) {
          ASSERT_LE(answer.row_duals[i] + answer.col_duals[j],
                    static_cast<double>(cells[i * static_cast<std::size_t>(n) + j]));
        }
      }
      EXPECT_EQ(bound, answer.total);
      if (first.empty()) first = answer.col_for_row;
      EXPECT_EQ(answer.col_for_row, first);
    }
  }
}

TEST(Distances, TheNearestIsTheLowestOfTheLeast) {
  std::mt19937_64 draws(41);
  for (std::int32_t count = 0; count < 70; ++count) {
    for (int trial = 0; trial < 20; ++trial) {
      std::vector<double> distance(static_cast<std::size_t>(count));
      for (double& d : distance) d = draws() % 3 == 0 ? kInf : static_cast<double>(draws() % 9) - 4;
      const Nearest wanted = nearest_of(Isa::kScalar, distance.data(), count);
      const auto least = std::min_element(distance.begin(), distance.end());
      ASSERT_EQ(wanted.at, least == distance.end() || *least == kInf ? -1 : least - distance.begin());
      for (const Isa isa : vector_sets()) {
        const Nearest found = nearest_of(isa, distance.data(), count);
        ASSERT_EQ(found.at, wanted.at);
        ASSERT_EQ(found.distance, wanted.distance);
      }
    }
  }
}

TEST(Ties, AllEqualCostsGiveTheDiagonal) {
  for (const std::int64_t n : {1, 5, 64, 450}) {
    const std::vector<double> same(static_cast<std::size_t>(n * n), 2.5);
    for (const DenseMethod method :
         {DenseMethod::kAuto, DenseMethod::kScalar, DenseMethod::kAvx2, DenseMethod::kLists, DenseMethod::kScans}) {
      const auto answer = solve_dense<double>({same.data(), n, n, n, 1}, {}, {}, {}, method);
      for (std::int32_t i = 0; i < n; ++i) {
        ASSERT_EQ(answer.col_for_row[static_cast<std::size_t>(i)], i) << n << ' ' << static_cast<int>(method);
      }
    }
  }
}

}  // namespace
}  // namespace matcher::assign
