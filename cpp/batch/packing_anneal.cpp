// Annealing: propose to insert a column and eject the chosen ones in its way. Proposals are drawn from columns whose
// reduced cost is below the gap: no better packing has any other.
#include <algorithm>
#include <bit>
#include <cmath>

#include "batch/packing_model.h"

namespace matcher::packing {
namespace {

constexpr double kLn2 = 0.69314718055994530942;

}  // namespace

Annealer::Annealer(const Model& model) : model_(model), owner_(static_cast<std::size_t>(model.rows()), -1) {}

// SplitMix64.
std::uint64_t Annealer::next() {
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

// -ln(u) of a uniform u, from basic operations only: libm may differ in the last bit from machine to machine, and a
// decision must not. u = 2^-e * (1 + f); ln(1 + f) by a cubic that is off by less than 1e-3.
double Annealer::exponential() {
  const std::uint64_t bits = next() | 1U;
  const int leading = std::countl_zero(bits);
  const std::uint64_t mantissa = leading == 63 ? 0 : bits << (leading + 1);
  const double f = static_cast<double>(mantissa >> 11) * 0x1p-53;
  const double ln = f * (0.99949556 + f * (-0.49190896 + f * (0.28947478 + f * (-0.13606275 + f * 0.03215845))));
  return static_cast<double>(leading + 1) * kLn2 - ln;
}

void Annealer::insert(std::int32_t column) {
  for (const auto row : model_.rows_of(column)) {
    const auto out = owner_[static_cast<std::size_t>(row)];
    if (out < 0 || out == column) continue;
    for (const auto freed : model_.rows_of(out)) owner_[static_cast<std::size_t>(freed)] = -1;
    gain_ -= model_.gain[static_cast<std::size_t>(out)];
  }
  for (const auto row : model_.rows_of(column)) owner_[static_cast<std::size_t>(row)] = column;
  gain_ += model_.gain[static_cast<std::size_t>(column)];
}

void Annealer::load(const Packing& packing) {
  std::fill(owner_.begin(), owner_.end(), -1);
  gain_ = 0;
  for (const auto k : packing.columns) insert(k);
}

void Annealer::offer(const Packing& packing) {
  if (packing.gain > best_.gain) best_ = packing;
}

void Annealer::keep_if_better() {
  if (gain_ <= best_.gain) return;
  best_.gain = gain_;
  best_.columns.clear();
  for (std::int32_t c = 0; c < model_.n_couriers; ++c) {
    const auto k = owner_[static_cast<std::size_t>(model_.n_orders + c)];
    if (k >= 0) best_.columns.push_back(k);
  }
}

void Annealer::run(const Prices& prices, std::int64_t visits, Work& work) {
  const auto gap = prices.sum - best_.gain;
  if (gap <= 0) return;
  std::vector<std::int32_t> pool;
  for (std::int32_t k = 0; k < model_.columns(); ++k) {
    if (reduced_cost(model_, prices, k) < gap) pool.push_back(k);
  }
  work.add(model_.members());
  if (pool.empty()) return;

  load(best_);
  const double typical =
      static_cast<double>(best_.gain) / static_cast<double>(std::max<std::size_t>(best_.columns.size(), 1));
  const double hot = 0.1 * typical;
  const double cold = 0.002 * typical;
  constexpr int kLevels = 64;
  const double cooling = 1.0 - 4.1 / kLevels;  // hot -> cold over the levels, roughly
  const auto end = work.done() + std::min(visits, work.left());
  const auto per_level = std::max<std::int64_t>((end - work.done()) / kLevels, 1);
  double heat = std::max(hot, cold);
  for (int level = 0; level < kLevels; ++level, heat *= cooling) {
    const auto level_end = work.done() + per_level;
    while (work.done() < level_end) {
      const auto k = pool[static_cast<std::size_t>(((next() >> 32) * pool.size()) >> 32)];
      const auto rows = model_.rows_of(k);
      work.add(static_cast<std::int64_t>(rows.size()));
      if (owner_[static_cast<std::size_t>(rows.back())] == k) continue;
      std::int64_t change = model_.gain[static_cast<std::size_t>(k)];
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto out = owner_[static_cast<std::size_t>(rows[i])];
        if (out < 0) continue;
        bool counted = false;
        for (std::size_t j = 0; j < i; ++j) counted = counted || owner_[static_cast<std::size_t>(rows[j])] == out;
        if (!counted) change -= model_.gain[static_cast<std::size_t>(out)];
      }
      if (change >= 0 || -static_cast<double>(change) < heat * exponential()) {
        insert(k);
        if (gain_ > best_.gain) keep_if_better();
      }
    }
    if (prices.sum <= best_.gain) return;
  }
}

}  // namespace matcher::packing
