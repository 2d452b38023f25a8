// Exact assignment where a column may serve more than one row (the semi-assignment, or transportation, problem).
//
//   primal   min  sum c[i][j] x[i][j] + sum price[i] y[i],   sum_j x[i][j] + y[i] = 1,   sum_i x[i][j] <= k[j]
//   dual     max  sum u[i] + sum k[j] v[j],    u[i] + v[j] <= c[i][j],   u[i] <= price[i],   v[j] <= 0
//
// Without prices min(rows, sum k) pairs must be made; with fewer places than rows every place is filled, u[i] <= 0 and
// v[j] is free. The returned duals are feasible in every status.
//
// Method: shortest augmenting paths on reduced costs. A column that is full is passed by way of any row it holds, so a
// place costs no more memory than its row, however large k is. With fewer places than rows one more column, free of
// charge, takes the rows that nobody serves. Complexity: O(rows * (arcs + cols log cols)).
// Ties: rows are served in ascending order; among equal distances a place that is free now, then the lowest column;
// staying out wins over an equal pair. Equal input gives equal output.
// Sources: Kennington and Wang, European J. of Operational Research 59 (1992); Ahuja, Magnanti and Orlin, Network Flows
// (1993), ch. 9 and 12.
#ifndef MATCHER_CAPACITATED_ASSIGNMENT_H
#define MATCHER_CAPACITATED_ASSIGNMENT_H

#include <cstdint>
#include <span>

#include "matcher/assignment.h"
#include "matcher/dense_assignment.h"

namespace matcher {

// capacities: one a column, not negative. prices: one a row (must_match<Cost>() where the row must be matched), or
// empty. start: any values give an exact answer. When infeasible, the witness are rows that reach fewer places than
// they are, or with fewer places than rows columns that reach fewer rows than they have places.
template <class Cost>
Assignment<Cost> solve_capacitated(const SparseCosts<Cost>& costs, std::span<const std::int32_t> capacities,
                                   std::span<const Cost> prices, const Budget& budget = {},
                                   const WarmStart<Cost>& start = {});

// The same over a dense matrix of any strides: float, double, int32_t, int64_t.
template <class T>
Assignment<SumOf<T>> solve_capacitated(const MatrixView<T>& costs, std::span<const std::int32_t> capacities,
                                       std::span<const SumOf<T>> prices, const Budget& budget = {},
                                       const WarmStart<SumOf<T>>& start = {});

}  // namespace matcher

#endif  // MATCHER_CAPACITATED_ASSIGNMENT_H
