// Caller makes calls to a server and prints what it saw of each: the benches' caller, so that no Python shares the
// processors with the server that they measure.
//
//	caller -target ADDRESS -data FILE [-method PATH] [-callers N] [-calls N | -seconds S] [-rate PER_SECOND]
//
// Callers make one call after the other, on one connection; with -rate calls start when they are due, whatever became of
// those before. The bytes of FILE are sent as they are, without retries; with -shipped our client sends them, by the
// shared service config, until standard input ends.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	matcher "github.com/matcher/matcher/clients/go"
	matcherv1 "github.com/matcher/matcher/clients/go/matcher/v1"
)

// seen has an entry a call in every column, in the order in which calls ended.
type seen struct {
	Code       []int     `json:"code"`    // of gRPC
	BeganS     []float64 `json:"began_s"` // since the first
	TookMs     []float64 `json:"took_ms"`
	LeftMs     []float64 `json:"left_ms"` // of the deadline, when the answer was there
	PushedBack []bool    `json:"pushed_back"`
	Bytes      []int     `json:"bytes"`
}

type bytesCodec struct{}

func (bytesCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (bytesCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = slices.Clone(data)
	return nil
}
func (bytesCodec) Name() string { return "proto" }

var (
	target   = flag.String("target", "", "address of the server")
	file     = flag.String("data", "", "file with the request")
	method   = flag.String("method", "/matcher.v1.MatchingService/Match", "method to call")
	callers  = flag.Int("callers", 1, "callers at once")
	calls    = flag.Int("calls", 0, "calls of all callers together; 0: as many as the time allows")
	seconds  = flag.Float64("seconds", 0, "time to start calls in; 0: no limit")
	rate     = flag.Float64("rate", 0, "calls a second, however long they take; 0: one after the other")
	least    = flag.Float64("least-ms", 60_000, "shortest deadline")
	most     = flag.Float64("most-ms", 60_000, "longest deadline; they are spread evenly")
	pause    = flag.Float64("pause-ms", 0, "time between a caller's calls")
	cancel   = flag.Float64("cancel-share", 0, "share of the calls that are cancelled, at some moment of cancel-ms")
	cancelMs = flag.Float64("cancel-ms", 4, "longest life of a call that is cancelled")
	seed     = flag.Int64("seed", 1, "of deadlines and cancellations")
	shipped  = flag.Bool("shipped", false, "call as our client does, until standard input ends")
)

type caller func(context.Context, *bool) (int, error)

// load is what a run keeps of its calls.
type load struct {
	call  caller
	began time.Time
	guard sync.Mutex
	dice  *rand.Rand
	seen  seen
}

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	request, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	call, closed, err := connected(request)
	if err != nil {
		return err
	}
	defer closed()
	work := &load{call: call, began: time.Now(), dice: rand.New(rand.NewSource(*seed))}
	if *rate > 0 {
		work.whenDue()
	} else {
		work.inTurn()
	}
	return json.NewEncoder(os.Stdout).Encode(&work.seen)
}

// connected gives a function that makes one call and returns the size of its reply.
func connected(request []byte) (caller, func(), error) {
	if *shipped {
		var message matcherv1.MatchRequest
		if err := proto.Unmarshal(request, &message); err != nil {
			return nil, nil, err
		}
		client, err := matcher.Dial(*target)
		if err != nil {
			return nil, nil, err
		}
		call := func(ctx context.Context, _ *bool) (int, error) {
			decision, err := client.Match(ctx, &message)
			return proto.Size(decision), err
		}
		return call, func() { _ = client.Close() }, nil
	}
	conn, err := grpc.NewClient(*target, append(matcher.FixedWindows(),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableRetry(),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true), grpc.ForceCodec(bytesCodec{}),
			grpc.MaxCallRecvMsgSize(matcher.MaxMessageBytes), grpc.MaxCallSendMsgSize(matcher.MaxMessageBytes)))...)
	if err != nil {
		return nil, nil, err
	}
	call := func(ctx context.Context, pushedBack *bool) (int, error) {
		var reply []byte
		var trailer metadata.MD
		err := conn.Invoke(ctx, *method, &request, &reply, grpc.Trailer(&trailer))
		*pushedBack = len(trailer.Get("grpc-retry-pushback-ms")) > 0
		return len(reply), err
	}
	return call, func() { _ = conn.Close() }, nil
}

// one makes a call and notes its outcome.
func (l *load) one() {
	l.guard.Lock()
	patience := time.Duration((*least + l.dice.Float64()*(*most-*least)) * float64(time.Millisecond))
	cancelled, life := l.dice.Float64() < *cancel, time.Duration(l.dice.Float64()**cancelMs*float64(time.Millisecond))
	l.guard.Unlock()
	begin := time.Now()
	end := begin.Add(patience)
	ctx, stop := context.WithDeadline(context.Background(), end)
	defer stop()
	if cancelled {
		defer time.AfterFunc(life, stop).Stop()
	}
	var pushedBack bool
	size, err := l.call(ctx, &pushedBack)
	now := time.Now()
	l.guard.Lock()
	defer l.guard.Unlock()
	code := status.Code(err)
	if refused := (*matcher.Error)(nil); errors.As(err, &refused) {
		code = refused.Code
	}
	l.seen.Code = append(l.seen.Code, int(code))
	l.seen.BeganS = append(l.seen.BeganS, begin.Sub(l.began).Seconds())
	l.seen.TookMs = append(l.seen.TookMs, now.Sub(begin).Seconds()*1e3)
	l.seen.LeftMs = append(l.seen.LeftMs, end.Sub(now).Seconds()*1e3)
	l.seen.PushedBack = append(l.seen.PushedBack, pushedBack)
	l.seen.Bytes = append(l.seen.Bytes, size)
}

// inTurn has callers that each make one call after the other.
func (l *load) inTurn() {
	var stopped atomic.Bool
	if *shipped {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stopped.Store(true)
		}()
	}
	var all sync.WaitGroup
	for i := range *callers {
		share := *calls / *callers
		if i < *calls%*callers {
			share++
		}
		all.Add(1)
		go func() {
			defer all.Done()
			for made := 0; (*calls == 0 || made < share) && !l.over() && !stopped.Load(); made++ {
				l.one()
				time.Sleep(time.Duration(*pause * float64(time.Millisecond)))
			}
		}()
	}
	all.Wait()
}

// whenDue starts calls by the clock.
func (l *load) whenDue() {
	var all sync.WaitGroup
	for sent := 0; !l.over() && (*calls == 0 || sent < *calls); {
		for ; float64(sent) < time.Since(l.began).Seconds()**rate; sent++ {
			all.Add(1)
			go func() {
				defer all.Done()
				l.one()
			}()
		}
		time.Sleep(time.Millisecond)
	}
	all.Wait()
}

func (l *load) over() bool { return *seconds > 0 && time.Since(l.began).Seconds() >= *seconds }
