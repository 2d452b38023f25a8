#include "route/string_removal.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace matcher::route {
namespace {

constexpr double kRemoved = 10.0;      // average number of requests that an iteration removes
constexpr double kLongestString = 10;  // stops
constexpr double kSplit = 0.5;         // probability of preserving part of a string
constexpr double kKeepGrowing = 0.01;  // that the preserved part grows by one more
constexpr double kBlink = 0.01;        // of passing over a route
// Where the fleet is tight, few iterations find a place for all that they removed. The plan may therefore leave out
// more than the incumbent, at a price that rises while it does and falls while it does not.
constexpr std::size_t kBank = 1;                                              // requests
constexpr double kFirstPrice = 10.0, kLeastPrice = 0.1, kHighestPrice = 1e9;  // in average legs
constexpr double kDearer = 1.03, kCheaper = 0.99;
constexpr std::int32_t kPatience = 300;  // iterations before the incumbent is taken up again
constexpr std::int64_t kNoteEvery = 16;  // iterations, between looks at the routes for the pool
constexpr double kOtherVehicle = 0.1;    // of giving a route, or the first request, a vehicle of another type
// Requests that are not worth a detour each may be worth one together: in some iterations prizes count several times.
constexpr double kGenerous = 0.1, kMostGenerous = 4.0;
// Temperatures in average legs. A search that will look at each request only a few times has no time for detours: it
// starts cooler, by the root of the iterations it can expect for each request.
constexpr double kHottest = 1.0, kHotPerRoot = 0.03, kColdToHot = 0.01;
// Of the hottest: while routes are made compact between eliminations, and while requests without a place wait outside.
constexpr double kCompacting = 0.1, kSqueezing = 0.3;

}  // namespace

StringRemoval::StringRemoval(SearchState& state)
    : state_(state),
      plan_(state.plan),
      prized_(!state.plan.problem().prize.empty()),
      absences_(static_cast<std::size_t>(plan_.requests()), 1) {}

// What is left out for its prize counts as if it were driven alone: a plan that serves nothing has a scale, too.
double StringRemoval::leg() const {
  double way = plan_.driven();
  for (const std::int32_t request : plan_.absent()) {
    if (std::isfinite(plan_.prize(request)) && std::isfinite(plan_.alone(request))) way += plan_.alone(request);
  }
  return way / std::max(1.0, 2.0 * plan_.requests() + plan_.vehicles());
}

double StringRemoval::hottest(double share, std::int64_t iterations) const {
  const double expected = share > 0.0 ? static_cast<double>(iterations) / share : 0.0;
  return std::min(kHottest, kHotPerRoot * std::sqrt(expected / std::max(1, plan_.requests())));
}

void StringRemoval::run(double until, const Cooling& cooling) {
  const double began = state_.progress();
  if (began >= until || plan_.requests() == 0) return;
  const double leg = this->leg();
  const std::int64_t first = state_.out.iterations;
  const std::size_t hopeless = plan_.hopeless();
  const bool complete = plan_.missing() <= hopeless;
  price_ = kFirstPrice * leg;
  for (;;) {
    state_.meet();
    const double progress = state_.progress();
    if (progress >= until) break;
    // With a budget of iterations the expectation is that budget; with a deadline it is what the rate so far
    // promises.
    const double done = (progress - began) / (until - began);
    const double part = cooling.to - cooling.from;
    const double hot = cooling.heat * hottest(done * part, state_.out.iterations - first) * leg;
    step(hot * std::pow(kColdToHot, cooling.from + done * part), complete);
    set_price(leg);
    if (!complete && plan_.missing() <= hopeless) break;
  }
  plan_.vehicle_limit = std::numeric_limits<std::int32_t>::max();
}

void StringRemoval::compact(std::uint64_t work, double until) {
  const std::uint64_t enough = plan_.work() + work;
  const double leg = this->leg();
  price_ = kFirstPrice * leg;
  while (plan_.work() < enough && state_.progress() < until) {
    step(kCompacting * hottest(state_.progress(), state_.out.iterations) * leg, true);
    set_price(leg);
  }
  plan_.vehicle_limit = std::numeric_limits<std::int32_t>::max();
}

