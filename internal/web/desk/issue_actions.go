package desk

import (
	"errors"
	"net/http"
	"strconv"

	"epistle/internal/epistle"
	"epistle/internal/web"
)

// approve takes a second person's yes to the version and digest on their page.
func (p Issues) approve(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	version, err := strconv.ParseInt(form.Value("version"), 10, 64)
	if err != nil {
		return epistle.Errorf(epistle.Conflict, "changed-meanwhile", err)
	}
	return p.act(w, r, func(id epistle.ID) (string, error) {
		issue, err := p.Issues.Approve(r.Context(), web.ActorFrom(r.Context()), id, version, form.Value("digest"))
		switch {
		case err != nil:
			return "", err
		case issue.State == epistle.IssueHeld:
			return "issue.approved.late", nil
		case issue.State == epistle.IssueApproved || issue.State == epistle.IssuePaused:
			return "issue.approved", nil
		}
		return "issue.approved.launched", nil
	})
}

func (p Issues) sendNow(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(id epistle.ID) (string, error) {
		_, err := p.Issues.SendNow(r.Context(), web.ActorFrom(r.Context()), id)
		return "issue.launched", err
	})
}

func (p Issues) pause(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(id epistle.ID) (string, error) {
		return "issue.paused", p.Issues.Pause(r.Context(), web.ActorFrom(r.Context()), id)
	})
}

func (p Issues) resume(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(id epistle.ID) (string, error) {
		return "issue.resumed", p.Issues.Resume(r.Context(), web.ActorFrom(r.Context()), id)
	})
}

func (p Issues) cancel(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(id epistle.ID) (string, error) {
		return "issue.cancelled", p.Issues.Cancel(r.Context(), web.ActorFrom(r.Context()), id)
	})
}

// act does something with an issue and goes back to its page with a sentence:
// the one returned or, if the issue stands in the way, why not.
func (p Issues) act(w http.ResponseWriter, r *http.Request, do func(id epistle.ID) (string, error)) error {
	issue, newsletter, err := p.issueOf(r)
	if err != nil {
		return err
	}
	done, err := do(issue.ID)
	if err != nil {
		return p.standsInTheWay(w, r, newsletter, issue.ID, err)
	}
	p.Kernel.Flash(w, r, web.Good, done)
	return web.Redirect(w, r, issuePath(issue.ID))
}

// standsInTheWay shows the page as it is now, with the reason on top.
func (p Issues) standsInTheWay(w http.ResponseWriter, r *http.Request, n epistle.Newsletter, id epistle.ID, cause error) error {
	kind := epistle.KindOf(cause)
	if kind != epistle.Conflict && kind != epistle.Forbidden && kind != epistle.Unavailable && kind != epistle.Limited {
		return cause
	}
	issue, err := p.Store.Issue(r.Context(), id)
	if err != nil {
		return err
	}
	page, err := p.composer(r, issue, n)
	if err != nil {
		return err
	}
	page.Form.Message = p.Kernel.Words(r).Error(cause)
	return p.Kernel.RenderStatus(w, r, http.StatusConflict, "desk/issue", page)
}

// test mails one edition to one address, by default the member's own.
func (p Issues) test(w http.ResponseWriter, r *http.Request) error {
	issue, newsletter, err := p.issueOf(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	var problems epistle.Problems
	to, err := epistle.ParseAddress(form.Value("to"))
	problems.Add(underField("to", err))
	language, err := epistle.ParseLanguage(form.Value("language"))
	problems.Add(err)
	err = problems.Err()
	if err == nil {
		err = p.Tests.SendTest(r.Context(), web.ActorFrom(r.Context()), issue.ID, language, to)
	}
	if err == nil {
		p.Kernel.Flash(w, r, web.Good, "issue.test.sent")
		return web.Redirect(w, r, issuePath(issue.ID)+"#mail")
	}
	page, pageErr := p.composer(r, issue, newsletter)
	if pageErr != nil {
		return pageErr
	}
	page.Test = form
	if epistle.KindOf(err) == epistle.Unavailable {
		form.Message = p.Kernel.Words(r).Error(err)
	} else if err := p.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	return p.Kernel.Render(w, r, "desk/issue", page)
}

// underField puts an error beside another field than its own.
func underField(field string, err error) error {
	var e *epistle.Error
	if !errors.As(err, &e) {
		return err
	}
	moved := *e
	moved.Field = field
	return &moved
}

// reportPage is how the sending of an issue goes.
type reportPage struct {
	Issue      epistle.Issue
	Newsletter epistle.Newsletter
	Badge      web.Badge
	Report     epistle.Report
	Done       int64 // deliveries that nothing more will happen to
	Finished   bool
	HeldReason string
	Trouble    string // what is wrong with the mail, while the issue is on its way
	May        powers
}

func (p Issues) report(w http.ResponseWriter, r *http.Request) error {
	issue, newsletter, err := p.issueOf(r)
	if err != nil {
		return err
	}
	report, err := p.Store.Report(r.Context(), issue.ID)
	if err != nil {
		return err
	}
	page := reportPage{Issue: issue, Newsletter: newsletter, Badge: p.badge(r, issue), Report: report,
		Done:     report.Accepted + report.Failed + report.Skipped + report.Uncertain,
		Finished: issue.State == epistle.IssueSent || issue.State == epistle.IssueCancelled,
		May:      powersOf(web.ActorFrom(r.Context()), issue)}
	if issue.HeldReason != "" {
		page.HeldReason = p.Kernel.Words(r).T("held." + issue.HeldReason)
	}
	if issue.State == epistle.IssueLaunching || issue.State == epistle.IssueSending {
		if trouble := p.Mail(); trouble != nil {
			page.Trouble = p.Kernel.Words(r).Error(trouble)
		}
	}
	return p.Kernel.Render(w, r, "desk/issue-report", page)
}
