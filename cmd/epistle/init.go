package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"epistle/config"
	"epistle/internal/account"
	"epistle/internal/epistle"
	"epistle/internal/relay"
	"epistle/internal/schedule"
	"epistle/internal/store"
)

// initCommand sets up a new installation. What no flag says is asked at a
// terminal.
type initCommand struct {
	Ministry        string `help:"${help_init_ministry}"`
	MinistryKo      string `help:"${help_init_ministry_ko}"`
	PostalAddress   string `help:"${help_init_postal_address}"`
	PostalAddressKo string `help:"${help_init_postal_address_ko}"`
	Zone            string `help:"${help_init_zone}"`
	PublicURL       string `help:"${help_init_public_url}" name:"public-url"`
	Sender          string `help:"${help_init_sender}"`
	ReplyTo         string `help:"${help_init_reply_to}"`
	Alert           string `help:"${help_init_alert}"`
	Relay           string `help:"${help_init_relay}"`
	Schedule        string `help:"${help_init_schedule}" default:"0 20 * * 4"`
	Database        string `help:"${help_init_database}"`
	DataDir         string `help:"${help_init_data_dir}"`
	StaffName       string `help:"${help_init_staff_name}"`
	StaffEmail      string `help:"${help_init_staff_email}"`
	StaffLanguage   string `help:"${help_init_staff_language}"`
	PasswordFile    string `help:"${help_password_file}" placeholder:"FILE"`
}

// The first newsletter's times, which the desk can change.
const (
	firstWelcomeAt    = "20:00"
	firstAssembleLead = 48 * time.Hour
	firstGrace        = 12 * time.Hour
	firstSlug         = "prayer-partner-update"
	firstQuota        = 2000 // messages a day: many for a list that begins, few enough to notice a mistake
)

// relayPatience is how long the test of the relay may take.
const relayPatience = 20 * time.Second

func (cmd *initCommand) run(ctx context.Context, p *program) error {
	path := p.configPath
	if path == "" {
		path = config.DefaultFiles[0]
	}
	_, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	c, text, err := cmd.settings(ctx, p, path, fresh)
	if err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	newsletter, err := cmd.newsletter(p, c)
	if err != nil {
		return err
	}
	if err := cmd.checkPasswordFile(ctx, p); err != nil {
		return err
	}
	if _, err := presentKey(c); err != nil { // before a database is made for it
		return err
	}
	if fresh {
		if err := mayWriteSettings(path); err != nil {
			return err
		}
	}
	s, err := store.Open(ctx, store.Options{URL: c.Database.URL, Keys: keysForInit(c), Clock: p.clock, Log: p.log})
	if err != nil {
		return err
	}
	if err := errors.Join(cmd.install(ctx, p, c, s, newsletter), s.Close()); err != nil {
		return err
	}
	if fresh {
		if err := writeSettings(path, text); err != nil {
			return err
		}
		p.say("cli.init.settings", "Path", path)
	}
	for _, r := range c.Relays {
		p.testRelay(ctx, r.URL)
	}
	p.testDNS(ctx, newsletter.Sender.Address, c)
	fmt.Fprintln(p.stdout)
	p.say("cli.init.next", "Key", keyFile(c), "Path", path)
	return nil
}

// checkPasswordFile refuses a password before anything is set up for it. What
// comes on standard input can be read only once, and is judged then.
func (cmd *initCommand) checkPasswordFile(ctx context.Context, p *program) error {
	if cmd.PasswordFile == "" || cmd.PasswordFile == "-" {
		return nil
	}
	password, err := p.password(ctx, cmd.PasswordFile)
	if err != nil || password == "" { // who has none is mailed a link to set one
		return err
	}
	return account.CheckPassword(password, cmd.StaffName, cmd.StaffEmail)
}

// settings gathers the answers and the settings that come of them. An existing
// settings file is taken as it is, never written.
func (cmd *initCommand) settings(ctx context.Context, p *program, path string, fresh bool) (c config.Config, text string, err error) {
	if !fresh {
		p.say("cli.init.kept", "Path", path)
		if c, err = config.Load(path, p.env); err != nil {
			return c, "", err
		}
		return c, "", p.ask(ctx, cmd.peopleQuestions(string(c.Ministry.Contact)))
	}
	if err := p.ask(ctx, cmd.ministryQuestions()); err != nil {
		return c, "", err
	}
	if err := p.ask(ctx, cmd.peopleQuestions("")); err != nil {
		return c, "", err
	}
	text = config.Fill(cmd.values())
	c, err = config.Parse(path, text, p.env)
	return c, text, err
}

func setting(key string) func(string) error {
	return func(value string) error { return config.Check(key, value) }
}

func isAddress(s string) error {
	_, err := epistle.ParseAddress(s)
	return err
}

func isLanguage(s string) error {
	_, err := epistle.ParseLanguage(s)
	return err
}

func (cmd *initCommand) ministryQuestions() []question {
	return []question{
		{flag: "--ministry", key: "ministry", answer: &cmd.Ministry, check: setting("ministry.name")},
		{flag: "--ministry-ko", key: "ministry-ko", answer: &cmd.MinistryKo, optional: true, check: setting("ministry.name_ko")},
		{flag: "--postal-address", key: "postal-address", answer: &cmd.PostalAddress, check: setting("ministry.address")},
		{flag: "--postal-address-ko", key: "postal-address-ko", answer: &cmd.PostalAddressKo, optional: true, check: setting("ministry.address_ko")},
		{flag: "--zone", key: "zone", answer: &cmd.Zone, initial: "Asia/Seoul", check: setting("ministry.timezone")},
		{flag: "--public-url", key: "public-url", answer: &cmd.PublicURL, optional: true, check: setting("server.public_url")},
		{flag: "--relay", key: "relay", answer: &cmd.Relay, check: setting("relay.url")},
	}
}

