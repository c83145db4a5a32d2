package signup_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
)

// lists starts the import of uploads and ends it with the test.
func (h *house) lists(dir string) *signup.Lists {
	h.t.Helper()
	lists := signup.NewLists(h.service, h.store, dir)
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- lists.Start(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			h.t.Error(err)
		}
	})
	return lists
}

// wait polls until an import has reached a state.
func (h *house) wait(id epistle.ID, state store.ImportState) store.ImportRun {
	h.t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		run, err := h.store.ImportRun(h.t.Context(), id)
		h.must(err)
		if run.State == state {
			return run
		}
		select {
		case <-deadline.C:
			h.t.Fatalf("the import is %s, want %s: %+v", run.State, state, run)
		case <-tick.C:
		}
	}
}

func TestAListIsCheckedBeforeItIsImported(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		dir := t.TempDir()
		lists, chief := h.lists(dir), h.member(epistle.Admin)
		how := signup.Import{NewsletterID: h.update.ID, Mode: signup.Vouched, Source: "the card box"}
		file := "email,name\ngrace@example.org,Grace\nnobody\nruth@example.org,Ruth\n"
		_, err := lists.Upload(t.Context(), h.member(epistle.Editor), strings.NewReader(file), how)
		wantKind(t, err, epistle.Forbidden, "an editor imports")
		id, err := lists.Upload(t.Context(), chief, strings.NewReader(file), how)
		h.must(err)
		run := h.wait(id, store.ImportChecked)
		if run.Rows != 3 || run.Added != 2 || run.Errors != 1 || len(run.Problems) != 1 || run.Problems[0].Line != 3 || run.Problems[0].Message != "address.no-at" {
			t.Errorf("the dry run says %+v", run)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("the file lies about: %v, %v", left, err)
		}
		if h.audience() != 0 {
			t.Error("the dry run subscribed somebody")
		}
		h.must(lists.Go(t.Context(), chief, id))
		if run = h.wait(id, store.ImportDone); run.Added != 2 || run.Done != run.Size || h.audience() != 2 {
			t.Errorf("the import says %+v, %d are subscribed", run, h.audience())
		}
		wantConflict(t, lists.Go(t.Context(), chief, id), "signup.upload.gone")

		id, err = lists.Upload(t.Context(), chief, strings.NewReader("no headings\nat all\n"), how)
		h.must(err)
		if run = h.wait(id, store.ImportFailed); len(run.Problems) != 1 || run.Problems[0].Message != "signup.file-headings" {
			t.Errorf("a file that is no list gives %+v", run)
		}
		id, err = lists.Upload(t.Context(), chief, strings.NewReader(file), how)
		h.must(err)
		h.wait(id, store.ImportChecked)
		h.must(lists.Drop(t.Context(), chief, id))
		wantConflict(t, lists.Go(t.Context(), chief, id), "signup.upload.gone")
	})
}

func TestAnExportIsWholeHarmlessAndCanBeImported(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		file := "email,name\n+tag@example.org,=HYPERLINK(1)\nleft@example.org,Ruth\neun@example.org,김은혜\n"
		if done, _ := h.importing(file, signup.Import{Mode: signup.Vouched, Source: "@cards"}); done.Added != 3 {
			t.Fatalf("imported %+v", done)
		}
		left, err := h.store.SubscriberByAddress(t.Context(), "left@example.org")
		h.must(err)
		subscriptions, err := h.store.Subscriptions(t.Context(), left.ID)
		h.must(err)
		h.must(h.service.Leave(t.Context(), h.leaveToken(subscriptions[0], 0), epistle.ByPage, ""))
		var out bytes.Buffer
		_, err = h.service.Export(t.Context(), h.member(epistle.Editor), 0, io.Discard)
		wantKind(t, err, epistle.Forbidden, "an editor exports")
		rows, err := h.service.Export(t.Context(), admin(), h.update.ID, &out)
		h.must(err)
		records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff"))).ReadAll()
		h.must(err)
		if rows != 3 || len(records) != 4 {
			t.Fatalf("%d rows, %d records", rows, len(records))
		}
		for _, record := range records[1:] {
			for _, cell := range record {
				if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
					t.Errorf("a spreadsheet takes %q for a formula", cell)
				}
			}
			if !strings.Contains(record[len(record)-1], `"evidence":"@cards"`) {
				t.Errorf("the consents are %s", record[len(record)-1])
			}
		}
		other := h.newsletter("other")
		done, err := h.service.Import(t.Context(), admin(), &out, signup.Import{NewsletterID: other.ID, Mode: signup.Vouched, Source: "our own export"})
		if err != nil || done.Added != 2 || done.Errors != 1 { // who left stays gone
			t.Errorf("the export imports as %+v, error %v", done, err)
		}
		if p, err := h.store.SubscriberByAddress(t.Context(), "+tag@example.org"); err != nil || p.Name != "=HYPERLINK(1)" {
			t.Errorf("the name came back as %q, error %v", p.Name, err)
		}
	})
}

