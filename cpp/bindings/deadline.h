// The clock enters the kernels here: they see only the share of their time that is gone.
#ifndef MATCHER_BINDINGS_DEADLINE_H
#define MATCHER_BINDINGS_DEADLINE_H

#include <chrono>
#include <ctime>

#include "matcher/pdptw.h"

namespace matcher::bindings {

// Seconds since it was made, of the wall or of this process.
class Stopwatch {
 public:
  explicit Stopwatch(bool cpu) : clock_(cpu ? cpu_seconds : wall_seconds), began_(clock_()) {}
  double seconds() const { return clock_() - began_; }

 private:
  static double wall_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  static double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

  double (*clock_)();
  double began_;
};

class Deadline final : public StopCheck {
 public:
  Deadline(double seconds, bool cpu) : watch_(cpu), seconds_(seconds) {}
  double elapsed_fraction() override { return seconds_ > 0.0 ? watch_.seconds() / seconds_ : 1.0; }

 private:
  Stopwatch watch_;
  double seconds_;
};

}  // namespace matcher::bindings

#endif  // MATCHER_BINDINGS_DEADLINE_H
