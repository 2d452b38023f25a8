// Local search over neighbourhoods: some chosen columns with all their rows, and free rows between them, are opened and
// packed anew by depth-first search over what loses less than now (see packing_proof.cpp for losses). Rows are bits.
#include <algorithm>
#include <limits>
#include <numeric>

#include "batch/packing_model.h"

namespace matcher::packing {
namespace {

constexpr std::size_t kTries = 40;         // to grow a neighbourhood without finding a new row
constexpr std::size_t kNearest = 8;        // columns of least reduced cost along which it grows
constexpr std::int64_t kSteps = 1500;      // of one search
constexpr std::int64_t kTenthsDived = 14;  // columns that a narrow dive looks at, in tenths of the rows
constexpr double kFewest = 0.4;            // of all rows, opened for a dive
constexpr double kMost = 1.0;
constexpr std::int64_t kRebuildPatience = 60;  // dives in a row without a gain
// Another packing, for crossing:
constexpr std::int64_t kShortOfBest = 50;  // it may fall short of the best by the 50th part
constexpr std::int64_t kRenewPatience = 3;
constexpr std::int64_t kCrossPatience = 8;
constexpr std::size_t kElites = 8;  // packings kept

// The value below which `count` of the values lie, about.
std::int64_t edge_of(std::vector<std::int64_t> values, std::size_t count) {
  if (count >= values.size()) return std::numeric_limits<std::int64_t>::max();
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

LocalSearch::LocalSearch(const Model& model, const Prices& prices, const Work& work)
    : model_(model),
      price_(prices.row),
      order_price_(prices.row.begin(), prices.row.begin() + model.n_orders),
      reduced_(model.gain.size()),
      by_row_ptr_(model.row_ptr),
      by_row_(model.row_col),
      owner_(static_cast<std::size_t>(model.rows()), -1),
      position_(static_cast<std::size_t>(model.rows()), -1),
      options_(kMostRows) {
  for (std::int32_t k = 0; k < model.columns(); ++k) {
    reduced_[static_cast<std::size_t>(k)] = reduced_cost(model, prices, k);
  }
  edge_ = edge_of(reduced_, static_cast<std::size_t>(kTenthsDived * model.rows() / 10));
  for (std::size_t r = 0; r < owner_.size(); ++r) {
    work.check();
    std::sort(by_row_.begin() + by_row_ptr_[r], by_row_.begin() + by_row_ptr_[r + 1],
              [&](std::int32_t a, std::int32_t b) {
                const auto x = reduced_[static_cast<std::size_t>(a)];
                const auto y = reduced_[static_cast<std::size_t>(b)];
                return x != y ? x < y : a < b;
              });
  }
}

void LocalSearch::put(std::int32_t column) {
  for (const auto row : model_.rows_of(column)) owner_[static_cast<std::size_t>(row)] = column;
  gain_ += model_.gain[static_cast<std::size_t>(column)];
}

void LocalSearch::drop(std::int32_t column) {
  for (const auto row : model_.rows_of(column)) owner_[static_cast<std::size_t>(row)] = -1;
  gain_ -= model_.gain[static_cast<std::size_t>(column)];
}

void LocalSearch::load(const Packing& packing) {
  std::fill(owner_.begin(), owner_.end(), -1);
  gain_ = 0;
  for (const auto k : packing.columns) put(k);
  std::vector<std::int32_t> rows(owner_.size());
  std::iota(rows.begin(), rows.end(), 0);
  std::stable_sort(rows.begin(), rows.end(), [&](std::int32_t a, std::int32_t b) {
    return price_[static_cast<std::size_t>(a)] > price_[static_cast<std::size_t>(b)];
  });
  for (const auto row : rows) {
    const auto r = static_cast<std::size_t>(row);
    for (auto i = by_row_ptr_[r]; i < by_row_ptr_[r + 1] && owner_[r] < 0; ++i) {
      const auto k = by_row_[static_cast<std::size_t>(i)];
      const auto members = model_.rows_of(k);
      if (std::all_of(members.begin(), members.end(),
                      [&](std::int32_t m) { return owner_[static_cast<std::size_t>(m)] < 0; })) {
        put(k);
      }
    }
  }
}

Packing LocalSearch::packing() const {
  Packing packing{.columns = {}, .gain = gain_};
  for (std::int32_t c = 0; c < model_.n_couriers; ++c) {
    const auto k = owner_[static_cast<std::size_t>(model_.n_orders + c)];
    if (k >= 0) packing.columns.push_back(k);
  }
  return packing;
}

// Opens a row, with its whole column if it is covered. False if there is no room.
bool LocalSearch::admit(std::int32_t row, std::size_t limit) {
  if (position_[static_cast<std::size_t>(row)] >= 0) return true;
  const auto column = owner_[static_cast<std::size_t>(row)];
  const auto enter = [&](std::int32_t r) {
    position_[static_cast<std::size_t>(r)] = static_cast<std::int32_t>(rows_.size());
    rows_.push_back(r);
  };
  if (column < 0) {
    if (rows_.size() >= limit) return false;
    enter(row);
    return true;
  }
  if (rows_.size() + model_.rows_of(column).size() > limit) return false;
  for (const auto r : model_.rows_of(column)) enter(r);
  inside_.push_back(column);
  return true;
}

// Grows a neighbourhood from the worse of two random rows along columns of small reduced cost.
void LocalSearch::gather(std::size_t limit, Random& random) {
  rows_.clear();
  inside_.clear();
  const auto loss_at = [&](std::size_t row) {
    return owner_[row] < 0 ? price_[row] : reduced_[static_cast<std::size_t>(owner_[row])];
  };
  auto seed = random.below(owner_.size());
  const auto other = random.below(owner_.size());
  if (loss_at(other) > loss_at(seed)) seed = other;
  bool room = admit(static_cast<std::int32_t>(seed), limit);
  for (std::size_t failed = 0; room && failed < kTries && !rows_.empty();) {
    const auto r = static_cast<std::size_t>(rows_[random.below(rows_.size())]);
    const auto near = std::min(static_cast<std::size_t>(by_row_ptr_[r + 1] - by_row_ptr_[r]), kNearest);
    bool grew = false;
    if (near > 0) {
      const auto k = by_row_[static_cast<std::size_t>(by_row_ptr_[r]) + random.below(near)];
      for (const auto row : model_.rows_of(k)) {
        if (position_[static_cast<std::size_t>(row)] >= 0) continue;
        grew = true;
        if (!admit(row, limit)) room = false;
      }
    }
    if (!grew) ++failed;
  }
}

void LocalSearch::extend(const Mask& covered, std::size_t row, std::int64_t loss) {
  if (++steps_ > step_limit_) return;
  while (row < rows_.size() && covered.has(row)) ++row;
  if (row == rows_.size()) {
    least_loss_ = loss;
    found_ = path_;
    improved_ = true;
    return;
  }
  const auto price = price_[static_cast<std::size_t>(rows_[row])];
  const auto leave_free = [&] {
    if (loss + price >= least_loss_) return;
    Mask more = covered;
    more.set(row);
    extend(more, row + 1, loss + price);
  };
  bool left_free = false;
  for (const auto& option : options_[row]) {
    if (!left_free && price <= option.loss) {
      left_free = true;
      leave_free();
    }
    if (loss + option.loss >= least_loss_ || steps_ > step_limit_) break;
    ++steps_;
    if (option.rows.meets(covered)) continue;
    path_.push_back(option.column);
    extend(covered | option.rows, row + 1, loss + option.loss);
    path_.pop_back();
  }
  if (!left_free) leave_free();
}

// Packs the neighbourhood anew; true if that gained.
bool LocalSearch::resolve(Work& work) {
  std::int64_t loss = 0;
  for (const auto row : rows_) {
    if (owner_[static_cast<std::size_t>(row)] < 0) loss += price_[static_cast<std::size_t>(row)];
  }
  for (const auto k : inside_) loss += reduced_[static_cast<std::size_t>(k)];
  if (loss == 0) return false;
  // Dear rows first: leaving them free, or taking a dear column for them, ends a branch early.
  std::sort(rows_.begin(), rows_.end(), [&](std::int32_t a, std::int32_t b) {
    const auto x = price_[static_cast<std::size_t>(a)];
    const auto y = price_[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  });
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    position_[static_cast<std::size_t>(rows_[i])] = static_cast<std::int32_t>(i);
  }
  std::int64_t visits = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const auto r = static_cast<std::size_t>(rows_[i]);
    options_[i].clear();
    for (auto at = by_row_ptr_[r]; at < by_row_ptr_[r + 1]; ++at) {
      const auto k = by_row_[static_cast<std::size_t>(at)];
      const auto lost = reduced_[static_cast<std::size_t>(k)];
      if (lost >= loss) break;
      ++visits;
      Mask mask;
      bool belongs = true;  // all rows are inside, and this one comes first
      for (const auto row : model_.rows_of(k)) {
        const auto position = position_[static_cast<std::size_t>(row)];
        if (position < static_cast<std::int32_t>(i)) {
          belongs = false;
          break;
        }
        mask.set(static_cast<std::size_t>(position));
      }
      if (belongs) options_[i].push_back({mask, lost, k});
    }
  }
  least_loss_ = loss;
  improved_ = false;
  path_.clear();
  steps_ = 0;
  step_limit_ = kSteps;
  extend({}, 0, 0);
  work.add(4 * visits + 3 * steps_);
  if (!improved_) return false;
  for (const auto k : inside_) drop(k);
  for (const auto k : found_) put(k);
  return true;
}

void LocalSearch::run(std::size_t neighbourhood_rows, std::int64_t patience, std::int64_t visits, Random& random,
                      Work& work) {
  if (owner_.empty()) return;
  const auto limit = std::min(neighbourhood_rows, kMostRows);
  const auto end = work.done() + std::min(visits, work.left());
  for (std::int64_t stale = 0; stale < patience && work.done() < end;) {
    gather(limit, random);
    work.add(16 * static_cast<std::int64_t>(rows_.size()) + 1);
    stale = resolve(work) ? 0 : stale + 1;
    forget();
  }
}

void LocalSearch::forget() {
  for (const auto row : rows_) position_[static_cast<std::size_t>(row)] = -1;
}

// Grows a large neighbourhood from several seeds.
void LocalSearch::scatter(std::size_t limit, Random& random) {
  gather(limit, random);
  const auto tries = rows_.size() < limit ? limit - rows_.size() : 0;
  for (std::size_t i = 0; i < tries; ++i) {
    if (!admit(static_cast<std::int32_t>(random.below(owner_.size())), limit)) break;
  }
}

std::vector<std::int32_t> LocalSearch::columns_inside(Work& work) const {
  std::vector<std::int32_t> columns;
  std::int64_t visits = 0;
  for (const auto row : rows_) {
    if (row < model_.n_orders) continue;
    for (const auto k : model_.columns_of(row)) {
      const auto rows = model_.rows_of(k);
      ++visits;
      if (reduced_[static_cast<std::size_t>(k)] > edge_) continue;
      visits += 2;
      if (std::all_of(rows.begin(), rows.end(),
                      [&](std::int32_t r) { return position_[static_cast<std::size_t>(r)] >= 0; })) {
        columns.push_back(k);
      }
    }
  }
  std::sort(columns.begin(), columns.end());
  work.add(visits);
  return columns;
}

// All columns, or those that narrow dives look at.
std::vector<std::int32_t> LocalSearch::columns_of_least_cost(bool whole, Work& work) const {
  std::vector<std::int32_t> columns;
  for (std::int32_t k = 0; k < model_.columns(); ++k) {
    if (whole || reduced_[static_cast<std::size_t>(k)] <= edge_) columns.push_back(k);
  }
  work.add(model_.columns());
  return columns;
}

void LocalSearch::restart(bool whole, Random& random, Work& work) {
  const auto before = packing();
  load(dive(model_, columns_of_least_cost(whole, work), order_price_, gain_, {}, random, work));
  if (gain_ < before.gain) load(before);
}

// Dives for a packing of the open rows; takes one that gains as much, since an equal one leads elsewhere.
bool LocalSearch::redive(Random& random, Work& work) {
  std::int64_t gain = 0;
  for (const auto k : inside_) gain += model_.gain[static_cast<std::size_t>(k)];
  work.add(8 * static_cast<std::int64_t>(rows_.size()) + 1);
  const auto found = dive(model_, columns_inside(work), order_price_, gain, owner_, random, work);
  if (found.gain >= gain) {
    for (const auto k : inside_) drop(k);
    for (const auto k : found.columns) put(k);
  }
  forget();
  return found.gain > gain;
}

bool LocalSearch::rebuild(std::int64_t visits, Random& random, Work& work) {
  return rebuild(kRebuildPatience, visits, random, work);
}

bool LocalSearch::rebuild(std::int64_t patience, std::int64_t visits, Random& random, Work& work) {
  if (owner_.empty()) return true;
  const auto end = work.done() + std::min(visits, work.left());
  std::int64_t stale = 0;
  while (stale < patience && work.done() < end) {
    const auto share = kFewest + (kMost - kFewest) * random.uniform();
    scatter(static_cast<std::size_t>(share * static_cast<double>(owner_.size())) + 1, random);
    stale = redive(random, work) ? 0 : stale + 1;
  }
  return stale >= patience;
}

// Opens every row that is not in a column of both packings, until dives for them give nothing.
void LocalSearch::cross(const Packing& other, Random& random, Work& work) {
  for (std::int64_t stale = 0; stale < kCrossPatience && !work.spent();) {
    rows_.clear();
    inside_.clear();
    for (std::int32_t row = 0; row < model_.rows(); ++row) {
      const auto k = owner_[static_cast<std::size_t>(row)];
      if (k < 0 || !std::binary_search(other.columns.begin(), other.columns.end(), k)) admit(row, owner_.size());
    }
    stale = redive(random, work) ? 0 : stale + 1;
  }
}

void LocalSearch::renew(std::int64_t visits, Random& random, Work& work) {
  const auto best = packing();
  if (elites_.empty()) elites_.push_back(best);
  load(dive(model_, columns_of_least_cost(false, work), order_price_, gain_ - gain_ / kShortOfBest, {}, random, work));
  rebuild(kRenewPatience, visits, random, work);
  for (auto elite = elites_.rbegin(); elite != elites_.rend() && !work.spent(); ++elite) {
    auto other = *elite;
    if (other.gain > gain_) {
      const auto mine = packing();
      load(other);
      other = mine;
    }
    cross(other, random, work);
  }
  elites_.push_back(packing());
  if (elites_.size() > kElites) {
    const auto worst = std::min_element(elites_.begin(), elites_.end(),
                                        [](const Packing& a, const Packing& b) { return a.gain < b.gain; });
    elites_.erase(worst);
  }
  if (gain_ < best.gain) load(best);
}

}  // namespace matcher::packing
