// What the path solver knows of each row: its cheapest choices now, and a bound on all others for ever.
//
// Column duals v only fall while rows are served, so reduced costs c - v only rise. A list made once therefore stays
// sound: an arc's reduced cost is at least `low`, its value when the list was made, and every column not listed costs
// at least `beyond`. A row whose dual stays below `beyond` is certified without looking at its other columns again.
#ifndef MATCHER_ASSIGN_CHOICES_H
#define MATCHER_ASSIGN_CHOICES_H

#include <cmath>
#include <cstdint>
#include <limits>

#include "assign/common.h"

namespace matcher::assign {

// A number the solvers can work with, or +infinity for a forbidden pair.
template <class T>
bool acceptable(T cost, double limit) {
  const auto value = static_cast<double>(cost);
  return (std::numeric_limits<T>::has_infinity && value == infinite<double>()) || std::abs(value) <= limit;
}

template <class Cost>
struct Choice {
  Cost cost;
  Cost low;
  std::int32_t col;
};

template <class Cost>
Cost low_of(const Choice<Cost>& choice) {
  return choice.low;
}

// A choice listed at duals of zero.
template <class Cost>
struct PlainChoice {
  Cost cost;
  std::int32_t col;
};

template <class Cost>
Cost low_of(const PlainChoice<Cost>& choice) {
  return choice.cost;
}

// Means over the rows of a problem: choices listed, from the cheapest of them to the dearest, the price of staying out
// (infinite where one row has none).
struct RowTraits {
  double listed, spread, price;
};

// How far rows bid before paths are searched: sweeps over the free rows, bids that one of them may set off in a sweep,
// and bids a row in all.
struct BidLimits {
  int sweeps;
  std::int64_t chain, each;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_CHOICES_H
