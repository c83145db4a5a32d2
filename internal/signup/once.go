package signup

import "hash/maphash"

// once remembers which addresses of a file came before, by hashes of 64 bits:
// among a million, two that differ are taken for the same once in a million
// files. Beyond onceAtMost it forgets no earlier ones and takes no new ones, so
// that its memory stays bounded; the database tells later repetitions.
type once struct {
	seed maphash.Seed
	seen map[uint64]struct{}
}

const onceAtMost = 2_000_000

func newOnce() *once { return &once{maphash.MakeSeed(), map[uint64]struct{}{}} }

// first reports whether s was not seen before, and remembers it.
func (o *once) first(s string) bool {
	hash := maphash.String(o.seed, s)
	if _, seen := o.seen[hash]; seen {
		return false
	}
	if len(o.seen) < onceAtMost {
		o.seen[hash] = struct{}{}
	}
	return true
}
