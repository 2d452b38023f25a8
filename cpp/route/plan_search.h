// The two searches over a Plan, and what they share: progress, the incumbent, randomness.
#ifndef MATCHER_ROUTE_PLAN_SEARCH_H
#define MATCHER_ROUTE_PLAN_SEARCH_H

#include <cstdint>
#include <vector>

#include "route/plan.h"
#include "route/plan_exchange.h"
#include "route/route_pool.h"

namespace matcher::route {

// Work done and granted, and the best plan so far.
class SearchState {
 public:
  SearchState(Plan& plan_in, const PdptwOptions& options_in, PdptwResult& out_in, Exchange* exchange = nullptr,
              std::size_t search = 0)
      : plan(plan_in), rng(options_in.seed), options(options_in), out(out_in), exchange_(exchange), search_(search) {}

  // Share of the budget that is used up. An iteration budget alone decides when there is one; the clock only stops.
  double progress() {
    const std::uint64_t work = plan.work() + elsewhere_ + kWorkPerAsk * ++asked_;
    if (options.stop != nullptr && work >= next_look_) {
      clock_ = options.stop->elapsed_fraction();
      next_look_ = work + kWorkPerLook;
    }
    if (clock_ >= 1.0) return 1.0;
    if (options.max_iterations < 0) return clock_;
    return options.max_iterations == 0
               ? 1.0
               : static_cast<double>(out.iterations) / static_cast<double>(options.max_iterations);
  }
  // On another plan, for this one.
  void worked_elsewhere(std::uint64_t work) { elsewhere_ += work; }
  bool improves() const;
  // Of the incumbent.
  std::size_t least_missing() const { return best_unserved_; }
  std::int32_t least_vehicles() const { return best_vehicles_; }
  // Takes the plan as incumbent when it is better than the last.
  void record();
  // Makes the incumbent the plan again.
  void restore();
  // Keeps the incumbent aside and empties the plan: the next incumbent owes nothing to it.
  void start_over();
  // Makes the best of the incumbents kept aside the incumbent and the plan again, when it is better.
  void settle();
  // Whether nobody else searches for the same plan.
  bool alone() const { return exchange_ == nullptr; }
  // At every eighth of the budget: takes the best plan of the other searches when it is better than the incumbent.
  void meet();

  Plan& plan;
  Rng rng;
  RoutePool* pool = nullptr;  // of routes of complete plans, where they are collected
  // What a request may cost, in prizes. Above 1 some enter at a loss: together with others they may be worth it.
  double generosity = 1.0;
  const PdptwOptions& options;
  PdptwResult& out;

 private:
  bool hierarchical() const { return options.objective == PdptwObjective::kHierarchical; }
  void take_over(const Incumbent& found);
  // Reading a process's CPU clock takes as long as dozens of evaluations; this much work takes some ten microseconds.
  static constexpr std::uint64_t kWorkPerLook = 1000;
  static constexpr std::uint64_t kWorkPerAsk = 50;
  std::uint64_t next_look_ = 0, asked_ = 0, elsewhere_ = 0;
  double clock_ = 0.0;
  bool any_ = false;
  std::int32_t best_vehicles_ = 0;
  std::size_t best_unserved_ = 0;
  std::vector<std::uint64_t> best_stamps_;
  std::vector<std::vector<std::int32_t>> best_routes_;
  std::vector<std::int32_t> best_types_;
  double best_cost_ = 0.0;
  Incumbent kept_;  // of searches before start_over()
  static constexpr double kMeeting = 0.125;
  Exchange* exchange_;  // null: alone
  std::size_t search_;
  double next_meeting_ = kMeeting;
};

// Cheapest place over all routes; slot -1 when there is none. `blink`: probability of passing over a route.
Placement cheapest_place(SearchState& state, std::int32_t request, double blink, bool may_open);

// Serves all absent requests that fit, most urgent first.
void construct(SearchState& state);
class StringRemoval;
// Fewer vehicles, until `until` of the budget is used.
void reduce_fleet(SearchState& state, StringRemoval& removal, double until);

// The whole search, alone or as one of those that exchange plans.
void search_plan(const PdptwProblem& problem, const PdptwOptions& options, PdptwResult& out, Exchange* exchange,
                 std::size_t search);

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_PLAN_SEARCH_H
