// By hand on a line, by a table, and what is refused.
#include "matcher/standing.h"

#include <gtest/gtest.h>

#include <vector>

namespace matcher {
namespace {

const std::vector<double> kX{0.0, 100.0, 400.0}, kZero(3, 0.0);
const std::vector<std::int32_t> kSpeed{3600, 7200};  // a second and half a second a metre

StandingProblem line(const std::vector<std::int32_t>& points, const std::vector<std::int32_t>& weights,
                     const std::vector<std::int32_t>& couriers, const std::vector<std::int32_t>& locs) {
  return {{kX, kZero, kZero, 0.0}, MetricTravel{1.0, 60'000, kSpeed}, points, weights, couriers, locs};
}

// A weighted mean, without rounding to the quantum of travel times; the courier's own speed.
TEST(Standing, IsTheWeightedMeanOfTravelTimes) {
  const std::vector<std::int32_t> points{1, 2}, weights{3, 1}, couriers{0, 1, 0}, locs{0, 0, 1};
  std::vector<std::int64_t> out;
  ASSERT_TRUE(standing_ms(line(points, weights, couriers, locs), out).ok());
  EXPECT_EQ(out, (std::vector<std::int64_t>{175'000, 87'500, 75'000}));
}

TEST(Standing, IsNothingWithoutDemand) {
  const std::vector<std::int32_t> none, couriers{0}, locs{2};
  std::vector<std::int64_t> out;
  ASSERT_TRUE(standing_ms(line(none, none, couriers, locs), out).ok());
  EXPECT_EQ(out, std::vector<std::int64_t>{0});
}

// From row to column, of the courier's own table.
TEST(Standing, ReadsTheCouriersTable) {
  const std::vector<std::int32_t> cells{0, 7, 2, 0, 0, 11, 5, 0}, profile{1, 0};
  const std::vector<std::int32_t> points{1, 0}, weights{1, 1}, couriers{0, 1}, locs{0, 0};
  const std::vector<double> x(2, 0.0);
  std::vector<std::int64_t> out;
  const StandingProblem problem{{x, x, x, 0.0}, MatrixTravel{cells, profile}, points, weights, couriers, locs};
  ASSERT_TRUE(standing_ms(problem, out).ok());
  EXPECT_EQ(out, (std::vector<std::int64_t>{5, 3}));  // halves are rounded down
}

TEST(Standing, NamesWhatIsWrong) {
  const std::vector<std::int32_t> one{1}, zero{0}, far{3}, two{0, 0}, huge{2'000'000'000}, billions(3, 2'000'000'000);
  const std::vector<std::int32_t> three(3, 1);
  std::vector<std::int64_t> out;
  EXPECT_EQ(standing_ms(line(far, one, zero, zero), out).column, "demand.loc");
  EXPECT_EQ(standing_ms(line(one, zero, zero, zero), out).column, "demand.weight");
  EXPECT_EQ(standing_ms(line(three, billions, zero, zero), out).column, "demand.weight");
  EXPECT_TRUE(standing_ms(line(one, huge, zero, zero), out).ok());
  EXPECT_EQ(standing_ms(line(one, two, zero, zero), out).column, "demand");
  EXPECT_EQ(standing_ms(line(one, one, far, zero), out).column, "courier");
  EXPECT_EQ(standing_ms(line(one, one, zero, far), out).column, "loc");
  EXPECT_EQ(standing_ms(line(one, one, two, zero), out).column, "courier");
}

}  // namespace
}  // namespace matcher