func (cmd *initCommand) peopleQuestions(contact string) []question {
	return []question{
		{flag: "--sender", key: "sender", answer: &cmd.Sender, initial: contact, check: isAddress},
		{flag: "--reply-to", key: "reply-to", answer: &cmd.ReplyTo, optional: true, check: isAddress},
		{flag: "--alert", key: "alert", answer: &cmd.Alert, optional: true, check: isAddress},
		{flag: "--staff-name", key: "staff-name", answer: &cmd.StaffName},
		{flag: "--staff-email", key: "staff-email", answer: &cmd.StaffEmail, check: isAddress},
		{flag: "--staff-language", key: "staff-language", answer: &cmd.StaffLanguage, initial: "en", check: isLanguage},
	}
}

// values are the answers as settings.
func (cmd *initCommand) values() map[string]any {
	if cmd.ReplyTo == "" {
		cmd.ReplyTo = cmd.Sender
	}
	set := map[string]any{
		"ministry.name": cmd.Ministry, "ministry.name_ko": cmd.MinistryKo,
		"ministry.address": cmd.PostalAddress, "ministry.address_ko": cmd.PostalAddressKo,
		"ministry.timezone": cmd.Zone, "ministry.contact": cmd.ReplyTo,
		"server.public_url": cmd.PublicURL, "relay.url": cmd.Relay, "relay.daily_quota": firstQuota, "alert.address": cmd.Alert,
	}
	if cmd.DataDir != "" {
		set["data_dir"] = cmd.DataDir
		set["database.url"] = "sqlite:" + filepath.Join(cmd.DataDir, "epistle.db")
	}
	if cmd.Database != "" {
		set["database.url"] = cmd.Database
	}
	return set
}

// newsletter is the first newsletter, with words from the catalogue.
func (cmd *initCommand) newsletter(p *program, c config.Config) (epistle.Newsletter, error) {
	words := func(key string) epistle.Text {
		return epistle.Text{EN: p.catalog.In(epistle.English).T(key), KO: p.catalog.In(epistle.Korean).T(key)}
	}
	// Both are addresses: the questions checked them.
	sender, err := epistle.ParseAddress(cmd.Sender)
	if err != nil {
		return epistle.Newsletter{}, err
	}
	replyTo := sender
	if cmd.ReplyTo != "" {
		if replyTo, err = epistle.ParseAddress(cmd.ReplyTo); err != nil {
			return epistle.Newsletter{}, err
		}
	}
	name := epistle.Text{EN: c.Ministry.Name.In(epistle.English), KO: c.Ministry.Name.In(epistle.Korean)}
	n := epistle.Newsletter{
		Slug: firstSlug, Title: words("cli.first.title"), Covers: words("cli.first.covers"), Frequency: words("cli.first.frequency"),
		Schedule: cmd.Schedule, Zone: c.Ministry.Timezone, WelcomeAt: firstWelcomeAt,
		AssembleLead: firstAssembleLead, Grace: firstGrace,
		Sender:  epistle.Mailbox{Name: name, Address: sender},
		ReplyTo: epistle.Mailbox{Name: name, Address: replyTo},
	}
	if _, err := schedule.Parse(n.Schedule, n.Zone); err != nil {
		return n, err
	}
	return n, n.Validate()
}

// install puts the newsletter and the first administrator into the database,
// unless it has some already.
func (cmd *initCommand) install(ctx context.Context, p *program, c config.Config, s *store.Store, n epistle.Newsletter) error {
	staff := p.account(c, s)
	members, err := staff.List(ctx, epistle.SystemActor())
	if err != nil {
		return err
	}
	if len(members) == 0 {
		err := p.addStaff(ctx, staff, account.NewMember{Address: cmd.StaffEmail, Name: cmd.StaffName,
			Role: string(epistle.Admin), Language: cmd.StaffLanguage}, cmd.PasswordFile)
		if err != nil {
			return err
		}
	}
	newsletters, err := s.Newsletters(ctx)
	if err != nil || len(newsletters) > 0 {
		return err
	}
	_, err = s.CreateNewsletter(ctx, n, epistle.AuditEntry{At: p.clock(), Actor: epistle.SystemActor()})
	return err
}

// mayWriteSettings finds out before anything is set up whether the settings can
// be kept in the end. It leaves nothing behind.
func mayWriteSettings(path string) error {
	err := writeSettings(path, "")
	if err == nil {
		err = os.Remove(path)
	}
	return err
}

// writeSettings keeps the settings for this user only: they hold the relay's
// password. It never overwrites a file.
func writeSettings(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return epistle.Errorf(epistle.Unavailable, "cli.settings.write", err).With("Path", path)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteString(text); err != nil {
		return epistle.Errorf(epistle.Unavailable, "cli.settings.write", err).With("Path", path)
	}
	return f.Sync()
}

// testRelay connects once and says how it went. A relay that does not answer
// today is no reason to undo the rest.
func (p *program) testRelay(ctx context.Context, url string) {
	options, err := relay.Parse(url)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, relayPatience)
		defer cancel()
		var conn *relay.Conn
		if conn, err = relay.Dial(ctx, options); err == nil {
			_ = conn.Quit() // it answered; how it takes leave does not matter
			p.say("cli.init.relay", "Host", options.Host)
			return
		}
	}
	p.log.Debug("the relay does not answer", "error", err)
	trouble := relay.Unreachable
	var dial *relay.DialError
	if errors.As(err, &dial) {
		trouble = dial.Trouble
	}
	p.say("cli.init.relay-"+string(trouble), "Host", options.Host)
}
