package rig

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"epistle/internal/bench/sink"
	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// Tally is what became of an issue at the far end.
type Tally struct {
	Readers   int            // who got at least one mail
	Extra     int            // mails beyond a reader's first
	Repeated  int            // mails with a Message-ID that had come before; with nothing else wrong as many as Extra
	Wrong     int            // mails that are not what their reader should get
	Complaint string         // what is wrong with the first of those
	Differing int            // extra mails that are not byte for byte the first; only if digests were recorded
	got       []bool         // by the reader's number
	digests   []uint64       // of a reader's first mail
	ids       map[int64]bool // sequence numbers whose Message-ID has come
}

// Got reports whether a reader got a mail.
func (t Tally) Got(reader int) bool { return t.got[reader] }

// Tally goes through what was recorded of one issue. Each mail must carry, for
// the reader it was given to: the To header, an unsubscribe token of that
// reader's subscription and this issue, and a Message-ID and a return path of
// one and the same delivery of this issue.
func (s *Site) Tally(issue epistle.ID, r sink.Recording) Tally { return s.tally(issue, r.Mails()) }

func (s *Site) tally(issue epistle.ID, mails iter.Seq[sink.Mail]) Tally {
	t := Tally{got: make([]bool, s.Subscribers), digests: make([]uint64, s.Subscribers), ids: make(map[int64]bool, s.Subscribers)}
	for m := range mails {
		n, seq, err := s.judge(issue, m)
		if err != nil {
			t.Wrong++
			if t.Complaint == "" {
				t.Complaint = err.Error()
			}
			continue
		}
		if t.ids[seq] {
			t.Repeated++
		}
		t.ids[seq] = true
		if t.got[n] {
			t.Extra++
			if m.Digest != t.digests[n] {
				t.Differing++
			}
			continue
		}
		t.got[n], t.digests[n] = true, m.Digest
		t.Readers++
	}
	return t
}

// judge returns the reader's number and the delivery's.
func (s *Site) judge(issue epistle.ID, m sink.Mail) (reader int, seq int64, err error) {
	local, _, _ := strings.Cut(m.To, "@")
	n, err := strconv.Atoi(strings.TrimPrefix(local, "reader"))
	if err != nil || n < 0 || n >= s.Subscribers || m.To != string(readerAddress(n)) {
		return 0, 0, fmt.Errorf("a mail went to %q, who is no reader", m.To)
	}
	if !m.Addressed {
		return 0, 0, fmt.Errorf("the To header of reader %d is not theirs", n)
	}
	if m.Signed != (s.DKIM != "") {
		return 0, 0, fmt.Errorf("the mail of reader %d is signed: %t", n, m.Signed)
	}
	numbers, err := s.keys.ParseLink(seal.ToLeave, m.Leave)
	if err != nil || len(numbers) != 2 || numbers[0] != s.subscriptions[n] || numbers[1] != issue {
		return 0, 0, fmt.Errorf("the unsubscribe token of reader %d is not theirs: %q, numbers %v", n, m.Leave, numbers)
	}
	left, domain, _ := strings.Cut(m.MessageID, "@")
	of, seq, err := s.keys.ParseMessageIDLocal(left)
	if err != nil || of != issue || domain != mailDomain {
		return 0, 0, fmt.Errorf("the Message-ID of reader %d is not of this issue: %q", n, m.MessageID)
	}
	left, domain, _ = strings.Cut(m.From, "@")
	of, bounced, err := s.keys.ParseBounceLocal(left)
	if err != nil || of != issue || bounced != seq || domain != bounceDomain {
		return 0, 0, fmt.Errorf("the return path of reader %d is not of this delivery: %q", n, m.From)
	}
	return n, seq, nil
}
