package store

import (
	"errors"
	"os"
	"syscall"

	"epistle/internal/epistle"
)

// fileLock is held as long as the process lives; the kernel frees it when the
// process dies, however it dies.
type fileLock struct{ file *os.File }

func acquireFileLock(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, epistle.Errorf(epistle.Unavailable, "database.directory", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(epistle.Errorf(epistle.Unavailable, "database.locked", err), f.Close())
	}
	return &fileLock{file: f}, nil
}

// release frees the lock; none is no lock.
func (l *fileLock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
