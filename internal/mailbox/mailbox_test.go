package mailbox_test

import (
	"context"
	"net"
	"net/smtp"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/mailbox"
)

func TestWhatIsSentCanBeRead(t *testing.T) {
	box := mailbox.NewBox(func() time.Time { return time.Date(2026, 11, 26, 11, 0, 0, 0, time.UTC) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- box.Serve(ctx, l) }()

	source := strings.ReplaceAll(`From: =?utf-8?q?Gra=C3=A7a?= <desk@example.org>
To: Minji <minji@example.org>
Subject: =?utf-8?b?6riw64+E7KCc66qp?=
List-Unsubscribe: <mailto:leave@example.org>, <http://127.0.0.1:8080/u/abc>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8

Dear Minji
--b
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p>Dear =EB=AF=BC=EC=A7=80</p>
--b--
`, "\n", "\r\n")
	if err := smtp.SendMail(l.Addr().String(), nil, "bounce@example.org", []string{"minji@example.org"}, []byte(source)); err != nil {
		t.Fatal(err)
	}

	mails := box.Mails("MINJI")
	if len(mails) != 1 || len(box.Mails("nobody")) != 0 {
		t.Fatalf("found %d mails", len(mails))
	}
	m, err := box.Mail(mails[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "기도제목" || !strings.Contains(m.HTML, "민지") || !strings.Contains(m.Text, "Dear Minji") ||
		m.From != "Graça <desk@example.org>" || m.ReturnPath != "bounce@example.org" || m.Source != source {
		t.Errorf("the mail was decoded as %+v", m)
	}
	if got := m.LeaveURL(); got != "http://127.0.0.1:8080/u/abc" {
		t.Errorf("the unsubscribe address is %q", got)
	}
	if _, err := box.Mail(99); epistle.KindOf(err) != epistle.NotFound {
		t.Errorf("a mail that is not there: %v", err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("the server ended with %v", err)
	}
}
