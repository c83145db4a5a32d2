package relay

import (
	"net/textproto"
	"testing"
)

func BenchmarkOutcome(b *testing.B) {
	for name, reply := range map[string]*textproto.Error{
		"temporary": {Code: 450, Msg: "4.2.0 Try again later"},
		"gone":      {Code: 550, Msg: "5.1.1 <grace@example.org>: no such mailbox"},
		"policy":    {Code: 554, Msg: "5.7.1 Refused\nsee the postmaster's page\nor write to us"},
		"wordless":  {Code: 550, Msg: "No"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if o := judge(AtRcpt, reply); o.Class == Accepted {
					b.Fatal("a refusal was taken for consent")
				}
			}
		})
	}
	b.Run("accepted", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if statusIn("2.0.0 Ok: queued as 4XyZ", 250) != "2.0.0" {
				b.Fatal("the status was not found")
			}
		}
	})
}
