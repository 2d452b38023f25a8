// The native decoder of SolveRequests by itself: no bytes break it, and what it vouches for is in bounds. That it
// agrees with the official runtime is tested from Python (tests/wire/test_native_solve.py).
#include "matcher/solve_request.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace matcher {
namespace {

constexpr SolveRequestLimits kLimits{64, 50};

void in_bounds(const SolveRequestArrays& got) {
  ASSERT_TRUE(0 <= got.rows && got.rows <= kLimits.side && 0 <= got.cols && got.cols <= kLimits.side);
  const std::size_t count = got.is_dense ? static_cast<std::size_t>(got.rows * got.cols) : got.row.size();
  ASSERT_EQ(got.costs.size, count);
  ASSERT_LE(count, static_cast<std::size_t>(kLimits.cells));
  for (std::size_t k = 0; k < count; ++k) ASSERT_GT(got.costs.data[k], -INFINITY);
  ASSERT_EQ(got.row.size(), got.col.size());
  for (const std::int32_t i : got.row) ASSERT_TRUE(0 <= i && i < got.rows);
  for (const std::int32_t j : got.col) ASSERT_TRUE(0 <= j && j < got.cols);
  ASSERT_TRUE(got.unassigned_cost.size <= 1 || got.unassigned_cost.size == static_cast<std::size_t>(got.rows));
}

TEST(SolveRequest, NoBytesBreakIt) {
  // Sparse, 5 x 40: three pairs out of order, a price, two bytes of an unknown field.
  const std::string sparse("\x12\x28\x08\x05\x10\x28\x1a\x03\x04\x00\x04\x22\x03\x27\x01\x00\x2a\x18", 18);
  std::string whole =
      sparse + std::string(24, '\0') + std::string("\x1a\x08", 2) + std::string(8, '\1') + "\xf8\x3f\x05";
  SolveRequestArrays good;
  ASSERT_TRUE(decode_solve_request(whole, kLimits, good));
  EXPECT_EQ(good.row, (std::vector<std::int32_t>{4, 0, 4}));
  EXPECT_EQ(good.col, (std::vector<std::int32_t>{39, 1, 0}));
  EXPECT_EQ(good.unassigned_cost.size, 1u);
  // Dense, 2 x 3.
  const std::string dense = std::string("\x0a\x36\x08\x02\x10\x03\x1a\x30", 8) + std::string(48, '\2');
  std::mt19937_64 random(5);
  int accepted = 0;
  for (int turn = 0; turn < 200'000; ++turn) {
    std::string bytes = turn % 2 == 0 ? whole : dense;
    for (std::uint64_t wounds = 1 + random() % 3; wounds > 0; --wounds) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
          break;
        case 1:
          bytes.erase(at, 1 + random() % 3);
          break;
        default:
          bytes.insert(at, 1, static_cast<char>(random()));
      }
      if (bytes.empty()) bytes = "\x0a";
    }
    SolveRequestArrays got;
    if (!decode_solve_request(bytes, kLimits, got)) continue;
    ++accepted;
    in_bounds(got);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(accepted, 1000);
}

TEST(SolveRequest, FindsAPairGivenTwiceWhereverItIs) {
  std::mt19937_64 random(6);
  for (int turn = 0; turn < 2000; ++turn) {
    std::vector<std::int32_t> row, col;
    bool twice = false;
    for (std::uint64_t k = random() % 12; k > 0; --k) {
      const auto i = static_cast<std::int32_t>(random() % 5), j = static_cast<std::int32_t>(random() % 5);
      for (std::size_t a = 0; a < row.size(); ++a) twice |= row[a] == i && col[a] == j;
      row.push_back(i);
      col.push_back(j);
    }
    std::string inner = std::string("\x08\x05\x10\x05", 4) + packed_int32(3, row) + packed_int32(4, col);
    if (!row.empty()) {
      inner += "\x2a";
      inner += static_cast<char>(row.size() * 8);
      inner += std::string(row.size() * 8, '\0');
    }
    const std::string bytes = std::string("\x12", 1) + static_cast<char>(inner.size()) + inner;
    SolveRequestArrays got;
    ASSERT_LT(inner.size(), 128u);  // a length of one byte
    ASSERT_EQ(decode_solve_request(bytes, kLimits, got), !twice);
  }
}

}  // namespace
}  // namespace matcher
