// How a solve ended. Expected outcomes are values; exceptions are for misuse at the boundary.
#ifndef MATCHER_CORE_STATUS_H
#define MATCHER_CORE_STATUS_H

namespace matcher {

enum class SolveStatus : int {
  kOptimal = 1,     // proven by the duals
  kInfeasible = 2,  // no complete matching exists; a witness says why
  kStopped = 3,     // the budget ran out or the caller cancelled; the bound holds
  kOverflow = 4,    // sums of these costs could leave the number type; nothing was solved
  kInvalid = 5,     // a cost is NaN or -infinity; nothing was solved
};

}  // namespace matcher

#endif  // MATCHER_CORE_STATUS_H
