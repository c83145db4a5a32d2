package sink_test

import (
	"strings"
	"testing"

	"epistle/internal/bench/sink"
)

// TestTheWeatherDoesWhatItSays has one fault at each moment, for the first mail,
// and looks at what the client saw of it and which mails were taken.
func TestTheWeatherDoesWhatItSays(t *testing.T) {
	const offer = "MAIL FROM:<a@b.example>\r\nRCPT TO:<grace@one.example>\r\nDATA\r\n"
	for name, c := range map[string]struct {
		at     sink.Moment
		fault  sink.Fault
		pieces []string
		want   string // codes; the client sees the end after them
		taken  int64
	}{
		"greeting":          {sink.AtConnect, sink.Fault{Reply: "421 4.3.2 Full", HangUp: true}, nil, "421", 0},
		"dropped at once":   {sink.AtConnect, sink.Fault{HangUp: true}, nil, "", 0},
		"sender":            {sink.AtMail, sink.Fault{Reply: "421 4.3.2 Later", HangUp: true}, []string{offer}, "220 421", 0},
		"recipient later":   {sink.AtRecipient, sink.Fault{Reply: "450 4.2.0 Later"}, []string{offer, "QUIT\r\n"}, "220 250 450 503 221", 0},
		"recipient dropped": {sink.AtRecipient, sink.Fault{HangUp: true}, []string{offer}, "220 250", 0},
		"no DATA":           {sink.AtData, sink.Fault{Reply: "451 4.3.0 Later"}, []string{offer, "QUIT\r\n"}, "220 250 250 451 221", 0},
		"in the body":       {sink.InBody, sink.Fault{HangUp: true}, []string{offer, "half of i"}, "220 250 250 354", 0},
		"at the dot":        {sink.AtDot, sink.Fault{HangUp: true}, []string{offer, "all\r\n.\r\n"}, "220 250 250 354", 0},
		"refused":           {sink.AtDot, sink.Fault{Reply: "451 4.3.0 No"}, []string{offer, "all\r\n.\r\nQUIT\r\n"}, "220 250 250 354 451 221", 0},
		"reply lost":        {sink.AfterDot, sink.Fault{HangUp: true}, []string{offer, "all\r\n.\r\n"}, "220 250 250 354", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, sink.Options{OneByOne: true, Weather: func(m sink.Moment) sink.Fault {
				if m == c.at {
					return c.fault
				}
				return sink.Fault{}
			}})
			var codes []string
			for _, reply := range talk(t, s.Addr(), c.pieces, untilTheEnd) {
				codes = append(codes, reply[:3])
			}
			if got := strings.Join(codes, " "); got != c.want || s.Taken() != c.taken {
				t.Errorf("%q and %d taken, want %q and %d", got, s.Taken(), c.want, c.taken)
			}
		})
	}
}
