package relay

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"time"
)

// Class is what became of a message, as far as a reply tells.
type Class int

const (
	Accepted   Class = iota // the relay took it
	Temporary               // try again later
	Permanent               // this message will never go to this person; the person may still be there
	PersonGone              // the address does not exist any more
	Policy                  // the relay objects to us, to the content or to the pace, not to the person
	Uncertain               // the final dot went out, the relay may have read it, and no usable reply came back
)

func (c Class) String() string {
	names := [...]string{"accepted", "temporary", "permanent", "person-gone", "policy", "uncertain"}
	if c >= 0 && int(c) < len(names) {
		return names[c]
	}
	return "unknown"
}

// Stage says what was being said when the reply came.
type Stage int

const (
	AtMail Stage = iota
	AtRcpt
	AtData
	AtBody // the body was on its way, the dot was not or was left unread: it is not delivered
	AtDot  // the dot was out
)

func (s Stage) String() string {
	names := [...]string{"mail", "rcpt", "data", "body", "dot"}
	if s >= 0 && int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// Outcome is what one message met.
type Outcome struct {
	Class  Class
	Stage  Stage
	Code   int    // the SMTP reply code; 0 when there was no reply
	Status string // the enhanced status code (RFC 3463), "5.1.1"; empty when there was none
	Err    error  // what broke when there was no reply; for the log

	// Reset says that there was no reply to the dot but a reset, which nearly always
	// means that the relay did not read it: the outcome is that of a body that was
	// not heard out. If the next try ends like this one, better not try again.
	Reset bool

	Took time.Duration // how long the relay let us wait for its replies about the message

	doubtful bool // the connection cannot be trusted any more
}

// OfMessage reports whether a refusal concerns what is sent, or who sends it,
// rather than the one recipient.
func (o Outcome) OfMessage() bool { return o.Stage != AtRcpt }

// personGone lists the only reasons to give an address up (RFC 3463, section
// 3.2 and 3.3): no such mailbox, no such domain, bad syntax, moved without a
// trace, a null MX, a disabled mailbox.
var personGone = map[string]bool{"5.1.1": true, "5.1.2": true, "5.1.3": true, "5.1.6": true, "5.1.10": true, "5.2.1": true}

// judge decides what a reply at a stage means. It is the only place that does.
func judge(stage Stage, r reply) Outcome {
	o := Outcome{Stage: stage, Code: r.code, Status: r.status}
	switch {
	case consents(stage, r.code):
		o.Class = Accepted
	case r.code == 421: // the relay hangs up (RFC 5321, section 3.8)
		o.Class, o.doubtful = Temporary, true
	case r.code >= 500 && r.code <= 504 && r.status == "" && stage != AtRcpt:
		// It did not understand the command: we are out of step.
		o.Class, o.doubtful = Temporary, true
	case r.code == 503:
		o.Class, o.doubtful = Temporary, true
	case r.code >= 400 && r.code < 500:
		o.Class = Temporary
		if strings.HasPrefix(r.status, "4.7.") {
			o.Class = Policy
		}
	case r.code >= 500 && r.code < 600:
		o.Class = refusal(stage, r.code, r.status)
	default:
		// Neither yes nor no: a 2xx where 354 was due, a 354 after the dot.
		return lost(stage, fmt.Errorf("the relay answered %d", r.code))
	}
	return o
}

// consents reports the replies that mean yes. While the body is on its way no
// reply is due, so none of them does.
func consents(stage Stage, code int) bool {
	switch stage {
	case AtMail:
		return code == 250
	case AtRcpt:
		return code == 250 || code == 251 || code == 252
	case AtData:
		return code == 354
	case AtDot:
		return code/10 == 25
	}
	return false
}

// refusal sorts a 5xx.
func refusal(stage Stage, code int, status string) Class {
	switch {
	case stage == AtMail: // it refuses the sender, before it heard of any recipient
		return Policy
	case personGone[status]:
		return PersonGone
	case strings.HasPrefix(status, "5.7."):
		return Policy
	case code == 530 || code == 535 || code == 538: // AUTH or TLS is missing, however it came to that
		return Policy
	case stage != AtRcpt && (code == 552 || code == 554) && !ofMailbox(status):
		return Policy
	}
	return Permanent
}

// ofMailbox reports that an enhanced status blames the address or the mailbox
// (RFC 3463, sections 3.2 and 3.3), whatever the reply code says: a mailbox is
// full, say. It is no objection to the content.
func ofMailbox(status string) bool {
	return strings.HasPrefix(status, "5.1.") || strings.HasPrefix(status, "5.2.")
}

// lost is the outcome without a usable reply. A dropped connection is never
// permanent: before the relay read the dot the message is simply not sent yet,
// after it nobody knows.
func lost(stage Stage, err error) Outcome {
	o := Outcome{Class: Temporary, Stage: stage, Err: wordless(err), doubtful: true}
	if stage == AtDot {
		o.Class = Uncertain
	}
	return o
}

// unspeakable is the outcome for an envelope that cannot be said; the relay
// never hears of it.
func unspeakable() Outcome {
	return Outcome{Class: Permanent, Stage: AtRcpt, Err: errors.New("an address of the envelope does not fit in a command")}
}

// wordless is an error without the relay's own words: they may repeat an
// address or a user name, and errors end up in the log.
func wordless(err error) error {
	var reply *textproto.Error
	var nonsense textproto.ProtocolError
	switch {
	case errors.As(err, &reply):
		text, _, _ := strings.Cut(reply.Msg, "\n")
		return fmt.Errorf("the relay answered %d %s", reply.Code, statusAt([]byte(text), reply.Code))
	case errors.As(err, &nonsense):
		return errMalformed
	}
	return err
}
