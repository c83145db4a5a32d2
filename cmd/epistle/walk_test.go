package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestTheWholePath walks through the plain program as its people do, in a real
// browser: a supporter comments and confirms, an author moderates and composes,
// an editor approves and sends, the supporter reads and leaves.
func TestTheWholePath(t *testing.T) {
	house := startDemo(t)
	browser := chromium(t)
	supporter := newVisitor(t, browser, house.base)
	author := newVisitor(t, browser, house.base)
	editor := newVisitor(t, browser, house.base)

	const name, address = "Miriam Castellan", "miriam.castellan@walk.example"

	// A supporter comments and ticks the box.
	supporter.open(house.commentsPath)
	supporter.sees("Abel Norström")
	supporter.photograph("comments")
	supporter.fill("name", name)
	supporter.fill("email", address)
	supporter.fill("comment", "Praying with you. <b>Not bold</b> 🙏 아멘")
	if ticked := supporter.evaluate(`String(document.querySelector("[name=updates]").checked)`); ticked != "false" {
		t.Error("the box for the updates is ticked before anybody did")
	}
	supporter.click("[name=updates]")
	supporter.settled()
	supporter.press("Send comment")
	supporter.sees("Please look into your mailbox")
	supporter.photograph("comment-received")

	// The confirmation comes to that address, and a GET does nothing.
	confirm := house.mailFor(supporter, address, "confirm").link(t, "/confirm/")
	supporter.open(confirm)
	supporter.sees("Is this what you would like?")
	supporter.photograph("confirm")
	supporter.press("Yes, send it to me")
	supporter.sees("Thank you, you are with us")
	supporter.sees("Korea time")
	supporter.photograph("confirmed")

	// The author finds the comment in today's queue, approves it and answers.
	author.signIn(house.author, house.authorPassword)
	author.sees("Today")
	author.photograph("today")
	author.open("/desk/comments")
	author.sees("<b>Not bold</b> 🙏 아멘")
	author.photograph("moderation")
	author.fits()
	author.pressIn(".comment-row", name, "Approve")
	author.sees("The comment is on its page.")
	author.pressIn(".comment-row", "Joanna Whitlock", "Approve and invite")
	author.sees("a mail is on its way to its author")
	house.mailFor(author, "joanna.whitlock@millpond.example", "would you like")
	supporter.open(house.commentsPath)
	supporter.sees(name)
	supporter.sees("<b>Not bold</b> 🙏 아멘")

	// The author works on the week's issue and looks at the real mail.
	author.open(house.issuePath)
	author.photograph("composer")
	author.fits()
	author.fill("subject_en", "Winter is coming to the river")
	author.press("Save")
	author.sees("Saved.")
	author.open(house.issuePath + "/preview?mail=en&view=html&form=full")
	author.sees("Mrs. J")
	author.photograph("preview")
	author.open(house.issuePath)
	author.sees("An editor or administrator approves this issue.")

	// Somebody else approves exactly that, and sends it.
	editor.signIn(house.editor, house.editorPassword)
	editor.open(house.issuePath)
	editor.sees("Winter is coming to the river")
	editor.photograph("approval")
	editor.press("Approve this issue")
	editor.sees("Approved by")
	editor.press("Send now")
	editor.press("Yes, send it now")
	editor.until("the issue is sent", fmt.Sprintf(`fetch(%q).then(r => r.text()).then(t => t.includes("Sent"))`, house.issuePath+"/report"))
	editor.open(house.issuePath + "/report")
	editor.photograph("report")

	// The supporter reads it and leaves, changes their mind, and leaves for good.
	mail := house.mailFor(supporter, address, "Winter is coming")
	supporter.open(mail.path)
	supporter.sees("Winter is coming to the river")
	supporter.photograph("mail")
	supporter.open(mail.path + "/html")
	supporter.photograph("mail-html")
	supporter.open("/mailbox")
	supporter.photograph("mailbox")
	leave := mail.leave
	supporter.open(leave)
	supporter.sees("Should we stop sending")
	supporter.photograph("leave")
	supporter.press("Yes, unsubscribe")
	supporter.sees("You are unsubscribed")
	supporter.photograph("left")
	supporter.press("That was a mistake, undo it")
	supporter.sees("Should we stop sending")
	house.oneClick(t, leave)
	house.oneClick(t, leave) // a second time changes nothing
	supporter.open(leave)
	supporter.sees("You are unsubscribed")
	editor.open(house.issuePath + "/report")
	editor.sees("Left")
}

