// Shortest augmenting paths over lists of choices: the one search behind dense, sparse, cold and warm solves.
//
//   1. rows bid (an auction without epsilon) for their best choice: most of the matching, and good column duals;
//   2. each row left over is matched along a shortest path, leaving at the first free column or unassigned price;
//   3. where that becomes laborious, a guess or epsilon-scaled bidding finds near-final duals, and 1 and 2 start again
//      from them;
//   4. a free column whose dual is not zero (after 3, or a warm start) takes a row over along a shortest path of
//      columns, or its dual returns to zero.
// Every step keeps u[i] + v[j] <= c[i][j], so any stop leaves a bound.
#ifndef MATCHER_ASSIGN_PATH_SOLVER_H
#define MATCHER_ASSIGN_PATH_SOLVER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "assign/choices.h"
#include "assign/column_settler.h"
#include "assign/common.h"
#include "assign/event_heap.h"
#include "assign/path_state.h"

namespace matcher::assign {

// Where a solve starts: column duals at most zero, and columns that rows might keep (checked; may be empty).
template <class Cost>
struct Start {
  std::span<const Cost> col_duals;
  std::span<const std::int32_t> col_for_row;
};

template <class Cost, class Choices>
class PathSolver {
 public:
  // every_column: as many rows as columns and all must be matched, so column duals may end anywhere.
  // whole: costs are whole numbers, and the duals must be.
  PathSolver(Choices& choices, std::span<const Cost> prices, const Start<Cost>& start, bool every_column, bool whole,
             const Budget& budget)
      : choices_(choices),
        prices_(prices),
        every_column_(every_column),
        whole_(whole),
        meter_(budget),
        n_rows_(choices.n_rows()),
        n_cols_(choices.n_cols()),
        state_(n_rows_, n_cols_) {
    if (!start.col_duals.empty()) state_.v.assign(start.col_duals.begin(), start.col_duals.end());
    if (!start.col_for_row.empty()) keep_tight(start.col_for_row);
  }

  Assignment<Cost> solve() {
    Assignment<Cost> answer;
    answer.status = serve_rows();
    served_ = answer.status == SolveStatus::kOptimal;
    if (served_ && !every_column_) {
      ColumnSettler<Cost, Choices> settler(choices_, prices_, state_, meter_);
      if (!settler.settle_all()) answer.status = SolveStatus::kStopped;
    }
    if (answer.status == SolveStatus::kStopped) complete_greedily();
    finish(answer);
    return answer;
  }

 private:
  using State = PathState<Cost>;
  using Row = typename State::Row;
  using Col = typename State::Col;
  static constexpr std::int32_t kFree = State::kFree;
  static constexpr std::int32_t kLeftOut = State::kLeftOut;
  static constexpr Cost kInfinite = infinite<Cost>();

  static std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }
  Cost price(std::int32_t i) const {
    if (prices_.empty() || prices_[size(i)] == must_match<Cost>()) return kInfinite;
    return prices_[size(i)];
  }
  Row& row(std::int32_t i) { return state_.row(i); }
  Col& col(std::int32_t j) { return state_.col(j); }
  Cost& v(std::int32_t j) { return state_.dual(j); }
  void match(std::int32_t i, std::int32_t j, Cost cost) { state_.match(i, j, cost); }

  static constexpr bool kRemembers = requires(Choices& choices) { choices.still_best(0, 0); };

