package sink

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Load is a burst of mail from a client that does nothing else: it shows how
// fast a server is.
type Load struct {
	Addr        string
	Connections int
	Mails       int // over all connections
	Size        int // bytes of a mail
}

// Send sends it all. Each write carries a mail, its dot and the commands of the
// next one, and waits for the replies.
func (l Load) Send(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for n := range l.Connections {
		share := l.Mails / l.Connections
		if n < l.Mails%l.Connections {
			share++
		}
		group.Go(func() error { return l.sendOver(ctx, n, share) })
	}
	return group.Wait()
}

const (
	offer    = "MAIL FROM:<load@sink.example>\r\nRCPT TO:<reader@sink.example>\r\nDATA\r\n"
	numbered = "0000000000" // where the number of a mail stands
)

func (l Load) sendOver(ctx context.Context, connection, count int) (err error) {
	if count == 0 {
		return nil
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	replies := bufio.NewReader(conn)
	if err := expect(replies, "220"); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("HELO load\r\n" + offer)); err != nil {
		return err
	}
	if err := expect(replies, "250", "250", "250", "354"); err != nil {
		return err
	}
	parcel := l.parcel(connection)
	place := bytes.Index(parcel, []byte(numbered))
	for i := range count {
		next, want := parcel, []string{"250", "250", "250", "354"}
		if i == count-1 {
			next, want = parcel[:len(parcel)-len(offer)], want[:1]
		}
		copy(next[place:], fmt.Appendf(nil, "%0*d", len(numbered), i))
		if _, err := conn.Write(next); err != nil {
			return err
		}
		if err := expect(replies, want...); err != nil {
			return err
		}
	}
	return nil
}

// parcel is a mail with its dot and the offer of the next.
func (l Load) parcel(connection int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: <load@sink.example>\r\nTo: <reader@sink.example>\r\nMessage-ID: <%d.%s@sink.example>\r\nSubject: Load\r\n\r\n", connection, numbered)
	row := strings.Repeat("x", 70) + "\r\n"
	for b.Len() < l.Size-len(row) {
		b.WriteString(row)
	}
	b.WriteString(strings.Repeat("x", max(0, l.Size-b.Len()-2)) + "\r\n.\r\n" + offer)
	return b.Bytes()
}

func expect(replies *bufio.Reader, codes ...string) error {
	for _, code := range codes {
		line, err := replies.ReadSlice('\n')
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(line, []byte(code)) {
			return fmt.Errorf("the server answered %.40q where %s was due", line, code)
		}
	}
	return nil
}
