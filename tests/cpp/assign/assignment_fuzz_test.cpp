// Any bytes are a problem: every entry must answer them with a status, never a crash, a hang or a wrong certificate.
//
// Two drivers share one body: the test below drives it with seeded bytes, under the sanitizers as part of
// .ci/native.sh and for as long as one likes by `make fuzz-assignment`; with MATCHER_LIBFUZZER defined only the body is
// compiled, for libFuzzer.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include "assign/common.h"
#include "matcher/auction.h"
#include "matcher/capacitated_assignment.h"
#include "matcher/dense_assignment.h"
#include "matcher/sparse_assignment.h"

namespace matcher {
namespace {

std::uint64_t current_seed = 0;  // of the test's driver

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "broken: %s (seed %llu)\n", what, static_cast<unsigned long long>(current_seed));
  std::abort();
}

// Bytes as a source of choices; zeros when they run out.
class Source {
 public:
  explicit Source(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::uint8_t byte() { return at_ < bytes_.size() ? bytes_[at_++] : std::uint8_t{0}; }
  std::int64_t below(std::int64_t n) { return byte() % n; }

  template <class T>
  T cost() {
    const std::uint8_t kind = byte();
    const auto small = static_cast<std::int64_t>(byte()) - 100;
    if constexpr (std::is_integral_v<T>) {
      if (kind == 255) return std::numeric_limits<T>::max();
      if (kind == 254) return std::numeric_limits<T>::min();
      if (kind > 250) return static_cast<T>(std::numeric_limits<T>::max() / (1 + small * small));
      return static_cast<T>(kind > 200 ? small * 1'000'003 : small);
    } else {
      if (kind == 255) return std::numeric_limits<T>::quiet_NaN();
      if (kind == 254) return -std::numeric_limits<T>::infinity();
      if (kind > 230) return std::numeric_limits<T>::infinity();
      if (kind > 225) return static_cast<T>(small) * std::numeric_limits<T>::max() / 64;
      if (kind > 220) return static_cast<T>(small) * std::numeric_limits<T>::denorm_min();
      return static_cast<T>(small) / (kind > 200 ? T{3} : T{1});
    }
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

template <class T>
struct Problem {
  using Cost = SumOf<T>;
  std::int64_t rows, cols;
  std::vector<T> cells;
  MatrixView<T> view;
  std::vector<Cost> prices;
  std::vector<std::int32_t> places;
  std::vector<Cost> start_duals;
  std::vector<std::int32_t> start_matching;
  Budget budget;
  std::vector<std::int64_t> ptr{0};
  std::vector<std::int32_t> col;
  std::vector<Cost> cost;

  explicit Problem(Source& source) : rows(source.below(9)), cols(source.below(9)) {
    for (std::int64_t k = 0; k < rows * cols; ++k) cells.push_back(source.cost<T>());
    view = source.below(2) == 0 ? MatrixView<T>{cells.data(), rows, cols, cols, 1}
                                : MatrixView<T>{cells.data(), rows, cols, 1, rows};
    if (source.below(2) == 0) {
      for (std::int64_t i = 0; i < rows; ++i) {
        prices.push_back(source.below(3) == 0 ? must_match<Cost>() : static_cast<Cost>(source.below(200)));
      }
    }
    for (std::int64_t j = 0; j < cols; ++j) places.push_back(static_cast<std::int32_t>(source.below(4)));
    if (source.below(3) == 0) {
      for (std::int64_t j = 0; j < cols; ++j) start_duals.push_back(static_cast<Cost>(source.below(256) - 200));
      for (std::int64_t i = 0; i < rows; ++i) {
        start_matching.push_back(static_cast<std::int32_t>(source.below(cols + 3) - 2));
      }
    }
    if (source.below(3) == 0) budget.max_iterations = source.below(30);
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < cols; ++j) {
        if (source.below(4) == 0) continue;
        col.push_back(static_cast<std::int32_t>(j));
        cost.push_back(static_cast<Cost>(view(i, j)));
      }
      ptr.push_back(static_cast<std::int64_t>(col.size()));
    }
  }
  SparseCosts<Cost> sparse() const { return {ptr, col, cost, static_cast<std::int32_t>(cols)}; }
  WarmStart<Cost> start() const { return {start_duals, start_matching}; }
};

// What must hold of every answer: sizes, indices, places; and of a whole one that its bound is its total.
template <class T>
void check(const Problem<T>& p, const Assignment<SumOf<T>>& answer, bool many) {
  using Cost = SumOf<T>;
  if (answer.status == SolveStatus::kOverflow) return;
  if (answer.status == SolveStatus::kInvalid) {
    if (answer.bad_cell < 0) broken("an invalid cost without its cell");
    return;
  }
  if (static_cast<std::int64_t>(answer.col_for_row.size()) != p.rows ||
      static_cast<std::int64_t>(answer.row_duals.size()) != p.rows ||
      static_cast<std::int64_t>(answer.col_duals.size()) != p.cols) {
    broken("arrays of a wrong size");
  }
  std::vector<std::int32_t> left(static_cast<std::size_t>(p.cols), 1);
  if (many) left = p.places;
  for (const std::int32_t j : answer.col_for_row) {
    if (j < -1 || j >= p.cols) broken("a column that does not exist");
    if (j >= 0 && --left[static_cast<std::size_t>(j)] < 0) broken("a column that serves too many rows");
  }
  if (answer.iterations > p.budget.max_iterations) broken("more iterations than granted");
  if (answer.status == SolveStatus::kInfeasible && answer.witness.empty()) broken("infeasible without a witness");
  if (answer.status != SolveStatus::kOptimal) return;
  Cost bound = 0, scale = assign::largest_magnitude(std::span<const Cost>(p.start_duals));  // what sums were rounded at
  for (const Cost u : answer.row_duals) bound += u, scale = std::max(scale, u < 0 ? -u : u);
  for (std::size_t j = 0; j < answer.col_duals.size(); ++j) {
    const Cost v = answer.col_duals[j] * static_cast<Cost>(many ? p.places[j] : 1);
    bound += v, scale = std::max(scale, v < 0 ? -v : v);
  }
  if constexpr (std::is_integral_v<Cost>) {
    if (bound != answer.total) broken("a bound that is not the total");
  } else {
    if (!(std::abs(bound - answer.total) <= 1e-12 * (scale + std::abs(answer.total)))) {
      broken("a bound that is not the total, up to rounding");
    }
  }
}

template <class T>
void solve_all(Source& source) {
  using Cost = SumOf<T>;
  const Problem<T> p(source);
  for (const auto method : {DenseMethod::kAuto, DenseMethod::kPlain, DenseMethod::kScalar, DenseMethod::kLists}) {
    check(p, solve_dense<T>(p.view, p.prices, p.budget, p.start(), method), false);
  }
  check(p, solve_capacitated<T>(p.view, p.places, p.prices, p.budget, p.start()), true);
  check(p, solve_sparse<Cost>(p.sparse(), p.prices, p.budget, p.start()), false);
  check(p, solve_capacitated<Cost>(p.sparse(), p.places, p.prices, p.budget, p.start()), true);
}

}  // namespace
}  // namespace matcher

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  matcher::Source source({data, size});
  switch (source.below(4)) {
    case 0:
      matcher::solve_all<double>(source);
      break;
    case 1:
      matcher::solve_all<float>(source);
      break;
    case 2:
      matcher::solve_all<std::int64_t>(source);
      break;
    default:
      matcher::solve_all<std::int32_t>(source);
  }
  return 0;
}

