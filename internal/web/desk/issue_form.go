package desk

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/web"
)

// The composer's form holds the whole content: subject_en …, the sections in
// their order as "section", and in each its items in their order as
// "prayers_item" = "prayer:12" with fields such as "prayers_0_title_en". "was"
// holds a short hash of every field as it was shown, so that a save that comes
// too late can tell what this editor changed from what somebody else did.

// formOf fills the composer's form with a content.
func formOf(issue epistle.Issue) *web.Form {
	form := web.NewForm("version", strconv.FormatInt(issue.Version, 10))
	eachText(issue.Content, func(name string, t epistle.Text) { form.SetText(name, t) })
	return form
}

// eachText visits every text of a content by its field's name.
func eachText(c epistle.Content, visit func(name string, t epistle.Text)) {
	visit("subject", c.Subject)
	visit("preheader", c.Preheader)
	for _, section := range c.Sections {
		visit(editorial.SectionField(section.Kind, "heading"), section.Heading)
		for n, item := range section.Items {
			at := editorial.Place{Section: section.Kind, Index: n}
			visit(editorial.ItemField(at, "title"), item.Title)
			visit(editorial.ItemField(at, "body"), item.Body)
			if item.Kind == epistle.LetterItem {
				visit(editorial.ItemField(at, "signatures"), joinSignatures(item.Signatures))
			}
		}
	}
}

// joinSignatures puts signatures on lines of their own, as they are typed.
func joinSignatures(signatures []epistle.Text) epistle.Text {
	var en, ko []string
	for _, s := range signatures {
		en, ko = append(en, s.EN), append(ko, s.KO)
	}
	return epistle.Text{EN: strings.TrimRight(strings.Join(en, "\n"), "\n"), KO: strings.TrimRight(strings.Join(ko, "\n"), "\n")}
}

// splitSignatures pairs the lines of both languages.
func splitSignatures(t epistle.Text) []epistle.Text {
	en, ko := lines(t.EN), lines(t.KO)
	var all []epistle.Text
	for i := range max(len(en), len(ko)) {
		var s epistle.Text
		if i < len(en) {
			s.EN = en[i]
		}
		if i < len(ko) {
			s.KO = ko[i]
		}
		all = append(all, s)
	}
	return all
}

