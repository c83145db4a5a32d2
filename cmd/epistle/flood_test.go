package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"epistle/internal/seal"
	"epistle/internal/signup"
	"epistle/internal/smtptest"
)

// unsubscribe is the one-click address in a mail.
var unsubscribe = regexp.MustCompile(`List-Unsubscribe: <http://[^/]+(/u/[^>]+)>`)

// While programs fill in the sign-up form as fast as they can, from as many
// networks as they like, an issue goes out to everybody who confirmed, once; who
// leaves is heard; and no more mails go to addresses that were typed than the
// settings allow.
func TestAFloodOfSignUpsHoldsUpNobodyWhoConfirmed(t *testing.T) {
	t.Parallel()
	env, eligible := launched(t, t.TempDir())
	var answers [600]atomic.Int64 // by status
	const burst, before = 40, 400
	flooding := make(chan struct{}) // closed when the flood is well under way
	relay := smtptest.Start(t, smtptest.Options{Script: func(s smtptest.Step) smtptest.Action {
		if s.Stage == smtptest.Body && !strings.HasSuffix(s.To, floodDomain) { // the issue waits for the flood
			select {
			case <-s.Done:
			case <-flooding:
			}
		}
		return smtptest.Action{}
	}})
	d := serve(t, append(env, "EPISTLE_RELAY_URL="+relay.URL(), "EPISTLE_SERVER_TRUSTED_PROXIES=127.0.0.1/32",
		fmt.Sprintf("EPISTLE_SIGNUPS_BURST=%d", burst), "EPISTLE_SIGNUPS_PER_HOUR=1"))
	stamp := oldStamp(t, env)

	var posted atomic.Int64
	over := make(chan struct{})
	var flood errgroup.Group
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	for range 16 {
		flood.Go(func() error {
			for {
				n := posted.Add(1)
				status, err := signUp(client, d.url, stamp, n)
				if err != nil {
					return err
				}
				answers[status].Add(1)
				if n == before {
					close(flooding)
				}
				select {
				case <-over:
					return nil
				default:
				}
			}
		})
	}
	waitFor(t, "the issue to reach everybody in the flood", func() bool { return int64(len(updates(relay))) == eligible })
	var found [][]byte
	for _, m := range relay.Messages() {
		if found = unsubscribe.FindSubmatch(bytes.ReplaceAll(m.Data, []byte("\r\n "), []byte(" "))); found != nil {
			break
		}
	}
	if found == nil {
		t.Fatal("a mail has no one-click address")
	}
	left, err := client.Post(d.url+string(found[1]), "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
	if err != nil {
		t.Fatal(err)
	}
	if left.Body.Close(); left.StatusCode != http.StatusOK {
		t.Errorf("who leaves in the flood is answered %d", left.StatusCode)
	}
	close(over)
	if err := flood.Wait(); err != nil {
		t.Fatal(err)
	}

	// The form comes back with a sentence, or the network is told to wait.
	taken, refused := answers[http.StatusOK].Load(), answers[http.StatusUnprocessableEntity].Load()+answers[http.StatusTooManyRequests].Load()
	if taken < burst || taken > burst+1 || taken+refused != posted.Load() { // one more when an hour went by
		t.Errorf("of %d forms %d were taken and %d refused; the cap is %d", posted.Load(), taken, refused, burst)
	}
	confirmations := func() map[string]int {
		mails := map[string]int{}
		for _, m := range relay.Messages() {
			if strings.HasSuffix(m.To, floodDomain) {
				mails[m.To]++
			}
		}
		return mails
	}
	waitFor(t, "a mail to each who was told that one comes", func() bool { return int64(len(confirmations())) >= taken })
	for to, copies := range confirmations() {
		if copies != 1 {
			t.Errorf("%s got %d mails", to, copies)
		}
	}
	if n := int64(len(confirmations())); n != taken {
		t.Errorf("%d addresses that were typed got mail, and %d were told so", n, taken)
	}
	for _, copies := range updates(relay) {
		if copies != 1 {
			t.Errorf("%d copies of the issue went to one person", copies)
		}
	}
}

const floodDomain = "@flood.example"

// oldStamp is that of a form that has been open for a while.
func oldStamp(t *testing.T, env []string) string {
	t.Helper()
	for _, v := range env {
		if text, found := strings.CutPrefix(v, "EPISTLE_SEAL_KEY="); found {
			key, err := seal.ParseKey(text)
			if err != nil {
				t.Fatal(err)
			}
			keys, err := seal.NewKeyring(key)
			if err != nil {
				t.Fatal(err)
			}
			return signup.NewStamps(keys, func() time.Time { return time.Now().Add(-time.Minute) }).New()
		}
	}
	t.Fatal("there is no key")
	return ""
}

// signUp posts the form as the n-th visitor, from a network of their own.
func signUp(client *http.Client, base, stamp string, n int64) (status int, err error) {
	form := url.Values{"email": {fmt.Sprintf("p%d%s", n, floodDomain)}, "language": {"en"}, "stamp": {stamp}}.Encode()
	r, err := http.NewRequest(http.MethodPost, base+"/subscribe", strings.NewReader(form))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
