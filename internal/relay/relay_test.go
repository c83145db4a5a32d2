package relay_test

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"epistle/internal/epistle"
	"epistle/internal/relay"
	"epistle/internal/smtptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	from = "letters@ministry.example.org"
	to   = "grace@example.org"
)

var mail = []byte("Subject: Hello\r\n\r\n.a dot\r\n..two\r\nend\r\n")

func dial(t *testing.T, s *smtptest.Server, change func(*relay.Options)) (*relay.Conn, error) {
	t.Helper()
	o, err := relay.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&o)
	}
	conn, err := relay.Dial(t.Context(), o)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, err
}

func trouble(err error) relay.Trouble {
	var e *relay.DialError
	if errors.As(err, &e) {
		return e.Trouble
	}
	return ""
}

func TestMessagesArriveAsTheyWereGiven(t *testing.T) {
	server := smtptest.Start(t, smtptest.Options{})
	conn, err := dial(t, server, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if o := conn.Send(from, to, mail); o.Class != relay.Accepted || o.Code != 250 || o.Status != "2.0.0" {
			t.Fatalf("outcome: %+v", o)
		}
	}
	got := server.Messages()
	if len(got) != 3 || server.Dials() != 1 {
		t.Fatalf("%d messages over %d connections, want 3 over 1", len(got), server.Dials())
	}
	if string(got[0].Data) != string(mail) || got[0].From != from || got[0].To != to {
		t.Errorf("it came as from %s to %s:\n%q", got[0].From, got[0].To, got[0].Data)
	}
	if err := conn.Quit(); err != nil || !conn.Closed() {
		t.Errorf("quit: %v", err)
	}
	if o := conn.Send(from, to, mail); o.Class != relay.Temporary {
		t.Errorf("over a closed connection: %+v", o)
	}
}

func TestWhatARefusalMeans(t *testing.T) {
	for _, c := range []struct {
		stage smtptest.Stage
		reply string
		class relay.Class
		over  bool // the connection is given up
	}{
		{smtptest.Mail, "451 4.3.0 Try later", relay.Temporary, false},
		{smtptest.Mail, "421 4.3.2 Going down", relay.Temporary, true},
		{smtptest.Mail, "550 5.7.1 Not this sender", relay.Policy, false},
		{smtptest.Mail, "553 Sender address rejected", relay.Policy, false},
		{smtptest.Mail, "550 5.1.1 Unknown sender", relay.Policy, false},
		{smtptest.Mail, "503 Bad sequence", relay.Temporary, true},
		{smtptest.Mail, "500 What?", relay.Temporary, true},
		{smtptest.Mail, "530 5.7.0 Authentication required", relay.Policy, false},
		{smtptest.Rcpt, "450 4.2.0 Greylisted", relay.Temporary, false},
		{smtptest.Rcpt, "450 4.7.1 Slow down", relay.Policy, false},
		{smtptest.Rcpt, "450-4.2.1 first\r\n450 4.2.1 second", relay.Temporary, false},
		{smtptest.Rcpt, "550 5.1.1 No such user", relay.PersonGone, false},
		{smtptest.Rcpt, "550-No such user here.\r\n550 5.1.1 Really", relay.PersonGone, false},
		{smtptest.Rcpt, "550 5.1.2 No such domain", relay.PersonGone, false},
		{smtptest.Rcpt, "501 5.1.3 Bad address", relay.PersonGone, false},
		{smtptest.Rcpt, "551 5.1.6 Moved", relay.PersonGone, false},
		{smtptest.Rcpt, "556 5.1.10 Null MX", relay.PersonGone, false},
		{smtptest.Rcpt, "550 5.2.1 Disabled", relay.PersonGone, false},
		{smtptest.Rcpt, "552 5.2.2 Mailbox full", relay.Permanent, false},
		{smtptest.Rcpt, "550 No such user", relay.Permanent, false},
		{smtptest.Rcpt, "550 5.7.1 Refused", relay.Policy, false},
		{smtptest.Rcpt, "450 5.1.1 A status that contradicts its code", relay.Temporary, false},
		{smtptest.Rcpt, "550 5.1.11 Something else", relay.Permanent, false},
		{smtptest.Data, "451 4.3.0 Not now", relay.Temporary, false},
		{smtptest.Data, "554 5.5.1 No valid recipients", relay.Policy, false},
		{smtptest.Body, "451 4.3.0 Not now", relay.Temporary, false},
		{smtptest.Body, "550 5.1.1 After all, no such user", relay.PersonGone, false},
		{smtptest.Body, "552 Too large", relay.Policy, false},
		{smtptest.Body, "554 5.7.1 Spam", relay.Policy, false},
		{smtptest.Body, "552 5.2.2 Mailbox full", relay.Permanent, false},
		{smtptest.Body, "554 5.1.4 Ambiguous address", relay.Permanent, false},
		{smtptest.Body, "554 5.6.0 Content", relay.Policy, false},
		{smtptest.Body, "550 5.3.4 Too big", relay.Permanent, false},
		{smtptest.Body, "421 4.3.2 Going down", relay.Temporary, true},
		{smtptest.Body, "354 What?", relay.Uncertain, true},
		{smtptest.Body, "nonsense", relay.Uncertain, true},
		{smtptest.Body, "2", relay.Uncertain, true},
		{smtptest.Data, "250 Taken without a body?", relay.Temporary, true},
		{smtptest.Rcpt, "250-no end", relay.Temporary, true},
	} {
		t.Run(string(c.stage)+" "+c.reply, func(t *testing.T) {
			ways(t, func(t *testing.T, w way) {
				var patience relay.Timeouts
				if strings.HasSuffix(c.reply, "no end") {
					patience.Command = 100 * time.Millisecond
				}
				_, conn := w.start(t, smtptest.Options{Script: once(at(c.stage, 1), smtptest.Action{Reply: c.reply})}, relay.Options{Timeouts: patience})
				if o := conn.Send(from, to, mail); o.Class != c.class || conn.Closed() != c.over {
					t.Fatalf("class %s, closed %t; want %s, %t (%+v)", o.Class, conn.Closed(), c.class, c.over, o)
				}
			})
		})
	}
}

