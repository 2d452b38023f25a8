// Slack induction by string removals: see matcher/pdptw.h for the paper.
#ifndef MATCHER_ROUTE_STRING_REMOVAL_H
#define MATCHER_ROUTE_STRING_REMOVAL_H

#include <cstdint>
#include <vector>

#include "route/plan_search.h"

namespace matcher::route {

// Part of a search: of its temperatures from the start, and from where to where in its cooling, in [0, 1].
struct Cooling {
  double heat = 1.0, from = 0.0, to = 1.0;
};

class StringRemoval {
 public:
  explicit StringRemoval(SearchState& state);

  // Less distance, until `until` of the budget is used; from a plan with missing requests, until only hopeless ones
  // are.
  void run(double until, const Cooling& cooling = {});
  // The same for some work, without detours.
  void compact(std::uint64_t work, double until);
  // Serves what is absent with the vehicles that there are, for some work; whether only hopeless requests are left out.
  bool squeeze(std::uint64_t work, double until);

 private:
  bool hierarchical() const { return state_.options.objective == PdptwObjective::kHierarchical; }
  // Hot or cold by the iterations that can be expected for each request while `share` of the budget is used.
  double hottest(double share, std::int64_t iterations) const;
  double leg() const;
  // One ruin and recreation; kept when it is better, or no worse than the temperature allows.
  void step(double temperature, bool complete);
  void set_price(double leg);
  void ruin();
  void take_string(std::int32_t node, double longest);
  void change_vehicle();
  bool recreate(std::size_t most, std::int64_t most_absences);
  void order();
  std::int64_t absences() const;

  SearchState& state_;
  Plan& plan_;
  bool prized_;  // requests may be left out for a prize
  double price_ = 0.0;
  std::int32_t waited_ = 0;
  std::vector<std::int32_t> ruined_, chosen_, waiting_;
  std::vector<std::int64_t> absences_;  // by request: how often squeeze() left it out
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_STRING_REMOVAL_H
