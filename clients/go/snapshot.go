package matcher

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	matcherv1 "github.com/matcher/matcher/clients/go/matcher/v1"
)

// SnapshotBuilder makes a snapshot row by row. Build says what only the whole of it shows, as the server would and with
// its paths, before anything is sent: ids that are missing or there twice, and routes that do not hang together. What a
// row says by itself the server checks. A builder is for one goroutine and for one snapshot.
type SnapshotBuilder struct {
	snapshot *matcherv1.Snapshot
}

// NewSnapshot begins the snapshot of a market as it is at a moment. Places are WGS 84 unless Frame says otherwise.
func NewSnapshot(market string, at time.Time) *SnapshotBuilder {
	return &SnapshotBuilder{&matcherv1.Snapshot{
		MarketId: market, AtMs: Millis(at), Frame: matcherv1.SpatialFrame_SPATIAL_FRAME_WGS84,
	}}
}

// Frame says what coordinates mean.
func (b *SnapshotBuilder) Frame(frame matcherv1.SpatialFrame) *SnapshotBuilder {
	b.snapshot.Frame = frame
	return b
}

// Order adds orders.
func (b *SnapshotBuilder) Order(orders ...*matcherv1.Order) *SnapshotBuilder {
	b.snapshot.Orders = append(b.snapshot.Orders, orders...)
	return b
}

// Courier adds a courier; the stops, if any, are the rest of the route in progress and go after those that the courier
// has already. See Pickup and Dropoff.
func (b *SnapshotBuilder) Courier(courier *matcherv1.Courier, stops ...*matcherv1.RouteStop) *SnapshotBuilder {
	courier.Route = append(courier.Route, stops...)
	b.snapshot.Couriers = append(b.snapshot.Couriers, courier)
	return b
}

// Demand adds places where orders are expected.
func (b *SnapshotBuilder) Demand(points ...*matcherv1.DemandPoint) *SnapshotBuilder {
	b.snapshot.ExpectedDemand = append(b.snapshot.ExpectedDemand, points...)
	return b
}

// Build gives the snapshot, or an *Error with every violation found and the code that the server would answer with.
func (b *SnapshotBuilder) Build() (*matcherv1.Snapshot, error) {
	check := &snapshotCheck{}
	if b.snapshot.MarketId == "" {
		check.add(matcherv1.ErrorReason_ERROR_REASON_MISSING, "market_id", "is required and empty")
	}
	if b.snapshot.AtMs == 0 {
		check.add(matcherv1.ErrorReason_ERROR_REASON_MISSING, "at_ms", "is required: the snapshot's clock reading")
	}
	orders := ids(check, "orders", b.snapshot.Orders)
	ids(check, "couriers", b.snapshot.Couriers)
	if len(check.violations) == 0 { // routes name orders by ids that can be relied on
		carrier := map[string]int{}
		for c, courier := range b.snapshot.Couriers {
			check.route(c, courier, orders, carrier, b.snapshot.Couriers)
		}
	}
	if len(check.violations) > 0 {
		message := fmt.Sprintf("the snapshot has %d violations", len(check.violations))
		return nil, &Error{Code: codes.InvalidArgument, Reason: check.violations[0].Reason, Message: message,
			Violations: check.violations}
	}
	return b.snapshot, nil
}

// Pickup is the stop at which an order is picked up.
func Pickup(order string) *matcherv1.RouteStop {
	return &matcherv1.RouteStop{OrderId: order, Kind: matcherv1.StopKind_STOP_KIND_PICKUP}
}

// Dropoff is the stop at which an order is dropped off.
func Dropoff(order string) *matcherv1.RouteStop {
	return &matcherv1.RouteStop{OrderId: order, Kind: matcherv1.StopKind_STOP_KIND_DROPOFF}
}

// Millis is a moment as the contract writes it; the zero Time is "not set".
func Millis(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

type snapshotCheck struct{ violations []Violation }

func (s *snapshotCheck) add(reason matcherv1.ErrorReason, path, sentence string) {
	s.violations = append(s.violations, Violation{Field: "snapshot." + path, Description: sentence, Reason: reason})
}

// ids are the rows' ids, each of which must be there and only once.
func ids[Row interface{ GetId() string }](check *snapshotCheck, group string, rows []Row) map[string]int {
	first := make(map[string]int, len(rows))
	for k, row := range rows {
		path := fmt.Sprintf("%s[%d].id", group, k)
		if row.GetId() == "" {
			check.add(matcherv1.ErrorReason_ERROR_REASON_MISSING, path, "is required and empty")
		} else if at, twice := first[row.GetId()]; twice {
			sentence := fmt.Sprintf("%q is also the id of %s[%d]", row.GetId(), group, at)
			check.add(matcherv1.ErrorReason_ERROR_REASON_DUPLICATE, path, sentence)
		} else {
			first[row.GetId()] = k
		}
	}
	return first
}

// route checks that stops are of listed orders, each order is carried by one courier, and every pick-up has its drop-off
// after it. A drop-off alone is of an order that is on board.
func (s *snapshotCheck) route(
	c int, courier *matcherv1.Courier, orders, carrier map[string]int, couriers []*matcherv1.Courier,
) {
	picked, dropped := map[string]bool{}, map[string]bool{}
	invalid := matcherv1.ErrorReason_ERROR_REASON_INVALID_ROUTE
	for k, stop := range courier.GetRoute() {
		path := fmt.Sprintf("couriers[%d].route[%d]", c, k)
		order, pickup := stop.GetOrderId(), stop.GetKind() == matcherv1.StopKind_STOP_KIND_PICKUP
		if !pickup && stop.GetKind() != matcherv1.StopKind_STOP_KIND_DROPOFF {
			reason := matcherv1.ErrorReason_ERROR_REASON_UNKNOWN_ENUM_VALUE
			if stop.GetKind() == matcherv1.StopKind_STOP_KIND_UNSPECIFIED {
				reason = matcherv1.ErrorReason_ERROR_REASON_MISSING
			}
			s.add(reason, path+".kind", "must be a pick-up or a drop-off")
			continue
		}
		if _, listed := orders[order]; !listed {
			s.add(matcherv1.ErrorReason_ERROR_REASON_UNKNOWN_REFERENCE, path+".order_id",
				fmt.Sprintf("%q is no order of this snapshot", order))
			continue
		}
		if other, carried := carrier[order]; carried && other != c {
			s.add(invalid, path+".order_id", fmt.Sprintf("%q is already in the route of %q", order, couriers[other].GetId()))
			continue
		}
		carrier[order] = c
		switch {
		case pickup && picked[order], !pickup && dropped[order]:
			s.add(invalid, path+".order_id", fmt.Sprintf("%q has this stop twice in this route", order))
		case pickup && dropped[order]:
			s.add(invalid, path+".kind", fmt.Sprintf("%q is dropped off before this pick-up", order))
		case pickup:
			picked[order] = true
		default:
			dropped[order] = true
		}
	}
	var kept []string
	for order := range picked {
		if !dropped[order] {
			kept = append(kept, order)
		}
	}
	slices.Sort(kept)
	for _, order := range kept {
		s.add(invalid, fmt.Sprintf("couriers[%d].route", c), fmt.Sprintf("%q is picked up and never dropped off", order))
	}
}
