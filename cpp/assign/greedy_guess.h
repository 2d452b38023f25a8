// A guess at the whole answer of a square problem that all must be matched in, for matrices whose rows agree on which
// columns are dear (products, Machol-Wien, other Monge matrices in any order of rows and columns). There single bids
// creep, but whoever has most to lose choosing first is right at once.
//
//   1. duals from the column minima; rows in descending order of what their second choice costs them more;
//   2. each takes its best column left;
//   3. duals that make these pairs tight: sweeps over the rows, to and fro, lower each column to what its rows allow
//      (Bellman-Ford in Gauss-Seidel order). They settle only if the matching is optimal.
// Never taken on trust: duals and pairs are a start for the exact search. Source: the greedy start of Guthe and
// Thuerck, ACM TOMS 47 (2021), with another order.
#ifndef MATCHER_ASSIGN_GREEDY_GUESS_H
#define MATCHER_ASSIGN_GREEDY_GUESS_H

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "assign/path_scan.h"
#include "assign/row_scan.h"
#include "core/matrix_view.h"

namespace matcher::assign {

struct Guess {
  std::vector<double> col_duals;
  std::vector<std::int32_t> col_for_row;
};

template <class T>
class GreedyGuess {
 public:
  // The columns of the matrix lie side by side; every cost is a number or +infinity.
  GreedyGuess(const MatrixView<T>& costs, Isa isa)
      : costs_(costs), isa_(isa), n_(static_cast<std::int32_t>(costs.rows)) {}

  // Nothing: the duals did not settle.
  std::optional<Guess> make() {
    v_.assign(size(), kInfinite);
    for (std::int32_t i = 0; i < n_; ++i) lower_to(isa_, costs_.row(i), 0.0, n_, v_.data());
    if (std::any_of(v_.begin(), v_.end(), [](double dual) { return dual >= kInfinite; })) return std::nullopt;
    const std::vector<std::int32_t> order = by_regret();
    if (!choose(order) || !settle(order)) return std::nullopt;
    return Guess{std::move(v_), std::move(matching_)};
  }

 private:
  static constexpr double kInfinite = std::numeric_limits<double>::infinity();

  std::size_t size() const { return static_cast<std::size_t>(n_); }

  std::vector<std::int32_t> by_regret() const {
    std::vector<double> regret(size());
    for (std::int32_t i = 0; i < n_; ++i) {
      const TwoLeast least = two_least(isa_, costs_.row(i), v_.data(), n_);
      regret[static_cast<std::size_t>(i)] = least.second < kInfinite ? least.second - least.first : kInfinite;
    }
    std::vector<std::int32_t> order(size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return regret[static_cast<std::size_t>(a)] > regret[static_cast<std::size_t>(b)];
    });
    return order;
  }

  bool choose(const std::vector<std::int32_t>& order) {
    matching_.assign(size(), -1);
    std::vector<double> left = v_;  // minus infinity keeps a column out
    for (const std::int32_t i : order) {
      const TwoLeast least = two_least(isa_, costs_.row(i), left.data(), n_);
      if (least.at < 0) return false;
      matching_[static_cast<std::size_t>(i)] = least.at;
      left[static_cast<std::size_t>(least.at)] = -kInfinite;
    }
    return true;
  }

  // The first two sweeps may move much; if the third moves anything but by rounding, there is no end to it.
  bool settle(const std::vector<std::int32_t>& order) {
    for (int sweep = 0; sweep < 3; ++sweep) {
      for (std::int32_t k = 0; k < n_; ++k) {
        const std::int32_t i = order[static_cast<std::size_t>(sweep % 2 == 0 ? k : n_ - 1 - k)];
        const auto j = static_cast<std::size_t>(matching_[static_cast<std::size_t>(i)]);
        const auto pair = static_cast<double>(costs_(i, static_cast<std::int64_t>(j)));
        const double rounding = (std::abs(pair) + std::abs(v_[j])) * 0x1p-40;
        if (lower_to(isa_, costs_.row(i), pair - v_[j], n_, v_.data()) > rounding && sweep == 2) return false;
      }
    }
    return true;
  }

  MatrixView<T> costs_;
  Isa isa_;
  std::int32_t n_;
  std::vector<double> v_;
  std::vector<std::int32_t> matching_;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_GREEDY_GUESS_H
