// How far a courier at a place is from where orders are expected.
//
// Problem.  Sending a courier from here and not from there leaves the market with the other one free. What the place
// of a free courier is worth is estimated by the mean travel time from it to the points of expected demand.
// Method.  Weighted mean, in integers, so that neither the order of the points nor the machine has an influence:
//   metric travel   mean chord in whole centimetres, times the courier's straight-line ms per metre, rounded down;
//   matrix travel   mean of the matrix entries, rounded down.
// Complexity.  O(distinct places x points) for metric travel, O(distinct (profile, place) x points) for a matrix.
//
// A static stand-in for the value functions of Z. Xu et al., Large-scale order dispatch in on-demand ride-hailing
// platforms: a learning and planning approach, KDD 2018.
#ifndef MATCHER_STANDING_H
#define MATCHER_STANDING_H

#include <cstdint>
#include <span>
#include <vector>

#include "matcher/schedule.h"

namespace matcher {

struct StandingProblem {
  PlaceColumns places;
  TravelModel travel;
  std::span<const std::int32_t> demand_loc;     // places of expected demand
  std::span<const std::int32_t> demand_weight;  // 1 to 1,000,000 each, at most 5,000,000,000 together
  std::span<const std::int32_t> courier, loc;   // the pairs to be valued
};

// Fills `out` with one number of milliseconds a pair, all 0 without demand; or says what is wrong with the input.
InputFault standing_ms(const StandingProblem& problem, std::vector<std::int64_t>& out);

}  // namespace matcher

#endif  // MATCHER_STANDING_H
