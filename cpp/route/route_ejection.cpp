#include "route/route_ejection.h"

#include <algorithm>
#include <cmath>

namespace matcher::route {
namespace {

constexpr std::int32_t kLooks = 2000;        // at routes without one or two of their requests, for one ejection
constexpr std::size_t kListed = 20'000;      // of these to choose from
constexpr std::int32_t kPerturbations = 10;  // random moves after an ejection
constexpr std::uint64_t kStampStep = 0x9E3779B97F4A7C15ULL;

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

// Serves `request` in place of one or two that are easier to serve, by the penalties so far: the least sum first, in
// random order among equals.
bool RouteEjection::eject_for(std::int32_t request, double until) {
  list_for(request);
  const auto later = [](const Ejection& a, const Ejection& b) { return a.rank > b.rank; };
  std::make_heap(ejections_.begin(), ejections_.end(), later);
  for (std::int32_t looks = kLooks; looks > 0 && !ejections_.empty();) {
    std::pop_heap(ejections_.begin(), ejections_.end(), later);
    const Ejection ejection = ejections_.back();
    ejections_.pop_back();
    const std::uint64_t key =
        Rng(plan_.tour(ejection.slot).stamp * kStampStep ^ static_cast<std::uint64_t>(request) << 42U ^
            static_cast<std::uint64_t>(ejection.first) << 21U ^ static_cast<std::uint64_t>(ejection.second + 1))
            .next();
    std::uint64_t& known = refused_[key % kRefused];
    if (known == key) continue;
    if (state_.progress() >= until) return false;
    --looks;
    const Insertion at = place_after(ejection, request);
    if (!at.feasible()) {
      known = key;
      continue;
    }
    std::vector<std::int32_t> ejected{ejection.first};
    if (ejection.second >= 0) ejected.push_back(ejection.second);
    plan_.remove_from(ejection.slot, ejected);
    plan_.insert(ejection.slot, request, at);
    state_.rng.shuffle(ejected);
    pool_.insert(pool_.end(), ejected.begin(), ejected.end());
    return true;
  }
  return false;
}

// Ejections of less penalty than the request's own, from a random route on until they are many.
void RouteEjection::list_for(std::int32_t request) {
  ejections_.clear();
  const std::int32_t limit = penalty_[index(request)];
  const auto list = [&](std::int32_t penalty, std::int32_t slot, std::int32_t first, std::int32_t second) {
    if (penalty >= limit) return;
    const std::uint64_t rank = static_cast<std::uint64_t>(penalty) << 32U | state_.rng.next() >> 32U;
    ejections_.push_back({rank, slot, first, second});
  };
  const std::int32_t first_slot = state_.rng.below(plan_.slots());
  for (std::int32_t turn = 0; turn < plan_.slots(); ++turn) {
    const std::int32_t slot = (first_slot + turn) % plan_.slots();
    members_.clear();
    for (const std::int32_t node : plan_.tour(slot).nodes) {
      const std::int32_t member = plan_.request_of(node);
      if (plan_.problem().pickup[index(member)] == node && penalty_[index(member)] < limit) members_.push_back(member);
    }
    for (std::size_t a = 0; a < members_.size() && ejections_.size() < kListed; ++a) {
      const std::int32_t penalty = penalty_[index(members_[a])];
      list(penalty, slot, members_[a], -1);
      for (std::size_t b = a + 1; b < members_.size(); ++b) {
        list(penalty + penalty_[index(members_[b])], slot, members_[a], members_[b]);
      }
    }
  }
}

Insertion RouteEjection::place_after(const Ejection& ejection, std::int32_t request) {
  if (!plan_.without(plan_.tour(ejection.slot), ejection.first, ejection.second, rest_)) return {};
  return plan_.cheapest(rest_, request, std::numeric_limits<double>::infinity());
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
