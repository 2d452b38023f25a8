#include "matcher/set_packing.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "batch/packing_model.h"

namespace matcher {
namespace {

using packing::Model;
using packing::Packing;
using packing::Prices;
using packing::Work;

constexpr std::int64_t kLargestSum = std::int64_t{1} << 62;

// Whether any sum the solver forms could leave 64 bits.
bool too_large(const PackingProblem& problem) {
  std::int64_t largest = 1;
  for (const auto wait : problem.wait) largest = std::max(largest, wait);
  for (std::size_t k = 0; k < problem.cost.size(); ++k) {
    if (problem.cost[k] > kLargestSum || problem.cost[k] < -kLargestSum) return true;
    largest = std::max(largest, std::abs(problem.cost[k]));
    std::int64_t gain = -problem.cost[k];
    for (auto i = problem.ptr[k]; i < problem.ptr[k + 1]; ++i) {
      const auto wait = problem.wait[static_cast<std::size_t>(problem.order[static_cast<std::size_t>(i)])];
      if (__builtin_add_overflow(gain, wait, &gain)) return true;
    }
    largest = std::max(largest, gain < 0 ? -(gain + 1) : gain);
  }
  const auto terms = std::int64_t{problem.n_orders} + problem.n_couriers + 1;
  std::int64_t sum = 0;
  return __builtin_mul_overflow(largest, terms, &sum) || sum >= kLargestSum;
}

// Order prices of an earlier solve as prices of rows; where unknown, what the courier prices leave of the best gain.
std::vector<std::int64_t> warm_prices(const Model& model, const PackingProblem& problem,
                                      const PackingOptions& options) {
  std::vector<std::int64_t> price(static_cast<std::size_t>(model.n_orders), 0);
  for (std::int32_t o = 0; o < model.n_orders; ++o) {
    const auto at = static_cast<std::size_t>(o);
    const auto given = options.order_price.empty() ? kUnknownPrice : options.order_price[at];
    if (given != kUnknownPrice) {
      // wait - given, within [0, most] without overflow.
      const auto wait = problem.wait[at];
      price[at] = given >= wait ? 0 : given < wait - model.most[at] ? model.most[at] : wait - given;
      continue;
    }
    for (const auto k : model.columns_of(o)) {
      if (model.rows_of(k).size() != 2) continue;
      const auto courier = static_cast<std::size_t>(model.rows_of(k)[1] - model.n_orders);
      const auto taken = options.courier_price.empty() ? 0 : std::max<std::int64_t>(options.courier_price[courier], 0);
      const auto gain = model.gain[static_cast<std::size_t>(k)];
      if (taken < gain) price[at] = std::max(price[at], gain - taken);
    }
  }
  return price;
}

// The best packing, prices and bound; bound >= best.gain.
struct Search {
  Packing best;
  Prices prices;
  std::int64_t bound = 0;
};

Search search(const Model& model, const PackingProblem& problem, const PackingOptions& options, Work& work) {
  auto singles = packing::assign_singles(model, work);
  Search result{.best = std::move(singles.packing),
                .prices = packing::exact_prices(model, std::move(singles.order_price)),
                .bound = 0};
  result.bound = result.prices.sum;
  if (result.bound == result.best.gain) return result;

  if (!options.order_price.empty() || !options.courier_price.empty()) {
    auto warm = packing::exact_prices(model, warm_prices(model, problem, options));
    if (warm.sum < result.prices.sum) result.prices = std::move(warm);
  }
  std::vector<std::int64_t> start(result.prices.row.begin(), result.prices.row.begin() + model.n_orders);
  packing::PriceDescent descent(model, start);
  packing::Annealer annealer(model);
  annealer.offer(result.best);
  // Small problems are proven within the first rounds; large ones get rounds long enough to anneal well.
  for (auto share = 16 * model.members() + Work::kUnit; !work.spent(); share += share / 2) {
    descent.run(result.best.gain, 100, work);
    result.prices = descent.best();
    annealer.run(result.prices, share, work);
    result.best = annealer.best();
    const auto proven = packing::prove(model, result.prices, result.best, share / 2, work);
    annealer.offer(result.best);
    result.bound = std::min({result.bound, result.prices.sum, proven});
    if (result.bound <= result.best.gain) break;
  }
  return result;
}

}  // namespace

PackingFault check_packing(const PackingProblem& problem, std::int64_t& at) {
  at = -1;
  if (problem.n_orders < 0 || problem.n_couriers < 0) return PackingFault::kNegativeCount;
  const auto n_columns = problem.courier.size();
  if (problem.ptr.size() != n_columns + 1 || problem.cost.size() != n_columns || problem.ptr[0] != 0 ||
      problem.wait.size() != static_cast<std::size_t>(problem.n_orders) ||
      static_cast<std::size_t>(problem.ptr[n_columns]) != problem.order.size()) {
    return PackingFault::kArrayLengths;
  }
  for (std::size_t o = 0; o < problem.wait.size(); ++o) {
    at = static_cast<std::int64_t>(o);
    if (problem.wait[o] < 0) return PackingFault::kNegativeWait;
  }
  std::vector<std::int32_t> last(problem.wait.size(), -1);  // column in which an order was last seen
  for (std::size_t k = 0; k < n_columns; ++k) {
    at = static_cast<std::int64_t>(k);
    const auto first = problem.ptr[k];
    const auto end = problem.ptr[k + 1];
    if (end < first || static_cast<std::size_t>(end) > problem.order.size()) return PackingFault::kPointerOrder;
    if (end == first) return PackingFault::kEmptyColumn;
    if (problem.courier[k] < 0 || problem.courier[k] >= problem.n_couriers) return PackingFault::kCourierRange;
    for (auto i = first; i < end; ++i) {
      const auto order = problem.order[static_cast<std::size_t>(i)];
      if (order < 0 || order >= problem.n_orders) return PackingFault::kOrderRange;
      auto& seen = last[static_cast<std::size_t>(order)];
      if (seen == static_cast<std::int32_t>(k)) return PackingFault::kOrderTwice;
      seen = static_cast<std::int32_t>(k);
    }
  }
  at = -1;
  return PackingFault::kNone;
}

PackingSolution solve_packing(const PackingProblem& problem, const PackingOptions& options) {
  PackingSolution solution;
  std::int64_t at = 0;
  if (check_packing(problem, at) != PackingFault::kNone) {
    solution.status = PackingStatus::kInvalid;
    return solution;
  }
  if (too_large(problem)) {
    solution.status = PackingStatus::kOverflow;
    return solution;
  }
  const auto model = packing::make_model(problem);
  Work work(std::max<std::int64_t>(options.max_iterations, 0));
  const auto found = search(model, problem, options, work);

  std::int64_t nothing = 0;  // what choosing no column costs
  solution.order_price.resize(problem.wait.size());
  for (std::size_t o = 0; o < problem.wait.size(); ++o) {
    nothing += problem.wait[o];
    solution.order_price[o] = problem.wait[o] - found.prices.row[o];
  }
  solution.courier_price.assign(found.prices.row.begin() + model.n_orders, found.prices.row.end());
  for (const auto k : found.best.columns) solution.chosen.push_back(model.origin[static_cast<std::size_t>(k)]);
  std::sort(solution.chosen.begin(), solution.chosen.end());
  solution.total = nothing - found.best.gain;
  solution.lower_bound = nothing - found.bound;
  solution.price_bound = nothing - found.prices.sum;
  solution.status = solution.lower_bound == solution.total ? PackingStatus::kOptimal : PackingStatus::kStopped;
  solution.iterations = work.iterations();
  return solution;
}

}  // namespace matcher