void StringRemoval::step(double temperature, bool complete) {
  ++state_.out.iterations;
  const double before = plan_.cost();
  const std::size_t missing = plan_.missing(), least = state_.least_missing();
  const std::int32_t vehicles = plan_.vehicles();
  plan_.begin();
  ruin();
  if (complete && hierarchical()) plan_.vehicle_limit = state_.least_vehicles();
  if (plan_.types() > 1 && state_.rng.unit() < kOtherVehicle) change_vehicle();
  if (prized_ && state_.rng.unit() < kGenerous) {
    state_.generosity = 1.0 + (kMostGenerous - 1.0) * state_.rng.unit();
  }
  recreate(least + kBank, 0);
  state_.generosity = 1.0;
  const bool fewer = plan_.missing() < least ||
                     (plan_.missing() == least && hierarchical() && plan_.vehicles() < state_.least_vehicles());
  const bool more = plan_.missing() > least + kBank ||
                    (!complete && plan_.missing() == missing && hierarchical() && plan_.vehicles() > vehicles);
  const double left_out = price_ * (static_cast<double>(plan_.missing()) - static_cast<double>(missing));
  const bool keep = fewer || (!more && plan_.cost() + left_out <
                                           before - temperature * std::log(std::max(1e-300, state_.rng.unit())));
  if (!keep) {
    plan_.rollback();
    return;
  }
  if (state_.improves()) state_.record();
  if (state_.pool != nullptr && complete && plan_.missing() == least && state_.out.iterations % kNoteEvery == 0) {
    state_.pool->note(plan_);
  }
}

// A request is the dearer to leave out the more often it was: one that is hard to place drives out easier ones, and at
// most one more than the fewest so far.
bool StringRemoval::squeeze(std::uint64_t work, double until) {
  const std::uint64_t enough = plan_.work() + work;
  const std::size_t hopeless = plan_.hopeless();
  const double leg = this->leg();
  std::size_t fewest = plan_.missing();
  while (plan_.missing() > hopeless) {
    const double progress = state_.progress();
    if (plan_.work() >= enough || progress >= until) return false;
    ++state_.out.iterations;
    const double temperature = kSqueezing * hottest(progress, state_.out.iterations) * leg;
    const std::int64_t before = absences();
    const std::size_t missing = plan_.missing();
    const double cost = plan_.cost();
    plan_.begin();
    ruin();
    const bool whole = recreate(missing, before);
    fewest = std::min(fewest, plan_.missing());
    const bool keep =
        whole && (plan_.missing() < missing || (plan_.missing() <= fewest + kBank && absences() < before) ||
                  (plan_.missing() == missing &&
                   plan_.cost() < cost - temperature * std::log(std::max(1e-300, state_.rng.unit()))));
    if (whole) {
      for (const std::int32_t request : plan_.absent()) ++absences_[index(request)];
    }
    if (!keep) plan_.rollback();
  }
  return true;
}

std::int64_t StringRemoval::absences() const {
  std::int64_t sum = 0;
  for (const std::int32_t request : plan_.absent()) sum += absences_[index(request)];
  return sum;
}

// Of leaving a request out; back to the incumbent when the price does not bring the request in.
void StringRemoval::set_price(double leg) {
  const bool short_of = plan_.missing() > state_.least_missing();
  price_ = std::clamp(price_ * (short_of ? kDearer : kCheaper), kLeastPrice * leg, kHighestPrice * leg);
  waited_ = short_of ? waited_ + 1 : 0;
  if (waited_ <= kPatience) return;
  waited_ = 0;
  state_.restore();
}

void StringRemoval::ruin() {
  const auto served = static_cast<double>(plan_.requests()) - static_cast<double>(plan_.absent().size());
  if (served < 1.0) return;
  const double average = 2.0 * served / std::max(1, plan_.vehicles());
  const double longest = std::min(kLongestString, average);
  const double most = 4.0 * kRemoved / (1.0 + longest) - 1.0;
  const auto strings = static_cast<std::size_t>(std::max(1.0, std::floor(state_.rng.unit() * most + 1.0)));
  ruined_.clear();
  const std::int32_t seed = state_.rng.below(static_cast<std::int32_t>(plan_.problem().ready.size()) - 1) + 1;
  take_string(seed, longest);
  for (const std::int32_t node : plan_.neighbours().near(seed)) {
    if (ruined_.size() >= strings) break;
    take_string(node, longest);
  }
}

