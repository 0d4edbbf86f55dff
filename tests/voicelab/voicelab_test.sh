#!/usr/bin/env bash
# voicelab_test.sh BIN_DIR - every promise of the target server, asked of it with curl.
#
# One function an idea; each reads as a table of: expected status, request. Servers with other
# options are started where a promise needs them.
set -uo pipefail
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

json=(--header 'Content-Type: application/json')
password='correct horse'

# login_as NAME: signs up and in; `bearer` are curl's options for it, `refresh` its refresh token.
login_as() {
    expect 201 POST /auth/signup "${json[@]}" --data "{\"email\":\"$1@example.org\",\"password\":\"$password\",\"name\":\"$1\"}"
    login_again "$1"
}

login_again() {
    expect 200 POST /auth/login "${json[@]}" --data "{\"email\":\"$1@example.org\",\"password\":\"$password\"}"
    access=$(value access_token) refresh=$(value refresh_token)
    bearer=(--header "Authorization: Bearer $access")
}

refresh_with() { expect "$1" POST /auth/refresh "${json[@]}" --data "{\"refresh_token\":\"$2\"}"; }

wav() { "$bin/voicelab_wav" --seed "$1" --seconds "$2" "$work/$1.wav"; }
file_of() { echo "file=@$work/$1.wav;type=audio/wav"; }

# One field of the middle part of a JWT.
claim() {
    local middle
    middle=$(cut -d . -f 2 <<<"$access" | tr '_-' '/+')
    printf '%s%s' "$middle" "$(printf '%*s' $(((4 - ${#middle} % 4) % 4)) '' | tr ' ' '=')" |
        base64 -d | grep -o "\"$1\":[^,}]*" | cut -d : -f 2
}

# --- what holds with the usual options -------------------------------------------------------

paths_and_methods() {
    expect 200 GET /health
    body_has '^\{"status":"ok"\}$'
    expect 200 HEAD /health --head
    expect 404 GET /nothing/here
    body_has '"code":"no_such_path"'
    expect 405 DELETE /health
    head_has '^Allow: GET'
    expect 404 GET /jobs/a%2fb "${bearer[@]}"
    unset 'sent[GET /jobs/{id} 404]' 'sent[GET /nothing/here 404]' 'sent[DELETE /health 405]'
    unrouted=3
}

signup_and_login() {
    local signup=("${json[@]}" --data)
    login_as ada
    body_has '"token_type":"Bearer","expires_in":900,"refresh_token":"rt_'
    expect 409 POST /auth/signup "${signup[@]}" "{\"email\":\"Ada@Example.org\",\"password\":\"$password\",\"name\":\"Ada\"}"
    body_has '"code":"email_taken"'
    expect 422 POST /auth/signup "${signup[@]}" '{"email":"no address","password":"long enough","name":"X"}'
    expect 422 POST /auth/signup "${signup[@]}" '{"email":"x@example.org","password":"short","name":"X"}'
    expect 422 POST /auth/signup "${signup[@]}" '{"email":"x@example.org","password":"long enough","name":7}'
    expect 400 POST /auth/signup "${signup[@]}" '{"email":"x@example.org",'
    body_has '"code":"bad_json"'
    expect 400 POST /auth/signup "${signup[@]}" '["not","an","object"]'
    expect 400 POST /auth/signup "${signup[@]}" $'{"email":"\xff\xfe"}'
    expect 400 POST /auth/signup "${signup[@]}" '{"email":"a@b.c","email":"d@e.f"}'
    expect 415 POST /auth/signup --data 'email=x@example.org'
    expect 401 POST /auth/login "${signup[@]}" '{"email":"ada@example.org","password":"wrong one"}'
    expect 401 POST /auth/login "${signup[@]}" '{"email":"nobody@example.org","password":"wrong one"}'
    expect 200 GET /me "${bearer[@]}"
    body_has '"email":"ada@example.org"'
    expect 413 POST /auth/login "${json[@]}" --data-binary "@$work/300k"
}

tokens_are_checked() {
    local none='eyJhbGciOiJub25lIn0' payload
    payload=$(cut -d . -f 2 <<<"$access")
    expect 401 GET /me
    head_has '^WWW-Authenticate: Bearer'
    body_has '"code":"token_missing"'
    expect 401 GET /me --header "Authorization: Bearer ${access}x"
    body_has '"code":"token_invalid"'
    expect 401 GET /me --header "Authorization: Bearer $none.$payload."
    expect 401 GET /me --header 'Authorization: Bearer not.a.token'
    expect 401 GET /me --header "Authorization: Basic $access"
    expect 401 GET "/me?token=$access" # only a WebSocket may bring it so
}

