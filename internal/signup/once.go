package signup

// once remembers which addresses of a file came before, by keys of 64 bits:
// among a million, two that differ are taken for the same once in a million
// files. Beyond onceAtMost it forgets no earlier ones and takes no new ones, so
// that its memory stays bounded; the database tells later repetitions.
type once map[uint64]struct{}

const onceAtMost = 2_000_000

// first reports whether key was not seen before, and remembers it.
func (o once) first(key uint64) bool {
	if _, seen := o[key]; seen {
		return false
	}
	if len(o) < onceAtMost {
		o[key] = struct{}{}
	}
	return true
}
