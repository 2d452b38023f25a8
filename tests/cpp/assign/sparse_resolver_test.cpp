// Problems one after the other: each answer is solve_sparse's from the same start, bit for bit.
#include "matcher/sparse_resolver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "matcher/sparse_assignment.h"

namespace matcher {
namespace {

template <class Cost>
struct Rows {
  std::int32_t n_cols = 0;
  std::vector<std::vector<std::pair<std::int32_t, Cost>>> arcs;
  std::vector<Cost> prices;
  std::vector<std::int64_t> ptr;
  std::vector<std::int32_t> col;
  std::vector<std::int64_t> wide_col;
  std::vector<Cost> cost;

  void flatten() {
    ptr.assign(1, 0);
    col.clear();
    cost.clear();
    for (const auto& row : arcs) {
      for (const auto& [j, c] : row) {
        col.push_back(j);
        cost.push_back(c);
      }
      ptr.push_back(static_cast<std::int64_t>(col.size()));
    }
    wide_col.assign(col.begin(), col.end());
  }
  SparseCosts<Cost> sparse() const { return {ptr, col, cost, n_cols}; }
};

template <class Cost>
class Chain {
 public:
  Chain(std::uint64_t seed, bool priced) : random_(seed), priced_(priced) {
    rows_.n_cols = 40 + below(40);
    for (std::int32_t i = 0; i < rows_.n_cols; ++i) append();
    old_.assign(rows_.arcs.size(), 0);
  }

  void run(int turns) {
    SparseResolver<Cost> resolver;
    for (int turn = 0; turn < turns; ++turn) {
      rows_.flatten();
      const Budget budget{below(4) == 0 ? below(60) : std::numeric_limits<std::int64_t>::max(), nullptr};
      const WarmStart<Cost> start{duals_, matching_};
      const Assignment<Cost> plain = solve_sparse<Cost>(rows_.sparse(), rows_.prices, budget, start);
      std::optional<Assignment<Cost>> kept;
      if (below(2) == 0) {
        kept = resolver.template solve<std::int32_t>({rows_.ptr, rows_.col, rows_.cost, rows_.n_cols}, rows_.prices,
                                                     budget, start, old_);
      } else {
        kept = resolver.template solve<std::int64_t>({rows_.ptr, rows_.wide_col, rows_.cost, rows_.n_cols},
                                                     rows_.prices, budget, start, old_);
      }
      ASSERT_TRUE(kept.has_value()) << turn;
      ASSERT_EQ(kept->status, plain.status) << turn;
      ASSERT_EQ(kept->col_for_row, plain.col_for_row) << turn;
      ASSERT_EQ(kept->row_duals, plain.row_duals) << turn;
      ASSERT_EQ(kept->col_duals, plain.col_duals) << turn;
      ASSERT_EQ(kept->total, plain.total) << turn;
      ASSERT_EQ(kept->iterations, plain.iterations) << turn;
      ASSERT_EQ(kept->witness, plain.witness) << turn;
      duals_ = plain.col_duals;
      matching_ = plain.col_for_row;
      change();
    }
  }

 private:
  std::int32_t below(std::int32_t n) { return static_cast<std::int32_t>(random_() % static_cast<std::uint64_t>(n)); }
  Cost some() { return static_cast<Cost>(below(30)) / (std::is_integral_v<Cost> ? Cost{1} : Cost{7}); }

  std::vector<std::pair<std::int32_t, Cost>> row() {
    std::vector<std::pair<std::int32_t, Cost>> arcs;
    const std::int32_t often = 5 + below(15);
    for (std::int32_t j = below(often); j < rows_.n_cols; j += 1 + below(often)) arcs.emplace_back(j, some());
    if (arcs.empty() && !priced_) arcs.emplace_back(0, some());
    return arcs;
  }
  void append() {
    rows_.arcs.push_back(row());
    if (priced_) rows_.prices.push_back(below(9) == 0 ? must_match<Cost>() : some());
  }

  // Rows change, leave and come; sometimes a column comes, or all duals are others.
  void change() {
    old_.clear();
    std::vector<std::int32_t> from;
    const std::size_t before = rows_.arcs.size();
    for (std::size_t i = 0; i < before; ++i) from.push_back(static_cast<std::int32_t>(i));
    if (below(3) == 0) {
      const auto gone = below(static_cast<std::int32_t>(before));
      rows_.arcs.erase(rows_.arcs.begin() + gone);
      if (priced_) rows_.prices.erase(rows_.prices.begin() + gone);
      from.erase(from.begin() + gone);
    }
    for (std::size_t i = 0; i < rows_.arcs.size(); ++i) {
      if (below(25) == 0) rows_.arcs[i] = row();
      if (below(25) == 0 && !rows_.arcs[i].empty()) rows_.arcs[i].back().second = some();
      if (priced_ && below(25) == 0) rows_.prices[i] = some();
    }
    if (below(3) == 0 && (priced_ || static_cast<std::int32_t>(rows_.arcs.size()) < rows_.n_cols)) {
      append();
      from.push_back(-1);
    }
    if (below(6) == 0) {
      rows_.n_cols += 1;
      duals_.push_back(0);
    }
    if (below(6) == 0) {
      for (Cost& dual : duals_) dual -= some();
    }
    std::vector<std::int32_t> matching;
    for (const std::int32_t i : from) matching.push_back(i < 0 ? -1 : matching_[static_cast<std::size_t>(i)]);
    matching_ = matching;
    old_ = from;
    if (below(4) == 0) std::shuffle(old_.begin(), old_.end(), random_);  // a claim that is wrong
  }

  std::mt19937_64 random_;
  bool priced_;
  Rows<Cost> rows_;
  std::vector<Cost> duals_;
  std::vector<std::int32_t> matching_, old_;
};

TEST(SparseResolver, AnswersAsSolveSparseDoes) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    Chain<std::int64_t>(seed, true).run(40);
    Chain<std::int64_t>(seed, false).run(40);
    Chain<double>(seed, true).run(40);
    Chain<double>(seed, false).run(40);
  }
}

TEST(SparseResolver, LeavesWhatItCannotKeepToOthers) {
  SparseResolver<double> resolver;
  const std::vector<std::int64_t> ptr{0, 2};
  const std::vector<double> prices{1.0};
  const auto answered = [&](std::vector<std::int32_t> col, std::vector<double> cost) {
    return resolver.solve<std::int32_t>({ptr, col, cost, 3}, prices, {}, {}, {}).has_value();
  };
  EXPECT_TRUE(answered({0, 2}, {0.5, 0.25}));
  EXPECT_FALSE(answered({2, 0}, {0.5, 0.25}));
  EXPECT_FALSE(answered({2, 2}, {0.5, 0.25}));
  EXPECT_FALSE(answered({0, 3}, {0.5, 0.25}));
  EXPECT_FALSE(answered({-1, 2}, {0.5, 0.25}));
  EXPECT_FALSE(answered({0, 2}, {0.5, std::numeric_limits<double>::quiet_NaN()}));
  EXPECT_FALSE(answered({0, 2}, {0.5, -std::numeric_limits<double>::infinity()}));
  EXPECT_FALSE(answered({0, 2}, {0.5, std::numeric_limits<double>::max()}));
  EXPECT_TRUE(answered({0, 2}, {0.5, std::numeric_limits<double>::infinity()}));
  EXPECT_GT(resolver.bytes(), 0u);
}

}  // namespace
}  // namespace matcher
