// Package templates holds what people see: pages, mails, and the words in each
// language.
package templates

import "embed"

// Locales holds locales/AREA.LANGUAGE.toml.
//
//go:embed locales/*.toml
var Locales embed.FS

// Web holds web/{layout,partials,desk,public,icons,static}.
//
//go:embed web
var Web embed.FS

// Email holds the mails: a pair of files each, .html and .txt.
//
//go:embed email/*.html email/*.txt
var Email embed.FS
