// The packing problem as its solver sees it: only columns with a gain, sorted by courier, rows = orders then couriers.
#ifndef MATCHER_BATCH_PACKING_MODEL_H
#define MATCHER_BATCH_PACKING_MODEL_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/cancel.h"
#include "matcher/set_packing.h"

namespace matcher::packing {

// The budget: visits of members, counted where they are made. Throws Cancelled when it sees the flag raised.
class Work {
 public:
  explicit Work(std::int64_t iterations, const std::int32_t* cancelled = nullptr)
      : limit_(iterations > kMax ? kMax * kUnit : iterations * kUnit), cancelled_(cancelled), cancel_(cancelled) {}
  void add(std::int64_t visits) {
    done_ += visits;
    if (done_ < next_look_) return;
    next_look_ = done_ + kUnit;
    cancel_.check();
  }
  // For loops that count their visits in one sum.
  void check() const { cancel_.check(); }
  const std::int32_t* cancelled() const { return cancelled_; }
  bool spent() const { return done_ >= limit_; }
  std::int64_t done() const { return done_; }
  std::int64_t left() const { return limit_ - done_; }
  std::int64_t iterations() const { return (done_ + kUnit - 1) / kUnit; }
  static constexpr std::int64_t kUnit = 1000;

 private:
  static constexpr std::int64_t kMax = std::int64_t{1} << 40;
  std::int64_t limit_;
  std::int64_t done_ = 0;
  std::int64_t next_look_ = 0;
  const std::int32_t* cancelled_;
  CancelFlag cancel_;
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
Model make_model(const PackingProblem& problem, const Work& work);

// Exact prices of rows (>= 0, orders then couriers) such that no column gains more than its rows cost; their sum
// bounds the gain of every packing.
struct Prices {
  std::vector<std::int64_t> row;
  std::int64_t sum = 0;
};

// Rounds order prices to integers, derives courier prices, then lowers order prices where every column has slack.
Prices exact_prices(const Model& model, std::span<const double> order_price, const Work& work);
Prices exact_prices(const Model& model, std::vector<std::int64_t> order_price, const Work& work);

// Price of a column's rows less its gain; never negative under exact prices.
std::int64_t reduced_cost(const Model& model, const Prices& prices, std::int32_t column);

// A packing: columns ascending.
struct Packing {
  std::vector<std::int32_t> columns;
  std::int64_t gain = 0;
};

// Packing that takes the columns of most gain first, or of most gain per order; the better of the two.
Packing take_greedily(const Model& model, Work& work);

// Packing of most gain among the columns with a single order, and the prices that prove it; where the work runs out
// before, any packing and any prices.
struct SingleAssignment {
  Packing packing;
  std::vector<std::int64_t> order_price;
};
SingleAssignment assign_singles(const Model& model, Work& work);

// The columns given (ascending) as a model of their own, over the same rows; `origin` is the index in `model`.
Model restrict_to(const Model& model, std::span<const std::int32_t> columns);

// The columns given (ascending) over only the rows they have; `row` are those rows in `model`. Without an index of
// rows.
struct Part {
  Model model;
  std::vector<std::int32_t> row;
};
Part part_of(const Model& model, std::span<const std::int32_t> columns);

// Subgradient descent over a model, from order prices. `picks` tells how often each column was its courier's choice.
struct Descent {
  std::vector<double> order_price;  // of the lowest bound met
  double bound = 0.0;
  std::vector<std::int32_t> picks;
  std::int64_t passes = 0;
  double scale = 1.0;  // of the steps, as it ended
};
// `target`: gain of a packing; steps aim at it, times `scale`, and the descent ends there.
Descent descend(const Model& model, std::span<const double> order_price, std::int64_t target, std::int64_t passes,
                double scale, Work& work);

// Prices of a large model, found on a core of columns with small reduced cost that is renewed between descents.
class PriceSearch {
 public:
  PriceSearch(const Model& model, Prices start);
  // One descent of `passes` on the core, then exact prices over all columns, then a new core.
  void run(const Packing& best, std::int64_t passes, Work& work);
  const Prices& best() const { return best_; }
  // The core under the best prices: columns of the model, ascending, those of `keep` among them.
  std::vector<std::int32_t> core(const Packing& keep, Work& work) const;

 private:
  std::vector<std::int32_t> smallest(const Prices& prices, const Packing& keep, Work& work) const;

  void add_violated(const Prices& prices, Work& work);

