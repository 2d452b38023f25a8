#include "route/route_ejection.h"

#include <algorithm>
#include <cmath>

namespace matcher::route {
namespace {

constexpr std::int32_t kPairs = 2000;        // pairs tried for one ejection
constexpr std::int32_t kPerturbations = 40;  // random moves after an ejection

}  // namespace

bool RouteEjection::place(std::uint64_t work, double until) {
  const std::uint64_t enough = plan_.work() + work;
  plan_.begin();
  pool_.clear();
  for (const std::int32_t request : plan_.absent()) {
    if (std::isfinite(plan_.alone(request))) pool_.push_back(request);
  }
  std::sort(pool_.begin(), pool_.end());
  state_.rng.shuffle(pool_);
  while (!pool_.empty()) {
    if (plan_.work() > enough || state_.progress() >= until) return false;
    const std::int32_t request = pool_.back();
    pool_.pop_back();
    if (const Placement place = cheapest_place(state_, request, 0.0, false); place.slot >= 0) {
      plan_.insert(place.slot, request, place.at);
      continue;
    }
    ++state_.out.iterations;
    ++penalty_[index(request)];
    if (!eject_for(request, until)) pool_.insert(pool_.begin(), request);
    for (std::int32_t k = 0; k < kPerturbations; ++k) perturb();
  }
  return true;
}

// Serves `request` in place of one or two that are easier to serve, by the penalties so far. Pairs are looked at only
// where no single one will do for less.
bool RouteEjection::eject_for(std::int32_t request, double until) {
  Ejection best;
  best.penalty = penalty_[index(request)];
  std::int32_t equals = 0;
  for (std::int32_t slot = 0; slot < plan_.slots(); ++slot) {
    if (state_.progress() >= until) return false;
    const Tour& tour = plan_.tour(slot);
    for (const std::int32_t node : tour.nodes) {
      const std::int32_t member = plan_.request_of(node);
      if (plan_.problem().pickup[index(member)] == node) consider(tour, slot, request, member, -1, best, equals);
    }
  }
  std::int32_t looks = kPairs;
  const std::int32_t first_slot = state_.rng.below(plan_.slots());
  for (std::int32_t turn = 0; turn < plan_.slots() && looks > 0; ++turn) {
    const std::int32_t slot = (first_slot + turn) % plan_.slots();
    const Tour& tour = plan_.tour(slot);
    if (state_.progress() >= until) return false;
    members_.clear();
    for (const std::int32_t node : tour.nodes) {
      const std::int32_t member = plan_.request_of(node);
      if (plan_.problem().pickup[index(member)] == node && penalty_[index(member)] < best.penalty) {
        members_.push_back(member);
      }
    }
    for (std::size_t a = 0; a < members_.size(); ++a) {
      for (std::size_t b = a + 1; b < members_.size() && looks > 0; ++b) {
        looks -= consider(tour, slot, request, members_[a], members_[b], best, equals);
      }
    }
  }
  if (best.slot < 0) return false;
  std::vector<std::int32_t> ejected{best.first};
  if (best.second >= 0) ejected.push_back(best.second);
  plan_.remove_from(best.slot, ejected);
  plan_.insert(best.slot, request, best.at);
  state_.rng.shuffle(ejected);
  pool_.insert(pool_.end(), ejected.begin(), ejected.end());
  return true;
}

// Keeps an ejection of less penalty; among equals each with the same probability. Whether it had to be tried.
bool RouteEjection::consider(const Tour& tour, std::int32_t slot, std::int32_t request, std::int32_t first,
                             std::int32_t second, Ejection& best, std::int32_t& equals) {
  const std::int32_t penalty = penalty_[index(first)] + (second >= 0 ? penalty_[index(second)] : 0);
  if (penalty >= penalty_[index(request)] || penalty > best.penalty) return false;
  const bool tie = best.slot >= 0 && penalty == best.penalty;
  if (tie && state_.rng.below(equals + 1) != 0) {
    ++equals;
    return false;
  }
  if (!plan_.without(tour, first, second, rest_)) return true;
  const Insertion at = plan_.cheapest(rest_, request, std::numeric_limits<double>::infinity());
  if (!at.feasible()) return true;
  equals = tie ? equals + 1 : 1;
  best = {slot, first, second, penalty, at};
  return true;
}

// A random request into a random other route, or two of different routes exchanged.
void RouteEjection::perturb() {
  const std::int32_t a = state_.rng.below(plan_.requests());
  const std::int32_t from = plan_.slot_of(a);
  const std::int32_t to = state_.rng.below(plan_.slots());
  if (from < 0 || to == from || plan_.tour(to).nodes.empty()) return;
  if (state_.rng.below(2) == 0) {
    const Insertion at = plan_.cached(to, a, std::numeric_limits<double>::infinity());
    if (!at.feasible() || plan_.tour(from).nodes.size() == 2) return;
    plan_.remove(a);
    plan_.insert(to, a, at);
    return;
  }
  const auto& nodes = plan_.tour(to).nodes;
  const std::int32_t b = plan_.request_of(nodes[index(state_.rng.below(static_cast<std::int32_t>(nodes.size())))]);
  if (!plan_.without(plan_.tour(from), a, -1, rest_)) return;
  const Insertion for_b = plan_.cheapest(rest_, b, std::numeric_limits<double>::infinity());
  if (!for_b.feasible()) return;
  if (!plan_.without(plan_.tour(to), b, -1, rest_)) return;
  const Insertion for_a = plan_.cheapest(rest_, a, std::numeric_limits<double>::infinity());
  if (!for_a.feasible()) return;
  plan_.remove(a);
  plan_.remove(b);
  plan_.insert(from, b, for_b);
  plan_.insert(to, a, for_a);
}

}  // namespace matcher::route
