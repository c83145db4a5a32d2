package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"epistle/config"
	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// keyFile is where the key is kept unless the settings hold it.
func keyFile(c config.Config) string { return filepath.Join(c.DataDir, "epistle.key") }

// keysOf finds the key of an existing installation: in the settings, else in
// the key file. A database that has a key, or is shared, never gets a new one.
func keysOf(c config.Config) func(empty bool) (*seal.Keyring, error) {
	return func(empty bool) (*seal.Keyring, error) {
		ring, err := presentKey(c)
		if err != nil || ring != nil {
			return ring, err
		}
		if empty {
			return nil, epistle.Errorf(epistle.NotFound, "cli.not-installed", nil)
		}
		return nil, epistle.Errorf(epistle.NotFound, "cli.key.missing", nil).With("Path", keyFile(c))
	}
}

// keysOrNew is keysOf for the daemon: an empty SQLite database gets a new key in
// the key file. On PostgreSQL several daemons must be given the same one.
func keysOrNew(c config.Config) func(empty bool) (*seal.Keyring, error) {
	return func(empty bool) (*seal.Keyring, error) {
		if _, ok := sqlitePath(c.Database.URL); empty && ok {
			return keysForInit(c)(empty)
		}
		ring, err := keysOf(c)(empty)
		if empty && epistle.KindOf(err) == epistle.NotFound {
			return nil, epistle.InvalidField("seal.key", "cli.key.needed")
		}
		return ring, err
	}
}

// keysForInit is keysOf for who sets up an installation: an empty database of
// either kind gets a new key in the key file, unless the settings hold one.
func keysForInit(c config.Config) func(empty bool) (*seal.Keyring, error) {
	return func(empty bool) (*seal.Keyring, error) {
		ring, err := presentKey(c)
		if err != nil || ring != nil {
			return ring, err
		}
		if !empty {
			return keysOf(c)(empty)
		}
		key := seal.NewKey()
		if err := writeKey(keyFile(c), key); err != nil {
			return nil, err
		}
		return seal.NewKeyring(key)
	}
}

// presentKey is the key that is there already; nil if none is.
func presentKey(c config.Config) (*seal.Keyring, error) {
	text, from := c.Seal.Key, config.Variable("seal.key")
	if text == "" {
		from = keyFile(c)
		content, err := os.ReadFile(from)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, epistle.Errorf(epistle.Unavailable, "cli.key.unreadable", err).With("Path", from)
		}
		text = string(content)
	}
	key, err := seal.ParseKey(text)
	if err != nil {
		return nil, epistle.InvalidField("seal.key", "cli.key.text").With("Path", from)
	}
	return seal.NewKeyring(key)
}

// writeKey keeps a new key for this user only. It never overwrites one.
func writeKey(path string, key seal.Key) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return epistle.Errorf(epistle.Unavailable, "database.directory", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return epistle.Errorf(epistle.Unavailable, "database.directory", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteString(key.String() + "\n"); err != nil {
		return err
	}
	return f.Sync()
}
