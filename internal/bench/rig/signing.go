package rig

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"epistle/internal/dkim"
)

// selector is of no consequence: nobody looks it up.
const selector = "bench"

// Sign has the daemons that start from now on sign with a new key, or not at
// all.
func (s *Site) Sign(algorithm string) (err error) {
	s.DKIM = algorithm
	if algorithm != "" {
		s.signing, err = dkim.Generate(selector, algorithm)
	}
	return err
}

// signingSettings are a daemon's, with its key in a file in dir.
func (s *Site) signingSettings(dir string) ([]string, error) {
	if s.DKIM == "" {
		return nil, nil
	}
	text, err := s.signing.PEM()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "dkim.pem")
	return []string{"EPISTLE_DKIM_DOMAIN=" + mailDomain, "EPISTLE_DKIM_SELECTOR=" + selector, "EPISTLE_DKIM_KEY_FILE=" + file},
		os.WriteFile(file, []byte(text), 0o600)
}

// SigningAlone is how many mails of a size all processors of this machine can
// sign in a second with the daemon's own signer, when they do nothing else.
func SigningAlone(ctx context.Context, algorithm string, size int, during time.Duration) (float64, error) {
	key, err := dkim.Generate(selector, algorithm)
	if err != nil {
		return 0, err
	}
	signer, err := dkim.New(mailDomain, key)
	if err != nil {
		return 0, err
	}
	row := strings.Repeat("x", 74) + "\r\n"
	mail := "From: <letters@" + mailDomain + ">\r\nTo: <" + string(readerAddress(1)) + ">\r\nSubject: Two songs before the bus\r\n" +
		"Date: Sun, 22 Nov 2026 20:00:00 +0900\r\nMessage-ID: <1@" + mailDomain + ">\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n" +
		"List-Unsubscribe: <https://" + mailDomain + "/u/token>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n" +
		strings.Repeat(row, size/len(row))
	var signed atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for range runtime.NumCPU() {
		group.Go(func() error {
			data := append(signer.Begin(nil), mail...)
			for time.Since(began) < during && ctx.Err() == nil {
				if err := signer.Finish(data); err != nil {
					return err
				}
				signed.Add(1)
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return float64(signed.Load()) / time.Since(began).Seconds(), nil
}
