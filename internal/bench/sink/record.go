package sink

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"iter"
	"sync"
	"time"
)

// Mail is what is recorded of one mail.
type Mail struct {
	From      string // the envelope's
	To        string // the envelope's
	Addressed bool   // whether the To header names that recipient
	Signed    bool   // whether there is a DKIM signature
	MessageID string // without the angle brackets
	Leave     string // the token of the link in List-Unsubscribe, what follows "/u/"
	Digest    uint64 // of the whole mail, if the server was asked for it; equal within a process for equal mails
}

// Recording is what came in a stretch of time.
type Recording struct {
	Count       int64
	Bytes       int64     // of all mails as they were on the wire, without the final dots
	First, Last time.Time // when the first and the last mail were complete
	blocks      [][]byte
}

// Mails gives what was recorded, each connection's in its order.
func (r Recording) Mails() iter.Seq[Mail] {
	return func(yield func(Mail) bool) {
		for _, block := range r.blocks {
			for len(block) > 0 {
				m := Mail{Addressed: block[0]&addressed != 0, Signed: block[0]&signed != 0}
				block = block[1:]
				m.Digest, block = binary.LittleEndian.Uint64(block), block[8:]
				for _, field := range []*string{&m.From, &m.To, &m.MessageID, &m.Leave} {
					n := int(block[0])
					*field, block = string(block[1:1+n]), block[1+n:]
				}
				if !yield(m) {
					return
				}
			}
		}
	}
}

// Join is what came to several servers.
func Join(recordings ...Recording) Recording {
	all := Recording{}
	for _, r := range recordings {
		all.add(r)
	}
	return all
}

func (r *Recording) add(other Recording) {
	if other.Count == 0 {
		return
	}
	if r.Count == 0 || other.First.Before(r.First) {
		r.First = other.First
	}
	if other.Last.After(r.Last) {
		r.Last = other.Last
	}
	r.Count += other.Count
	r.Bytes += other.Bytes
	r.blocks = append(r.blocks, other.blocks...)
}

// record is one connection's. The session writes it, the server takes it.
type record struct {
	mu  sync.Mutex
	all Recording

	// Of the mail that is being read; the session's alone.
	id, leave, toHeader field
	signed              bool
	digests             bool
	digest              maphash.Hash
}

// seed is one for all, so that digests can be compared.
var seed = maphash.MakeSeed()

// begin is called before header and body.
func (r *record) begin() { r.digest.SetSeed(seed) }

// body takes the text of the mail piece by piece, its header first.
func (r *record) body(text []byte) {
	if r.digests {
		_, _ = r.digest.Write(text) // never fails
	}
}

// maxField is the longest value that is recorded whole; longer ones are cut,
// and then equal nothing.
const maxField = 255

type field struct {
	value [maxField + 1]byte
	size  int
}

func (f *field) set(value []byte) { f.size = copy(f.value[:maxField], value) }
func (f *field) bytes() []byte    { return f.value[:f.size] }

// header finds what is recorded in a mail, or in as much of it as there is.
// The text begins with a line end.
func (r *record) header(text []byte) {
	r.id.size, r.leave.size, r.toHeader.size, r.signed = 0, 0, 0, false
	if end := bytes.Index(text, endOfHeader); end >= 0 {
		text = text[:end+2]
	}
	text = text[2:]
	for len(text) > 0 {
		line := headerLine(text)
		text = text[len(line):]
		switch line[0] | 0x20 {
		case 'd':
			if _, ok := valueOf(line, "dkim-signature:"); ok {
				r.signed = true
			}
		case 'm':
			if value, ok := valueOf(line, "message-id:"); ok {
				r.id.set(between(value))
			}
		case 'l':
			if value, ok := valueOf(line, "list-unsubscribe:"); ok {
				_, token, _ := bytes.Cut(value, []byte("/u/"))
				token, _, _ = bytes.Cut(token, []byte(">"))
				r.leave.set(token)
			}
		case 't':
			if value, ok := valueOf(line, "to:"); ok {
				start := bytes.LastIndexByte(value, '<')
				r.toHeader.set(between(value[max(0, start):]))
			}
		}
	}
}

// headerLine is a header field with the lines that continue it.
func headerLine(text []byte) []byte {
	end := 0
	for {
		i := bytes.IndexByte(text[end:], '\n')
		if i < 0 {
			return text
		}
		end += i + 1
		if end == len(text) || text[end] != ' ' && text[end] != '\t' {
			return text[:end]
		}
	}
}

// valueOf is what stands after a name, which must be in small letters.
func valueOf(line []byte, name string) ([]byte, bool) {
	if len(line) < len(name) {
		return nil, false
	}
	for i := range len(name) {
		c := line[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != name[i] {
			return nil, false
		}
	}
	return line[len(name):], true
}

// sum is the digest of the mail, 0 if nobody wants it.
func (r *record) sum() uint64 {
	if !r.digests {
		return 0
	}
	return r.digest.Sum64()
}

// blockSize is how much is set aside at once for records.
const blockSize = 256 << 10

// mail records the mail whose header was read.
func (r *record) mail(from, to []byte, size int64) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all.Count == 0 {
		r.all.First = now
	}
	r.all.Last = now
	r.all.Count++
	r.all.Bytes += size
	last := len(r.all.blocks) - 1
	if last < 0 || cap(r.all.blocks[last])-len(r.all.blocks[last]) < 1+8+4*(maxField+1) {
		r.all.blocks = append(r.all.blocks, make([]byte, 0, blockSize))
		last++
	}
	block := append(r.all.blocks[last], r.flags(to))
	block = binary.LittleEndian.AppendUint64(block, r.sum())
	for _, value := range [...][]byte{from, to, r.id.bytes(), r.leave.bytes()} {
		value = value[:min(len(value), maxField)]
		block = append(append(block, byte(len(value))), value...)
	}
	r.all.blocks[last] = block
}

// What the first byte of a record says.
const (
	addressed = 1 << iota
	signed
)

func (r *record) flags(to []byte) (all byte) {
	if bytes.Equal(r.toHeader.bytes(), to) {
		all |= addressed
	}
	if r.signed {
		all |= signed
	}
	return all
}

func (r *record) take() Recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = Recording{}
	return all
}
