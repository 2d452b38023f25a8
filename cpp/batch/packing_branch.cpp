// The end of a dive, as a tree: where few columns are open, fixing a wrong one costs the bound most, and going back
// costs least. Depth first; a node fixes what is sure, or else the columns picked most, and its other branch leaves out
// the one of them that was picked least.
#include <algorithm>
#include <utility>

#include "batch/packing_model.h"

namespace matcher::packing {
namespace {

constexpr std::int64_t kPasses = 15;
constexpr std::int64_t kNodes = 60;
constexpr double kSure = 0.95;     // share of picks
constexpr double kAtLeast = 0.03;  // of the columns that were picked at all
constexpr double kNoise = 0.02;

class Tree {
 public:
  Tree(const Model& model, std::vector<double> order_price, std::int64_t target, Random& random, Work& work)
      : model_(model),
        random_(random),
        work_(work),
        best_{.columns = {}, .gain = target},
        taken_(static_cast<std::size_t>(model.rows()), false) {
    Branch root{.open = {}, .order_price = std::move(order_price), .fixed = 0};
    for (std::int32_t k = 0; k < model.columns(); ++k) root.open.push_back(k);
    branches_.push_back(std::move(root));
  }

  // The best packing that gains more than the target, or an empty one.
  Packing search() {
    bool improved = false;
    while (!branches_.empty() && nodes_ < kNodes && !work_.spent()) {
      Branch branch = std::move(branches_.back());
      branches_.pop_back();
      release(branch.fixed);
      while (nodes_ < kNodes && !work_.spent() && !branch.open.empty() && advance(branch)) {
      }
      if (branch.open.empty() && gain_ > best_.gain) {
        best_ = {.columns = path_, .gain = gain_};
        improved = true;
      }
    }
    return improved ? std::move(best_) : Packing{};
  }

 private:
  struct Branch {
    std::vector<std::int32_t> open;
    std::vector<double> order_price;
    std::size_t fixed;  // columns of the path
  };

  // One node. False if nothing below it gains more than the best.
  bool advance(Branch& branch) {
    ++nodes_;
    const auto part = part_of(model_, branch.open);
    work_.add(6 * part.model.members());
    std::vector<double> price;
    price.reserve(static_cast<std::size_t>(part.model.n_orders));
    for (std::int32_t o = 0; o < part.model.n_orders; ++o) {
      price.push_back(branch.order_price[static_cast<std::size_t>(part.row[static_cast<std::size_t>(o)])]);
    }
    const auto goal = std::max<std::int64_t>(best_.gain - gain_, 0);
    const auto found = descend(part.model, price, goal, kPasses, 1.0, work_);
    const double slack = found.bound - static_cast<double>(goal);
    if (slack < 0.5) return false;  // gains are whole
    for (std::size_t o = 0; o < price.size(); ++o) {
      branch.order_price[static_cast<std::size_t>(part.row[o])] = found.order_price[o];
    }
    rank(part.model, found, slack, branch.open);
    if (branch.open.empty()) return true;
    fix(branch);
    std::erase_if(branch.open, [&](std::int32_t k) { return !is_open(k); });
    return true;
  }

  // Drops open columns that lose more than the slack; finds those that lose as much when left out, or are picked nearly
  // always, and ranks the rest by picks.
  void rank(const Model& part, const Descent& found, double slack, std::vector<std::int32_t>& open) {
    sure_.clear();
    ranked_.clear();
    std::vector<double> left;  // of a column's gain under the prices
    std::size_t kept = 0;
    for (std::size_t c = 0; c < static_cast<std::size_t>(part.n_couriers); ++c) {
      const auto begin = part.of_courier[c];
      const auto end = part.of_courier[c + 1];
      left.clear();
      double first = 0.0;
      double second = 0.0;
      std::int32_t best = -1;
      for (auto k = begin; k < end; ++k) {
        auto rest = static_cast<double>(part.gain[static_cast<std::size_t>(k)]);
        for (const auto o : part.orders_of(k)) rest -= found.order_price[static_cast<std::size_t>(o)];
        left.push_back(rest);
        if (rest > first) {
          second = first;
          first = rest;
          best = k;
        } else {
          second = std::max(second, rest);
        }
      }
      for (auto k = begin; k < end; ++k) {
        if (first - left[static_cast<std::size_t>(k - begin)] > slack) continue;
        const auto column = open[static_cast<std::size_t>(k)];
        const double share = static_cast<double>(found.picks[static_cast<std::size_t>(k)]) /
                             static_cast<double>(std::max<std::int64_t>(found.passes, 1));
        if (share >= kSure || (k == best && first - second > slack)) sure_.push_back(column);
        if (share > 0.0) ranked_.emplace_back(kNoise * random_.uniform() - share, column);
        open[kept++] = column;
      }
    }
    open.resize(kept);
  }

  void fix(const Branch& branch) {
    const auto before = path_.size();
    for (const auto k : sure_) {
      if (is_open(k)) take(k);
    }
    if (path_.size() > before) return;
    std::sort(ranked_.begin(), ranked_.end());
    const auto enough = static_cast<std::size_t>(kAtLeast * static_cast<double>(ranked_.size())) + 1;
    for (const auto& [rank, k] : ranked_) {
      if (path_.size() == before + enough) break;
      if (is_open(k)) take(k);
    }
    if (path_.size() == before) take(branch.open.front());
    branches_.push_back({.open = branch.open, .order_price = branch.order_price, .fixed = before});
    std::erase(branches_.back().open, path_.back());
  }

  bool is_open(std::int32_t column) const {
    const auto rows = model_.rows_of(column);
    return std::none_of(rows.begin(), rows.end(), [&](std::int32_t r) { return taken_[static_cast<std::size_t>(r)]; });
  }

  void take(std::int32_t column) {
    for (const auto row : model_.rows_of(column)) taken_[static_cast<std::size_t>(row)] = true;
    path_.push_back(column);
    gain_ += model_.gain[static_cast<std::size_t>(column)];
  }

  // Takes back all but the first columns of the path.
  void release(std::size_t kept) {
    for (; path_.size() > kept; path_.pop_back()) {
      for (const auto row : model_.rows_of(path_.back())) taken_[static_cast<std::size_t>(row)] = false;
      gain_ -= model_.gain[static_cast<std::size_t>(path_.back())];
    }
  }

  const Model& model_;
  Random& random_;
  Work& work_;
  Packing best_;
  std::vector<bool> taken_;
  std::vector<std::int32_t> path_;
  std::int64_t gain_ = 0;  // of the path
  std::int64_t nodes_ = 0;
  std::vector<Branch> branches_;
  std::vector<std::int32_t> sure_;
  std::vector<std::pair<double, std::int32_t>> ranked_;
};

}  // namespace

Packing branch(const Model& model, std::span<const std::int32_t> open, std::span<const double> order_price,
               std::int64_t target, Random& random, Work& work) {
  const auto part = part_of(model, open);
  work.add(4 * part.model.members());
  std::vector<double> price;
  price.reserve(static_cast<std::size_t>(part.model.n_orders));
  for (std::int32_t o = 0; o < part.model.n_orders; ++o) {
    price.push_back(order_price[static_cast<std::size_t>(part.row[static_cast<std::size_t>(o)])]);
  }
  auto found = Tree(part.model, std::move(price), target, random, work).search();
  for (auto& k : found.columns) k = open[static_cast<std::size_t>(k)];
  std::sort(found.columns.begin(), found.columns.end());
  return found;
}

}  // namespace matcher::packing
