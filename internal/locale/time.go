package locale

import (
	"fmt"
	"time"

	"epistle/internal/epistle"
)

var koreanDays = [...]string{"일", "월", "화", "수", "목", "금", "토"}

// Date is a day as people write it: "26 November 2026", "2026년 11월 26일".
func (w *Words) Date(t time.Time) string {
	if w.Language == epistle.Korean {
		return fmt.Sprintf("%d년 %d월 %d일", t.Year(), t.Month(), t.Day())
	}
	return t.Format("2 January 2006")
}

// Day is a date with its weekday: "Thursday 26 November", "11월 26일 목요일".
func (w *Words) Day(t time.Time) string {
	if w.Language == epistle.Korean {
		return fmt.Sprintf("%d월 %d일 %s요일", t.Month(), t.Day(), koreanDays[t.Weekday()])
	}
	return t.Format("Monday 2 January")
}

// Clock is a time of day: "20:00".
func (w *Words) Clock(t time.Time) string { return t.Format("15:04") }

// Moment is a day and a time of day.
func (w *Words) Moment(t time.Time) string { return w.Day(t) + ", " + w.Clock(t) }
