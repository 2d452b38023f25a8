#include "matcher/bundles.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>
#include <tuple>
#include <type_traits>
#include <utility>

#include "core/cancel.h"
#include "route/travel.h"

namespace matcher {
namespace {

using route::at;

using Members = std::array<std::int32_t, kMaxBundleOrders>;  // positions in `open`, ascending, filled up with -1

struct Bundle {
  Members members;
  Members sequence;
  std::int32_t count = 0;
  std::int64_t saving = 0;
  std::int64_t delay = 0;

  std::int64_t rank() const { return saving - delay; }
};

bool better(const Bundle& a, const Bundle& b) {
  if (a.rank() != b.rank()) return a.rank() > b.rank();
  if (a.count != b.count) return a.count < b.count;
  return a.members < b.members;
}

bool listed_before(const Bundle& a, const Bundle& b) {
  return a.count != b.count ? a.count < b.count : a.members < b.members;
}

InputFault check(const BundleProblem& problem, const BundleRules& rules) {
  const auto n = problem.store.size();
  const auto places = problem.places.x.size();
  if (rules.max_orders < 1 || rules.max_orders > kMaxBundleOrders) return {"max_orders", "is not within 1 .. 6"};
  if (rules.neighbours < 0 || rules.neighbours > kMaxBundleNeighbours) return {"neighbours", "is not within 0 .. 64"};
  if (rules.ready_spread_ms < 0) return {"ready_spread_ms", "is negative"};
  if (rules.max_bundles < 0) return {"max_bundles", "is negative"};
  if (problem.places.y.size() != places || problem.places.z.size() != places) return {"locations", "differ in length"};
  if (problem.pickup_loc.size() != n || problem.dropoff_loc.size() != n || problem.ready_ms.size() != n ||
      problem.promised_by_ms.size() != n || problem.freshness_ms.size() != n || problem.size.size() != n) {
    return {"orders", "differ in length"};
  }
  if (const auto* metric = std::get_if<MetricTravel>(&problem.travel)) {
    if (metric->quantum_ms < 1) return {"travel.quantum_ms", "is not positive"};
    if (!(metric->factor > 0.0)) return {"travel.factor", "is not positive"};
    if (metric->speed_mph.empty() && !problem.open.empty()) return {"travel.speed_mph", "is empty"};
    for (const auto speed : metric->speed_mph) {
      if (speed < 1) return {"travel.speed_mph", "is not positive"};
    }
  } else {
    const auto& matrix = std::get<MatrixTravel>(problem.travel);
    if (matrix.profile.empty() && !problem.open.empty()) return {"travel.profile", "is empty"};
    for (std::size_t c = 0; c < matrix.profile.size(); ++c) {
      const auto profile = matrix.profile[c];
      if (profile < 0 || at(profile) * places * places + places * places > matrix.matrix_ms.size()) {
        return {"travel.profile", "is not an index of the matrices", static_cast<std::int64_t>(c)};
      }
    }
  }
  std::int32_t last = -1;
  for (std::size_t i = 0; i < problem.open.size(); ++i) {
    const auto order = problem.open[i];
    const auto row = static_cast<std::int64_t>(order);
    if (order <= last || at(order) >= n)
      return {"open", "is not ascending or no index of orders", static_cast<std::int64_t>(i)};
    last = order;
    const auto pickup = problem.pickup_loc[at(order)];
    const auto dropoff = problem.dropoff_loc[at(order)];
    if (pickup < 0 || at(pickup) >= places) return {"orders.pickup_loc", "is no index of locations", row};
    if (dropoff < 0 || at(dropoff) >= places) return {"orders.dropoff_loc", "is no index of locations", row};
    if (problem.size[at(order)] < 0) return {"orders.size", "is negative", row};
    for (const auto time :
         {problem.ready_ms[at(order)], problem.promised_by_ms[at(order)], problem.freshness_ms[at(order)]}) {
      if (time > kNeverMs || time < -kNeverMs) return {"orders", "has a time beyond the limit of 2^50 ms", row};
    }
  }
  return {};
}

template <class Times>
class Proposer {
 public:
  Proposer(const BundleProblem& problem, const BundleRules& rules, const Times& times)
      : problem_(problem), rules_(rules), times_(times), cancel_(rules.cancelled) {}

