// Deflected subgradient descent on L(v) = sum(v) + sum over couriers of max(0, best gain less the prices v of its
// orders), v >= 0. Every L(v) over all columns bounds the gain of all packings.
#include <algorithm>
#include <limits>
#include <utility>

#include "batch/packing_model.h"

namespace matcher::packing {
namespace {

constexpr double kDeflection = 1.5;  // Camerini, Fratta and Maffioli
constexpr int kPatience = 20;        // passes without a better bound before steps shrink
constexpr double kShrink = 0.6;
constexpr double kGrow = 1.05;
constexpr double kLargestScale = 1.5;
constexpr double kSmallestScale = 1e-6;
constexpr std::size_t kLargestCore = 4;  // times its first size
constexpr int kAddedPerRow = 3;

// The orders of a model's columns, columns of one length together: the loops that price them then branch the same way
// throughout, which halves the time of a pass.
class PricedColumns {
 public:
  explicit PricedColumns(const Model& model) : model_(model), left_(model.gain.size()) {
    const auto n_columns = model.gain.size();
    std::size_t longest = 0;
    for (std::size_t k = 0; k < n_columns; ++k) longest = std::max(longest, length(k));
    end_.assign(longest + 1, 0);
    for (std::size_t k = 0; k < n_columns; ++k) ++end_[length(k)];
    for (std::size_t s = 1; s <= longest; ++s) end_[s] += end_[s - 1];
    column_.resize(n_columns);
    auto at = end_;
    for (std::size_t k = n_columns; k-- > 0;) column_[--at[length(k)]] = static_cast<std::int32_t>(k);
    gain_.reserve(n_columns);
    order_.reserve(model.member.size() - n_columns);
    for (const auto k : column_) {
      gain_.push_back(static_cast<double>(model.gain[static_cast<std::size_t>(k)]));
      const auto orders = model.orders_of(k);
      order_.insert(order_.end(), orders.begin(), orders.end());
    }
  }

  // L at `price`, its slope, and one more for each column that a courier picks: of its best ones the first.
  double evaluate(std::span<const double> price, std::vector<double>& slope, std::vector<std::int32_t>& picks,
                  const Work& work) {
    find_left(price, work);
    double value = 0.0;
    for (std::size_t o = 0; o < price.size(); ++o) {
      value += price[o];
      slope[o] = 1.0;
    }
    for (std::size_t c = 0; c < static_cast<std::size_t>(model_.n_couriers); ++c) {
      double best = 0.0;
      std::int32_t pick = -1;
      for (auto k = model_.of_courier[c]; k < model_.of_courier[c + 1]; ++k) {
        const double left = left_[static_cast<std::size_t>(k)];
        pick = left > best ? k : pick;
        best = std::max(best, left);
      }
      if (pick < 0) continue;
      value += best;
      ++picks[static_cast<std::size_t>(pick)];
      for (const auto o : model_.orders_of(pick)) slope[static_cast<std::size_t>(o)] -= 1.0;
    }
    return value;
  }

 private:
  std::size_t length(std::size_t column) const {
    return static_cast<std::size_t>(model_.ptr[column + 1] - model_.ptr[column]) - 1;
  }
  // What the prices leave of each column's gain.
  void find_left(std::span<const double> price, const Work& work) {
    const std::int32_t* order = order_.data();
    std::size_t first = 0;
    for (std::size_t size = 0; size < end_.size(); ++size) {
      while (first < end_[size]) {
        work.check();
        const std::size_t end = std::min(end_[size], first + 1024);
        switch (size) {  // a known length is unrolled
          case 1:
            order = find_left_of<1>(price, size, first, end, order);
            break;
          case 2:
            order = find_left_of<2>(price, size, first, end, order);
            break;
          case 3:
            order = find_left_of<3>(price, size, first, end, order);
            break;
          case 4:
            order = find_left_of<4>(price, size, first, end, order);
            break;
          case 5:
            order = find_left_of<5>(price, size, first, end, order);
            break;
          case 6:
            order = find_left_of<6>(price, size, first, end, order);
            break;
          case 7:
            order = find_left_of<7>(price, size, first, end, order);
            break;
          default:
            order = find_left_of<0>(price, size, first, end, order);
        }
        first = end;
      }
    }
  }
  // Likewise of `first` to `end`, columns of one length: `kSize`, where it is not 0.
  template <std::size_t kSize>
  const std::int32_t* find_left_of(std::span<const double> price, std::size_t length, std::size_t first,
                                   std::size_t end, const std::int32_t* order) {
    const std::size_t size = kSize > 0 ? kSize : length;
    for (std::size_t i = first; i < end; ++i, order += size) {
      double left = gain_[i];
      for (std::size_t m = 0; m < size; ++m) left -= price[static_cast<std::size_t>(order[m])];
      left_[static_cast<std::size_t>(column_[i])] = left;
    }
    return order;
  }

