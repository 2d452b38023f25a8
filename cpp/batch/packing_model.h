// The packing problem as its solver sees it: only columns with a gain, sorted by courier, rows = orders then couriers.
#ifndef MATCHER_BATCH_PACKING_MODEL_H
#define MATCHER_BATCH_PACKING_MODEL_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "matcher/set_packing.h"

namespace matcher::packing {

// The budget: visits of members, counted where they are made.
class Work {
 public:
  explicit Work(std::int64_t iterations) : limit_(iterations > kMax ? kMax * kUnit : iterations * kUnit) {}
  void add(std::int64_t visits) { done_ += visits; }
  bool spent() const { return done_ >= limit_; }
  std::int64_t done() const { return done_; }
  std::int64_t left() const { return limit_ - done_; }
  std::int64_t iterations() const { return (done_ + kUnit - 1) / kUnit; }
  static constexpr std::int64_t kUnit = 1000;

 private:
  static constexpr std::int64_t kMax = std::int64_t{1} << 40;
  std::int64_t limit_;
  std::int64_t done_ = 0;
};

struct Model {
  std::int32_t n_orders = 0;
  std::int32_t n_couriers = 0;
  std::vector<std::int32_t> ptr;         // (columns + 1,)
  std::vector<std::int32_t> member;      // rows of a column: its orders ascending, then n_orders + its courier
  std::vector<std::int64_t> gain;        // (columns,) > 0
  std::vector<std::int32_t> origin;      // index in the problem
  std::vector<std::int32_t> of_courier;  // (n_couriers + 1,) courier c has the columns of_courier[c]:of_courier[c+1]
  std::vector<std::int32_t> row_ptr;     // (rows + 1,)
  std::vector<std::int32_t> row_col;     // columns of a row, ascending
  std::vector<std::int64_t> most;        // (rows,) largest gain of a column of the row; 0 without one

  std::int32_t rows() const { return n_orders + n_couriers; }
  std::int32_t columns() const { return static_cast<std::int32_t>(gain.size()); }
  std::int64_t members() const { return static_cast<std::int64_t>(member.size()); }
  std::span<const std::int32_t> rows_of(std::int32_t column) const {
    const auto k = static_cast<std::size_t>(column);
    return std::span(member).subspan(static_cast<std::size_t>(ptr[k]), static_cast<std::size_t>(ptr[k + 1] - ptr[k]));
  }
  std::span<const std::int32_t> orders_of(std::int32_t column) const {
    const auto all = rows_of(column);
    return all.first(all.size() - 1);
  }
  std::span<const std::int32_t> columns_of(std::int32_t row) const {
    const auto r = static_cast<std::size_t>(row);
    return std::span(row_col).subspan(static_cast<std::size_t>(row_ptr[r]),
                                      static_cast<std::size_t>(row_ptr[r + 1] - row_ptr[r]));
  }
};

// Columns with a gain; of those of one courier with the same orders only the best.
Model make_model(const PackingProblem& problem);

// Exact prices of rows (>= 0, orders then couriers) such that no column gains more than its rows cost; their sum
// bounds the gain of every packing.
struct Prices {
  std::vector<std::int64_t> row;
  std::int64_t sum = 0;
};

// Rounds order prices to integers, derives courier prices, then lowers order prices where every column has slack.
Prices exact_prices(const Model& model, std::span<const double> order_price);
Prices exact_prices(const Model& model, std::vector<std::int64_t> order_price);

// Price of a column's rows less its gain; never negative under exact prices.
std::int64_t reduced_cost(const Model& model, const Prices& prices, std::int32_t column);

// A packing: columns ascending.
struct Packing {
  std::vector<std::int32_t> columns;
  std::int64_t gain = 0;
};

// Packing of most gain among the columns with a single order, and the prices that prove it; where the work runs out
// before, any packing and any prices.
struct SingleAssignment {
  Packing packing;
  std::vector<std::int64_t> order_price;
};
SingleAssignment assign_singles(const Model& model, Work& work);

// Descends from `order_price` for at most `passes` passes or until the bound is within `target`; keeps the best exact
// prices.
class PriceDescent {
 public:
  PriceDescent(const Model& model, const std::vector<std::int64_t>& order_price);
  // `target`: gain of the best packing known. Returns whether the best prices improved.
  bool run(std::int64_t target, std::int64_t passes, Work& work);
  const Prices& best() const { return best_; }

 private:
  double evaluate(std::span<const double> price);
  void keep(std::span<const double> price);

  const Model& model_;
  std::vector<double> gain_;
  std::vector<double> price_;
  std::vector<double> centre_;
  std::vector<double> slope_;
  std::vector<double> direction_;
  std::vector<std::int32_t> pick_;
  double centre_value_;
  double scale_ = 1.0;
  Prices best_;
};

// Annealing over columns of small reduced cost. Keeps its state between calls, so a call continues the search.
class Annealer {
 public:
  explicit Annealer(const Model& model);
  // Adopts a packing if it is better than the best.
  void offer(const Packing& packing);
  // `visits`: share of the work to use. Columns whose reduced cost reaches the gap are left out.
  void run(const Prices& prices, std::int64_t visits, Work& work);
  const Packing& best() const { return best_; }

 private:
  std::uint64_t next();
  double exponential();
  void load(const Packing& packing);
  void insert(std::int32_t column);
  void keep_if_better();

  const Model& model_;
  std::vector<std::int32_t> owner_;  // (rows,) chosen column or -1
  std::int64_t gain_ = 0;
  Packing best_;
  std::uint64_t state_ = 0x9E3779B97F4A7C15ULL;
};

// Depth-first search for packings that lose less against `prices` than `best`, component by component, using at most
// `visits`. Improves `best` where it finds one and returns a bound on the gain of every packing: `best.gain` if the
// search ended.
std::int64_t prove(const Model& model, const Prices& prices, Packing& best, std::int64_t visits, Work& work);

}  // namespace matcher::packing

#endif  // MATCHER_BATCH_PACKING_MODEL_H
