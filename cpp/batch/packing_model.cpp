#include "batch/packing_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace matcher::packing {

namespace {

// Columns by row.
void index_rows(Model& model) {
  const auto n_rows = static_cast<std::size_t>(model.rows());
  model.row_ptr.assign(n_rows + 1, 0);
  model.most.assign(n_rows, 0);
  for (const auto row : model.member) ++model.row_ptr[static_cast<std::size_t>(row) + 1];
  for (std::size_t r = 0; r < n_rows; ++r) model.row_ptr[r + 1] += model.row_ptr[r];
  model.row_col.resize(model.member.size());
  auto at = model.row_ptr;
  for (std::int32_t k = 0; k < model.columns(); ++k) {
    for (const auto row : model.rows_of(k)) {
      const auto r = static_cast<std::size_t>(row);
      model.row_col[static_cast<std::size_t>(at[r]++)] = k;
      model.most[r] = std::max(model.most[r], model.gain[static_cast<std::size_t>(k)]);
    }
  }
}

}  // namespace

Model restrict_to(const Model& model, std::span<const std::int32_t> columns) {
  Model part;
  part.n_orders = model.n_orders;
  part.n_couriers = model.n_couriers;
  part.ptr.push_back(0);
  part.of_courier.assign(static_cast<std::size_t>(model.n_couriers) + 1, 0);
  for (const auto k : columns) {
    const auto rows = model.rows_of(k);
    part.member.insert(part.member.end(), rows.begin(), rows.end());
    part.ptr.push_back(static_cast<std::int32_t>(part.member.size()));
    part.gain.push_back(model.gain[static_cast<std::size_t>(k)]);
    part.origin.push_back(k);
    ++part.of_courier[static_cast<std::size_t>(rows.back() - model.n_orders) + 1];
  }
  for (std::size_t c = 0; c < static_cast<std::size_t>(part.n_couriers); ++c) {
    part.of_courier[c + 1] += part.of_courier[c];
  }
  index_rows(part);
  return part;
}

Part part_of(const Model& model, std::span<const std::int32_t> columns) {
  Part part;
  part.model.ptr.push_back(0);
  part.model.of_courier.push_back(0);
  std::vector<std::int32_t> label(static_cast<std::size_t>(model.rows()), -1);
  std::vector<std::int32_t> couriers;
  for (const auto k : columns) {
    for (const auto o : model.orders_of(k)) {
      auto& at = label[static_cast<std::size_t>(o)];
      if (at < 0) {
        at = static_cast<std::int32_t>(part.row.size());
        part.row.push_back(o);
      }
      part.model.member.push_back(at);
    }
    const auto courier = model.rows_of(k).back();
    if (couriers.empty() || couriers.back() != courier) {
      couriers.push_back(courier);
      part.model.of_courier.push_back(part.model.of_courier.back());
    }
    ++part.model.of_courier.back();
    part.model.member.push_back(static_cast<std::int32_t>(couriers.size()) - 1);
    part.model.ptr.push_back(static_cast<std::int32_t>(part.model.member.size()));
    part.model.gain.push_back(model.gain[static_cast<std::size_t>(k)]);
    part.model.origin.push_back(k);
  }
  part.model.n_orders = static_cast<std::int32_t>(part.row.size());
  part.model.n_couriers = static_cast<std::int32_t>(couriers.size());
  for (std::int32_t k = 0; k < part.model.columns(); ++k) {
    auto& courier = part.model.member[static_cast<std::size_t>(part.model.ptr[static_cast<std::size_t>(k) + 1]) - 1];
    courier += part.model.n_orders;
  }
  part.row.insert(part.row.end(), couriers.begin(), couriers.end());
  return part;
}

