package matcher_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	matcher "github.com/matcher/matcher/clients/go"
	matcherv1 "github.com/matcher/matcher/clients/go/matcher/v1"
)

// server is a `matcher serve` process. The tests hold the server to its contract from the other side of the wire, by
// a runtime that shares no code with it.
type server struct {
	process *exec.Cmd
	address string
}

func command(t *testing.T) string {
	t.Helper()
	path := os.Getenv("MATCHER")
	if path == "" {
		path = filepath.Join("..", "..", ".venv", "bin", "matcher")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no matcher command at %s: run `make setup`, or name it in $MATCHER", path)
	}
	return path
}

// shared is one server for the tests that need nothing of their own.
func shared(t *testing.T) *matcher.Client {
	t.Helper()
	sharedOnce.Do(func() {
		process := exec.Command(command(t), "serve", "--listen", "127.0.0.1:0")
		sharedServer = started(t, process)
	})
	if sharedServer == nil {
		t.Fatal("the shared server did not start")
	}
	return dial(t, sharedServer.address)
}

var (
	sharedOnce   sync.Once
	sharedServer *server
)

func TestMain(m *testing.M) {
	status := m.Run()
	if sharedServer != nil {
		_ = sharedServer.process.Process.Kill()
		_ = sharedServer.process.Wait()
	}
	os.Exit(status)
}

func serve(t *testing.T, listen string, arguments ...string) *server {
	t.Helper()
	running := started(t, exec.Command(command(t), append([]string{"serve", "--listen", listen}, arguments...)...))
	t.Cleanup(func() {
		_ = running.process.Process.Kill()
		_ = running.process.Wait()
	})
	return running
}

func started(t *testing.T, process *exec.Cmd) *server {
	t.Helper()
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the server said nothing: %v", err)
	}
	address, found := strings.CutPrefix(strings.TrimSpace(line), "matcher is serving on ")
	if !found {
		t.Fatalf("the server said %q", line)
	}
	return &server{process, address}
}

