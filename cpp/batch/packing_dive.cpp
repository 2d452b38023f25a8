// Packings from scratch. Diving: the average of the couriers' picks during a descent approaches a solution of the
// linear relaxation. Columns picked nearly always are fixed, the rest is priced anew.
#include <algorithm>
#include <utility>

#include "batch/packing_model.h"

namespace matcher::packing {
namespace {

constexpr std::int64_t kPasses = 40;
constexpr double kNearlyAlways = 0.9;
constexpr double kAtLeast = 0.05;  // of the columns that were picked at all
constexpr double kNoise = 0.1;     // on the share of picks, so that dives differ

}  // namespace

Packing take_greedily(const Model& model, Work& work) {
  std::vector<std::pair<double, std::int32_t>> ranked(static_cast<std::size_t>(model.columns()));
  std::vector<bool> taken(static_cast<std::size_t>(model.rows()));
  Packing best;
  for (const bool per_order : {false, true}) {
    for (std::int32_t k = 0; k < model.columns(); ++k) {
      const auto gain = static_cast<double>(model.gain[static_cast<std::size_t>(k)]);
      ranked[static_cast<std::size_t>(k)] = {per_order ? -gain / static_cast<double>(model.orders_of(k).size()) : -gain,
                                             k};
    }
    std::sort(ranked.begin(), ranked.end(), [&](const auto& a, const auto& b) {
      work.check();  // a hundred thousand columns take longer than a cancelled caller should
      return a < b;
    });
    work.add(4 * model.members());
    std::fill(taken.begin(), taken.end(), false);
    Packing packing;
    for (const auto& [rank, k] : ranked) {
      const auto rows = model.rows_of(k);
      if (std::any_of(rows.begin(), rows.end(), [&](std::int32_t r) { return taken[static_cast<std::size_t>(r)]; })) {
        continue;
      }
      for (const auto row : rows) taken[static_cast<std::size_t>(row)] = true;
      packing.columns.push_back(k);
      packing.gain += model.gain[static_cast<std::size_t>(k)];
    }
    if (packing.gain > best.gain) best = std::move(packing);
  }
  std::sort(best.columns.begin(), best.columns.end());
  return best;
}

Packing dive(const Model& model, const Prices& prices, Random& random, Work& work) {
  Packing packing;
  std::vector<bool> taken(static_cast<std::size_t>(model.rows()), false);
  const auto is_open = [&](const Model& of, std::int32_t k) {
    const auto rows = of.rows_of(k);
    return std::none_of(rows.begin(), rows.end(), [&](std::int32_t r) { return taken[static_cast<std::size_t>(r)]; });
  };
  std::vector<double> price(prices.row.begin(), prices.row.begin() + model.n_orders);
  std::vector<std::int32_t> open(static_cast<std::size_t>(model.columns()));
  for (std::int32_t k = 0; k < model.columns(); ++k) open[static_cast<std::size_t>(k)] = k;
  while (!open.empty() && !work.spent()) {
    const auto part = restrict_to(model, open);
    work.add(4 * part.members());
    auto found = descend(part, price, 0, kPasses, 1.0, work);
    price = std::move(found.order_price);
    std::vector<std::pair<double, std::int32_t>> ranked;  // picked most first
    for (std::int32_t k = 0; k < part.columns(); ++k) {
      const auto picks = found.picks[static_cast<std::size_t>(k)];
      if (picks == 0) continue;
      const double share = static_cast<double>(picks) / static_cast<double>(std::max<std::int64_t>(found.passes, 1));
      ranked.emplace_back(kNoise * random.uniform() - share, k);
    }
    std::sort(ranked.begin(), ranked.end());
    const auto enough = static_cast<std::size_t>(kAtLeast * static_cast<double>(ranked.size())) + 1;
    std::size_t fixed = 0;
    for (const auto& [rank, k] : ranked) {
      if (fixed >= enough && -rank < kNearlyAlways) break;
      if (!is_open(part, k)) continue;
      for (const auto row : part.rows_of(k)) {
        taken[static_cast<std::size_t>(row)] = true;
        if (row < model.n_orders) price[static_cast<std::size_t>(row)] = 0.0;
      }
      packing.columns.push_back(part.origin[static_cast<std::size_t>(k)]);
      packing.gain += part.gain[static_cast<std::size_t>(k)];
      ++fixed;
    }
    if (fixed == 0) break;
    std::erase_if(open, [&](std::int32_t k) { return !is_open(model, k); });
  }
  std::sort(packing.columns.begin(), packing.columns.end());
  return packing;
}

}  // namespace matcher::packing
