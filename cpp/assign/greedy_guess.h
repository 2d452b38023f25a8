// A guess at the whole answer of a problem that all rows must be matched in, for matrices whose rows agree on which
// columns are dear (products, Machol-Wien, other Monge matrices in any order of rows and columns). There single bids
// creep, but whoever has most to lose choosing first is right at once.
//
//   1. duals from the column minima where every column must be matched, else zero; rows in descending order of what
//      their second choice costs them more;
//   2. each takes its best column left;
//   3. duals that make these pairs tight: sweeps over the rows, to and fro, lower each column to what its rows allow
//      (Bellman-Ford in Gauss-Seidel order). They settle only if the matching is optimal; a column left free must stay
//      at zero.
// Where a guess is right, it is right for a part as well, so a small part says whether to read the whole so often.
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
#include "assign/row_order.h"
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
  // At least as many columns as rows, side by side; every cost is a number or +infinity.
  GreedyGuess(const MatrixView<T>& costs, Isa isa)
      : costs_(costs),
        isa_(isa),
        n_(static_cast<std::int32_t>(costs.rows)),
        n_cols_(static_cast<std::int32_t>(costs.cols)) {}

  // Whether a guess at a small part, rows from all over the matrix and as large a share of the columns, comes out. Any
  // strides.
  static bool promises(const MatrixView<T>& costs, Isa isa) {
    const std::int64_t step = std::max<std::int64_t>(costs.rows / kPart, 2);
    const MatrixView<T> part{costs.data, costs.rows / step, costs.cols / step, costs.row_stride * step,
                             costs.col_stride};
    if (part.col_stride == 1) return GreedyGuess(part, isa).make().has_value();
    const auto rows = in_row_order(part, isa);
    return GreedyGuess({rows.get(), part.rows, part.cols, part.cols, 1}, isa).make().has_value();
  }

  // Nothing: the duals did not settle.
  std::optional<Guess> make() {
    if (!start()) return std::nullopt;
    const std::vector<std::int32_t> order = by_regret();
    if (!choose(order) || !settle(order) || !free_at_zero()) return std::nullopt;
    return Guess{std::move(v_), std::move(matching_)};
  }

 private:
  static constexpr double kInfinite = std::numeric_limits<double>::infinity();
  static constexpr std::int64_t kPart = 64;

  std::size_t size() const { return static_cast<std::size_t>(n_); }

  // False: a column without a row.
  bool start() {
    v_.assign(static_cast<std::size_t>(n_cols_), n_ == n_cols_ ? kInfinite : 0.0);
    if (n_ < n_cols_) return true;
    for (std::int32_t i = 0; i < n_; ++i) lower_to(isa_, costs_.row(i), 0.0, n_cols_, v_.data());
    return std::all_of(v_.begin(), v_.end(), [](double dual) { return dual < kInfinite; });
  }

  std::vector<std::int32_t> by_regret() const {
    std::vector<double> regret(size());
    for (std::int32_t i = 0; i < n_; ++i) {
      const TwoLeast least = two_least(isa_, costs_.row(i), v_.data(), n_cols_);
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
      const TwoLeast least = two_least(isa_, costs_.row(i), left.data(), n_cols_);
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
        if (lower_to(isa_, costs_.row(i), pair - v_[j], n_cols_, v_.data()) > rounding && sweep == 2) return false;
      }
    }
    return true;
  }

  // False: a column that nobody chose was lowered by more than rounding.
  bool free_at_zero() {
    if (n_ == n_cols_) return true;
    std::vector<char> taken(v_.size(), 0);
    double most = 0;
    for (std::int32_t i = 0; i < n_; ++i) {
      const auto j = static_cast<std::size_t>(matching_[static_cast<std::size_t>(i)]);
      taken[j] = 1;
      most = std::max(most, std::abs(static_cast<double>(costs_(i, static_cast<std::int64_t>(j)))) - v_[j]);
    }
    for (std::size_t j = 0; j < v_.size(); ++j) {
      if (taken[j] != 0) continue;
      if (v_[j] < -most * 0x1p-40) return false;
      v_[j] = 0;
    }
    return true;
  }

  MatrixView<T> costs_;
  Isa isa_;
  std::int32_t n_, n_cols_;
  std::vector<double> v_;
  std::vector<std::int32_t> matching_;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_GREEDY_GUESS_H
