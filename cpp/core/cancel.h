// A flag that any other thread may raise to end a kernel whose answer nobody wants any more.
#ifndef MATCHER_CORE_CANCEL_H
#define MATCHER_CORE_CANCEL_H

#include <atomic>
#include <cstdint>
#include <exception>

namespace matcher {

// Unwinds a kernel from wherever it is; the kernel's entry point catches it and says so in its result.
struct Cancelled : std::exception {};

class CancelFlag {
 public:
  // `flag`: null for work that cannot be cancelled; else non-zero once it is.
  explicit CancelFlag(const std::int32_t* flag = nullptr) : flag_(flag) {}

  bool raised() const {
    if (flag_ == nullptr) return false;
    // Only read here, but there is no atomic_ref of a const object yet.
    return std::atomic_ref(const_cast<std::int32_t&>(*flag_)).load(std::memory_order_relaxed) != 0;
  }
  // Costs a load; kernels call it every few microseconds of work.
  void check() const {
    if (raised()) throw Cancelled{};
  }

 private:
  const std::int32_t* flag_;
};

}  // namespace matcher

#endif  // MATCHER_CORE_CANCEL_H
