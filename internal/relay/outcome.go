package relay

import (
	"errors"
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
)

// Class is what became of a message, as far as a reply tells.
type Class int

const (
	Accepted   Class = iota // the relay took it
	Temporary               // try again later
	Permanent               // this message will never go to this person; the person may still be there
	PersonGone              // the address does not exist any more
	Policy                  // the relay objects to us, to the content or to the pace, not to the person
	Uncertain               // the final dot went out and no usable reply came back
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
	AtBody // the body was on its way, the dot was not
	AtDot  // the dot was out
)

// Outcome is what one message met.
type Outcome struct {
	Class  Class
	Stage  Stage
	Code   int    // the SMTP reply code; 0 when there was no reply
	Status string // the enhanced status code (RFC 3463), "5.1.1"; empty when there was none
	Err    error  // what broke when there was no reply; for the log

	doubtful bool // the connection cannot be trusted any more
}

// OfMessage reports whether a refusal concerns what is sent, or who sends it,
// rather than the one recipient.
func (o Outcome) OfMessage() bool { return o.Stage != AtRcpt }

// personGone lists the only reasons to give an address up (RFC 3463, section
// 3.2 and 3.3): no such mailbox, no such domain, bad syntax, moved without a
// trace, a null MX, a disabled mailbox.
var personGone = map[string]bool{"5.1.1": true, "5.1.2": true, "5.1.3": true, "5.1.6": true, "5.1.10": true, "5.2.1": true}

// judge decides what an error of a stage means. It is the only place that
// does.
func judge(stage Stage, err error) Outcome {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		return lost(stage, err)
	}
	o := Outcome{Stage: stage, Code: reply.Code, Status: statusIn(reply.Msg, reply.Code)}
	switch {
	case reply.Code == 421: // the relay hangs up (RFC 5321, section 3.8)
		o.Class, o.doubtful = Temporary, true
	case reply.Code >= 500 && reply.Code <= 504 && o.Status == "" && stage != AtRcpt:
		// It did not understand the command: we are out of step.
		o.Class, o.doubtful = Temporary, true
	case reply.Code == 503:
		o.Class, o.doubtful = Temporary, true
	case reply.Code >= 400 && reply.Code < 500:
		o.Class = Temporary
		if strings.HasPrefix(o.Status, "4.7.") {
			o.Class = Policy
		}
	case reply.Code >= 500 && reply.Code < 600:
		o.Class = refusal(stage, reply.Code, o.Status)
	default:
		// Neither yes nor no: 1xx, a 2xx where 354 was due, a 354 after the dot.
		return lost(stage, err)
	}
	return o
}

// refusal sorts a 5xx.
func refusal(stage Stage, code int, status string) Class {
	switch {
	case personGone[status]:
		return PersonGone
	case strings.HasPrefix(status, "5.7."):
		return Policy
	case code == 530 || code == 535 || code == 538: // AUTH or TLS is missing, however it came to that
		return Policy
	case stage != AtRcpt && (code == 552 || code == 554):
		return Policy
	case stage == AtMail: // it refuses the sender, before it heard of any recipient
		return Policy
	}
	return Permanent
}

// lost is the outcome without a usable reply. A dropped connection is never
// permanent: before the dot the message is simply not sent yet, after it
// nobody knows.
func lost(stage Stage, err error) Outcome {
	o := Outcome{Class: Temporary, Stage: stage, Err: wordless(err), doubtful: true}
	if stage == AtDot {
		o.Class = Uncertain
	}
	return o
}

// wordless is an error without the relay's own words: they may repeat an
// address or a user name, and errors end up in the log.
func wordless(err error) error {
	var reply *textproto.Error
	var nonsense textproto.ProtocolError
	switch {
	case errors.As(err, &reply):
		return fmt.Errorf("the relay answered %d %s", reply.Code, statusIn(reply.Msg, reply.Code))
	case errors.As(err, &nonsense):
		return errors.New("the relay's answer was malformed")
	}
	return err
}

// statusIn finds the enhanced status code at the start of any line of a reply,
// if it agrees with the reply code.
func statusIn(text string, code int) string {
	for line := range strings.SplitSeq(text, "\n") {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if isStatus(word) && int(word[0]-'0') == code/100 {
			return word
		}
	}
	return ""
}

func isStatus(s string) bool {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || len(parts[0]) != 1 {
		return false
	}
	for _, part := range parts {
		if len(part) == 0 || len(part) > 3 {
			return false
		}
		if n, err := strconv.Atoi(part); err != nil || n < 0 || part[0] == '+' || part[0] == '-' {
			return false
		}
	}
	return true
}