refresh_tokens_rotate() {
    login_as rita
    local old=$refresh
    refresh_with 200 "$old"
    local new
    new=$(value refresh_token) access=$(value access_token)
    expect 200 GET /me --header "Authorization: Bearer $access"
    refresh_with 401 "$old"
    body_has '"code":"token_reused"'
    # The theft was noticed: nothing of that login is good any more.
    refresh_with 401 "$new"
    body_has '"code":"token_revoked"'
    expect 401 GET /me --header "Authorization: Bearer $access"
    body_has '"code":"token_revoked"'
    refresh_with 401 rt_invented
    expect 422 POST /auth/refresh "${json[@]}" --data '{}'
    login_again rita
    expect 204 POST /auth/logout "${bearer[@]}"
    expect 401 GET /me "${bearer[@]}"
    refresh_with 401 "$refresh"
    equal "reuses counted" "$(metric refresh_reuses_total)" 1
}

uploads_must_be_audio() {
    login_as uma
    wav 1 0.5
    expect 201 POST /uploads "${bearer[@]}" --form "$(file_of 1)" --form title=hello
    body_has '"bytes":16044,"duration_ms":500,"sample_rate":16000,"channels":1'
    upload=$(value id)
    equal "Location" "$(header Location)" "/uploads/$upload"
    expect 200 GET "/uploads/$upload" "${bearer[@]}"
    body_has '"title":"hello"'
    expect 200 GET "/uploads?limit=1" "${bearer[@]}"
    body_has "$upload"
    expect 201 POST /uploads "${bearer[@]}" --form "$(file_of 1)" --form size=16044 \
        --form "sha256=$(sha256sum "$work/1.wav" | cut -d ' ' -f 1)"
    expect 422 POST /uploads "${bearer[@]}" --form "$(file_of 1)" --form size=16045
    body_has '"code":"size_mismatch"'
    expect 422 POST /uploads "${bearer[@]}" --form "$(file_of 1)" --form sha256=00ff
    body_has '"code":"sha256_mismatch"'

    head -c 9000 "$work/1.wav" >"$work/cut.wav"
    { cat "$work/1.wav" && echo more; } >"$work/longer.wav"
    { printf 'RIFX' && tail -c +5 "$work/1.wav"; } >"$work/rifx.wav"
    { head -c 20 "$work/1.wav" && printf '\x55' && tail -c +22 "$work/1.wav"; } >"$work/format.wav"
    head -c 44 "$work/1.wav" >"$work/headonly.wav"
    : >"$work/empty.wav"
    local bad
    for bad in cut longer rifx format headonly empty; do
        expect 422 POST /uploads "${bearer[@]}" --form "$(file_of $bad)"
        body_has '"code":"not_audio"'
    done
    expect 415 POST /uploads "${bearer[@]}" --form "file=@$work/1.wav;type=text/plain"
    expect 400 POST /uploads "${bearer[@]}" --form "audio=@$work/1.wav;type=audio/wav"
    body_has '"code":"no_file"'
    expect 400 POST /uploads "${bearer[@]}" --form "$(file_of 1)" --form "$(file_of 1)"
    expect 401 POST /uploads --form "$(file_of 1)"
    equal "uploads counted" "$(metric uploads_total)" 2
    equal "bytes counted" "$(metric upload_bytes_total)" 32088
    equal "duplicates counted" "$(metric upload_duplicates_total)" 1
}

# The multipart body as this script makes it: $1 delimiter, $2 content of the part, $3 the end.
multipart() {
    printf '%s\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n' "$1"
    cat "$2"
    printf '%s' "$3"
}

