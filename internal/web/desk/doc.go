// Package desk holds the staff's pages: today's queue, people, the pool, the
// issues, the staff themselves. Package web tells how to add one.
package desk
