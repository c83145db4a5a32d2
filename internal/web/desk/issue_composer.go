package desk

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/web"
)

// composerPage is the page of an issue: its content, the mail that comes of it,
// and what may be done with it.
type composerPage struct {
	Issue      epistle.Issue
	Newsletter epistle.Newsletter
	Badge      web.Badge
	SlotPassed bool
	HeldReason string

	Form     *web.Form
	Editable bool
	Was      string
	Theirs   map[string]string
	Left     []leftover
	Sections []composerSection

	Checks   []checkLine
	Stopped  bool
	Approval approvalCard
	View     previewView
	Test     *web.Form
	MayTest  bool
	May      powers
	Report   *epistle.Report
}

// composerSection is a section as the composer shows it.
type composerSection struct {
	Kind        epistle.SectionKind
	ItemKind    epistle.ItemKind
	Icon        string
	Pool        string // the page of the pool where such items are made
	First, Last bool
	Writable    bool // items may be written straight into it
	Items       []composerItem
	Choices     []web.Option // what is ready in the pool
}

// composerItem is an item with the names of its fields.
type composerItem struct {
	Item        epistle.Item
	Name        string // "prayers_0"
	Place       string // "prayers:0"
	First, Last bool
	Open        bool // has something to be looked at
}

// checkLine is a finding in the reader's language.
type checkLine struct {
	Stop     bool
	Where    string
	Sentence string
	Link     string
}

// approvalCard is what an approver is asked to say yes to.
type approvalCard struct {
	Digest     string
	Total      int64
	Languages  []languageCount
	EditedBy   string
	ApprovedBy string
	Solo       bool   // the approver was the last editor
	May        bool   // this member may approve now
	Why        string // why not
}

type languageCount struct {
	Language epistle.Language
	Count    int64
}

// powers are the buttons that a member is shown.
type powers struct{ Send, Pause, Resume, Cancel bool }

var sectionFaces = map[epistle.SectionKind]struct {
	icon, pool string
	item       epistle.ItemKind
	writable   bool
}{
	epistle.LetterSection:    {"pen", "/desk/letters", epistle.LetterItem, true},
	epistle.PrayersSection:   {"candle", "/desk/prayers", epistle.PrayerItem, true},
	epistle.NewsSection:      {"link", "/desk/links", epistle.LinkItem, false},
	epistle.QuestionsSection: {"question", "/desk/questions", epistle.QuestionItem, false},
	epistle.VideoSection:     {"play", "/desk/videos", epistle.VideoItem, false},
}

func (p Issues) show(w http.ResponseWriter, r *http.Request) error {
	issue, newsletter, err := p.issueOf(r)
	if err != nil {
		return err
	}
	page, err := p.composer(r, issue, newsletter)
	if err != nil {
		return err
	}
	return p.Kernel.Render(w, r, "desk/issue", page)
}

// composer gathers the page of an issue as it is stored.
func (p Issues) composer(r *http.Request, issue epistle.Issue, n epistle.Newsletter) (*composerPage, error) {
	ctx, words := r.Context(), p.Kernel.Words(r)
	actor := web.ActorFrom(ctx)
	page := &composerPage{
		Issue: issue, Newsletter: n, Badge: p.badge(r, issue), Form: formOf(issue), Was: wasOf(issue.Content),
		SlotPassed: !issue.SendAt.IsZero() && !p.Kernel.Now().Before(issue.SendAt),
		Editable:   issue.Editable() && actor.May(epistle.WriteIssue),
		Test:       web.NewForm(), MayTest: actor.May(epistle.TestSend) && issue.State != epistle.IssueCancelled,
		View: p.viewOf(r),
	}
	if issue.HeldReason != "" {
		page.HeldReason = words.T("held." + issue.HeldReason)
	}
	if member, ok := web.StaffFrom(ctx); ok {
		page.Test.Set("to", string(member.Address))
		page.Test.Set("language", string(member.Language))
	}
	var err error
	if page.Sections, err = p.sections(ctx, issue, page.Editable, words.Pick); err != nil {
		return nil, err
	}
	if page.Approval, err = p.approvalOf(r, issue, n); err != nil {
		return nil, err
	}
	if issue.Editable() {
		if err := p.addChecks(r, page); err != nil {
			return nil, err
		}
	}
	if !issue.LaunchedAt.IsZero() {
		report, err := p.Store.Report(ctx, issue.ID)
		if err != nil {
			return nil, err
		}
		page.Report = &report
	}
	page.May = powersOf(actor, issue)
	return page, nil
}

