#!/usr/bin/env bash
# verify_fix.sh - verify --fix finds what a request or message carries as it was recorded: in messages of a
# WebSocket, in JSON arrays, in multipart fields, and where only the content of the answer says so. Each
# binding that correlation finds is dropped, and found again.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3

rows() { sql "$1" 'SELECT born_exchange_id, born_place, used_exchange_id, used_place, form FROM binding
    WHERE state = '"'on'"' ORDER BY used_exchange_id, used_place'; }
verify() { # EXIT TRACE [options]
    local wanted=$1 trace=$2
    shift 2
    expect_exit "$wanted" "$reprise" verify "$trace" --target "$url" "$@"
}

# found_again TRACE PLACE: without the bindings whose use begins so it diverges, with --fix it does not.
found_again() {
    cp "$1" again.trace
    sql again.trace "DELETE FROM binding WHERE used_place LIKE '$2%'"
    holds "there was one at $2" "$(rows "$1" | wc -l) > $(rows again.trace | wc -l)"
    verify 110 again.trace
    verify 0 again.trace --fix
    expect_line out "bound .* -> $2"
    rows "$1" >before.rows
    rows again.trace >after.rows
    equal "what is bound after --fix" "$(diff before.rows after.rows)" ""
    verify 0 again.trace
}

start_server asking "$build/tests/asking_server"
visit() { # NUMBER
    local at=$(($1 * 1000)) a=old-8f3a11c2a$1 b=old-77aa12bcb$1
    cat <<SCRIPT
session visitor $1
$at $((at + 1)) GET /give/live-4711aaaa,live-4711bbbb 200
answer-header Content-Type: application/json
answer {"items":[{"id":"$a"},{"id":"$b"}]}
$((at + 2)) $((at + 3)) POST /want/live-4711aaaa,live-4711bbbb 201 {"ids":["$b","$a"]}
header Content-Type: application/json
answer-header Content-Type: application/json
answer {}
$((at + 4)) $((at + 5)) POST /want/live-4711bbbb 201
part upload_id=$b
part note=a note
answer-header Content-Type: application/json
answer {}
$((at + 6)) $((at + 7)) POST /know/live-4711aaaa 200 item=$a
header Content-Type: application/x-www-form-urlencoded
answer-header Content-Type: application/json
answer {"item":"known"}
SCRIPT
}
{
    visit 1
    visit 2
} | make_trace ids.trace
verify 110 ids.trace --passes 1
expect_line out '422 at POST /want/{id}, recorded 201'
expect_line out 'POST /know/{id}: body:/item is unknown, recorded known'
expect_line out 'form field item sent as recorded; that value came with exchange 1 \(GET /give/{id}\), body:/items/0/id, and is another now'
expect_exit 0 "$reprise" correlate ids.trace
verify 0 ids.trace --all-sessions
found_again ids.trace 'body:/ids/'
found_again ids.trace 'multipart:upload_id'
found_again ids.trace 'form:item'
found_again ids.trace '' # all of them
# What does not help is taken back: the answer's content is another one for another reason.
sed 's/known"}/kown"}/' <(visit 1) | make_trace other.trace
verify 110 other.trace --fix
expect_line out 'no help +body:/items/0/id of exchange 1 -> form:item of exchange 4, 1 requests'
equal "content that stays another" "$(sql other.trace "SELECT count(*) FROM binding WHERE used_place = 'form:item'")" 0

# An id of ten letters and none of them a digit, and one that reads like a word: named by what the answer has now.
letters() { # NUMBER GIVEN
    cat <<SCRIPT
session visitor $1
$1000 $1001 GET /give/$3,zTrWqYpLka 200
answer-header Content-Type: application/json
answer {"items":[{"id":"$2"},{"id":"hHtRdWmCxS"}]}
$1002 $1003 POST /want/$3 201 {"of":"$2"}
header Content-Type: application/json
answer-header Content-Type: application/json
answer {}
SCRIPT
}
for id in bkfueUtnqY xvqjwhzkpt marigold; do
    letters 1 $id gTaWnEvQzo | make_trace letters.trace
    verify 110 letters.trace
    expect_line out 'body field /of sent as recorded; that value came with exchange 1 \(GET /give/.*\), body:/items/0/id, and is another now'
    verify 0 letters.trace --fix
    expect_line out 'bound +body:/items/0/id of exchange 1 -> body:/of of exchange 2, 1 requests'
done

# Both messages of the client name what the server's first one gave.
start_server bad "$build/tests/bad_server"
room() { # NUMBER
    local at=$(($1 * 1000))
    cat <<SCRIPT
session visitor $1
$at $((at + 1)) WS /ws/room
< $((at + 2)) {"type":"welcome","room":"room-old8f3a11c$1"}
> $((at + 3)) {"type":"say","room":"room-old8f3a11c$1"}
< $((at + 4)) {"type":"ok"}
> $((at + 5)) {"type":"say","rooms":["room-old8f3a11c$1"]}
< $((at + 6)) {"type":"ok"}
> $((at + 7)) close 1000
SCRIPT
}
{
    room 1
    room 2
} | make_trace room.trace
expect_exit 0 "$reprise" correlate room.trace
equal "found by correlation" "$(rows room.trace | wc -l)" 4
verify 0 room.trace --all-sessions
found_again room.trace 'ws:'
finish
