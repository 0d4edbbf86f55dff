#!/usr/bin/env bash
# vary.sh - five of one recorded user, each with an email of its own at signup and at login, or one
# of a file: by voicelab's own count of who was let in.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3

make_trace user.trace <<'TRACE'
session bob
0 1 POST /auth/signup 201 {"email" : "bob@shop.test","password":"a long password","name":"Bob \"B\""}
header Content-Type: application/json
10 11 POST /auth/login 200 {"email":"bob@shop.test","password":"a long password"}
header Content-Type: application/json
TRACE
start_voicelab
answers() { grep -cE "POST $1 $2 " voicelab.log; }
counted() { sql "$1" "SELECT ifnull(sum(sum), 0) FROM plugin_metric WHERE name = '$2'"; }

expect_exit 0 "$reprise" replay user.trace --target "$url" --scale 5 --run plain.run --quiet
before=$(answers /auth/signup 201)
equal "signups of one email" "$before" 1

expect_exit 0 "$reprise" replay user.trace --target "$url" --scale 5 --run varied.run --quiet \
    --plugin 'vary:set=/email=email,on=POST /auth/*' --threshold 'vary_missing: count==0' \
    --threshold 'http_req_failed: rate==0'
equal "signups of five emails" "$(($(answers /auth/signup 201) - before))" 5
equal "values that were varied" "$(counted varied.run vary_values)" 10

# The same seed makes the same emails: nobody can sign up again, and everybody can log in.
expect_exit 0 "$reprise" replay user.trace --target "$url" --scale 5 --run again.run --quiet \
    --plugin 'vary:set=/email=email'
equal "signups of the same five" "$(($(answers /auth/signup 201) - before))" 5
equal "logins" "$(sql again.run "SELECT count(*) > 0 FROM session_result WHERE result = 'done'")" 1

expect_exit 0 "$reprise" replay user.trace --target "$url" --run missing.run --quiet \
    --plugin 'vary:set=POST /auth/signup /mail=email'
equal "what is not there" "$(counted missing.run vary_missing)" 1
expect_line err "/mail=email: it is not there in the body"
expect_exit 2 "$reprise" replay user.trace --target "$url" --plugin 'vary:set=/email=mail'
expect_complaint ".*set: '/email=mail': no value; write email"
finish
