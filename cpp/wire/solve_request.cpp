#include "matcher/solve_request.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "wire/fields.h"
#include "wire/reader.h"

namespace matcher {
namespace {

using wire::DenseCostsField;
using wire::Reader;
using wire::SolveField;
using wire::SparseCostsField;

// A repeated double: where its numbers lie, eight bytes each.
class DoubleField {
 public:
  void add(Reader& in) {
    const std::string_view piece = in.packed() ? in.bytes() : in.fixed64();
    whole_ &= piece.size() % 8 == 0;
    size_ += piece.size() / 8;
    if (!piece.empty()) pieces_.push_back(piece);
  }
  std::size_t size() const { return size_; }
  bool whole() const { return whole_; }

  // False: one is NaN or -infinity.
  bool copy(Doubles& to) const {
    to.data = std::make_unique_for_overwrite<double[]>(size_);
    to.size = size_;
    double* at = to.data.get();
    bool good = true;
    for (const std::string_view piece : pieces_) {
      for (std::size_t first = 0; first < piece.size(); first += kBlock) {
        const std::size_t bytes = std::min(kBlock, piece.size() - first), count = bytes / 8;
        std::memcpy(at, piece.data() + first, bytes);
        bool usable = true;
        // Pieces are whole numbers, size_ in all. NOLINTNEXTLINE(clang-analyzer-security.ArrayBound)
        for (std::size_t k = 0; k < count; ++k) usable &= at[k] > -std::numeric_limits<double>::infinity();
        good &= usable;
        at += count;
      }
    }
    return good;
  }

