// Field numbers of matcher.v1.MatchRequest and SolveRequest: the only place in C++ that knows them. Tests hold them to
// the contract.
#ifndef MATCHER_WIRE_FIELDS_H
#define MATCHER_WIRE_FIELDS_H

#include <cstdint>

// X(name, number, kind), kind as in the contract: the test compares all three.
#define MATCHER_REQUEST_FIELDS(X) \
  X(snapshot, 1, message)         \
  X(policy, 2, string)            \
  X(forced_rung, 3, enumeration)  \
  X(validate_only, 4, boolean)    \
  X(effort, 5, message)

#define MATCHER_SNAPSHOT_FIELDS(X) \
  X(market_id, 1, string)          \
  X(at_ms, 2, int64)               \
  X(frame, 3, enumeration)         \
  X(orders, 4, message)            \
  X(couriers, 5, message)          \
  X(expected_demand, 6, message)

#define MATCHER_DEMAND_FIELDS(X) \
  X(latitude, 1, float64)        \
  X(longitude, 2, float64)       \
  X(weight, 3, int32)

#define MATCHER_ORDER_FIELDS(X)       \
  X(id, 1, string)                    \
  X(pickup_latitude, 2, float64)      \
  X(pickup_longitude, 3, float64)     \
  X(dropoff_latitude, 4, float64)     \
  X(dropoff_longitude, 5, float64)    \
  X(placed_at_ms, 6, int64)           \
  X(ready_at_ms, 7, int64)            \
  X(promised_by_ms, 8, int64)         \
  X(dropoff_not_before_ms, 9, int64)  \
  X(pickup_by_ms, 10, int64)          \
  X(dropoff_by_ms, 11, int64)         \
  X(size, 12, int32)                  \
  X(required_skills, 13, string)      \
  X(priority, 14, int32)              \
  X(freshness_limit_ms, 15, int64)    \
  X(store_id, 16, string)             \
  X(pickup_access_ms, 17, int32)      \
  X(pickup_leave_ms, 18, int32)       \
  X(dropoff_access_ms, 19, int32)     \
  X(dropoff_leave_ms, 20, int32)      \
  X(picked_up_at_ms, 21, int64)       \
  X(courier_pay_micros, 22, int64)    \
  X(refused_courier_ids, 23, string)  \
  X(announced_courier_id, 24, string) \
  X(ready_early_at_ms, 25, int64)     \
  X(ready_late_at_ms, 26, int64)

#define MATCHER_STOP_FIELDS(X) \
  X(kind, 1, enumeration)      \
  X(order_id, 2, string)

#define MATCHER_COURIER_FIELDS(X)    \
  X(id, 1, string)                   \
  X(latitude, 2, float64)            \
  X(longitude, 3, float64)           \
  X(free_at_ms, 4, int64)            \
  X(shift_end_at_ms, 5, int64)       \
  X(capacity, 6, int32)              \
  X(skills, 7, string)               \
  X(mode, 8, enumeration)            \
  X(speed_meters_per_hour, 9, int32) \
  X(route, 10, message)              \
  X(locked_stops, 11, int32)         \
  X(earned_micros, 12, int64)        \
  X(guaranteed_micros, 13, int64)    \
  X(acceptance_permille, 14, int32)  \
  X(on_shift_ms, 15, int64)

#define MATCHER_SOLVE_FIELDS(X)  \
  X(dense, 1, message)           \
  X(sparse, 2, message)          \
  X(unassigned_cost, 3, float64) \
  X(maximize, 4, boolean)        \
  X(max_iterations, 5, int64)    \
  X(capacities, 6, int32)

#define MATCHER_DENSE_COSTS_FIELDS(X) \
  X(rows, 1, int32)                   \
  X(cols, 2, int32)                   \
  X(costs, 3, float64)

#define MATCHER_SPARSE_COSTS_FIELDS(X) \
  X(rows, 1, int32)                    \
  X(cols, 2, int32)                    \
  X(row, 3, int32)                     \
  X(col, 4, int32)                     \
  X(cost, 5, float64)

namespace matcher::wire {

#define MATCHER_FIELD_NUMBER(name, number, kind) name = (number),
enum class RequestField : std::uint32_t { MATCHER_REQUEST_FIELDS(MATCHER_FIELD_NUMBER) };
enum class SnapshotField : std::uint32_t { MATCHER_SNAPSHOT_FIELDS(MATCHER_FIELD_NUMBER) };
enum class DemandField : std::uint32_t { MATCHER_DEMAND_FIELDS(MATCHER_FIELD_NUMBER) };
enum class OrderField : std::uint32_t { MATCHER_ORDER_FIELDS(MATCHER_FIELD_NUMBER) };
enum class StopField : std::uint32_t { MATCHER_STOP_FIELDS(MATCHER_FIELD_NUMBER) };
enum class CourierField : std::uint32_t { MATCHER_COURIER_FIELDS(MATCHER_FIELD_NUMBER) };
enum class SolveField : std::uint32_t { MATCHER_SOLVE_FIELDS(MATCHER_FIELD_NUMBER) };
enum class DenseCostsField : std::uint32_t { MATCHER_DENSE_COSTS_FIELDS(MATCHER_FIELD_NUMBER) };
enum class SparseCostsField : std::uint32_t { MATCHER_SPARSE_COSTS_FIELDS(MATCHER_FIELD_NUMBER) };
#undef MATCHER_FIELD_NUMBER

}  // namespace matcher::wire

#endif  // MATCHER_WIRE_FIELDS_H
