// A four-ary heap of things that happen at a distance: nearest first, then the lowest id.
#ifndef MATCHER_ASSIGN_EVENT_HEAP_H
#define MATCHER_ASSIGN_EVENT_HEAP_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace matcher::assign {

template <class Cost>
struct Event {
  Cost at;
  std::int32_t id;
};

template <class Cost, class Kind = Event<Cost>>
class EventHeap {
 public:
  bool empty() const { return events_.empty(); }
  void clear() { events_.clear(); }
  const Kind& top() const { return events_.front(); }

  void push(Kind event) {
    std::size_t at = events_.size();
    events_.push_back(event);
    while (at > 0) {
      const std::size_t parent = (at - 1) / 4;
      if (!before(event, events_[parent])) break;
      events_[at] = events_[parent];
      at = parent;
    }
    events_[at] = event;
  }

  Kind pop() {
    const Kind top = events_.front();
    const Kind moved = events_.back();
    events_.pop_back();
    if (events_.empty()) return top;
    std::size_t at = 0;
    while (true) {
      const std::size_t first = 4 * at + 1;
      if (first >= events_.size()) break;
      const std::size_t end = std::min(first + 4, events_.size());
      std::size_t least = first;
      for (std::size_t child = first + 1; child < end; ++child) {
        if (before(events_[child], events_[least])) least = child;
      }
      if (!before(events_[least], moved)) break;
      events_[at] = events_[least];
      at = least;
    }
    events_[at] = moved;
    return top;
  }

 private:
  static bool before(const Kind& a, const Kind& b) { return a.at != b.at ? a.at < b.at : a.id < b.id; }

  std::vector<Kind> events_;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_EVENT_HEAP_H
