// Package matcher calls a matcher server: joint batching, assignment and routing for one market snapshot.
//
// A Client is a connection with the settings the server expects: message sizes, keepalive, retries of calls that no
// server has taken, and errors with the server's machine-readable reasons. The messages are the generated ones of
// matcher.v1; nothing stands between the caller and the contract.
package matcher

import (
	"context"
	"crypto/rand"
	_ "embed" // the service config
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	matcherv1 "github.com/matcher/matcher/clients/go/matcher/v1"
)

// MaxMessageBytes is the largest request and reply; the server's default is the same.
const MaxMessageBytes = 32 << 20

const (
	streamWindow     = 1 << 20
	connectionWindow = 16 << 20 // what gRPC's own measuring ends at
)

// FixedWindows is how much a server may send before it hears of room for more; Dial sets it. Left alone gRPC measures how
// much the way to the server holds, with a ping for each reply: a tenth of what a small call costs the server, to learn
// that a sidecar is near.
func FixedWindows() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connectionWindow),
	}
}

// ServiceConfig is how calls behave unless a dial option says otherwise: the text that all our clients share. A call
// waits for a connection as long as its context allows, and is sent again when no server took it or the server had too
// much to do; the idempotency key makes its retries one decision.
//
//go:embed service_config.json
var ServiceConfig string

const (
	keyHeader = "idempotency-key"
	// marketHeader lets a router keep a market's calls on one replica; the server itself does not look at it.
	marketHeader = "matcher-market"
)

// WithIdempotencyKey makes calls with this context retries of one another: for a minute, by the server's default, the
// same key with the same request gets the same bytes. Without it every call has a key of its own.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, keyHeader, key)
}

func withKey(ctx context.Context) context.Context {
	if sent, _ := metadata.FromOutgoingContext(ctx); len(sent.Get(keyHeader)) > 0 {
		return ctx
	}
	return WithIdempotencyKey(ctx, rand.Text())
}

// withMarket names the market as every client does: what is not printable ASCII, and "%" itself, is percent-encoded.
func withMarket(ctx context.Context, market string) context.Context {
	if market == "" {
		return ctx
	}
	var value strings.Builder
	for _, b := range []byte(market) {
		if b > 0x20 && b < 0x7f && b != '%' {
			value.WriteByte(b)
		} else {
			fmt.Fprintf(&value, "%%%02X", b)
		}
	}
	return metadata.AppendToOutgoingContext(ctx, marketHeader, value.String())
}

// Client is a connection to one server. It is safe for use by many goroutines; one per process is enough.
type Client struct {
	conn       *grpc.ClientConn
	matching   matcherv1.MatchingServiceClient
	assignment matcherv1.AssignmentServiceClient
	batching   matcherv1.BatchingServiceClient
	routing    matcherv1.RoutingServiceClient
	capability matcherv1.CapabilityServiceClient
	health     healthpb.HealthClient
}

// Dial prepares a connection to "host:port" or "unix:/path". It does not wait for the server: see WaitReady.
// Options come after the package's own and win, e.g. grpc.WithTransportCredentials.
func Dial(target string, options ...grpc.DialOption) (*Client, error) {
	all := append(FixedWindows(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(ServiceConfig),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(MaxMessageBytes),
			grpc.MaxCallSendMsgSize(MaxMessageBytes),
		),
		// Between attempts to connect gRPC waits ever longer, up to two minutes: a server that is back would not be
		// noticed before the calls that wait for it have given up.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		// A peer that vanished without a word is noticed within half a minute, idle connections are left alone.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
	)
	conn, err := grpc.NewClient(target, append(all, options...)...)
	if err != nil {
		return nil, fmt.Errorf("matcher: dial %s: %w", target, err)
	}
	return &Client{
		conn:       conn,
		matching:   matcherv1.NewMatchingServiceClient(conn),
		assignment: matcherv1.NewAssignmentServiceClient(conn),
		batching:   matcherv1.NewBatchingServiceClient(conn),
		routing:    matcherv1.NewRoutingServiceClient(conn),
		capability: matcherv1.NewCapabilityServiceClient(conn),
		health:     healthpb.NewHealthClient(conn),
	}, nil
}

// Close ends the connection; calls in flight fail.
func (c *Client) Close() error { return c.conn.Close() }

// Match decides for one snapshot. The context's deadline is the server's: it answers with less work when time is
// short, and says so in Decision.degradations. A refusal is an *Error.
func (c *Client) Match(
	ctx context.Context, request *matcherv1.MatchRequest, options ...grpc.CallOption,
) (*matcherv1.Decision, error) {
	ctx = withMarket(withKey(ctx), request.GetSnapshot().GetMarketId())
	response, err := c.matching.Match(ctx, request, options...)
	if err != nil {
		return nil, asError(err)
	}
	return response.GetDecision(), nil
}

