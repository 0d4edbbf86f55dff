#!/usr/bin/env bash
# bad_targets.sh - a target may do anything: the replay ends, every misdeed is counted under its own
# class, and when the target is back so are the answers.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3
bad_server=$build/tests/bad_server
failures_of() { sql "$1" "SELECT protocol, class, endpoint, failures FROM failures ORDER BY 1, 2, 3"; }

expect_exit 2 "$bad_server" --reset 1
expect_line err "^bad_server: '--reset 1' is no option"

# --- one user for each misdeed -----------------------------------------------------------------
start_server bad "$bad_server"
misdeeds='bad-chunk protocol
close closed
cut-chunk truncated
endless-headers head_too_large
garbage protocol
half-body truncated
huge-chunk protocol
other-version protocol
reset reset'
harmless='drip early fine'
{
    for deed in $(cut -d ' ' -f 1 <<<"$misdeeds"); do
        printf 'session %s\n0 1 GET /%s 200\n' "$deed" "$deed"
    done
    printf 'session drip\n0 1 GET /drip 200\nsession early\n0 1 POST /early 200 %s\n' "$(printf '%300000s' | tr ' ' x)"
    # Its second request must go on a connection of its own.
    printf 'session fine\n0 1 GET /close 200\n2 3 GET /fine 200\n'
} | make_trace bad.trace
# Those that say no more are waited for, and nobody else is: a busy machine's time is no misdeed.
printf 'session silent\n0 1 GET /silent 200\nsession stuck\n0 1 GET /stuck-body 200\n' | make_trace silent.trace
expect_exit 0 timeout 60 "$reprise" replay bad.trace --target "$url" --run bad.run --quiet
equal "failures by class" "$(sql bad.run "SELECT substr(endpoint, 6), class FROM failures ORDER BY 1")" \
    "$(tr ' ' '|' <<<"$misdeeds")"
equal "requests to the closing one" "$(sql bad.run "SELECT failures FROM failures WHERE endpoint = 'GET /close'")" 2
for deed in $harmless; do
    equal "answers of $deed" "$(sql bad.run "SELECT status_2xx, failed FROM total JOIN endpoint USING (endpoint_id) WHERE name LIKE '%/$deed'")" "1|0"
done
equal "sessions that went to their end" "$(sql bad.run "SELECT sessions FROM session_result WHERE result = 'done'")" 12
equal "requests the server saw" "$(grep -cE '^(GET|POST) ' bad.out)" "$(sql bad.run 'SELECT sum(requests) FROM total')"
expect_exit 0 timeout 60 "$reprise" replay silent.trace --target "$url" --timeout 1s --run silent.run --quiet
equal "failures of those that say no more" "$(sql silent.run "SELECT substr(endpoint, 6), class FROM failures ORDER BY 1")" \
    $'silent|timeout\nstuck-body|timeout'
equal "their sessions, to the end" "$(sql silent.run "SELECT sessions FROM session_result WHERE result = 'done'")" 2
expect_exit 99 timeout 60 "$reprise" replay bad.trace --target "$url" --run judged.run --quiet \
    --threshold 'http_req_failed: rate<0.05'

# Recorded lines that no request can say: they are left out, what is beside them is sent.
printf 'session odd\n0 1 GET /fine 200\n2 3 GET /early 200\n4 5 GET /fine 200\n6 7 GET /fine 200\n8 9 GET /fine?%%zz|{"} 200\n' | make_trace odd.trace
sql odd.trace "UPDATE exchange SET target = target || char(13, 10) || 'X: y' WHERE exchange_id = 3"
sql odd.trace "UPDATE exchange SET target = target || ' b', method = 'GE T' WHERE exchange_id = 4"
for options in '' '--transport curl' '--max-plan-size 4KiB'; do
    # shellcheck disable=SC2086
    expect_exit 0 timeout 60 "$reprise" replay odd.trace --target "$url" --run "odd$options.run" --quiet $options
    expect_line err ': 2 recorded requests cannot be sent again and are left out'
    equal "requests beside those with $options" "$(sql "odd$options.run" 'SELECT sum(requests), sum(failed) FROM total')" '3|0'
