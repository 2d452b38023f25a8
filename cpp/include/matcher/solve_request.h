// From the bytes of a matcher.v1.SolveRequest to arrays, in one pass over the bytes.
//
// Problem: a matrix of easy costs is solved sooner than message objects are made of its numbers and copied out again.
// Method: the places of packed numbers are noted, then doubles are copied and checked in one go; indices are read
// number by number, and pairs that do not come in order are told apart by one counting sort.
// Complexity: O(bytes + rows + columns). Memory: the arrays, and once more the indices.
// Contract: true means that the arrays are bit for bit what the reference (python/matcher/wire/assignment.py on the
// official protobuf runtime) makes of the same bytes. Anything that it might refuse, and anything unusual (costs given
// twice, a known field of another wire type), is false: the caller asks the reference, which says what is wrong and in
// which cell. A property test and a fuzzer hold both to each other.
#ifndef MATCHER_SOLVE_REQUEST_H
#define MATCHER_SOLVE_REQUEST_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/match_request.h"

namespace matcher {

struct SolveRequestLimits {
  std::int64_t cells;  // or pairs
  std::int64_t side;   // rows, and columns
};

// Doubles that nobody set to zero before they were read.
struct Doubles {
  std::unique_ptr<double[]> data;
  std::size_t size = 0;
};

struct SolveRequestArrays {
  bool is_dense = false;
  std::int32_t rows = 0, cols = 0;
  Doubles costs;                         // rows * cols, or one a pair
  std::vector<std::int32_t> row, col;    // of each pair
  Doubles unassigned_cost;               // none, one or one a row
  std::vector<std::int32_t> capacities;  // none, one or one a column
  bool maximize = false;
  std::int64_t max_iterations = 0;
};

// False: the reference must look at it.
bool decode_solve_request(std::string_view bytes, const SolveRequestLimits& limits, SolveRequestArrays& out);

// A packed int32 field: tag, length, numbers. Nothing for no numbers, as writers do.
std::string packed_int32(std::uint32_t field, std::span<const std::int32_t> values);

// All fields that decode_solve_request knows.
std::vector<WireField> solve_request_fields();

}  // namespace matcher

#endif  // MATCHER_SOLVE_REQUEST_H
