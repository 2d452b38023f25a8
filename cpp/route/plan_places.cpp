// The cheapest feasible places of a request in the routes of a plan, and in vehicles that have none yet.
#include <algorithm>
#include <cmath>

#include "route/plan.h"

namespace matcher::route {
namespace {

constexpr double kFewRoutes = 4.0;

}  // namespace

Insertion Plan::cheapest(const Tour& tour, std::int32_t request, double limit, const Insertion& refused) {
  return gaps_ || bins_ ? cheapest_in<false>(tour, request, limit, refused)
                        : cheapest_in<true>(tour, request, limit, refused);
}

// kPlain: a stop has one window, and a way takes the same time whenever it begins.
template <bool kPlain>
Insertion Plan::cheapest_in(const Tour& tour, std::int32_t request, double limit, const Insertion& refused) {
  const auto opens = [&](std::int32_t node, double ready, double at) {
    if constexpr (kPlain) return std::max(ready, at);
    return gaps_ ? opens_between(node, at) : std::max(ready, at);
  };
  const auto reach = [&](std::int32_t a, std::int32_t b, double leave, double trip) {
    if constexpr (kPlain) return leave + trip;
    return bins_ ? reaches(a, b, leave) : leave + trip;
  };
  // Of no place when there is none: no position is that large.
  const auto refused_pickup = static_cast<std::size_t>(refused.pickup_pos);
  const auto refused_delivery = static_cast<std::size_t>(refused.delivery_pos);
  constexpr double kNever = std::numeric_limits<double>::infinity();
  Insertion best;
  best.cost = limit;
  const std::int32_t p = problem_.pickup[index(request)];
  const std::int32_t d = problem_.delivery[index(request)];
  const std::int32_t room = capacity_of(tour.type) - problem_.demand[index(p)];
  const double due_p = due_[index(p)] + kGrace, due_d = due_[index(d)] + kGrace;
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
  // What the tables allow is held to the other rules; lateness comes on top of the way.
  const auto offer = [&](double cost, std::size_t pickup_pos, std::size_t delivery_pos) {
    if (extras_) {
      if (!sound(tour, request, pickup_pos, delivery_pos)) return;
      if (late_) cost += lateness_ - tour.late;
      if (cost >= best.cost) return;
    }
    best = {cost, static_cast<std::int32_t>(pickup_pos), static_cast<std::int32_t>(delivery_pos)};
  };
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
    const double start_p = opens(p, ready_p, reach(before.node, p, before.depart, trip_to_p[a]));
    if (start_p <= due_p) {
      const double leave = start_p + service_p;
      leave_p_[i] = leave;
      if (reach(p, after.node, leave, trip_from_p[b]) <= latest) detour_p_[i] = to_p[a] + from_p[b] - after.leg;
      const double cost = to_p[a] + between_pd + from_d[b] - after.leg;
      if (cost < best.cost && !(i == refused_pickup && i == refused_delivery)) {
        const double start_d = opens(d, ready_d, reach(p, d, leave, trip_pd));
        if (start_d <= due_d && reach(d, after.node, start_d + service_d, trip_from_d[b]) <= latest) offer(cost, i, i);
      }
    }
    const double start_d = opens(d, ready_d, reach(before.node, d, before.depart, trip_to_d[a]));
    if (start_d <= due_d && reach(d, after.node, start_d + service_d, trip_from_d[b]) <= latest) {
      detour_d_[i] = to_d[a] + from_d[b] - after.leg;
    }
  }
  work_ += end - low;
  double least = kNever;
  for (std::size_t i = end; i-- > low;) least_d_[i] = least = std::min(least, detour_d_[i]);
  for (std::size_t i = low; i + 1 < end; ++i) {
    const double detour = detour_p_[i];
    if (detour + least_d_[i + 1] >= best.cost) continue;
    double arrive = reach(p, stops[i + 1].node, leave_p_[i], trip_from_p[index(stops[i + 1].node)]);
    for (std::size_t k = i + 1; k < end; ++k) {
      if (detour + least_d_[k] >= best.cost) break;
      const Stop& stop = stops[k];
      const double start = opens(stop.node, stop.ready, arrive);
      if (start > stop.latest + kGrace || stop.load > room) break;
      const double left = start + stop.service;
      if (left > due_d) break;
      const Stop& next = stops[k + 1];
      if (detour + detour_d_[k] < best.cost && !(i == refused_pickup && k == refused_delivery)) {
        const double at = opens(d, ready_d, reach(stop.node, d, left, trip_to_d[index(stop.node)]));
        if (at <= due_d && reach(d, next.node, at + service_d, trip_from_d[index(next.node)]) <= next.latest + kGrace) {
          offer(detour + detour_d_[k], i, k);
        }
      }
      arrive = reach(stop.node, next.node, left, next.trip);
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

Placement Plan::cheapest_of_all(std::int32_t request, double blink, Rng& rng) {
  // What is remembered first: it bounds how far the routes that have changed need to be looked through. Of those, the
  // ones that hold a likely neighbour; the others only when no place was found.
  Placement best;
  stale_.clear();
  unlikely_.clear();
  ++marks_;
  for (const std::int32_t node : {problem_.pickup[index(request)], problem_.delivery[index(request)]}) {
    for (const std::int32_t partner : neighbours_.partners(node)) {
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

}  // namespace matcher::route
