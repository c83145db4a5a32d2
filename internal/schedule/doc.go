// Package schedule turns cron expressions into slots and runs what is due at
// them. A slot is one firing of a series, known by the wall-clock time at which
// it is meant in the series' zone ("2026-11-26T20:00") and unique in the
// database: however many daemons run, and however often they restart, a slot is
// done once. It knows no verb; cmd registers the jobs.
//
// What happens when something goes wrong:
//
//   - A daemon dies at work: its lease on the slot ends after a minute, and
//     another daemon, or the same one started again, runs the slot anew. A job
//     must therefore be one that may be run again after it stopped half way.
//   - A job fails: its slot is tried again every minute until its grace ends.
//   - Nothing ran at the time of a slot: it is caught up within its grace. After
//     that it is recorded as missed and reported, never run.
//   - A clock is put back or a zone changes its rules: the wall-clock label has
//     been used, and the slot does not fire again.
package schedule
