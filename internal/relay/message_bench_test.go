package relay_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"epistle/internal/relay"
	"epistle/internal/smtptest"
)

// taker is a relay that says yes and allocates nothing while it does.
func taker(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r, out := bufio.NewReaderSize(conn, 64<<10), []byte("220 taker\r\n")
	inBody := false
	for {
		if r.Buffered() == 0 && len(out) > 0 {
			if _, err := conn.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case inBody:
			if len(line) == 3 && line[0] == '.' {
				inBody, out = false, append(out, "250 2.0.0 Ok: taken\r\n"...)
			}
		case bytes.HasPrefix(line, []byte("EHLO")):
			out = append(out, "250-taker\r\n250 PIPELINING\r\n"...)
		case bytes.HasPrefix(line, []byte("DATA")):
			inBody, out = true, append(out, "354 Go on\r\n"...)
		default:
			out = append(out, "250 2.1.0 Ok\r\n"...)
		}
	}
}

// BenchmarkMessage is a message of 27 KB over a connection on loopback, its
// envelope announced with the dot of the one before.
func BenchmarkMessage(b *testing.B) {
	theirs, ours := smtptest.Certificates(b)
	data := []byte("Subject: Hello\r\n\r\n" + strings.Repeat(strings.Repeat("x", 70)+"\r\n", 27<<10/72))
	for _, secured := range []bool{false, true} {
		name := "plain"
		if secured {
			name = "tls"
		}
		b.Run(name, func(b *testing.B) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			o := relay.Options{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, Security: relay.Plain}
			if secured {
				o.Security, o.TLS = relay.Implicit, ours
				listener = tls.NewListener(listener, theirs)
			}
			go func() {
				if conn, err := listener.Accept(); err == nil {
					taker(conn)
				}
			}()
			conn, err := relay.Dial(b.Context(), o)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			e := relay.Envelope{From: from, To: to}
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				o, _ := conn.Begin(e, nil)
				if o.Class == relay.Accepted {
					o = conn.Body(data)
				}
				if o.Class == relay.Accepted {
					o = conn.End(&e)
				}
				if o.Class != relay.Accepted {
					b.Fatalf("%+v", o)
				}
			}
		})
	}
}
