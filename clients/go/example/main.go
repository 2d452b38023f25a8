// Asks a running server (matcher serve) for a decision. Usage: go run ./example [ADDRESS]
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	matcher "github.com/matcher/matcher/clients/go"
	matcherv1 "github.com/matcher/matcher/clients/go/matcher/v1"
)

func main() {
	target := "127.0.0.1:50051"
	if len(os.Args) > 1 {
		target = os.Args[1]
	}
	if err := run(target); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(target string) error {
	client, err := matcher.Dial(target)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()

	now := time.Now().UnixMilli()
	decision, err := client.Match(ctx, &matcherv1.MatchRequest{Snapshot: &matcherv1.Snapshot{
		MarketId: "porto-centre",
		AtMs:     now,
		Orders: []*matcherv1.Order{
			{Id: "order-1", StoreId: "bakery", ReadyAtMs: now + 300_000,
				PickupLatitude: 41.1496, PickupLongitude: -8.6110, DropoffLatitude: 41.1579, DropoffLongitude: -8.6291},
			{Id: "order-2", StoreId: "bakery", ReadyAtMs: now + 360_000,
				PickupLatitude: 41.1496, PickupLongitude: -8.6110, DropoffLatitude: 41.1601, DropoffLongitude: -8.6333},
		},
		Couriers: []*matcherv1.Courier{
			{Id: "ana", Latitude: 41.1500, Longitude: -8.6105, Mode: matcherv1.TravelMode_TRAVEL_MODE_BICYCLE},
		},
	}})
	var refused *matcher.Error
	if errors.As(err, &refused) {
		for _, violation := range refused.Violations {
			fmt.Fprintf(os.Stderr, "%s: %s\n", violation.Field, violation.Description)
		}
	}
	if err != nil {
		return err
	}
	for _, plan := range decision.GetPlans() {
		fmt.Printf("%s:", plan.GetCourierId())
		for _, stop := range plan.GetStops() {
			fmt.Printf(" %s %s", stop.GetKind(), stop.GetOrderId())
		}
		fmt.Println()
	}
	for _, outcome := range decision.GetOutcomes() {
		if outcome.GetReason() != matcherv1.WaitReason_WAIT_REASON_UNSPECIFIED {
			fmt.Printf("%s waits: %s\n", outcome.GetOrderId(), outcome.GetReason())
		}
	}
	fmt.Printf("cost %.2f, at most %.2f%% above the best possible\n",
		float64(decision.GetTotalCostMicros())/1e6, 100*decision.GetGap())
	return nil
}
