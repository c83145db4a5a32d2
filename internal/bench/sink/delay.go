package sink

import (
	"bytes"
	"context"
	"net"
	"sync"
	"time"
)

// DelayLine passes bytes on to a server, each after a fixed time, both ways. It
// delays and does not slow down: what was written together arrives together.
// Connecting takes no time.
type DelayLine struct {
	listener net.Listener
	target   string
	oneWay   time.Duration
	group    sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool // nil once closed
}

// NewDelayLine opens a line to a server with a round trip of so long.
func NewDelayLine(ctx context.Context, target string, roundTrip time.Duration) (*DelayLine, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &DelayLine{listener: listener, target: target, oneWay: roundTrip / 2, conns: map[net.Conn]bool{}}
	d.group.Go(func() { d.accept(ctx) })
	return d, nil
}

// Addr is host:port.
func (d *DelayLine) Addr() string { return d.listener.Addr().String() }

// Close cuts the line.
func (d *DelayLine) Close() error {
	d.mu.Lock()
	err := d.listener.Close()
	for conn := range d.conns {
		_ = conn.Close() // both ends see it
	}
	d.conns = nil
	d.mu.Unlock()
	d.group.Wait()
	return err
}

func (d *DelayLine) accept(ctx context.Context) {
	for {
		near, err := d.listener.Accept()
		if err != nil {
			return
		}
		far, err := new(net.Dialer).DialContext(ctx, "tcp", d.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		if !d.enter(near, far) {
			return
		}
		var both sync.WaitGroup
		both.Go(func() { d.carry(far, near) })
		both.Go(func() { d.carry(near, far) })
		d.group.Go(func() {
			both.Wait()
			d.leave(near, far)
		})
	}
}

func (d *DelayLine) enter(conns ...net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, conn := range conns {
		if d.conns == nil {
			_ = conn.Close()
			continue
		}
		d.conns[conn] = true
	}
	return d.conns != nil
}

func (d *DelayLine) leave(conns ...net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
		delete(d.conns, conn)
	}
}

// parcel is what was read at once.
type parcel struct {
	due  time.Time
	data []byte
}

// The line holds no more than this on its way, far more than a round trip of a
// busy connection has.
const (
	parcelSize    = 32 << 10
	parcelsOnLine = 256
)

// carry passes on what comes from one end until that end is done, then hangs up
// on the other.
func (d *DelayLine) carry(to, from net.Conn) {
	line := make(chan parcel, parcelsOnLine)
	var writer sync.WaitGroup
	writer.Go(func() {
		for p := range line {
			if wait := time.Until(p.due); wait > 0 {
				time.Sleep(wait)
			}
			if _, err := to.Write(p.data); err != nil {
				_ = from.Close() // then the reading ends
			}
		}
	})
	buffer := make([]byte, parcelSize)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			line <- parcel{due: time.Now().Add(d.oneWay), data: bytes.Clone(buffer[:n])}
		}
		if err != nil {
			break
		}
	}
	close(line)
	writer.Wait()
	_ = to.Close()
}
