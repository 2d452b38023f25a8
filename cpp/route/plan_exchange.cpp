#include "route/plan_exchange.h"

#include <cmath>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include "route/plan_search.h"

namespace matcher::route {
namespace {

// Far apart: a generator's states are its seed and the seed plus multiples of another constant.
constexpr std::uint64_t kSeedStep = 0xD1B54A32D192ED03ULL;

// Passes on what is better than anything that any of the searches has told so far.
class SharedListener final : public PlanListener {
 public:
  SharedListener(PlanListener& listener, bool hierarchical) : listener_(listener), hierarchical_(hierarchical) {}

  void improved(const PdptwImprovement& now, const std::vector<std::vector<std::int32_t>>& routes) override {
    const std::scoped_lock lock(mutex_);
    const std::tuple value(now.unserved, hierarchical_ ? now.vehicles : 0, now.distance);
    if (told_ && value >= last_) return;
    told_ = true;
    last_ = value;
    listener_.improved(now, routes);
  }

 private:
  std::mutex mutex_;
  PlanListener& listener_;
  bool hierarchical_;
  bool told_ = false;
  std::tuple<std::int32_t, std::int32_t, double> last_;
};

Incumbent incumbent_of(const PdptwProblem& problem, const PdptwResult& result) {
  Incumbent found;
  found.missing = 0;
  found.vehicles = static_cast<std::int32_t>(result.routes.size());
  found.cost = result.distance;
  for (const std::int32_t request : result.unserved) {
    const double prize =
        problem.prize.empty() ? std::numeric_limits<double>::infinity() : problem.prize[index(request)];
    if (std::isinf(prize)) {
      ++found.missing;
    } else {
      found.cost += prize;
    }
  }
  return found;
}

}  // namespace

bool Incumbent::better_than(const Incumbent& other, bool hierarchical) const {
  return std::tuple(missing, hierarchical ? vehicles : 0, cost) <
         std::tuple(other.missing, hierarchical ? other.vehicles : 0, other.cost);
}

Exchange::Exchange(std::size_t searches, bool hierarchical)
    : shown_(searches), hierarchical_(hierarchical), barrier_(static_cast<std::ptrdiff_t>(searches)) {}

Incumbent Exchange::meet(std::size_t search, Incumbent mine) {
  shown_[search] = std::move(mine);
  barrier_.arrive_and_wait();
  const Incumbent* best = shown_.data();
  for (const Incumbent& other : shown_) {
    if (other.better_than(*best, hierarchical_)) best = &other;
  }
  Incumbent copy = *best;
  barrier_.arrive_and_wait();  // nobody shows another plan while someone still looks
  return copy;
}

void search_together(const PdptwProblem& problem, const PdptwOptions& options, PdptwResult& out) {
  const auto searches = static_cast<std::size_t>(options.threads);
  const bool hierarchical = options.objective == PdptwObjective::kHierarchical;
  Exchange exchange(searches, hierarchical);
  std::unique_ptr<SharedListener> listener;
  if (options.listener != nullptr) listener = std::make_unique<SharedListener>(*options.listener, hierarchical);
  std::vector<PdptwResult> results(searches);
  std::vector<std::exception_ptr> errors(searches);
  const auto run = [&](std::size_t search) {
    try {
      PdptwOptions own = options;
      own.seed = options.seed + search * kSeedStep;
      own.listener = listener.get();
      search_plan(problem, own, results[search], &exchange, search);
    } catch (...) {
      errors[search] = std::current_exception();
    }
    exchange.leave();
  };
  std::vector<std::thread> threads;
  for (std::size_t search = 1; search < searches; ++search) {
    try {
      threads.emplace_back(run, search);
    } catch (const std::system_error&) {
      errors[search] = std::current_exception();  // the others must not wait for it
      exchange.leave();
    }
  }
  run(0);
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  std::size_t best = 0;
  std::int64_t iterations = results[0].iterations;
  for (std::size_t search = 1; search < searches; ++search) {
    iterations += results[search].iterations;
    if (incumbent_of(problem, results[search]).better_than(incumbent_of(problem, results[best]), hierarchical)) {
      best = search;
    }
  }
  std::vector<std::vector<std::int32_t>> pool;
  for (PdptwResult& result : results) {
    pool.insert(pool.end(), std::move_iterator(result.pool.begin()), std::move_iterator(result.pool.end()));
  }
  out = std::move(results[best]);
  out.pool = std::move(pool);
  out.iterations = iterations;
}

}  // namespace matcher::route