 private:
  static constexpr std::size_t kBlock = 8192;  // read and checked while it is near
  std::vector<std::string_view> pieces_;
  std::size_t size_ = 0;
  bool whole_ = true;
};

// A repeated int32.
void add(Reader& in, std::vector<std::int32_t>& to) {
  if (!in.packed()) {
    to.push_back(in.int32());
    return;
  }
  const std::string_view piece = in.bytes();
  const auto ends = [](char byte) { return static_cast<std::uint8_t>(byte) < 0x80; };
  to.reserve(to.size() + static_cast<std::size_t>(std::count_if(piece.begin(), piece.end(), ends)));
  Reader numbers(piece);
  while (!numbers.at_end()) to.push_back(numbers.packed_int32());
  if (numbers.failed()) in.fail();
}

// Whether no pair is there twice. Writers mostly list them in order; else rows are sorted by counting.
bool are_distinct(const SolveRequestArrays& pairs) {
  const auto at = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  const std::size_t count = pairs.row.size();
  std::size_t k = 1;
  while (k < count &&
         (pairs.row[k - 1] < pairs.row[k] || (pairs.row[k - 1] == pairs.row[k] && pairs.col[k - 1] < pairs.col[k]))) {
    ++k;
  }
  if (k >= count) return true;
  std::vector<std::size_t> begin(at(pairs.rows) + 1, 0);
  for (const std::int32_t i : pairs.row) ++begin[at(i) + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<std::int32_t> col_of(count), seen_in(at(pairs.cols), -1);
  std::vector<std::size_t> next(begin.begin(), begin.end() - 1);
  for (k = 0; k < count; ++k) col_of[next[at(pairs.row[k])]++] = pairs.col[k];
  for (std::int32_t i = 0; i < pairs.rows; ++i) {
    for (std::size_t a = begin[at(i)]; a < begin[at(i) + 1]; ++a) {
      if (std::exchange(seen_in[at(col_of[a])], i) == i) return false;
    }
  }
  return true;
}

class Decoder {
 public:
  Decoder(const SolveRequestLimits& limits, SolveRequestArrays& out) : limits_(limits), out_(out) {}

  bool request(std::string_view bytes) {
    DoubleField prices;
    bool has_costs = false, good = true;
    Reader in(bytes);
    while (good && in.next()) {
      switch (static_cast<SolveField>(in.field())) {
        case SolveField::dense:
        case SolveField::sparse:
          // Of two the last counts, or both are merged: not worth a second reader.
          out_.is_dense = in.field() == static_cast<std::uint32_t>(SolveField::dense);
          good = !has_costs && (out_.is_dense ? dense(in.bytes()) : sparse(in.bytes()));
          has_costs = true;
          break;
        case SolveField::unassigned_cost:
          prices.add(in);
          break;
        case SolveField::maximize:
          out_.maximize = in.boolean();
          break;
        case SolveField::max_iterations:
          out_.max_iterations = in.int64();
          break;
        case SolveField::capacities:
          add(in, out_.capacities);
          break;
        default:
          in.skip();
      }
    }
    return good && has_costs && !in.failed() && options(prices);
  }

 private:
  bool options(const DoubleField& prices) {
    const auto fits = [](std::size_t size, std::int32_t side) {
      return size <= 1 || size == static_cast<std::size_t>(side);
    };
    return prices.whole() && fits(prices.size(), out_.rows) && prices.copy(out_.unassigned_cost) &&
           fits(out_.capacities.size(), out_.cols) && are_within(out_.capacities, std::numeric_limits<int>::max()) &&
           out_.max_iterations >= 0;
  }

  bool dense(std::string_view bytes) {
    DoubleField costs;
    Reader in(bytes);
    while (in.next()) {
      switch (static_cast<DenseCostsField>(in.field())) {
        case DenseCostsField::rows:
          out_.rows = in.int32();
          break;
        case DenseCostsField::cols:
          out_.cols = in.int32();
          break;
        case DenseCostsField::costs:
          costs.add(in);
          break;
        default:
          in.skip();
      }
    }
    if (in.failed() || !sides_are_sane()) return false;
    const std::int64_t cells = std::int64_t{out_.rows} * out_.cols;
    return cells <= limits_.cells && costs.whole() && costs.size() == static_cast<std::size_t>(cells) &&
           costs.copy(out_.costs);
  }

  bool sparse(std::string_view bytes) {
    DoubleField costs;
    Reader in(bytes);
    while (in.next()) {
      switch (static_cast<SparseCostsField>(in.field())) {
        case SparseCostsField::rows:
          out_.rows = in.int32();
          break;
        case SparseCostsField::cols:
          out_.cols = in.int32();
          break;
        case SparseCostsField::row:
          add(in, out_.row);
          break;
        case SparseCostsField::col:
          add(in, out_.col);
          break;
        case SparseCostsField::cost:
          costs.add(in);
          break;
        default:
          in.skip();
      }
    }
    const std::size_t pairs = costs.size();
    return !in.failed() && sides_are_sane() && costs.whole() && out_.row.size() == pairs && out_.col.size() == pairs &&
           static_cast<std::int64_t>(pairs) <= limits_.cells && are_within(out_.row, out_.rows - 1) &&
           are_within(out_.col, out_.cols - 1) && costs.copy(out_.costs) && are_distinct(out_);
  }

  bool sides_are_sane() const {
    return 0 <= out_.rows && out_.rows <= limits_.side && 0 <= out_.cols && out_.cols <= limits_.side;
  }

  static bool are_within(const std::vector<std::int32_t>& values, std::int32_t most) {
    return std::all_of(values.begin(), values.end(),
                       [most](std::int32_t value) { return 0 <= value && value <= most; });
  }

  const SolveRequestLimits& limits_;
  SolveRequestArrays& out_;
};

void put_varint(std::string& out, std::uint64_t value) {
  for (; value > 0x7f; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

}  // namespace

bool decode_solve_request(std::string_view bytes, const SolveRequestLimits& limits, SolveRequestArrays& out) {
  return Decoder(limits, out).request(bytes);
}

std::string packed_int32(std::uint32_t field, std::span<const std::int32_t> values) {
  if (values.empty()) return {};
  std::string numbers;
  numbers.reserve(values.size() * 3);
  // A negative number is written with all its 64 bits.
  for (const std::int32_t value : values) put_varint(numbers, static_cast<std::uint64_t>(std::int64_t{value}));
  std::string out;
  out.reserve(numbers.size() + 16);
  put_varint(out, std::uint64_t{field} << 3 | static_cast<std::uint64_t>(wire::WireType::kBytes));
  put_varint(out, numbers.size());
  return out += numbers;
}

std::vector<WireField> solve_request_fields() {
  std::vector<WireField> fields;
#define MATCHER_FIELD(name, number, kind) fields.push_back({message, #name, number, #kind});
  const char* message = "SolveRequest";
  MATCHER_SOLVE_FIELDS(MATCHER_FIELD)
  message = "DenseCosts";
  MATCHER_DENSE_COSTS_FIELDS(MATCHER_FIELD)
  message = "SparseCosts";
  MATCHER_SPARSE_COSTS_FIELDS(MATCHER_FIELD)
#undef MATCHER_FIELD
  return fields;
}

}  // namespace matcher
