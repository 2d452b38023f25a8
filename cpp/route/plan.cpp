#include "route/plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace matcher::route {
namespace {

constexpr double kLatest = 1e13;  // beyond every time of a problem

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

Plan::Plan(const PdptwProblem& problem, Neighbours neighbours)
    : problem_(problem),
      neighbours_(std::move(neighbours)),
      nodes_(problem.ready.size()),
      distance_of_(problem.distance.data()),
      duration_of_(problem.duration.empty() ? problem.distance.data() : problem.duration.data()),
      distance_columns_(columns_of(problem.distance, nodes_)),
      duration_columns_(problem.duration.empty() ? std::vector<double>{} : columns_of(problem.duration, nodes_)),
      request_of_(nodes_, -1),
      slot_of_(problem.pickup.size(), -1),
      absent_at_(problem.pickup.size(), -1) {
  distance_to_ = distance_columns_.empty() ? distance_of_ : distance_columns_.data();
  duration_to_ = problem.duration.empty()    ? distance_to_
                 : duration_columns_.empty() ? duration_of_
                                             : duration_columns_.data();
  types_.assign(problem.types.begin(), problem.types.end());
  if (types_.empty()) types_.push_back({problem.vehicles, 0, 0, problem.ready[0], problem.due[0], 0.0});
  used_.resize(types_.size());
  more_ = problem.more_demand.size() / nodes_;
  gaps_ = !problem.windows.empty();
  late_ = !problem.late_cost.empty();
  bins_ = !problem.bins.empty();
  extras_ = more_ > 0 || late_ || !problem.max_ride.empty();
  due_.assign(problem.due.begin(), problem.due.end());
  for (std::size_t node = 0; late_ && node < nodes_; ++node) {
    if (std::isfinite(problem.late_cost[node])) due_[node] = kLatest;
  }
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

// All stays monotone with several windows: who arrives later starts no earlier, and the latest start that keeps what
// follows in time lies in a window. Tables and tests are those of one window.
double Plan::opens_between(std::int32_t node, double at) const {
  const auto spans = windows_of(node);
  at = std::max(problem_.ready[index(node)], at);
  for (std::size_t k = 0; k < spans.size(); k += 2) {
    if (at <= spans[k + 1] + kGrace) return std::max(spans[k], at);
  }
  return at;
}

double Plan::closes_between(std::int32_t node, double by) const {
  const auto spans = windows_of(node);
  const double due = due_[index(node)];
  by = std::min(due, by);
  // After the last window service starts at a price, or not at all.
  if (spans.empty() || (by > spans.back() && due > spans.back())) return by;
  for (std::size_t k = spans.size(); k > 0; k -= 2) {
    if (by + kGrace >= spans[k - 2]) return std::min(spans[k - 1], by);
  }
  return by;
}

double Plan::reaches(std::int32_t a, std::int32_t b, double leave) const {
  double first = std::numeric_limits<double>::infinity();
  const double* row = problem_.bin_duration.data() + index(a) * nodes_ + index(b);
  for (std::size_t k = 0; k < problem_.bins.size(); ++k, row += nodes_ * nodes_) {
    if (k + 1 < problem_.bins.size() && leave >= problem_.bins[k + 1]) continue;
    first = std::min(first, (k > 0 ? std::max(leave, problem_.bins[k]) : leave) + *row);
  }
  return first;
}

double Plan::leaves(std::int32_t a, std::int32_t b, double by) const {
  const std::size_t last = problem_.bins.size() - 1;
  const double* row = problem_.bin_duration.data() + (last * nodes_ + index(a)) * nodes_ + index(b);
  for (std::size_t k = last;; --k, row -= nodes_ * nodes_) {
    const double leave = by - *row;
    if (k > 0 && leave < problem_.bins[k]) continue;
    // A bin's end belongs to the next one; so far before it that no grace reaches over it.
    return k == last ? leave : std::min(leave, problem_.bins[k + 1] - 2 * kGrace);
  }
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
    const double arrive = bins_ ? reaches(before.node, stop.node, before.depart) : before.depart + stop.trip;
    const double depart = (gaps_ ? opens_between(stop.node, arrive) : std::max(stop.ready, arrive)) + stop.service;
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
    const double leave = bins_ ? leaves(stop.node, next.node, next.latest) : next.latest - next.trip;
    const double by = leave - stop.service;
    const double latest = gaps_ ? closes_between(stop.node, by) : std::min(due_[index(stop.node)], by);
    if (k < at_most && latest == stop.latest) return;
    stop.latest = latest;
  }
}

void Plan::refresh(Tour& tour) {
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
  forward(tour, 1, n + 1);
  backward(tour, n, 0);
  sum_costs(tour);
}

void Plan::sum_costs(Tour& tour) {
  tour.length = tour.late = 0.0;
  if (tour.nodes.empty()) return;
  tour.length = types_[index(tour.type)].fixed_cost;
  for (const Stop& stop : tour.stops) tour.length += stop.leg;
  if (!late_) return;
  sequence_.assign(tour.nodes.begin(), tour.nodes.end());
  if (sound_sequence(tour.type)) tour.late = lateness_;
  tour.length += tour.late;
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
  forward(out, first, last);
  backward(out, last - 1, first - 1);
  sum_costs(out);
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
  const bool rides = !problem_.max_ride.empty();
  if (!rides && !late_) return true;
  const PdptwVehicleType& vehicle = types_[index(type)];
  lower_.assign(n, 0.0);
  start_.resize(n);
  for (std::size_t k = 0; k < n; ++k) lower_[k] = problem_.ready[index(sequence_[k])];
  std::size_t restarts = 8 * n + 16;  // more than that only rounding asks for
  for (std::size_t k = 0; k < n; ++k) {
    const std::int32_t node = sequence_[k], before = k > 0 ? sequence_[k - 1] : vehicle.start;
    const double depart = k > 0 ? start_[k - 1] + problem_.service[index(before)] : vehicle.earliest;
    const double arrive = bins_ ? reaches(before, node, depart) : depart + trip(before, node);
    start_[k] = gaps_ ? opens_between(node, std::max(lower_[k], arrive)) : std::max(lower_[k], arrive);
    if (start_[k] > due_[index(node)] + kGrace) return false;
    if (!rides) continue;
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
  const std::int32_t behind = sequence_[n - 1];
  const double depart = start_[n - 1] + problem_.service[index(behind)];
  const double back = bins_ ? reaches(behind, vehicle.end, depart) : depart + trip(behind, vehicle.end);
  if (back > vehicle.latest + kGrace) return false;
  if (late_) price_lateness();
  return true;
}

// Of `sequence_` at the times `start_`: the least that there are, so nothing costs less.
void Plan::price_lateness() {
  lateness_ = 0.0;
  for (std::size_t k = 0; k < sequence_.size(); ++k) {
    const std::size_t node = index(sequence_[k]);
    if (start_[k] > problem_.due[node] + kGrace) {
      lateness_ += problem_.late_cost[node] * (start_[k] - problem_.due[node]);
    }
  }
}

bool Plan::sound(const Tour& tour, std::int32_t request, std::size_t pickup_pos, std::size_t delivery_pos) {
  sequence_.assign(tour.nodes.begin(), tour.nodes.end());
  const auto at = [&](std::size_t position) { return sequence_.begin() + static_cast<std::ptrdiff_t>(position); };
  sequence_.insert(at(delivery_pos), problem_.delivery[index(request)]);
  sequence_.insert(at(pickup_pos), problem_.pickup[index(request)]);
  return sound_sequence(tour.type);
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
  sum_costs(tour);
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