func TestListsOfOtherProgramsAreUnderstood(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		for program, file := range map[string]string{
			"mailchimp": "\"Email Address\",\"First Name\",\"Last Name\",Address,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,LANGUAGE\n" +
				"mailchimp@example.org,Grace,Kim,\"1 Road, Seoul\",2,\"2019-05-03 10:00:00\",192.0.2.1,\"2019-05-03 10:05:00\",ko\n",
			"listmonk": "uuid,email,name,attributes,status,created_at,updated_at\n" +
				"0d7f,listmonk@example.org,Grace Kim,\"{\"\"city\"\": \"\"Seoul\"\"}\",enabled,2019-05-03T10:05:00Z,2020-01-01T00:00:00Z\n" +
				"0d80,gone@example.org,Ruth,{},blocklisted,2019-05-03T10:05:00Z,2020-01-01T00:00:00Z\n",
			"keila": "Email,First name,Last name,Data,Status,External ID\n" +
				"keila@example.org,Grace,Kim,\"{\"\"a\"\": 1}\",active,7\nleft@example.org,Ruth,Park,{},unsubscribed,8\n",
			"mailpoet": "Subscriber status;List;Email;First name;Last name;Status;Created at\n" +
				";News;mailpoet@example.org;Grace;Kim;Subscribed;2019-05-03 10:05:00\n;News;bad@example.org;Ruth;Park;Bounced;2019-05-03 10:05:00\n",
		} {
			done, _ := h.importing(file, signup.Import{Mode: signup.Vouched, Source: program})
			if done.Added != 1 || done.Errors != int64(strings.Count(file, "\n")-2) { // the headings, and one person who is mailed
				t.Errorf("%s: %+v", program, done)
				continue
			}
			person, err := h.store.SubscriberByAddress(t.Context(), epistle.Address(program+"@example.org"))
			if err != nil || person.Name != "Grace Kim" || (person.Language == epistle.Korean) != (program == "mailchimp") {
				t.Errorf("%s: %q in %s, error %v", program, person.Name, person.Language, err)
			}
			consents, err := h.store.Consents(t.Context(), person.ID)
			h.must(err)
			if want := time.Date(2019, 5, 3, 10, 5, 0, 0, time.UTC); program != "keila" && !consents[0].AskedAt.Equal(want) {
				t.Errorf("%s: asked %v, want %v", program, consents[0].AskedAt, want)
			}
		}
	})
}

// The evidence goes along: who, when, where, in which words and language.
func TestAnExportCarriesTheConsents(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.subscribe("grace@example.org")
		var out bytes.Buffer
		_, err := h.service.Export(t.Context(), admin(), 0, &out)
		h.must(err)
		records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff"))).ReadAll()
		h.must(err)
		var consents []map[string]any
		h.must(json.Unmarshal([]byte(records[1][len(records[1])-1]), &consents))
		now := h.clock.Now().Format(time.RFC3339Nano)
		for name, want := range map[string]any{"source": "form", "asked_at": now, "given_at": now, "page": "https://lantern.example/subscribe",
			"wording": h.service.Wording(h.update, epistle.English), "wording_version": float64(h.update.WordingVersion), "language": "en", "network_address": "203.0.113.8"} {
			if len(consents) != 1 || consents[0][name] != want {
				t.Errorf("%s is told as %v, want %v", name, consents[0][name], want)
			}
		}
	})
}

// Files of people who left, or cannot be reached, make nobody a subscriber: to
// mistake one for the list itself is easy.
func TestListsOfWhoLeftSubscribeNobody(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		for what, file := range map[string]string{
			"Mailchimp, unsubscribed": "\"Email Address\",\"First Name\",MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON\n" +
				"left@example.org,Grace,2,\"2019-05-03 10:00:00\",\"2019-05-03 10:05:00\",\"2021-01-02 08:00:00\",\"Weekly\",\"No reason given\"\n",
			"Mailchimp, cleaned": "Email Address,First Name,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID\nleft@example.org,Grace,2021-01-02 08:00:00,Weekly,7\n",
			"Korean":             "이메일,이름,수신거부일\nleft@example.org,은혜,2021-01-02\n",
		} {
			done, _ := h.importing(file, signup.Import{Mode: signup.Vouched, Source: what})
			if done.Added != 0 || done.Errors != 1 || h.audience() != 0 {
				t.Errorf("%s: %+v", what, done)
			}
		}
		stays := "Email Address,First Name,UNSUB_TIME\nstays@example.org,Grace,\n"
		if done, _ := h.importing(stays, signup.Import{Mode: signup.Vouched, Source: "whole list"}); done.Added != 1 {
			t.Errorf("who did not leave: %+v", done)
		}
	})
}

// A flood of strangers at once: each who was let in waits with one mail, and
// nobody beyond the cap.
func TestAFloodOfSignupsIsExactAndKeepsToTheCap(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		known := h.subscribe("known@example.org")
		const visitors, most = 600, 450
		h.strangers(most, 1)
		errs := make([]error, visitors)
		var all sync.WaitGroup
		for i := range visitors {
			all.Go(func() {
				form := h.form(fmt.Sprintf("p%d@example.org", i/2)) // everybody asks twice
				errs[i] = h.service.Request(t.Context(), form)
			})
		}
		all.Wait()
		let := map[int]bool{}
		refused := 0
		for i, err := range errs {
			switch {
			case err == nil:
				let[i/2] = true
			case epistle.KindOf(err) == epistle.Limited:
				refused++
			default:
				t.Fatal(err)
			}
		}
		if refused != visitors-most {
			t.Errorf("%d were refused, want %d", refused, visitors-most)
		}
		mails := map[epistle.Address]int{}
		for _, m := range h.mails() {
			mails[m.To]++
		}
		for i := range let {
			if n := mails[epistle.Address(fmt.Sprintf("p%d@example.org", i))]; n != 1 {
				t.Errorf("person %d got %d mails", i, n)
			}
		}
		pending, err := h.store.CountSignups(t.Context(), epistle.SignupPending)
		if err != nil || pending != int64(len(let)) || len(mails) != len(let) {
			t.Errorf("%d wait with %d mails, error %v; want %d", pending, len(mails), err, len(let))
		}
		if h.audience() != 1 || h.state(known.Subscription) != epistle.Confirmed {
			t.Error("a confirmed person is affected")
		}
	})
}
