// Branch and bound over the sequences of one courier's stops: matcher/sequence.h states the problem and the method.
#ifndef MATCHER_ROUTE_SEQUENCE_SEARCH_H
#define MATCHER_ROUTE_SEQUENCE_SEARCH_H

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "matcher/sequence.h"
#include "route/live_routes.h"
#include "route/sequence_layers.h"
#include "route/travel.h"

namespace matcher::route {

template <class Times>
class SequenceSearch {
  static constexpr std::int64_t kNoCost = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t kStart = kMaxSequenceStops;  // row of the place that the search starts from
  static constexpr std::size_t kTableBits = 13;
  static constexpr std::size_t kLayersFrom = 7;  // free stops; fewer are searched sooner one by one
  static constexpr std::size_t kTableFrom = 7;   // free stops; fewer are searched sooner than a table is made

  using Load = std::array<std::int64_t, 1 + kMaxLoadDimensions>;

  // A stop of the route; those that are not locked count from 0 as "free".
  struct Node {
    LiveStop stop;
    std::size_t pickup = kNone;  // of a drop-off: its pick-up; kNone: on board from the beginning
    std::int64_t latest_ms = 0;  // of the hand-over
    Load load{};                 // by which it changes
    std::int64_t way_in = 0;     // the shortest, from any other place of the search
    std::int64_t stay = 0;       // access and leave; 0 where another stop may share its visit
  };

  // A beginning: the stops served so far, and what they cost.
  struct Walk {
    Group group;                    // the open visit
    std::int64_t time_ms = 0;       // departure from the last closed visit
    std::int64_t depart_by_ms = 0;  // latest start of the courier, once a visit is closed
    std::int64_t cost = 0;          // of closed visits and all travel; courier time left out
    std::uint32_t served = 0;       // bit set of free stops
    std::size_t last = kStart;      // free stop
    std::size_t length = 0;         // stops walked, the locked ones included
    bool begun = false;             // a visit is closed
    Load load{};
  };

 public:
  SequenceSearch(const Market& market, const Times& times, const SequenceOptions& options)
      : market_(market), times_(times), options_(options), w_(options.weights) {
    const std::size_t couriers = market.couriers.loc.size();
    if (couriers > 0) dimensions_ += options.more_capacity.size() / couriers;
  }

  // Puts the best sequence, as positions of the present one, into `best`. False when none keeps the limits.
  bool run(std::int32_t courier, std::span<const std::int32_t> order, std::span<const std::int8_t> kind,
           std::size_t locked, std::vector<std::size_t>& best) {
    courier_ = courier;
    order_ = order;
    locked_ = locked;
    free_ = order.size() - locked;
    ++epoch_;
    nodes_looked_at_ = 0;
    best_cost_ = kNoCost;
    best.resize(order.size());
    for (std::size_t k = 0; k < best.size(); ++k) best[k] = k;
    compile(kind);
    const Walk walk = start();
    measure();
    take_present(walk);
    sought_ = kUnknown;
    if (!take_layers(walk) && free_ > 0) {
      if (free_ >= kTableFrom && table_.empty()) {
        table_.resize(std::size_t{1} << kTableBits);
        picked_at_.resize(table_.size());
      }
      extend(walk);
    }
    if (best_cost_ == kNoCost) return false;
    for (std::size_t k = 0; k < free_; ++k) best[locked_ + k] = locked_ + best_path_[k];
    return true;
  }
  std::int64_t cost() const { return best_cost_; }
  std::int64_t nodes() const { return nodes_looked_at_; }

 private:
  struct Entry {
    std::uint64_t epoch = 0;
    std::uint32_t served = 0, last = 0;
    std::int64_t time_ms = 0, cost = 0;
  };

  const Node& free_node(std::size_t stop) const { return nodes_[locked_ + stop]; }
  static bool is_pickup(const Node& node) { return node.stop.visit.kind == StopKind::kPickup; }
  bool served(const Walk& walk, std::size_t node) const {
    return node < locked_ || (walk.served >> (node - locked_) & 1U) != 0;
  }
  bool on_board(const Walk& walk, const Node& dropoff) const {
    return dropoff.pickup == kNone || served(walk, dropoff.pickup);
  }
  bool takes(const Group& group, const Node& node) const {
    return group.takes(node.stop.visit, market_.rules.share_dropoff_service);
  }