func lines(s string) []string {
	var all []string
	for line := range strings.Lines(strings.ReplaceAll(s, "\r", "")) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// maxTypedItems bounds what is read of a posted section.
const maxTypedItems = 100

// typedContent reads the content that was typed.
func typedContent(form *web.Form) epistle.Content {
	c := epistle.Content{Subject: form.Text("subject"), Preheader: form.Text("preheader")}
	for _, kind := range form.Values("section") {
		section := epistle.Section{Kind: epistle.SectionKind(kind), Items: []epistle.Item{}}
		section.Heading = form.Text(editorial.SectionField(section.Kind, "heading"))
		for n, name := range form.Values(kind + "_item") {
			if n >= maxTypedItems {
				break
			}
			itemKind, id, _ := strings.Cut(name, ":")
			number, err := strconv.ParseInt(id, 10, 64)
			if err != nil {
				continue // a damaged form; the verb sees that items are missing
			}
			at := editorial.Place{Section: section.Kind, Index: n}
			item := epistle.Item{Kind: epistle.ItemKind(itemKind), ID: number,
				Title: form.Text(editorial.ItemField(at, "title")), Body: form.Text(editorial.ItemField(at, "body"))}
			item.Signatures = splitSignatures(form.Text(editorial.ItemField(at, "signatures")))
			section.Items = append(section.Items, item)
		}
		c.Sections = append(c.Sections, section)
	}
	return c
}

// overlaid is a stored content with what was typed in place of its texts, for
// a preview. Items are matched by their places; what does not match stays.
func overlaid(stored, typed epistle.Content) epistle.Content {
	next := epistle.Content{Subject: typed.Subject, Preheader: typed.Preheader}
	for _, section := range stored.Sections {
		section.Items = append([]epistle.Item{}, section.Items...)
		for _, from := range typed.Sections {
			if from.Kind != section.Kind {
				continue
			}
			section.Heading = from.Heading
			for n := range section.Items {
				if n < len(from.Items) && from.Items[n].Kind == section.Items[n].Kind && from.Items[n].ID == section.Items[n].ID {
					section.Items[n].Title, section.Items[n].Body, section.Items[n].Signatures = from.Items[n].Title, from.Items[n].Body, from.Items[n].Signatures
				}
			}
		}
		next.Sections = append(next.Sections, section)
	}
	return next
}

// wasOf remembers every field as it is shown: "subject_en=1f3a subject_ko=…".
func wasOf(c epistle.Content) string {
	var all []string
	eachText(c, func(name string, t epistle.Text) {
		all = append(all, name+"_en="+short(t.EN), name+"_ko="+short(t.KO))
	})
	return strings.Join(all, " ")
}

// short is enough of a hash to see whether a field was touched. Browsers send
// line ends as CRLF.
func short(s string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")))) // never fails
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

// leftover is a text that was typed for something that is no longer there.
type leftover struct{ Title, Text string }

// merged makes a form for the present issue out of one that was typed for an
// older version. Fields that this editor left alone show what is stored now;
// those that they changed keep what they typed, and theirs tells what
// the other editor wrote there. What was typed for an item that is gone comes
// back as leftovers, so that nothing is lost.
func merged(typed *web.Form, now epistle.Issue) (form *web.Form, theirs map[string]string, left []leftover) {
	was := map[string]string{}
	for _, pair := range strings.Fields(typed.Value("was")) {
		if name, hash, ok := strings.Cut(pair, "="); ok {
			was[name] = hash
		}
	}
	form, theirs = formOf(now), map[string]string{}
	taken := map[string]bool{}
	renamed := places(typedContent(typed), now.Content)
	eachText(now.Content, func(name string, _ epistle.Text) {
		from, ok := renamed[itemPart(name)]
		old := name
		if ok {
			old = strings.Replace(name, itemPart(name), from, 1)
		} else if itemPart(name) != "" {
			return // an item that the other editor added
		}
		for _, l := range []string{"_en", "_ko"} {
			taken[old+l] = true
			mine := typed.Value(old + l)
			if short(mine) == was[old+l] || short(mine) == short(form.Value(name+l)) {
				continue
			}
			if short(form.Value(name+l)) != was[old+l] {
				theirs[name+l] = form.Value(name + l)
			}
			form.Set(name+l, mine)
		}
	})
	eachText(typedContent(typed), func(name string, _ epistle.Text) {
		for _, l := range []string{"_en", "_ko"} {
			if mine := typed.Value(name + l); !taken[name+l] && short(mine) != was[name+l] && strings.TrimSpace(mine) != "" {
				left = append(left, leftover{Title: typed.Value(itemPart(name) + "_title" + l), Text: mine})
			}
		}
	})
	return form, theirs, left
}

// itemPart is "prayers_2" of "prayers_2_title", and "" of a field that belongs
// to no item.
func itemPart(name string) string {
	parts := strings.Split(name, "_")
	if len(parts) < 3 {
		return ""
	}
	return parts[0] + "_" + parts[1]
}

// places finds, for every item of the present content, the place that it had in
// the typed one: "prayers_0" -> "prayers_2".
func places(typed, now epistle.Content) map[string]string {
	before := map[string][]string{}
	eachItem(typed, func(place string, item epistle.Item) {
		key := fmt.Sprint(item.Kind, item.ID)
		before[key] = append(before[key], place)
	})
	found := map[string]string{}
	eachItem(now, func(place string, item epistle.Item) {
		key := fmt.Sprint(item.Kind, item.ID)
		if len(before[key]) > 0 {
			found[place], before[key] = before[key][0], before[key][1:]
		}
	})
	return found
}

func eachItem(c epistle.Content, visit func(place string, item epistle.Item)) {
	for _, section := range c.Sections {
		for n, item := range section.Items {
			visit(string(section.Kind)+"_"+strconv.Itoa(n), item)
		}
	}
}

// changesOf reads what the pressed button asks for, beside saving what was
// typed: "up:prayers:1", "down:…", "remove:…", "section-up:news",
// "section-down:…", "write:prayer", "add:prayer" with the item chosen in
// "add_prayer". at is where the page should be shown again.
func changesOf(form *web.Form) (changes []editorial.Change, at string, err error) {
	verb, rest, _ := strings.Cut(form.Value("do"), ":")
	target, number, _ := strings.Cut(rest, ":")
	section := epistle.SectionKind(target)
	index, _ := strconv.Atoi(number) // 0 where there is none; the verb checks the place
	place := editorial.Place{Section: section, Index: index}
	here := "#" + target
	switch verb {
	case "", "save":
		return nil, "", nil
	case "up":
		return []editorial.Change{editorial.Move(place, editorial.Up)}, here, nil
	case "down":
		return []editorial.Change{editorial.Move(place, editorial.Down)}, here, nil
	case "remove":
		return []editorial.Change{editorial.Remove(place)}, here, nil
	case "section-up":
		return []editorial.Change{editorial.MoveSection(section, editorial.Up)}, here, nil
	case "section-down":
		return []editorial.Change{editorial.MoveSection(section, editorial.Down)}, here, nil
	case "write":
		kind := epistle.ItemKind(target)
		return []editorial.Change{editorial.Write(kind)}, "#" + string(editorial.SectionFor(kind)), nil
	case "add":
		kind := epistle.ItemKind(target)
		here = "#" + string(editorial.SectionFor(kind))
		id, err := strconv.ParseInt(form.Value("add_"+target), 10, 64)
		if err != nil {
			return nil, here, epistle.InvalidField("add_"+target, "issue.choose")
		}
		return []editorial.Change{editorial.Add(kind, id)}, here, nil
	}
	return nil, "", notHere()
}
