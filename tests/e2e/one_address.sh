#!/usr/bin/env bash
# one_address.sh - users behind one address, whose login page begins an anonymous session: each is a
# session of the trace, in turn and side by side.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3
users=6

# As PHP: a visitor without the cookie is handed one; the login gives another.
start_nginx 'location = /login { if ($request_method = POST) {
                 add_header Set-Cookie "PHPSESSID=$request_id; path=/"; return 302 /home; }
                 set $known "$cookie_PHPSESSID";
                 if ($known = "") { add_header Set-Cookie "PHPSESSID=$request_id; path=/";
                                    return 200 "log in\n"; }
                 return 200 "again\n"; }
             location = /home { return 200 "home $cookie_PHPSESSID\n"; }'

ask() { # USER CURL-OPTIONS
    curl --silent --show-error --output /dev/null -b "jar.$1" -c "jar.$1" "${@:2}" || fail "curl: user $1"
}

log_in() { # USER
    ask "$1" --data "_token=x$1&email=user$1@example.org" "$url/login"
}

visits_are_sessions() { # NAME: 24 exchanges, 4 of each user
    equal "$1: sessions, and exchanges of each" "$(sql "$1.trace" \
        'SELECT count(*), min(exchange_count), max(exchange_count) FROM session')" "$users|4|4"
    equal "$1: sessions of one login only" "$(sql "$1.trace" "SELECT count(DISTINCT session_id)
        FROM exchange WHERE method = 'POST'")" "$users"
    equal "$1: sessions whose label doubts" \
        "$(sql "$1.trace" "SELECT count(*) FROM session WHERE label LIKE '%probably%'")" 0
}

interface=lo
capture in-turn "$port"
for ((user = 1; user <= users; user++)); do
    ask $user "$url/login"
    log_in $user
    ask $user "$url/home"
    ask $user "$url/home"
done
stop_capture in-turn
visits_are_sessions in-turn

rm -f jar.*
capture side-by-side "$port"
for step in login in home home; do
    for ((user = 1; user <= users; user++)); do
        if [ $step = in ]; then log_in $user; else ask $user "$url/$step"; fi
    done
done
stop_capture side-by-side
visits_are_sessions side-by-side
finish
