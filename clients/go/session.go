package matcher

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	matcherv1 "github.com/matcher/matcher/clients/go/matcher/v1"
)

// Session is a market held by the server: a snapshot once, then what changes, and a decision whenever one is asked for.
// It is for one goroutine at a time. After an error it is of no use: open another one and send a full snapshot.
type Session struct {
	stream grpc.BidiStreamingClient[matcherv1.StreamMatchRequest, matcherv1.StreamMatchResponse]
	next   int64
	cancel context.CancelFunc
}

// OpenSession begins a session; it ends with the context, or with Close.
func (c *Client) OpenSession(ctx context.Context, options ...grpc.CallOption) (*Session, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := c.matching.StreamMatch(ctx, options...)
	if err != nil {
		cancel()
		return nil, asError(err)
	}
	return &Session{stream: stream, next: 1, cancel: cancel}, nil
}

// Send sends one message and returns what became of it. The first message has a snapshot. The session numbers its
// messages; a message that was rejected has not used its number, so the corrected one gets it again. What is wrong with
// a message is in the response; an error means that the session has ended, and is an *Error when the server said why.
func (s *Session) Send(request *matcherv1.StreamMatchRequest) (*matcherv1.StreamMatchResponse, error) {
	if request.Sequence == 0 {
		request.Sequence = s.next
	}
	// On a broken stream Send says io.EOF, and Recv why.
	if err := s.stream.Send(request); err != nil && !errors.Is(err, io.EOF) {
		return nil, asError(err)
	}
	response, err := s.stream.Recv()
	if errors.Is(err, io.EOF) {
		return nil, asError(status.Error(codes.Unavailable, "the session has ended"))
	}
	if err != nil {
		return nil, asError(err)
	}
	s.next = response.NextSequence
	return response, nil
}

// Close ends the session.
func (s *Session) Close() {
	_ = s.stream.CloseSend()
	s.cancel()
}
