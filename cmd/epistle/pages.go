package main

import (
	"io/fs"

	"epistle/internal/web"
	"epistle/internal/web/desk"
	"epistle/internal/web/hooks"
	"epistle/internal/web/public"
	"epistle/templates"
)

// buildPages makes the kernel of the pages and mounts every area on it.
func (a *app) buildPages(more func(*app) []web.Area) error {
	pages, err := fs.Sub(templates.Web, "web")
	if err != nil {
		return err
	}
	a.kernel, err = web.New(web.Options{
		Catalog: a.catalog, Templates: pages, Ministry: a.config.Ministry.Name,
		PublicURL: a.publicURL, Location: location(a.config), TrustedProxies: a.config.Server.TrustedProxies,
		Hash: a.store.Keys().Index, Clock: a.clock, Log: a.log, Ready: a.store.Fit,
	})
	if err != nil {
		return err
	}
	sessions := desk.NewSessions(a.kernel, a.account, a.store)
	areas := a.areas(sessions)
	if more != nil {
		areas = append(areas, more(a)...)
	}
	a.handler = a.kernel.Handler(sessions, areas...)
	return nil
}

// areas is every group of pages, the desk's first.
func (a *app) areas(sessions *desk.Sessions) []web.Area {
	k := a.kernel
	return []web.Area{
		desk.Today{Kernel: k, Store: a.store, Issues: a.issues, Mail: a.sending.Health},
		desk.Door{Kernel: k, Account: a.account, Sessions: sessions},
		desk.Account{Kernel: k, Account: a.account, Sessions: sessions, Recovery: a.store},
		desk.Staff{Kernel: k, Account: a.account},
		desk.Signups{Kernel: k, Store: a.store, Signup: a.signup},
		desk.Subscribers{Kernel: k, Store: a.store, Signup: a.signup},
		desk.Lists{Kernel: k, Store: a.store, Verb: a.lists},
		desk.Pool{Kernel: k, Store: a.store, Pool: a.pool, Preview: a.renderer, Zone: location(a.config)},
		desk.Issues{Kernel: k, Store: a.store, Issues: a.issues, Preview: a.renderer, Tests: a.sending, Mail: a.sending.Health, Slots: nextSlots},
		desk.Comments{Kernel: k, Store: a.store, Verb: a.comments, Now: a.signup.NowOffered, Ministry: a.config.Ministry.Name},
		desk.Answers{Kernel: k, Store: a.store, Verb: a.answers, Catalog: a.catalog},
		desk.Pages{Kernel: k, Store: a.store, Verb: a.pages},
		desk.Settings{Kernel: k, Store: a.store, Newsletters: a.newsletters, Gate: a.gate, Slots: nextSlots},
		desk.Sites{Kernel: k, Store: a.store, Verb: a.sites, Wording: a.signup.Wording},
		public.Home{Kernel: k, Newsletters: a.store},
		public.Comments{Kernel: k, Store: a.store, Verb: a.comments},
		public.NewSubscribe(k, a.signup, a.stamps),
		public.Metrics{Kernel: k, Handler: a.metrics.Handler(), Token: a.config.Metrics.Token},
		hooks.WordPress{Kernel: k, Hook: a.hook},
	}
}
