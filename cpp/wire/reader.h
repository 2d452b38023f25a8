// A reader of the protobuf wire format, for messages that are as a correct writer makes them. Whatever else is legal or
// may be (groups, a known field with another wire type, numbers written longer than needed) ends in failed(): the
// caller then asks the official runtime, so nothing is decided here that it could decide otherwise.
#ifndef MATCHER_WIRE_READER_H
#define MATCHER_WIRE_READER_H

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace matcher::wire {

enum class WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool failed() const { return failed_; }
  // Nothing follows: loops need only ask for the end.
  void fail() {
    failed_ = true;
    end_ = at_;
  }

  // Moves to the next field; false at the end and after a failure.
  bool next() {
    if (at_ == end_) return false;
    const std::uint64_t tag = varint();
    field_ = static_cast<std::uint32_t>(tag >> 3);
    type_ = static_cast<WireType>(tag & 7);
    if (tag <= 0xffffffffu && field_ != 0) return true;  // also where the varint failed: it is 0 then
    fail();
    return false;
  }

  std::uint32_t field() const { return field_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  std::int64_t int64() { return is(WireType::kVarint) ? static_cast<std::int64_t>(varint()) : 0; }

  // int32 and enum: a writer sends negative values with 64 bits, a reader keeps the low 32.
  std::int32_t int32() { return static_cast<std::int32_t>(static_cast<std::uint32_t>(int64())); }

  bool boolean() { return int64() != 0; }

  double float64() {
    static_assert(std::endian::native == std::endian::little, "the wire is little-endian");
    if (!is(WireType::kFixed64) || !has(8)) return 0;
    double value;
    std::memcpy(&value, at_, 8);
    at_ += 8;
    return value;
  }

  std::string_view bytes() { return is(WireType::kBytes) ? take_bytes() : std::string_view(); }

  // Whether a repeated number comes packed: bytes() are then its elements side by side, without tags.
  bool packed() const { return type_ == WireType::kBytes; }

  // One of eight bytes, as it lies there.
  std::string_view fixed64() {
    if (!is(WireType::kFixed64) || !has(8)) return {};
    at_ += 8;
    return {at_ - 8, 8};
  }

  // The elements of a packed field.
  bool at_end() const { return at_ == end_; }
  std::int32_t packed_int32() { return static_cast<std::int32_t>(static_cast<std::uint32_t>(varint())); }

  void skip() {
    switch (type_) {
      case WireType::kVarint:
        varint();
        return;
      case WireType::kFixed64:
        if (has(8)) at_ += 8;
        return;
      case WireType::kBytes:
        take_bytes();
        return;
      case WireType::kFixed32:
        if (has(4)) at_ += 4;
        return;
    }
    fail();
  }

 private:
  bool is(WireType wanted) {
    if (type_ == wanted) return true;
    fail();
    return false;
  }

  bool has(std::size_t count) {
    if (static_cast<std::size_t>(end_ - at_) >= count) return true;
    fail();
    return false;
  }

  std::uint64_t varint() {
    if (at_ != end_ && static_cast<std::uint8_t>(*at_) < 0x80) return static_cast<std::uint8_t>(*at_++);
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(*at_++);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (shift == 63 && byte > 1) break;  // more than 64 bits
        return value;
      }
    }
    fail();
    return 0;
  }

  std::string_view take_bytes() {
    const std::uint64_t size = varint();
    if (size > static_cast<std::uint64_t>(end_ - at_)) {
      fail();
      return {};
    }
    const std::string_view taken(at_, static_cast<std::size_t>(size));
    at_ += size;
    return taken;
  }

  const char* at_;
  const char* end_;
  std::uint32_t field_ = 0;
  WireType type_ = WireType::kVarint;
  bool failed_ = false;
};

// Whether text is UTF-8 as Unicode defines it (no surrogates, nothing longer than needed, nothing above U+10FFFF).
inline bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  const std::size_t n = text.size();
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  while (i < n) {
    if (i + 8 <= n) {
      std::uint64_t eight;
      std::memcpy(&eight, text.data() + i, 8);
      if ((eight & 0x8080808080808080u) == 0) {
        i += 8;
        continue;
      }
    }
    const std::uint8_t lead = byte(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || i + length > n) return false;
    std::uint8_t low = 0x80, high = 0xbf;  // of the second byte
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (byte(i + 1) < low || byte(i + 1) > high) return false;
    for (std::size_t k = 2; k < length; ++k) {
      if ((byte(i + k) & 0xc0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

}  // namespace matcher::wire

#endif  // MATCHER_WIRE_READER_H
