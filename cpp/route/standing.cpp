#include "matcher/standing.h"

#include <cmath>

#include "route/travel.h"

namespace matcher {
namespace {

using route::at;

constexpr std::int64_t kMaxWeights = 5'000'000'000;

InputFault check(const StandingProblem& problem, std::uint64_t& weights) {
  const auto places = problem.places.x.size();
  const auto inside = [places](std::int32_t loc) { return loc >= 0 && at(loc) < places; };
  if (problem.places.y.size() != places || problem.places.z.size() != places) return {"locations", "differ in length"};
  if (problem.demand_loc.size() != problem.demand_weight.size()) return {"demand", "differ in length"};
  if (problem.courier.size() != problem.loc.size()) return {"courier", "is not as long as loc"};
  std::int64_t sum = 0;
  for (std::size_t d = 0; d < problem.demand_loc.size(); ++d) {
    const auto row = static_cast<std::int64_t>(d);
    if (!inside(problem.demand_loc[d])) return {"demand.loc", "is no index of locations", row};
    if (problem.demand_weight[d] < 1) return {"demand.weight", "is not positive", row};
    sum += problem.demand_weight[d];
  }
  if (sum > kMaxWeights) return {"demand.weight", "add up to more than 5,000,000,000"};
  weights = static_cast<std::uint64_t>(sum);
  const auto* metric = std::get_if<MetricTravel>(&problem.travel);
  const auto* matrix = std::get_if<MatrixTravel>(&problem.travel);
  const auto couriers = metric != nullptr ? metric->speed_mph.size() : matrix->profile.size();
  for (std::size_t i = 0; i < problem.loc.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    if (!inside(problem.loc[i])) return {"loc", "is no index of locations", row};
    const auto courier = problem.courier[i];
    if (courier < 0 || at(courier) >= couriers) return {"courier", "is no index of couriers", row};
    if (metric != nullptr && metric->speed_mph[at(courier)] < 1)
      return {"travel.speed_mph", "is not positive", courier};
    if (matrix != nullptr) {
      const auto profile = matrix->profile[at(courier)];
      if (profile < 0 || (at(profile) + 1) * places * places > matrix->matrix_ms.size()) {
        return {"travel.profile", "is not an index of the matrices", courier};
      }
    }
  }
  return {};
}

// Mean over the points of a whole number, rounded down; below 2^31 each (ms of a table, or centimetres across the
// Earth) and weights that add up to at most kMaxWeights < 2^33, so the sum stays below 2^64.
template <class Value>
std::int64_t mean(const StandingProblem& problem, std::uint64_t weights, Value&& value) {
  std::uint64_t sum = 0;
  for (std::size_t d = 0; d < problem.demand_loc.size(); ++d) {
    sum += static_cast<std::uint64_t>(problem.demand_weight[d]) * value(problem.demand_loc[d]);
  }
  return static_cast<std::int64_t>(sum / weights);
}

class Known {  // means already computed
 public:
  explicit Known(std::size_t size) : value_(size, -1) {}
  template <class Compute>
  std::int64_t get(std::size_t key, Compute&& compute) {
    if (value_[key] < 0) value_[key] = compute();
    return value_[key];
  }

 private:
  std::vector<std::int64_t> value_;
};

void fill(const StandingProblem& problem, const MetricTravel& travel, std::uint64_t weights,
          std::vector<std::int64_t>& out) {
  const route::MetricTimes times(problem.places, travel);
  Known centimetres(problem.places.x.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto from = problem.loc[i];
    const auto distance = centimetres.get(at(from), [&] {
      return mean(problem, weights, [&](std::int32_t to) {
        return static_cast<std::uint64_t>(std::floor(times.chord(from, to) * 100.0));
      });
    });
    const double pace = travel.factor * 36000.0 / static_cast<double>(travel.speed_mph[at(problem.courier[i])]);
    out[i] = static_cast<std::int64_t>(std::floor(static_cast<double>(distance) * pace));
  }
}

void fill(const StandingProblem& problem, const MatrixTravel& travel, std::uint64_t weights,
          std::vector<std::int64_t>& out) {
  const auto places = problem.places.x.size();
  Known milliseconds(places == 0 ? 0 : travel.matrix_ms.size() / places);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto row = at(travel.profile[at(problem.courier[i])]) * places + at(problem.loc[i]);
    out[i] = milliseconds.get(row, [&] {
      return mean(problem, weights, [&](std::int32_t to) {
        return static_cast<std::uint64_t>(std::max(0, travel.matrix_ms[row * places + at(to)]));
      });
    });
  }
}

}  // namespace

InputFault standing_ms(const StandingProblem& problem, std::vector<std::int64_t>& out) {
  out.clear();
  std::uint64_t weights = 0;
  if (const auto fault = check(problem, weights); !fault.ok()) return fault;
  out.assign(problem.loc.size(), 0);
  if (weights == 0) return {};
  std::visit([&](const auto& travel) { fill(problem, travel, weights, out); }, problem.travel);
  return {};
}

}  // namespace matcher
