#include "route/decomposition.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace matcher::route {
namespace {

constexpr std::int32_t kLarge = 200;  // requests from which on a plan is worked on in parts
constexpr std::size_t kPart = 125;    // requests of a part, about
// Routes of a part, at least: between fewer ones there is little to exchange. Long routes make parts larger.
constexpr std::size_t kRoutesOfPart = 8;
constexpr double kPartsWorth = 1.6;  // parts of which a plan is as large: else one would be nearly the whole
// Sweeps over all parts, each with other borders: many, as long as a part's visit is longer than its preparation.
constexpr double kIterationsEach = 0.8;  // for each request in a sweep, by the rate of the whole plan
constexpr int kMostSweeps = 40;
constexpr double kLookShare = 0.01;  // of the budget, in which that rate is seen

// A part's share of the budget as a budget of its own.
class ShareOfStop final : public StopCheck {
 public:
  // `timed`: the share goes by the clock; otherwise the clock only stops.
  ShareOfStop(StopCheck& whole, double from, double until, bool timed)
      : whole_(whole), from_(from), until_(until), timed_(timed) {}
  double elapsed_fraction() override {
    const double now = whole_.elapsed_fraction();
    if (!timed_) return now;
    return now >= until_ ? 1.0 : std::max(0.0, (now - from_) / (until_ - from_));
  }

 private:
  StopCheck& whole_;
  double from_, until_;
  bool timed_;
};

}  // namespace

SubProblem::SubProblem(Plan& plan, const std::vector<std::int32_t>& slots, const std::vector<std::int32_t>& requests)
    : number_(plan.problem().ready.size(), -1) {
  const PdptwProblem& whole = plan.problem();
  const auto add = [&](std::int32_t node) {
    if (number_[index(node)] >= 0) return;
    number_[index(node)] = static_cast<std::int32_t>(node_of_.size());
    node_of_.push_back(node);
  };
  add(0);
  for (const PdptwVehicleType& type : whole.types) {
    add(type.start);
    add(type.end);
  }
  for (const std::int32_t request : requests) {
    add(whole.pickup[index(request)]);
    add(whole.delivery[index(request)]);
  }
  copy_travel(whole);
  copy_nodes(whole);
  copy_requests(whole, requests);
  // The vehicles of the part and those that nobody uses.
  std::vector<std::int32_t> own(index(plan.types()));
  for (const std::int32_t slot : slots) ++own[index(plan.tour(slot).type)];
  problem_.capacity = whole.capacity;
  problem_.vehicles = whole.types.empty() ? plan.free(0) + own[0] : whole.vehicles;
  types_.assign(whole.types.begin(), whole.types.end());
  for (std::size_t type = 0; type < types_.size(); ++type) {
    types_[type].start = number_[index(types_[type].start)];
    types_[type].end = number_[index(types_[type].end)];
    types_[type].count = plan.free(static_cast<std::int32_t>(type)) + own[type];
  }
  problem_.types = types_;
  problem_.capacities = whole.capacities;
}

void SubProblem::copy_travel(const PdptwProblem& whole) {
  const std::size_t n = node_of_.size(), all = whole.ready.size();
  const auto copy = [&](std::span<const double> from, std::vector<double>& to) {
    to.resize(n * n);
    for (std::size_t a = 0; a < n; ++a) {
      const double* row = from.data() + index(node_of_[a]) * all;
      for (std::size_t b = 0; b < n; ++b) to[a * n + b] = row[index(node_of_[b])];
    }
  };
  copy(whole.distance, distance_);
  problem_.distance = distance_;
  if (whole.duration.empty()) return;
  copy(whole.duration, duration_);
  problem_.duration = duration_;
  if (whole.bins.empty()) return;
  std::vector<double> row;
  for (std::size_t k = 0; k < whole.bins.size(); ++k) {
    copy(whole.bin_duration.subspan(k * all * all, all * all), row);
    bin_duration_.insert(bin_duration_.end(), row.begin(), row.end());
  }
  problem_.bins = whole.bins;
  problem_.bin_duration = bin_duration_;
}

