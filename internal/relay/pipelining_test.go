package relay_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"epistle/internal/relay"
	"epistle/internal/smtptest"
)

func TestARelayThatTakesOneMessageAConnection(t *testing.T) {
	second := at(smtptest.Mail, 2)
	for name, script := range map[string]func(smtptest.Step) smtptest.Action{
		"421 to the next MAIL": func(step smtptest.Step) smtptest.Action {
			if second(step) {
				return smtptest.Action{Reply: "421 4.7.0 One is enough", Leave: true}
			}
			return smtptest.Action{}
		},
		"hangs up after the 250": func(step smtptest.Step) smtptest.Action {
			return smtptest.Action{Leave: step.Stage == smtptest.Body}
		},
		"takes its leave with the 250": func(step smtptest.Step) smtptest.Action {
			if step.Stage == smtptest.Body {
				return smtptest.Action{Reply: "250 2.0.0 Taken\r\n421 4.7.0 Bye", Leave: true}
			}
			return smtptest.Action{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			hands(t, func(t *testing.T, w way) {
				server, conn := w.start(t, smtptest.Options{Script: script}, relay.Options{})
				next := reader(2)
				if o, err := conn.Begin(reader(1), nil); err != nil || o.Class != relay.Accepted {
					t.Fatalf("begin: %+v, %v", o, err)
				}
				if o := w.hand(conn, body(1)); o.Class != relay.Accepted {
					t.Fatalf("body: %+v", o)
				}
				if o := conn.End(&next); o.Class != relay.Accepted || o.Stage != relay.AtDot {
					t.Fatalf("end: %+v", o)
				}
				// The one announced is not in doubt, and not the one to blame.
				o, err := conn.Begin(next, nil)
				if err != nil || o.Class != relay.Temporary || o.Stage != relay.AtMail || !conn.Closed() || conn.Stumbled() {
					t.Fatalf("the next: %+v, %v; closed %t, stumbled %t", o, err, conn.Closed(), conn.Stumbled())
				}
				if got := classes(w.deliver(t, w.dial(t, server, relay.Options{}), 2, 2)); got != "accepted " {
					t.Fatal(got)
				}
				wantEachOnce(t, server, 1, 2)
			})
		})
	}
}

// TestWhoIsRefusedDoesNotGetTheMail covers RFC 2920, section 3.1: DATA is on its
// way when RCPT or MAIL is refused, and the relay may even ask for the body.
func TestWhoIsRefusedDoesNotGetTheMail(t *testing.T) {
	for _, c := range []struct {
		stage smtptest.Stage
		reply string
		class relay.Class
	}{
		{smtptest.Rcpt, "550 5.1.1 No such user", relay.PersonGone},
		{smtptest.Rcpt, "550 5.7.1 We do not like you", relay.Policy},
		{smtptest.Rcpt, "450 4.2.0 Greylisted", relay.Temporary},
		{smtptest.Mail, "451 4.3.0 Later", relay.Temporary},
		{smtptest.Mail, "550 5.1.1 We do not know the sender", relay.Policy}, // says nothing of the recipient
	} {
		for name, options := range map[string]smtptest.Options{
			"careful":            {},
			"careless":           {Careless: true},
			"careful, together":  {Together: true},
			"careless, together": {Careless: true, Together: true},
		} {
			t.Run(c.reply+", "+name, func(t *testing.T) {
				hands(t, func(t *testing.T, w way) {
					options.Script = once(at(c.stage, 2), smtptest.Action{Reply: c.reply})
					server, conn := w.start(t, options, relay.Options{})
					var got []relay.Class
					for n := 1; n <= 4; n++ {
						for _, o := range w.deliver(t, conn, n, n) {
							got = append(got, o.Class)
							if n == 2 && (o.Stage.String() != string(c.stage) || o.Code == 0) {
								t.Errorf("%+v", o)
							}
						}
					}
					if len(got) != 4 || got[1] != c.class || got[0] != relay.Accepted || got[2] != relay.Accepted || got[3] != relay.Accepted {
						t.Fatalf("%v", got)
					}
					for _, m := range server.Messages() {
						if m.To == reader(2).To || m.Refused && len(m.Data) > 0 {
							t.Errorf("%q went to %q", m.Data, m.To)
						}
					}
					if server.Dials() != 1 {
						t.Errorf("it took %d connections", server.Dials())
					}
				})
			})
		}
	}
}

