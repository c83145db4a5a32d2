# The two that matter:  make demo  runs the main job, make test passes the tests.

GO      ?= go
CLUSTER := $(GO) run ./internal/storetest/cluster
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
OURS    := ./...

# checkptr, which -race brings along, only slows down SQLite, C turned into Go.
RACE := -race -gcflags=modernc.org/...=-d=checkptr=0

.PHONY: demo build test test-wordpress test-wxr test-all check lint fuzz bench bench-web bench-import chaos tools clean

demo: ## the whole thing on loopback, with sample data and a mailbox to read
	$(GO) run ./cmd/epistle demo

build: ## the static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o epistle ./cmd/epistle

test: tools ## every test, with the race detector, on SQLite and PostgreSQL
	$(CLUSTER) $(GO) test $(RACE) -timeout 10m $(OURS)

FUZZTIME ?= 30s
test-all: test fuzz ## the tests, and every fuzz target for a while

fuzz: ## every fuzz target for $(FUZZTIME)
	@set -e; $(GO) list $(OURS) | while read -r package; do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(CLUSTER) $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

check: lint ## formatting, vet, the linter with the import rules
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on these files'; exit 1; }
	$(GO) vet $(OURS)
	$(GO) mod verify

lint:
	$(GO) run $(LINT) run

test-wordpress: ## the whole path from a real WordPress with MariaDB and PHP, which it installs
	@sh scripts/tools.sh wordpress
	$(CLUSTER) $(GO) test -tags wordpress -count=1 -timeout 10m -run WordPress ./cmd/epistle

test-wxr: ## imports of 100,000 comments with every trap, and of a large export, on both databases: exact counts, flat memory
	@sh scripts/tools.sh database
	$(GO) run ./internal/wordpress/wxrtest/measure

bench: ## how fast the daemon sends, beside Postfix's smtp-source: up to 20 minutes; QUICK=1, FULL=1
	@sh scripts/tools.sh bench
	$(GO) run ./internal/bench

bench-import: ## a list of a million subscribers into SQLite and PostgreSQL: rows a second, peak memory; at most 15 minutes
	@sh scripts/tools.sh database
	$(GO) run ./internal/signup/measure

bench-web: ## how fast the daemon answers: a thread of 500 comments, and sign-ups, each of which must be there: a minute
	@sh scripts/tools.sh database
	$(GO) run ./internal/bench/web

chaos: ## kill, freeze and starve the daemon in mid-send, and count what was lost or doubled: some 13 minutes; FULL=1
	@sh scripts/tools.sh database
	$(GO) run ./internal/chaos

tools: ## what the tests need beside Go: PostgreSQL's server, Chromium, fonts
	@sh scripts/tools.sh

clean:
	rm -rf epistle data