done
equal "lines that came of them" "$(grep -c '^X: y' bad.out)" 0

# The same words for the same misdeed over both transports, and each says what to do.
words_over() { # TRANSPORT
    timeout 60 "$reprise" replay bad.trace --target "$url" --run "$1.run" --quiet --transport "$1" >"$1.out" ||
        fail "over $1: exit code $?"
    timeout 60 "$reprise" replay silent.trace --target "$url" --timeout 1s --run "$1-silent.run" --quiet \
        --transport "$1" >>"$1.out" || fail "over $1, of those that say no more: exit code $?"
    sql "$1.run" "ATTACH '$1-silent.run' AS silent;
        SELECT class, detail FROM (SELECT * FROM main.failure_sample UNION ALL SELECT * FROM silent.failure_sample)
        WHERE class NOT IN ('none', 'status', 'head_too_large') GROUP BY class ORDER BY 1"
}
words_over native >native.words
words_over curl >curl.words
equal "words over libcurl that are others" "$(diff native.words curl.words)" ""
equal "failures that do not say what to do" "$(grep -v '; ' native.words)" ""
equal "classes of failures" "$(cut -d '|' -f 1 native.words | paste -sd ' ')" "closed protocol reset timeout truncated"

# --- WebSocket -----------------------------------------------------------------------------------
for deed in wrong-accept cut bad-frame huge-frame echo; do
    printf 'session %s\n0 1 WS /ws/%s\n> 4 hello\n< 5 hello\n< 6 ping\n> 8 close 1000\n' "$deed" "$deed"
done | make_trace ws.trace
expect_exit 0 timeout 60 "$reprise" replay ws.trace --target "$url" --ws-timeout 1s --run ws.run --quiet
equal "WebSocket failures" "$(failures_of ws.run)" $'websocket|protocol||3\nwebsocket|reset||1'
equal "connected, refused, closed" "$(sql ws.run 'SELECT connected, connect_failed, closed FROM ws_total')" "4|1|4"
equal "messages that came and that did not" \
    "$(sql ws.run 'SELECT messages_received, missing FROM ws_total')" "2|6"
ended bad TERM

# --- nobody there, and resets at once --------------------------------------------------------------
printf 'session one\n0 1 GET /a 200\nsession two\n0 1 GET /a 200\n' | make_trace two.trace
expect_exit 0 timeout 60 "$reprise" replay two.trace --target "$url" --run refused.run --quiet
equal "failures where nobody listens" "$(failures_of refused.run)" "http|connect_refused|GET /a|2"
start_server hasty "$bad_server" --reset-first 1
expect_exit 0 timeout 60 "$reprise" replay two.trace --target "$url" --run hasty.run --quiet
equal "failures of a reset on accept" "$(failures_of hasty.run)" "http|reset|GET /a|1"
equal "and the other user's answer" "$(sql hasty.run 'SELECT sum(status_2xx) FROM total')" 1
ended hasty TERM

# --- gone, and back: the replay goes on by itself ----------------------------------------------------
for ((at = 0; at < 400; at += 20)); do
    [ "$at" = 0 ] && echo "session regular"
    echo "$at $((at + 1)) GET /a 200"
done | make_trace regular.trace
start_server first "$bad_server"
start replay "$reprise" replay regular.trace --target "$url" --users 2 --duration 10m --run back.run --quiet
await replay has_line first.out '^GET /a'
ended first KILL
has_refusals() { [ "$(peek back.run "SELECT count(*) FROM failure WHERE class = 'connect_refused'")" = 1 ]; }
await replay has_refusals
start_server second "$bad_server" --port "$port"
await replay has_line second.out '^GET /a'
ended replay INT
equal "exit code" "$code" 105
holds "refused while it was away" "$(sql back.run "SELECT sum(failures) FROM failure WHERE class = 'connect_refused'") > 0"
answered=$(sql back.run 'SELECT sum(status_2xx) FROM total')
asked=$(cat first.out second.out | grep -c '^GET /a')
# The few that were under way when it was killed or the replay was stopped were seen, and not answered.
holds "answered before and after" "$answered > 0 && $answered <= $asked && $answered >= $asked - 4"
finish
