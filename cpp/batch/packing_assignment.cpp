// Shortest augmenting paths over the columns with one order. Rows start priced at their best gain and couriers free of
// charge, so reduced costs are non-negative from the start; each search ends at a free courier or at an order whose
// whole price has been used up, which then stays out.
#include <algorithm>
#include <functional>
#include <limits>
#include <queue>
#include <utility>

#include "batch/packing_model.h"

namespace matcher::packing {
namespace {

constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();

struct Search {
  const Model& model;
  Work& work;
  std::vector<std::int64_t> order_price;
  std::vector<std::int64_t> courier_price;
  std::vector<std::int32_t> column_of_order;   // chosen column or -1
  std::vector<std::int32_t> order_of_courier;  // or -1
  std::vector<std::int64_t> distance;          // to couriers, kFar if not reached
  std::vector<std::int32_t> via;               // column by which a courier was reached
  std::vector<std::int32_t> reached;           // couriers with a distance
  std::vector<std::pair<std::int32_t, std::int64_t>> settled_orders;

  std::int32_t courier_of(std::int32_t column) const { return model.rows_of(column)[1] - model.n_orders; }

  void augment(std::int32_t root);
};

void Search::augment(std::int32_t root) {
  using Entry = std::pair<std::int64_t, std::int32_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap;
  for (const auto c : reached) distance[static_cast<std::size_t>(c)] = kFar;
  reached.clear();
  settled_orders.clear();

  std::int64_t end_distance = kFar;  // shortest way to an end
  std::int32_t end_courier = -1;     // free courier at the end, or
  std::int32_t end_order = -1;       // order that drops out
  const auto scan = [&](std::int32_t o, std::int64_t at) {
    settled_orders.emplace_back(o, at);
    if (at + order_price[static_cast<std::size_t>(o)] < end_distance) {
      end_distance = at + order_price[static_cast<std::size_t>(o)];
      end_order = o;
      end_courier = -1;
    }
    const auto columns = model.columns_of(o);
    work.add(static_cast<std::int64_t>(columns.size()));
    for (const auto k : columns) {
      if (model.rows_of(k).size() != 2) continue;
      const auto c = courier_of(k);
      const auto length = at + order_price[static_cast<std::size_t>(o)] + courier_price[static_cast<std::size_t>(c)] -
                          model.gain[static_cast<std::size_t>(k)];
      auto& best = distance[static_cast<std::size_t>(c)];
      if (length < best && length < end_distance) {
        if (best == kFar) reached.push_back(c);
        best = length;
        via[static_cast<std::size_t>(c)] = k;
        heap.emplace(length, c);
      }
    }
  };
  scan(root, 0);
  std::vector<std::int32_t> settled_couriers;
  while (!heap.empty()) {
    const auto [at, c] = heap.top();
    heap.pop();
    if (at > distance[static_cast<std::size_t>(c)]) continue;
    if (at >= end_distance) break;
    if (order_of_courier[static_cast<std::size_t>(c)] < 0) {
      end_distance = at;
      end_courier = c;
      end_order = -1;
      break;
    }
    settled_couriers.push_back(c);
    scan(order_of_courier[static_cast<std::size_t>(c)], at);
  }

  for (const auto& [o, at] : settled_orders) {
    if (at < end_distance) order_price[static_cast<std::size_t>(o)] -= end_distance - at;
  }
  for (const auto c : settled_couriers) {
    const auto at = distance[static_cast<std::size_t>(c)];
    if (at < end_distance) courier_price[static_cast<std::size_t>(c)] += end_distance - at;
  }

  // Turn the path round: from its end back to the root.
  std::int32_t c = end_courier;
  if (end_order >= 0) {
    const auto column = column_of_order[static_cast<std::size_t>(end_order)];
    column_of_order[static_cast<std::size_t>(end_order)] = -1;
    if (end_order == root) return;
    c = courier_of(column);
  }
  while (true) {
    const auto k = via[static_cast<std::size_t>(c)];
    const auto o = model.rows_of(k)[0];
    const auto before = column_of_order[static_cast<std::size_t>(o)];
    column_of_order[static_cast<std::size_t>(o)] = k;
    order_of_courier[static_cast<std::size_t>(c)] = o;
    if (o == root) return;
    c = courier_of(before);
  }
}

}  // namespace

SingleAssignment assign_singles(const Model& model, Work& work) {
  const auto n_orders = static_cast<std::size_t>(model.n_orders);
  const auto n_couriers = static_cast<std::size_t>(model.n_couriers);
  Search search{.model = model,
                .work = work,
                .order_price = std::vector<std::int64_t>(n_orders, 0),
                .courier_price = std::vector<std::int64_t>(n_couriers, 0),
                .column_of_order = std::vector<std::int32_t>(n_orders, -1),
                .order_of_courier = std::vector<std::int32_t>(n_couriers, -1),
                .distance = std::vector<std::int64_t>(n_couriers, kFar),
                .via = std::vector<std::int32_t>(n_couriers, -1),
                .reached = {},
                .settled_orders = {}};
  for (std::int32_t k = 0; k < model.columns(); ++k) {
    if (model.rows_of(k).size() != 2) continue;
    auto& price = search.order_price[static_cast<std::size_t>(model.rows_of(k)[0])];
    price = std::max(price, model.gain[static_cast<std::size_t>(k)]);
  }
  SingleAssignment result;
  for (std::int32_t o = 0; o < model.n_orders; ++o) {
    if (search.order_price[static_cast<std::size_t>(o)] == 0) continue;
    if (work.spent()) {
      result.complete = false;
      break;
    }
    search.augment(o);
  }
  for (const auto k : search.column_of_order) {
    if (k < 0) continue;
    result.packing.columns.push_back(k);
    result.packing.gain += model.gain[static_cast<std::size_t>(k)];
  }
  std::sort(result.packing.columns.begin(), result.packing.columns.end());
  result.order_price = std::move(search.order_price);
  return result;
}

}  // namespace matcher::packing