// Removes a string of stops around `node`, with the requests that they belong to.
void StringRemoval::take_string(std::int32_t node, double longest) {
  const std::int32_t request = plan_.request_of(node);
  if (request < 0) return;
  const std::int32_t slot = plan_.slot_of(request);
  if (slot < 0 || std::find(ruined_.begin(), ruined_.end(), slot) != ruined_.end()) return;
  ruined_.push_back(slot);
  const auto& nodes = plan_.tour(slot).nodes;
  const auto size = static_cast<std::int32_t>(nodes.size());
  const auto at = static_cast<std::int32_t>(std::find(nodes.begin(), nodes.end(), node) - nodes.begin());
  const double limit = std::min(longest, static_cast<double>(size));
  const auto length = static_cast<std::int32_t>(std::floor(state_.rng.unit() * limit + 1.0));
  std::int32_t preserved = 0;
  if (length > 1 && length < size && state_.rng.unit() < kSplit) {
    preserved = 1;
    while (length + preserved < size && state_.rng.unit() < kKeepGrowing) ++preserved;
  }
  const std::int32_t span = std::min(size, length + preserved);
  const std::int32_t low = std::max(0, at - span + 1), high = std::min(at, size - span);
  const std::int32_t first = low + state_.rng.below(high - low + 1);
  const std::int32_t skip = preserved > 0 ? first + state_.rng.below(span - preserved + 1) : 0;
  chosen_.clear();
  for (std::int32_t k = first; k < first + span; ++k) {
    if (preserved > 0 && k >= skip && k < skip + preserved) continue;
    const std::int32_t member = plan_.request_of(nodes[index(k)]);
    if (std::find(chosen_.begin(), chosen_.end(), member) == chosen_.end()) chosen_.push_back(member);
  }
  if (!chosen_.empty()) plan_.remove_from(slot, chosen_);
}

// What is left of a ruined route goes on with another vehicle; where nothing is left, a vehicle that need not be the
// cheapest for any one request starts with one of those removed.
void StringRemoval::change_vehicle() {
  const std::int32_t type = state_.rng.below(plan_.types());
  if (ruined_.empty()) return;
  const std::int32_t slot = ruined_[index(state_.rng.below(static_cast<std::int32_t>(ruined_.size())))];
  if (!plan_.tour(slot).nodes.empty()) {
    if (type != plan_.tour(slot).type) plan_.retype(slot, type);
    return;
  }
  const auto& absent = plan_.absent();
  const std::int32_t request = absent[index(state_.rng.below(static_cast<std::int32_t>(absent.size())))];
  if (const Placement place = plan_.open_with(request, type); place.slot >= 0) {
    plan_.insert(place.slot, request, place.at);
  }
}

// A plan that leaves out more than `most` requests which must be served, and those more often than before, is of no
// use, so it is not finished: false.
bool StringRemoval::recreate(std::size_t most, std::int64_t most_absences) {
  std::size_t missing = 0;
  std::int64_t absences = 0;
  waiting_ = plan_.absent();
  std::sort(waiting_.begin(), waiting_.end());
  state_.rng.shuffle(waiting_);
  order();
  for (const std::int32_t request : waiting_) {
    const Placement place = cheapest_place(state_, request, kBlink, true);
    if (place.slot >= 0) {
      plan_.insert(place.slot, request, place.at);
    } else if (std::isinf(plan_.prize(request))) {
      absences += absences_[index(request)];
      if (++missing > most && absences >= most_absences) return false;
    }
  }
  return true;
}

void StringRemoval::order() {
  const auto& problem = plan_.problem();
  const auto by = [&](auto&& key) {
    std::stable_sort(waiting_.begin(), waiting_.end(), [&](std::int32_t a, std::int32_t b) { return key(a) < key(b); });
  };
  const std::int32_t lot = state_.rng.below(15);
  if (lot < 4) return;
  if (lot < 7) return by([&](std::int32_t r) { return -problem.demand[index(problem.pickup[index(r)])]; });
  if (lot < 9) return by([&](std::int32_t r) { return -plan_.alone(r); });
  if (lot < 10) return by([&](std::int32_t r) { return plan_.alone(r); });
  const auto width = [&](std::int32_t r) {
    const auto p = index(problem.pickup[index(r)]), d = index(problem.delivery[index(r)]);
    return problem.due[p] - problem.ready[p] + problem.due[d] - problem.ready[d];
  };
  if (lot < 12) return by(width);
  if (lot < 14) return by([&](std::int32_t r) { return problem.due[index(problem.pickup[index(r)])]; });
  by([&](std::int32_t r) { return -problem.due[index(problem.delivery[index(r)])]; });
}

}  // namespace matcher::route