multipart_is_strict() {
    local type=(--header 'Content-Type: multipart/form-data; boundary=XyZ') end=$'\r\n--XyZ--\r\n' send=--data-binary
    multipart --XyZ "$work/1.wav" "$end" >"$work/good"
    multipart --XyZ "$work/1.wav" $'\r\n--XyZ--' >"$work/good_too"
    multipart --wrong "$work/1.wav" "$end" >"$work/other_boundary"
    multipart --XyZ "$work/1.wav" '' >"$work/no_end"
    multipart --XyZ "$work/1.wav" $'\r\n--XyZ' >"$work/half_end"
    multipart --XyZ "$work/1.wav" "${end}more" >"$work/more"
    printf -- '--XyZ\r\n\r\nno headers\r\n--XyZ--\r\n' >"$work/no_headers"
    printf -- '--XyZ\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--XyZ--\r\n' >"$work/no_name"
    expect 201 POST /uploads "${bearer[@]}" "${type[@]}" $send "@$work/good"
    expect 201 POST /uploads "${bearer[@]}" "${type[@]}" $send "@$work/good_too"
    local bad
    for bad in other_boundary no_end half_end more no_headers no_name; do
        expect 400 POST /uploads "${bearer[@]}" "${type[@]}" $send "@$work/$bad"
        body_has '"code":"bad_multipart"'
    done
    expect 415 POST /uploads "${bearer[@]}" --header 'Content-Type: multipart/form-data' $send "@$work/good"
    expect 415 POST /uploads "${bearer[@]}" --header 'Content-Type: audio/wav' $send "@$work/1.wav"
}

job_is() {
    expect 200 GET "/jobs/$job" "${bearer[@]}"
    [ "$(value status)" = "$1" ]
}

jobs_are_done_in_time() {
    expect 202 POST /jobs "${bearer[@]}" "${json[@]}" --data "{\"upload_id\":\"$upload\"}"
    job=$(value id)
    head_has '^Retry-After: [0-9]+'
    equal "Location" "$(header Location)" "/jobs/$job"
    await 20 job_is "done"
    body_has '"transcript":"[a-z ]+"'
    expect 200 GET /jobs "${bearer[@]}"
    body_has "$job"
    expect 404 POST /jobs "${bearer[@]}" "${json[@]}" --data '{"upload_id":"up_invented"}'
    expect 422 POST /jobs "${bearer[@]}" "${json[@]}" --data '{}'
    expect 404 GET /jobs/job_invented "${bearer[@]}"
    equal "jobs counted" "$(metric 'jobs_ended_total{state="done"}')" 1
}

others_are_kept_out() {
    login_as oscar
    expect 403 GET "/jobs/$job" "${bearer[@]}"
    expect 403 GET "/uploads/$upload" "${bearer[@]}"
    expect 403 POST /jobs "${bearer[@]}" "${json[@]}" --data "{\"upload_id\":\"$upload\"}"
    expect 200 GET /jobs "${bearer[@]}"
    body_has '^\{"items":\[\]\}$'
}

turns_carry_their_context() {
    login_as carol
    expect 201 POST /conversations "${bearer[@]}" "${json[@]}" --data '{"title":"Plans for the weekend"}'
    local id first second
    id=$(value id) first=$(value context_id)
    expect 200 POST "/conversations/$id/turns" "${bearer[@]}" "${json[@]}" --data "{\"context_id\":\"$first\",\"text\":\"hello\"}"
    body_has '"turn":1,'
    second=$(value context_id)
    expect 409 POST "/conversations/$id/turns" "${bearer[@]}" "${json[@]}" --data "{\"context_id\":\"$first\",\"text\":\"again\"}"
    body_has '"code":"stale_context"'
    expect 200 POST "/conversations/$id/turns" "${bearer[@]}" "${json[@]}" --data "{\"context_id\":\"$second\",\"text\":\"and a quince\"}"
    body_has '"turn":2,'
    expect 422 POST "/conversations/$id/turns" "${bearer[@]}" "${json[@]}" --data '{"text":"no context"}'
    expect 404 POST /conversations/cv_invented/turns "${bearer[@]}" "${json[@]}" --data '{}'
    sent['POST /conversations/{id}/turns 404']=1
    expect 200 GET "/conversations/$id" "${bearer[@]}"
    body_has '"number":2,"text":"and a quince"'
    expect 200 GET /conversations "${bearer[@]}"
    body_has "$id"
    expect 200 GET '/search?q=Quince' "${bearer[@]}"
    body_has "\"id\":\"$id\""
    login_again oscar
    expect 403 GET "/conversations/$id" "${bearer[@]}"
    expect 200 GET '/search?q=quince' "${bearer[@]}"
    body_has '"count":0'
    equal "stale contexts counted" "$(metric 'rejected_total{reason="stale_context"}')" 1
}