void SubProblem::copy_nodes(const PdptwProblem& whole) {
  const std::size_t further = whole.more_demand.size() / whole.ready.size();
  for (const std::int32_t node : node_of_) {
    ready_.push_back(whole.ready[index(node)]);
    due_.push_back(whole.due[index(node)]);
    service_.push_back(whole.service[index(node)]);
    demand_.push_back(whole.demand[index(node)]);
    for (std::size_t q = 0; q < further; ++q) more_demand_.push_back(whole.more_demand[index(node) * further + q]);
  }
  if (!whole.late_cost.empty()) {
    for (const std::int32_t node : node_of_) late_cost_.push_back(whole.late_cost[index(node)]);
    problem_.late_cost = late_cost_;
  }
  if (!whole.windows.empty()) copy_windows(whole);
  problem_.ready = ready_;
  problem_.due = due_;
  problem_.service = service_;
  problem_.demand = demand_;
  problem_.more_demand = more_demand_;
}

void SubProblem::copy_windows(const PdptwProblem& whole) {
  window_first_.push_back(0);
  for (const std::int32_t node : node_of_) {
    const auto first = index(whole.window_first[index(node)]), last = index(whole.window_first[index(node) + 1]);
    const auto spans = whole.windows.subspan(2 * first, 2 * (last - first));
    windows_.insert(windows_.end(), spans.begin(), spans.end());
    window_first_.push_back(static_cast<std::int32_t>(windows_.size() / 2));
  }
  problem_.window_first = window_first_;
  problem_.windows = windows_;
}

void SubProblem::copy_requests(const PdptwProblem& whole, const std::vector<std::int32_t>& requests) {
  const std::size_t types = whole.types.size();
  for (const std::int32_t request : requests) {
    pickup_.push_back(number_[index(whole.pickup[index(request)])]);
    delivery_.push_back(number_[index(whole.delivery[index(request)])]);
    if (!whole.max_ride.empty()) max_ride_.push_back(whole.max_ride[index(request)]);
    if (!whole.prize.empty()) prize_.push_back(whole.prize[index(request)]);
    if (!whole.allowed.empty()) {
      const auto row = whole.allowed.subspan(index(request) * types, types);
      allowed_.insert(allowed_.end(), row.begin(), row.end());
    }
  }
  problem_.pickup = pickup_;
  problem_.delivery = delivery_;
  problem_.max_ride = max_ride_;
  problem_.prize = prize_;
  problem_.allowed = allowed_;
}

std::vector<std::int32_t> SubProblem::inside(const std::vector<std::int32_t>& nodes) const {
  std::vector<std::int32_t> own;
  own.reserve(nodes.size());
  for (const std::int32_t node : nodes) own.push_back(number_[index(node)]);
  return own;
}

std::vector<std::int32_t> SubProblem::outside(const std::vector<std::int32_t>& nodes) const {
  std::vector<std::int32_t> whole;
  whole.reserve(nodes.size());
  for (const std::int32_t node : nodes) whole.push_back(node_of_[index(node)]);
  return whole;
}

Neighbours SubProblem::neighbours(Plan& whole) const {
  return Neighbours(problem_, whole.neighbours(), node_of_, number_);
}

std::size_t Decomposition::part_size() const {
  const std::size_t routes = std::max<std::size_t>(1, index(plan_.vehicles()));
  return std::max(kPart, kRoutesOfPart * index(plan_.requests()) / routes);
}

bool Decomposition::worthwhile() const {
  return plan_.requests() >= kLarge && plan_.requests() >= kPartsWorth * static_cast<double>(part_size());
}

