// Package web is the kernel of all pages: it renders templates in the reader's
// language, turns errors into plain pages, and guards every request. The pages
// themselves live in web/desk (staff) and web/public (everybody).
//
// # How to add a page
//
// 1. Write templates/web/desk/prayers.html (or public/…). It fills the blocks
// of the layout; the dot is the page's own struct:
//
//	{{define "title"}}{{t "pool.prayers.title"}}{{end}}
//	{{define "main"}}
//	<header class="page-head"><h1>{{t "pool.prayers.title"}}</h1></header>
//	<form method="post" class="card form">
//	  {{template "field" (field .Form "headline" "label" (t "pool.headline") "hint" (t "pool.headline.hint") "required" true)}}
//	  {{template "textarea" (field .Form "body" "label" (t "pool.body") "rows" 6)}}
//	  <p class="actions"><button class="button">{{t "pool.save"}}</button></p>
//	</form>
//	{{range .Prayers}}…{{else}}{{template "empty" (empty "pray" (t "pool.none") (t "pool.none.next"))}}{{end}}
//	{{end}}
//
// 2. Put its words into templates/locales/AREA.en.toml and AREA.ko.toml.
//
// 3. Write an area: a struct of what its pages need, its routes as a table, a
// typed struct per page, and handlers that return errors:
//
//	type Prayers struct {
//		Kernel *web.Kernel
//		Store  PrayerReader      // pages read through the store …
//		Pool   *editorial.Pool   // … and change things through a verb
//	}
//
//	func (p Prayers) Routes() []web.Route {
//		return []web.Route{
//			web.Desk("GET /desk/prayers", epistle.ReadDesk, p.list),
//			web.Desk("POST /desk/prayers", epistle.WritePool, p.create),
//		}
//	}
//
//	type prayersPage struct {
//		Form    *web.Form
//		Prayers []epistle.Prayer
//	}
//
//	func (p Prayers) create(w http.ResponseWriter, r *http.Request) error {
//		form := web.FormOf(r) // parsed and limited already
//		err := p.Pool.CreatePrayer(r.Context(), web.ActorFrom(r.Context()), …form.Value("headline")…)
//		if err := p.Kernel.Refuse(r, form, err); err != nil {
//			return err // not the form's fault: an error page
//		}
//		if form.Failed() {
//			return p.page(w, r, form) // answered with 422, what was typed is kept
//		}
//		p.Kernel.Flash(w, r, web.Good, "pool.saved")
//		return web.Redirect(w, r, "/desk/prayers")
//	}
//
//	func (p Prayers) page(w http.ResponseWriter, r *http.Request, form *web.Form) error {
//		…
//		return p.Kernel.Render(w, r, "desk/prayers", prayersPage{form, prayers})
//	}
//
// 4. Test it with package webtest, which executes the template in both
// languages, and add the area in cmd/epistle/app.go.
//
// # What templates can use
//
//	t "key" "Name" value …   the message; "Count" chooses the plural
//	fill "key" MAP           t with its variables in a map
//	pick text                an epistle.Text in the reader's language
//	date, day, clock, moment, ago TIME   times from the store (UTC) are shown in the ministry's zone
//	zone "Asia/Seoul" TIME   the time in another zone, for date, day …
//	hours, days DURATION     whole hours or days
//	number N                 1,234
//	lang                     "en" or "ko"
//	ministry                 its name in the reader's language
//	static "name.css"        the address of a file in templates/web/static
//	icon "name"              a drawing of templates/web/icons
//	field, option, empty, badge, dict   arguments of partials; see fields.go
//
// Every reply has a strict Content-Security-Policy: no inline style, no inline
// script, nothing from elsewhere. A mail's preview is served by [Kernel.Mail]
// and shown in <iframe class="preview" sandbox src="…">.
package web
