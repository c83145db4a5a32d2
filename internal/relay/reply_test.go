package relay

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/textproto"
	"strings"
	"testing"
)

func TestReadReply(t *testing.T) {
	long := strings.Repeat("x", maxReplyLine-len("250 \r\n"))
	for text, want := range map[string]reply{
		"250\r\n":                                {250, ""},
		"250 \r\n":                               {250, ""},
		"250 Ok\n":                               {250, ""},
		"250 2.1.0\r\n":                          {250, "2.1.0"},
		"250  2.1.0\tOk\r\n":                     {250, "2.1.0"},
		"250 " + long + "\r\n":                   {250, ""},
		"250-one\r\n250-2.0.0 two\r\n250\r\n":    {250, "2.0.0"},
		"550-5.1.1 one\r\n550 5.7.1 two\r\n":     {550, "5.1.1"},
		"450 5.1.1 It contradicts its code\r\n":  {450, ""},
		"550 5.1.1111 Too many digits\r\n":       {550, ""},
		"550 5.1.1x\r\n":                         {550, ""},
		"550 5.1.\r\n":                           {550, ""},
		"550 5.1\r\n":                            {550, ""},
		"550 5..1 \r\n":                          {550, ""},
		"550 +5.1.1\r\n":                         {550, ""},
		"354 Go on\r\n250 and more":              {354, ""},
		"599 5.123.456 Odd, but well-formed\r\n": {599, "5.123.456"},
	} {
		if got, err := readReply(bufio.NewReader(strings.NewReader(text))); err != nil || got != want {
			t.Errorf("%.40q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"\r\n", "2\r\n", "25x Ok\r\n", "250_Ok\r\n", "2500 Ok\r\n", "nonsense\r\n", "120 Wait\r\n", "650 No\r\n", " 250 Ok\r\n",
		"250-one\r\n251 two\r\n", "250-one\r\ntwo\r\n250 three\r\n", "250 x" + long + "\r\n", strings.Repeat("250-more\r\n", maxReplyLines) + "250 end\r\n"} {
		if got, err := readReply(bufio.NewReader(strings.NewReader(text))); !errors.Is(err, errMalformed) || got != (reply{}) {
			t.Errorf("%.40q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "250 no end", "250-one\r\n"} {
		if got, err := readReply(bufio.NewReader(strings.NewReader(text))); !errors.Is(err, io.EOF) || got != (reply{}) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// FuzzReply reads what a relay might say and judges it at every stage. Whatever
// it is, nobody is taken for served or gone without the words for it, and
// textproto agrees on the code.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{"250 2.0.0 Ok\r\n", "354 Go on\r\n250 early\r\n", "550-5.1.1 a\r\n550 b\r\n", "421 4.3.2 Bye\r\n", "250-a\n251 b\n", "554\r\n",
		"5 5.1.1\r\n", "550 5.1.1", "\x00\r\n", "250 2.0.0\r250 2.0.0\n", "450 4.7.1 Slower\r\n", "99999 \r\n", "250-\r\n250-\r\n250 \r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		source := bufio.NewReader(bytes.NewReader(data))
		r, err := readReply(source)
		if err != nil {
			if r != (reply{}) {
				t.Fatalf("%+v came with %v", r, err)
			}
			return
		}
		rest, err := io.ReadAll(source)
		if err != nil {
			t.Fatal(err)
		}
		said := data[:len(data)-len(rest)]
		agree(t, said, r)
		for stage := AtMail; stage <= AtDot; stage++ {
			sensible(t, judge(stage, r), stage, r)
		}
	})
}

// agree compares a reply with what textproto makes of it.
func agree(t *testing.T, said []byte, r reply) {
	t.Helper()
	if lines := bytes.Count(said, []byte("\n")); lines == 0 || lines > maxReplyLines || said[len(said)-1] != '\n' {
		t.Fatalf("%q was read as %d lines", said, lines)
	}
	if r.status != "" && (!bytes.Contains(said, []byte(r.status)) || int(r.status[0]-'0') != r.code/100) {
		t.Fatalf("status %s of %q", r.status, said)
	}
	last := said[bytes.LastIndexByte(said[:len(said)-1], '\n')+1:]
	if len(bytes.TrimRight(last, "\r\n")) == 3 {
		return // a bare code, which textproto does not take
	}
	code, _, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(said))).ReadResponse(0)
	if err != nil || code != r.code {
		t.Fatalf("%q: code %d, textproto says %d, %v", said, r.code, code, err)
	}
}

// sensible checks what must hold of every outcome.
func sensible(t *testing.T, o Outcome, stage Stage, r reply) {
	t.Helper()
	wrong := false
	switch o.Class {
	case Accepted:
		wrong = stage == AtBody || r.code >= 300 && (r.code != 354 || stage != AtData)
	case Uncertain:
		wrong = stage != AtDot || !o.doubtful || r.code >= 400
	case PersonGone:
		wrong = r.code < 500 || r.code == 503 || stage == AtMail || !personGone[r.status]
	case Permanent:
		wrong = r.code < 500 || stage == AtMail
	case Policy:
		wrong = r.code < 400
	case Temporary:
		wrong = r.code >= 505 && r.code != 503 || r.code < 400 && stage == AtDot
	}
	if wrong || o.Stage != stage || o.Class < Accepted || o.Class > Uncertain {
		t.Fatalf("%+v is taken for %+v", r, o)
	}
}
