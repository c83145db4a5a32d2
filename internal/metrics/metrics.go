// Package metrics counts what happens, for a Prometheus server: counts only,
// never an address, a name or anything that somebody typed.
package metrics

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"epistle/internal/epistle"
)

// Source is read whenever somebody asks for the metrics.
type Source interface {
	CommentCounts(ctx context.Context) (map[epistle.CommentState]int64, error)
	SignupsClosed(ctx context.Context) (time.Time, error)
}

// Metrics holds the counters of one daemon. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	posts    *prometheus.CounterVec
}

// New makes the counters.
func New(source Source) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), posts: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "epistle_public_posts_total",
		Help: "Posts of strangers to the public forms by what became of them: taken, or which limit stopped them.",
	}, []string{"form", "outcome"})}
	m.registry.MustRegister(m.posts, house{source}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Count returns what counts the outcomes of a form. They are told from the start,
// at nought, so that a rise from there can be seen.
func (m *Metrics) Count(form string, outcomes []string) func(outcome string) {
	for _, outcome := range outcomes {
		m.posts.WithLabelValues(form, outcome)
	}
	return func(outcome string) { m.posts.WithLabelValues(form, outcome).Inc() }
}

// Handler answers with the metrics in the text form of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// house collects what stands in the database.
type house struct{ source Source }

var (
	comments = prometheus.NewDesc("epistle_comments", "Comments by state.", []string{"state"}, nil)
	closed   = prometheus.NewDesc("epistle_signups_closed", "1 while the flood switch keeps sign-ups out.", nil, nil)
)

func (h house) Describe(ch chan<- *prometheus.Desc) { ch <- comments; ch <- closed }

// collectTime bounds the questions to the database.
const collectTime = 5 * time.Second

func (h house) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTime)
	defer cancel()
	counts, err := h.source.CommentCounts(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(comments, err)
	}
	for state, n := range counts {
		ch <- prometheus.MustNewConstMetric(comments, prometheus.GaugeValue, float64(n), string(state))
	}
	since, err := h.source.SignupsClosed(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(closed, err)
		return
	}
	value := 0.0
	if !since.IsZero() {
		value = 1
	}
	ch <- prometheus.MustNewConstMetric(closed, prometheus.GaugeValue, value)
}
