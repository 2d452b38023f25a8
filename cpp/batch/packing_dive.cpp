// Packings from scratch. Diving: the average of the couriers' picks during a descent approaches a solution of the
// linear relaxation. Columns picked nearly always are fixed, the rest is priced anew. The steps aim at the gain that is
// to be beaten, which ends most dives early and drops columns on the way. The few columns left at the end are searched
// as a tree (packing_branch.cpp): that is where dives lost most of what they lose against the bound.
#include <algorithm>
#include <utility>

#include "batch/packing_model.h"

namespace matcher::packing {
namespace {

constexpr std::int64_t kPasses = 20;
constexpr double kNearlyAlways = 0.9;
constexpr double kAtLeast = 0.03;  // of the columns that were picked at all
constexpr double kNoise = 0.1;     // on the share of picks, so that dives differ
constexpr double kFavour = 0.05;   // added to it for columns of the packing at hand
constexpr std::size_t kFew = 100;  // open columns from which on a tree is searched

// Columns whose reduced cost is more than `most`: with one of them, no packing comes closer to the bound of the prices.
std::vector<bool> beyond(const Model& model, std::span<const double> order_price, double most) {
  std::vector<bool> result(model.gain.size(), false);
  std::vector<double> unpaid;
  for (std::size_t c = 0; c < static_cast<std::size_t>(model.n_couriers); ++c) {
    const auto first = model.of_courier[c];
    unpaid.clear();
    double best = 0.0;
    for (auto k = first; k < model.of_courier[c + 1]; ++k) {
      auto left = static_cast<double>(model.gain[static_cast<std::size_t>(k)]);
      for (const auto o : model.orders_of(k)) left -= order_price[static_cast<std::size_t>(o)];
      unpaid.push_back(left);
      best = std::max(best, left);
    }
    for (std::size_t i = 0; i < unpaid.size(); ++i) {
      if (best - unpaid[i] > most) result[static_cast<std::size_t>(first) + i] = true;
    }
  }
  return result;
}

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

Packing dive(const Model& model, std::vector<std::int32_t> open, std::span<const double> order_price,
             std::int64_t target, std::span<const std::int32_t> owner, Random& random, Work& work) {
  Packing packing;
  std::vector<bool> taken(static_cast<std::size_t>(model.rows()), false);
  const auto is_open = [&](std::int32_t k) {
    const auto rows = model.rows_of(k);
    return std::none_of(rows.begin(), rows.end(), [&](std::int32_t r) { return taken[static_cast<std::size_t>(r)]; });
  };
  std::vector<double> price(order_price.begin(), order_price.end());
  std::vector<double> part_price;
  std::vector<std::pair<double, std::int32_t>> ranked;  // picked most first
  const auto favour = [&](std::int32_t k) {
    return !owner.empty() && owner[static_cast<std::size_t>(model.rows_of(k).back())] == k ? kFavour : 0.0;
  };
  while (!open.empty() && !work.spent()) {
    if (open.size() <= kFew) {
      const auto rest = branch(model, open, price, std::max<std::int64_t>(target - packing.gain, 0), random, work);
      packing.columns.insert(packing.columns.end(), rest.columns.begin(), rest.columns.end());
      packing.gain += rest.gain;
      break;
    }
    const auto part = part_of(model, open);
    work.add(4 * part.model.members());
    part_price.clear();
    for (std::int32_t o = 0; o < part.model.n_orders; ++o) {
      part_price.push_back(price[static_cast<std::size_t>(part.row[static_cast<std::size_t>(o)])]);
    }
    const auto goal = std::max<std::int64_t>(target - packing.gain, 0);
    const auto found = descend(part.model, part_price, goal, kPasses, 1.0, work);
    if (found.bound <= static_cast<double>(goal)) break;
    for (std::size_t o = 0; o < part_price.size(); ++o) {
      price[static_cast<std::size_t>(part.row[o])] = found.order_price[o];
    }
    ranked.clear();
    for (std::size_t k = 0; k < open.size(); ++k) {
      if (found.picks[k] == 0) continue;
      const double share = static_cast<double>(found.picks[k]) / static_cast<double>(found.passes);
      ranked.emplace_back(kNoise * random.uniform() - share - favour(open[k]), open[k]);
    }
    std::sort(ranked.begin(), ranked.end());
    const auto enough = static_cast<std::size_t>(kAtLeast * static_cast<double>(ranked.size())) + 1;
    std::size_t fixed = 0;
    for (const auto& [rank, k] : ranked) {
      if (fixed >= enough && -rank < kNearlyAlways) break;
      if (!is_open(k)) continue;
      for (const auto row : model.rows_of(k)) taken[static_cast<std::size_t>(row)] = true;
      packing.columns.push_back(k);
      packing.gain += model.gain[static_cast<std::size_t>(k)];
      ++fixed;
    }
    if (fixed == 0) break;
    const auto hopeless = beyond(part.model, found.order_price, found.bound - static_cast<double>(goal));
    std::size_t kept = 0;
    for (std::size_t k = 0; k < open.size(); ++k) {
      if (!hopeless[k] && is_open(open[k])) open[kept++] = open[k];
    }
    open.resize(kept);
  }
  std::sort(packing.columns.begin(), packing.columns.end());
  return packing;
}

}  // namespace matcher::packing
