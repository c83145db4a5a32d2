package public_test

import (
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"epistle/internal/epistle"
)

// BenchmarkThread measures a thread of 500 comments over real HTTP.
func BenchmarkThread(b *testing.B) {
	v := visit(b)
	for i := range 500 {
		posted, err := v.store.PostComment(b.Context(), epistle.Comment{PageID: v.page.ID, Name: "Solveig Moen", Address: "solveig@example.org",
			Body: fmt.Sprintf("Comment %d. We think of you at breakfast, and read of the garden to our neighbours when they come on Saturdays.", i), Language: epistle.English})
		if err != nil {
			b.Fatal(err)
		}
		if err := v.verb.Approve(b.Context(), epistle.StaffActor(1, epistle.Author), posted.ID, epistle.CommentPending); err != nil {
			b.Fatal(err)
		}
		v.clock.Advance(time.Second)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	defer transport.CloseIdleConnections()
	var before syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		client := &http.Client{Transport: transport}
		for pb.Next() {
			r, err := client.Get(v.server.URL + thread)
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode != http.StatusOK {
				b.Errorf("status %d, %v", r.StatusCode, err)
			}
			_ = r.Body.Close()
		}
	})
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N), "cpu-µs/request") // of server and clients together
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
