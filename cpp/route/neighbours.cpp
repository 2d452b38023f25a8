#include "route/neighbours.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace matcher::route {
namespace {

constexpr std::size_t kNear = 60;
// Likely neighbours of a stop: how many, and what waiting counts against distance (as in granular neighbourhoods for
// routes with windows: Vidal et al. 2013, "A hybrid genetic algorithm with adaptive diversity management for a large
// class of vehicle routing problems with time-windows").
constexpr std::size_t kPartners = 30;
constexpr double kWaiting = 0.2;
constexpr double kGrace = 1e-9;

std::size_t index(std::int32_t value) { return static_cast<std::size_t>(value); }

}  // namespace

Neighbours::Neighbours(const PdptwProblem& problem)
    : problem_(problem), near_(problem.ready.size()), partners_(problem.ready.size()) {}

Neighbours::Neighbours(const PdptwProblem& part, Neighbours& whole, const std::vector<std::int32_t>& node_of,
                       const std::vector<std::int32_t>& number)
    : Neighbours(part) {
  const auto keep = [&](const std::vector<std::int32_t>& from, std::vector<std::int32_t>& to) {
    for (const std::int32_t other : from) {
      if (number[index(other)] > 0) to.push_back(number[index(other)]);
    }
  };
  for (std::size_t k = 1; k < node_of.size(); ++k) {
    keep(whole.near(node_of[k]), near_[k]);
    keep(whole.partners(node_of[k]), partners_[k]);
  }
}

const std::vector<std::int32_t>& Neighbours::near(std::int32_t node) {
  std::vector<std::int32_t>& list = near_[index(node)];
  if (!list.empty()) return list;
  const std::size_t nodes = near_.size(), keep = std::min(kNear, nodes - 1);
  list.resize(nodes - 1);
  std::iota(list.begin(), list.end(), 1);
  const double* row = problem_.distance.data() + index(node) * nodes;
  const auto closer = [&](std::int32_t a, std::int32_t b) {
    const double to_a = row[a], to_b = row[b];
    return to_a != to_b ? to_a < to_b : a < b;
  };
  std::nth_element(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(keep - 1), list.end(), closer);
  list.resize(keep);
  std::sort(list.begin(), list.end(), closer);
  return list;
}

const std::vector<std::int32_t>& Neighbours::partners(std::int32_t node) {
  std::vector<std::int32_t>& list = partners_[index(node)];
  if (!list.empty()) return list;
  const std::size_t nodes = partners_.size(), x = index(node);
  const double* distance = problem_.distance.data();
  const double* duration = problem_.duration.empty() ? distance : problem_.duration.data();
  // One after the other: the way, some of the time that is then waited for certain, never what is too late for certain.
  const auto follows = [&](std::size_t a, std::size_t b) {
    const double travel = problem_.service[a] + duration[a * nodes + b];
    const bool hard = problem_.late_cost.empty() || std::isinf(problem_.late_cost[b]);
    if (hard && problem_.ready[a] + travel > problem_.due[b] + kGrace) return std::numeric_limits<double>::infinity();
    return distance[a * nodes + b] + kWaiting * std::max(0.0, problem_.ready[b] - problem_.due[a] - travel);
  };
  ranking_.clear();
  for (std::size_t other = 1; other < nodes; ++other) {
    const double far = std::min(follows(x, other), follows(other, x));
    if (other != x && std::isfinite(far)) ranking_.emplace_back(far, static_cast<std::int32_t>(other));
  }
  const std::size_t keep = std::min(kPartners, ranking_.size());
  std::nth_element(ranking_.begin(), ranking_.begin() + static_cast<std::ptrdiff_t>(keep), ranking_.end());
  for (std::size_t k = 0; k < keep; ++k) list.push_back(ranking_[k].second);
  if (list.empty()) list.push_back(node);
  return list;
}

}  // namespace matcher::route