func TestAnEmptyBodyThatIsTakenEndsTheConnection(t *testing.T) {
	server := smtptest.Start(t, smtptest.Options{Pipelining: true, Careless: true, Script: func(step smtptest.Step) smtptest.Action {
		switch step.Stage {
		case smtptest.Rcpt:
			return smtptest.Action{Reply: "550 5.1.1 No such user"}
		case smtptest.Body:
			return smtptest.Action{Reply: "250 2.0.0 Gladly"}
		}
		return smtptest.Action{}
	}})
	conn, err := dial(t, server, nil)
	if err != nil {
		t.Fatal(err)
	}
	o, err := conn.Begin(reader(1), nil)
	if err != nil || o.Class != relay.PersonGone || !conn.Closed() || !conn.Stumbled() {
		t.Errorf("%+v, %v; closed %t", o, err, conn.Closed())
	}
	for _, m := range server.Messages() {
		if len(m.Data) > 0 {
			t.Errorf("%q went out", m.Data)
		}
	}
}

func TestARelayThatLosesItsWayInPipelining(t *testing.T) {
	reply := func(stage smtptest.Stage, text string) func(smtptest.Step) smtptest.Action {
		return once(at(stage, 1), smtptest.Action{Reply: text})
	}
	for name, s := range map[string]smtptest.Options{
		"it forgets what came together":    {ForgetsTheRest: true},
		"354 first":                        {Script: reply(smtptest.Mail, "354 Go on")},
		"one reply too many at MAIL":       {Script: reply(smtptest.Mail, "250 2.1.0 Ok\r\n250 2.1.0 Ok")},
		"one reply too many at RCPT":       {Script: reply(smtptest.Rcpt, "250 2.1.5 Ok\r\n250 2.1.5 Ok")},
		"one reply too many at DATA":       {Together: true, Script: reply(smtptest.Data, "354 Go on\r\n354 Go on")},
		"out of step":                      {Script: reply(smtptest.Rcpt, "503 5.5.1 MAIL first")},
		"it knows no commands in a row":    {Script: reply(smtptest.Mail, "500 What?")},
		"MAIL is refused and RCPT is not":  {Together: true, Script: reply(smtptest.Mail, "451 4.3.0 Later\r\n250 2.1.5 Ok")},
		"RCPT is refused and DATA says so": {Script: reply(smtptest.Rcpt, "450 4.2.0 Later\r\n250 2.0.0 Ok")},
	} {
		t.Run(name, func(t *testing.T) {
			s.Pipelining = true
			server := smtptest.Start(t, s)
			w := way{change: func(*relay.Options) {}}
			var patience relay.Timeouts
			if s.ForgetsTheRest {
				patience.Command = 400 * time.Millisecond
			}
			conn := w.dial(t, server, relay.Options{Timeouts: patience})
			if o, err := conn.Begin(reader(1), nil); err != nil || o.Class != relay.Temporary || !conn.Closed() || !conn.Stumbled() {
				t.Fatalf("%+v, %v; closed %t, stumbled %t", o, err, conn.Closed(), conn.Stumbled())
			}
			server.SetScript(nil)
			if got := classes(w.deliver(t, w.dial(t, server, relay.Options{OneByOne: true}), 1, 4)); strings.Count(got, "accepted") != 4 {
				t.Fatalf("one by one: %s", got)
			}
			wantEachOnce(t, server, 1, 4)
		})
	}
}

