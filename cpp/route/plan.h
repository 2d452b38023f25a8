// A plan of pickup-and-delivery routes that can be changed request by request, and the cheapest feasible insertions.
#ifndef MATCHER_ROUTE_PLAN_H
#define MATCHER_ROUTE_PLAN_H

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "matcher/pdptw.h"
#include "route/neighbours.h"

namespace matcher::route {

// Sums of doubles along a route may differ in the last bits from those of a checker; windows are not that sharp.
inline constexpr double kGrace = 1e-9;

inline std::size_t index(std::int32_t value) { return static_cast<std::size_t>(value); }

// splitmix64: one word of state, good enough for choosing moves, the same on every machine.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // Uniform in [0, n).
  std::int32_t below(std::int32_t n) {
    return static_cast<std::int32_t>(((next() >> 32) * static_cast<std::uint64_t>(n)) >> 32);
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[index(below(static_cast<int>(i)))]);
  }

 private:
  std::uint64_t state_;
};

// A stop with its tables. Stop 0 is the start of the vehicle, the last its end; a route of n nodes has n + 2 stops.
struct Stop {
  std::int32_t node = 0;
  std::int32_t load = 0;  // after the stop
  double ready = 0.0;     // earliest start of service
  double service = 0.0;
  double depart = 0.0;  // earliest end of service
  double latest = 0.0;  // latest start of service that keeps the rest of the route in time
  double leg = 0.0;     // distance from the stop before
  double trip = 0.0;    // travel time from the stop before
};

// One route. `nodes` leaves its ends out.
struct Tour {
  std::vector<std::int32_t> nodes;
  std::vector<Stop> stops;
  std::int32_t type = 0;    // of its vehicle
  double late = 0.0;        // price of its lateness
  double length = 0.0;      // cost: legs, lateness and, when it goes anywhere, the vehicle
  std::uint64_t stamp = 0;  // equal stamps, equal routes
};

struct Insertion {
  double cost = std::numeric_limits<double>::infinity();
  std::int32_t pickup_pos = -1;    // before the present stop
  std::int32_t delivery_pos = -1;  // before the present stop
  bool feasible() const { return pickup_pos >= 0; }
};

// A route and a place in it.
struct Placement {
  std::int32_t slot = -1;
  Insertion at;
};

class Plan {
 public:
  explicit Plan(const PdptwProblem& problem) : Plan(problem, Neighbours(problem)) {}
  Plan(const PdptwProblem& problem, Neighbours neighbours);

  std::int32_t requests() const { return static_cast<std::int32_t>(problem_.pickup.size()); }
  std::int32_t slots() const { return static_cast<std::int32_t>(tours_.size()); }
  std::int32_t vehicles() const { return vehicles_; }
  const Tour& tour(std::int32_t slot) const { return tours_[index(slot)]; }
  std::int32_t slot_of(std::int32_t request) const { return slot_of_[index(request)]; }
  std::int32_t request_of(std::int32_t node) const { return request_of_[index(node)]; }
  const PdptwProblem& problem() const { return problem_; }
  double distance() const { return distance_; }
  // What the search minimises when as many requests are served: distance, fixed costs, lateness and prizes forgone.
  double cost() const { return distance_ + forgone_; }
  // The distance, and what lateness costs.
  double driven() const;
  // Absent requests that must be served.
  std::size_t missing() const { return missing_; }
  // Requests that no vehicle of its own could serve. In company they still might be, where travel breaks the triangle
  // inequality.
  std::size_t hopeless() const;
  double prize(std::int32_t request) const {
    return problem_.prize.empty() ? std::numeric_limits<double>::infinity() : problem_.prize[index(request)];
  }
  double between(std::int32_t a, std::int32_t b) const { return distance_of_[index(a) * nodes_ + index(b)]; }
  const std::vector<std::int32_t>& absent() const { return absent_; }