  void compile(std::span<const std::int8_t> kind) {
    const std::size_t n = order_.size();
    nodes_.assign(n, {});
    picked_.assign(n, 0);
    trail_.resize(n);
    for (std::size_t k = 0; k < n; ++k) {
      Node& node = nodes_[k];
      const auto what = static_cast<StopKind>(kind[k]);
      node.stop = fresh_stop(market_, courier_, order_[k], what);
      node.latest_ms = std::min(node.stop.latest_ms, node.stop.shift_latest_ms);
      node.load[0] = market_.orders.size[at(order_[k])];
      for (std::size_t d = 1; d < dimensions_; ++d) {
        node.load[d] = options_.more_size[at(order_[k]) * (dimensions_ - 1) + d - 1];
      }
      if (what == StopKind::kPickup) continue;
      for (auto& part : node.load) part = -part;
      for (std::size_t other = 0; other < n; ++other) {
        if (order_[other] == order_[k] && kind[other] == static_cast<std::int8_t>(StopKind::kPickup)) {
          node.pickup = other;
        }
      }
    }
  }

  // The walk through the locked stops, whose limits nobody can help any more; its last visit is still open.
  Walk start() {
    Walk walk;
    walk.time_ms = walk.depart_by_ms = market_.couriers.free_ms[at(courier_)];
    place_ = market_.couriers.loc[at(courier_)];
    for (const Node& node : nodes_) {
      if (is_pickup(node) || node.pickup != kNone) continue;
      for (std::size_t d = 0; d < dimensions_; ++d) walk.load[d] -= node.load[d];
    }
    for (std::size_t k = 0; k < locked_; ++k) {
      push(walk, k, times_(courier_, place_, nodes_[k].stop.visit.place));
      place_ = nodes_[k].stop.visit.place;
    }
    return walk;
  }

  // Opens or joins a visit. False when closing the one before breaks a limit.
  bool push(Walk& walk, std::size_t node, std::int64_t travel) {
    const auto& visit = nodes_[node].stop.visit;
    if (takes(walk.group, nodes_[node])) {
      walk.group.join(visit);
    } else {
      if (!close(walk)) return false;
      walk.group.open(visit, walk.time_ms, travel);
      walk.cost += w_[kTravel] * travel;
    }
    trail_[walk.length++] = node;
    for (std::size_t d = 0; d < dimensions_; ++d) walk.load[d] += nodes_[node].load[d];
    return true;
  }

  // Fixes the times of the open visit. False when that breaks a limit of a free stop.
  bool close(Walk& walk) {
    if (walk.group.stops == 0) return true;
    const std::int64_t event = walk.group.event_ms();
    for (std::size_t depth = walk.length - at(walk.group.stops); depth < walk.length; ++depth) {
      const Node& node = nodes_[trail_[depth]];
      walk.cost += event_cost(node.stop, event);
      if (is_pickup(node)) picked_[trail_[depth]] = event;
      if (trail_[depth] < locked_) continue;
      if (event > node.latest_ms) return false;
      if (!is_pickup(node) && event - ride_start(node) > node.stop.ride_ms) return false;
    }
    if (!walk.begun) walk.depart_by_ms = walk.group.depart_by_ms();
    walk.begun = true;
    walk.time_ms = walk.group.depart_ms();
    walk.group.stops = 0;
    return true;
  }

  std::int64_t ride_start(const Node& dropoff) const {
    return dropoff.pickup == kNone ? dropoff.stop.picked_ms : picked_[dropoff.pickup];
  }

  std::int64_t event_cost(const LiveStop& stop, std::int64_t event) const {
    if (stop.visit.kind == StopKind::kPickup) return w_[kPickupDelay] * (event - stop.placed_ms);
    Quantities q{};
    add_dropoff(q, event, stop.placed_ms, stop.promised_by_ms, market_.rules.severe_after_ms);
    return w_[kClickToDoor] * q[kClickToDoor] + w_[kLateness] * q[kLateness] + w_[kSevereLateness] * q[kSevereLateness];
  }

