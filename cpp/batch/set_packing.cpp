#include "matcher/set_packing.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
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

// Packings in terms of a core and of the model it was taken from.
Packing to_core(const Packing& packing, const std::vector<std::int32_t>& core) {
  Packing result{.columns = {}, .gain = packing.gain};
  for (const auto k : packing.columns) {
    const auto at = std::lower_bound(core.begin(), core.end(), k) - core.begin();
    result.columns.push_back(static_cast<std::int32_t>(at));
  }
  return result;
}
Packing from_core(const Packing& packing, const std::vector<std::int32_t>& core) {
  Packing result{.columns = {}, .gain = packing.gain};
  for (const auto k : packing.columns) result.columns.push_back(core[static_cast<std::size_t>(k)]);
  return result;
}

constexpr double kFirstPrices = 0.25;        // of the budget, at most, for prices in the first round
constexpr double kPrices = 0.333;            // and in each later one
constexpr std::int64_t kPackings = 2;        // the budget over what neighbourhoods may use of it in a round
constexpr std::int64_t kFirstPackings = 10;  // and in the first one, whose prices are poor
constexpr std::int64_t kSlices = 16;         // the budget over what one kind of neighbourhood may use at a time
constexpr int kFirstDives = 2;
constexpr int kDives = 4;  // in each later round
constexpr int kWhole = 1;  // the one over all columns, which little work may not end

// Small neighbourhoods or large ones, at most `slice` visits at a time: whichever gained more for its work when it last
// had a turn. Small ones are what improves a market's cycle and large ones what improves a random packing. Where large
// ones have gained (`large_gains`, also in earlier rounds) and neither kind does now, other packings are made and
// crossed; elsewhere better prices are worth more than those.
void search_neighbourhoods(packing::LocalSearch& local_search, std::size_t small_rows, std::int64_t patience,
                           std::int64_t visits, std::int64_t slice, bool& large_gains, packing::Random& random,
                           Work& work) {
  struct Kind {
    double rate = std::numeric_limits<double>::infinity();  // gain per visit
    bool over = false;
  };
  Kind small;
  Kind large;
  const auto end = work.done() + visits;
  while (work.done() < end && !work.spent()) {
    const auto before = local_search.gain();
    const auto started = work.done();
    const auto granted = std::min(end - started, slice);
    if (small.over && large.rate == 0.0 && large_gains) {
      local_search.renew(granted, random, work);
      if (local_search.gain() > before) small = large = {};
      continue;
    }
    if (small.over && large.over) return;
    const bool try_large = small.over || (!large.over && large.rate > small.rate);
    bool ended = true;
    if (try_large) {
      ended = local_search.rebuild(granted, random, work);
    } else {
      local_search.run(small_rows, patience, granted, random, work);
    }
    auto& kind = try_large ? large : small;
    const auto gained = local_search.gain() - before;
    kind.rate = static_cast<double>(gained) / static_cast<double>(work.done() - started + 1);
    kind.over |= gained == 0 && ended;
    large_gains |= try_large && gained > 0;
  }
}

// Rounds of prices, packing and proof until they meet or the work is used up.
void improve(const Model& model, Search& result, Work& work) {
  packing::PriceSearch price_search(model, result.prices);
  packing::Random random;
  bool large_gains = false;
  const auto budget = work.left();
  auto share = 16 * model.members() + Work::kUnit;
  const auto proven = [&] {
    const auto bound = packing::prove(model, result.prices, result.best, share / 2, work);
    result.bound = std::min(result.bound, bound);
    return result.bound <= result.best.gain;
  };
  for (int round = 0; !work.spent(); ++round) {
    const auto used = work.done();
    for (int descents = 0; !work.spent(); ++descents) {
      const auto before = price_search.best().sum;
      price_search.run(result.best, 50, work);
      const auto after = price_search.best().sum;
      if (after <= result.best.gain) break;
      // A share for prices that still fall; the packing needs good prices, but only good ones.
      if (descents >= (round == 0 ? 3 : 0) && before - after <= (after - result.best.gain) / 100) break;
      const auto most = static_cast<double>(budget) * (round == 0 ? kFirstPrices : kPrices);
      if (work.done() - used > std::max(share, static_cast<std::int64_t>(most))) break;
    }
    result.prices = price_search.best();
    result.bound = std::min(result.bound, result.prices.sum);
    if (proven()) return;
    const auto columns = price_search.core(result.best, work);
    const auto core = packing::restrict_to(model, columns);
    packing::LocalSearch local_search(core, result.prices, work);
    work.add(8 * core.members());
    const auto rows = std::min<std::size_t>(60 + 8 * static_cast<std::size_t>(round), packing::LocalSearch::kMostRows);
    const auto visits = std::max(share, budget / (round == 0 ? kFirstPackings : kPackings));
    local_search.load(to_core(result.best, columns));
    for (int i = 0; i < (round == 0 ? kFirstDives : kDives) && !work.spent(); ++i)
      local_search.restart(i == kWhole, random, work);
    search_neighbourhoods(local_search, rows, core.rows(), visits, std::max(share, budget / kSlices), large_gains,
                          random, work);
    const auto found = local_search.packing();
    if (found.gain > result.best.gain) result.best = from_core(found, columns);
    if (proven()) return;
    share += share / 4;
  }
}

Search search(const Model& model, const PackingProblem& problem, const PackingOptions& options, Work& work) {
  auto singles = packing::assign_singles(model, work);
  Search result{.best = std::move(singles.packing),
                .prices = packing::exact_prices(model, std::move(singles.order_price), work),
                .bound = 0};
  result.bound = result.prices.sum;
  if (result.bound == result.best.gain) return result;

  if (!options.order_price.empty() || !options.courier_price.empty()) {
    auto warm = packing::exact_prices(model, warm_prices(model, problem, options), work);
    if (warm.sum < result.prices.sum) result.prices = std::move(warm);
  }
  if (!work.spent()) {
    auto greedy = packing::take_greedily(model, work);
    if (greedy.gain > result.best.gain) result.best = std::move(greedy);
  }
  improve(model, result, work);
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

PackingSolution solve_packing(const PackingProblem& problem, const PackingOptions& options) try {
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
  Work work(std::max<std::int64_t>(options.max_iterations, 0), options.cancelled);
  const auto model = packing::make_model(problem, work);
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
} catch (const Cancelled&) {
  PackingSolution nothing;
  nothing.status = PackingStatus::kCancelled;
  return nothing;
}

}  // namespace matcher