  // Cheapest feasible insertion below `limit` other than `refused`.
  Insertion cheapest(const Tour& tour, std::int32_t request, double limit, const Insertion& refused = {});
  // The same for a slot, remembered until the route changes.
  const Insertion& cached(std::int32_t slot, std::int32_t request, double limit);
  // The cheapest over all routes in use; each route, and the place found, is passed over with probability `blink`. Slot
  // -1 when there is none.
  Placement cheapest_of_all(std::int32_t request, double blink, Rng& rng);
  // Whether the request could be served by a vehicle of its own, and at what least cost.
  double alone(std::int32_t request) const { return alone_[index(request)]; }
  // A free vehicle for the request, the cheapest; slot -1 when there is none.
  Placement open_for(std::int32_t request);
  // A free vehicle of this type for the request; slot -1 when there is none or it cannot serve it.
  Placement open_with(std::int32_t request, std::int32_t type);

  Neighbours& neighbours() { return neighbours_; }
  // Vehicles of this type in no route.
  std::int32_t free(std::int32_t type) const { return types_[index(type)].count - used_[index(type)]; }

  void insert(std::int32_t slot, std::int32_t request, const Insertion& at);
  // An empty slot with a vehicle of this type, made if need be; -1 when all of them are in use.
  std::int32_t empty_slot(std::int32_t type);
  void remove(std::int32_t request);
  // Removes several requests of one route at once; the whole route when what is left would be late, as can happen where
  // travel breaks the triangle inequality.
  void remove_from(std::int32_t slot, const std::vector<std::int32_t>& requests);
  // The route without some requests, with fresh tables; `out` is scratch. False when what is left is late.
  bool without(const Tour& tour, std::int32_t first, std::int32_t second, Tour& out);
  bool assign(std::int32_t slot, const std::vector<std::int32_t>& nodes, std::int32_t type);  // false: infeasible

  // Another vehicle for a route in use. False and unchanged when none is free or it could not drive it.
  bool retype(std::int32_t slot, std::int32_t type);

  // Whether these nodes are a route of whole requests in no route yet, pick-ups first.
  bool fits(const std::vector<std::int32_t>& nodes) const;
  std::int32_t types() const { return static_cast<std::int32_t>(types_.size()); }
  // By slot; all feasible.
  void replace(const std::vector<std::vector<std::int32_t>>& routes, const std::vector<std::int32_t>& types_by_slot);

  // Changes since begin() can be undone once.
  void begin();
  void rollback();

  // Places and routes looked at so far: what the search's time goes into.
  std::uint64_t work() const { return work_; }

  // Routes as node lists.
  std::vector<std::vector<std::int32_t>> routes() const;
  std::vector<std::int32_t> route_types() const;
  std::int32_t vehicle_limit = std::numeric_limits<std::int32_t>::max();

 private:
  void refresh(Tour& tour);
  Placement second_of_all(std::int32_t request, const Placement& refused);
  // Makes the route of these nodes; whether it is feasible.
  bool drives(const std::vector<std::int32_t>& nodes, std::int32_t type, Tour& candidate);
  void link(Tour& tour, std::size_t at) const;
  void forward(Tour& tour, std::size_t from, std::size_t at_least) const;
  void backward(Tour& tour, std::size_t from, std::size_t at_least) const;
  template <class Gone>
  bool skim(const Tour& tour, Gone&& gone, Tour& out);
  std::int32_t capacity_of(std::int32_t type) const;
  void sum_costs(Tour& tour);
  void set_type(std::int32_t slot, std::int32_t type);
  bool allowed(std::int32_t request, std::int32_t type) const {
    return problem_.allowed.empty() || problem_.allowed[index(request) * types_.size() + index(type)] != 0;
  }
  // What the tables do not know: limits on the time on board, further dimensions of load, and what lateness costs
  // (`lateness_`, when the answer is yes). `sequence_` is the route.
  bool sound(const Tour& tour, std::int32_t request, std::size_t pickup_pos, std::size_t delivery_pos);
  bool sound_sequence(std::int32_t type);
  void price_lateness();
  Stop stop_at(std::int32_t node) const;
  void touch(std::int32_t slot);
  void settle(std::int32_t slot, double old_length, bool was_empty);
  double trip(std::int32_t a, std::int32_t b) const { return duration_of_[index(a) * nodes_ + index(b)]; }
  // Where stops have several windows: the earliest start of service not before `at`, in a window unless it is past the
  // last; the latest not after `by`, in a window unless it is before the first.
  double opens_between(std::int32_t node, double at) const;
  double closes_between(std::int32_t node, double by) const;
  std::span<const double> windows_of(std::int32_t node) const {
    const auto first = index(problem_.window_first[index(node)]), last = index(problem_.window_first[index(node) + 1]);
    return problem_.windows.subspan(2 * first, 2 * (last - first));
  }
  // Where travel times depend on the departure: the earliest arrival of who may leave at a time or later, and the
  // latest departure that arrives by a time.
  double reaches(std::int32_t a, std::int32_t b, double leave) const;
  double leaves(std::int32_t a, std::int32_t b, double by) const;
  template <bool kPlain>
  Insertion cheapest_in(const Tour& tour, std::int32_t request, double limit, const Insertion& refused);

