package sink

// Moment is a point of the conversation at which a bad relay may show it.
type Moment int

// The moments. At AtDot the mail is not taken if there is a fault, at AfterDot
// it has been.
const (
	AtConnect Moment = iota
	AtMail
	AtRecipient
	AtData
	InBody
	AtDot
	AfterDot
)

// Fault is what the relay does instead of what it should. The zero value is
// none.
type Fault struct {
	Reply  string // sent instead of the good one, without its line end; "": none is sent
	HangUp bool   // close the connection afterwards, as a rule in the middle of what the client says
}

func (s *session) weather(m Moment) Fault {
	if s.server.Weather == nil || string(s.to) == s.server.Aside {
		return Fault{}
	}
	return s.server.Weather(m)
}

// answer gives the good reply, or what the weather has instead. A command that
// is refused before the text of the mail leaves the mail without a recipient.
func (s *session) answer(m Moment, good string) error {
	f := s.weather(m)
	if f == (Fault{}) {
		s.reply(good)
		return nil
	}
	if m < InBody {
		s.to = s.to[:0]
	}
	return s.suffer(f)
}

func (s *session) suffer(f Fault) error {
	if f.Reply != "" {
		s.reply(f.Reply + "\r\n")
	}
	if f.HangUp {
		return errCut
	}
	return nil
}