  // Travel times between the free stops and from where the search starts, their closure, and the shortest steps.
  void measure() {
    for (std::size_t b = 0; b < free_; ++b) {
      const std::int32_t to = free_node(b).stop.visit.place;
      travel_[kStart][b] = times_(courier_, place_, to);
      for (std::size_t a = 0; a < free_; ++a) travel_[a][b] = times_(courier_, free_node(a).stop.visit.place, to);
    }
    closure_ = travel_;
    if constexpr (!Times::kTriangle) {
      for (std::size_t via = 0; via < free_; ++via) {
        for (std::size_t a = 0; a <= kStart; a = a + 1 == free_ ? kStart : a + 1) {
          for (std::size_t b = 0; b < free_; ++b) {
            closure_[a][b] = std::min(closure_[a][b], closure_[a][via] + closure_[via][b]);
          }
        }
      }
    }
    pickups_ = dropoffs_ = 0;
    by_step_.clear();
    by_due_.clear();
    for (std::size_t b = 0; b < free_; ++b) {
      Node& node = nodes_[locked_ + b];
      node.way_in = travel_[kStart][b];
      bool joinable = place_ == node.stop.visit.place;
      for (std::size_t a = 0; a < free_; ++a) {
        if (a == b) continue;
        node.way_in = std::min(node.way_in, travel_[a][b]);
        joinable |= free_node(a).stop.visit.place == node.stop.visit.place;
      }
      node.stay = joinable ? 0 : node.stop.visit.access_ms + node.stop.visit.leave_ms;
      (is_pickup(node) ? pickups_ : dropoffs_) |= 1U << b;
      by_step_.push_back(b);
      if (!is_pickup(node)) by_due_.push_back(b);
    }
    const auto sort_by = [&](std::vector<std::size_t>& stops, auto&& key) {
      std::sort(stops.begin(), stops.end(),
                [&](std::size_t a, std::size_t b) { return key(free_node(a)) < key(free_node(b)); });
    };
    sort_by(by_step_, [](const Node& node) { return node.way_in + node.stay; });
    sort_by(by_due_, [](const Node& node) { return node.stop.promised_by_ms; });
  }

  std::int64_t room(std::size_t d) const {
    return d == 0 ? market_.couriers.capacity[at(courier_)]
                  : options_.more_capacity[at(courier_) * (dimensions_ - 1) + d - 1];
  }

  bool can_follow(const Walk& walk, std::size_t stop) const {
    const Node& node = free_node(stop);
    if ((walk.served >> stop & 1U) != 0) return false;
    if (!is_pickup(node)) return on_board(walk, node);
    for (std::size_t d = 0; d < dimensions_; ++d) {
      if (node.load[d] > 0 && walk.load[d] + node.load[d] > room(d)) return false;
    }
    return true;
  }

  bool serve(Walk& walk, std::size_t stop) {
    if (!push(walk, locked_ + stop, travel_[walk.last][stop])) return false;
    walk.served |= 1U << stop;
    walk.last = stop;
    return true;
  }

  // The present sequence as incumbent, when it keeps the limits.
  void take_present(Walk walk) {
    for (std::size_t k = 0; k < free_; ++k) {
      if (!can_follow(walk, k) || !serve(walk, k)) return;
      path_[k] = k;
    }
    finish(walk);
  }

  // By layers, where they are sooner. False when branch and bound is still to say which sequence it is: all of it, or
  // which of several that cost the same.
  bool take_layers(Walk walk) {
    if (free_ < kLayersFrom || !own_visits(walk)) return false;
    describe_layers(walk);
    if (layer_sets(layer_problem_) > kMaxLayerSets) return false;
    thread_local SequenceLayers layers;  // its memory outlives the call: fresh pages cost as much as the search
    const LayerAnswer answer = layers.run(layer_problem_, best_cost_ - 1);
    nodes_looked_at_ += layers.labels();
    if (!answer.exact) {
      if (answer.cost != kNoCost) best_cost_ = answer.cost + 1;  // found again, or better
      return false;
    }
    if (answer.cost == kNoCost) return true;  // the present sequence stays, or none keeps the limits
    if (!answer.unique) {
      sought_ = answer.cost;
      best_cost_ = answer.cost + 1;
      return false;
    }
    best_cost_ = answer.cost;
    best_path_ = answer.path;
    return true;
  }

  // Whether no free stop can share a visit with another one, nor with the locked visit that is open.
  bool own_visits(const Walk& walk) const {
    for (std::size_t a = 0; a < free_; ++a) {
      const Node& node = free_node(a);
      if (takes(walk.group, node)) return false;
      if (!is_pickup(node) && !market_.rules.share_dropoff_service) continue;
      for (std::size_t b = 0; b < a; ++b) {
        const auto& other = free_node(b).stop.visit;
        if (other.kind == node.stop.visit.kind && other.place == node.stop.visit.place) return false;
      }
    }
    return true;
  }