  PdptwProblem problem_;
  Neighbours neighbours_;
  std::size_t nodes_;
  const double* distance_of_;
  const double* duration_of_;
  // By column: what leads to a node lies together. The same memory when the matrix is symmetric.
  const double* distance_to_;
  const double* duration_to_;
  std::vector<double> distance_columns_, duration_columns_;
  std::vector<std::int32_t> request_of_, slot_of_;
  std::vector<double> alone_;
  std::vector<Tour> tours_;
  std::vector<std::int32_t> absent_, absent_at_;  // requests in no route, and where in that list they are
  std::int32_t vehicles_ = 0;
  double distance_ = 0.0, forgone_ = 0.0;
  std::size_t missing_ = 0;
  std::vector<PdptwVehicleType> types_;
  std::vector<std::int32_t> used_;  // vehicles in routes, by type
  bool extras_ = false;             // whether `sound` has anything to check
  bool gaps_ = false;               // whether any stop has several windows
  bool late_ = false;               // whether lateness has a price
  bool bins_ = false;               // whether travel times depend on the departure
  std::vector<double> due_;         // by node, latest start of service that no price allows to exceed
  double lateness_ = 0.0;
  std::size_t more_ = 0;               // further dimensions of load
  std::vector<double> alone_by_type_;  // by request, then type
  std::vector<std::int32_t> sequence_, at_of_;
  std::vector<std::int64_t> on_board_;
  std::vector<double> lower_, start_;
  std::uint64_t stamps_ = 0;
  std::uint64_t work_ = 0;

  struct Remembered {
    std::uint64_t stamp = 0;
    Insertion insertion;  // when there is none: cost is what was looked below
  };
  std::vector<Remembered> memory_;  // by request, then slot
  std::size_t memory_width_ = 0;    // slots that it has room for

  // Scratch of cheapest(), by position.
  std::vector<double> detour_p_, detour_d_, leave_p_, least_d_;
  std::vector<std::int32_t> stale_, unlikely_;
  std::vector<std::uint64_t> mark_;  // by slot
  std::uint64_t marks_ = 0;

  struct Backup {
    std::int32_t slot;
    Tour tour;
  };
  std::vector<Backup> backups_;
  std::size_t backups_used_ = 0;
  std::vector<std::uint64_t> touched_;
  std::uint64_t epoch_ = 1;
  std::vector<std::int32_t> saved_absent_;
  std::int32_t saved_vehicles_ = 0;
  double saved_distance_ = 0.0, saved_forgone_ = 0.0;
  std::size_t saved_missing_ = 0;
  std::vector<std::int32_t> saved_used_;

  void set_absent(std::int32_t request);
  void clear_absent(std::int32_t request);
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_PLAN_H
