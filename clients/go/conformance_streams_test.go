package matcher_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	matcherv1 "github.com/matcher/matcher/clients/go/matcher/v1"
)

// The streaming methods, held to the same page as the unary ones: a stream that is added is tested by being there.

// streams are the methods that take or give many messages.
func streams() []protoreflect.MethodDescriptor {
	var found []protoreflect.MethodDescriptor
	for _, method := range methods() {
		if method.IsStreamingClient() || method.IsStreamingServer() {
			found = append(found, method)
		}
	}
	return found
}

// validStreams has, for each streaming method, messages that are answered.
var validStreams = map[string]func() []proto.Message{
	"/matcher.v1.MatchingService/StreamMatch": func() []proto.Message {
		return []proto.Message{&matcherv1.StreamMatchRequest{Sequence: 1, Snapshot: market(), Decide: true}}
	},
	"/matcher.v1.AssignmentService/StreamSolve": func() []proto.Message {
		header := &matcherv1.StreamSolveHeader{Rows: 2, Cols: 2}
		costs := &matcherv1.DensePart{Costs: []float64{1, 2, 3, 5}}
		return []proto.Message{
			&matcherv1.StreamSolveRequest{Part: &matcherv1.StreamSolveRequest_Header{Header: header}},
			&matcherv1.StreamSolveRequest{Part: &matcherv1.StreamSolveRequest_Dense{Dense: costs}},
		}
	},
	"/matcher.v1.RoutingService/StreamOptimizeRoutes": func() []proto.Message {
		task := &matcherv1.RoutingTask{Snapshot: market(), MaxIterations: 50}
		return []proto.Message{&matcherv1.StreamOptimizeRoutesRequest{Task: task}}
	},
}