// house is a running demo.
type house struct {
	base, commentsPath, issuePath string
	author, authorPassword        string
	editor, editorPassword        string
}

var tourPattern = regexp.MustCompile(`(?s)(http://[^/\s]+)(/comments\?page=\S+).*?(\S+@\S+) +(\S+).*?http://[^/\s]+(/desk/issues/\d+)\s+(\S+@\S+) +(\S+)`)

// startDemo builds the plain program, runs its demo on a free port, and reads
// where to click from what it prints. The demo ends with the test.
func startDemo(t *testing.T, more ...string) house {
	t.Helper()
	program := buildProgram(t)
	demo := exec.Command(program, append([]string{"demo", "--listen", "127.0.0.1:0"}, more...)...)
	log := &lockedBuffer{}
	demo.Stderr = log
	stdout, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = demo.Process.Signal(syscall.SIGTERM)
		if err := demo.Wait(); err != nil {
			t.Errorf("the demo ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the demo's log:\n%s", log)
		}
	})
	var printed strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		printed.WriteString(lines.Text() + "\n")
		if found := tourPattern.FindStringSubmatch(printed.String()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, stdout) }()
			return house{base: found[1], commentsPath: found[2], author: found[3], authorPassword: found[4],
				issuePath: found[5], editor: found[6], editorPassword: found[7]}
		}
	}
	t.Fatalf("the demo did not say where to click:\n%s\n%s", printed.String(), log)
	return house{}
}

// buildProgram compiles the program as a ministry would run it.
func buildProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "epistle")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return program
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func (v *visitor) signIn(address, password string) {
	v.t.Helper()
	v.open("/desk/")
	v.photograph("sign-in")
	v.fill("email", address)
	v.fill("password", password)
	v.press("Sign in")
	v.sees("Sign out")
}

// received is a mail in the demo's mailbox.
type received struct {
	path  string
	leave string
	html  string
}

// mailFor waits for a mail to an address whose subject has some words.
func (h house) mailFor(v *visitor, address, subject string) received {
	v.t.Helper()
	v.open("/mailbox?q=" + url.QueryEscape(address))
	v.until("a mail about "+subject, fmt.Sprintf(`fetch(location.href).then(r => r.text()).then(text => {
		const page = new DOMParser().parseFromString(text, "text/html");
		const row = [...page.querySelectorAll("a[href^='/mailbox/']")].find(a => a.closest("li, tr").textContent.toLowerCase().includes(%q));
		if (row) location.href = row.getAttribute("href");
		return Boolean(row);
	})`, strings.ToLower(subject)))
	v.sees("From")
	path := v.evaluate(`location.pathname`)
	return received{
		path:  path,
		leave: v.evaluate(`(document.querySelector("dl a") || {href: ""}).href`),
		html:  h.get(v.t, path+"/html"),
	}
}

// link is the first link of the mail to a path.
func (r received) link(t *testing.T, path string) string {
	t.Helper()
	_, rest, found := strings.Cut(r.html, `href="`)
	for found {
		var address string
		address, rest, _ = strings.Cut(rest, `"`)
		if u, err := url.Parse(address); err == nil && strings.HasPrefix(u.Path, path) {
			return address
		}
		_, rest, found = strings.Cut(rest, `href="`)
	}
	t.Fatalf("the mail has no link to %s", path)
	return ""
}

func (h house) get(t *testing.T, path string) string {
	t.Helper()
	response, err := http.Get(h.base + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d, %v", path, response.StatusCode, err)
	}
	return string(body)
}

// oneClick does what a mail program's unsubscribe button does (RFC 8058).
func (h house) oneClick(t *testing.T, address string) {
	t.Helper()
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Post(address, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("one-click unsubscribe answered %d", response.StatusCode)
	}
}