  const Model& model_;
  std::vector<std::size_t> end_;  // (longest + 1,) in column_, of the columns with so many orders
  std::vector<std::int32_t> column_;
  std::vector<double> gain_;         // as column_
  std::vector<std::int32_t> order_;  // of the columns, as column_
  std::vector<double> left_;         // (columns,) in the model's order
};

}  // namespace

Descent descend(const Model& model, std::span<const double> order_price, std::int64_t target, std::int64_t passes,
                double scale, Work& work) {
  const auto n = order_price.size();
  Descent result;
  result.order_price.assign(order_price.begin(), order_price.end());
  result.picks.assign(model.gain.size(), 0);
  std::vector<double> price = result.order_price;
  std::vector<double> slope(n);
  std::vector<double> direction(n, 0.0);
  PricedColumns columns(model);
  const auto goal = static_cast<double>(target);
  int stale = 0;
  for (; result.passes < passes && !work.spent(); ++result.passes) {
    const double value = columns.evaluate(price, slope, result.picks, work);
    work.add(model.members() + std::int64_t{4} * model.n_orders + model.n_couriers);
    if (result.passes == 0 || value < result.bound * (1.0 - 1e-9)) {
      result.bound = value;
      result.order_price = price;
      stale = 0;
      scale = std::min(scale * kGrow, kLargestScale);
      if (value <= goal) break;
    } else if (++stale >= kPatience) {
      stale = 0;
      scale *= kShrink;
      price = result.order_price;
      std::fill(direction.begin(), direction.end(), 0.0);
      if (scale < kSmallestScale) break;
      continue;
    }
    double slope_direction = 0.0;
    double direction_norm = 0.0;
    for (std::size_t o = 0; o < n; ++o) {
      if (price[o] <= 0.0 && slope[o] > 0.0) slope[o] = 0.0;
      slope_direction += slope[o] * direction[o];
      direction_norm += direction[o] * direction[o];
    }
    const double keep = slope_direction < 0.0 ? -kDeflection * slope_direction / direction_norm : 0.0;
    double norm = 0.0;
    for (std::size_t o = 0; o < n; ++o) {
      direction[o] = slope[o] + keep * direction[o];
      norm += direction[o] * direction[o];
    }
    if (norm == 0.0) break;
    const double step = scale * std::max(value - goal, 1.0) / norm;
    for (std::size_t o = 0; o < n; ++o) price[o] = std::max(0.0, price[o] - step * direction[o]);
  }
  result.scale = scale;
  return result;
}

PriceSearch::PriceSearch(const Model& model, Prices start)
    : model_(model), best_(std::move(start)), point_(best_.row.begin(), best_.row.begin() + model.n_orders) {}

std::vector<std::int32_t> PriceSearch::smallest(const Prices& prices, const Packing& keep, Work& work) const {
  const auto n_columns = static_cast<std::size_t>(model_.columns());
  std::vector<std::int64_t> reduced(n_columns);
  for (std::size_t k = 0; k < n_columns; ++k) reduced[k] = reduced_cost(model_, prices, static_cast<std::int32_t>(k));
  work.add(2 * model_.members());
  for (const auto k : keep.columns) reduced[static_cast<std::size_t>(k)] = -1;
  const auto size = std::min(n_columns, static_cast<std::size_t>(std::max(2000, 8 * model_.rows())));
  auto order = reduced;
  std::int64_t edge = std::numeric_limits<std::int64_t>::max();
  if (size < n_columns) {
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(size), order.end());
    edge = order[size];
  }
  std::vector<std::int32_t> columns;
  for (std::size_t k = 0; k < n_columns && columns.size() < 2 * size; ++k) {
    if (reduced[k] < edge || reduced[k] == 0) columns.push_back(static_cast<std::int32_t>(k));
  }
  return columns;
}

std::vector<std::int32_t> PriceSearch::core(const Packing& keep, Work& work) const {
  return smallest(best_, keep, work);
}

void PriceSearch::run(const Packing& best, std::int64_t passes, Work& work) {
  const auto n_columns = model_.gain.size();
  if (core_.empty()) core_ = smallest(best_, best, work);
  const bool whole = core_.size() == n_columns;
  const auto core = whole ? Model{} : restrict_to(model_, core_);
  work.add(core.members() * 2);
  auto found = descend(whole ? model_ : core, point_, best.gain, passes, scale_, work);
  scale_ = std::max(found.scale, 0.01);
  auto exact = exact_prices(model_, found.order_price, work);
  const auto core_prices = whole ? Prices{} : exact_prices(core, found.order_price, work);
  const auto& next = whole ? exact : core_prices;
  point_.assign(next.row.begin(), next.row.begin() + model_.n_orders);
  work.add(2 * model_.members());
  if (exact.sum < best_.sum) best_ = std::move(exact);
  if (whole) return;
  if (core_.size() > kLargestCore * static_cast<std::size_t>(std::max(2000, 8 * model_.rows()))) {
    core_ = smallest(best_, best, work);
    point_.assign(best_.row.begin(), best_.row.begin() + model_.n_orders);
    return;
  }
  add_violated(core_prices, work);
}

// Adds to the core, for every row, the columns outside that its prices leave most underpaid.
void PriceSearch::add_violated(const Prices& prices, Work& work) {
  std::vector<std::pair<std::int64_t, std::int32_t>> violated;
  for (std::int32_t k = 0; k < model_.columns(); ++k) {
    if (k % 1024 == 0) work.check();
    const auto reduced = reduced_cost(model_, prices, k);
    if (reduced < 0) violated.emplace_back(reduced, k);
  }
  work.add(model_.members() + 16 * static_cast<std::int64_t>(violated.size()));
  std::sort(violated.begin(), violated.end());
  std::vector<int> added(static_cast<std::size_t>(model_.rows()), 0);
  const auto before = static_cast<std::ptrdiff_t>(core_.size());
  for (const auto& [reduced, k] : violated) {
    const auto rows = model_.rows_of(k);
    if (std::all_of(rows.begin(), rows.end(),
                    [&](std::int32_t r) { return added[static_cast<std::size_t>(r)] >= kAddedPerRow; })) {
      continue;
    }
    for (const auto r : rows) ++added[static_cast<std::size_t>(r)];
    core_.push_back(k);
  }
  std::sort(core_.begin() + before, core_.end());
  std::inplace_merge(core_.begin(), core_.begin() + before, core_.end());
  core_.erase(std::unique(core_.begin(), core_.end()), core_.end());
}

}  // namespace matcher::packing
