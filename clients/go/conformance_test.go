package matcher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	matcher "github.com/matcher/matcher/clients/go"
	matcherv1 "github.com/matcher/matcher/clients/go/matcher/v1"
)

// The conformance suite holds a server to the whole contract, as the descriptors list it: a method that is added is
// tested by being there. What a valid request of it looks like stands in validRequests.

// methods are all methods of matcher.v1.
func methods() []protoreflect.MethodDescriptor {
	var found []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("matcher.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			for j := range file.Services().Get(i).Methods().Len() {
				found = append(found, file.Services().Get(i).Methods().Get(j))
			}
		}
		return true
	})
	slices.SortFunc(found, func(a, b protoreflect.MethodDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return found
}

func path(method protoreflect.MethodDescriptor) string {
	return fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
}

// unary are those that take one message and give one.
func unary() []protoreflect.MethodDescriptor {
	return slices.DeleteFunc(methods(), func(m protoreflect.MethodDescriptor) bool {
		return m.IsStreamingClient() || m.IsStreamingServer()
	})
}

// validRequests has, for each method, a request that is answered. The snapshot is market()'s.
var validRequests = map[string]func() proto.Message{
	"/matcher.v1.MatchingService/Match": func() proto.Message {
		return &matcherv1.MatchRequest{Snapshot: market()}
	},
	"/matcher.v1.MatchingService/Explain": func() proto.Message {
		match := &matcherv1.MatchRequest{Snapshot: market()}
		return &matcherv1.ExplainRequest{Match: match, OrderId: "o0", CourierId: "far"}
	},
	"/matcher.v1.BatchingService/ProposeBatches": func() proto.Message {
		return &matcherv1.ProposeBatchesRequest{Snapshot: market()}
	},
	"/matcher.v1.RoutingService/OptimizeRoutes": func() proto.Message {
		return &matcherv1.OptimizeRoutesRequest{Task: &matcherv1.RoutingTask{Snapshot: market(), MaxIterations: 50}}
	},
	"/matcher.v1.RoutingService/ComputeTravelMatrix": func() proto.Message {
		places := []*matcherv1.Place{{Latitude: 41.15, Longitude: -8.61}, {Latitude: 41.16, Longitude: -8.63}}
		return &matcherv1.ComputeTravelMatrixRequest{Origins: places, AtMs: now}
	},
	"/matcher.v1.CapabilityService/GetCapabilities": func() proto.Message { return &matcherv1.GetCapabilitiesRequest{} },
	"/matcher.v1.RoutingService/InsertOrder": func() proto.Message {
		fleet := market()
		order := fleet.Orders[0]
		fleet.Orders = nil
		return &matcherv1.InsertOrderRequest{
			Fleet:  &matcherv1.InsertOrderRequest_Snapshot{Snapshot: fleet},
			Orders: []*matcherv1.Order{order},
		}
	},
	"/matcher.v1.AssignmentService/Solve": func() proto.Message { return slowSolve(3) },
}

// slowSolve is an assignment problem of n rows whose time grows with n.
func slowSolve(n int) *matcherv1.SolveRequest {
	costs := make([]float64, n*n)
	state := uint64(1)
	for i := range costs {
		state = state*6364136223846793005 + 1442695040888963407
		costs[i] = float64(state >> 40)
	}
	dense := &matcherv1.DenseCosts{Rows: int32(n), Cols: int32(n), Costs: costs}
	return &matcherv1.SolveRequest{Costs: &matcherv1.SolveRequest_Dense{Dense: dense}}
}

// raw sends and receives bytes as they are: what a broken client, or one of another version, might put on the wire.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = slices.Clone(data)
	return nil
}
func (raw) Name() string { return "proto" }

// plain is a connection without our client: no service config, no retries, no keys.
func plain(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableRetry(),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true), grpc.MaxCallSendMsgSize(1<<26), grpc.MaxCallRecvMsgSize(1<<26)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// refusal reads what a call ended with as our client does.
func refusal(t *testing.T, err error) *matcher.Error {
	t.Helper()
	var refused *matcher.Error
	if !errors.As(matcher.AsError(err), &refused) {
		t.Fatalf("a status was expected, got %v", err)
	}
	return refused
}

