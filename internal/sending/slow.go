package sending

import "time"

// usualSlowMail is how long a mail may take before its lane counts as slow.
const usualSlowMail = 2 * time.Second

// slowness is what is known of a lane whose domain takes its mail, and takes its
// time. Times are the machine's, since nobody else has a part in it.
type slowness struct {
	since time.Time     // when the first slow mail was through
	took  time.Duration // for the last one; 0 until one has followed the first
	next  time.Time     // when one more may begin
}

// crowded reports, as how long to wait, that a slow lane has its part of the
// connections; else it may have one now.
func (p *pace) crowded(k laneKey) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, known := p.slow[k]
	if !known || s.took == 0 {
		return 0
	}
	now := time.Now()
	if now.Before(s.next) {
		return s.took
	}
	s.next = now.Add(s.took / time.Duration(p.part))
	p.slow[k] = s
	return 0
}

// learnTime takes to account how long a mail took. A domain is slow when one was
// slow that had not begun before the first was through: many at once may have met
// the same bad moment.
func (p *pace) learnTime(k laneKey, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, known := p.slow[k]
	switch {
	case took < p.slowMail:
		delete(p.slow, k)
	case !known:
		p.slow[k] = slowness{since: time.Now()}
	case time.Since(s.since) >= took:
		if s.took == 0 {
			p.log.Info("sending: a mail domain takes its time, its mail has a part of the connections", "seconds", int(took.Seconds()))
		}
		s.took = took
		p.slow[k] = s
	}
	p.slowed.Store(len(p.slow) > 0)
}