func TestPipeliningThatIsNotOfferedOverTLS(t *testing.T) {
	theirs, ours := smtptest.Certificates(t)
	// It would forget what it did not offer to take.
	server := smtptest.Start(t, smtptest.Options{TLS: theirs, Pipelining: true, NoneOverTLS: true, ForgetsTheRest: true})
	w := way{change: func(o *relay.Options) { o.Security, o.TLS = relay.StartTLS, ours }}
	if got := classes(w.deliver(t, w.dial(t, server, relay.Options{}), 1, 4)); strings.Count(got, "accepted") != 4 {
		t.Fatal(got)
	}
	wantEachOnce(t, server, 1, 4)
}

// TestOddReplies sends replies of many lines, of long lines and of none at
// all at each stage.
func TestOddReplies(t *testing.T) {
	many := strings.Repeat("250-2.0.0 more\r\n", 99) + "250 end"
	tooMany := strings.Repeat("250-2.0.0 more\r\n", 100) + "250 end"
	for _, c := range []struct {
		name  string
		stage smtptest.Stage
		reply string
		class relay.Class
	}{
		{"a hundred lines", smtptest.Mail, many, relay.Accepted},
		{"a hundred lines", smtptest.Body, many, relay.Accepted},
		{"more lines", smtptest.Mail, tooMany, relay.Temporary},
		{"more lines", smtptest.Body, tooMany, relay.Uncertain},
		{"a long line", smtptest.Rcpt, "250 " + strings.Repeat("x", 4000), relay.Accepted},
		{"too long a line", smtptest.Rcpt, "250 " + strings.Repeat("x", 5000), relay.Temporary},
		{"too long a line", smtptest.Body, "250 " + strings.Repeat("x", 5000), relay.Uncertain},
		{"a code alone", smtptest.Data, "354", relay.Accepted},
		{"a forwarding", smtptest.Rcpt, "251 2.1.5 Will forward", relay.Accepted},
		{"several lines", smtptest.Data, "354-Go\r\n354 on", relay.Accepted},
		{"two codes", smtptest.Rcpt, "250-Yes\r\n550 5.1.1 No", relay.Temporary},
		{"nonsense", smtptest.Mail, "Ok", relay.Temporary},
		{"nonsense", smtptest.Rcpt, "\x00\xff", relay.Temporary},
		{"an empty line", smtptest.Data, "\r\n354 Go on", relay.Temporary},
		{"nonsense", smtptest.Body, "HTTP/1.1 200 OK", relay.Uncertain},
		{"a code of old", smtptest.Body, "120 Wait", relay.Uncertain},
		{"a 2xx that means something else", smtptest.Body, "221 Bye", relay.Uncertain},
	} {
		t.Run(c.name+" at "+string(c.stage), func(t *testing.T) {
			hands(t, func(t *testing.T, w way) {
				server, conn := w.start(t, smtptest.Options{Script: once(at(c.stage, 1), smtptest.Action{Reply: c.reply})}, relay.Options{})
				all := w.deliver(t, conn, 1, 2)
				if all[0].Class != c.class || conn.Closed() != (c.class != relay.Accepted) {
					t.Fatalf("%+v, closed %t", all, conn.Closed())
				}
				if c.class == relay.Accepted {
					wantEachOnce(t, server, 1, 2)
				}
			})
		})
	}
}

func TestARefusalOfTheContentIsNoFaultOfThePerson(t *testing.T) {
	for _, reply := range []string{"552 5.3.4 Too big", "554 5.7.1 Spam", "554 Transaction failed", "552 Too much mail data"} {
		hands(t, func(t *testing.T, w way) {
			server, conn := w.start(t, smtptest.Options{Script: once(at(smtptest.Body, 2), smtptest.Action{Reply: reply})}, relay.Options{})
			all := w.deliver(t, conn, 1, 4)
			if got := classes(all); got != "accepted policy accepted accepted " || !all[1].OfMessage() || server.Dials() != 1 {
				t.Errorf("%s: %s", reply, got)
			}
		})
	}
}

