package main

import (
	"bufio"
	"context"
	"errors"
	"io"

	"filippo.io/age"

	"epistle/config"
	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
)

// exportCommand takes data out to files.
type exportCommand struct {
	Subscribers exportSubscribersCommand `cmd:"" help:"${help_export_subscribers}"`
}

type exportSubscribersCommand struct {
	Newsletter string   `help:"${help_export_newsletter}" placeholder:"SLUG"`
	Recipient  []string `help:"${help_export_recipient}" placeholder:"age1…"`
}

// run writes the subscribers with their consents to the standard output.
func (cmd *exportSubscribersCommand) run(ctx context.Context, p *program) error {
	var recipients []age.Recipient
	for _, text := range cmd.Recipient {
		recipient, err := age.ParseX25519Recipient(text)
		if err != nil {
			return epistle.Errorf(epistle.Invalid, "cli.export.recipient", nil)
		}
		recipients = append(recipients, recipient)
	}
	return p.withStore(ctx, func(_ config.Config, s *store.Store) error {
		var newsletter epistle.ID
		if cmd.Newsletter != "" {
			n, err := chooseNewsletter(ctx, s, cmd.Newsletter)
			if err != nil {
				return err
			}
			newsletter = n.ID
		}
		verb := signup.New(signup.Options{Store: s, Catalog: p.catalog, Keys: s.Keys(), Clock: s.Clock(), Log: p.log, NextSlot: nextSlot})
		buffered := bufio.NewWriterSize(p.stdout, 64<<10)
		out, err := sealedFor(recipients, buffered)
		if err != nil {
			return err
		}
		_, err = verb.Export(ctx, epistle.SystemActor(), newsletter, out)
		if err != nil {
			return err // without its end, a sealed file does not open: nobody takes it for whole
		}
		return errors.Join(out.Close(), buffered.Flush())
	})
}

// sealedFor encrypts what is written for the recipients, if there are any.
func sealedFor(recipients []age.Recipient, out io.Writer) (io.WriteCloser, error) {
	if len(recipients) == 0 {
		return open{out}, nil
	}
	return age.Encrypt(out, recipients...)
}

// open writes as it is.
type open struct{ io.Writer }

func (open) Close() error { return nil }