func dial(t *testing.T, address string) *matcher.Client {
	t.Helper()
	client, err := matcher.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

const now = 1_700_000_000_000

func market() *matcherv1.Snapshot {
	snapshot := &matcherv1.Snapshot{
		MarketId: "m", AtMs: now, Frame: matcherv1.SpatialFrame_SPATIAL_FRAME_PLANE_METERS,
		Couriers: []*matcherv1.Courier{{Id: "near", Capacity: 4}, {Id: "far", Longitude: 9000, Capacity: 4}},
	}
	for i := range 3 {
		snapshot.Orders = append(snapshot.Orders, &matcherv1.Order{
			Id: fmt.Sprintf("o%d", i), PickupLongitude: 200, DropoffLongitude: float64(1000 * (i + 1)),
			StoreId: "s", Size: 1,
		})
	}
	snapshot.Orders = append(snapshot.Orders, &matcherv1.Order{
		Id: "frozen", PickupLongitude: 200, DropoffLongitude: 900, RequiredSkills: []string{"freezer"},
	})
	return snapshot
}

// The main job over both transports: plans, reasons and a certificate arrive as the contract says.
func TestMatch(t *testing.T) {
	for name, listen := range map[string]string{
		"tcp":  "127.0.0.1:0",
		"unix": "unix:" + filepath.Join(t.TempDir(), "m.sock"),
	} {
		t.Run(name, func(t *testing.T) {
			client := dial(t, serve(t, listen).address)
			if err := client.WaitReady(within(t, 20*time.Second)); err != nil {
				t.Fatal(err)
			}
			decision, err := client.Match(within(t, 10*time.Second), &matcherv1.MatchRequest{Snapshot: market()})
			if err != nil {
				t.Fatal(err)
			}
			assigned := 0
			for _, outcome := range decision.GetOutcomes() {
				switch {
				case outcome.GetStatus() == matcherv1.OrderStatus_ORDER_STATUS_ASSIGNED:
					assigned++
				case outcome.GetOrderId() == "frozen" && outcome.GetReason() != matcherv1.WaitReason_WAIT_REASON_SKILLS:
					t.Errorf("nobody has a freezer, but the reason is %s", outcome.GetReason())
				}
			}
			if len(decision.GetOutcomes()) != 4 || assigned == 0 || len(decision.GetPlans()) == 0 {
				t.Errorf("4 outcomes and some plan expected: %v", decision)
			}
			if decision.GetLowerBoundMicros() > decision.GetTotalCostMicros() {
				t.Errorf("bound %d above cost %d", decision.GetLowerBoundMicros(), decision.GetTotalCostMicros())
			}
			var sum int64
			for _, term := range decision.GetCostTerms() {
				sum += term.GetMicros()
			}
			if sum != decision.GetTotalCostMicros() {
				t.Errorf("terms sum to %d, total is %d", sum, decision.GetTotalCostMicros())
			}
		})
	}
}

// A retry must be safe: the same request gives the same decision, whatever order its entities are listed in, and
// whatever encoder wrote the bytes.
func TestSameRequestSameDecision(t *testing.T) {
	client := shared(t)
	first, err := client.Match(within(t, 20*time.Second), &matcherv1.MatchRequest{Snapshot: market()})
	if err != nil {
		t.Fatal(err)
	}
	shuffled := market()
	for i, j := 0, len(shuffled.Orders)-1; i < j; i, j = i+1, j-1 {
		shuffled.Orders[i], shuffled.Orders[j] = shuffled.Orders[j], shuffled.Orders[i]
	}
	second, err := client.Match(within(t, 20*time.Second), &matcherv1.MatchRequest{Snapshot: shuffled})
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(first, second) {
		t.Errorf("decisions differ:\n%v\n%v", first, second)
	}
}

// The question after the fact is answered about the decision that was made, and the prices are those of the contract.
func TestExplain(t *testing.T) {
	client := shared(t)
	request := &matcherv1.MatchRequest{Snapshot: market()}
	decision, err := client.Match(within(t, 20*time.Second), request)
	if err != nil {
		t.Fatal(err)
	}
	request.Effort = decision.Effort
	for _, outcome := range decision.Outcomes {
		if outcome.CourierId == "" {
			continue
		}
		found, err := client.Explain(within(t, 20*time.Second), &matcherv1.ExplainRequest{
			Match: request, OrderId: outcome.OrderId, CourierId: outcome.CourierId,
		})
		if err != nil {
			t.Fatal(err)
		}
		if found.DecisionId != decision.DecisionId || found.Verdict != matcherv1.PairVerdict_PAIR_VERDICT_CHOSEN ||
			found.HolderId != outcome.CourierId || found.PriceMicros < found.PriceLowMicros {
			t.Errorf("not the explanation of %v:\n%v", outcome, found)
		}
	}
}

// Every open order is in a batch or has its reason.
func TestProposeBatches(t *testing.T) {
	client := shared(t)
	snapshot := market()
	found, err := client.ProposeBatches(within(t, 20*time.Second), &matcherv1.ProposeBatchesRequest{Snapshot: snapshot})
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, batch := range found.Batches {
		if len(batch.Stops) != 2*len(batch.OrderIds) {
			t.Errorf("two stops an order were expected: %v", batch)
		}
		for _, id := range batch.OrderIds {
			named[id] = true
		}
	}
	for _, order := range found.Unbatched {
		named[order.OrderId] = true
	}
	if len(named) == 0 || len(named) > len(snapshot.Orders) {
		t.Errorf("%d orders accounted for, of %d", len(named), len(snapshot.Orders))
	}
}

// A session decides as Match does on the same market, keeps numbers in step after a rejection, and can be begun anew.
func TestSession(t *testing.T) {
	client := shared(t)
	session, err := client.OpenSession(within(t, 60*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	send := func(request *matcherv1.StreamMatchRequest, want matcherv1.StreamStatus) *matcherv1.StreamMatchResponse {
		t.Helper()
		response, err := session.Send(request)
		if err != nil {
			t.Fatal(err)
		}
		if response.Status != want {
			t.Fatalf("%v was expected: %v", want, response)
		}
		return response
	}
	snapshot := market()
	first := send(&matcherv1.StreamMatchRequest{Snapshot: snapshot, Decide: true},
		matcherv1.StreamStatus_STREAM_STATUS_APPLIED)
	plain, err := client.Match(within(t, 20*time.Second), &matcherv1.MatchRequest{Snapshot: snapshot})
	if err != nil || !proto.Equal(first.Decision, plain) {
		t.Errorf("decisions differ: %v\n%v\n%v", err, first.Decision, plain)
	}
	wrong := send(&matcherv1.StreamMatchRequest{Deltas: []*matcherv1.MarketDelta{
		{Change: &matcherv1.MarketDelta_OrderOut{OrderOut: "nobody"}},
	}}, matcherv1.StreamStatus_STREAM_STATUS_REJECTED)
	if len(wrong.Violations) != 1 || wrong.Violations[0].Field != "deltas[0].order_out" ||
		wrong.Violations[0].Reason != matcherv1.ErrorReason_ERROR_REASON_UNKNOWN_REFERENCE {
		t.Errorf("the field was expected: %v", wrong)
	}
	gone := snapshot.Orders[0].Id
	second := send(&matcherv1.StreamMatchRequest{Decide: true, Deltas: []*matcherv1.MarketDelta{
		{Change: &matcherv1.MarketDelta_OrderOut{OrderOut: gone}},
	}}, matcherv1.StreamStatus_STREAM_STATUS_APPLIED)
	for _, outcome := range second.Decision.Outcomes {
		if outcome.OrderId == gone {
			t.Errorf("%s is gone: %v", gone, outcome)
		}
	}
	send(&matcherv1.StreamMatchRequest{Sequence: 1}, matcherv1.StreamStatus_STREAM_STATUS_DUPLICATE)
	send(&matcherv1.StreamMatchRequest{Snapshot: snapshot}, matcherv1.StreamStatus_STREAM_STATUS_APPLIED)
}

// A retry by key gets the first answer's bytes even with a deadline that buys less work; the key of another request is
// refused rather than answered with the wrong decision.
func TestIdempotencyKey(t *testing.T) {
	client := shared(t)
	request := &matcherv1.MatchRequest{Snapshot: market()}
	first, err := client.Match(matcher.WithIdempotencyKey(within(t, 20*time.Second), "cycle-1"), request)
	if err != nil {
		t.Fatal(err)
	}
	second, err := client.Match(matcher.WithIdempotencyKey(within(t, 10*time.Second), "cycle-1"), request)
	if err != nil || !proto.Equal(first, second) {
		t.Errorf("%v\n%v\n%v", err, first, second)
	}
	other := &matcherv1.MatchRequest{Snapshot: market()}
	other.Snapshot.MarketId = "another"
	_, err = client.Match(matcher.WithIdempotencyKey(within(t, 20*time.Second), "cycle-1"), other)
	var refused *matcher.Error
	if !errors.As(err, &refused) || len(refused.Violations) != 1 ||
		refused.Violations[0].Reason != matcherv1.ErrorReason_ERROR_REASON_DUPLICATE {
		t.Errorf("a refusal of the key was expected: %v", err)
	}
}

// The Python client and this one ship one text: it is copied, because a Go module cannot embed what lies outside it.
func TestServiceConfigIsShared(t *testing.T) {
	original, err := os.ReadFile(filepath.Join("..", "..", "python", "matcher", "client", "service_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if string(original) != matcher.ServiceConfig {
		t.Error("copy python/matcher/client/service_config.json to clients/go/")
	}
}

// Every refusal names the field and carries a reason that a program can act on.
func TestRefusals(t *testing.T) {
	client := shared(t)
	cases := map[string]struct {
		change func(*matcherv1.MatchRequest)
		field  string
		reason matcherv1.ErrorReason
	}{
		"duplicate id": {
			func(r *matcherv1.MatchRequest) { r.Snapshot.Orders[1].Id = "o0" },
			"snapshot.orders[1].id", matcherv1.ErrorReason_ERROR_REASON_DUPLICATE,
		},
		"missing id": {
			func(r *matcherv1.MatchRequest) { r.Snapshot.Couriers[0].Id = "" },
			"snapshot.couriers[0].id", matcherv1.ErrorReason_ERROR_REASON_MISSING,
		},
		"not a number": {
			func(r *matcherv1.MatchRequest) { r.Snapshot.Orders[0].PickupLatitude = math.NaN() },
			"snapshot.orders[0].pickup_latitude", matcherv1.ErrorReason_ERROR_REASON_OUT_OF_RANGE,
		},
		"unknown policy": {
			func(r *matcherv1.MatchRequest) { r.Policy = "none-such" },
			"policy", matcherv1.ErrorReason_ERROR_REASON_UNKNOWN_POLICY,
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			request := &matcherv1.MatchRequest{Snapshot: market()}
			test.change(request)
			_, err := client.Match(within(t, 20*time.Second), request)
			var refused *matcher.Error
			if !errors.As(err, &refused) || refused.Code != codes.InvalidArgument {
				t.Fatalf("INVALID_ARGUMENT expected, got %v", err)
			}
			if status.Code(err) != codes.InvalidArgument {
				t.Errorf("status.Code sees %s", status.Code(err))
			}
			for _, violation := range refused.Violations {
				if violation.Field == test.field && violation.Reason == test.reason && violation.Description != "" {
					return
				}
			}
			t.Errorf("no violation of %s for %s: %+v", test.field, test.reason, refused.Violations)
		})
	}
}

// A context that has ended is not sent anywhere, and both ways of asking why agree.
func TestDeadline(t *testing.T) {
	client := shared(t)
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := client.Match(ctx, &matcherv1.MatchRequest{Snapshot: market()})
	if status.Code(err) != codes.DeadlineExceeded || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("DEADLINE_EXCEEDED expected, got %v", err)
	}
}

// Other teams' assignment problems: the optimum with duals that prove it, checked here and not taken on trust.
func TestSolve(t *testing.T) {
	client := shared(t)
	costs := []float64{4, 1, 3, 2, 0, 5, 3, 2, 2}
	reply, err := client.Solve(within(t, 20*time.Second), &matcherv1.SolveRequest{
		Costs: &matcherv1.SolveRequest_Dense{Dense: &matcherv1.DenseCosts{Rows: 3, Cols: 3, Costs: costs}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if reply.GetStatus() != matcherv1.SolveStatus_SOLVE_STATUS_OPTIMAL || reply.GetTotalCost() != 5 {
		t.Fatalf("the optimum is 5: %v", reply)
	}
	dual := 0.0
	for row := range 3 {
		dual += reply.GetRowDuals()[row] + reply.GetColDuals()[row]
		for col := range 3 {
			if costs[3*row+col]-reply.GetRowDuals()[row]-reply.GetColDuals()[col] < -1e-9 {
				t.Errorf("the duals of (%d, %d) exceed its cost", row, col)
			}
		}
	}
	if math.Abs(dual-5) > 1e-9 {
		t.Errorf("the duals prove %g, not 5", dual)
	}
}

// The stream's last plan is the unary call's: the work is given, so the answer is.
func TestOptimizeRoutes(t *testing.T) {
	client := shared(t)
	task := &matcherv1.RoutingTask{Snapshot: market(), MaxIterations: 100}
	plan, err := client.OptimizeRoutes(within(t, 20*time.Second), task)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.GetPlans()) == 0 || len(plan.GetUnserved()) != 1 || plan.GetUnserved()[0].GetOrderId() != "frozen" {
		t.Errorf("three orders served, the frozen one not: %v", plan)
	}
	var last *matcherv1.RoutePlan
	ended := false
	err = client.StreamOptimizeRoutes(within(t, 20*time.Second), task, func(plan *matcherv1.RoutePlan, final bool) bool {
		last, ended = plan, final
		return true
	})
	if err != nil || !ended || !proto.Equal(plan, last) {
		t.Errorf("%v\n%v\n%v", err, plan, last)
	}
}

func TestComputeTravelMatrix(t *testing.T) {
	matrix, err := shared(t).ComputeTravelMatrix(within(t, 20*time.Second), &matcherv1.ComputeTravelMatrixRequest{
		Origins: []*matcherv1.Place{{}, {Longitude: 1000}}, AtMs: now,
		Frame: matcherv1.SpatialFrame_SPATIAL_FRAME_PLANE_METERS,
	})
	if err != nil {
		t.Fatal(err)
	}
	cells := matrix.GetDurationMs()
	if len(cells) != 4 || cells[0] != 0 || cells[1] == 0 || cells[1] != cells[2] {
		t.Errorf("two places, the same way there and back: %v", cells)
	}
}

// A problem beyond one message, dense and sparse, is the same problem in parts; what is wrong in a part is named.
func TestStreamSolve(t *testing.T) {
	client := shared(t)
	const rows, cols = 400, 700 // three parts
	dense := &matcherv1.DenseCosts{Rows: rows, Cols: cols}
	sparse := &matcherv1.SparseCosts{Rows: rows, Cols: cols}
	for i := range int32(rows) {
		for j := range int32(cols) {
			cost := float64((i*7919 + j*104729 + i*j) % 1009)
			dense.Costs = append(dense.Costs, cost)
			sparse.Row, sparse.Col, sparse.Cost = append(sparse.Row, i), append(sparse.Col, j), append(sparse.Cost, cost)
		}
	}
	places := []int32{2}
	at := func(request *matcherv1.SolveRequest, call func(
		context.Context, *matcherv1.SolveRequest, ...grpc.CallOption) (*matcherv1.SolveResponse, error),
	) *matcherv1.SolveResponse {
		t.Helper()
		request.Capacities = places
		reply, err := call(within(t, 60*time.Second), request)
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	whole := at(&matcherv1.SolveRequest{Costs: &matcherv1.SolveRequest_Dense{Dense: dense}}, client.Solve)
	parts := at(&matcherv1.SolveRequest{Costs: &matcherv1.SolveRequest_Dense{Dense: dense}}, client.StreamSolve)
	if !proto.Equal(whole, parts) {
		t.Errorf("in parts another answer: %v and %v", whole.GetTotalCost(), parts.GetTotalCost())
	}
	pairs := at(&matcherv1.SolveRequest{Costs: &matcherv1.SolveRequest_Sparse{Sparse: sparse}}, client.StreamSolve)
	if pairs.GetTotalCost() != whole.GetTotalCost() {
		t.Errorf("sparse %g, dense %g", pairs.GetTotalCost(), whole.GetTotalCost())
	}
	dense.Costs[rows*cols-1] = math.NaN()
	_, err := client.StreamSolve(within(t, 60*time.Second), &matcherv1.SolveRequest{
		Costs: &matcherv1.SolveRequest_Dense{Dense: dense},
	})
	var refused *matcher.Error
	if !errors.As(err, &refused) || refused.Code != codes.InvalidArgument || len(refused.Violations) != 1 {
		t.Fatalf("NaN: %v", err)
	}
	if field := refused.Violations[0].Field; field != "parts[3].dense.costs[17855]" {
		t.Errorf("the field is %s", field)
	}
}

// A fleet sent once is asked by its token; a token that the server does not keep asks for the snapshot again.
func TestInsertOrder(t *testing.T) {
	client := shared(t)
	fleet := market()
	orders := fleet.GetOrders()[:1]
	fleet.Orders = nil
	whole, err := client.InsertOrder(within(t, 20*time.Second), &matcherv1.InsertOrderRequest{
		Fleet: &matcherv1.InsertOrderRequest_Snapshot{Snapshot: fleet}, Orders: orders, KeepFleet: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.GetInsertions()) != 1 || len(whole.GetInsertions()[0].GetCandidates()) != 1 {
		t.Fatalf("one order, one candidate: %v", whole)
	}
	kept, err := client.InsertOrder(within(t, 20*time.Second), &matcherv1.InsertOrderRequest{
		Fleet: &matcherv1.InsertOrderRequest_FleetToken{FleetToken: whole.GetFleetToken()}, Orders: orders,
	})
	if err != nil || !proto.Equal(whole.GetInsertions()[0], kept.GetInsertions()[0]) {
		t.Errorf("%v\n%v\n%v", err, whole, kept)
	}
	_, err = client.InsertOrder(within(t, 20*time.Second), &matcherv1.InsertOrderRequest{
		Fleet: &matcherv1.InsertOrderRequest_FleetToken{FleetToken: "gone"}, Orders: orders,
	})
	var refused *matcher.Error
	if !errors.As(err, &refused) || refused.Reason != matcherv1.ErrorReason_ERROR_REASON_UNKNOWN_FLEET {
		t.Errorf("the snapshot should be asked for: %v", err)
	}
}

// A deploy on one machine: a new server takes the socket over from a running one under traffic, and no caller notices.
func TestHandover(t *testing.T) {
	directory := t.TempDir()
	config := filepath.Join(directory, "matcher.toml")
	text := "[server]\nconnection_age_seconds = 1\nlame_duck_seconds = 2.5\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	listen := "unix:" + filepath.Join(directory, "m.sock")
	old := serve(t, listen, "--config", config)

	stop, calls := make(chan struct{}), make(chan int)
	for range 4 {
		client := dial(t, listen)
		go func() {
			done := 0
			for {
				select {
				case <-stop:
					calls <- done
					return
				default:
				}
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				_, err := client.Match(ctx, &matcherv1.MatchRequest{Snapshot: market()})
				cancel()
				if err != nil {
					t.Errorf("call %d failed: %v", done, err)
				}
				done++
				time.Sleep(5 * time.Millisecond)
			}
		}()
	}
	serve(t, listen, "--config", config)
	if err := old.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := old.process.Wait(); err != nil {
		t.Errorf("the old server ended with %v", err)
	}
	time.Sleep(300 * time.Millisecond)
	close(stop)
	total := 0
	for range 4 {
		total += <-calls
	}
	if total < 20 {
		t.Errorf("only %d calls were made", total)
	}
}
