package matcher_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	matcher "github.com/matcher/matcher/clients/go"
	matcherv1 "github.com/matcher/matcher/clients/go/matcher/v1"
)

// built is a market of three orders and two couriers, after `change`.
func built(change func(orders []*matcherv1.Order, couriers []*matcherv1.Courier)) *matcher.SnapshotBuilder {
	orders := []*matcherv1.Order{{Id: "a", Size: 1}, {Id: "b", Size: 1}, {Id: "c", Size: 1}}
	couriers := []*matcherv1.Courier{{Id: "one", Capacity: 4}, {Id: "two", Capacity: 4}}
	change(orders, couriers)
	builder := matcher.NewSnapshot("m", time.UnixMilli(now)).Order(orders...)
	for _, courier := range couriers {
		builder.Courier(courier)
	}
	return builder
}

// faults are what only the whole of a snapshot shows.
var faults = map[string]func([]*matcherv1.Order, []*matcherv1.Courier){
	"an order without an id":   func(o []*matcherv1.Order, _ []*matcherv1.Courier) { o[1].Id = "" },
	"an order twice":           func(o []*matcherv1.Order, _ []*matcherv1.Courier) { o[2].Id = "a" },
	"all orders one":           func(o []*matcherv1.Order, _ []*matcherv1.Courier) { o[1].Id, o[2].Id = "a", "a" },
	"a courier without an id":  func(_ []*matcherv1.Order, c []*matcherv1.Courier) { c[0].Id = "" },
	"a courier twice":          func(_ []*matcherv1.Order, c []*matcherv1.Courier) { c[1].Id = "one" },
	"a stop of an unknown":     routed(0, matcher.Dropoff("nobody")),
	"a stop of no kind":        routed(0, &matcherv1.RouteStop{OrderId: "a"}),
	"a stop of an odd kind":    routed(1, &matcherv1.RouteStop{OrderId: "a", Kind: 9}),
	"picked up, not dropped":   routed(1, matcher.Pickup("b"), matcher.Pickup("a"), matcher.Dropoff("b")),
	"dropped before picked up": routed(0, matcher.Dropoff("a"), matcher.Pickup("a")),
	"picked up twice":          routed(0, matcher.Pickup("a"), matcher.Pickup("a"), matcher.Dropoff("a")),
	"dropped twice":            routed(0, matcher.Pickup("a"), matcher.Dropoff("a"), matcher.Dropoff("a")),
	"carried by two": func(_ []*matcherv1.Order, c []*matcherv1.Courier) {
		c[0].Route = []*matcherv1.RouteStop{matcher.Pickup("a"), matcher.Dropoff("a")}
		c[1].Route = []*matcherv1.RouteStop{matcher.Dropoff("c"), matcher.Dropoff("a")}
	},
	"much at once": func(o []*matcherv1.Order, c []*matcherv1.Courier) {
		o[0].Id = ""
		c[0].Route = []*matcherv1.RouteStop{matcher.Dropoff("a"), matcher.Pickup("b"), matcher.Pickup("b")}
	},
}

func routed(courier int, stops ...*matcherv1.RouteStop) func([]*matcherv1.Order, []*matcherv1.Courier) {
	return func(_ []*matcherv1.Order, c []*matcherv1.Courier) { c[courier].Route = stops }
}

func said(violations []matcher.Violation) []string {
	var all []string
	for _, violation := range violations {
		all = append(all, fmt.Sprintf("%s %s", violation.Field, violation.Reason))
	}
	slices.Sort(all)
	return all
}

// What the builder finds is what the server finds in the same snapshot, by path and reason.
func TestBuilderSaysWhatTheServerWould(t *testing.T) {
	client := shared(t)
	for name, change := range faults {
		t.Run(name, func(t *testing.T) {
			builder := built(change)
			_, err := builder.Build()
			var found, refused *matcher.Error
			if !errors.As(err, &found) || found.Code != codes.InvalidArgument || len(found.Violations) == 0 {
				t.Fatalf("violations were expected: %v", err)
			}
			orders := []*matcherv1.Order{{Id: "a", Size: 1}, {Id: "b", Size: 1}, {Id: "c", Size: 1}}
			couriers := []*matcherv1.Courier{{Id: "one", Capacity: 4}, {Id: "two", Capacity: 4}}
			change(orders, couriers)
			sent := &matcherv1.Snapshot{MarketId: "m", AtMs: now, Orders: orders, Couriers: couriers}
			_, err = client.Match(within(t, time.Minute), &matcherv1.MatchRequest{Snapshot: sent})
			if !errors.As(err, &refused) {
				t.Fatalf("the server took it: %v", err)
			}
			if !slices.Equal(said(found.Violations), said(refused.Violations)) {
				t.Errorf("the builder says %v, the server %v", said(found.Violations), said(refused.Violations))
			}
		})
	}
	_, err := matcher.NewSnapshot("", time.Time{}).Build()
	var found *matcher.Error
	want := []string{"snapshot.at_ms ERROR_REASON_MISSING", "snapshot.market_id ERROR_REASON_MISSING"}
	if !errors.As(err, &found) || !slices.Equal(said(found.Violations), want) {
		t.Errorf("%v", err)
	}
}

// A snapshot that was built is decided, with routes in progress, in the frame that was asked for.
func TestBuiltSnapshotIsDecided(t *testing.T) {
	snapshot, err := matcher.NewSnapshot("m", time.UnixMilli(now)).
		Frame(matcherv1.SpatialFrame_SPATIAL_FRAME_PLANE_METERS).
		Order(&matcherv1.Order{Id: "aboard", PickupLongitude: 1, DropoffLongitude: 300, Size: 1}).
		Order(&matcherv1.Order{Id: "open", PickupLongitude: 200, DropoffLongitude: 900, Size: 1}).
		Courier(&matcherv1.Courier{Id: "one", Capacity: 4}, matcher.Dropoff("aboard")).
		Demand(&matcherv1.DemandPoint{Longitude: 500, Weight: 2}).
		Build()
	if err != nil {
		t.Fatal(err)
	}
	want := &matcherv1.Snapshot{
		MarketId: "m", AtMs: now, Frame: matcherv1.SpatialFrame_SPATIAL_FRAME_PLANE_METERS,
		Orders: []*matcherv1.Order{
			{Id: "aboard", PickupLongitude: 1, DropoffLongitude: 300, Size: 1},
			{Id: "open", PickupLongitude: 200, DropoffLongitude: 900, Size: 1},
		},
		Couriers: []*matcherv1.Courier{{Id: "one", Capacity: 4, Route: []*matcherv1.RouteStop{
			{OrderId: "aboard", Kind: matcherv1.StopKind_STOP_KIND_DROPOFF},
		}}},
		ExpectedDemand: []*matcherv1.DemandPoint{{Longitude: 500, Weight: 2}},
	}
	if !proto.Equal(snapshot, want) {
		t.Errorf("built %v", snapshot)
	}
	decision, err := shared(t).Match(within(t, time.Minute), &matcherv1.MatchRequest{Snapshot: snapshot})
	if err != nil {
		t.Fatal(err)
	}
	if len(decision.Outcomes) != 1 || decision.Outcomes[0].Status != matcherv1.OrderStatus_ORDER_STATUS_ASSIGNED {
		t.Errorf("the open order was to be assigned: %v", decision.Outcomes)
	}
}
