// A plan of many routes is shortened part by part: see matcher/pdptw.h for where that comes from.
#ifndef MATCHER_ROUTE_DECOMPOSITION_H
#define MATCHER_ROUTE_DECOMPOSITION_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "route/plan_search.h"
#include "route/string_removal.h"

namespace matcher::route {

// The columns of some routes' requests, of those absent ones that belong to them, and of the depots.
class SubProblem {
 public:
  SubProblem(Plan& plan, const std::vector<std::int32_t>& slots, const std::vector<std::int32_t>& requests);

  const PdptwProblem& problem() const { return problem_; }
  Neighbours neighbours(Plan& whole) const;
  std::vector<std::int32_t> inside(const std::vector<std::int32_t>& nodes) const;   // numbers of the whole to own ones
  std::vector<std::int32_t> outside(const std::vector<std::int32_t>& nodes) const;  // and back

 private:
  void copy_travel(const PdptwProblem& whole);
  void copy_nodes(const PdptwProblem& whole);
  void copy_windows(const PdptwProblem& whole);
  void copy_requests(const PdptwProblem& whole, const std::vector<std::int32_t>& requests);

  PdptwProblem problem_;
  std::vector<std::int32_t> node_of_;  // own number to that of the whole
  std::vector<std::int32_t> number_;   // and back; -1: not here
  std::vector<double> distance_, duration_, bin_duration_, ready_, due_, service_, max_ride_, prize_, late_cost_,
      windows_;
  std::vector<std::int32_t> demand_, more_demand_, pickup_, delivery_, window_first_;
  std::vector<std::uint8_t> allowed_;
  std::vector<PdptwVehicleType> types_;
};

class Decomposition {
 public:
  explicit Decomposition(SearchState& state) : state_(state), plan_(state.plan) {}

  // Whether the plan has requests and routes enough to be worked on in parts.
  bool worthwhile() const;
  // Less distance, until `until` of the budget is used, as StringRemoval::run; from a plan that serves all that it can.
  void run(StringRemoval& removal, double until, double heat);

 private:
  struct Part {
    std::vector<std::int32_t> slots, requests;
  };

  std::size_t part_size() const;  // requests
  int sweeps_worth(StringRemoval& removal, double until, const Cooling& cooling);
  bool count_neighbours();
  std::vector<Part> partition();
  Part grow(std::size_t enough);
  std::vector<std::int32_t> members(std::int32_t slot) const;
  std::int32_t next_seed();
  void add_absent(std::vector<Part>& parts);
  void improve(const Part& part, double until, const Cooling& cooling);
  void put_back(const Part& part, const SubProblem& sub, const Plan& better);

  SearchState& state_;
  Plan& plan_;
  std::vector<std::int32_t> shared_;  // by slot, then slot: likely neighbours of the one's stops that the other serves
  std::vector<std::uint8_t> taken_;   // by slot: in a part already, or not in use
  std::vector<double> with_taken_;    // by slot: shared with those
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_DECOMPOSITION_H
