#!/usr/bin/env bash
# plugin_in_path.sh - a plugin that logs in, holds, adds, retries, delays and rewrites, in a real replay:
# judged by what the server saw.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3
users=5

# Each user begins with two requests at once, is told 401 once and 503 once, and ends on a WebSocket.
for ((user = 0; user < users; user++)); do
    cat <<TRACE
session user-$user
$((user * 7)) $((user * 7 + 3)) POST /login 200 {"user":$user}
50 55 GET /a-$user 200
50 58 GET /b-$user 200
60 62 GET /first/401/$user 200
70 72 GET /first/503/$user 200
80 81 WS /ws/echo
> 82 recorded token
< 83 recorded token
> 90 last words
< 91 last words
> 95 close 1000
TRACE
done | make_trace users.trace
start_server bad "$build/tests/bad_server"
expect_exit 0 "$reprise" replay users.trace --target "$url" --workers 2 --run users.run --quiet \
    --plugin-path "$build/test-plugins" --plugin everything:announce=on,backoff=20ms --plugin example

count() { grep -cE -- "$1" bad.out; }
# The recorded logins are skipped; one is added when a user begins, one when the token is refused.
equal "logins" "$(count '^POST /login ')" $((2 * users))
equal "refused, and sent again" "$(count '^GET /first/401/')" $((2 * users))
equal "busy, and sent again" "$(count '^GET /first/503/')" $((2 * users))
equal "the two at the beginning, held for one login" "$(count '^GET /(a|b)-')" $((2 * users))
equal "upgrades" "$(count '^GET /ws/echo ')" $users
equal "without a token, but for logins" "$(grep -E '^GET ' bad.out | grep -vc ' Bearer token-')" 0
equal "tokens that were used" "$(grep -oE '^GET .*Bearer token-[0-9]+$' bad.out | grep -o 'token-.*' | sort -u | wc -l)" \
    $((2 * users))
equal "a token used by two users" "$(grep -E '^GET ' bad.out | awk '{ print $5, $3 }' | sort -u | cut -d ' ' -f 1 | uniq -d | wc -l)" 0
equal "users by the other plugin's header" "$(grep -oE ' user-[0-9]+ ' bad.out | sort -u | wc -l)" $users

# The first message is rewritten, one is added behind it, the server's ping is answered.
equal "first messages rewritten to the token" "$(count '^text: Bearer token-')" $users
equal "as recorded" "$(count '^text: recorded token')" 0
equal "added" "$(count '^text: ready$')" $users
equal "answers to ping" "$(count '^text: pong$')" $users
equal "left alone" "$(count '^text: last words$')" $users

equal "added, retried, recorded by the run's count" \
    "$(sql users.run 'SELECT sum(added), sum(retried), sum(recorded) FROM total')" "$((2 * users))|$((2 * users))|$((4 * users))"
equal "logins by the plugin's own metric" "$(sql users.run "SELECT sum FROM plugin_metric WHERE name = 'logins'")" $((2 * users))
equal "messages sent by the run's count" "$(sql users.run 'SELECT messages_sent FROM ws_total')" "$(count '^text: ')"
equal "sessions" "$(sql users.run 'SELECT result, sessions FROM session_result WHERE sessions > 0')" "done|$users"

# Nonsense from a plugin fails its user, and only that.
expect_exit 0 "$reprise" replay users.trace --target "$url" --run nonsense.run --quiet \
    --plugin-path "$build/test-plugins" --plugin misbehaves:verdict=77
equal "sessions under a plugin that talks nonsense" \
    "$(sql nonsense.run 'SELECT result, sessions FROM session_result WHERE sessions > 0')" "failed|$users"
expect_line out 'plugin misbehaves: on_request: answered 77'
finish