lists_have_pages() {
    local next first voice pages=1
    expect 200 GET '/voices?limit=50' "${bearer[@]}"
    first=$(value id) next=$(value next)
    while [ -n "$next" ] && [ "$pages" -lt 9 ]; do
        expect 200 GET "/voices?limit=50&cursor=$next" "${bearer[@]}"
        next=$(value next) pages=$((pages + 1))
    done
    equal "pages of 50" "$pages" 3
    expect 422 GET '/voices?limit=0' "${bearer[@]}"
    expect 422 GET '/voices?limit=many' "${bearer[@]}"
    expect 422 GET '/voices?cursor=9' "${bearer[@]}"
    expect 200 GET '/voices?language=it&limit=1' "${bearer[@]}"
    voice=$(value id)
    expect 200 GET "/voices/$voice" "${bearer[@]}"
    body_has '"language":"it"'
    expect 304 GET "/voices/$voice" "${bearer[@]}" --header "If-None-Match: $(header ETag)"
    expect 200 GET "/voices/$first" "${bearer[@]}" --header 'If-None-Match: "another"'
    expect 404 GET /voices/vc_invented "${bearer[@]}"
    expect 422 GET '/search?q=x' "${bearer[@]}"
    expect 200 GET '/search?q=%25%25' "${bearer[@]}" # no pattern: nothing has %% in it
    body_has '"count":0'
}

admins_have_their_own_token() {
    expect 401 POST /admin/login "${json[@]}" --data '{"password":"guess"}'
    expect 401 GET /admin
    expect 401 GET /admin/stats "${bearer[@]}"
    expect 200 POST /admin/login "${json[@]}" --data '{"password":"admin-demo"}'
    local token
    token=$(value admin_token)
    expect 200 GET /admin --cookie "vl_admin=$token"
    body_has '<th>accounts</th>'
    expect 200 GET /admin/stats --header "X-Admin-Token: $token"
    body_has '"accounts":5,'
    expect 401 GET /admin/stats --header "X-Admin-Token: ${token}x"
    expect 401 GET /me --header "Authorization: Bearer $token"
}

batch_is() {
    expect 200 GET "/v1/batches/$batch" "${key[@]}"
    [ "$(value status)" = "$1" ]
}

api_keys_run_batches() {
    expect 401 POST /v1/batches --data '{}'
    expect 401 POST /v1/batches "${bearer[@]}" --data '{}'
    expect 201 POST /api-keys "${bearer[@]}"
    key=(--header "X-API-Key: $(value key)")
    wav 2 0.3
    expect 201 POST /v1/uploads "${key[@]}" --form "$(file_of 2)"
    local upload_id
    upload_id=$(value id)
    expect 202 POST /v1/batches "${key[@]}" "${json[@]}" --data "{\"items\":[{\"upload_id\":\"$upload_id\"},{\"text\":\"a\"}]}"
    batch=$(value id)
    await 20 batch_is "done"
    body_has '"done":2,"failed":0'
    expect 422 POST /v1/batches "${key[@]}" "${json[@]}" --data '{"items":[]}'
    expect 422 POST /v1/batches "${key[@]}" "${json[@]}" --data '{"items":[{"text":"fine"},7]}'
    expect 403 POST /v1/batches "${key[@]}" "${json[@]}" --data "{\"items\":[{\"upload_id\":\"$upload\"}]}"
    expect 404 GET /v1/batches/batch_invented "${key[@]}"
}