#ifndef MATCHER_LIBFUZZER
#include <gtest/gtest.h>

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* value = std::getenv(variable);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

}  // namespace

// Seeded bytes of every length, half of them without the rare kinds of costs, so that whole answers are checked too.
// MATCHER_FUZZ_SEEDS: so many thousands; MATCHER_FUZZ_FIRST_SEED: where they start.
TEST(AssignmentFuzz, AnyBytesAreAnsweredWithAStatus) {
  const std::uint64_t trials = 1000 * number_from("MATCHER_FUZZ_SEEDS", 20);
  const std::uint64_t first = number_from("MATCHER_FUZZ_FIRST_SEED", 71);
  std::vector<std::uint8_t> bytes;
  for (std::uint64_t trial = 0; trial < trials; ++trial) {
    // A sanitizer ends the process without a word of ours: what was begun last is named beforehand.
    if (trial % 1000 == 0)
      std::fprintf(stderr, "a thousand from seed %llu\n", static_cast<unsigned long long>(first + trial));
    matcher::current_seed = first + trial;
    std::mt19937_64 random(matcher::current_seed);
    bytes.resize(random() % 400);
    const std::uint8_t most = matcher::current_seed % 2 == 0 ? 255 : 220;
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % (most + 1U));
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
}
#endif