func TestAfterARefusalTheNextMessageGoesThrough(t *testing.T) {
	for _, stage := range []smtptest.Stage{smtptest.Mail, smtptest.Rcpt, smtptest.Data, smtptest.Body} {
		ways(t, func(t *testing.T, w way) {
			server, conn := w.start(t, smtptest.Options{Script: once(at(stage, 1), smtptest.Action{Reply: "450 4.2.0 Later"})}, relay.Options{})
			if o := conn.Send(from, to, mail); o.Class != relay.Temporary {
				t.Fatalf("%s: %+v", stage, o)
			}
			if o := conn.Send(from, to, mail); o.Class != relay.Accepted || server.Dials() != 1 {
				t.Errorf("the message after a refusal at %s: %+v", stage, o)
			}
		})
	}
}

func TestTheEndOfTheContextEndsTheWait(t *testing.T) {
	gate := smtptest.NewGate(smtptest.Body)
	server := smtptest.Start(t, smtptest.Options{Script: gate.Script})
	conn, err := dial(t, server, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		gate.Wait(t)
		cancel()
	}()
	conn.CloseWhen(ctx)
	if o := conn.Send(from, to, mail); o.Class != relay.Uncertain || !conn.Closed() {
		t.Errorf("%+v, closed %t", o, conn.Closed())
	}

	silent := smtptest.Start(t, smtptest.Options{Script: func(smtptest.Step) smtptest.Action { return smtptest.Action{Silence: true} }})
	o, err := relay.Parse(silent.URL())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := relay.Dial(ctx, o); trouble(err) != relay.Unreachable {
		t.Errorf("dialling one who says nothing: %v", err)
	}
}

func TestTLSIsNeverDoneWithout(t *testing.T) {
	theirs, ours := smtptest.Certificates(t)
	_, strangers := smtptest.Certificates(t)
	withTLS := func(config *tls.Config) func(*relay.Options) {
		return func(o *relay.Options) { o.Security, o.TLS = relay.StartTLS, config }
	}
	for name, c := range map[string]struct {
		server  smtptest.Options
		change  func(*relay.Options)
		trouble relay.Trouble
	}{
		"works":               {smtptest.Options{TLS: theirs}, withTLS(ours), ""},
		"not offered":         {smtptest.Options{}, withTLS(ours), relay.BadTLS},
		"unknown certificate": {smtptest.Options{TLS: theirs}, withTLS(strangers), relay.BadTLS},
		"refused": {smtptest.Options{TLS: theirs, Script: func(s smtptest.Step) smtptest.Action {
			if s.Stage == smtptest.StartTLS {
				return smtptest.Action{Reply: "454 4.7.0 TLS is not available"}
			}
			return smtptest.Action{}
		}}, withTLS(ours), relay.BadTLS},
		"broken off": {smtptest.Options{TLS: theirs, Script: func(s smtptest.Step) smtptest.Action {
			return smtptest.Action{HangUp: s.Stage == smtptest.StartTLS}
		}}, withTLS(ours), relay.Unreachable},
		"garbage": {smtptest.Options{TLS: theirs, Script: func(s smtptest.Step) smtptest.Action {
			if s.Stage == smtptest.StartTLS {
				return smtptest.Action{Reply: "220 Ready\r\n250-What\r\n250 AUTH PLAIN", Leave: true}
			}
			return smtptest.Action{}
		}}, withTLS(ours), relay.Unreachable},
		"another host": {smtptest.Options{TLS: theirs}, func(o *relay.Options) {
			o.Security, o.TLS = relay.StartTLS, ours.Clone()
			o.TLS.ServerName = "relay.example.org"
		}, relay.BadTLS},
		"implicit":             {smtptest.Options{TLS: theirs, Implicit: true}, func(o *relay.Options) { o.Security, o.TLS = relay.Implicit, ours }, ""},
		"implicit, to a plain": {smtptest.Options{}, func(o *relay.Options) { o.Security, o.TLS = relay.Implicit, ours }, relay.BadTLS},
	} {
		t.Run(name, func(t *testing.T) {
			server := smtptest.Start(t, c.server)
			conn, err := dial(t, server, c.change)
			if trouble(err) != c.trouble || (err == nil) != (c.trouble == "") {
				t.Fatalf("dial: %v, want trouble %q", err, c.trouble)
			}
			if err != nil {
				return
			}
			if o := conn.Send(from, to, mail); o.Class != relay.Accepted {
				t.Errorf("%+v", o)
			}
		})
	}
}

