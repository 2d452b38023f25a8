// A limit on work, not on time: kernels know no clock. A caller with a deadline sets a limit from a calibrated rate, or
// raises the cancel flag from another thread.
#ifndef MATCHER_CORE_BUDGET_H
#define MATCHER_CORE_BUDGET_H

#include <cstdint>
#include <limits>

#include "core/cancel.h"

namespace matcher {

struct Budget {
  std::int64_t max_iterations = std::numeric_limits<std::int64_t>::max();
  const std::int32_t* cancelled = nullptr;  // any other thread may set it to non-zero

  bool is_cancelled() const { return CancelFlag(cancelled).raised(); }
};

// Counts iterations against a budget; looks at the cancel flag at coarse steps.
class BudgetMeter {
 public:
  explicit BudgetMeter(const Budget& budget) : budget_(budget), cancel_(budget.cancelled) {}

  // Counts one iteration. False: stop now, the iteration was not granted.
  bool spend() {
    if (used_ >= budget_.max_iterations || stopped_) return false;
    if ((++used_ & kCoarse) == 0 && cancel_.raised()) {
      stopped_ = true;
      return false;
    }
    return true;
  }
  std::int64_t used() const { return used_; }

 private:
  static constexpr std::int64_t kCoarse = 15;
  Budget budget_;
  CancelFlag cancel_;
  std::int64_t used_ = 0;
  bool stopped_ = false;
};

}  // namespace matcher

#endif  // MATCHER_CORE_BUDGET_H
