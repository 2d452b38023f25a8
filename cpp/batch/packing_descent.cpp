// Deflected subgradient descent on L(v) = sum(v) + sum over couriers of max(0, best gain less the prices v of its
// orders), v >= 0. Every L(v) bounds the gain of all packings.
#include <algorithm>

#include "batch/packing_model.h"

namespace matcher::packing {
namespace {

constexpr double kDeflection = 1.5;     // Camerini, Fratta and Maffioli
constexpr std::int64_t kPatience = 20;  // passes without a better bound before steps shrink
constexpr double kShrink = 0.6;
constexpr double kSmallestScale = 1e-6;

}  // namespace

PriceDescent::PriceDescent(const Model& model, const std::vector<std::int64_t>& order_price)
    : model_(model),
      gain_(model.gain.begin(), model.gain.end()),
      price_(order_price.begin(), order_price.end()),
      slope_(order_price.size()),
      direction_(order_price.size(), 0.0),
      best_(exact_prices(model, order_price)) {
  for (std::size_t o = 0; o < price_.size(); ++o) price_[o] = static_cast<double>(best_.row[o]);
  centre_ = price_;
  centre_value_ = static_cast<double>(best_.sum);
}

double PriceDescent::evaluate(std::span<const double> price) {
  double value = 0.0;
  for (std::size_t o = 0; o < price.size(); ++o) {
    value += price[o];
    slope_[o] = 1.0;
  }
  for (std::size_t c = 0; c < static_cast<std::size_t>(model_.n_couriers); ++c) {
    double best = 0.0;
    std::int32_t pick = -1;
    for (auto k = model_.of_courier[c]; k < model_.of_courier[c + 1]; ++k) {
      double net = gain_[static_cast<std::size_t>(k)];
      for (const auto o : model_.orders_of(k)) net -= price[static_cast<std::size_t>(o)];
      if (net > best) {
        best = net;
        pick = k;
      }
    }
    if (pick < 0) continue;
    value += best;
    for (const auto o : model_.orders_of(pick)) slope_[static_cast<std::size_t>(o)] -= 1.0;
  }
  return value;
}

void PriceDescent::keep(std::span<const double> price) {
  auto exact = exact_prices(model_, price);
  if (exact.sum < best_.sum) best_ = std::move(exact);
}

bool PriceDescent::run(std::int64_t target, std::int64_t passes, Work& work) {
  const auto before = best_.sum;
  const double goal = static_cast<double>(target);
  std::int64_t stale = 0;
  for (std::int64_t pass = 0; pass < passes && best_.sum > target && !work.spent(); ++pass) {
    const double value = evaluate(price_);
    work.add(model_.members() + std::int64_t{4} * model_.n_orders);
    if (value < centre_value_ - 1e-9 * centre_value_) {
      centre_value_ = value;
      centre_ = price_;
      stale = 0;
      scale_ = std::min(scale_ * 1.05, 1.5);
    } else if (++stale >= kPatience) {
      stale = 0;
      scale_ *= kShrink;
      price_ = centre_;
      std::fill(direction_.begin(), direction_.end(), 0.0);
      if (scale_ < kSmallestScale) break;
      continue;
    }
    double slope_direction = 0.0;
    double direction_norm = 0.0;
    for (std::size_t o = 0; o < price_.size(); ++o) {
      if (price_[o] <= 0.0 && slope_[o] > 0.0) slope_[o] = 0.0;
      slope_direction += slope_[o] * direction_[o];
      direction_norm += direction_[o] * direction_[o];
    }
    const double keep = slope_direction < 0.0 ? -kDeflection * slope_direction / direction_norm : 0.0;
    double norm = 0.0;
    for (std::size_t o = 0; o < price_.size(); ++o) {
      direction_[o] = slope_[o] + keep * direction_[o];
      norm += direction_[o] * direction_[o];
    }
    if (norm == 0.0) break;
    const double step = scale_ * std::max(value - goal, 1.0) / norm;
    for (std::size_t o = 0; o < price_.size(); ++o) price_[o] = std::max(0.0, price_[o] - step * direction_[o]);
  }
  keep(centre_);
  work.add(model_.members() * 2);
  return best_.sum < before;
}

}  // namespace matcher::packing