  // Pairs of the start that are a best choice of their row at the starting duals stay, and so do rows without a column
  // whose price is.
  void keep_tight(std::span<const std::int32_t> col_for_row) {
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      const std::int32_t j = col_for_row[size(i)];
      if (j >= n_cols_ || (j >= 0 && col(j).row != kFree)) continue;
      if constexpr (kRemembers) {
        if (choices_.still_best(i, j)) {
          if (j >= 0) match(i, j, choices_.pair_cost(i));
          if (j < 0) row(i).col = kLeftOut;
          continue;
        }
      }
      keep_if_best(i, j);
    }
  }

  void keep_if_best(std::int32_t i, std::int32_t j) {
    const Cost out = price(i);
    if (j < 0 && out >= kInfinite) return;
    Cost best = std::min(out, choices_.beyond(i)), mine = kInfinite, cost = 0;
    const auto list = choices_.of(i);
    std::size_t k = 0;
    for (; k < list.size() && low_of(list[k]) <= best; ++k) {
      const Cost value = list[k].cost - v(list[k].col);
      best = std::min(best, value);
      if (list[k].col == j && value < mine) {
        mine = value;
        cost = list[k].cost;
      }
    }
    if (j < 0) {
      if (out <= best) row(i).col = kLeftOut;
      return;
    }
    for (; k < list.size() && mine >= kInfinite; ++k) {  // it may be best but for rounding
      if (list[k].col != j) continue;
      mine = list[k].cost - v(j);
      cost = list[k].cost;
    }
    if (mine < kInfinite && mine <= best + spare(cost, v(j))) match(i, j, cost);
  }

  Cost spare(Cost cost, Cost col_dual) const {
    if constexpr (std::is_integral_v<Cost>) {
      return 0;
    } else {
      return rounding(cost, col_dual, whole_);
    }
  }

  SolveStatus serve_rows() {
    if (!bid_all()) return SolveStatus::kStopped;
    const bool contested = choices_.contested(free_rows(), [this] { return traits(); });
    if (contested && !(scale(kCoarse) && bid_all())) return SolveStatus::kStopped;
    bool scaled = false;
    while (true) {
      visited_ = 0;
      bool again = false;
      std::int32_t left = free_rows();
      for (std::int32_t i = 0; i < n_rows_ && !again; ++i) {
        if (row(i).col != kFree) continue;
        const SolveStatus status = augment(i);
        if (status != SolveStatus::kOptimal) return status;
        --left;
        again = !scaled && left > n_rows_ / 32 && choices_.laborious(visited_);  // a few rows more are no new start
      }
      if (!again) return SolveStatus::kOptimal;
      scaled = true;
      if (!start_from_guess() && !scale(kFine)) return SolveStatus::kStopped;
      if (!bid_all()) return SolveStatus::kStopped;
    }
  }

  std::int32_t free_rows() const {
    return static_cast<std::int32_t>(
        std::count_if(state_.rows.begin(), state_.rows.end(), [](const Row& r) { return r.col == kFree; }));
  }

  RowTraits traits() const {
    RowTraits mean{0, 0, 0};
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      const auto list = choices_.of(i);
      mean.listed += static_cast<double>(list.size());
      if (!list.empty()) mean.spread += static_cast<double>(low_of(list.back()) - low_of(list.front()));
      mean.price += price(i) < kInfinite ? static_cast<double>(price(i)) : infinite<double>();
    }
    return {mean.listed / n_rows_, mean.spread / n_rows_, mean.price / n_rows_};
  }

  bool start_from_guess() {
    if constexpr (requires { choices_.guess(); }) {
      if (!every_column_ && !prices_.empty()) return false;
      const auto guess = choices_.guess();
      if (!guess) return false;
      free_all();
      state_.v = guess->col_duals;
      for (std::int32_t i = 0; i < n_rows_; ++i) choices_.renew(i, state_.v);
      keep_tight(guess->col_for_row);
      return true;
    } else {
      return false;
    }
  }

  // Sweeps in which rows, and the rows they displace, bid.
  bool bid_all() {
    constexpr BidLimits limits = Choices::kBids;
    std::vector<std::int32_t> waiting, still;
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      if (row(i).col == kFree) waiting.push_back(i);
    }
    std::int64_t bids_left = limits.each * static_cast<std::int64_t>(waiting.size());
    for (int sweep = 0; sweep < limits.sweeps; ++sweep) {
      still.clear();
      for (const std::int32_t first : waiting) {
        std::int32_t i = first;
        for (std::int64_t chain = 0; i != kFree && bids_left > 0 && chain < limits.chain; ++chain) {
          --bids_left;
          if (!meter_.spend()) return false;
          const std::int32_t displaced = bid(i);
          if (row(i).col == kFree) still.push_back(i);
          i = displaced;
        }
        if (i != kFree) still.push_back(i);
      }
      waiting.swap(still);
    }
    return true;
  }

  struct Best {
    Cost first = kInfinite, second = kInfinite;
    std::size_t at = 0, second_at = 0;  // in the list; equal: the second is not a choice in it
    bool leaves = false;                // the price is best
  };

  Best best_choices(std::int32_t i) {
    while (true) {
      Best best;
      const auto list = choices_.of(i);
      for (std::size_t k = 0; k < list.size() && low_of(list[k]) < best.second; ++k) {
        const Cost value = list[k].cost - v(list[k].col);
        if (value < best.first) {
          best.second = best.first;
          best.second_at = best.at;
          best.first = value;
          best.at = k;
        } else if (value < best.second) {
          best.second = value;
          best.second_at = k;
        }
      }
      const Cost beyond = choices_.beyond(i), out = price(i);
      if (out < kInfinite && out <= best.first && out <= beyond) {
        best.leaves = true;
        return best;
      }
      if (best.first > beyond) {
        choices_.renew(i, state_.v);
        continue;
      }
      // Anything below the true second choice is a sound bid.
      if (std::min(out, beyond) < best.second) {
        best.second = std::min(out, beyond);
        best.second_at = best.at;
      }
      return best;
    }
  }

  // The row displaced, or kFree.
  std::int32_t bid(std::int32_t i) {
    const Best best = best_choices(i);
    if (best.leaves) {
      row(i).col = kLeftOut;
      return kFree;
    }
    if (best.first >= kInfinite) return kFree;  // no choice at all; the path search will say so
    const auto list = choices_.of(i);
    std::size_t at = best.at;
    if (best.first < best.second && best.second < kInfinite) {
      v(list[at].col) -= best.second - best.first;
    } else if (col(list[at].col).row != kFree) {
      // No margin to bid with: only a free column of equal worth helps. Leave the rest to the path search.
      if (best.second >= kInfinite || best.second_at == at || col(list[best.second_at].col).row != kFree) return kFree;
      at = best.second_at;
    }
    return take(i, list[at].col, list[at].cost);
  }

  std::int32_t take(std::int32_t i, std::int32_t j, Cost cost) {
    const std::int32_t displaced = col(j).row;
    if (displaced != kFree) row(displaced).col = kFree;
    match(i, j, cost);
    return displaced;
  }

  // Shortest alternating path from a free row to a free column, or to a row whose price is the cheapest way out.
  SolveStatus augment(std::int32_t source) {
    heap_.clear();
    ready_.clear();
    order_.clear();
    reached_.clear();
    exit_ = {};
    std::size_t next_ready = 0;
    // The dual of the source is not known and taken as zero: distances are relative, and may be negative.
    Cost now = -kInfinite, base = 0;  // base: distance of the row minus its dual
    SolveStatus status = SolveStatus::kOptimal;
    for (std::int32_t i = source; i != kFree;) {
      ++visited_;
      if (!meter_.spend()) {
        status = SolveStatus::kStopped;
        break;
      }
      if (price(i) < kInfinite && base + price(i) < exit_.distance) exit_ = {base + price(i), i, kFree};
      relax(i, base, now);
      i = kFree;
      while (i == kFree) {
        std::int32_t j = kFree;
        if (next_ready < ready_.size() && now < exit_.distance) {
          j = ready_[next_ready++];
        } else if (!heap_.empty() && heap_.top().at < exit_.distance) {
          const Event<Cost> event = heap_.pop();
          if (event.id < 0) {  // the unlisted columns of a row come into reach
            now = std::max(now, event.at);
            const std::int32_t r = ~event.id;
            choices_.extend(r, state_.v, 2 * static_cast<std::int32_t>(choices_.of(r).size()) + 8);
            relax(r, r == source ? Cost{0} : col(row(r).col).distance - (row(r).cost - v(row(r).col)), now);
            continue;
          }
          if (col(event.id).distance != event.at) continue;  // reached nearer since
          j = event.id;
          now = event.at;
        } else {
          break;
        }
        order_.push_back(j);
        i = col(j).row;
        base = now - (row(i).cost - v(j));
      }
    }
    if (status == SolveStatus::kOptimal) {
      if (exit_.row == kFree && exit_.col == kFree) {
        status = SolveStatus::kInfeasible;
        witness_.assign(1, source);
        for (const std::int32_t j : order_) witness_.push_back(col(j).row);
        std::sort(witness_.begin(), witness_.end());
      } else {
        for (const std::int32_t j : order_) v(j) += col(j).distance - exit_.distance;
        flip(source);
      }
    }
    for (const std::int32_t j : reached_) {
      col(j).distance = kInfinite;
      col(j).from = kFree;
    }
    return status;
  }

  void relax(std::int32_t i, Cost base, Cost now) {
    for (const auto& choice : choices_.of(i)) {
      if (base + low_of(choice) >= exit_.distance) break;
      Col& c = col(choice.col);
      const Cost d = std::max(now, base + (choice.cost - v(choice.col)));  // rounding must not reach back
      if (d >= c.distance || d >= exit_.distance) continue;
      if (c.distance == kInfinite) reached_.push_back(choice.col);
      c.distance = d;
      c.from = i;
      c.from_cost = choice.cost;
      if (c.row == kFree) {
        exit_ = {d, kFree, choice.col};
      } else if (d == now) {
        ready_.push_back(choice.col);
      } else {
        heap_.push({d, choice.col});
      }
    }
    const Cost beyond = choices_.beyond(i);
    if (beyond < kInfinite && base + beyond < exit_.distance) heap_.push({std::max(now, base + beyond), ~i});
  }

  void flip(std::int32_t source) {
    std::int32_t j = exit_.col;
    if (exit_.row != kFree) {
      j = row(exit_.row).col;
      row(exit_.row).col = kLeftOut;
      if (exit_.row == source) return;
    }
    while (true) {
      const std::int32_t i = col(j).from;
      const std::int32_t left = row(i).col;
      match(i, j, col(j).from_cost);
      if (i == source) return;
      j = left;
    }
  }

  enum Grain { kCoarse, kFine };
  static constexpr bool kSamples = requires(Choices& choices) { choices.samples(); };
  static constexpr int kSampledPhases = 2;

  // Epsilon-scaled bidding from the present duals, for its duals only: all rows are free afterwards. Coarse: one phase,
  // at a fifth of what separates a row's choices.
  bool scale(Grain grain) {
    Cost spread = 0;
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      const auto list = choices_.of(i);
      if (!list.empty()) spread += (low_of(list.back()) - low_of(list.front())) / static_cast<Cost>(n_rows_);
    }
    if (grain == kCoarse) spread = rounded(spread / 5);
    if (grain == kCoarse && spread <= 0) return true;
    const Cost least = grain == kCoarse ? spread : smallest_step(spread);
    std::int64_t bids_left = (grain == kCoarse ? 20 : 200) * static_cast<std::int64_t>(n_rows_);
    int phase = 0;
    for (Cost epsilon = std::max(rounded(spread), least);; epsilon = smaller_step(epsilon, least)) {
      // Where columns may stay free, one that was bid too low for want of a better choice is dear to put right.
      if constexpr (kSamples) sampled_ = every_column_ && phase++ < kSampledPhases && choices_.samples();
      free_all();
      for (std::int32_t first = 0; first < n_rows_; ++first) {
        for (std::int32_t i = first; i != kFree && bids_left > 0; --bids_left) {
          if (!meter_.spend()) return false;
          i = bid_more(i, epsilon);
        }
      }
      if (epsilon <= least || bids_left <= 0) break;
    }
    free_all();
    return true;
  }

  Cost smallest_step(Cost spread) const {
    if (whole_) return 1;
    return spread > 0 ? static_cast<Cost>(static_cast<double>(spread) / 1000) : Cost{0};
  }
  Cost rounded(Cost step) const {
    if constexpr (!std::is_integral_v<Cost>) {
      if (whole_) return std::floor(step);
    }
    return step;
  }
  Cost smaller_step(Cost epsilon, Cost least) const { return std::max(rounded(epsilon / 10), least); }

  void free_all() {
    for (Row& r : state_.rows) r.col = kFree;
    for (Col& c : state_.cols) c.row = kFree;
  }

  std::int32_t bid_more(std::int32_t i, Cost epsilon) {
    if constexpr (kSamples) {
      const auto liked = choices_.liked(i, state_.v, sampled_);
      return raise(i, liked.first, liked.second, liked.cost, liked.col, epsilon);
    } else {
      const Best best = best_choices(i);
      if (best.first >= kInfinite) return raise(i, best.first, best.second, 0, kFree, epsilon);
      const auto& choice = choices_.of(i)[best.at];
      return raise(i, best.first, best.second, choice.cost, choice.col, epsilon);
    }
  }

  // The row displaced, or kFree.
  std::int32_t raise(std::int32_t i, Cost first, Cost second, Cost cost, std::int32_t j, Cost epsilon) {
    const Cost out = price(i);
    if (out < kInfinite && out <= first) {
      row(i).col = kLeftOut;
      return kFree;
    }
    if (first >= kInfinite) return kFree;
    second = std::min(second, out);
    v(j) -= (second < kInfinite ? second - first : Cost{0}) + epsilon;
    return take(i, j, cost);
  }

  // After a stop: rows without a place take the cheapest free column they know of if it beats their price, and those
  // that must be matched any free column.
  void complete_greedily() {
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      if (row(i).col != kFree) continue;
      if (!take_free(i) && price(i) >= kInfinite && choices_.beyond(i) < kInfinite) {
        choices_.extend(i, state_.v, n_cols_);
        take_free(i);
      }
      if (row(i).col == kFree && price(i) < kInfinite) row(i).col = kLeftOut;
    }
  }

  bool take_free(std::int32_t i) {
    Cost best = price(i);
    std::int32_t taken = kFree;
    for (const auto& choice : choices_.of(i)) {
      if (col(choice.col).row == kFree && choice.cost < best) {
        best = choice.cost;
        taken = choice.col;
      }
    }
    if (taken != kFree) match(i, taken, best);
    return taken != kFree;
  }

  void finish(Assignment<Cost>& answer) {
    answer.col_for_row.resize(size(n_rows_));
    answer.row_duals.resize(size(n_rows_));
    answer.total = 0;
    for (std::int32_t i = 0; i < n_rows_; ++i) {
      const Row& r = row(i);
      answer.col_for_row[size(i)] = r.col >= 0 ? r.col : kUnassigned;
      if (r.col >= 0) answer.total += r.cost;
      if (r.col == kLeftOut) answer.total += price(i);
      Cost dual;
      if (served_) {
        dual = r.col >= 0 ? r.cost - v(r.col) : price(i);
      } else {
        dual = std::min(price(i), choices_.beyond(i));
        for (const auto& choice : choices_.of(i)) dual = std::min(dual, choice.cost - v(choice.col));
      }
      answer.row_duals[size(i)] = dual >= kInfinite ? Cost{0} : dual;  // a row without any choice bounds nothing
    }
    if (every_column_ && n_cols_ > 0) {
      // Free to shift: the highest column dual becomes zero, so that no dual has the wrong sign.
      const Cost highest = *std::max_element(state_.v.begin(), state_.v.end());
      for (Cost& dual : state_.v) dual -= highest;
      for (Cost& dual : answer.row_duals) dual += highest;
    }
    answer.col_duals = std::move(state_.v);
    answer.witness = std::move(witness_);
    answer.iterations = meter_.used();
  }

  struct Exit {
    Cost distance = kInfinite;
    std::int32_t row = kFree;
    std::int32_t col = kFree;
  };

  Choices& choices_;
  std::span<const Cost> prices_;
  bool every_column_, whole_;
  BudgetMeter meter_;
  std::int32_t n_rows_, n_cols_;
  State state_;
  Exit exit_;
  EventHeap<Cost> heap_;
  std::vector<std::int32_t> ready_, order_, reached_, witness_;
  std::int64_t visited_ = 0;
  bool sampled_ = false;  // bids go by samples
  bool served_ = false;   // every row has its place, and each pair is tight
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_PATH_SOLVER_H
