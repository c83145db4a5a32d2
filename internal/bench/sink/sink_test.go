package sink_test

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"epistle/internal/bench/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listen(t *testing.T, o sink.Options) *sink.Server {
	t.Helper()
	o.Aside = "staff@b.example"
	s, err := sink.Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// untilTheEnd is the number of replies of a conversation that the server ends.
const untilTheEnd = -1

// talk writes the pieces one by one and returns the replies up to the last.
func talk(t *testing.T, addr string, pieces []string, replies int) []string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	var all []string
	for i := 0; len(all) != replies; {
		if i < len(pieces) && len(all) > 0 { // not before the greeting
			if _, err := conn.Write([]byte(pieces[i])); err != nil {
				t.Fatal(err)
			}
			i++
			continue
		}
		line, err := r.ReadString('\n')
		if err != nil && replies == untilTheEnd {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimSpace(line))
	}
	return all
}

const mail = "DKIM-Signature: v=1;\r\n b=x\r\nFrom: <a@b.example>\r\nto: Kim <grace@one.example>\r\nMessage-Id:\r\n <first@b.example>\r\n" +
	"List-Unsubscribe: <https://b.example/u/tok-1>,\r\n <mailto:x@b.example>\r\n\r\nbody\r\n..\r\n.x\r\n.\n.\r\r\n"

func conversation() string {
	offer := "MAIL FROM:<b+1@b.example>\r\nRCPT TO:<grace@one.example>\r\nDATA\r\n"
	empty := "mail from:<>\r\nrcpt to:<other@two.example>\r\ndata\r\n.\r\n"
	big := offer + "Message-ID: <big@b.example>\r\n\r\n" + strings.Repeat(strings.Repeat("y", 76)+"\r\n", 4000) + ".\r\n"
	notice := "MAIL FROM:<a@b.example>\r\nRCPT TO:<staff@b.example>\r\nDATA\r\nSubject: Sent\r\n.\r\n"
	return "EHLO me\r\nDATA\r\n" + offer + mail + ".\r\n" + notice + empty + big + "NONSENSE\r\nQUIT\r\n"
}

func check(t *testing.T, r sink.Recording) {
	t.Helper()
	got := slices.Collect(r.Mails())
	for i := range got {
		got[i].Digest = 0
	}
	want := []sink.Mail{
		{From: "b+1@b.example", To: "grace@one.example", Addressed: true, Signed: true, MessageID: "first@b.example", Leave: "tok-1"},
		{To: "other@two.example"},
		{From: "b+1@b.example", To: "grace@one.example", MessageID: "big@b.example"},
	}
	if r.Count != 3 || !slices.Equal(got, want) {
		t.Errorf("recorded %d: %+v", r.Count, got)
	}
	if size := int64(len(mail) + 31 + 4000*78); r.Bytes != size {
		t.Errorf("%d bytes, want %d", r.Bytes, size)
	}
}

func TestMailIsRecordedHoweverItIsCut(t *testing.T) {
	s := listen(t, sink.Options{Digest: true})
	text := conversation()
	var digests []uint64
	for _, size := range []int{1, 2, 3, 5, 7, 79, 1000, 65536, len(text)} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var pieces []string
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				if size < 79 && len(pieces) > 1000 {
					n = min(4096, len(rest)) // the header was enough
				}
				pieces, rest = append(pieces, rest[:n]), rest[n:]
			}
			replies := talk(t, s.Addr(), pieces, 1+5+1+4*4+2)
			want := "220 250 250 250 250 250 503 250 250 354 250 250 250 354 250 250 250 354 250 250 250 354 250 502 221"
			var codes []string
			for _, r := range replies {
				codes = append(codes, r[:3])
			}
			if got := strings.Join(codes, " "); got != want {
				t.Errorf("replies\n%s, want\n%s", got, want)
			}
			if taken := s.Taken(); taken != 3 {
				t.Errorf("%d taken", taken)
			}
			r := s.Collect()
			check(t, r)
			var these []uint64
			for m := range r.Mails() {
				these = append(these, m.Digest)
			}
			if slices.Contains(these, 0) || these[0] == these[1] || digests != nil && !slices.Equal(digests, these) {
				t.Errorf("digests %v, before %v", these, digests)
			}
			digests = these
			if s.Taken() != 0 || s.Collect().Count != 0 {
				t.Error("collecting did not begin anew")
			}
		})
	}
}

func TestLoadArrives(t *testing.T) {
	s := listen(t, sink.Options{})
	if err := (sink.Load{Addr: s.Addr(), Connections: 3, Mails: 100, Size: 5000}).Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, ids := s.Collect(), map[string]bool{}
	for m := range r.Mails() {
		ids[m.MessageID] = true
	}
	if r.Count != 100 || len(ids) != 100 || r.Bytes != 100*5000 {
		t.Errorf("%d mails, %d ids, %d bytes", r.Count, len(ids), r.Bytes)
	}
}

func TestADelayLineDelaysOnceWhatIsWrittenTogether(t *testing.T) {
	s := listen(t, sink.Options{})
	const roundTrip = 100 * time.Millisecond
	line, err := sink.NewDelayLine(t.Context(), s.Addr(), roundTrip)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := line.Close(); err != nil {
			t.Error(err)
		}
	}()
	began := time.Now()
	talk(t, line.Addr(), []string{"EHLO me\r\nNOOP\r\nNOOP\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"}, 11)
	// The greeting takes half a round trip and everything else together one; one
	// by one they would take six.
	if took := time.Since(began); took < roundTrip*3/2 || took > 5*roundTrip {
		t.Errorf("it took %v", took)
	}
}