// Every method answers a valid request, over both transports, and health knows its service.
func TestEveryMethodAnswers(t *testing.T) {
	directory := t.TempDir()
	both := serve(t, "unix:"+filepath.Join(directory, "m.sock"), "--listen", "127.0.0.1:0")
	for _, address := range strings.Split(both.address, ", ") {
		conn := plain(t, address)
		for _, method := range unary() {
			t.Run(string(method.Name())+" "+strings.SplitN(address, ":", 2)[0], func(t *testing.T) {
				request, known := validRequests[path(method)]
				if !known {
					t.Fatalf("validRequests has none for %s", path(method))
				}
				reply := dynamicpb.NewMessage(method.Output())
				if err := conn.Invoke(within(t, time.Minute), path(method), request(), reply); err != nil {
					t.Fatal(err)
				}
				if proto.Size(reply) == 0 {
					t.Error("the reply is empty")
				}
				health := &healthpb.HealthCheckRequest{Service: string(method.Parent().FullName())}
				state, err := healthpb.NewHealthClient(conn).Check(within(t, time.Minute), health)
				if err != nil || state.GetStatus() != healthpb.HealthCheckResponse_SERVING {
					t.Errorf("health says %v, %v", state, err)
				}
			})
		}
	}
}

// The same request gives the same bytes over a socket and over TCP, from two servers: a decision does not depend on
// who was asked, or how.
func TestAnswersDoNotDependOnTheServer(t *testing.T) {
	first := plain(t, serve(t, "unix:"+filepath.Join(t.TempDir(), "m.sock")).address)
	second := plain(t, serve(t, "127.0.0.1:0").address)
	for _, method := range unary() {
		request, known := validRequests[path(method)]
		if !known {
			continue
		}
		sent, err := proto.MarshalOptions{Deterministic: true}.Marshal(request())
		if err != nil {
			t.Fatal(err)
		}
		var one, other []byte
		for conn, reply := range map[*grpc.ClientConn]*[]byte{first: &one, second: &other} {
			if err := conn.Invoke(within(t, time.Minute), path(method), &sent, reply, grpc.ForceCodec(raw{})); err != nil {
				t.Fatalf("%s: %v", path(method), err)
			}
		}
		if string(one) != string(other) {
			t.Errorf("%s: two servers give two answers", path(method))
		}
	}
}

// Whatever is sent, a method ends with a status that carries our reason; an expired deadline does not start work.
func TestEveryMethodRefuses(t *testing.T) {
	conn := plain(t, serve(t, "127.0.0.1:0").address)
	for _, method := range unary() {
		t.Run(string(method.Name()), func(t *testing.T) {
			garbage, reply := []byte{0xff, 0xff, 0xff}, []byte(nil)
			err := conn.Invoke(within(t, time.Minute), path(method), &garbage, &reply, grpc.ForceCodec(raw{}))
			refused := refusal(t, err)
			if refused.Code != codes.InvalidArgument || refused.Reason != matcherv1.ErrorReason_ERROR_REASON_MALFORMED ||
				len(refused.Violations) == 0 {
				t.Errorf("bytes that are no message: %v %v", refused, refused.Violations)
			}
			empty := []byte{}
			err = conn.Invoke(within(t, time.Minute), path(method), &empty, &reply, grpc.ForceCodec(raw{}))
			if err != nil {
				if refused := refusal(t, err); refused.Reason == matcherv1.ErrorReason_ERROR_REASON_UNSPECIFIED {
					t.Errorf("an empty message ends without a reason: %v", refused)
				}
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Microsecond)
			defer cancel()
			err = conn.Invoke(ctx, path(method), &empty, &reply, grpc.ForceCodec(raw{}))
			if refusal(t, err).Code != codes.DeadlineExceeded {
				t.Errorf("no time at all: %v", err)
			}
		})
	}
	reply := []byte{}
	err := conn.Invoke(within(t, time.Minute), "/matcher.v1.MatchingService/NoSuch", &reply, &reply, grpc.ForceCodec(raw{}))
	if refusal(t, err).Code != codes.Unimplemented {
		t.Errorf("a method that there is not: %v", err)
	}
}