func TestADomainWhoseEveryMailDefersHoldsNobodyUp(t *testing.T) {
	hands(t, func(t *testing.T, w way) {
		server, conn := w.start(t, smtptest.Options{Script: func(step smtptest.Step) smtptest.Action {
			if step.Stage == smtptest.Rcpt && strings.HasSuffix(step.To, "@slow.example") {
				return smtptest.Action{Reply: "451 4.4.1 Cannot reach it"}
			}
			return smtptest.Action{}
		}}, relay.Options{})
		for n := 1; n <= 6; n++ {
			slow := relay.Envelope{From: from, To: "someone@slow.example"}
			if o, err := conn.Begin(slow, nil); err != nil || o.Class != relay.Temporary || o.OfMessage() {
				t.Fatalf("%+v, %v", o, err)
			}
			if got := classes(w.deliver(t, conn, n, n)); got != "accepted " {
				t.Fatal(got)
			}
		}
		wantEachOnce(t, server, 1, 6)
		if server.Dials() != 1 {
			t.Errorf("it took %d connections", server.Dials())
		}
	})
}

func TestTheEndOfTheWatchedContextHangsUp(t *testing.T) {
	hands(t, func(t *testing.T, w way) {
		gate := smtptest.NewGate(smtptest.Body)
		server, conn := w.start(t, smtptest.Options{Script: gate.Script}, relay.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		conn.CloseWhen(t.Context())
		conn.CloseWhen(ctx)
		go func() {
			gate.Wait(t)
			cancel()
		}()
		if all := w.deliver(t, conn, 1, 2); len(all) != 1 || all[0].Class != relay.Uncertain || !conn.Closed() {
			t.Errorf("%+v", all)
		}
		gate.Open()

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		idle := w.dial(t, server, relay.Options{})
		idle.CloseWhen(ended)
		eventually(t, "the connection is closed", idle.Closed)
		if o, err := idle.Begin(reader(3), nil); err != nil || o.Class != relay.Temporary || o.Stage != relay.AtMail {
			t.Errorf("%+v, %v", o, err)
		}
	})
}

// TestOutOfOrder makes sure that a mistake of ours sends nothing.
func TestOutOfOrder(t *testing.T) {
	begin := func(t *testing.T, conn *relay.Conn, n int) {
		if o, err := conn.Begin(reader(n), nil); err != nil || o.Class != relay.Accepted {
			t.Fatalf("%+v, %v", o, err)
		}
	}
	for name, blunder := range map[string]func(t *testing.T, w way, conn *relay.Conn) relay.Outcome{
		"a body before anything": func(_ *testing.T, w way, conn *relay.Conn) relay.Outcome { return w.hand(conn, body(1)) },
		"a dot before anything":  func(_ *testing.T, _ way, conn *relay.Conn) relay.Outcome { return conn.End(nil) },
		"a dot without a body": func(t *testing.T, _ way, conn *relay.Conn) relay.Outcome {
			begin(t, conn, 1)
			return conn.End(nil)
		},
		"a body twice": func(t *testing.T, w way, conn *relay.Conn) relay.Outcome {
			begin(t, conn, 1)
			_ = w.hand(conn, body(1))
			return w.hand(conn, body(1))
		},
		"a body with no end": func(t *testing.T, w way, conn *relay.Conn) relay.Outcome {
			begin(t, conn, 1)
			return w.hand(conn, []byte("Subject: Hello\r\n\r\nno line end"))
		},
		"no body": func(t *testing.T, w way, conn *relay.Conn) relay.Outcome {
			begin(t, conn, 1)
			return w.hand(conn, nil)
		},
		"a body after a good-bye": func(t *testing.T, w way, conn *relay.Conn) relay.Outcome {
			begin(t, conn, 1)
			_ = conn.Close()
			return w.hand(conn, body(1))
		},
		"someone else in the middle": func(t *testing.T, _ way, conn *relay.Conn) relay.Outcome {
			begin(t, conn, 1)
			o, err := conn.Begin(reader(2), nil)
			if err != nil {
				t.Fatal(err)
			}
			return o
		},
		"someone else before the dot": func(t *testing.T, w way, conn *relay.Conn) relay.Outcome {
			begin(t, conn, 1)
			_ = w.hand(conn, body(1))
			o, err := conn.Begin(reader(2), nil)
			if err != nil {
				t.Fatal(err)
			}
			return o
		},
	} {
		t.Run(name, func(t *testing.T) {
			hands(t, func(t *testing.T, w way) {
				server, conn := w.start(t, smtptest.Options{}, relay.Options{})
				if o := blunder(t, w, conn); o.Class != relay.Temporary || o.Err == nil || !conn.Closed() {
					t.Errorf("%+v, closed %t", o, conn.Closed())
				}
				if got := server.Messages(); len(got) != 0 {
					t.Errorf("%d messages went out", len(got))
				}
			})
		})
	}

	t.Run("someone else than was announced", func(t *testing.T) {
		server := smtptest.Start(t, smtptest.Options{Pipelining: true})
		conn, err := dial(t, server, nil)
		if err != nil {
			t.Fatal(err)
		}
		begin(t, conn, 1)
		next := reader(2)
		_, _ = conn.Body(body(1)), conn.End(&next)
		if o, err := conn.Begin(reader(3), nil); err != nil || o.Class != relay.Temporary || !conn.Closed() {
			t.Errorf("%+v, %v", o, err)
		}
		wantEachOnce(t, server, 1, 1)
	})
	t.Run("a leave in the middle", func(t *testing.T) {
		server := smtptest.Start(t, smtptest.Options{Pipelining: true})
		conn, err := dial(t, server, nil)
		if err != nil {
			t.Fatal(err)
		}
		begin(t, conn, 1)
		next := reader(2)
		_, _ = conn.Body(body(1)), conn.End(&next)
		if err := conn.Quit(); err != nil || !conn.Closed() {
			t.Error(err)
		}
		wantEachOnce(t, server, 1, 1)
	})
}

func TestAnAddressThatIsNoneIsNeverSaid(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		server, conn := w.start(t, smtptest.Options{}, relay.Options{})
		for _, e := range []relay.Envelope{
			{from, "a@example.org>\r\nRCPT TO:<b@example.org"}, {from, "a b@example.org"}, {from, ""}, {from, "a@예.example"},
			{"x@y.example> SIZE=1", to}, {from, strings.Repeat("a", 250) + "@example.org"},
		} {
			if o, err := conn.Begin(e, nil); err != nil || o.Class != relay.Permanent || conn.Closed() {
				t.Errorf("%q: %+v, %v", e, o, err)
			}
		}
		if got := classes(w.deliver(t, conn, 1, 2)); got != "accepted accepted " || server.Dials() != 1 {
			t.Error(got)
		}
	})
}

func TestTheNullReversePath(t *testing.T) {
	hands(t, func(t *testing.T, w way) {
		server, conn := w.start(t, smtptest.Options{}, relay.Options{})
		o, err := conn.Begin(relay.Envelope{To: to}, func() error { return nil })
		if err != nil || o.Class != relay.Accepted {
			t.Fatalf("%+v, %v", o, err)
		}
		_, o = w.hand(conn, body(1)), conn.End(nil)
		if got := server.Messages(); o.Class != relay.Accepted || len(got) != 1 || got[0].From != "" || got[0].To != to {
			t.Errorf("%+v, %+v", o, got)
		}
	})
}

func TestSureIsNotAskedWhenRcptIsRefusedOneByOne(t *testing.T) {
	server := smtptest.Start(t, smtptest.Options{Script: once(at(smtptest.Rcpt, 1), smtptest.Action{Reply: "550 5.1.1 No such user"})})
	conn, err := dial(t, server, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked := errors.New("asked")
	if o, err := conn.Begin(reader(1), func() error { return asked }); err != nil || o.Class != relay.PersonGone {
		t.Errorf("%+v, %v", o, err)
	}
}