// Explain says why the decision on a request did, or did not, give an order to a courier, and what the difference is
// worth. With the effort of a past decision in the request it is that decision which is explained. A refusal is an
// *Error.
func (c *Client) Explain(
	ctx context.Context, request *matcherv1.ExplainRequest, options ...grpc.CallOption,
) (*matcherv1.ExplainResponse, error) {
	response, err := c.matching.Explain(withKey(ctx), request, options...)
	if err != nil {
		return nil, asError(err)
	}
	return response, nil
}

// ProposeBatches groups open orders that are worth carrying together, best first. A refusal is an *Error.
func (c *Client) ProposeBatches(
	ctx context.Context, request *matcherv1.ProposeBatchesRequest, options ...grpc.CallOption,
) (*matcherv1.ProposeBatchesResponse, error) {
	response, err := c.batching.ProposeBatches(withKey(ctx), request, options...)
	if err != nil {
		return nil, asError(err)
	}
	return response, nil
}

// Solve finds the cheapest matching of a cost matrix, with the duals that prove it. A refusal is an *Error; an
// infeasible problem is not: see the response's status.
func (c *Client) Solve(
	ctx context.Context, request *matcherv1.SolveRequest, options ...grpc.CallOption,
) (*matcherv1.SolveResponse, error) {
	response, err := c.assignment.Solve(withKey(ctx), request, options...)
	if err != nil {
		return nil, asError(err)
	}
	return response, nil
}

// InsertOrder says who can serve orders at the least additional cost, and how. A refusal is an *Error; when its Reason is
// ERROR_REASON_UNKNOWN_FLEET the server does not keep the fleet of the token: send the snapshot again.
func (c *Client) InsertOrder(
	ctx context.Context, request *matcherv1.InsertOrderRequest, options ...grpc.CallOption,
) (*matcherv1.InsertOrderResponse, error) {
	response, err := c.routing.InsertOrder(withKey(ctx), request, options...)
	if err != nil {
		return nil, asError(err)
	}
	return response, nil
}

// OptimizeRoutes finds the best routes for a whole market until the context's deadline, or in the task's max_iterations.
// A refusal is an *Error.
func (c *Client) OptimizeRoutes(
	ctx context.Context, task *matcherv1.RoutingTask, options ...grpc.CallOption,
) (*matcherv1.RoutePlan, error) {
	response, err := c.routing.OptimizeRoutes(withKey(ctx), &matcherv1.OptimizeRoutesRequest{Task: task}, options...)
	if err != nil {
		return nil, asError(err)
	}
	return response.GetPlan(), nil
}

// StreamOptimizeRoutes calls better with every better plan as it is found; final is set for the last. When better
// returns false, or the context ends, so does the search.
func (c *Client) StreamOptimizeRoutes(
	ctx context.Context, task *matcherv1.RoutingTask, better func(plan *matcherv1.RoutePlan, final bool) bool,
	options ...grpc.CallOption,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.routing.StreamOptimizeRoutes(ctx, &matcherv1.StreamOptimizeRoutesRequest{Task: task}, options...)
	if err != nil {
		return asError(err)
	}
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return asError(err)
		}
		if !better(response.GetPlan(), response.GetFinal()) {
			return nil
		}
	}
}

// ComputeTravelMatrix says how long trips take in the server's decisions. A refusal is an *Error.
func (c *Client) ComputeTravelMatrix(
	ctx context.Context, request *matcherv1.ComputeTravelMatrixRequest, options ...grpc.CallOption,
) (*matcherv1.ComputeTravelMatrixResponse, error) {
	response, err := c.routing.ComputeTravelMatrix(withKey(ctx), request, options...)
	if err != nil {
		return nil, asError(err)
	}
	return response, nil
}

// Capabilities says what the server is and what it takes: version, methods, policies, limits.
func (c *Client) Capabilities(
	ctx context.Context, options ...grpc.CallOption,
) (*matcherv1.GetCapabilitiesResponse, error) {
	response, err := c.capability.GetCapabilities(ctx, &matcherv1.GetCapabilitiesRequest{}, options...)
	if err != nil {
		return nil, asError(err)
	}
	return response, nil
}

// StreamSolve is Solve for a problem that is too large for one message: it is sent in parts of about a megabyte. The
// deadline covers sending and solving. Idempotency keys have no effect; what failed may be sent again.
func (c *Client) StreamSolve(
	ctx context.Context, request *matcherv1.SolveRequest, options ...grpc.CallOption,
) (*matcherv1.SolveResponse, error) {
	ctx, cancel := context.WithCancel(ctx) // ends the stream when a part cannot be sent
	defer cancel()
	stream, err := c.assignment.StreamSolve(ctx, options...)
	if err != nil {
		return nil, asError(err)
	}
	for part := range solveParts(request) {
		// io.EOF: the server has ended the call; CloseAndRecv says why.
		if err := stream.Send(part); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, asError(err)
		}
	}
	response, err := stream.CloseAndRecv()
	if err != nil {
		return nil, asError(err)
	}
	return response.GetSolution(), nil
}

// partNumbers is how many costs go into one part.
const partNumbers = 1 << 17

