#!/usr/bin/env bash
# websocket.sh - a WebSocket stream is captured, and replayed against the same server when its token is
# no longer good: with a plugin that has a fresh one it gets the same messages and gives as many.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3

start_voicelab
post() { # PATH JSON
    curl --silent --show-error --fail --header 'Content-Type: application/json' --data "$2" "$url$1"
}
post /auth/signup '{"email":"a@example.com","password":"correct horse","name":"A"}' >signup || fail "signup"
log_in() { post /auth/login '{"email":"a@example.com","password":"correct horse"}' | sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p'; }
token=$(log_in)
"$voicelab/voicelab_wav" --seconds 1.5 talk.wav || fail "no audio"

# The server's own account of all WebSockets so far: opened, closed, messages and bytes by direction.
counts() { curl --silent "$url/metrics" | grep -E '^voicelab_ws_.*_total' | sort; }
# What was added to it since FILE, a line each.
since() { counts | paste -d ' ' - "$1" | awk '$1 == $3 { print $1, $2 - $4 }'; }
all_closed() { [ "$(metric ws_connections_open)" = 0 ]; }

capture live "$port"
counts >before
"$voicelab/voicelab_ws_client" --audio talk.wav --token "$token" --pace 20 --text '{"type":"start"}' \
    "$url/ws/transcribe" >stream || fail "the client: $(cat stream)"
await voicelab all_closed
since before >sent
stop_capture live
value_of() { awk -v name="voicelab_ws_$1" '$1 == name { print $2 }' sent; }
holds "the client said something" "$(value_of 'messages_total{direction="in",kind="binary"}') >= 10"

# In the trace: what the server counted, and the close of both sides.
messages() { sql live.trace "SELECT count(*) FROM message WHERE sender = '$1' AND opcode = $2"; }
equal "audio in the trace" "$(messages client 2)" "$(value_of 'messages_total{direction="in",kind="binary"}')"
equal "texts of the client" "$(messages client 1)" "$(value_of 'messages_total{direction="in",kind="text"}')"
equal "texts of the server" "$(messages server 1)" "$(value_of 'messages_total{direction="out",kind="text"}')"
equal "audio bytes in the trace" "$(sql live.trace "SELECT sum(payload_bytes) FROM message WHERE opcode = 2")" \
    "$(value_of audio_bytes_total)"
equal "flawed messages" "$(sql live.trace "SELECT count(*) FROM message WHERE flaws <> ''")" 0

# The recorded token is revoked: as recorded it gets nowhere now.
curl --silent --fail --request POST --header "Authorization: Bearer $token" "$url/auth/logout" || fail "logout"
expect_exit 0 "$reprise" replay live.trace --target "$url" --run stale.run --quiet
equal "with the recorded token" "$(sql stale.run 'SELECT connected, connect_failed, messages_sent FROM ws_total')" "0|1|0"
expect_line out 'answered 401'

# Replayed with a fresh one: once more the same, and then ten times.
fresh=$(log_in)
play() { # TIMES
    counts >before
    expect_exit 0 "$reprise" replay live.trace --target "$url" --scale "$1" --speed 2 --run "$1.run" --quiet \
        --plugin-path "$build/test-plugins" --plugin "token:token=$fresh"
    await voicelab all_closed
    since before >replayed
    awk -v times="$1" '{ print $1, $2 * times }' sent >wanted
    checks=$((checks + 1))
    diff wanted replayed >difference || fail "played $1 times the server counted (<: wanted): $(cat difference)"
    equal "sent and received by the run's count" "$(sql "$1.run" 'SELECT messages_sent, messages_received FROM ws_total')" \
        "$((($(messages client 1) + $(messages client 2)) * $1))|$(($(messages server 1) * $1))"
    equal "missing, extra, failed" "$(sql "$1.run" 'SELECT missing, extra, connect_failed FROM ws_total')" "0|0|0"
}
play 1
play 10
finish
