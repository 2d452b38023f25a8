// The two passes over a matrix row that dense assignment lives by, and the order of what they find, with one result on
// every instruction set.
#ifndef MATCHER_ASSIGN_ROW_SCAN_H
#define MATCHER_ASSIGN_ROW_SCAN_H

#include <cstdint>

namespace matcher::assign {

// Instruction sets a pass may use. Results do not depend on it.
enum class Isa { kScalar, kAvx2, kAvx512 };
Isa best_isa();

struct LaneBound {
  double bound;   // the largest of the minima of columns j with j % 8 == 0, 1, ... 7; +inf when there are fewer than 8
  double least;   // the smallest of them; +inf: no finite value
  bool ordinary;  // every cost is a number of at most the magnitude `limit`: no NaN, no forbidden pair
};

// At least 8 (a lane each) of the values cost[j] - v[j] are at or below `bound`; about 22 of a random row. v may be
// null: then all zero. T: float, double, int32_t, int64_t.
template <class T>
LaneBound lane_bound(Isa isa, const T* cost, const double* v, std::int32_t count, double limit);

// Writes every j with cost[j] - v[j] at or below `bound`, in ascending order. `columns` needs room for room + 16
// entries. Stops after the block of sixteen in which `room` is reached; returns how many were written.
template <class T>
std::int32_t collect_at_most(Isa isa, const T* cost, const double* v, std::int32_t count, double bound,
                             std::int32_t room, std::int32_t* columns);

// The place of each key in ascending order, from 0; equals keep theirs. No NaN; quadratic, so for a few dozen.
void ranks(Isa isa, const double* keys, std::int32_t count, std::int32_t* ranks);

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_ROW_SCAN_H
