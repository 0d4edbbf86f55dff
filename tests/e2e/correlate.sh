#!/usr/bin/env bash
# correlate.sh - voicelab's twelve users, captured and correlated without a rule written by hand: the
# values that people would name are bound, and nothing else is.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3
start_voicelab --access-ttl 5s
capture shop "$port"
expect_exit 0 "$root/tests/voicelab/drive.sh" "$url" "$voicelab"
stop_capture shop

expect_exit 0 "$reprise" correlate shop.trace --dry-run --json
equal "rows after a dry run" "$(sql shop.trace 'SELECT count(*) FROM binding')" 0
expect_exit 0 "$reprise" correlate shop.trace
expect_line out '^12 sessions'
expect_exit 0 test ! -s err

# Each row with the templates of its two ends, without numbers of arrays.
sql shop.trace "CREATE TABLE found AS SELECT b.*,
    e.method || ' ' || e.template || ' ' || b.born_place AS given,
    f.method || ' ' || f.template || ' ' || b.used_place AS carried, x.session_id
    FROM binding b
    JOIN exchange w ON w.exchange_id = b.born_exchange_id JOIN endpoint e ON e.endpoint_id = w.endpoint_id
    JOIN exchange x ON x.exchange_id = b.used_exchange_id JOIN endpoint f ON f.endpoint_id = x.endpoint_id"
count() { sql shop.trace "SELECT count(*) FROM found WHERE $1"; }

# bound WHAT GIVEN CARRIED WHICH: all requests of which this is true have the binding.
bound() {
    equal "$1 that are bound" "$(count "given LIKE '$2' AND carried LIKE '$3'")" \
        "$(sql shop.trace "SELECT count(*) FROM exchange x JOIN endpoint f USING (endpoint_id) WHERE $4")"
}
bearer="request_headers LIKE '%Authorization: Bearer %'"
bound "access tokens" "POST /auth/%/access_token" "%header:Authorization" "$bearer"
bound "refresh tokens" "POST /auth/% body:/refresh_token" "%body:/refresh_token" "template = '/auth/refresh'"
bound "jobs asked for" "POST /jobs body:/id" "GET /jobs/% path:2" "template LIKE '/jobs/_%'"
bound "uploads submitted" "POST /uploads body:/id" "POST /jobs body:/upload_id" "f.method = 'POST' AND template = '/jobs'"
bound "uploads looked at" "POST /uploads body:/id" "GET /uploads/% path:2" "template LIKE '/uploads/_%'"
bound "conversations" "POST /conversations body:/id" "%/conversations/% path:2" "template LIKE '/conversations/_%'"
bound "contexts" "POST /conversations% body:/context_id" "%turns body:/context_id" "template LIKE '%/turns'"
bound "csrf tokens" "GET /feedback html:input[csrf]" "POST /feedback form:csrf" "f.method = 'POST' AND template = '/feedback'"
bound "forms followed" "POST /feedback header:Location > path:2" "GET /feedback/% path:2" "template LIKE '/feedback/_%'"
bound "cursors" "GET /voices body:/next" "GET /voices query:cursor" "target LIKE '%cursor=%'"
bound "voices" "GET /% body:/items/%/id" "GET /voices/% path:2" "template LIKE '/voices/_%'"
bound "versions" "GET /voices/% header:ETag" "%header:If-None-Match" "request_headers LIKE '%If-None-Match%'"
bound "batches" "POST /v1/batches body:/id" "GET /v1/batches/% path:3" "template LIKE '/v1/batches/_%'"
bound "API keys" "POST /api-keys body:/key" "%header:X-API-Key" "request_headers LIKE '%X-API-Key%'"
bound "admin tokens" "POST /admin/login body:/admin_token" "%header:X-Admin-Token" "request_headers LIKE '%X-Admin-Token%'"
bound "tokens in a query" "POST /auth/%/access_token" "GET /ws/transcribe query:token" "target LIKE '%?token=%'"
bound "addresses signed up" "%new:email" "POST /auth/signup body:/email" "template = '/auth/signup'"
bound "addresses logged in" "%new:email" "POST /auth/login body:/email" "template = '/auth/login'"
equal "uploads in a batch" "$(count "given = 'POST /v1/uploads body:/id' AND carried LIKE 'POST /v1/batches %/upload_id'")" 1

