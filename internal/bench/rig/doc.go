// Package rig sets the real daemon up for measuring: a database full of
// subscribers, a launched issue, the process, and the account of who got what.
package rig
