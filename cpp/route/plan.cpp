#include "route/plan.h"

#include <algorithm>
#include <cmath>

namespace matcher::route {
namespace {

// Sums of doubles along a route may differ in the last bits from those of a checker; windows are not that sharp.
constexpr double kGrace = 1e-9;
// Likely neighbours of a stop: how many, and what waiting counts against distance (as in granular neighbourhoods for
// routes with windows: Vidal et al. 2013, "A hybrid genetic algorithm with adaptive diversity management for a large
// class of vehicle routing problems with time-windows").
constexpr std::size_t kPartners = 30;
constexpr double kWaiting = 0.2;
constexpr double kFewRoutes = 4.0;

// The transpose in blocks that fit the cache, or nothing when the matrix is its own transpose.
std::vector<double> columns_of(std::span<const double> matrix, std::size_t n) {
  constexpr std::size_t kBlock = 32;
  bool symmetric = true;
  for (std::size_t a0 = 0; a0 < n && symmetric; a0 += kBlock) {
    for (std::size_t b0 = 0; b0 <= a0 && symmetric; b0 += kBlock) {
      for (std::size_t a = a0; a < std::min(n, a0 + kBlock); ++a) {
        for (std::size_t b = b0; b < std::min(n, b0 + kBlock); ++b) symmetric &= matrix[a * n + b] == matrix[b * n + a];
      }
    }
  }
  if (symmetric) return {};
  std::vector<double> out(n * n);
  for (std::size_t a0 = 0; a0 < n; a0 += kBlock) {
    for (std::size_t b0 = 0; b0 < n; b0 += kBlock) {
      for (std::size_t a = a0; a < std::min(n, a0 + kBlock); ++a) {
        for (std::size_t b = b0; b < std::min(n, b0 + kBlock); ++b) out[b * n + a] = matrix[a * n + b];
      }
    }
  }
  return out;
}

}  // namespace

Plan::Plan(const PdptwProblem& problem)
    : problem_(problem),
      nodes_(problem.ready.size()),
      distance_of_(problem.distance.data()),
      duration_of_(problem.duration.empty() ? problem.distance.data() : problem.duration.data()),
      distance_columns_(columns_of(problem.distance, nodes_)),
      duration_columns_(problem.duration.empty() ? std::vector<double>{} : columns_of(problem.duration, nodes_)),
      request_of_(nodes_, -1),
      slot_of_(problem.pickup.size(), -1),
      absent_at_(problem.pickup.size(), -1),
      partners_(nodes_) {
  distance_to_ = distance_columns_.empty() ? distance_of_ : distance_columns_.data();
  duration_to_ = problem.duration.empty()    ? distance_to_
                 : duration_columns_.empty() ? duration_of_
                                             : duration_columns_.data();
  types_.assign(problem.types.begin(), problem.types.end());
  if (types_.empty()) types_.push_back({problem.vehicles, 0, 0, problem.ready[0], problem.due[0], 0.0});
  used_.resize(types_.size());
  more_ = problem.more_demand.size() / nodes_;
  extras_ = more_ > 0 || !problem.max_ride.empty();
  at_of_.resize(problem.pickup.size());
  for (std::int32_t r = 0; r < requests(); ++r) {
    request_of_[index(problem.pickup[index(r)])] = r;
    request_of_[index(problem.delivery[index(r)])] = r;
    set_absent(r);
  }
  alone_.assign(problem.pickup.size(), std::numeric_limits<double>::infinity());
  for (std::int32_t type = 0; type < types(); ++type) {
    Tour nothing;
    nothing.type = type;
    refresh(nothing);
    const double direct = nothing.stops[1].leg;  // a vehicle that stays where it is does not drive from start to end
    for (std::int32_t r = 0; r < requests(); ++r) {
      const double cost =
          cheapest(nothing, r, std::numeric_limits<double>::infinity()).cost + direct + types_[index(type)].fixed_cost;
      alone_by_type_.push_back(cost);
      alone_[index(r)] = std::min(alone_[index(r)], cost);
    }
  }
}

std::size_t Plan::hopeless() const {
  const auto never = [](double cost) { return std::isinf(cost); };
  return static_cast<std::size_t>(std::count_if(alone_.begin(), alone_.end(), never));
}

double Plan::driven() const {
  double fixed = 0.0;
  for (std::int32_t type = 0; type < types(); ++type) fixed += used_[index(type)] * types_[index(type)].fixed_cost;
  return distance_ - fixed;
}

std::int32_t Plan::capacity_of(std::int32_t type) const {
  return problem_.capacities.empty() ? problem_.capacity : problem_.capacities[index(type) * (1 + more_)];
}

void Plan::set_absent(std::int32_t request) {
  absent_at_[index(request)] = static_cast<std::int32_t>(absent_.size());
  absent_.push_back(request);
  slot_of_[index(request)] = -1;
  if (std::isinf(prize(request))) {
    ++missing_;
  } else {
    forgone_ += prize(request);
  }
}

void Plan::clear_absent(std::int32_t request) {
  const std::int32_t hole = absent_at_[index(request)];
  absent_[index(hole)] = absent_.back();
  absent_at_[index(absent_.back())] = hole;
  absent_.pop_back();
  absent_at_[index(request)] = -1;
  if (std::isinf(prize(request))) {
    --missing_;
  } else {
    forgone_ -= prize(request);
  }
}

Stop Plan::stop_at(std::int32_t node) const {
  Stop stop;
  stop.node = node;
  stop.ready = problem_.ready[index(node)];
  stop.service = problem_.service[index(node)];
  return stop;
}

// Distance and travel time from the stop before.
void Plan::link(Tour& tour, std::size_t at) const {
  const std::int32_t before = tour.stops[at - 1].node, node = tour.stops[at].node;
  tour.stops[at].leg = between(before, node);
  tour.stops[at].trip = trip(before, node);
}

// Departures and loads from a stop on, until past `at_least` nothing changes.
void Plan::forward(Tour& tour, std::size_t from, std::size_t at_least) const {
  for (std::size_t k = from; k < tour.stops.size(); ++k) {
    Stop& stop = tour.stops[k];
    const Stop& before = tour.stops[k - 1];
    const double depart = std::max(stop.ready, before.depart + stop.trip) + stop.service;
    const std::int32_t load = before.load + problem_.demand[index(stop.node)];
    if (k > at_least && depart == stop.depart && load == stop.load) return;
    stop.depart = depart;
    stop.load = load;
  }
}

// Latest starts from a stop back, until before `at_most` nothing changes.
void Plan::backward(Tour& tour, std::size_t from, std::size_t at_most) const {
  for (std::size_t k = from + 1; k-- > 0;) {
    Stop& stop = tour.stops[k];
    const Stop& next = tour.stops[k + 1];
    const double latest = std::min(problem_.due[index(stop.node)], next.latest - next.trip - stop.service);
    if (k < at_most && latest == stop.latest) return;
    stop.latest = latest;
  }
}

void Plan::refresh(Tour& tour) const {
  const std::size_t n = tour.nodes.size();
  tour.stops.resize(n + 2);
  const PdptwVehicleType& vehicle = types_[index(tour.type)];
  tour.stops[0] = stop_at(vehicle.start);
  tour.stops[0].service = 0.0;
  tour.stops[0].depart = vehicle.earliest;
  tour.stops[n + 1] = stop_at(vehicle.end);
  tour.stops[n + 1].service = 0.0;
  tour.stops[n + 1].latest = vehicle.latest;
  for (std::size_t k = 0; k < n; ++k) tour.stops[k + 1] = stop_at(tour.nodes[k]);
  for (std::size_t k = 1; k < n + 2; ++k) link(tour, k);
  sum_legs(tour);
  forward(tour, 1, n + 1);
  backward(tour, n, 0);
}

void Plan::sum_legs(Tour& tour) const {
  tour.length = 0.0;
  if (tour.nodes.empty()) return;
  tour.length = types_[index(tour.type)].fixed_cost;
  for (const Stop& stop : tour.stops) tour.length += stop.leg;
}

// The stops that stay keep what they know; only where one is gone a leg is looked up and times move.
template <class Gone>
bool Plan::skim(const Tour& tour, Gone&& gone, Tour& out) {
  const std::size_t n = tour.stops.size();
  out.nodes.resize(n - 2);
  out.stops.resize(n);
  out.stops[0] = tour.stops[0];
  std::size_t kept = 1, first = n, last = 0;
  bool hole = false;
  out.type = tour.type;
  for (std::size_t k = 1; k < n; ++k) {
    const std::int32_t node = tour.stops[k].node;
    if (k + 1 < n && gone(request_of_[index(node)])) {
      hole = true;
      continue;
    }
    out.stops[kept] = tour.stops[k];
    if (k + 1 < n) out.nodes[kept - 1] = node;
    if (hole) {
      link(out, kept);
      first = std::min(first, kept);
      last = kept;
      hole = false;
    }
    ++kept;
  }
  out.stops.resize(kept);
  out.nodes.resize(kept - 2);
  if (last == 0) return true;
  sum_legs(out);
  forward(out, first, last);
  backward(out, last - 1, first - 1);
  // A route keeps its times when every stop after a hole does.
  for (std::size_t k = first; k <= last; ++k) {
    if (out.stops[k].depart - out.stops[k].service > out.stops[k].latest + kGrace) return false;
  }
  if (!extras_ || out.nodes.empty()) return true;
  sequence_.assign(out.nodes.begin(), out.nodes.end());
  return sound_sequence(out.type);
}

// Ride limits: the least times that keep all windows and rides. A delivery that comes too long after its pick-up makes
// the pick-up wait, and all after it; times only grow, so the first time that breaks a window proves that none will do.
bool Plan::sound_sequence(std::int32_t type) {
  const std::size_t n = sequence_.size();
  if (more_ > 0) {
    on_board_.assign(more_, 0);
    for (const std::int32_t node : sequence_) {
      for (std::size_t q = 0; q < more_; ++q) {
        on_board_[q] += problem_.more_demand[index(node) * more_ + q];
        if (on_board_[q] > problem_.capacities[index(type) * (1 + more_) + 1 + q]) return false;
      }
    }
  }
  if (problem_.max_ride.empty()) return true;
  const PdptwVehicleType& vehicle = types_[index(type)];
  lower_.assign(n, 0.0);
  start_.resize(n);
  for (std::size_t k = 0; k < n; ++k) lower_[k] = problem_.ready[index(sequence_[k])];
  std::size_t restarts = 8 * n + 16;  // more than that only rounding asks for
  for (std::size_t k = 0; k < n; ++k) {
    const std::int32_t node = sequence_[k], before = k > 0 ? sequence_[k - 1] : vehicle.start;
    const double depart = k > 0 ? start_[k - 1] + problem_.service[index(before)] : vehicle.earliest;
    start_[k] = std::max(lower_[k], depart + trip(before, node));
    if (start_[k] > problem_.due[index(node)] + kGrace) return false;
    const std::int32_t request = request_of_[index(node)];
    if (problem_.pickup[index(request)] == node) {
      at_of_[index(request)] = static_cast<std::int32_t>(k);
      continue;
    }
    const std::size_t from = index(at_of_[index(request)]);
    const double service = problem_.service[index(sequence_[from])];
    const double wait_until = start_[k] - problem_.max_ride[index(request)] - service;
    if (wait_until <= start_[from] + kGrace) continue;
    if (restarts-- == 0) return false;
    lower_[from] = wait_until;
    k = from - 1;  // and again from the pick-up
  }
  const double back = start_[n - 1] + problem_.service[index(sequence_[n - 1])] + trip(sequence_[n - 1], vehicle.end);
  return back <= vehicle.latest + kGrace;
}

bool Plan::sound(const Tour& tour, std::int32_t request, std::size_t pickup_pos, std::size_t delivery_pos) {
  sequence_.assign(tour.nodes.begin(), tour.nodes.end());
  const auto at = [&](std::size_t position) { return sequence_.begin() + static_cast<std::ptrdiff_t>(position); };
  sequence_.insert(at(delivery_pos), problem_.delivery[index(request)]);
  sequence_.insert(at(pickup_pos), problem_.pickup[index(request)]);
  return sound_sequence(tour.type);
}

Insertion Plan::cheapest(const Tour& tour, std::int32_t request, double limit, const Insertion& refused) {
  // Of no place when there is none: no position is that large.
  const auto refused_pickup = static_cast<std::size_t>(refused.pickup_pos);
  const auto refused_delivery = static_cast<std::size_t>(refused.delivery_pos);
  constexpr double kNever = std::numeric_limits<double>::infinity();
  Insertion best;
  best.cost = limit;
  const std::int32_t p = problem_.pickup[index(request)];
  const std::int32_t d = problem_.delivery[index(request)];
  const std::int32_t room = capacity_of(tour.type) - problem_.demand[index(p)];
  const double due_p = problem_.due[index(p)] + kGrace, due_d = problem_.due[index(d)] + kGrace;
  const double ready_p = problem_.ready[index(p)], ready_d = problem_.ready[index(d)];
  const double service_p = problem_.service[index(p)], service_d = problem_.service[index(d)];
  const double between_pd = between(p, d), trip_pd = trip(p, d);
  const double *from_p = distance_of_ + index(p) * nodes_, *from_d = distance_of_ + index(d) * nodes_;
  const double *to_p = distance_to_ + index(p) * nodes_, *to_d = distance_to_ + index(d) * nodes_;
  const double *trip_from_p = duration_of_ + index(p) * nodes_, *trip_from_d = duration_of_ + index(d) * nodes_;
  const double *trip_to_p = duration_to_ + index(p) * nodes_, *trip_to_d = duration_to_ + index(d) * nodes_;
  const Stop* stops = tour.stops.data();
  const std::size_t places = tour.stops.size() - 1;  // place i lies between stops i and i + 1
  if (room < 0 || !allowed(request, tour.type)) return {};
  ++work_;
  if (detour_p_.size() < places + 1) {
    for (auto* column : {&detour_p_, &detour_d_, &leave_p_, &least_d_}) column->resize(2 * places + 1);
  }
  // Latest starts and departures do not decrease along a route: the places in time for the request are a range.
  std::size_t low = 0, high = places;
  for (std::size_t count = high; count > 0;) {
    const std::size_t half = count / 2;
    if (stops[low + half + 1].latest + kGrace < ready_p + service_p) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  // Each end alone: what it adds to the distance, infinite where it makes the route late or too full. `least_d_`: the
  // least that a delivery adds from a place on.
  std::size_t end = low;
  for (std::size_t i = low; i < high; ++i) {
    const Stop &before = stops[i], &after = stops[i + 1];
    if (before.depart > due_d) break;
    end = i + 1;
    detour_p_[i] = detour_d_[i] = kNever;
    if (before.load > room) continue;
    const auto a = index(before.node), b = index(after.node);
    const double latest = after.latest + kGrace;
    const double start_p = std::max(ready_p, before.depart + trip_to_p[a]);
    if (start_p <= due_p) {
      const double leave = start_p + service_p;
      leave_p_[i] = leave;
      if (leave + trip_from_p[b] <= latest) detour_p_[i] = to_p[a] + from_p[b] - after.leg;
      const double cost = to_p[a] + between_pd + from_d[b] - after.leg;
      if (cost < best.cost && !(i == refused_pickup && i == refused_delivery)) {
        const double start_d = std::max(ready_d, leave + trip_pd);
        if (start_d <= due_d && start_d + service_d + trip_from_d[b] <= latest &&
            (!extras_ || sound(tour, request, i, i))) {
          best = {cost, static_cast<std::int32_t>(i), static_cast<std::int32_t>(i)};
        }
      }
    }
    const double start_d = std::max(ready_d, before.depart + trip_to_d[a]);
    if (start_d <= due_d && start_d + service_d + trip_from_d[b] <= latest) {
      detour_d_[i] = to_d[a] + from_d[b] - after.leg;
    }
  }
  work_ += end - low;
  double least = kNever;
  for (std::size_t i = end; i-- > low;) least_d_[i] = least = std::min(least, detour_d_[i]);
  for (std::size_t i = low; i + 1 < end; ++i) {
    const double detour = detour_p_[i];
    if (detour + least_d_[i + 1] >= best.cost) continue;
    double arrive = leave_p_[i] + trip_from_p[index(stops[i + 1].node)];
    for (std::size_t k = i + 1; k < end; ++k) {
      if (detour + least_d_[k] >= best.cost) break;
      const Stop& stop = stops[k];
      const double start = std::max(stop.ready, arrive);
      if (start > stop.latest + kGrace || stop.load > room) break;
      const double left = start + stop.service;
      if (left > due_d) break;
      const Stop& next = stops[k + 1];
      if (detour + detour_d_[k] < best.cost && !(i == refused_pickup && k == refused_delivery)) {
        const double at = std::max(ready_d, left + trip_to_d[index(stop.node)]);
        if (at <= due_d && at + service_d + trip_from_d[index(next.node)] <= next.latest + kGrace &&
            (!extras_ || sound(tour, request, i, k))) {
          best = {detour + detour_d_[k], static_cast<std::int32_t>(i), static_cast<std::int32_t>(k)};
        }
      }
      arrive = left + next.trip;
    }
  }
  return best.feasible() ? best : Insertion{};
}

const Insertion& Plan::cached(std::int32_t slot, std::int32_t request, double limit) {
  Remembered& known = memory_[index(request) * memory_width_ + index(slot)];
  const Tour& tour = tours_[index(slot)];
  if (known.stamp != tour.stamp || (!known.insertion.feasible() && known.insertion.cost < limit)) {
    known.insertion = cheapest(tour, request, limit);
    if (!known.insertion.feasible()) known.insertion.cost = limit;
    known.stamp = tour.stamp;
  }
  return known.insertion;
}

const std::vector<std::int32_t>& Plan::partners(std::int32_t node) {
  std::vector<std::int32_t>& list = partners_[index(node)];
  if (!list.empty()) return list;
  const auto x = index(node);
  // One after the other: the way, some of the time that is then waited for certain, never what is too late for certain.
  const auto follows = [&](std::size_t a, std::size_t b) {
    const double travel = problem_.service[a] + duration_of_[a * nodes_ + b];
    if (problem_.ready[a] + travel > problem_.due[b] + kGrace) return std::numeric_limits<double>::infinity();
    return distance_of_[a * nodes_ + b] + kWaiting * std::max(0.0, problem_.ready[b] - problem_.due[a] - travel);
  };
  ranking_.clear();
  for (std::size_t other = 1; other < nodes_; ++other) {
    const double far = std::min(follows(x, other), follows(other, x));
    if (other != x && std::isfinite(far)) ranking_.emplace_back(far, static_cast<std::int32_t>(other));
  }
  const std::size_t keep = std::min(kPartners, ranking_.size());
  std::nth_element(ranking_.begin(), ranking_.begin() + static_cast<std::ptrdiff_t>(keep), ranking_.end());
  for (std::size_t k = 0; k < keep; ++k) list.push_back(ranking_[k].second);
  if (list.empty()) list.push_back(node);
  return list;
}

Placement Plan::cheapest_of_all(std::int32_t request, double blink, Rng& rng) {
  // What is remembered first: it bounds how far the routes that have changed need to be looked through. Of those, the
  // ones that hold a likely neighbour; the others only when no place was found.
  Placement best;
  stale_.clear();
  unlikely_.clear();
  ++marks_;
  for (const std::int32_t node : {problem_.pickup[index(request)], problem_.delivery[index(request)]}) {
    for (const std::int32_t partner : partners(node)) {
      const std::int32_t other = request_of_[index(partner)];
      if (other >= 0 && slot_of_[index(other)] >= 0) mark_[index(slot_of_[index(other)])] = marks_;
    }
  }
  const Remembered* row = memory_.data() + index(request) * memory_width_;
  for (std::int32_t slot = 0; slot < slots(); ++slot) {
    const Tour& tour = tours_[index(slot)];
    if (tour.nodes.empty() || (blink > 0.0 && rng.unit() < blink)) continue;
    const Remembered& known = row[slot];
    if (known.stamp != tour.stamp || !known.insertion.feasible()) {
      (mark_[index(slot)] == marks_ ? stale_ : unlikely_).push_back(slot);
    } else if (known.insertion.cost < best.at.cost) {
      best = {slot, known.insertion};
    }
  }
  for (const auto* slots_left : {&stale_, &unlikely_}) {
    for (const std::int32_t slot : *slots_left) {
      const Insertion& at = cached(slot, request, best.at.cost);
      if (at.feasible() && at.cost < best.at.cost) best = {slot, at};
    }
    if (best.slot >= 0) break;
  }
  if (best.slot < 0 || blink <= 0.0) return best;
  // With many routes, passing over routes is variety enough.
  const double few = std::min(1.0, kFewRoutes / vehicles_);
  const double refused = blink * few * few;
  return rng.unit() < refused ? second_of_all(request, best) : best;
}

Placement Plan::second_of_all(std::int32_t request, const Placement& refused) {
  Placement best;
  for (std::int32_t slot = 0; slot < slots(); ++slot) {
    if (tours_[index(slot)].nodes.empty()) continue;
    const Insertion at = slot == refused.slot ? cheapest(tours_[index(slot)], request, best.at.cost, refused.at)
                                              : cached(slot, request, best.at.cost);
    if (at.feasible() && at.cost < best.at.cost) best = {slot, at};
  }
  return best;
}

Placement Plan::open_for(std::int32_t request) {
  if (vehicles_ >= vehicle_limit) return {};
  std::int32_t best = -1;
  double least = std::numeric_limits<double>::infinity();
  for (std::int32_t type = 0; type < types(); ++type) {
    const double cost = alone_by_type_[index(type) * problem_.pickup.size() + index(request)];
    if (used_[index(type)] < types_[index(type)].count && cost < least) {
      best = type;
      least = cost;
    }
  }
  return best < 0 ? Placement{} : Placement{empty_slot(best), {least, 0, 0}};
}

Placement Plan::open_with(std::int32_t request, std::int32_t type) {
  const double cost = alone_by_type_[index(type) * problem_.pickup.size() + index(request)];
  return std::isfinite(cost) ? Placement{empty_slot(type), {cost, 0, 0}} : Placement{};
}

void Plan::set_type(std::int32_t slot, std::int32_t type) {
  Tour& tour = tours_[index(slot)];
  if (tour.type == type && !tour.stops.empty()) return;
  touch(slot);
  tour.type = type;
  tour.stamp = ++stamps_;
  refresh(tour);
}

std::int32_t Plan::empty_slot(std::int32_t type) {
  if (vehicles_ >= vehicle_limit || used_[index(type)] >= types_[index(type)].count) return -1;
  for (std::int32_t slot = 0; slot < slots(); ++slot) {
    if (!tours_[index(slot)].nodes.empty()) continue;
    set_type(slot, type);
    return slot;
  }
  tours_.emplace_back();
  tours_.back().type = type;
  refresh(tours_.back());
  tours_.back().stamp = ++stamps_;
  touched_.push_back(0);
  mark_.push_back(0);
  if (tours_.size() > memory_width_) {
    const std::size_t width = std::max<std::size_t>(16, 2 * memory_width_);
    std::vector<Remembered> wider(width * problem_.pickup.size());
    for (std::size_t r = 0; r < problem_.pickup.size(); ++r) {
      std::copy_n(memory_.data() + r * memory_width_, memory_width_, wider.data() + r * width);
    }
    memory_.swap(wider);
    memory_width_ = width;
  }
  return slots() - 1;
}

void Plan::touch(std::int32_t slot) {
  if (touched_[index(slot)] == epoch_) return;
  touched_[index(slot)] = epoch_;
  if (backups_used_ == backups_.size()) backups_.emplace_back();
  backups_[backups_used_].slot = slot;
  backups_[backups_used_].tour = tours_[index(slot)];
  ++backups_used_;
}

void Plan::settle(std::int32_t slot, double old_length, bool was_empty) {
  Tour& tour = tours_[index(slot)];
  tour.stamp = ++stamps_;
  distance_ += tour.length - old_length;
  const std::int32_t change = (was_empty ? 1 : 0) - (tour.nodes.empty() ? 1 : 0);
  vehicles_ += change;
  used_[index(tour.type)] += change;
}

void Plan::insert(std::int32_t slot, std::int32_t request, const Insertion& at) {
  touch(slot);
  Tour& tour = tours_[index(slot)];
  const bool was_empty = tour.nodes.empty();
  const double old_length = tour.length;
  const std::int32_t p = problem_.pickup[index(request)], d = problem_.delivery[index(request)];
  tour.nodes.insert(tour.nodes.begin() + at.delivery_pos, d);
  tour.nodes.insert(tour.nodes.begin() + at.pickup_pos, p);
  tour.stops.insert(tour.stops.begin() + at.delivery_pos + 1, stop_at(d));
  tour.stops.insert(tour.stops.begin() + at.pickup_pos + 1, stop_at(p));
  const std::size_t first = index(at.pickup_pos) + 1, second = index(at.delivery_pos) + 2;
  for (const std::size_t k : {first, first + 1, second, second + 1}) link(tour, k);
  forward(tour, first, second);
  backward(tour, second, first);
  sum_legs(tour);
  clear_absent(request);
  slot_of_[index(request)] = slot;
  settle(slot, old_length, was_empty);
}

void Plan::remove_from(std::int32_t slot, const std::vector<std::int32_t>& requests) {
  touch(slot);
  Tour& tour = tours_[index(slot)];
  const bool was_empty = tour.nodes.empty();
  const double old_length = tour.length;
  for (const std::int32_t request : requests) set_absent(request);
  if (!skim(tour, [&](std::int32_t request) { return slot_of_[index(request)] < 0; }, tour)) {
    for (const std::int32_t node : tour.nodes) {
      const std::int32_t request = request_of_[index(node)];
      if (slot_of_[index(request)] == slot) set_absent(request);
    }
    tour.nodes.clear();
    refresh(tour);
  }
  settle(slot, old_length, was_empty);
}

void Plan::remove(std::int32_t request) { remove_from(slot_of_[index(request)], {request}); }

bool Plan::without(const Tour& tour, std::int32_t first, std::int32_t second, Tour& out) {
  return skim(tour, [&](std::int32_t request) { return request == first || request == second; }, out);
}

bool Plan::drives(const std::vector<std::int32_t>& nodes, std::int32_t type, Tour& candidate) {
  candidate.nodes = nodes;
  candidate.type = type;
  refresh(candidate);
  const Stop& back = candidate.stops.back();
  if (back.depart > back.latest + kGrace) return false;
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    const Stop& stop = candidate.stops[k + 1];
    if (stop.depart - stop.service > stop.latest + kGrace || stop.load > capacity_of(type) ||
        !allowed(request_of_[index(nodes[k])], type)) {
      return false;
    }
  }
  sequence_ = nodes;
  return !extras_ || nodes.empty() || sound_sequence(type);
}

bool Plan::retype(std::int32_t slot, std::int32_t type) {
  Tour& tour = tours_[index(slot)];
  Tour candidate;
  if (used_[index(type)] >= types_[index(type)].count || !drives(tour.nodes, type, candidate)) return false;
  touch(slot);
  --used_[index(tour.type)];
  ++used_[index(type)];
  const double old_length = tour.length;
  tour = std::move(candidate);
  settle(slot, old_length, false);
  return true;
}

bool Plan::assign(std::int32_t slot, const std::vector<std::int32_t>& nodes, std::int32_t type) {
  Tour candidate;
  if (!drives(nodes, type, candidate)) return false;
  set_type(slot, type);
  touch(slot);
  for (const std::int32_t node : nodes) {
    const std::int32_t request = request_of_[index(node)];
    if (slot_of_[index(request)] == slot) continue;
    clear_absent(request);
    slot_of_[index(request)] = slot;
  }
  Tour& tour = tours_[index(slot)];
  const bool was_empty = tour.nodes.empty();
  const double old_length = tour.length;
  tour.nodes = nodes;
  refresh(tour);
  settle(slot, old_length, was_empty);
  return true;
}

bool Plan::fits(const std::vector<std::int32_t>& nodes) const {
  std::vector<std::int32_t> open;
  for (const std::int32_t node : nodes) {
    if (node < 1 || index(node) >= nodes_) return false;
    const std::int32_t request = request_of_[index(node)];
    if (request < 0 || slot_of_[index(request)] >= 0) return false;
    if (problem_.pickup[index(request)] == node) {
      if (std::count(nodes.begin(), nodes.end(), node) != 1) return false;
      open.push_back(request);
    } else if (std::erase(open, request) != 1) {
      return false;
    }
  }
  return open.empty();
}

void Plan::replace(const std::vector<std::vector<std::int32_t>>& routes,
                   const std::vector<std::int32_t>& types_by_slot) {
  begin();
  for (std::int32_t slot = 0; slot < slots(); ++slot) {
    const Tour& tour = tours_[index(slot)];
    if (index(slot) < routes.size() && tour.nodes == routes[index(slot)] && tour.type == types_by_slot[index(slot)]) {
      continue;
    }
    std::vector<std::int32_t> members;
    for (const std::int32_t node : tour.nodes) {
      if (problem_.pickup[index(request_of_[index(node)])] == node) members.push_back(request_of_[index(node)]);
    }
    if (!members.empty()) remove_from(slot, members);
  }
  for (std::size_t slot = 0; slot < routes.size(); ++slot) {
    if (!routes[slot].empty() && tours_[slot].nodes.empty()) {
      assign(static_cast<std::int32_t>(slot), routes[slot], types_by_slot[slot]);
    }
  }
}

void Plan::begin() {
  ++epoch_;
  backups_used_ = 0;
  saved_absent_ = absent_;
  saved_vehicles_ = vehicles_;
  saved_distance_ = distance_;
  saved_forgone_ = forgone_;
  saved_missing_ = missing_;
  saved_used_ = used_;
}

void Plan::rollback() {
  // First everything that left or entered a touched route, then what those routes held before.
  for (const std::int32_t request : absent_) absent_at_[index(request)] = -1;
  absent_.clear();
  for (const std::int32_t request : saved_absent_) set_absent(request);
  for (std::size_t k = 0; k < backups_used_; ++k) {
    Backup& backup = backups_[k];
    for (const std::int32_t node : backup.tour.nodes) slot_of_[index(request_of_[index(node)])] = backup.slot;
    std::swap(tours_[index(backup.slot)], backup.tour);
  }
  vehicles_ = saved_vehicles_;
  distance_ = saved_distance_;
  forgone_ = saved_forgone_;
  missing_ = saved_missing_;
  used_ = saved_used_;
  backups_used_ = 0;
  ++epoch_;
}

std::vector<std::vector<std::int32_t>> Plan::routes() const {
  std::vector<std::vector<std::int32_t>> out;
  for (const Tour& tour : tours_) {
    if (!tour.nodes.empty()) out.push_back(tour.nodes);
  }
  return out;
}

std::vector<std::int32_t> Plan::route_types() const {
  std::vector<std::int32_t> out;
  for (const Tour& tour : tours_) {
    if (!tour.nodes.empty()) out.push_back(tour.type);
  }
  return out;
}

}  // namespace matcher::route