// Every reason of the contract is provoked here, or it is said why it cannot be.
func TestEveryReason(t *testing.T) {
	const policy = "[limits]\norders = 4\n"
	conn := plain(t, configured(t, policy).address)
	match := func(change func(*matcherv1.MatchRequest)) error {
		request := &matcherv1.MatchRequest{Snapshot: market()}
		change(request)
		return conn.Invoke(within(t, time.Minute), "/matcher.v1.MatchingService/Match", request, &matcherv1.MatchResponse{})
	}
	provoked := map[matcherv1.ErrorReason]func() error{
		matcherv1.ErrorReason_ERROR_REASON_MALFORMED: func() error {
			garbage, reply := []byte{0x0a, 0xff}, []byte(nil)
			return conn.Invoke(within(t, time.Minute), "/matcher.v1.MatchingService/Match", &garbage, &reply,
				grpc.ForceCodec(raw{}))
		},
		matcherv1.ErrorReason_ERROR_REASON_MISSING: func() error {
			return match(func(r *matcherv1.MatchRequest) { r.Snapshot.MarketId = "" })
		},
		matcherv1.ErrorReason_ERROR_REASON_DUPLICATE: func() error {
			return match(func(r *matcherv1.MatchRequest) { r.Snapshot.Couriers[1].Id = "near" })
		},
		matcherv1.ErrorReason_ERROR_REASON_UNKNOWN_REFERENCE: func() error {
			return match(func(r *matcherv1.MatchRequest) {
				r.Snapshot.Couriers[0].Route = []*matcherv1.RouteStop{{OrderId: "nobody", Kind: matcherv1.StopKind_STOP_KIND_DROPOFF}}
			})
		},
		matcherv1.ErrorReason_ERROR_REASON_OUT_OF_RANGE: func() error {
			return match(func(r *matcherv1.MatchRequest) {
				r.Snapshot.Frame = matcherv1.SpatialFrame_SPATIAL_FRAME_WGS84
				r.Snapshot.Couriers[0].Latitude = 91
			})
		},
		matcherv1.ErrorReason_ERROR_REASON_INVERTED_WINDOW: func() error {
			return match(func(r *matcherv1.MatchRequest) {
				r.Snapshot.Orders[0].ReadyAtMs = now + 60_000
				r.Snapshot.Orders[0].PickupByMs = now + 30_000
			})
		},
		matcherv1.ErrorReason_ERROR_REASON_INVALID_ROUTE: func() error {
			return match(func(r *matcherv1.MatchRequest) {
				r.Snapshot.Couriers[0].Route = []*matcherv1.RouteStop{
					{OrderId: "o0", Kind: matcherv1.StopKind_STOP_KIND_DROPOFF},
					{OrderId: "o0", Kind: matcherv1.StopKind_STOP_KIND_PICKUP},
				}
			})
		},
		matcherv1.ErrorReason_ERROR_REASON_UNKNOWN_ENUM_VALUE: func() error {
			return match(func(r *matcherv1.MatchRequest) { r.Snapshot.Couriers[0].Mode = 77 })
		},
		matcherv1.ErrorReason_ERROR_REASON_TOO_LARGE: func() error {
			return match(func(r *matcherv1.MatchRequest) {
				r.Snapshot.Orders = append(r.Snapshot.Orders, &matcherv1.Order{Id: "fifth"})
			})
		},
		matcherv1.ErrorReason_ERROR_REASON_UNKNOWN_POLICY: func() error {
			return match(func(r *matcherv1.MatchRequest) { r.Policy = "none-such" })
		},
		matcherv1.ErrorReason_ERROR_REASON_UNKNOWN_FLEET: func() error {
			request := &matcherv1.InsertOrderRequest{Fleet: &matcherv1.InsertOrderRequest_FleetToken{FleetToken: "gone"}}
			return conn.Invoke(within(t, time.Minute), "/matcher.v1.RoutingService/InsertOrder", request,
				&matcherv1.InsertOrderResponse{})
		},
	}
	elsewhere := map[matcherv1.ErrorReason]string{
		matcherv1.ErrorReason_ERROR_REASON_UNSPECIFIED:       "never sent",
		matcherv1.ErrorReason_ERROR_REASON_DEADLINE:          "TestDeadlinesAreKept",
		matcherv1.ErrorReason_ERROR_REASON_OVERLOADED:        "TestOverload",
		matcherv1.ErrorReason_ERROR_REASON_SHUTTING_DOWN:     "kept for servers that refuse while they drain; ours answers",
		matcherv1.ErrorReason_ERROR_REASON_INTERNAL:          "a fault of the server, which no request can order",
		matcherv1.ErrorReason_ERROR_REASON_PERMISSION_DENIED: "TestMutualTLS",
		matcherv1.ErrorReason_ERROR_REASON_SESSION_IDLE:      "TestIdleSession",
	}
	reasons := matcherv1.ErrorReason(0).Descriptor().Values()
	for i := range reasons.Len() {
		reason := matcherv1.ErrorReason(reasons.Get(i).Number())
		t.Run(reason.String(), func(t *testing.T) {
			provoke, here := provoked[reason]
			if !here {
				if elsewhere[reason] == "" {
					t.Error("neither provoked nor said why not")
				}
				return
			}
			refused := refusal(t, provoke())
			carried := []matcherv1.ErrorReason{refused.Reason}
			for _, violation := range refused.Violations {
				carried = append(carried, violation.Reason)
				if violation.Field == "" && reason != matcherv1.ErrorReason_ERROR_REASON_MALFORMED {
					t.Errorf("a violation without its field: %+v", violation)
				}
			}
			if !slices.Contains(carried, reason) {
				t.Errorf("got %v with %v", refused, refused.Violations)
			}
		})
	}
}