  std::vector<Bundle> run() {
    const auto n = problem_.open.size();
    ready_.resize(n);
    out_.resize(n);
    back_.resize(n);
    partners_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto o = at(problem_.open[i]);
      ready_[i] = std::max<std::int64_t>(problem_.ready_ms[o], 0);
      out_[i] = times_(0, problem_.pickup_loc[o], problem_.dropoff_loc[o]);
      back_[i] = times_(0, problem_.dropoff_loc[o], problem_.pickup_loc[o]);
    }
    auto level = pairs();
    auto all = level;
    for (std::int32_t count = 3; count <= rules_.max_orders && !level.empty(); ++count) {
      level = grow(level);
      all.insert(all.end(), level.begin(), level.end());
    }
    return all;
  }

 private:
  struct Partner {
    double score;
    std::int32_t position;
  };

  std::int32_t door(std::int32_t position) const { return problem_.dropoff_loc[at(problem_.open[at(position)])]; }

  // What a trip between two doors takes, for ranking only.
  double rough_trip(std::int32_t from, std::int32_t to) const {
    if constexpr (std::is_same_v<Times, route::MetricTimes>) {
      return times_.chord(door(from), door(to)) * times_.ms_per_metre(0);
    } else {
      return static_cast<double>(times_(0, door(from), door(to)));
    }
  }

  // Partners of every order, and the pairs with them.
  std::vector<Bundle> pairs() {
    if (rules_.max_orders < 2 || rules_.neighbours == 0) return {};
    std::vector<std::int32_t> by_store;
    for (std::size_t i = 0; i < problem_.open.size(); ++i) {
      if (problem_.store[at(problem_.open[i])] >= 0) by_store.push_back(static_cast<std::int32_t>(i));
    }
    const auto place = [&](std::int32_t i) {
      const auto o = at(problem_.open[at(i)]);
      return std::pair(problem_.store[o], problem_.pickup_loc[o]);
    };
    std::sort(by_store.begin(), by_store.end(), [&](std::int32_t a, std::int32_t b) {
      return std::tuple(place(a), ready_[at(a)], a) < std::tuple(place(b), ready_[at(b)], b);
    });
    std::vector<Bundle> found;
    std::vector<Partner> near;
    for (std::size_t first = 0; first < by_store.size();) {
      auto end = first;
      while (end < by_store.size() && place(by_store[end]) == place(by_store[first])) ++end;
      auto low = first;
      auto high = first;
      for (auto i = first; i < end; ++i) {
        const auto a = by_store[i];
        cancel_.check();
        while (ready_[at(a)] - ready_[at(by_store[low])] > rules_.ready_spread_ms) ++low;
        while (high < end && ready_[at(by_store[high])] - ready_[at(a)] <= rules_.ready_spread_ms) ++high;
        near.clear();
        for (auto j = low; j < high; ++j) {
          const auto b = by_store[j];
          if (a == b) continue;
          const auto apart = std::abs(ready_[at(a)] - ready_[at(b)]);
          near.push_back({2.0 * (static_cast<double>(std::max(out_[at(a)], out_[at(b)])) - rough_trip(a, b)) -
                              static_cast<double>(apart),
                          b});
        }
        add_partners(a, near, found);
      }
      first = end;
    }
    return unique(std::move(found));
  }

