// The passes over a matrix row that small dense problems are solved by, with one result on every instruction set.
#ifndef MATCHER_ASSIGN_PATH_SCAN_H
#define MATCHER_ASSIGN_PATH_SCAN_H

#include <cstdint>
#include <limits>

#include "assign/row_scan.h"

namespace matcher::assign {

struct TwoLeast {
  double first;     // +inf: no finite value
  double second;    // equal to the first where two columns are; +inf: no other
  std::int32_t at;  // lowest column of the first; -1 when there is none
  bool ordinary;    // every cost is a number of at most the magnitude `limit`: no NaN, no forbidden pair
};

// The least and second least of cost[j] - v[j]; without a NaN among them. T: float, double, int32_t, int64_t.
template <class T>
TwoLeast two_least(Isa isa, const T* cost, const double* v, std::int32_t count,
                   double limit = std::numeric_limits<double>::max());

struct Nearest {
  double distance;  // +inf: nothing in reach
  std::int32_t at;  // lowest column at that distance; -1 when there is none
};

// distance[j] = min(distance[j], max(now, base + (cost[j] - v[j]))), from[j] = row where that made it less; returns the
// nearest column after it. A column with v[j] = -inf keeps its distance.
template <class T>
Nearest relax_row(Isa isa, const T* cost, const double* v, std::int32_t count, double base, double now,
                  std::int64_t row, double* distance, std::int64_t* from);

// The least of count distances.
Nearest nearest_of(Isa isa, const double* distance, std::int32_t count);

// least[j] = min(least[j], cost[j] - shift). Returns the largest amount by which that made any of them less.
template <class T>
double lower_to(Isa isa, const T* cost, double shift, std::int32_t count, double* least);

// least[j] = min(least[j], cost[j]). True: every cost is ordinary, as above; otherwise least is of no use where one is
// NaN.
template <class T>
bool lower_to_row(Isa isa, const T* cost, std::int32_t count, double limit, double* least);

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_PATH_SCAN_H