Model make_model(const PackingProblem& problem, const Work& work) {
  Model model;
  model.n_orders = problem.n_orders;
  model.n_couriers = problem.n_couriers;
  const auto n_columns = problem.courier.size();

  std::vector<std::int64_t> gain(n_columns);
  std::vector<std::int32_t> by_courier;
  for (std::size_t k = 0; k < n_columns; ++k) {
    std::int64_t g = -problem.cost[k];
    for (auto i = problem.ptr[k]; i < problem.ptr[k + 1]; ++i) {
      g += problem.wait[static_cast<std::size_t>(problem.order[static_cast<std::size_t>(i)])];
    }
    gain[k] = g;
    if (g > 0) by_courier.push_back(static_cast<std::int32_t>(k));
  }
  std::stable_sort(by_courier.begin(), by_courier.end(), [&](std::int32_t a, std::int32_t b) {
    work.check();
    return problem.courier[static_cast<std::size_t>(a)] < problem.courier[static_cast<std::size_t>(b)];
  });

  model.ptr.push_back(0);
  model.of_courier.assign(static_cast<std::size_t>(model.n_couriers) + 1, 0);
  for (const auto k : by_courier) {
    work.check();
    const auto column = static_cast<std::size_t>(k);
    const auto first = model.member.size();
    for (auto i = problem.ptr[column]; i < problem.ptr[column + 1]; ++i) {
      model.member.push_back(problem.order[static_cast<std::size_t>(i)]);
    }
    std::sort(model.member.begin() + static_cast<std::ptrdiff_t>(first), model.member.end());
    model.member.push_back(model.n_orders + problem.courier[column]);
    model.ptr.push_back(static_cast<std::int32_t>(model.member.size()));
    model.gain.push_back(gain[column]);
    model.origin.push_back(k);
    ++model.of_courier[static_cast<std::size_t>(problem.courier[column]) + 1];
  }
  for (std::size_t c = 0; c < static_cast<std::size_t>(model.n_couriers); ++c) {
    model.of_courier[c + 1] += model.of_courier[c];
  }

  index_rows(model);
  return model;
}

std::int64_t reduced_cost(const Model& model, const Prices& prices, std::int32_t column) {
  std::int64_t sum = -model.gain[static_cast<std::size_t>(column)];
  for (const auto row : model.rows_of(column)) sum += prices.row[static_cast<std::size_t>(row)];
  return sum;
}

Prices exact_prices(const Model& model, std::span<const double> order_price, const Work& work) {
  std::vector<std::int64_t> rounded(order_price.size());
  for (std::size_t o = 0; o < rounded.size(); ++o) {
    const double most = static_cast<double>(model.most[o]);
    rounded[o] = order_price[o] >= most ? model.most[o] : std::llround(std::max(order_price[o], 0.0));
  }
  return exact_prices(model, std::move(rounded), work);
}

Prices exact_prices(const Model& model, std::vector<std::int64_t> order_price, const Work& work) {
  Prices prices;
  prices.row = std::move(order_price);
  prices.row.resize(static_cast<std::size_t>(model.rows()), 0);
  for (std::size_t o = 0; o < static_cast<std::size_t>(model.n_orders); ++o) {
    // A price beyond the largest gain proves nothing more, and the cap keeps every sum in range.
    prices.row[o] = std::clamp(prices.row[o], std::int64_t{0}, model.most[o]);
  }
  const auto unpaid = [&](std::int32_t k) {
    std::int64_t left = model.gain[static_cast<std::size_t>(k)];
    for (const auto o : model.orders_of(k)) left -= prices.row[static_cast<std::size_t>(o)];
    return left;
  };
  for (std::int32_t c = 0; c < model.n_couriers; ++c) {
    work.check();
    auto& price = prices.row[static_cast<std::size_t>(model.n_orders + c)];
    for (auto k = model.of_courier[static_cast<std::size_t>(c)]; k < model.of_courier[static_cast<std::size_t>(c) + 1];
         ++k) {
      price = std::max(price, unpaid(k));
    }
  }
  for (std::int32_t o = 0; o < model.n_orders; ++o) {
    work.check();
    auto slack = prices.row[static_cast<std::size_t>(o)];
    for (const auto k : model.columns_of(o)) {
      if (slack == 0) break;
      slack = std::min(slack, reduced_cost(model, prices, k));
    }
    prices.row[static_cast<std::size_t>(o)] -= slack;
  }
  for (const auto price : prices.row) prices.sum += price;
  return prices;
}

}  // namespace matcher::packing