  void add_partners(std::int32_t a, std::vector<Partner>& near, std::vector<Bundle>& found) {
    const auto keep = std::min(near.size(), static_cast<std::size_t>(rules_.neighbours) * 2);
    std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(keep), near.end(),
                      [](const Partner& x, const Partner& y) {
                        return x.score != y.score ? x.score > y.score : x.position < y.position;
                      });
    std::vector<Bundle> evaluated;
    for (std::size_t j = 0; j < keep; ++j) {
      Bundle pair;
      pair.members.fill(-1);
      pair.members[0] = std::min(a, near[j].position);
      pair.members[1] = std::max(a, near[j].position);
      pair.count = 2;
      if (evaluate(pair)) evaluated.push_back(pair);
    }
    std::sort(evaluated.begin(), evaluated.end(), better);
    if (evaluated.size() > static_cast<std::size_t>(rules_.neighbours)) {
      evaluated.resize(static_cast<std::size_t>(rules_.neighbours));
    }
    for (const auto& pair : evaluated) {
      partners_[at(a)].push_back(pair.members[0] == a ? pair.members[1] : pair.members[0]);
      found.push_back(pair);
    }
  }

  static std::vector<Bundle> unique(std::vector<Bundle> bundles) {
    std::sort(bundles.begin(), bundles.end(), listed_before);
    const auto same = [](const Bundle& a, const Bundle& b) { return a.members == b.members; };
    bundles.erase(std::unique(bundles.begin(), bundles.end(), same), bundles.end());
    return bundles;
  }

  // Bundles with one order more than those of `level`.
  std::vector<Bundle> grow(const std::vector<Bundle>& level) {
    std::vector<std::size_t> by_rank(level.size());
    std::iota(by_rank.begin(), by_rank.end(), 0);
    std::sort(by_rank.begin(), by_rank.end(), [&](std::size_t a, std::size_t b) { return better(level[a], level[b]); });
    std::vector<std::int32_t> grown_from(problem_.open.size(), 0);
    std::vector<Members> candidates;
    for (const auto index : by_rank) {
      cancel_.check();
      const auto& base = level[index];
      const auto members = std::span(base.members).first(at(base.count));
      bool wanted = false;
      for (const auto member : members) wanted = wanted || grown_from[at(member)] < rules_.neighbours;
      if (!wanted) continue;
      for (const auto member : members) ++grown_from[at(member)];
      for (const auto member : members) {
        for (const auto partner : partners_[at(member)]) {
          if (std::find(members.begin(), members.end(), partner) != members.end()) continue;
          Members more = base.members;
          more[at(base.count)] = partner;
          std::sort(more.begin(), more.begin() + base.count + 1);
          candidates.push_back(more);
        }
      }
    }
    std::sort(candidates.begin(), candidates.end());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    std::vector<Bundle> grown;
    for (const auto& members : candidates) {
      cancel_.check();
      Bundle bundle;
      bundle.members = members;
      bundle.count = level.front().count + 1;
      if (evaluate(bundle)) grown.push_back(bundle);
    }
    return grown;
  }

