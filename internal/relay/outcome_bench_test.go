package relay

import (
	"bufio"
	"bytes"
	"testing"
)

// BenchmarkOutcome reads a reply and judges it.
func BenchmarkOutcome(b *testing.B) {
	for name, c := range map[string]struct {
		stage Stage
		text  string
		class Class
	}{
		"accepted":  {AtDot, "250 2.0.0 Ok: queued as 4XyZ\r\n", Accepted},
		"go on":     {AtData, "354 End data with <CR><LF>.<CR><LF>\r\n", Accepted},
		"temporary": {AtRcpt, "450 4.2.0 Try again later\r\n", Temporary},
		"gone":      {AtRcpt, "550 5.1.1 <grace@example.org>: no such mailbox\r\n", PersonGone},
		"policy":    {AtDot, "554-5.7.1 Refused\r\n554-see the postmaster's page\r\n554 or write to us\r\n", Policy},
		"wordless":  {AtRcpt, "550 No\r\n", Permanent},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			text, source := []byte(c.text), bytes.NewReader(nil)
			r := bufio.NewReader(source)
			for b.Loop() {
				source.Reset(text)
				r.Reset(source)
				reply, err := readReply(r)
				if err != nil {
					b.Fatal(err)
				}
				if o := judge(c.stage, reply); o.Class != c.class {
					b.Fatalf("%+v, want %s", o, c.class)
				}
			}
		})
	}
}