func powersOf(actor epistle.Actor, issue epistle.Issue) powers {
	running := issue.State == epistle.IssueLaunching || issue.State == epistle.IssueSending
	waiting := issue.State == epistle.IssueDraft || issue.State == epistle.IssueApproved || issue.State == epistle.IssueHeld
	may := powers{
		Send:   actor.May(epistle.LaunchIssue) && issue.IsApproved() && (issue.State == epistle.IssueApproved || issue.State == epistle.IssueHeld),
		Pause:  actor.May(epistle.StopIssue) && running,
		Resume: actor.May(epistle.LaunchIssue) && issue.State == epistle.IssuePaused && issue.IsApproved(),
		Cancel: actor.May(epistle.StopIssue) && (running || waiting || issue.State == epistle.IssuePaused),
	}
	return may
}

func (p Issues) sections(ctx context.Context, issue epistle.Issue, editable bool, pick func(epistle.Text) string) ([]composerSection, error) {
	var ready []epistle.Item
	if editable {
		pool, err := p.Store.Ready(ctx, p.Kernel.Now())
		if err != nil {
			return nil, err
		}
		ready = editorial.ReadyItems(pool)
	}
	all := withEverySection(issue.Content.Sections)
	sections := make([]composerSection, len(all))
	for i, section := range all {
		face := sectionFaces[section.Kind]
		s := composerSection{Kind: section.Kind, ItemKind: face.item, Icon: face.icon, Pool: face.pool, Writable: face.writable,
			First: i == 0, Last: i == len(all)-1}
		for n, item := range section.Items {
			at := editorial.Place{Section: section.Kind, Index: n}
			s.Items = append(s.Items, composerItem{Item: item, Name: strings.TrimSuffix(editorial.ItemField(at, ""), "_"),
				Place: string(section.Kind) + ":" + strconv.Itoa(n), First: n == 0, Last: n == len(section.Items)-1,
				Open: item.Title.IsZero() && item.Body.IsZero()})
		}
		for _, item := range ready {
			if item.Kind == face.item && !issue.Content.Contains(item.Kind, item.ID) {
				s.Choices = append(s.Choices, web.Option{Value: strconv.FormatInt(item.ID, 10), Label: pick(item.Title)})
			}
		}
		sections[i] = s
	}
	return sections, nil
}

func withEverySection(sections []epistle.Section) []epistle.Section {
	all := append([]epistle.Section{}, sections...)
	for _, kind := range epistle.SectionKinds {
		there := false
		for _, section := range sections {
			there = there || section.Kind == kind
		}
		if !there {
			all = append(all, epistle.Section{Kind: kind})
		}
	}
	return all
}

func (p Issues) approvalOf(r *http.Request, issue epistle.Issue, n epistle.Newsletter) (approvalCard, error) {
	ctx, words := r.Context(), p.Kernel.Words(r)
	actor := web.ActorFrom(ctx)
	card := approvalCard{Digest: issue.Digest(), Solo: issue.Approval.By != 0 && issue.Approval.By == issue.EditedBy}
	if err := p.countReaders(ctx, issue, &card); err != nil {
		return card, err
	}
	staff, err := p.Store.Staff(ctx)
	if err != nil {
		return card, err
	}
	card.EditedBy, card.ApprovedBy = words.T("issue.by-program"), ""
	for _, member := range staff {
		if member.ID == issue.EditedBy {
			card.EditedBy = member.Name
		}
		if member.ID == issue.Approval.By {
			card.ApprovedBy = member.Name
		}
	}
	card.May = issue.Editable() && !issue.IsApproved()
	if err := actor.Require(epistle.ApproveIssue); err != nil {
		card.May, card.Why = false, words.T("issue.approve.role")
	} else if err := p.Issues.SecondPerson(actor, n, issue); err != nil {
		card.May, card.Why = false, words.Error(err)
	}
	return card, nil
}

// countReaders says to how many an issue goes; once it was launched, to how many
// it was approved to go, since who subscribes by now has nothing to do with it.
func (p Issues) countReaders(ctx context.Context, issue epistle.Issue, card *approvalCard) error {
	if !issue.LaunchedAt.IsZero() {
		card.Total = issue.Approval.Audience
		return nil
	}
	counts, err := p.Store.AudienceByLanguage(ctx, issue.Audience())
	for _, l := range epistle.Languages {
		if counts[l] > 0 {
			card.Languages = append(card.Languages, languageCount{l, counts[l]})
			card.Total += counts[l]
		}
	}
	return err
}

