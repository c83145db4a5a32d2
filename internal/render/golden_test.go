package render

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/emersion/go-message/charset"
	"github.com/emersion/go-message/mail"

	"epistle/internal/dkim"
	"epistle/internal/epistle"
)

var update = flag.Bool("update", false, "rewrite the golden mails in testdata")

// golden compares a mail with testdata/NAME.eml.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".eml")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from the golden mail; look at it, then run the test with -update", path)
	}
}

// parsed is a mail as a mail client reads it.
type parsed struct {
	header     mail.Header
	text, html string
}

func parse(t testing.TB, body []byte) parsed {
	t.Helper()
	r, err := mail.CreateReader(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("the mail does not parse: %v", err)
	}
	p := parsed{header: r.Header}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatalf("a part does not parse: %v", err)
		}
		data, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatalf("a part does not decode: %v", err)
		}
		kind, params, _ := part.Header.(*mail.InlineHeader).ContentType()
		if !strings.EqualFold(params["charset"], "utf-8") {
			t.Errorf("charset of %s is %q", kind, params["charset"])
		}
		switch kind {
		case "text/plain":
			if p.html != "" {
				t.Error("the text part must come before the HTML part (RFC 2046, 5.1.4)")
			}
			p.text = string(data)
		case "text/html":
			p.html = string(data)
		default:
			t.Errorf("unexpected part %s", kind)
		}
	}
}

// wellFormed checks what holds for every mail on the wire.
func wellFormed(t testing.TB, body []byte) {
	t.Helper()
	if !bytes.HasSuffix(body, []byte("\r\n")) {
		t.Error("the last line has no end")
	}
	head, rest, _ := bytes.Cut(body, []byte("\r\n\r\n"))
	for i, row := range bytes.Split(body, []byte("\r\n")) {
		limit := 76
		if i <= bytes.Count(head, []byte("\r\n")) {
			limit = 998
		}
		if len(row) > limit {
			t.Errorf("line %d has %d octets", i+1, len(row))
		}
		if bytes.ContainsAny(row, "\r\n") {
			t.Errorf("line %d has a bare CR or LF", i+1)
		}
		for _, c := range row {
			if c != '\t' && (c < ' ' || c > '~') {
				t.Errorf("line %d has the octet %#x", i+1, c)
				break
			}
		}
	}
	for _, word := range regexp.MustCompile(`=\?[^ \r\n]*\?=`).FindAll(head, -1) {
		if len(word) > 75 {
			t.Errorf("an encoded word has %d octets (RFC 2047, 2)", len(word))
		}
	}
	if bytes.Contains(rest, []byte("\nFrom ")) {
		t.Error("a line begins with \"From \"")
	}
}

func TestGoldenIssues(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	for _, l := range epistle.Languages {
		for _, f := range []epistle.Form{epistle.Full, epistle.Discreet} {
			name := "issue-" + string(l) + "-" + string(f)
			t.Run(name, func(t *testing.T) {
				e, err := r.Compile(sampleNewsletter(), sampleIssue(), l, f)
				if err != nil {
					t.Fatal(err)
				}
				m, err := e.Message(sampleRecipient(l))
				if err != nil {
					t.Fatal(err)
				}
				wellFormed(t, m.Body)
				parse(t, m.Body)
				golden(t, name, m.Body)
			})
		}
	}
}

func TestGoldenWelcome(t *testing.T) {
	ministry := sampleMinistry()
	ministry.BounceDomain, ministry.MailtoLeave = "bounce.lantern.example", "leave@lantern.example"
	e, err := sampleRenderer(t, ministry).Compile(sampleNewsletter(), sampleIssue(), epistle.English, epistle.Full)
	if err != nil {
		t.Fatal(err)
	}
	rcpt := sampleRecipient(epistle.English)
	rcpt.Kind, rcpt.Name = epistle.WelcomeDelivery, ""
	m, err := e.Message(rcpt)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, m.Body)
	golden(t, "welcome-en-full", m.Body)
}

// The signature of a mail stays the same from one version to the next: an
// attempt after an update is the same bytes as the one before it.
func TestGoldenSigned(t *testing.T) {
	signer, err := dkim.New("lantern.example", dkim.Key{Selector: "golden", Private: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))})
	if err != nil {
		t.Fatal(err)
	}
	r := sampleRenderer(t, sampleMinistry())
	r.Signer = signer
	w, err := compile(t, r, epistle.Korean, epistle.Discreet).Wire(new(Scratch), sampleRecipient(epistle.Korean))
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, w.Data())
	golden(t, "signed-ko-discreet", w.Data())
}

func TestGoldenNotices(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	for kind := range noticeData {
		for _, l := range epistle.Languages {
			name := "notice-" + string(kind) + "-" + string(l)
			t.Run(name, func(t *testing.T) {
				m, err := r.Notice(sampleNotice(kind, l))
				if err != nil {
					t.Fatal(err)
				}
				wellFormed(t, m.Body)
				p := parse(t, m.Body)
				for _, part := range []string{p.text, p.html} {
					if !strings.Contains(part, "https://letters.lantern.example/go/abc-DEF_123") {
						t.Error("a part lacks the bare link")
					}
					if strings.Contains(part, "no value") || strings.Contains(part, "notice.") {
						t.Errorf("a word is missing:\n%s", part)
					}
				}
				golden(t, name, m.Body)
			})
		}
	}
}

func sampleNotice(kind epistle.NoticeKind, l epistle.Language) epistle.Notice {
	n := sampleNewsletter()
	data := map[string]string{
		"link": "/go/abc-DEF_123", "newsletter": n.Title.In(l), "issue": "12", "slot": "2026-11-26T20:00:00+09:00",
		"accepted": "1204", "failed": "3", "tried": "412", "refused": "23",
		"first": epistle.Text{EN: "Your first update comes on Sunday 22 November, at 20:00 Korea time.", KO: "첫 소식은 11월 22일 일요일 20:00(한국 시간)에 보내 드립니다."}.In(l),
		"given": epistle.Text{EN: "22 November 2024", KO: "2024년 11월 22일"}.In(l),
		"page":  epistle.Text{EN: "Welcome Table", KO: "환영의 식탁"}.In(l), "stop": "/replies/hush-123",
		"answer": "Thank you for asking.\nYes, we meet on Sundays.\n\nWarmly, Daniel",
		"report": epistle.Text{EN: "Since yesterday people asked for the updates:\n• 2 × Welcome Table\n\n3 more comments wait to be read.",
			KO: "어제부터 소식을 신청하신 분들:\n• 2명 × 환영의 식탁\n\n읽지 않은 댓글이 3개 더 있습니다."}.In(l),
		"covers":    epistle.Text{EN: "a letter, prayer requests and checked news from our neighbours", KO: "편지와 기도제목, 확인된 소식"}.In(l),
		"frequency": epistle.Text{EN: "every Thursday evening, Seoul time", KO: "매주 목요일 저녁 (서울 시각)"}.In(l),
	}
	return epistle.Notice{ID: 77, Kind: kind, To: "miriam@reader.example", Language: l, Data: data, CreatedAt: sampleDate}
}
