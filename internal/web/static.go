package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// staticFiles are read once. Each has an address with a hash of its content, so
// that browsers may keep it for ever.
type staticFiles struct {
	content map[string][]byte // by name: "epistle.css"
	hash    map[string]string
}

func loadStatic(files fs.FS) (*staticFiles, error) {
	s := &staticFiles{content: map[string][]byte{}, hash: map[string]string{}}
	err := fs.WalkDir(files, "static", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, file)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(file, "static/")
		sum := sha256.Sum256(content)
		s.content[name], s.hash[name] = content, hex.EncodeToString(sum[:5])
		return nil
	})
	return s, err
}

// url is the address of a file: "/static/epistle.3f2a….css".
func (s *staticFiles) url(name string) (string, error) {
	hash, ok := s.hash[name]
	if !ok {
		return "", fmt.Errorf("there is no static file %q", name)
	}
	ext := path.Ext(name)
	return "/static/" + strings.TrimSuffix(name, ext) + "." + hash + ext, nil
}

// find returns the file of an address, and whether the address has its present
// hash. An old hash still finds the file: a page from before an upgrade may
// ask for it.
func (s *staticFiles) find(requested string) (name string, current, ok bool) {
	if _, ok := s.content[requested]; ok {
		return requested, false, true
	}
	ext := path.Ext(requested)
	stem := strings.TrimSuffix(requested, ext)
	dot := strings.LastIndexByte(stem, '.')
	if dot < 0 {
		return "", false, false
	}
	name = stem[:dot] + ext
	_, ok = s.content[name]
	return name, ok && s.hash[name] == stem[dot+1:], ok
}

func (k *Kernel) serveStatic(w http.ResponseWriter, r *http.Request) error {
	name, current, ok := k.static.find(r.PathValue("file"))
	if !ok {
		return notFound(w, r)
	}
	w.Header().Set("Cache-Control", "no-cache")
	if current {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	return k.sendStatic(w, r, name)
}

// ServeScript answers with a static file that pages of other sites load under a
// lasting address of its own.
func (k *Kernel) ServeScript(w http.ResponseWriter, r *http.Request, name string) error {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	return k.sendStatic(w, r, name)
}

func (k *Kernel) sendStatic(w http.ResponseWriter, r *http.Request, name string) error {
	h := w.Header()
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		h.Set("Content-Type", kind)
	}
	h.Set("Etag", `"`+k.static.hash[name]+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(k.static.content[name]))
	return nil
}
