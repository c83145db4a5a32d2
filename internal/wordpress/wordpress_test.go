package wordpress_test

import (
	"strings"
	"testing"
	"time"

	"epistle/internal/wordpress"
)

func TestPlainText(t *testing.T) {
	for source, want := range map[string]string{
		"Amen.":                          "Amen.",
		"a < b and 5 > 3 & so":           "a < b and 5 > 3 & so",
		"Amen &amp; amen, O&#8217;Brien": "Amen & amen, O’Brien",
		`See <a href="https://bible.example" rel="nofollow">the book</a>.`: "See the book (https://bible.example).",
		`<a href="https://bible.example">https://bible.example</a>`:        "https://bible.example",
		"<blockquote>please add me\nand you</blockquote>Is this true?":     "> please add me\n> and you\nIs this true?",
		"one<br />two<p>three</p>four":                                     "one\ntwo\nthree\nfour",
		"<b>bold <i>both</b> x":                                            "bold both x",
		"a<script>alert(1)</script>b<style>x</style>":                      "ab",
		"<":         "<",
		"&bogus; &": "&bogus; &",
	} {
		if got := wordpress.PlainText(source); got != want {
			t.Errorf("%q became %q, want %q", source, got, want)
		}
	}
	if got := wordpress.Plain("  Winter\n<b>news</b> "); got != "Winter news" {
		t.Errorf("a title became %q", got)
	}
}

func FuzzPlainText(f *testing.F) {
	f.Add("<blockquote><blockquote>a</blockquote>b &lt;c&gt; <a href='x'>y</a>")
	f.Add("<script>\n<</script")
	f.Fuzz(func(t *testing.T, source string) {
		got := wordpress.PlainText(source)
		if len(got) > 20*len(source)+10 {
			t.Errorf("%d bytes became %d", len(source), len(got))
		}
	})
}

// TestTheSignature holds ours against the example of the standard's own
// documentation.
func TestTheSignature(t *testing.T) {
	m := wordpress.Message{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Timestamp: "1614265330", Body: []byte(`{"test": 2432232314}`)}
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	signature, err := m.Sign(secret)
	if err != nil || signature != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("signed %q, %v", signature, err)
	}
	m.Signature = "v1,bm9ldHUjKzFob2VudXRob2VodWUzMjRvdWVvdW9ldQo= " + signature
	if _, err := m.Verify(time.Unix(1614265330, 0), "", "whsec_", "nonsense", secret); err != nil {
		t.Error(err)
	}
	if _, err := m.Verify(time.Unix(1614265330, 0), "", "whsec_"); err == nil {
		t.Error("a message is taken without any secret")
	}
	if a, b := wordpress.NewSecret(), wordpress.NewSecret(); a == b || !strings.HasPrefix(a, "whsec_") {
		t.Errorf("secrets %q, %q", a, b)
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(`{"v":1,"event":"created","comment_id":5,"status":"approved","optin":{"checked":true,"text_version":1,"lang":"ko"}}`))
	f.Add([]byte(`{"event":"deleted","comment_id":"5"}`))
	f.Add([]byte(`{"comment_id":5,"status":1,"optin":null,"parent_id":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := wordpress.ParseEvent(body)
		if err != nil {
			return
		}
		if _, known := e.Comment.State(); e.Comment.ID <= 0 || e.Comment.Parent < 0 || !known && !e.Deleted {
			t.Errorf("read as %+v", e)
		}
	})
}