func TestAuth(t *testing.T) {
	for password, want := range map[string]relay.Trouble{"right": "", "wrong": relay.BadAuth} {
		server := smtptest.Start(t, smtptest.Options{User: "ministry", Password: "right"})
		conn, err := dial(t, server, func(o *relay.Options) { o.User, o.Password = "ministry", password })
		if trouble(err) != want || (err == nil) != (want == "") {
			t.Fatalf("password %s: %v", password, err)
		}
		if err != nil {
			if strings.Contains(err.Error(), password) {
				t.Error("the error tells the password")
			}
			continue
		}
		if o := conn.Send(from, to, mail); o.Class != relay.Accepted {
			t.Errorf("%+v", o)
		}
	}
	server := smtptest.Start(t, smtptest.Options{})
	if _, err := dial(t, server, func(o *relay.Options) { o.User, o.Password = "ministry", "right" }); trouble(err) != relay.BadAuth {
		t.Errorf("a relay without AUTH got our mail unauthenticated: %v", err)
	}
}

func TestTheRelaysWordsStayOutOfErrors(t *testing.T) {
	const words = "grace@example.org"
	server := smtptest.Start(t, smtptest.Options{Script: func(step smtptest.Step) smtptest.Action {
		switch step.Stage {
		case smtptest.Hello:
			if step.Conn == 1 {
				return smtptest.Action{Reply: "550 We know you, " + words}
			}
		case smtptest.Data:
			return smtptest.Action{Reply: "250 " + words}
		}
		return smtptest.Action{}
	}})
	if _, err := dial(t, server, nil); err == nil || strings.Contains(err.Error(), words) {
		// HELO is tried after EHLO; both are refused.
		t.Errorf("dial: %v", err)
	}
	conn, err := dial(t, server, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o := conn.Send(from, to, mail); o.Err == nil || strings.Contains(o.Err.Error(), words) {
		t.Errorf("send: %+v", o)
	}
}

func TestParse(t *testing.T) {
	for raw, want := range map[string]relay.Options{
		"smtp://relay.example.org":               {Host: "relay.example.org", Port: 587, Security: relay.StartTLS},
		"smtp://u:p%40ss@relay.example.org:2525": {Host: "relay.example.org", Port: 2525, Security: relay.StartTLS, User: "u", Password: "p@ss"},
		"smtps://relay.example.org":              {Host: "relay.example.org", Port: 465, Security: relay.Implicit},
		"smtp://127.0.0.1:2525":                  {Host: "127.0.0.1", Port: 2525, Security: relay.Plain},
		"smtp://[::1]:25":                        {Host: "::1", Port: 25, Security: relay.Plain},
		"smtp://localhost:25":                    {Host: "localhost", Port: 25, Security: relay.Plain},
		"smtp://localhost.example.org:25":        {Host: "localhost.example.org", Port: 25, Security: relay.StartTLS},
	} {
		got, err := relay.Parse(raw)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"", "relay.example.org", "http://relay.example.org", "smtp://", "smtp://h:0", "smtp://h:99999", "smtp://h/path",
		"smtp://h?tls=no", "smtp://u:secret@h:x", "smtp://u:sec ret@h"} {
		_, err := relay.Parse(raw)
		if epistle.KindOf(err) != epistle.Invalid || strings.Contains(err.Error(), "sec") {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// FuzzBody sends bodies and compares what comes: the same lines, ended by CRLF,
// with no stray CR, and nothing after them taken for a command.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{".", ".\r\n", "a\r\n.\r\nMAIL FROM:<x@y.z>\r\n", "a\n.\nb", "a\r.\rb\r", "\r\n.\n.\r\n..", "no end", "\r"} {
		f.Add([]byte(seed))
	}
	server := smtptest.Start(f, smtptest.Options{})
	o, err := relay.Parse(server.URL())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) == 0 {
			return // there is no such mail
		}
		for _, line := range strings.Split(string(body), "\n") {
			if len(line) > 998 {
				return // no mail has such lines
			}
		}
		conn, err := relay.Dial(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		before := len(server.Messages())
		if got := conn.Send(from, to, body); got.Class != relay.Accepted {
			t.Fatalf("%+v", got)
		}
		all := server.Messages()
		if len(all) != before+1 {
			t.Fatalf("one message became %d", len(all)-before)
		}
		want := strings.ReplaceAll(string(body), "\r\n", "\n")
		want = strings.ReplaceAll(want, "\r", "")
		if len(body) > 0 && body[len(body)-1] != '\n' {
			want += "\n"
		}
		want = strings.ReplaceAll(want, "\n", "\r\n")
		if got := string(all[before].Data); got != want {
			t.Errorf("%q became %q, want %q", body, got, want)
		}
	})
}