  void describe_layers(Walk walk) {
    close(walk);
    LayerProblem& problem = layer_problem_;
    problem.count = free_;
    problem.dimensions = dimensions_;
    problem.travel = &travel_;
    problem.closure = &closure_;
    problem.start_ms = walk.time_ms;
    problem.start_cost = walk.cost - (walk.begun ? w_[kCourierTime] * walk.depart_by_ms : 0);
    problem.begun = walk.begun;
    problem.load = walk.load;
    for (std::size_t d = 0; d < dimensions_; ++d) problem.room[d] = room(d);
    problem.weights = w_;
    problem.severe_after_ms = market_.rules.severe_after_ms;
    for (std::size_t k = 0; k < free_; ++k) {
      const Node& node = free_node(k);
      const auto& visit = node.stop.visit;
      LayerStop& stop = problem.stops[k];
      stop = {visit.earliest_ms, node.latest_ms,      visit.access_ms,
              visit.leave_ms,    node.stop.placed_ms, node.stop.promised_by_ms};
      stop.way_in_ms = node.way_in;
      stop.long_way_ms = travel_[kStart][k];
      for (std::size_t a = 0; a < free_; ++a) stop.long_way_ms = std::max(stop.long_way_ms, travel_[a][k]);
      stop.load = node.load;
      stop.is_pickup = is_pickup(node);
      if (!stop.is_pickup && node.pickup != kNone && node.pickup >= locked_) {
        stop.paired = true;
        stop.partner = node.pickup - locked_;
        stop.ride_ms = node.stop.ride_ms;
      } else if (!stop.is_pickup && node.stop.ride_ms < kNeverMs) {
        stop.latest_ms = std::min(stop.latest_ms, ride_start(node) + node.stop.ride_ms);
      }
    }
    // However one drives, nobody is on the way longer than all of the ways and visits once the last window is open.
    std::int64_t longest = 0, opening = problem.start_ms;
    for (std::size_t k = 0; k < free_; ++k) {
      const LayerStop& stop = problem.stops[k];
      longest += stop.long_way_ms + stop.access_ms + stop.leave_ms;
      opening = std::max(opening, stop.earliest_ms);
    }
    for (std::size_t k = 0; k < free_; ++k) {
      LayerStop& stop = problem.stops[k];
      if (stop.paired) problem.stops[stop.partner].partner = k;
      if (stop.ride_ms >= opening - problem.start_ms + longest) stop.ride_ms = kNeverMs;
    }
  }

  void finish(Walk walk) {
    if (!close(walk)) return;
    const std::int64_t cost = walk.cost + (walk.begun ? w_[kCourierTime] * (walk.time_ms - walk.depart_by_ms) : 0);
    if (cost >= best_cost_) return;
    best_cost_ = cost;
    best_path_ = path_;
  }

  // What the rest of a walk comes to at least.
  struct Rest {
    std::size_t dropoffs = 0, on_board = 0;
    std::int64_t events = 0;  // cost of the hand-overs, each as early as can be
    std::int64_t travel = 0, stays = 0, finish = 0;
    std::int64_t placed = 0, leaves = 0, longest_leave = 0;  // of drop-offs
  };

  // False when a limit cannot be kept.
  bool look_ahead(const Walk& walk, std::int64_t now, std::int64_t depart, Rest& rest) {
    rest.finish = depart;
    for (const bool pickups : {true, false}) {  // drop-offs follow their pick-ups
      for (std::uint32_t left = ~walk.served & (pickups ? pickups_ : dropoffs_); left != 0; left &= left - 1) {
        const auto k = static_cast<std::size_t>(std::countr_zero(left));
        const Node& node = free_node(k);
        const auto& visit = node.stop.visit;
        std::int64_t soonest = takes(walk.group, node) ? now : depart + closure_[walk.last][k] + visit.access_ms;
        const bool aboard = !pickups && on_board(walk, node);
        if (!pickups && !aboard) {
          const std::size_t pickup = node.pickup - locked_;
          const std::int64_t leave = free_node(pickup).stop.visit.leave_ms;
          soonest = std::max(soonest, soonest_[pickup] + leave + closure_[pickup][k] + visit.access_ms);
        }
        soonest = soonest_[k] = std::max(soonest, visit.earliest_ms);
        if (soonest > node.latest_ms || (aboard && too_long(walk, node, soonest))) return false;
        rest.events += event_cost(node.stop, soonest);
        rest.travel += node.way_in;
        rest.stays += node.stay;
        rest.finish = std::max(rest.finish, soonest + visit.leave_ms);
        if (pickups) continue;
        rest.on_board += aboard ? 1 : 0;
        ++rest.dropoffs;
        rest.placed += node.stop.placed_ms;
        if (node.stay == 0) continue;
        rest.leaves += visit.leave_ms;
        rest.longest_leave = std::max(rest.longest_leave, visit.leave_ms);
      }
    }
    return true;
  }