forms_need_their_csrf() {
    local jar=(--cookie "$work/jar" --cookie-jar "$work/jar") csrf place
    : >"$work/jar"
    expect 403 POST /feedback --data 'csrf=x&subject=a&message=b'
    expect 200 GET /feedback "${jar[@]}"
    head_has '^Set-Cookie: vl_session=[A-Za-z0-9]{28}; Path=/; HttpOnly'
    csrf=$(sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' "$body")
    expect 403 POST /feedback "${jar[@]}" --data 'subject=a&message=b'
    expect 403 POST /feedback "${jar[@]}" --data "csrf=wrong&subject=a&message=b"
    expect 403 POST /feedback --data "csrf=$csrf&subject=a&message=b"
    expect 415 POST /feedback "${jar[@]}" "${json[@]}" --data '{}'
    expect 303 POST /feedback "${jar[@]}" --data "csrf=$csrf&subject=a%26b&message=%3Cscript%3E"
    place=$(header Location)
    expect 403 POST /feedback "${jar[@]}" --data "csrf=$csrf&subject=a&message=b" # it was good once
    expect 200 GET "$place" "${jar[@]}"
    body_has '<h2>a&amp;b</h2><p>&lt;script&gt;</p>'
    expect 404 GET "$place"
    expect 200 GET /feedback "${jar[@]}"
    csrf=$(sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' "$body")
    expect 422 POST /feedback "${jar[@]}" --data "csrf=$csrf&subject=&message=b"
    equal "csrf refusals counted" "$(metric 'rejected_total{reason="csrf"}')" 5
}

ws() { "$bin/voicelab_ws_client" --audio "$work/1.wav" --pace 0 "$@" "$base/ws/transcribe" >"$work/ws" 2>&1; }

# ws_says EXIT LAST_LINE [ws_client options]
ws_says() {
    local code=$1 line=$2
    shift 2
    ws "$@"
    equal "WebSocket $*: exit" "$?" "$code"
    equal "WebSocket $*: last line" "$(tail -n 1 "$work/ws")" "$line"
}

websockets_transcribe() {
    ws_says 0 'closed 1000' --token "$access"
    equal "partials" "$(grep -c '"type":"partial"' "$work/ws")" 6 # 16,044 bytes in pieces of 3,200
    body=$work/ws body_has '"type":"final".*"bytes":16044,"pieces":6'
    ws_says 0 'closed 1000' --token "$access" --token-in-query --chunk 16044
    ws_says 3 'status 401'
    ws_says 3 'status 401' --token "${access}x"
    ws_says 1 'closed 1003' --token "$access" --text 'no JSON'
    ws_says 1 'closed 1003' --token "$access" --text '{"type":"unheard of"}'
    ws_says 1 'closed 1008' --token "$access" --text '{"type":"end"}'
    ws_says 1 'closed 1008' --token "$access" --text '{"type":"start","session":"ws_of_somebody_else"}'
    equal "closed by nobody's fault" "$(metric ws_transcripts_total)" 2
    equal "opened" "$(metric ws_opened_total)" 6
    await 5 test_zero_open
    expect 426 GET /ws/transcribe "${bearer[@]}"
    expect 400 GET /ws/transcribe "${bearer[@]}" --header 'Connection: Upgrade' --header 'Upgrade: websocket' \
        --header 'Sec-WebSocket-Version: 8' --header 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='
    head_has '^Sec-WebSocket-Version: 13'
    sent['GET /ws/transcribe 101']=6 sent['GET /ws/transcribe 401']=2
}

test_zero_open() { [ "$(metric ws_connections_open)" = 0 ]; }

# Every request that `expect` sent, by method, path and status: the server saw the same.
counts_are_equal() {
    curl --silent "$base/metrics" | sed -nE \
        's/^voicelab_http_requests_total\{method="([A-Z]+)",route="([^"]*)",status="([0-9]+)"\} ([0-9]+)$/\1 \2 \3 \4/p' |
        grep -v ' /metrics' | sort >"$work/theirs"
    for what in "${!sent[@]}"; do echo "$what ${sent[$what]}"; done | grep -v ' /metrics' | sort >"$work/ours"
    checks=$((checks + 1))
    diff "$work/ours" "$work/theirs" >&2 || fail "the server counted other requests (>) than were sent (<)"
    local other
    other=$(curl --silent "$base/metrics" | awk '/requests_total.*route="other"/ { n += $2 } END { print n }')
    equal "requests without a route" "$other" "$unrouted"
}

# --- what other options promise --------------------------------------------------------------

tokens_expire() {
    start_server --access-ttl 1s
    login_as eve
    equal "life by exp and iat" "$(($(claim exp) - $(claim iat) <= 2))" 1
    body_has '"expires_in":1,'
    expect 200 GET /me "${bearer[@]}"
    await 10 me_is 401
    body_has '"code":"token_expired"'
    refresh_with 200 "$refresh"
    stop_server
    start_server --refresh-ttl 0 # dead at birth
    login_as evan
    refresh_with 401 "$refresh"
    body_has '"code":"token_expired"'
    stop_server
}

me_is() { [ "$(curl --silent --output "$work/body" --write-out '%{http_code}' "${bearer[@]}" "$base/me")" = "$1" ]; }

foreign_tokens_are_refused() {
    start_server --secret 'the first secret'
    login_as fay
    local foreign=$access
    stop_server
    start_server --secret 'another secret'
    expect 401 GET /me --header "Authorization: Bearer $foreign"
    body_has '"code":"token_invalid"'
    stop_server
    start_server --secret 'the first secret' # the right key, but accounts that are not there
    expect 401 GET /me --header "Authorization: Bearer $foreign"
    stop_server
}

a_store_in_a_file_is_kept() {
    start_server --secret 'the same secret' --store "$work/store.db"
    login_as kim
    stop_server
    start_server --secret 'the same secret' --store "$work/store.db"
    expect 200 GET /me "${bearer[@]}"
    refresh_with 200 "$refresh"
    stop_server
}

duplicates_and_sizes() {
    mkdir -p "$work/kept"
    start_server --refuse-duplicates --max-upload 20k --save-uploads "$work/kept"
    login_as dan
    expect 201 POST /uploads "${bearer[@]}" --form "$(file_of 1)"
    cmp -s "$work/1.wav" "$work/kept/$(value id).wav" || fail "the kept file differs from the one sent"
    expect 409 POST /uploads "${bearer[@]}" --form "$(file_of 1)"
    body_has '"code":"duplicate"'
    login_as dora
    expect 409 POST /uploads "${bearer[@]}" --form "$(file_of 1)" --form title=mine
    wav 3 1
    expect 413 POST /uploads "${bearer[@]}" --form "$(file_of 3)"
    body_has '"code":"too_large"'
    expect 413 POST /uploads "${bearer[@]}" --form "$(file_of 3)" --header 'Transfer-Encoding: chunked'
    expect 413 POST /uploads "${bearer[@]}" --form "$(file_of 3)" --header 'Expect: 100-continue'
    equal "files kept" "$(find "$work/kept" -type f | wc -l)" 1
    equal "duplicates counted" "$(metric upload_duplicates_total)" 2
    equal "too large counted" "$(metric 'rejected_total{reason="too_large"}')" 3
    stop_server
}

a_full_queue_says_so() {
    start_server --job-workers 1 --job-queue 2 --job-time 1h --job-log "$work/jobs"
    login_as queuer
    local submit=("${bearer[@]}" "${json[@]}" --data '{"text":"work"}')
    expect 202 POST /jobs "${submit[@]}"
    job=$(value id)
    await 10 job_is running
    head_has '^Retry-After: [0-9]+'
    expect 202 POST /jobs "${submit[@]}"
    expect 202 POST /jobs "${submit[@]}"
    expect 200 GET "/jobs/$(value id)" "${bearer[@]}"
    body_has '"status":"queued"'
    head_has '^Retry-After: [0-9]+'
    expect 503 POST /jobs "${submit[@]}"
    body_has '"code":"queue_full"'
    head_has '^Retry-After: [1-9]'
    equal "waiting" "$(metric 'jobs{state="queued"}')" 2
    equal "running" "$(metric 'jobs{state="running"}')" 1
    stop_server # with a job in hand: it must not wait the hour
}

jobs_may_fail() {
    start_server --job-time 1ms --job-jitter 0 --job-fail-rate 100% --job-log "$work/jobs"
    login_as fred
    expect 202 POST /jobs "${bearer[@]}" "${json[@]}" --data '{"text":"work"}'
    job=$(value id)
    await 10 job_is failed
    body_has '"reason":"'
    grep -qE "^$job failed [0-9]{16} [0-9]{16} [0-9]{16}$" "$work/jobs" || fail "job log: $(cat "$work/jobs")"
    stop_server
}

limits_say_when() {
    start_server --limit-signup 3/h --limit-user 5/h
    for i in 1 2 3; do login_as "s$i"; done
    expect 429 POST /auth/signup "${json[@]}" --data '{"email":"s4@example.org","password":"long enough","name":"x"}'
    head_has '^Retry-After: 1[12][0-9]{2}' # a third of an hour, less what this took
    for i in 1 2 3 4 5; do expect 200 GET /me "${bearer[@]}"; done
    expect 429 GET /me "${bearer[@]}"
    login_again s1
    expect 200 GET /me "${bearer[@]}"
    stop_server

    start_server --limit-address 4/h
    for i in 1 2 3 4; do expect 404 GET /nothing; done
    expect 429 GET /nothing
    expect 404 GET /nothing --interface 127.0.0.7
    expect 200 GET /health
    equal "limited" "$(metric 'rejected_total{reason="address_limit"}')" 1
    stop_server
}

it_misbehaves_on_demand() {
    start_server --fail-rate 100%
    expect 500 GET /feedback
    body_has '"code":"failed_on_purpose"'
    expect 200 GET /health
    stop_server

    start_server --latency 300ms --leak 1M --threads 1
    local took
    took=$(curl --silent --output "$work/body" --write-out '%{time_starttransfer}' "$base/feedback")
    equal "300 ms of latency held ($took s)" "$(awk "BEGIN { print ($took >= 0.3) }")" 1
    # Sixteen at a time through one thread: it would take 4.8 s if waiting held it.
    took=$( { TIMEFORMAT=%R; time seq 16 | xargs -P 16 -I_ curl --silent --output /dev/null "$base/feedback"; } 2>&1)
    equal "sixteen waits overlap ($took s)" "$(awk "BEGIN { print ($took < 4.8) }")" 1
    equal "leaked" "$(metric leaked_bytes)" $((17 * 1048576))
    curl --silent --max-time 0.05 "$base/feedback" >"$work/body"
    stop_server # with a request still waiting
}

the_access_log_has_a_line_a_request() {
    start_server --access-log "$work/access"
    login_as alan
    expect 200 GET '/voices?limit=3' "${bearer[@]}"
    local bytes
    bytes=$(wc -c <"$body")
    await 5 grep -qE "^[0-9]{16} [0-9]+ 127\.0\.0\.1:[0-9]+ GET /voices\?limit=3 200 $bytes$" "$work/access"
    ws --token "$access"
    await 5 grep -q 'GET /ws/transcribe 101 0$' "$work/access"
    equal "lines" "$(wc -l <"$work/access")" 4
    stop_server
}

a_signal_closes_what_is_open() {
    start_server
    login_as sam
    wav 4 20
    "$bin/voicelab_ws_client" --audio "$work/4.wav" --token "$access" "$base/ws/transcribe" >"$work/cut_off" 2>&1 &
    local client=$!
    await 10 grep -q partial "$work/cut_off"
    stop_server
    wait "$client"
    equal "close code" "$(tail -n 1 "$work/cut_off")" 'closed 1001'
}

# refuses EXIT PATTERN [options]: it must not start, and say why in one line.
refuses() {
    local wanted=$1 pattern=$2
    shift 2
    "$bin/voicelab" "$@" >"$work/stdout" 2>"$work/refusal"
    equal "voicelab $*: exit" "$?" "$wanted"
    equal "voicelab $*: lines said" "$(wc -l <"$work/refusal")" 1
    grep -qE -- "$pattern" "$work/refusal" || fail "voicelab $*: said: $(cat "$work/refusal")"
}

bad_options_are_named() {
    refuses 2 '--unheard: no such option' --unheard
    refuses 2 "--latency: '10 parsecs' is not" --latency '10 parsecs'
    refuses 2 "--fail-rate: '200%' is not" --fail-rate 200%
    refuses 2 "--limit-user: '5' is not" --limit-user 5
    refuses 2 '--port: a value is missing' --port
    refuses 2 '--port: must be 0 to 65535' --port 65536
    refuses 1 'store' --port 0 --store "$work/no/such/folder"
    refuses 1 'access-log' --port 0 --access-log "$work/no/such/folder"
    refuses 1 'bind' --port 0 --bind localhost
    start_server
    refuses 1 'Address already in use' --port "${base##*:}"
    stop_server
    "$bin/voicelab" --help >"$work/help"
    grep -q '^Examples:' "$work/help" || fail "--help has no examples"
}

head -c 300000 /dev/zero | tr '\0' ' ' >"$work/300k"
start_server --job-time 50ms --job-jitter 20ms
signup_and_login
paths_and_methods
tokens_are_checked
refresh_tokens_rotate
uploads_must_be_audio
multipart_is_strict
jobs_are_done_in_time
others_are_kept_out
turns_carry_their_context
lists_have_pages
admins_have_their_own_token
api_keys_run_batches
forms_need_their_csrf
websockets_transcribe
counts_are_equal
stop_server

tokens_expire
foreign_tokens_are_refused
a_store_in_a_file_is_kept
duplicates_and_sizes
a_full_queue_says_so
jobs_may_fail
limits_say_when
it_misbehaves_on_demand
the_access_log_has_a_line_a_request
a_signal_closes_what_is_open
bad_options_are_named
finish