# Nothing else: those above are all there are.
equal "bindings of other places" "$(count "carried NOT LIKE '%header:Authorization' AND carried NOT LIKE '%token'
    AND carried NOT LIKE '%X-Admin-Token' AND carried NOT LIKE '%X-API-Key' AND carried NOT LIKE '%If-None-Match'
    AND carried NOT LIKE '% path:_' AND carried NOT LIKE '%upload_id' AND carried NOT LIKE '%context_id'
    AND carried NOT LIKE '%form:csrf' AND carried NOT LIKE '%query:cursor' AND carried NOT LIKE '%/email'")" 0
equal "bindings of segments that are no ids" "$(count "carried LIKE '% path:1' OR (carried LIKE '% path:%'
    AND (carried LIKE '%/admin/%' OR carried LIKE '%/auth/%' OR carried LIKE '%/ws/%'))")" 0
equal "bindings across sessions" "$(sql shop.trace "SELECT count(*) FROM found JOIN exchange ON exchange_id = born_exchange_id
    WHERE exchange.session_id <> found.session_id")" 0
equal "bindings to answers that had not ended" "$(sql shop.trace "SELECT count(*) FROM binding
    JOIN exchange w ON w.exchange_id = born_exchange_id JOIN exchange x ON x.exchange_id = used_exchange_id
    WHERE w.response_last_us > x.request_first_us AND born_place NOT LIKE 'new:%'")" 0

# Again: what was found is replaced, what people made stays.
before=$(sql shop.trace 'SELECT count(*) FROM binding')
sql shop.trace "UPDATE binding SET state = 'off', origin = 'edited' WHERE used_place = 'form:csrf'"
expect_exit 0 "$reprise" correlate shop.trace
equal "rows after the second time" "$(sql shop.trace 'SELECT count(*) FROM binding')" "$before"
equal "rows that people switched off" "$(sql shop.trace "SELECT count(*) FROM binding WHERE state = 'off'")" 2
expect_line out 'of an earlier correlation removed; 2 left out for edited ones'
expect_exit 0 "$reprise" correlate shop.trace --min-score 1
holds "a higher score binds less" "$(sql shop.trace 'SELECT count(*) FROM binding') < $before"


# What nearly bound is listed with the score that takes it, and that score does.
make_trace near.trace <<'SCRIPT'
session ann
0 10 GET /voices 200
answer {"items":[{"id":"vc_a81x99kq"}]}
20 30 GET /show?voice_id=vc_a81x99kq 200
session bob
100 110 GET /voices 200
answer {"items":[{"id":"vc_a81x99kq"}]}
120 130 GET /show?voice_id=vc_a81x99kq 200
SCRIPT
expect_exit 0 "$reprise" correlate near.trace --min-score 0.7
expect_line out '^Nearly bound'
expect_line out '^--min-score 0\.60 +2 +2 +GET /voices body:/items/\*/id +GET /show query:voice_id$'
expect_exit 0 "$reprise" correlate near.trace --min-score 0.7 --json
expect_line out '"kind":"near".*"min_score_hundredths":60,'
expect_exit 0 "$reprise" correlate near.trace --min-score 0.60
expect_line out '^2 bindings stored'
equal "nearly bound, and bound" "$(grep -c 'Nearly' out)" 0

expect_exit 0 "$reprise" inspect shop.trace bindings
expect_line out 'why  .*differs between them, .*named like'
expect_exit 0 "$reprise" inspect shop.trace bindings --session 1 --json
expect_line out '"born_place"'
expect_exit 2 "$reprise" correlate
expect_complaint 'correlate: give the trace'
expect_exit 2 "$reprise" correlate shop.trace --min-score 2
expect_complaint 'correlate: --min-score is from 0 to 1'
expect_exit 2 "$reprise" correlate none.trace
expect_exit 1 env TMPDIR=/none/such "$reprise" correlate shop.trace
expect_complaint 'cannot make a temporary file in /none/such: .*; set TMPDIR to another folder'
finish
