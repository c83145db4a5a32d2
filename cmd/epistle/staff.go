package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"epistle/config"
	"epistle/internal/account"
	"epistle/internal/epistle"
	"epistle/internal/store"
)

// staffCommand looks after staff from the machine of the installation's owner,
// who may do what an administrator may.
type staffCommand struct {
	Add     staffAddCommand     `cmd:"" help:"${help_staff_add}"`
	List    staffListCommand    `cmd:"" help:"${help_staff_list}"`
	Passwd  staffPasswdCommand  `cmd:"" help:"${help_staff_passwd}"`
	Disable staffDisableCommand `cmd:"" help:"${help_staff_disable}"`
	Enable  staffEnableCommand  `cmd:"" help:"${help_staff_enable}"`
}

// withStaff runs fn with the staff's rules on an existing installation.
func (p *program) withStaff(ctx context.Context, fn func(*account.Service) error) error {
	return p.withStore(ctx, func(c config.Config, s *store.Store) error { return fn(p.account(c, s)) })
}

func (p *program) account(c config.Config, s *store.Store) *account.Service {
	base := c.Server.PublicURL
	if base == "" {
		base = "http://" + c.Server.Listen
	}
	return account.New(account.Options{Store: s, Hash: s.Keys().Index, Clock: p.clock, Log: p.log,
		URL: func(path string) string { return base + path }})
}

type staffAddCommand struct {
	Email        string `arg:"" help:"${help_staff_email}"`
	Name         string `help:"${help_staff_name}" required:""`
	Role         string `help:"${help_staff_role}" default:"author"`
	Language     string `help:"${help_staff_language}" default:"en"`
	PasswordFile string `help:"${help_password_file}" placeholder:"FILE"`
}

func (cmd *staffAddCommand) run(ctx context.Context, p *program) error {
	return p.withStaff(ctx, func(staff *account.Service) error {
		return p.addStaff(ctx, staff, account.NewMember{Address: cmd.Email, Name: cmd.Name, Role: cmd.Role, Language: cmd.Language}, cmd.PasswordFile)
	})
}

// addStaff adds a member with a password if one is given, else mails them a
// link to set one.
func (p *program) addStaff(ctx context.Context, staff *account.Service, m account.NewMember, passwordFile string) error {
	password, err := p.password(ctx, passwordFile, m.Name, m.Address)
	if err != nil {
		return err
	}
	if password == "" {
		if _, err := staff.Add(ctx, epistle.SystemActor(), m); err != nil {
			return err
		}
		p.say("cli.staff.invited", "Email", m.Address)
		return nil
	}
	if _, err := staff.AddWithPassword(ctx, epistle.SystemActor(), m, password); err != nil {
		return err
	}
	p.say("cli.staff.added", "Email", m.Address)
	return nil
}

type staffListCommand struct{}

func (staffListCommand) run(ctx context.Context, p *program) error {
	return p.withStaff(ctx, func(staff *account.Service) error {
		members, err := staff.List(ctx, epistle.SystemActor())
		if err != nil {
			return err
		}
		if len(members) == 0 {
			p.say("cli.staff.none")
			return nil
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		for _, m := range members {
			state := ""
			if !m.DisabledAt.IsZero() {
				state = p.words.T("cli.staff.is-disabled")
			}
			row := []string{m.Address.Display(), m.Name, string(m.Role), string(m.Language), state}
			fmt.Fprintln(table, strings.TrimRight(strings.Join(row, "\t"), "\t"))
		}
		return table.Flush()
	})
}

type staffPasswdCommand struct {
	Email        string `arg:"" help:"${help_staff_email}"`
	PasswordFile string `help:"${help_password_file}" placeholder:"FILE"`
}

func (cmd *staffPasswdCommand) run(ctx context.Context, p *program) error {
	return p.withStaff(ctx, func(staff *account.Service) error {
		member, err := staff.Find(ctx, epistle.SystemActor(), cmd.Email)
		if err != nil {
			return err
		}
		password, err := p.password(ctx, cmd.PasswordFile, member.Name, cmd.Email)
		if err != nil {
			return err
		}
		if password == "" {
			return epistle.InvalidField("password", "cli.password.needed")
		}
		if err := staff.SetPasswordFor(ctx, epistle.SystemActor(), member.ID, password); err != nil {
			return err
		}
		p.say("cli.staff.password-set", "Email", cmd.Email)
		return nil
	})
}

type staffDisableCommand struct {
	Email string `arg:"" help:"${help_staff_email}"`
}

func (cmd *staffDisableCommand) run(ctx context.Context, p *program) error {
	return p.withStaff(ctx, func(staff *account.Service) error {
		member, err := staff.Find(ctx, epistle.SystemActor(), cmd.Email)
		if err != nil {
			return err
		}
		if err := staff.Disable(ctx, epistle.SystemActor(), member.ID, member.Version); err != nil {
			return err
		}
		p.say("cli.staff.disabled", "Email", cmd.Email)
		return nil
	})
}

type staffEnableCommand struct {
	Email string `arg:"" help:"${help_staff_email}"`
}

func (cmd *staffEnableCommand) run(ctx context.Context, p *program) error {
	return p.withStaff(ctx, func(staff *account.Service) error {
		member, err := staff.Find(ctx, epistle.SystemActor(), cmd.Email)
		if err != nil {
			return err
		}
		if err := staff.Enable(ctx, epistle.SystemActor(), member.ID, member.Version); err != nil {
			return err
		}
		p.say("cli.staff.enabled", "Email", cmd.Email)
		return nil
	})
}