func (p Issues) addChecks(r *http.Request, page *composerPage) error {
	found, err := p.Issues.Check(r.Context(), page.Issue)
	if err != nil {
		return err
	}
	words := p.Kernel.Words(r)
	for _, f := range found {
		line := checkLine{Stop: f.Severity == editorial.Stop, Sentence: words.Fill("check."+f.Key, f.Data), Link: "#subject"}
		if f.Section != "" {
			line.Link, line.Where = "#"+string(f.Section), words.T("issue.section."+string(f.Section))
		}
		if f.Section != "" && f.Index >= 0 {
			name := strings.TrimSuffix(editorial.ItemField(editorial.Place{Section: f.Section, Index: f.Index}, ""), "_")
			line.Link = "#" + name
			line.Where = titleAt(words.Pick, page.Issue.Content, f, line.Where)
			openItem(page.Sections, name)
		}
		if f.Language != "" {
			language := words.T("issue.language." + string(f.Language))
			if line.Where == "" {
				line.Where = language
			} else {
				line.Where += ", " + language
			}
		}
		page.Checks = append(page.Checks, line)
	}
	page.Stopped = editorial.Stopped(found)
	return nil
}

func titleAt(pick func(epistle.Text) string, c epistle.Content, f editorial.Finding, otherwise string) string {
	for _, section := range c.Sections {
		if section.Kind == f.Section && f.Index < len(section.Items) {
			if title := pick(section.Items[f.Index].Title); title != "" {
				return title
			}
		}
	}
	return otherwise
}

// openItem unfolds an item that a finding speaks of.
func openItem(sections []composerSection, name string) {
	for s := range sections {
		for i := range sections[s].Items {
			if sections[s].Items[i].Name == name {
				sections[s].Items[i].Open = true
			}
		}
	}
}

// save keeps what was typed and does what the pressed button asks for.
func (p Issues) save(w http.ResponseWriter, r *http.Request) error {
	issue, newsletter, err := p.issueOf(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	changes, at, err := changesOf(form)
	if err == nil {
		err = p.edit(r, issue, form, changes)
	}
	if err == nil {
		p.flashSaved(w, r, issue)
		return web.Redirect(w, r, issuePath(issue.ID)+at)
	}
	return p.refused(w, r, newsletter, form, err)
}

func (p Issues) edit(r *http.Request, issue epistle.Issue, form *web.Form, changes []editorial.Change) error {
	version, err := strconv.ParseInt(form.Value("version"), 10, 64)
	if err != nil {
		return epistle.Errorf(epistle.Conflict, "changed-meanwhile", err)
	}
	all := append([]editorial.Change{editorial.Rewrite(typedContent(form))}, changes...)
	_, err = p.Issues.Edit(r.Context(), web.ActorFrom(r.Context()), issue.ID, version, all...)
	return err
}

func (p Issues) flashSaved(w http.ResponseWriter, r *http.Request, before epistle.Issue) {
	now, err := p.Store.Issue(r.Context(), before.ID)
	if err == nil && before.IsApproved() && !now.IsApproved() {
		p.Kernel.Flash(w, r, web.Wait, "issue.saved.approval-void")
		return
	}
	p.Kernel.Flash(w, r, web.Good, "issue.saved")
}

// refused shows the composer again with all that was typed. If somebody else
// changed the issue in between, both versions are brought together.
func (p Issues) refused(w http.ResponseWriter, r *http.Request, n epistle.Newsletter, form *web.Form, cause error) error {
	issue, _, err := p.issueOf(r)
	if err != nil {
		return err
	}
	page, err := p.composer(r, issue, n)
	if err != nil {
		return err
	}
	if form.Value("version") == strconv.FormatInt(issue.Version, 10) {
		page.Form = form
	} else {
		page.Form, page.Theirs, page.Left = merged(form, issue)
	}
	for s := range page.Sections {
		for i := range page.Sections[s].Items {
			page.Sections[s].Items[i].Open = true
		}
	}
	if err := p.Kernel.Refuse(r, page.Form, cause); err != nil {
		return err
	}
	return p.Kernel.Render(w, r, "desk/issue", page)
}
