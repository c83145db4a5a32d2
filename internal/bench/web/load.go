package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// connections is how many visitors there are at once. Each keeps its connection.
const connections = 64

// load is requests to a server, made with as little work of our own as can be,
// since the server has the same two cores.
type load struct {
	address string
	request func(b []byte, n int64) []byte // appends the n-th request
	length  int64                          // of every answer; 0: it does not matter
}

// run makes requests until there were so many, or ctx ends, and returns how many
// were answered with 200 and the mean time that one took. Any other answer is an
// error.
func (l load) run(ctx context.Context, most int64) (answered int64, each time.Duration, err error) {
	var next, done, waited atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range connections {
		group.Go(func() error {
			v, err := l.visit(ctx)
			if err != nil {
				return err
			}
			defer func() { _ = v.conn.Close() }()
			for n := next.Add(1) - 1; n < most && ctx.Err() == nil; n = next.Add(1) - 1 {
				began := time.Now()
				if err := v.ask(n); err != nil {
					return fmt.Errorf("request %d: %w", n, err)
				}
				waited.Add(int64(time.Since(began)))
				done.Add(1)
			}
			return nil
		})
	}
	err = group.Wait()
	return done.Load(), time.Duration(waited.Load() / max(1, done.Load())), err
}

// visitor is one connection that is kept.
type visitor struct {
	load
	conn   net.Conn
	answer *bufio.Reader
	buffer []byte
}

func (l load) visit(ctx context.Context) (*visitor, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, err
	}
	return &visitor{load: l, conn: conn, answer: bufio.NewReaderSize(conn, 64<<10)}, conn.SetDeadline(time.Now().Add(time.Minute))
}

func (v *visitor) ask(n int64) error {
	v.buffer = v.request(v.buffer[:0], n)
	if _, err := v.conn.Write(v.buffer); err != nil {
		return err
	}
	length, err := v.head()
	if err != nil {
		return err
	}
	if v.length > 0 && length != v.length {
		return fmt.Errorf("an answer of %d bytes instead of %d", length, v.length)
	}
	_, err = v.answer.Discard(int(length))
	return err
}

// head reads an answer's head and returns how long its body is.
func (v *visitor) head() (length int64, err error) {
	line, err := v.answer.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
		return 0, fmt.Errorf("answered %q", bytes.TrimSpace(line))
	}
	for length = -1; ; {
		line, err := v.answer.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		if value, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, errors.New("the answer does not say how long it is")
	}
	return length, nil
}

// get reads one page as a visitor would, for what stands in it.
func get(ctx context.Context, address, path string) (body string, err error) {
	v, err := load{address: address}.visit(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, v.conn.Close()) }()
	if _, err := v.conn.Write(getRequest(nil, path)); err != nil {
		return "", err
	}
	length, err := v.head()
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	text, err := io.ReadAll(io.LimitReader(v.answer, length))
	return string(text), err
}

func getRequest(b []byte, path string) []byte {
	return append(append(append(b, "GET "...), path...), " HTTP/1.1\r\nHost: bench.example.org\r\nAccept-Language: en\r\n\r\n"...)
}
