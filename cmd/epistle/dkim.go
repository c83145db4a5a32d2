package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"epistle/config"
	"epistle/internal/dkim"
	"epistle/internal/epistle"
)

// dkimSigner is what signs our mails; nil where the settings name no key.
func dkimSigner(c config.DKIM) (*dkim.Signer, error) {
	var keys []dkim.Key
	for i, k := range c.Keys {
		if !k.IsSet() {
			continue
		}
		key, err := dkimKey(k, [...]string{"dkim.key", "dkim.key_ed25519"}[i])
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	return dkim.New(c.Domain, keys...)
}

// dkimKey reads a key; its errors name where it was looked for.
func dkimKey(k config.DKIMKey, setting string) (dkim.Key, error) {
	text, from := k.Key, setting
	if text == "" {
		from = k.File
		content, err := os.ReadFile(from)
		if err != nil {
			return dkim.Key{}, epistle.Errorf(epistle.Unavailable, "cli.dkim.unreadable", err).With("Path", from)
		}
		text = string(content)
	}
	key, err := dkim.ParseKey(k.Selector, text)
	switch {
	case errors.Is(err, dkim.ErrKeySize):
		return key, epistle.Errorf(epistle.Unavailable, "cli.dkim.size", nil).With("Path", from)
	case err != nil:
		return key, epistle.Errorf(epistle.Unavailable, "cli.dkim.text", nil).With("Path", from)
	}
	return key, nil
}

// dkimCommand holds what is done for signatures.
type dkimCommand struct {
	Keygen dkimKeygenCommand `cmd:"" help:"${help_dkim_keygen}"`
}

type dkimKeygenCommand struct {
	Algorithm string `help:"${help_dkim_algorithm}" enum:"rsa,ed25519" default:"rsa"`
	Domain    string `help:"${help_dkim_domain}"`
	Selector  string `help:"${help_dkim_selector}"`
	Out       string `help:"${help_dkim_out}" placeholder:"FILE"`
}

// run makes a key, keeps it in a file that was not there before, and prints
// what to write into DNS and the settings. It changes neither.
func (cmd *dkimKeygenCommand) run(_ context.Context, p *program) error {
	c, err := p.loadConfig()
	if err != nil {
		return err
	}
	if err := cmd.complete(c); err != nil {
		return err
	}
	key, err := dkim.Generate(cmd.Selector, cmd.Algorithm)
	if err != nil {
		return err
	}
	record, err := key.Record()
	if err != nil {
		return err
	}
	if err := writeDKIMKey(cmd.Out, key); err != nil {
		return err
	}
	suffix := ""
	if cmd.Algorithm == dkim.Ed25519 {
		suffix = "_ed25519"
	}
	name := key.RecordName(cmd.Domain)
	p.say("cli.dkim.made", "Path", cmd.Out, "Domain", cmd.Domain, "Name", name)
	fmt.Fprintf(p.stdout, "\n%s\n\n", record)
	p.say("cli.dkim.zone")
	fmt.Fprintf(p.stdout, "\n%s. IN TXT (\n", name)
	for _, s := range dkim.RecordStrings(record) {
		fmt.Fprintf(p.stdout, "  %q\n", s)
	}
	fmt.Fprint(p.stdout, ")\n\n")
	p.say("cli.dkim.settings")
	fmt.Fprintf(p.stdout, "\ndomain = %q\nselector%s = %q\nkey%s_file = %q\n\n", cmd.Domain, suffix, cmd.Selector, suffix, absolute(cmd.Out))
	p.say("cli.dkim.then")
	return nil
}

// complete checks the flags and fills those that were left out from the
// settings.
func (cmd *dkimKeygenCommand) complete(c config.Config) error {
	if cmd.Domain == "" {
		if cmd.Domain = c.DKIM.Domain; cmd.Domain == "" {
			cmd.Domain = c.Ministry.Contact.Domain()
		}
		if cmd.Domain == "" {
			return epistle.InvalidField("domain", "cli.dkim.domain")
		}
	}
	if cmd.Selector == "" {
		cmd.Selector = c.DKIM.Keys[0].Selector
		if cmd.Algorithm == dkim.Ed25519 {
			cmd.Selector = c.DKIM.Keys[1].Selector
		}
	}
	for key, value := range map[string]string{"dkim.domain": cmd.Domain, "dkim.selector": cmd.Selector} {
		if err := config.Check(key, value); err != nil {
			return err
		}
	}
	if a, err := epistle.ParseAddress("x@" + cmd.Domain); err == nil {
		cmd.Domain = a.Domain() // in ASCII, as DNS and signatures have it
	}
	if cmd.Out == "" {
		cmd.Out = filepath.Join(c.DataDir, "dkim-"+cmd.Selector+".pem")
	}
	return nil
}

// writeDKIMKey keeps a new key for this user only. It never overwrites
// anything.
func writeDKIMKey(path string, key dkim.Key) (err error) {
	text, err := key.PEM()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return epistle.Errorf(epistle.Unavailable, "cli.dkim.write", err).With("Path", path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return epistle.Errorf(epistle.Conflict, "cli.dkim.exists", nil).With("Path", path)
	}
	if err != nil {
		return epistle.Errorf(epistle.Unavailable, "cli.dkim.write", err).With("Path", path)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Sync()
}
