// Depth-first proof. Against prices, a packing loses the reduced costs of its columns and the prices of the rows it
// leaves free, both non-negative; so a better packing is one that loses less than the best. Columns that alone lose as
// much are gone at once, what is left falls into components that do not touch, and each is searched by itself: take the
// row with the fewest affordable ways on, try them cheapest first.
#include <algorithm>
#include <numeric>
#include <utility>

#include "batch/packing_model.h"

namespace matcher::packing {
namespace {

class Forest {  // union-find
 public:
  explicit Forest(std::int32_t size) : parent_(static_cast<std::size_t>(size)) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  std::int32_t root(std::int32_t node) {
    while (parent_[static_cast<std::size_t>(node)] != node) {
      auto& up = parent_[static_cast<std::size_t>(node)];
      up = parent_[static_cast<std::size_t>(up)];
      node = up;
    }
    return node;
  }
  void join(std::int32_t a, std::int32_t b) {
    a = root(a);
    b = root(b);
    parent_[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
  }

 private:
  std::vector<std::int32_t> parent_;
};

struct Component {
  std::vector<std::int32_t> rows;  // with a price
  std::int64_t columns = 0;
  std::vector<std::int32_t> chosen;  // of the best packing known
  std::int64_t loss = 0;             // its loss
};

class ComponentSearch {
 public:
  ComponentSearch(const Model& model, const Prices& prices, const std::vector<std::int64_t>& reduced, Work& work)
      : model_(model),
        prices_(prices),
        reduced_(reduced),
        work_(work),
        taken_(static_cast<std::size_t>(model.rows()), false) {}

  // True if the component's best packing is proven; it is replaced where a better one is found.
  bool run(Component& component, std::int64_t end) {
    component_ = &component;
    end_ = end;
    path_.clear();
    const bool ended = descend(0);
    return ended;
  }

 private:
  bool affordable(std::int32_t column, std::int64_t left) {
    if (reduced_[static_cast<std::size_t>(column)] >= left) return false;
    const auto rows = model_.rows_of(column);
    work_.add(static_cast<std::int64_t>(rows.size()));
    return std::none_of(rows.begin(), rows.end(), [&](std::int32_t r) { return taken_[static_cast<std::size_t>(r)]; });
  }

  bool descend(std::int64_t loss) {
    if (loss >= component_->loss) return true;
    if (work_.done() >= end_ || path_.size() > kDeepest) return false;
    // The open row with the fewest ways on; a row with none loses its price.
    std::int32_t row = -1;
    std::size_t fewest = 0;
    for (const auto r : component_->rows) {
      if (taken_[static_cast<std::size_t>(r)]) continue;
      std::size_t ways = prices_.row[static_cast<std::size_t>(r)] < component_->loss - loss ? 1 : 0;
      for (const auto k : model_.columns_of(r)) {
        if (affordable(k, component_->loss - loss)) ++ways;
        if (row >= 0 && ways >= fewest) break;
      }
      if (row < 0 || ways < fewest) {
        row = r;
        fewest = ways;
        if (ways == 0) return true;
        if (ways == 1) break;
      }
    }
    if (row < 0) {
      component_->loss = loss;
      component_->chosen = path_;
      return true;
    }
    std::vector<std::pair<std::int64_t, std::int32_t>> ways;
    ways.emplace_back(prices_.row[static_cast<std::size_t>(row)], -1);
    for (const auto k : model_.columns_of(row)) {
      if (affordable(k, component_->loss - loss)) ways.emplace_back(reduced_[static_cast<std::size_t>(k)], k);
    }
    std::sort(ways.begin(), ways.end());
    bool ended = true;
    for (const auto& [price, column] : ways) {
      if (column < 0) {
        taken_[static_cast<std::size_t>(row)] = true;
        ended = descend(loss + price);
        taken_[static_cast<std::size_t>(row)] = false;
      } else {
        for (const auto r : model_.rows_of(column)) taken_[static_cast<std::size_t>(r)] = true;
        path_.push_back(column);
        ended = descend(loss + price);
        path_.pop_back();
        for (const auto r : model_.rows_of(column)) taken_[static_cast<std::size_t>(r)] = false;
      }
      if (!ended) return false;
    }
    return true;
  }

  static constexpr std::size_t kDeepest = 2000;  // of the call stack
  const Model& model_;
  const Prices& prices_;
  const std::vector<std::int64_t>& reduced_;
  Work& work_;
  std::vector<bool> taken_;  // row is covered, or decided to stay free
  std::vector<std::int32_t> path_;
  Component* component_ = nullptr;
  std::int64_t end_ = 0;
};

}  // namespace

std::int64_t prove(const Model& model, const Prices& prices, Packing& best, std::int64_t visits, Work& work) {
  const auto gap = prices.sum - best.gain;
  if (gap <= 0) return best.gain;
  const auto end = work.done() + std::min(visits, work.left());
  const auto n_columns = static_cast<std::size_t>(model.columns());
  const auto n_rows = static_cast<std::size_t>(model.rows());

  std::vector<bool> chosen(n_columns, false);
  for (const auto k : best.columns) chosen[static_cast<std::size_t>(k)] = true;
  std::vector<std::int64_t> reduced(n_columns);
  std::vector<bool> covered(n_rows, false);
  Forest forest(model.rows());
  work.add(2 * model.members());
  const auto in_play = [&](std::size_t k) { return reduced[k] < gap || chosen[k]; };
  for (std::int32_t k = 0; k < model.columns(); ++k) {
    reduced[static_cast<std::size_t>(k)] = reduced_cost(model, prices, k);
    if (!in_play(static_cast<std::size_t>(k))) continue;
    const auto rows = model.rows_of(k);
    for (const auto row : rows) {
      forest.join(rows.front(), row);
      if (chosen[static_cast<std::size_t>(k)]) covered[static_cast<std::size_t>(row)] = true;
    }
  }
  std::vector<Component> components(n_rows);
  for (std::int32_t r = 0; r < model.rows(); ++r) {
    const auto price = prices.row[static_cast<std::size_t>(r)];
    if (price == 0) continue;
    auto& component = components[static_cast<std::size_t>(forest.root(r))];
    component.rows.push_back(r);
    if (!covered[static_cast<std::size_t>(r)]) component.loss += price;
  }
  for (std::int32_t k = 0; k < model.columns(); ++k) {
    if (!in_play(static_cast<std::size_t>(k))) continue;
    auto& component = components[static_cast<std::size_t>(forest.root(model.rows_of(k).front()))];
    ++component.columns;
    if (chosen[static_cast<std::size_t>(k)]) {
      component.chosen.push_back(k);
      component.loss += reduced[static_cast<std::size_t>(k)];
    }
  }
  std::stable_sort(components.begin(), components.end(),
                   [](const Component& a, const Component& b) { return a.columns < b.columns; });

  ComponentSearch search(model, prices, reduced, work);
  std::int64_t proven_loss = 0;
  std::int64_t found_loss = 0;
  std::vector<std::int32_t> columns;
  for (auto& component : components) {
    // A component that does not end must not eat the share of the others.
    const auto share = work.done() + (end - work.done()) / 2;
    if (component.loss == 0 || search.run(component, component.columns == 0 ? end : share)) {
      proven_loss += component.loss;
    }
    found_loss += component.loss;
    columns.insert(columns.end(), component.chosen.begin(), component.chosen.end());
  }
  if (found_loss < gap) {
    std::sort(columns.begin(), columns.end());
    best.columns = std::move(columns);
    best.gain = prices.sum - found_loss;
  }
  return std::max(best.gain, prices.sum - proven_loss);
}

}  // namespace matcher::packing