  // The drop-offs one after the other: the i-th is left no sooner than after the shortest steps of as many stops as
  // must come first, its own pick-up among them when too few orders are on board. Lateness is least when the earliest
  // promise is kept first.
  std::int64_t one_by_one(const Walk& walk, std::int64_t now, const Rest& rest) const {
    std::int64_t left = now, sum = 0, late = 0, severe = 0;
    std::size_t step = 0, steps = 0, due = 0;
    for (std::size_t i = 1; i <= rest.dropoffs; ++i) {
      for (const std::size_t before = i + (i > rest.on_board ? i - rest.on_board : 0); steps < before; ++steps) {
        while ((walk.served >> by_step_[step] & 1U) != 0) ++step;
        const Node& node = free_node(by_step_[step++]);
        left += node.way_in + node.stay;
      }
      while ((walk.served >> by_due_[due] & 1U) != 0) ++due;
      sum += left;
      const std::int64_t over = left - rest.longest_leave - free_node(by_due_[due++]).stop.promised_by_ms;
      late += std::max<std::int64_t>(0, over);
      severe += std::max<std::int64_t>(0, over - market_.rules.severe_after_ms);
    }
    return w_[kClickToDoor] * (sum - rest.placed - rest.leaves) + w_[kLateness] * late + w_[kSevereLateness] * severe;
  }

  // Whether an order would be on board too long; where its pick-up is in the open visit, that may still be delayed.
  bool too_long(const Walk& walk, const Node& dropoff, std::int64_t event) const {
    if (dropoff.stop.ride_ms >= kNeverMs) return false;
    for (std::size_t depth = walk.length - at(walk.group.stops); depth < walk.length; ++depth) {
      if (trail_[depth] == dropoff.pickup) return false;
    }
    return event - ride_start(dropoff) > dropoff.stop.ride_ms;
  }

  // No way to go on costs less; kNoCost: none keeps the limits.
  std::int64_t bound(const Walk& walk) {
    const Group& group = walk.group;
    const std::int64_t now = group.event_ms();  // of the visit that the last stop has opened or joined
    std::int64_t cost = walk.cost, depart_by = walk.begun ? walk.depart_by_ms : group.depart_by_ms();
    for (std::size_t depth = walk.length - at(group.stops); depth < walk.length; ++depth) {
      const Node& node = nodes_[trail_[depth]];
      if (trail_[depth] >= locked_ && now > node.latest_ms) return kNoCost;
      cost += event_cost(node.stop, now);
    }
    Rest rest;
    if (!look_ahead(walk, now, group.depart_ms(), rest)) return kNoCost;
    if (rest.dropoffs > 1) rest.events = std::max(rest.events, one_by_one(walk, now, rest));
    if (w_[kCourierTime] > 0) {
      if (!walk.begun) {  // whoever joins the first visit may make it, and the start of the courier, later
        for (std::size_t k = 0; k < free_; ++k) {
          const auto& visit = free_node(k).stop.visit;
          if ((walk.served >> k & 1U) != 0 || !takes(group, free_node(k))) continue;
          depart_by = std::max(depart_by, visit.earliest_ms - visit.access_ms - group.travel_ms);
        }
      }
      cost += w_[kCourierTime] * (std::max(rest.finish, group.depart_ms() + rest.travel + rest.stays) - depart_by);
    }
    return cost + rest.events + w_[kTravel] * rest.travel;
  }