// False when time is up: at first, neighbours take a while to be found.
bool Decomposition::count_neighbours() {
  const auto slots = index(plan_.slots());
  shared_.assign(slots * slots, 0);
  for (std::int32_t slot = 0; slot < plan_.slots(); ++slot) {
    for (const std::int32_t node : plan_.tour(slot).nodes) {
      if (state_.progress() >= 1.0) return false;
      for (const std::int32_t partner : plan_.neighbours().partners(node)) {
        const std::int32_t request = plan_.request_of(partner);
        const std::int32_t other = request < 0 ? -1 : plan_.slot_of(request);
        if (other < 0 || other == slot) continue;
        ++shared_[index(slot) * slots + index(other)];
        ++shared_[index(other) * slots + index(slot)];
      }
    }
  }
  return true;
}

// The first by lot, then the route that shares most with those already in parts: what is left holds together.
std::int32_t Decomposition::next_seed() {
  std::int32_t best = -1;
  double most = -1.0;
  const std::int32_t first = state_.rng.below(plan_.slots());
  for (std::int32_t turn = 0; turn < plan_.slots(); ++turn) {
    const std::int32_t slot = (first + turn) % plan_.slots();
    if (taken_[index(slot)] != 0) continue;
    const double share = with_taken_[index(slot)] / static_cast<double>(plan_.tour(slot).nodes.size());
    if (share <= most) continue;
    most = share;
    best = slot;
  }
  return best;
}

std::vector<std::int32_t> Decomposition::members(std::int32_t slot) const {
  std::vector<std::int32_t> requests;
  for (const std::int32_t node : plan_.tour(slot).nodes) {
    const std::int32_t request = plan_.request_of(node);
    if (plan_.problem().pickup[index(request)] == node) requests.push_back(request);
  }
  return requests;
}

// Routes that share neighbours, about part_size() requests each.
std::vector<Decomposition::Part> Decomposition::partition() {
  if (!count_neighbours()) return {};
  taken_.assign(index(plan_.slots()), 0);
  with_taken_.assign(index(plan_.slots()), 0.0);
  std::size_t left = 0;
  for (std::int32_t slot = 0; slot < plan_.slots(); ++slot) {
    taken_[index(slot)] = plan_.tour(slot).nodes.empty() ? 1 : 0;
    left += plan_.tour(slot).nodes.size() / 2;
  }
  std::vector<Part> parts;
  const std::size_t size = part_size();
  for (std::size_t more = std::max<std::size_t>(1, (left + size / 2) / size); left > 0; more -= more > 1 ? 1 : 0) {
    parts.push_back(grow(left / more));
    left -= parts.back().requests.size();
  }
  add_absent(parts);
  return parts;
}

// A route and, until they serve enough, those that share most with the ones before.
Decomposition::Part Decomposition::grow(std::size_t enough) {
  const auto slots = index(plan_.slots());
  std::vector<double> pull(slots);
  Part part;
  for (std::int32_t slot = next_seed(); slot >= 0;) {
    taken_[index(slot)] = 1;
    part.slots.push_back(slot);
    const std::vector<std::int32_t> served = members(slot);
    part.requests.insert(part.requests.end(), served.begin(), served.end());
    for (std::size_t other = 0; other < slots; ++other) {
      pull[other] += shared_[index(slot) * slots + other];
      with_taken_[other] += shared_[index(slot) * slots + other];
    }
    if (part.requests.size() >= enough) break;
    slot = -1;
    double most = -1.0;
    for (std::int32_t other = 0; other < plan_.slots(); ++other) {
      if (taken_[index(other)] != 0) continue;
      const double each = pull[index(other)] / static_cast<double>(plan_.tour(other).nodes.size());
      if (each <= most) continue;
      most = each;
      slot = other;
    }
  }
  return part;
}

