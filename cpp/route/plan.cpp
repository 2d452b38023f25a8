#include "route/plan.h"

#include <algorithm>

namespace matcher::route {
namespace {

// Sums of doubles along a route may differ in the last bits from those of a checker; windows are not that sharp.
constexpr double kGrace = 1e-9;

}  // namespace

Plan::Plan(const PdptwProblem& problem)
    : problem_(problem),
      nodes_(problem.ready.size()),
      distance_of_(problem.distance.data()),
      duration_of_(problem.duration.empty() ? problem.distance.data() : problem.duration.data()),
      request_of_(nodes_, -1),
      slot_of_(problem.pickup.size(), -1),
      absent_at_(problem.pickup.size(), -1) {
  for (std::int32_t r = 0; r < requests(); ++r) {
    request_of_[index(problem.pickup[index(r)])] = r;
    request_of_[index(problem.delivery[index(r)])] = r;
    set_absent(r);
  }
  Tour nothing;
  refresh(nothing);
  for (std::int32_t r = 0; r < requests(); ++r) {
    alone_.push_back(cheapest(nothing, r, std::numeric_limits<double>::infinity()).cost);
  }
}

void Plan::set_absent(std::int32_t request) {
  absent_at_[index(request)] = static_cast<std::int32_t>(absent_.size());
  absent_.push_back(request);
  slot_of_[index(request)] = -1;
}

void Plan::clear_absent(std::int32_t request) {
  const std::int32_t hole = absent_at_[index(request)];
  absent_[index(hole)] = absent_.back();
  absent_at_[index(absent_.back())] = hole;
  absent_.pop_back();
  absent_at_[index(request)] = -1;
}

void Plan::refresh(Tour& tour) const {
  const std::size_t n = tour.nodes.size();
  tour.start.resize(n);
  tour.latest.resize(n);
  tour.load.resize(n);
  std::int32_t last = 0;
  double departed = problem_.ready[0];
  std::int32_t load = 0;
  tour.length = 0.0;
  for (std::size_t k = 0; k < n; ++k) {
    const std::int32_t node = tour.nodes[k];
    tour.start[k] = std::max(problem_.ready[index(node)], departed + trip(last, node));
    departed = tour.start[k] + problem_.service[index(node)];
    tour.length += between(last, node);
    tour.load[k] = load += problem_.demand[index(node)];
    last = node;
  }
  if (n > 0) tour.length += between(last, 0);
  double latest = problem_.due[0];
  std::int32_t next = 0;
  for (std::size_t k = n; k-- > 0;) {
    const std::int32_t node = tour.nodes[k];
    latest = std::min(problem_.due[index(node)], latest - trip(node, next) - problem_.service[index(node)]);
    tour.latest[k] = latest;
    next = node;
  }
}

Insertion Plan::cheapest(const Tour& tour, std::int32_t request, double limit) const {
  Insertion best;
  best.cost = limit;
  const std::int32_t p = problem_.pickup[index(request)];
  const std::int32_t d = problem_.delivery[index(request)];
  const std::int32_t room = problem_.capacity - problem_.demand[index(p)];
  const double due_p = problem_.due[index(p)] + kGrace, due_d = problem_.due[index(d)] + kGrace;
  const double ready_p = problem_.ready[index(p)], ready_d = problem_.ready[index(d)];
  const double service_p = problem_.service[index(p)], service_d = problem_.service[index(d)];
  const double between_pd = between(p, d), trip_pd = trip(p, d);
  const auto n = static_cast<std::int32_t>(tour.nodes.size());
  if (room < 0) return {};
  const std::int32_t* nodes = tour.nodes.data();
  const double end = problem_.due[0] + kGrace;
  for (std::int32_t i = 0; i <= n; ++i) {
    const std::int32_t before = i > 0 ? nodes[i - 1] : 0;
    const double departed = i > 0 ? tour.start[index(i - 1)] + problem_.service[index(before)] : problem_.ready[0];
    if (departed > due_p) break;
    if (i > 0 && tour.load[index(i - 1)] > room) continue;
    const double start_p = std::max(ready_p, departed + trip(before, p));
    if (start_p > due_p) continue;
    const double leave_p = start_p + service_p;
    const std::int32_t after = i < n ? nodes[i] : 0;
    const double to_p = between(before, p);
    const double gone = between(before, after);
    const double latest_after = i < n ? tour.latest[index(i)] + kGrace : end;
    // The delivery right after the pick-up.
    const double start_d = std::max(ready_d, leave_p + trip_pd);
    if (start_d <= due_d && start_d + service_d + trip(d, after) <= latest_after) {
      const double cost = to_p + between_pd + between(d, after) - gone;
      if (cost < best.cost) best = {cost, i, i};
    }
    // Stops between the two.
    const double detour_p = to_p + between(p, after) - gone;
    if (detour_p >= best.cost) continue;
    double left = leave_p;
    std::int32_t last = p;
    for (std::int32_t k = i; k < n; ++k) {
      const std::int32_t node = nodes[k];
      const double start = std::max(problem_.ready[index(node)], left + trip(last, node));
      if (start > tour.latest[index(k)] + kGrace || tour.load[index(k)] > room) break;
      left = start + problem_.service[index(node)];
      last = node;
      if (left > due_d) break;
      const std::int32_t next = k + 1 < n ? nodes[k + 1] : 0;
      const double cost = detour_p + between(node, d) + between(d, next) - between(node, next);
      if (cost >= best.cost) continue;
      const double at = std::max(ready_d, left + trip(node, d));
      if (at > due_d) continue;
      if (at + service_d + trip(d, next) <= (k + 1 < n ? tour.latest[index(k + 1)] + kGrace : end)) {
        best = {cost, i, k + 1};
      }
    }
  }
  return best.feasible() ? best : Insertion{};
}

const Insertion& Plan::cached(std::int32_t slot, std::int32_t request) {
  Remembered& known = memory_[index(slot)][index(request)];
  const Tour& tour = tours_[index(slot)];
  if (known.stamp != tour.stamp) {
    known.insertion = cheapest(tour, request, std::numeric_limits<double>::infinity());
    known.stamp = tour.stamp;
  }
  return known.insertion;
}

std::int32_t Plan::empty_slot() {
  if (vehicles_ >= std::min(problem_.vehicles, vehicle_limit)) return -1;
  for (std::int32_t slot = 0; slot < slots(); ++slot) {
    if (tours_[index(slot)].nodes.empty()) return slot;
  }
  tours_.emplace_back();
  tours_.back().stamp = ++stamps_;
  touched_.push_back(0);
  memory_.emplace_back(problem_.pickup.size());
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
  refresh(tour);
  tour.stamp = ++stamps_;
  distance_ += tour.length - old_length;
  vehicles_ += (was_empty ? 1 : 0) - (tour.nodes.empty() ? 1 : 0);
}

void Plan::insert(std::int32_t slot, std::int32_t request, const Insertion& at) {
  touch(slot);
  Tour& tour = tours_[index(slot)];
  const bool was_empty = tour.nodes.empty();
  tour.nodes.insert(tour.nodes.begin() + at.delivery_pos, problem_.delivery[index(request)]);
  tour.nodes.insert(tour.nodes.begin() + at.pickup_pos, problem_.pickup[index(request)]);
  clear_absent(request);
  slot_of_[index(request)] = slot;
  settle(slot, tour.length, was_empty);
}

void Plan::remove_from(std::int32_t slot, const std::vector<std::int32_t>& requests) {
  touch(slot);
  Tour& tour = tours_[index(slot)];
  const bool was_empty = tour.nodes.empty();
  for (const std::int32_t request : requests) set_absent(request);
  std::erase_if(tour.nodes, [&](std::int32_t node) { return slot_of_[index(request_of_[index(node)])] < 0; });
  settle(slot, tour.length, was_empty);
}

void Plan::remove(std::int32_t request) { remove_from(slot_of_[index(request)], {request}); }

void Plan::without(const Tour& tour, std::int32_t first, std::int32_t second, Tour& out) const {
  out.nodes.clear();
  for (const std::int32_t node : tour.nodes) {
    const std::int32_t request = request_of_[index(node)];
    if (request != first && request != second) out.nodes.push_back(node);
  }
  refresh(out);
}

bool Plan::assign(std::int32_t slot, const std::vector<std::int32_t>& nodes) {
  Tour candidate;
  candidate.nodes = nodes;
  refresh(candidate);
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    if (candidate.start[k] > candidate.latest[k] + kGrace || candidate.load[k] > problem_.capacity) return false;
  }
  touch(slot);
  for (const std::int32_t node : nodes) {
    const std::int32_t request = request_of_[index(node)];
    if (slot_of_[index(request)] == slot) continue;
    clear_absent(request);
    slot_of_[index(request)] = slot;
  }
  Tour& tour = tours_[index(slot)];
  const bool was_empty = tour.nodes.empty();
  tour.nodes = nodes;
  settle(slot, tour.length, was_empty);
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

void Plan::replace(const std::vector<std::vector<std::int32_t>>& routes) {
  begin();
  for (std::int32_t slot = 0; slot < slots(); ++slot) {
    const Tour& tour = tours_[index(slot)];
    if (index(slot) < routes.size() && tour.nodes == routes[index(slot)]) continue;
    std::vector<std::int32_t> members;
    for (const std::int32_t node : tour.nodes) {
      if (problem_.pickup[index(request_of_[index(node)])] == node) members.push_back(request_of_[index(node)]);
    }
    if (!members.empty()) remove_from(slot, members);
  }
  for (std::size_t slot = 0; slot < routes.size(); ++slot) {
    if (!routes[slot].empty() && tours_[slot].nodes.empty()) assign(static_cast<std::int32_t>(slot), routes[slot]);
  }
}

void Plan::begin() {
  ++epoch_;
  backups_used_ = 0;
  saved_absent_ = absent_;
  saved_vehicles_ = vehicles_;
  saved_distance_ = distance_;
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

}  // namespace matcher::route