  // Fills in sequence, saving and delay; false if the bundle breaks a limit or saves nothing.
  bool evaluate(Bundle& bundle) {
    const auto count = at(bundle.count);
    std::int64_t size = 0;
    std::int64_t earliest = ready_[at(bundle.members[0])];
    leave_ = earliest;
    std::int64_t alone = 0;
    base_delay_ = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto m = at(bundle.members[i]);
      size += problem_.size[at(problem_.open[m])];
      earliest = std::min(earliest, ready_[m]);
      leave_ = std::max(leave_, ready_[m]);
      alone += out_[m] + back_[m];
      base_delay_ += disutility(bundle.members[i], ready_[m] + out_[m]);
    }
    if (size > rules_.max_size || leave_ - earliest > rules_.ready_spread_ms) return false;
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = 0; j < count; ++j) {
        trip_[i][j] = i == j ? 0 : times_(0, door(bundle.members[i]), door(bundle.members[j]));
      }
    }
    best_delay_ = std::numeric_limits<std::int64_t>::max();
    extend(bundle, 0, 0, 0, 0);
    if (best_delay_ == std::numeric_limits<std::int64_t>::max()) return false;
    bundle.delay = best_delay_;
    std::int64_t tour = out_[at(bundle.members[at(best_path_[0])])];
    for (std::size_t i = 0; i + 1 < count; ++i) tour += trip_[at(best_path_[i])][at(best_path_[i + 1])];
    tour += back_[at(bundle.members[at(best_path_[count - 1])])];
    bundle.saving = alone - tour;
    bundle.sequence.fill(-1);
    for (std::size_t i = 0; i < count; ++i) bundle.sequence[i] = bundle.members[at(best_path_[i])];
    return bundle.saving > 0;
  }

  // Arrival plus what it is late.
  std::int64_t disutility(std::int32_t position, std::int64_t arrival) const {
    return arrival + std::max<std::int64_t>(0, arrival - problem_.promised_by_ms[at(problem_.open[at(position)])]);
  }

  // All sequences in lexicographic order, cut off by the best delay.
  void extend(const Bundle& bundle, std::int32_t depth, std::uint32_t used, std::int64_t elapsed, std::int64_t sum) {
    if (depth > 0 && sum - base_delay_ >= best_delay_) return;
    if (depth == bundle.count) {
      best_delay_ = sum - base_delay_;
      best_path_ = path_;
      return;
    }
    for (std::int32_t i = 0; i < bundle.count; ++i) {
      if (used >> i & 1U) continue;
      const auto member = bundle.members[at(i)];
      const auto arrival = elapsed + (depth == 0 ? out_[at(member)] : trip_[at(path_[at(depth - 1)])][at(i)]);
      if (arrival > problem_.freshness_ms[at(problem_.open[at(member)])]) continue;
      path_[at(depth)] = i;
      extend(bundle, depth + 1, used | 1U << i, arrival, sum + disutility(member, leave_ + arrival));
    }
  }

  const BundleProblem& problem_;
  const BundleRules& rules_;
  const Times& times_;
  const CancelFlag cancel_;
  std::vector<std::int64_t> ready_, out_, back_;  // by position in `open`
  std::vector<std::vector<std::int32_t>> partners_;
  // Of the bundle being evaluated.
  std::array<std::array<std::int64_t, kMaxBundleOrders>, kMaxBundleOrders> trip_{};
  Members path_{}, best_path_{};
  std::int64_t leave_ = 0, base_delay_ = 0, best_delay_ = 0;
};

}  // namespace

InputFault propose_bundles(const BundleProblem& problem, const BundleRules& rules, Bundles& out) try {
  out = {};
  if (const auto fault = check(problem, rules); !fault.ok()) return fault;
  std::vector<Bundle> bundles;
  if (const auto* metric = std::get_if<MetricTravel>(&problem.travel)) {
    bundles = Proposer(problem, rules, route::MetricTimes(problem.places, *metric)).run();
  } else {
    bundles =
        Proposer(problem, rules, route::MatrixTimes(problem.places.x.size(), std::get<MatrixTravel>(problem.travel)))
            .run();
  }
  const auto limit = static_cast<std::size_t>(rules.max_bundles);
  if (bundles.size() > limit) {
    std::nth_element(bundles.begin(), bundles.begin() + static_cast<std::ptrdiff_t>(limit), bundles.end(), better);
    out.dropped = static_cast<std::int64_t>(bundles.size() - limit);
    bundles.resize(limit);
    std::sort(bundles.begin(), bundles.end(), listed_before);
  }
  out.unit_order.assign(problem.open.begin(), problem.open.end());
  out.sequence = out.unit_order;
  out.unit_ptr.resize(problem.open.size() + 1);
  std::iota(out.unit_ptr.begin(), out.unit_ptr.end(), 0);
  out.saving_ms.assign(problem.open.size(), 0);
  out.delay_ms.assign(problem.open.size(), 0);
  for (const auto& bundle : bundles) {
    for (std::int32_t i = 0; i < bundle.count; ++i) {
      out.unit_order.push_back(problem.open[at(bundle.members[at(i)])]);
      out.sequence.push_back(problem.open[at(bundle.sequence[at(i)])]);
    }
    out.unit_ptr.push_back(static_cast<std::int32_t>(out.unit_order.size()));
    out.saving_ms.push_back(bundle.saving);
    out.delay_ms.push_back(bundle.delay);
  }
  return {};
} catch (const Cancelled&) {
  out = {};
  out.cancelled = true;
  return {};
}

}  // namespace matcher