// converse sends the messages, then says that there are no more, and gives what came back and how it ended.
func converse(
	ctx context.Context, t *testing.T, conn *grpc.ClientConn, method protoreflect.MethodDescriptor, sent ...[]byte,
) ([][]byte, error) {
	t.Helper()
	kind := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := conn.NewStream(ctx, kind, path(method), grpc.ForceCodec(raw{}))
	if err != nil {
		return nil, err
	}
	for _, message := range sent {
		if err := stream.SendMsg(&message); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	var replies [][]byte
	for {
		var reply []byte
		if err := stream.RecvMsg(&reply); errors.Is(err, io.EOF) {
			return replies, nil
		} else if err != nil {
			return replies, err
		}
		replies = append(replies, reply)
	}
}

func encoded(t *testing.T, messages []proto.Message) [][]byte {
	t.Helper()
	var all [][]byte
	for _, message := range messages {
		data, err := proto.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

// Every streaming method answers over both transports, with the bytes that the other transport gives.
func TestEveryStreamAnswers(t *testing.T) {
	both := serve(t, "unix:"+filepath.Join(t.TempDir(), "m.sock"), "--listen", "127.0.0.1:0")
	for _, method := range streams() {
		t.Run(string(method.Name()), func(t *testing.T) {
			messages, known := validStreams[path(method)]
			if !known {
				t.Fatalf("validStreams has none for %s", path(method))
			}
			var last []string
			for _, address := range strings.Split(both.address, ", ") {
				replies, err := converse(within(t, time.Minute), t, plain(t, address), method, encoded(t, messages())...)
				if err != nil {
					t.Fatal(err)
				}
				if len(replies) == 0 || len(replies[len(replies)-1]) == 0 {
					t.Fatal("no reply, or an empty one")
				}
				last = append(last, string(replies[len(replies)-1]))
			}
			if len(last) != 2 || last[0] != last[1] {
				t.Error("socket and TCP end with different answers")
			}
		})
	}
}

// Bytes that are no message, no message at all, no time: an answer with the reason, or a status that carries it.
func TestEveryStreamRefuses(t *testing.T) {
	conn := plain(t, serve(t, "127.0.0.1:0").address)
	for _, method := range streams() {
		t.Run(string(method.Name()), func(t *testing.T) {
			replies, err := converse(within(t, time.Minute), t, conn, method, []byte{0xff, 0xff, 0xff})
			if method.Name() == "StreamMatch" { // what is wrong with one message does not end a session
				var reply matcherv1.StreamMatchResponse
				if err != nil || len(replies) != 1 || proto.Unmarshal(replies[0], &reply) != nil ||
					reply.Status != matcherv1.StreamStatus_STREAM_STATUS_REJECTED || len(reply.Violations) != 1 ||
					reply.Violations[0].Reason != matcherv1.ErrorReason_ERROR_REASON_MALFORMED {
					t.Errorf("a rejected message was expected: %v, %v", err, &reply)
				}
			} else if refused := refusal(t, err); refused.Code != codes.InvalidArgument ||
				refused.Reason != matcherv1.ErrorReason_ERROR_REASON_MALFORMED || len(refused.Violations) == 0 {
				t.Errorf("bytes that are no message: %v %v", refused, refused.Violations)
			}
			replies, err = converse(within(t, time.Minute), t, conn, method)
			if method.Name() == "StreamMatch" { // a session in which nothing was said
				if err != nil || len(replies) != 0 {
					t.Errorf("%v after %d replies", err, len(replies))
				}
			} else if err == nil {
				t.Error("nothing was sent, and it was answered")
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Microsecond)
			defer cancel()
			if _, err := converse(ctx, t, conn, method); refusal(t, err).Code != codes.DeadlineExceeded {
				t.Errorf("no time at all: %v", err)
			}
		})
	}
}

// openSession has a server hold a market.
func openSession(t *testing.T, address string) interface {
	Send(*matcherv1.StreamMatchRequest) (*matcherv1.StreamMatchResponse, error)
} {
	t.Helper()
	session, err := dial(t, address).OpenSession(within(t, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	reply, err := session.Send(&matcherv1.StreamMatchRequest{Snapshot: market(), Decide: true})
	if err != nil || reply.Decision == nil {
		t.Fatalf("%v, %v", reply, err)
	}
	return session
}

// A server that has its number of sessions refuses one more with the time to come back, and answers calls all the same.
func TestSessionsAreBounded(t *testing.T) {
	running := configured(t, "[server]\nsessions = 1\n")
	openSession(t, running.address)
	second, err := converse(within(t, time.Minute), t, plain(t, running.address), streamMatch(t))
	refused := refusal(t, err)
	if len(second) != 0 || refused.Reason != matcherv1.ErrorReason_ERROR_REASON_OVERLOADED || refused.RetryAfter <= 0 {
		t.Errorf("%v", refused)
	}
	if _, err := dial(t, running.address).Match(within(t, time.Minute), &matcherv1.MatchRequest{Snapshot: market()}); err != nil {
		t.Error(err)
	}
}

// A session in which nothing is said ends with its own reason: the client may begin another one.
func TestIdleSession(t *testing.T) {
	running := configured(t, "[server]\nsession_idle_seconds = 0.2\n")
	session := openSession(t, running.address)
	time.Sleep(time.Second)
	_, err := session.Send(&matcherv1.StreamMatchRequest{Decide: true})
	if refused := refusal(t, err); refused.Reason != matcherv1.ErrorReason_ERROR_REASON_SESSION_IDLE {
		t.Errorf("%v", refused)
	}
}

// SIGTERM: an open session is told to go elsewhere, a search and a problem half sent are answered, the process ends well.
func TestStreamsDrain(t *testing.T) {
	running := configured(t, "[server]\nconnection_age_seconds = 1\nlame_duck_seconds = 3.0\ndrain_seconds = 60.0\n")
	session := openSession(t, running.address)
	conn := plain(t, running.address)
	half, err := matcherv1.NewAssignmentServiceClient(conn).StreamSolve(within(t, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	parts := validStreams["/matcher.v1.AssignmentService/StreamSolve"]()
	send := func(part proto.Message) {
		t.Helper()
		if err := half.Send(part.(*matcherv1.StreamSolveRequest)); err != nil {
			t.Fatal(err)
		}
	}
	send(parts[0])
	task := &matcherv1.RoutingTask{Snapshot: market(), MaxIterations: 200_000}
	ctx := within(t, time.Minute)
	search, err := matcherv1.NewRoutingServiceClient(conn).StreamOptimizeRoutes(
		ctx, &matcherv1.StreamOptimizeRoutesRequest{Task: task})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := search.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if err := running.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_, err = session.Send(&matcherv1.StreamMatchRequest{Decide: true})
	for err == nil { // messages that were on their way are answered
		_, err = session.Send(&matcherv1.StreamMatchRequest{Decide: true})
	}
	if refused := refusal(t, err); refused.Code != codes.Unavailable {
		t.Errorf("a session of a server that ends: %v", refused)
	}
	send(parts[1])
	if solved, err := half.CloseAndRecv(); err != nil || solved.GetSolution().GetTotalCost() != 5 {
		t.Errorf("a problem half sent: %v, %v", solved, err)
	}
	for err = nil; err == nil && !plan.GetFinal(); {
		if plan, err = search.Recv(); err != nil {
			t.Errorf("a search in progress: %v", err)
		}
	}
	if err := running.process.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// kill -9: an open session ends with UNAVAILABLE, as does a search; the next server takes a new session.
func TestStreamsRestart(t *testing.T) {
	listen := "unix:" + filepath.Join(t.TempDir(), "m.sock")
	running := serve(t, listen)
	session := openSession(t, running.address)
	if err := running.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = running.process.Wait()
	_, err := session.Send(&matcherv1.StreamMatchRequest{Decide: true})
	if refused := refusal(t, err); refused.Code != codes.Unavailable {
		t.Errorf("%v", refused)
	}
	openSession(t, serve(t, listen).address)
}

// A search that its caller leaves gives its thread back: with one thread and no end of iterations, the next call is
// answered.
func TestCancelledSearchGivesItsThreadBack(t *testing.T) {
	running := configured(t, "[server]\nworker_threads = 1\ninline_bytes = 0\n")
	client := dial(t, running.address)
	endless := &matcherv1.RoutingTask{Snapshot: market(), MaxIterations: 1 << 30}
	err := client.StreamOptimizeRoutes(within(t, time.Minute), endless, func(*matcherv1.RoutePlan, bool) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Match(within(t, 50*time.Second), &matcherv1.MatchRequest{Snapshot: market()}); err != nil {
		t.Error(err)
	}
}

func streamMatch(t *testing.T) protoreflect.MethodDescriptor {
	t.Helper()
	for _, method := range streams() {
		if method.Name() == "StreamMatch" {
			return method
		}
	}
	t.Fatal("there is no StreamMatch")
	return nil
}