  // Whether another beginning stands for this one; else this one is noted.
  bool is_dominated(const Walk& walk) {
    if (free_ < kTableFrom) return false;
    bool limited = false;  // a ride with a limit is still to begin
    for (std::size_t k = 0; k < free_; ++k) {
      const Node& node = free_node(k);
      if ((walk.served >> k & 1U) != 0) continue;
      if (takes(walk.group, node)) return false;  // the visit may still grow
      limited |= !is_pickup(node) && !on_board(walk, node) && node.stop.ride_ms < kNeverMs;
    }
    Walk closed = walk;
    if (!close(closed)) return true;
    const std::int64_t cost = closed.cost - w_[kCourierTime] * closed.depart_by_ms;
    const std::uint64_t key = (std::uint64_t{walk.served} << 5 | walk.last) * 0x9E3779B97F4A7C15ULL;
    Entry& entry = table_[key >> (64 - kTableBits)];
    auto& picked = picked_at_[key >> (64 - kTableBits)];
    if (entry.epoch == epoch_ && entry.served == walk.served && entry.last == walk.last && entry.cost <= cost) {
      bool stands = limited ? entry.time_ms == closed.time_ms : entry.time_ms <= closed.time_ms;
      for (std::size_t k = 0; k < free_ && stands; ++k) {
        const Node& node = free_node(k);
        if (is_pickup(node) || (walk.served >> k & 1U) != 0 || !on_board(walk, node)) continue;
        stands = node.stop.ride_ms >= kNeverMs || picked[k] >= ride_start(node);
      }
      return stands;  // if not, the cheaper one stays noted
    }
    entry = {epoch_, walk.served, static_cast<std::uint32_t>(walk.last), closed.time_ms, cost};
    for (std::size_t k = 0; k < free_; ++k) {
      if (!is_pickup(free_node(k)) && on_board(walk, free_node(k))) picked[k] = ride_start(free_node(k));
    }
    return false;
  }

  void extend(const Walk& walk) {
    const std::size_t depth = walk.length - locked_;
    if (depth == free_) return finish(walk);
    struct Child {
      std::int64_t least;
      std::size_t stop;
    };
    std::array<Child, kMaxSequenceStops> children;
    std::size_t count = 0;
    for (std::size_t stop = 0; stop < free_; ++stop) {
      if (!can_follow(walk, stop)) continue;
      Walk next = walk;
      if (!serve(next, stop)) continue;
      ++nodes_looked_at_;
      if (const std::int64_t least = bound(next); least < best_cost_) children[count++] = {least, stop};
    }
    std::sort(children.begin(), children.begin() + static_cast<std::ptrdiff_t>(count),
              [](const auto& a, const auto& b) { return a.least != b.least ? a.least < b.least : a.stop < b.stop; });
    for (std::size_t c = 0; c < count && children[c].least < best_cost_ && best_cost_ != sought_; ++c) {
      Walk next = walk;
      path_[depth] = children[c].stop;
      // Served once more, so that the trail and the times of pick-ups are those of this way.
      if (serve(next, children[c].stop) && !is_dominated(next)) extend(next);
    }
  }

  const Market& market_;
  const Times& times_;
  const SequenceOptions& options_;
  const std::array<std::int64_t, kQuantityCount>& w_;
  std::size_t dimensions_ = 1, locked_ = 0, free_ = 0;
  std::int32_t courier_ = 0, place_ = 0;
  std::span<const std::int32_t> order_;
  std::vector<Node> nodes_;
  std::vector<std::size_t> trail_;    // nodes walked, by depth
  std::vector<std::int64_t> picked_;  // hand-over of pick-ups on the way in hand, by node
  SequenceTravel travel_{}, closure_{};
  std::array<std::int64_t, kMaxSequenceStops> soonest_{};
  std::uint32_t pickups_ = 0, dropoffs_ = 0;  // bit sets of free stops
  std::vector<std::size_t> by_step_,
      by_due_;  // free stops, the shortest step first; drop-offs, the earliest promise first
  std::array<std::size_t, kMaxSequenceStops> path_{}, best_path_{};
  std::int64_t best_cost_ = kNoCost, nodes_looked_at_ = 0;
  std::int64_t sought_ = kUnknown;  // the least cost, where the layers have found it
  LayerProblem layer_problem_;
  std::vector<Entry> table_;
  std::vector<std::array<std::int64_t, kMaxSequenceStops>> picked_at_;  // by entry, then drop-off on board
  std::uint64_t epoch_ = 0;
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_SEQUENCE_SEARCH_H