// solveParts yields the header and then the costs.
func solveParts(request *matcherv1.SolveRequest) iter.Seq[*matcherv1.StreamSolveRequest] {
	return func(yield func(*matcherv1.StreamSolveRequest) bool) {
		dense, sparse := request.GetDense(), request.GetSparse()
		header := &matcherv1.StreamSolveHeader{
			Rows:           dense.GetRows() + sparse.GetRows(),
			Cols:           dense.GetCols() + sparse.GetCols(),
			UnassignedCost: request.GetUnassignedCost(),
			Maximize:       request.GetMaximize(),
			MaxIterations:  request.GetMaxIterations(),
			Capacities:     request.GetCapacities(),
		}
		if sparse != nil {
			header.Pairs = proto.Int64(int64(len(sparse.GetCost())))
		}
		if !yield(&matcherv1.StreamSolveRequest{Part: &matcherv1.StreamSolveRequest_Header{Header: header}}) {
			return
		}
		for costs := range slices.Chunk(dense.GetCosts(), partNumbers) {
			part := &matcherv1.DensePart{Costs: costs}
			if !yield(&matcherv1.StreamSolveRequest{Part: &matcherv1.StreamSolveRequest_Dense{Dense: part}}) {
				return
			}
		}
		// Arrays of different lengths go as they are: the server names the part where they end.
		row, col, cost := sparse.GetRow(), sparse.GetCol(), sparse.GetCost()
		for len(row)+len(col)+len(cost) > 0 {
			part := &matcherv1.SparsePart{}
			part.Row, row = split(row)
			part.Col, col = split(col)
			part.Cost, cost = split(cost)
			if !yield(&matcherv1.StreamSolveRequest{Part: &matcherv1.StreamSolveRequest_Sparse{Sparse: part}}) {
				return
			}
		}
	}
}

// split cuts off what fits into one part.
func split[T any](numbers []T) (first, rest []T) {
	at := min(len(numbers), partNumbers)
	return numbers[:at], numbers[at:]
}

// WaitReady returns when the server is serving, or with an error when the context ends first.
func (c *Client) WaitReady(ctx context.Context) error {
	for {
		c.conn.Connect()
		reply, err := c.health.Check(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true))
		if err == nil && reply.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("matcher: %s is not serving (connection %s): %w", c.conn.Target(), c.state(), ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *Client) state() connectivity.State { return c.conn.GetState() }

// Violation is one field of a request that the server refuses.
type Violation struct {
	// Field is the path, e.g. "snapshot.orders[3].size".
	Field string
	// Description is a sentence for people.
	Description string
	// Reason is for programs.
	Reason matcherv1.ErrorReason
}

// Error is what a call ends with instead of a reply. errors.As finds it; status.FromError still works on it.
type Error struct {
	Code    codes.Code
	Reason  matcherv1.ErrorReason
	Message string
	// Violations is filled for codes.InvalidArgument.
	Violations []Violation
	// RetryAfter is filled when the server says when to come again.
	RetryAfter time.Duration

	status *status.Status
}

// Error is a sentence with the first violations.
func (e *Error) Error() string {
	text := fmt.Sprintf("matcher: %s: %s", e.Code, e.Message)
	if e.Reason != matcherv1.ErrorReason_ERROR_REASON_UNSPECIFIED {
		text += fmt.Sprintf(" (%s)", e.Reason)
	}
	return text
}

// GRPCStatus lets status.FromError see through the error.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// Is makes errors.Is(err, context.DeadlineExceeded) and context.Canceled hold for the statuses that mean them.
func (e *Error) Is(target error) bool {
	switch {
	case errors.Is(target, context.DeadlineExceeded):
		return e.Code == codes.DeadlineExceeded
	case errors.Is(target, context.Canceled):
		return e.Code == codes.Canceled
	}
	return false
}

// AsError is what the methods of a Client return for an error of a generated stub: an *Error with the server's reason.
// It is nil for nil.
func AsError(err error) error {
	if err == nil {
		return nil
	}
	return asError(err)
}

func asError(err error) error {
	wire := status.Convert(err)
	result := &Error{Code: wire.Code(), Message: wire.Message(), status: wire}
	for _, detail := range wire.Details() {
		switch part := detail.(type) {
		case *errdetails.ErrorInfo:
			result.Reason = reason(part.GetReason())
		case *errdetails.BadRequest:
			for _, violation := range part.GetFieldViolations() {
				result.Violations = append(result.Violations, Violation{
					Field:       violation.GetField(),
					Description: violation.GetDescription(),
					Reason:      reason(violation.GetReason()),
				})
			}
		case *errdetails.RetryInfo:
			result.RetryAfter = part.GetRetryDelay().AsDuration()
		}
	}
	return result
}

// reason is the enum value of that name; UNSPECIFIED for names that this build does not know.
func reason(name string) matcherv1.ErrorReason {
	return matcherv1.ErrorReason(matcherv1.ErrorReason_value[name])
}