  const Model& model_;
  Prices best_;
  std::vector<double> point_;
  double scale_ = 1.0;
  std::vector<std::int32_t> core_;  // empty: all columns
};

// Uniform pseudo-random numbers: SplitMix64.
class Random {
 public:
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // Below `bound`, which is positive.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(((next() >> 32) * bound) >> 32); }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_ = 0x9E3779B97F4A7C15ULL;
};

// A packing of some columns (ascending) by diving: prices of orders are refined on what is left open, then the columns
// picked most are fixed, again and again. Gives up, with what it has, once it cannot gain more than `target`. `owner`:
// the chosen column of each row in a packing whose columns are favoured a little, or empty.
Packing dive(const Model& model, std::vector<std::int32_t> open, std::span<const double> order_price,
             std::int64_t target, std::span<const std::int32_t> owner, Random& random, Work& work);

// A packing of a few columns (ascending) that gains more than `target`, by a tree search of bounded size; empty if it
// finds none.
Packing branch(const Model& model, std::span<const std::int32_t> open, std::span<const double> order_price,
               std::int64_t target, Random& random, Work& work);

// Improves a packing by re-solving small neighbourhoods exactly and large ones by diving. Prices are those of the
// model's rows.
class LocalSearch {
 public:
  LocalSearch(const Model& model, const Prices& prices, const Work& work);
  // Starts from a packing, filled up greedily.
  void load(const Packing& packing);
  // Until `visits` are used or `patience` neighbourhoods in a row gave nothing.
  void run(std::size_t neighbourhood_rows, std::int64_t patience, std::int64_t visits, Random& random, Work& work);
  // Dives for a packing of all rows, over all columns or those of least reduced cost; takes it if it gains more.
  void restart(bool whole, Random& random, Work& work);
  // Until `visits` are used or many dives gave nothing: opens many rows at once and dives for a packing of them that
  // gains as much. True if many gave nothing.
  bool rebuild(std::int64_t visits, Random& random, Work& work);
  // Dives for another packing, improves it a little with at most `visits`, and crosses it with those of earlier calls:
  // what two of them have in common stays, the rest is dived for. Takes the best of all.
  void renew(std::int64_t visits, Random& random, Work& work);
  Packing packing() const;
  std::int64_t gain() const { return gain_; }

  static constexpr std::size_t kMostRows = 128;

 private:
  struct Mask {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool meets(const Mask& other) const { return ((low & other.low) | (high & other.high)) != 0; }
    bool has(std::size_t bit) const { return ((bit < 64 ? low >> bit : high >> (bit - 64)) & 1U) != 0; }
    void set(std::size_t bit) { (bit < 64 ? low : high) |= std::uint64_t{1} << (bit & 63U); }
    Mask operator|(const Mask& other) const { return {low | other.low, high | other.high}; }
  };
  struct Option {
    Mask rows;
    std::int64_t loss;
    std::int32_t column;
  };

  void put(std::int32_t column);
  void drop(std::int32_t column);
  bool admit(std::int32_t row, std::size_t limit);
  void gather(std::size_t limit, Random& random);
  void scatter(std::size_t limit, Random& random);
  void forget();
  std::vector<std::int32_t> columns_inside(Work& work) const;
  bool resolve(Work& work);
  bool redive(Random& random, Work& work);
  bool rebuild(std::int64_t patience, std::int64_t visits, Random& random, Work& work);
  void cross(const Packing& other, Random& random, Work& work);
  std::vector<std::int32_t> columns_of_least_cost(bool whole, Work& work) const;
  void extend(const Mask& covered, std::size_t row, std::int64_t loss);

  const Model& model_;
  std::vector<std::int64_t> price_;
  std::vector<double> order_price_;
  std::vector<std::int64_t> reduced_;
  std::int64_t edge_ = 0;                          // reduced cost beyond which narrow dives do not look
  std::vector<std::int32_t> by_row_ptr_, by_row_;  // columns of a row by reduced cost
  std::vector<std::int32_t> owner_;                // (rows,) chosen column or -1
  std::int64_t gain_ = 0;
  std::vector<Packing> elites_;  // that were crossed
  // The neighbourhood.
  std::vector<std::int32_t> rows_;
  std::vector<std::int32_t> position_;  // (rows,) in rows_, or -1
  std::vector<std::int32_t> inside_;    // chosen columns in it
  std::vector<std::vector<Option>> options_;
  std::vector<std::int32_t> path_, found_;
  std::int64_t least_loss_ = 0;
  std::int64_t steps_ = 0, step_limit_ = 0;
  bool improved_ = false;
};

// Depth-first search for packings that lose less against `prices` than `best`, component by component, using at most
// `visits`. Improves `best` where it finds one and returns a bound on the gain of every packing: `best.gain` if the
// search ended.
std::int64_t prove(const Model& model, const Prices& prices, Packing& best, std::int64_t visits, Work& work);

}  // namespace matcher::packing

#endif  // MATCHER_BATCH_PACKING_MODEL_H