// Each with the part that has most of its likely neighbours.
void Decomposition::add_absent(std::vector<Part>& parts) {
  std::vector<std::size_t> part_of(index(plan_.slots()));
  for (std::size_t k = 0; k < parts.size(); ++k) {
    for (const std::int32_t slot : parts[k].slots) part_of[index(slot)] = k;
  }
  std::vector<std::int32_t> absent = plan_.absent(), count(parts.size());
  std::sort(absent.begin(), absent.end());
  for (const std::int32_t request : absent) {
    std::fill(count.begin(), count.end(), 0);
    for (const std::int32_t node : {plan_.problem().pickup[index(request)], plan_.problem().delivery[index(request)]}) {
      for (const std::int32_t partner : plan_.neighbours().partners(node)) {
        const std::int32_t other = plan_.request_of(partner);
        if (other >= 0 && plan_.slot_of(other) >= 0) ++count[part_of[index(plan_.slot_of(other))]];
      }
    }
    parts[static_cast<std::size_t>(std::max_element(count.begin(), count.end()) - count.begin())].requests.push_back(
        request);
  }
}

void Decomposition::improve(const Part& part, double until, const Cooling& cooling) {
  const SubProblem sub(plan_, part.slots, part.requests);
  PdptwOptions options;
  options.objective = state_.options.objective;
  options.seed = state_.rng.next();
  const std::int64_t granted = state_.options.max_iterations;
  if (granted >= 0) {
    options.max_iterations = std::llround(until * static_cast<double>(granted)) - state_.out.iterations;
  }
  std::optional<ShareOfStop> share;
  if (state_.options.stop != nullptr) {
    share.emplace(*state_.options.stop, state_.progress(), until, granted < 0);
    options.stop = &*share;
  }
  PdptwResult out;
  Plan plan(sub.problem(), sub.neighbours(plan_));
  SearchState state(plan, options, out);
  for (const std::int32_t slot : part.slots) {
    const Tour& tour = plan_.tour(slot);
    plan.assign(plan.empty_slot(tour.type), sub.inside(tour.nodes), tour.type);
  }
  state.record();
  StringRemoval(state).run(1.0, cooling);
  state.restore();
  state_.out.iterations += out.iterations;
  state_.worked_elsewhere(plan.work());
  if (out.history.size() > 1) put_back(part, sub, plan);
}

// The plan stays as it was should one of the routes not fit: an error in the parts must not cost a request.
void Decomposition::put_back(const Part& part, const SubProblem& sub, const Plan& better) {
  plan_.begin();
  for (const std::int32_t slot : part.slots) plan_.remove_from(slot, members(slot));
  for (std::int32_t slot = 0; slot < better.slots(); ++slot) {
    const Tour& tour = better.tour(slot);
    if (!tour.nodes.empty()) plan_.assign(plan_.empty_slot(tour.type), sub.outside(tour.nodes), tour.type);
  }
  if (plan_.missing() > state_.least_missing()) {
    plan_.rollback();
  } else {
    state_.record();
  }
}

int Decomposition::sweeps_worth(StringRemoval& removal, double until, const Cooling& cooling) {
  const double began = state_.progress();
  const std::int64_t first = state_.out.iterations;
  double iterations = (until - began) * static_cast<double>(state_.options.max_iterations);
  if (state_.options.max_iterations < 0) {
    const double share = kLookShare * (until - began);
    removal.run(began + share, {cooling.heat, cooling.from, cooling.from + kLookShare * (cooling.to - cooling.from)});
    state_.restore();
    iterations = static_cast<double>(state_.out.iterations - first) / kLookShare;
  }
  const double each = std::min(1e6, iterations / plan_.requests());
  return std::clamp(static_cast<int>(each / kIterationsEach), 1, kMostSweeps);
}

void Decomposition::run(StringRemoval& removal, double until, double heat) {
  const int sweeps = sweeps_worth(removal, until, {heat});
  const double began = state_.progress();
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    state_.meet();
    const double opens = state_.progress(), closes = began + (until - began) * (sweep + 1) / sweeps;
    const Cooling cooling{heat, static_cast<double>(sweep) / sweeps, (sweep + 1.0) / sweeps};
    double done = 0.0;
    for (const Part& part : partition()) {
      done += static_cast<double>(part.requests.size());
      const double here = opens + (closes - opens) * done / plan_.requests();
      if (state_.progress() < here) improve(part, here, cooling);
    }
  }
}

}  // namespace matcher::route