// configured is a server on any free port with this configuration besides.
func configured(t *testing.T, text string) *server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "matcher.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return serve(t, "127.0.0.1:0", "--config", file)
}

// A storm of short deadlines on large problems: each call is answered, or told by the server that its time is over.
// Never CANCELLED, which would say that the caller had given up, and never a fault.
func TestDeadlinesAreKept(t *testing.T) {
	conn := plain(t, serve(t, "127.0.0.1:0").address)
	request := slowSolve(700)
	var wait sync.WaitGroup
	var mutex sync.Mutex
	ended := map[codes.Code]int{}
	told := 0
	for range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range 6 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(20+40*i)*time.Millisecond)
				err := conn.Invoke(ctx, "/matcher.v1.AssignmentService/Solve", request, &matcherv1.SolveResponse{})
				cancel()
				var refused *matcher.Error
				_ = errors.As(matcher.AsError(err), &refused)
				mutex.Lock()
				if refused == nil {
					ended[codes.OK]++
				} else {
					ended[refused.Code]++
					if refused.Reason == matcherv1.ErrorReason_ERROR_REASON_DEADLINE {
						told++
					}
				}
				mutex.Unlock()
			}
		}()
	}
	wait.Wait()
	t.Logf("%v, %d told by the server", ended, told)
	for code := range ended {
		if !slices.Contains([]codes.Code{codes.OK, codes.DeadlineExceeded, codes.ResourceExhausted}, code) {
			t.Errorf("a call ended with %s", code)
		}
	}
	// Too little for the least of answers: the server itself says so, with its reason.
	for range 50 {
		ctx, cancel := context.WithTimeout(context.Background(), 8*time.Millisecond)
		err := conn.Invoke(ctx, "/matcher.v1.AssignmentService/Solve", request, &matcherv1.SolveResponse{})
		cancel()
		if refusal(t, err).Reason == matcherv1.ErrorReason_ERROR_REASON_DEADLINE {
			return
		}
	}
	if told == 0 {
		t.Error("no call was told by the server that its time was over")
	}
}

// More calls than one thread and one place in the queue can take: some are answered, the rest are refused at once with
// the reason and the time to come back, nothing else happens, and health answers all along.
func TestOverload(t *testing.T) {
	running := configured(t, "[server]\nworker_threads = 1\nqueue_calls = 1\ninline_bytes = 0\n")
	conn := plain(t, running.address)
	request := slowSolve(500)
	var answered, refused atomic.Int32
	var wait sync.WaitGroup
	for range 24 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			err := conn.Invoke(ctx, "/matcher.v1.AssignmentService/Solve", request, &matcherv1.SolveResponse{})
			if err == nil {
				answered.Add(1)
				return
			}
			var status *matcher.Error
			if !errors.As(matcher.AsError(err), &status) || status.Code != codes.ResourceExhausted ||
				status.Reason != matcherv1.ErrorReason_ERROR_REASON_OVERLOADED || status.RetryAfter <= 0 {
				t.Errorf("a refusal with its reason and a time was expected: %v", err)
			}
			refused.Add(1)
		}()
	}
	if _, err := healthpb.NewHealthClient(conn).Check(within(t, 30*time.Second), &healthpb.HealthCheckRequest{}); err != nil {
		t.Errorf("health did not answer: %v", err)
	}
	wait.Wait()
	if answered.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d answered, %d refused", answered.Load(), refused.Load())
	}
}

