// The native decoder by itself: what it reads, what it refers, and that no bytes break it. That it agrees with the
// official runtime is tested from Python (tests/wire/test_native_decoder.py).
#include "matcher/match_request.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

namespace matcher {
namespace {

constexpr std::int64_t kAt = 1'700'000'000'000;
constexpr MatchRequestLimits kLimits{100, 100, 8, 16, 10};

// A writer of the wire format, of as much as the tests need.
class Message {
 public:
  Message& number(std::uint32_t field, std::uint64_t value) {
    tag(field, 0);
    varint(value);
    return *this;
  }
  Message& text(std::uint32_t field, const std::string& value) {
    tag(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& real(std::uint32_t field, double value) {
    tag(field, 1);
    char raw[8];
    std::memcpy(raw, &value, 8);
    bytes_.append(raw, 8);
    return *this;
  }
  Message& message(std::uint32_t field, const Message& inner) { return text(field, inner.bytes_); }
  Message& tag(std::uint32_t field, std::uint32_t type) {
    varint(field << 3 | type);
    return *this;
  }
  Message& raw(const std::string& bytes) {
    bytes_ += bytes;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_ += static_cast<char>(value | 0x80);
      value >>= 7;
    }
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

Message order(const std::string& id) { return Message().text(1, id).real(2, 41.15).real(3, -8.61).real(4, 41.16); }
Message courier(const std::string& id) { return Message().text(1, id).real(2, 41.15).number(6, 3); }
Message stop(std::uint64_t kind, const std::string& id) { return Message().number(1, kind).text(2, id); }
Message snapshot() { return Message().text(1, "porto").number(2, static_cast<std::uint64_t>(kAt)); }
Message request(const Message& snapshot) { return Message().message(1, snapshot); }

// The columns refer to the bytes of the message.
MatchRequestStatus decode(const Message& message, MatchRequestColumns& out) {
  return decode_match_request(message.bytes(), kLimits, out);
}

MatchRequestStatus decode(Message&&, MatchRequestColumns&) = delete;

bool refers(const Message& message) {
  MatchRequestColumns columns;
  return decode(message, columns) == MatchRequestStatus::kRefer;
}

// Rows come out by id whatever their listed order; times are relative; a repeated place has one index.
TEST(MatchRequest, ReadsRowsSortedAndRelative) {
  MatchRequestColumns columns;
  const Message both = snapshot()
                           .message(4, order("b").number(7, static_cast<std::uint64_t>(kAt + 60'000)))
                           .message(4, order("a").text(16, "store").text(13, "frozen"))
                           .message(5, courier("c").text(7, "frozen").text(7, "alcohol"));
  const Message whole = request(both).text(2, "mdrp").number(4, 1);
  ASSERT_EQ(decode(whole, columns), MatchRequestStatus::kOk);
  EXPECT_EQ(columns.policy, "mdrp");
  EXPECT_TRUE(columns.validate_only);
  EXPECT_EQ(columns.order_ids, (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(columns.ready_ms, (std::vector<std::int64_t>{0, 60'000}));
  EXPECT_EQ(columns.skill_names, (std::vector<std::string_view>{"alcohol", "frozen"}));
  EXPECT_EQ(columns.order_skills, (std::vector<std::uint64_t>{2, 0}));
  EXPECT_EQ(columns.courier_skills, (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(columns.store, (std::vector<std::int32_t>{0, -1}));
  EXPECT_EQ(columns.latitude.size(), 3u);
  EXPECT_EQ(columns.pickup_loc[0], columns.pickup_loc[1]);
  for (std::size_t k = 0; k < columns.x.size(); ++k) {
    EXPECT_NEAR(std::hypot(columns.x[k], columns.y[k], columns.z[k]), columns.radius_m, 1e-6);
  }
}

// A drop-off without a pick-up is an order on board: its ready time is when it was handed over.
TEST(MatchRequest, ReadsRoutes) {
  MatchRequestColumns columns;
  const Message market =
      snapshot()
          .message(4, order("a").number(21, static_cast<std::uint64_t>(kAt - 5'000)))
          .message(4, order("b"))
          .message(5, courier("x"))
          .message(
              5,
              courier("d").message(10, stop(1, "b")).message(10, stop(2, "a")).message(10, stop(2, "b")).number(11, 1));
  const Message whole = request(market);
  ASSERT_EQ(decode(whole, columns), MatchRequestStatus::kOk);
  EXPECT_EQ(columns.order_courier, (std::vector<std::int32_t>{0, 0}));
  EXPECT_EQ(columns.ready_ms, (std::vector<std::int64_t>{-5'000, 0}));
  EXPECT_EQ(columns.route_ptr, (std::vector<std::int32_t>{0, 3, 3}));
  EXPECT_EQ(columns.stop_order, (std::vector<std::int32_t>{1, 0, 1}));
  EXPECT_EQ(columns.locked, (std::vector<std::int32_t>{1, 0}));
}

// What the reference might refuse, or reads in a way of its own, is never answered here.
TEST(MatchRequest, RefersWhatIsInvalidOrUnusual) {
  const Message good = snapshot().message(4, order("a"));
  ASSERT_FALSE(refers(request(good)));
  EXPECT_TRUE(refers(Message())) << "no snapshot";
  EXPECT_TRUE(refers(request(good).message(1, good))) << "two snapshots would be merged";
  EXPECT_TRUE(refers(request(good).message(5, Message()))) << "effort";
  EXPECT_TRUE(refers(request(good).tag(99, 3))) << "a group";
  EXPECT_TRUE(refers(request(good).tag(2, 0).raw("\x01"))) << "a known field with another wire type";
  EXPECT_TRUE(refers(request(good).raw("\x80"))) << "cut off";
  EXPECT_TRUE(refers(request(good).number(3, 4))) << "unknown rung";
  EXPECT_TRUE(refers(request(good).text(2, "\xc3\x28"))) << "not UTF-8";
  EXPECT_TRUE(refers(request(good).raw(std::string("\x20") + std::string(9, '\xff') + "\x02"))) << "65 bits";
  EXPECT_TRUE(refers(request(snapshot().message(4, order("a")).message(4, order("a"))))) << "id twice";
  EXPECT_TRUE(refers(request(snapshot().message(4, order(""))))) << "no id";
  EXPECT_TRUE(refers(request(snapshot().message(4, order(std::string(17, 'x')))))) << "long id";
  EXPECT_TRUE(refers(request(snapshot().message(4, order("a").real(2, std::nan("")))))) << "NaN";
  EXPECT_TRUE(refers(request(snapshot().message(4, order("a").real(2, 90.5))))) << "latitude";
  EXPECT_TRUE(refers(request(snapshot().message(4, order("a").number(12, ~std::uint64_t{0}))))) << "size -1";
  EXPECT_TRUE(refers(request(snapshot().message(4, order("a").number(6, 5))))) << "a time far off";
  EXPECT_TRUE(refers(request(Message().text(1, "m")))) << "no time";
  EXPECT_TRUE(refers(request(Message().text(1, "m").number(2, ~std::uint64_t{0} >> 1)))) << "a time beyond all years";
  EXPECT_TRUE(refers(request(snapshot().message(5, courier("c").message(10, stop(2, "gone")))))) << "unknown order";
  EXPECT_TRUE(refers(request(good).raw(std::string("\x0a\xff\xff\xff\xff\x0f", 6)))) << "a length beyond the end";
  Message many = snapshot();
  for (int k = 0; k < 101; ++k) many.message(4, order(std::to_string(k)));
  EXPECT_TRUE(refers(request(many))) << "too many orders";
}

// Fields that this build does not know are skipped, of every wire type; of two values the last counts.
TEST(MatchRequest, SkipsUnknownFieldsAndKeepsTheLastValue) {
  MatchRequestColumns columns;
  const Message unknown = Message().number(900, 7).real(901, 1.5).text(902, "new").tag(903, 5).raw("1234");
  const Message market = snapshot().message(4, order("a").number(12, 1).number(12, 2).raw(unknown.bytes()));
  const Message whole = request(market).raw(unknown.bytes());
  ASSERT_EQ(decode(whole, columns), MatchRequestStatus::kOk);
  EXPECT_EQ(columns.size, (std::vector<std::int32_t>{2}));
}

// Whatever arrives: an answer, within the bytes given. Run under the sanitizers; MATCHER_FUZZ_INPUTS sets how many.
TEST(MatchRequest, NoBytesBreakIt) {
  const Message market = snapshot()
                             .number(3, 1)
                             .message(4, order("a").text(13, "s").text(16, "st").number(12, 2).number(14, 7))
                             .message(4, order("b").number(6, static_cast<std::uint64_t>(kAt)))
                             .message(5, courier("c").message(10, stop(1, "b")).message(10, stop(2, "b")).text(7, "s"));
  const std::string original = request(market).text(2, "default").bytes();
  const char* wanted = std::getenv("MATCHER_FUZZ_INPUTS");
  const long inputs = wanted == nullptr ? 200'000 : std::atol(wanted);
  std::mt19937_64 random(20251129);
  MatchRequestColumns columns;
  long accepted = 0;
  for (long k = 0; k < inputs; ++k) {
    std::string bytes = original;
    for (std::uint64_t wounds = 1 + random() % 4; wounds > 0 && !bytes.empty(); --wounds) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 5) {
        case 0:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
          break;
        case 1:
          bytes.erase(at, 1 + random() % 4);
          break;
        case 2:
          bytes.insert(at, 1, static_cast<char>(random()));
          break;
        case 3:
          bytes.insert(at, bytes.substr(at, random() % 24));
          break;
        default:
          bytes[at] = static_cast<char>(0xff);
      }
    }
    // A copy of exact size, so that one byte too far is seen.
    const std::vector<char> exact(bytes.begin(), bytes.end());
    const auto status = decode_match_request({exact.data(), exact.size()}, kLimits, columns);
    accepted += status == MatchRequestStatus::kOk;
    if (status != MatchRequestStatus::kOk) continue;
    ASSERT_EQ(columns.order_ids.size(), columns.pickup_loc.size());
    for (const std::int32_t place : columns.pickup_loc) {
      ASSERT_LT(static_cast<std::size_t>(place), columns.x.size());
    }
  }
  EXPECT_GT(accepted, inputs / 100) << "most inputs must not be refused at once, or little is tried";
}

}  // namespace
}  // namespace matcher
