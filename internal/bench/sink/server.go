package sink

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Server listens on loopback and takes mail until it is closed.
type Server struct {
	Options
	listener net.Listener
	taken    atomic.Int64
	group    sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	sessions map[*session]bool
	ended    []*record // of sessions that are over
}

// Options says how a server behaves.
type Options struct {
	// Aside is an address whose mails are taken and not recorded: staff get
	// notices while an issue goes out.
	Aside string
	// Digest has a digest of every mail recorded, to tell whether copies are
	// the same.
	Digest bool
	// Weather makes a bad relay, if it is set. Sessions call it at once.
	Weather func(Moment) Fault
	// OneByOne does not offer PIPELINING.
	OneByOne bool
}

// Listen opens a server on a free port of 127.0.0.1 and begins to serve.
func Listen(ctx context.Context, o Options) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{Options: o, listener: listener, sessions: map[*session]bool{}}
	s.group.Go(s.accept)
	return s, nil
}

// Addr is host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Taken counts the mails since the last Collect.
func (s *Server) Taken() int64 { return s.taken.Load() }

// Collect hands over what was recorded since the last call, or since the
// beginning, and begins anew.
func (s *Server) Collect() Recording {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := Recording{}
	for _, r := range s.ended {
		all.add(r.take())
	}
	s.ended = nil
	for session := range s.sessions {
		all.add(session.record.take())
	}
	s.taken.Add(-all.Count)
	return all
}

// Close hangs up on everybody and returns when all sessions have ended.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	err := s.listener.Close()
	for session := range s.sessions {
		_ = session.conn.Close() // it is over in any case
	}
	s.mu.Unlock()
	s.group.Wait()
	return err
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(time.Millisecond) // out of descriptors, perhaps: somebody will hang up
			continue
		}
		session := newSession(s, conn)
		if !s.enter(session) {
			_ = conn.Close()
			return
		}
		s.group.Go(func() {
			session.serve()
			s.leave(session)
		})
	}
}

func (s *Server) enter(session *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.sessions[session] = true
	}
	return !s.closed
}

func (s *Server) leave(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session)
	s.ended = append(s.ended, session.record)
	_ = session.conn.Close()
}