// SIGTERM with calls in flight: health says NOT_SERVING, every call is answered, also those that are still being sent
// when the signal comes (that is what the lame duck is for), and the process ends well.
func TestDrain(t *testing.T) {
	running := configured(t, "[server]\nconnection_age_seconds = 1\nlame_duck_seconds = 4.0\ndrain_seconds = 60.0\n")
	conn := plain(t, running.address)
	request := slowSolve(700)
	failed := make(chan error, 6)
	for range cap(failed) {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			failed <- conn.Invoke(ctx, "/matcher.v1.AssignmentService/Solve", request, &matcherv1.SolveResponse{})
		}()
	}
	watching, err := healthpb.NewHealthClient(conn).Watch(within(t, time.Minute), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if state, err := watching.Recv(); err != nil || state.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Fatalf("%v, %v", state, err)
	}
	time.Sleep(50 * time.Millisecond)
	if err := running.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if state, err := watching.Recv(); err == nil && state.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("a draining server says %v", state)
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Errorf("a call in flight failed: %v", err)
		}
	}
	if err := running.process.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// kill -9 and a new server on the same address: with the shipped service config no caller sees anything but time.
func TestRestart(t *testing.T) {
	// A busy machine may take longer to start a server than the shipped 10 s.
	patient := strings.Replace(matcher.ServiceConfig, `"timeout": "30s"`, `"timeout": "60s"`, 1)
	for name, listen := range map[string]string{
		"unix": "unix:" + filepath.Join(t.TempDir(), "m.sock"), "tcp": "127.0.0.1:0",
	} {
		t.Run(name, func(t *testing.T) {
			running := serve(t, listen)
			client, err := matcher.Dial(running.address, grpc.WithDefaultServiceConfig(patient))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = client.Close() }()
			stop := make(chan struct{})
			var answered atomic.Int32
			var wait sync.WaitGroup
			for range 4 {
				wait.Add(1)
				go func() {
					defer wait.Done()
					for {
						select {
						case <-stop:
							return
						default:
						}
						ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
						_, err := client.Match(ctx, &matcherv1.MatchRequest{Snapshot: market()})
						cancel()
						if err != nil {
							t.Errorf("after %d answers: %v", answered.Load(), err)
							return
						}
						answered.Add(1)
						time.Sleep(2 * time.Millisecond)
					}
				}()
			}
			reach := func(more int32) {
				for from, end := answered.Load(), time.Now().Add(time.Minute); answered.Load() < from+more; {
					if time.Now().After(end) {
						t.Fatalf("no answers any more")
					}
					time.Sleep(5 * time.Millisecond)
				}
			}
			reach(20)
			_ = running.process.Process.Kill()
			_ = running.process.Wait()
			serve(t, running.address)
			reach(20)
			close(stop)
			wait.Wait()
		})
	}
}

// A server says what it serves: all methods of this contract, and the contract's own name.
func TestCapabilities(t *testing.T) {
	known, err := shared(t).Capabilities(within(t, 20*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range methods() {
		if name := strings.TrimPrefix(path(method), "/"); !slices.Contains(known.GetMethods(), name) {
			t.Errorf("%s is not served", name)
		}
	}
	if known.GetContract() != "matcher.v1" || !slices.Contains(known.GetPolicies(), "default") || len(known.GetLimits()) == 0 {
		t.Errorf("%v", known)
	}
}

// A service that the shared config forgets is called without retries, waiting or a timeout, and a session that it does
// not except ends with the timeout of calls; nothing says so.
func TestServiceConfigNamesEveryService(t *testing.T) {
	var config struct {
		MethodConfig []struct {
			Name    []struct{ Service, Method string }
			Timeout string
		}
	}
	if err := json.Unmarshal([]byte(matcher.ServiceConfig), &config); err != nil {
		t.Fatal(err)
	}
	timeouts := map[string]string{}
	for _, entry := range config.MethodConfig {
		for _, name := range entry.Name {
			timeouts[strings.TrimSuffix(name.Service+"/"+name.Method, "/")] = entry.Timeout
		}
	}
	for _, method := range methods() {
		service := string(method.Parent().FullName())
		if _, named := timeouts[service]; !named {
			t.Errorf("service_config.json does not name %s", service)
		}
		if method.IsStreamingClient() || method.IsStreamingServer() {
			if timeout, named := timeouts[service+"/"+string(method.Name())]; !named || timeout != "" {
				t.Errorf("a session of %s would end after the %q that its service's calls have", method.Name(), timeout)
			}
		}
	}
}

// JSON is how people write requests by hand: the example of the repository is a request that this build understands.
func TestTheExampleIsUnderstood(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "snapshot.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := protojson.Unmarshal(text, &matcherv1.MatchRequest{}); err != nil {
		if protojson.Unmarshal(text, &matcherv1.Snapshot{}) != nil {
			t.Error(err)
		}
	}
}
