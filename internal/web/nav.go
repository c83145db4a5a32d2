package web

import (
	"net/http"
	"strings"

	"epistle/internal/epistle"
)

// navItem is a line of the desk's menu; its words are "web.nav.KEY".
type navItem struct {
	Path, Key, Icon string
	permission      epistle.Permission
	Current         bool
}

type navGroup struct {
	Key   string // "web.nav.group.KEY"; "" has no heading
	Items []navItem
}

// deskMenu is the whole menu, in its order.
var deskMenu = []navGroup{
	{"", []navItem{
		{Path: "/desk/", Key: "today", Icon: "sun", permission: epistle.ReadDesk},
		{Path: "/desk/issues", Key: "issues", Icon: "mail", permission: epistle.ReadDesk},
	}},
	{"people", []navItem{
		{Path: "/desk/comments", Key: "comments", Icon: "speech", permission: epistle.ReadDesk},
		{Path: "/desk/signups", Key: "signups", Icon: "hand", permission: epistle.ReadDesk},
		{Path: "/desk/subscribers", Key: "subscribers", Icon: "people", permission: epistle.ReadPeople},
	}},
	{"pool", []navItem{
		{Path: "/desk/letters", Key: "letters", Icon: "pen", permission: epistle.ReadDesk},
		{Path: "/desk/prayers", Key: "prayers", Icon: "candle", permission: epistle.ReadDesk},
		{Path: "/desk/links", Key: "links", Icon: "link", permission: epistle.ReadDesk},
		{Path: "/desk/questions", Key: "questions", Icon: "question", permission: epistle.ReadDesk},
		{Path: "/desk/videos", Key: "videos", Icon: "play", permission: epistle.ReadDesk},
	}},
	{"house", []navItem{
		{Path: "/desk/settings", Key: "settings", Icon: "sliders", permission: epistle.ChangeSettings},
		{Path: "/desk/staff", Key: "staff", Icon: "key", permission: epistle.ManageStaff},
		{Path: "/desk/recovery", Key: "recovery", Icon: "shield", permission: epistle.ConfirmSheet},
	}},
}

// navFor is the part of the menu that a member may use.
func navFor(r *http.Request, m epistle.StaffMember) []navGroup {
	var menu []navGroup
	for _, group := range deskMenu {
		shown := navGroup{Key: group.Key}
		for _, item := range group.Items {
			if !m.Actor().May(item.permission) {
				continue
			}
			item.Current = r.URL.Path == item.Path ||
				item.Path != "/desk/" && strings.HasPrefix(r.URL.Path, item.Path+"/")
			shown.Items = append(shown.Items, item)
		}
		if len(shown.Items) > 0 {
			menu = append(menu, shown)
		}
	}
	return menu
}
