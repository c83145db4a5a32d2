package signup_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// peopleFile is a file of n people that is made while it is read.
type peopleFile struct {
	n, at int
	left  bytes.Buffer
}

func (f *peopleFile) Read(p []byte) (int, error) {
	for f.left.Len() < len(p) && f.at < f.n {
		if f.at == 0 {
			f.left.WriteString("email,name,language\n")
		}
		fmt.Fprintf(&f.left, "partner.%d@mail%d.example.org,Partner No %d,%s\n", f.at, f.at%997, f.at, [...]string{"en", "ko"}[f.at%2])
		f.at++
	}
	if f.left.Len() == 0 {
		return 0, io.EOF
	}
	return f.left.Read(p)
}

// BenchmarkImport imports b.N people for whom staff vouch, into an empty
// database: go test -bench Import -benchtime 200000x ./internal/signup/
func BenchmarkImport(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.PostgresURL} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url(b), time.Now)
			service, newsletter := importHouse(b, s)
			b.ResetTimer()
			before := ownCPU(b)
			done, err := service.Import(b.Context(), admin(), &peopleFile{n: b.N}, signup.Import{NewsletterID: newsletter.ID, Mode: signup.Vouched,
				Source: "our old list, consent by form since 2019"})
			b.StopTimer()
			if err != nil || done.Added != int64(b.N) {
				b.Fatalf("%+v, %v", done, err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64((ownCPU(b)-before).Nanoseconds())/1000/float64(b.N), "µs-cpu/row")
			b.ReportMetric(residentPeak(b), "MiB-peak")
		})
	}
}

func importHouse(t testing.TB, s *store.Store) (*signup.Service, epistle.Newsletter) {
	t.Helper()
	n, err := s.CreateNewsletter(t.Context(), epistle.Newsletter{Slug: "update", Title: epistle.Text{EN: "Update", KO: "소식"},
		Schedule: "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00"}, epistle.AuditEntry{At: time.Now(), Actor: admin()})
	if err != nil {
		t.Fatal(err)
	}
	return signup.New(signup.Options{Store: s, Catalog: catalog(t), Keys: s.Keys(), Clock: time.Now, Log: slog.New(slog.DiscardHandler)}), n
}

// residentPeak is the most memory that this process ever had, in MiB.
func residentPeak(t testing.TB) float64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib / 1024
		}
	}
	t.Fatal("the system does not tell")
	return 0
}

// ownCPU is the processor time of this process so far.
func ownCPU(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
