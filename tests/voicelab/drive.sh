#!/usr/bin/env bash
# drive.sh - twelve different users of voicelab at the same time, each from an address of its own.
#
#   drive.sh BASE_URL [BIN_DIR]      BIN_DIR holds voicelab_ws_client and voicelab_wav
#
# Plain HTTP is curl's: requests between which nothing has to be read go through one curl and so
# over one kept-alive connection, paced by --rate. Prints one line a user. A user ends at the first
# answer of another status than this script says, and the exit code is then 1.
# VOICELAB_ADMIN_PASSWORD overrides the password of /admin.
set -uo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    echo "usage: drive.sh BASE_URL [BIN_DIR]" >&2
    exit 2
fi
base=${1%/}
bin=${2:-$(dirname "$0")}
for program in voicelab_ws_client voicelab_wav; do
    if [ ! -x "$bin/$program" ]; then
        echo "drive.sh: $bin/$program: no such program; give the folder it was built in" >&2
        exit 2
    fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run_id=$(date +%s%N)
json='Content-Type: application/json'

# --- the steps a user is made of -------------------------------------------------------------

think() { sleep "0.$((RANDOM % 6 + 3))"; } # 0.3 to 0.8 s between what a person does

# call WANTED METHOD PATH [curl options]: one more request for the next `send`.
call() {
    local wanted=$1 method=$2 path=$3
    shift 3
    requests=$((requests + 1))
    [ ${#batch[@]} -gt 0 ] && batch+=(--next)
    batch+=(--silent --show-error --interface "$source" --max-time 10 --request "$method"
        --user-agent "voicelab-drive/1 ($persona)" --output "$dir/$requests.body"
        --dump-header "$dir/$requests.head" --write-out '%{http_code}\n' "${auth[@]}" "$@" "$base$path")
    wanted_list+=("$wanted" "$method $path")
}

# Thinks, then sends what was called.
send() {
    think
    exchange
}

# Sends what was called, 0.2 to 0.6 s apart, over one connection; the last answer is `body`.
exchange() {
    local codes i
    mapfile -t codes < <(curl --rate "$((RANDOM % 200 + 100))/m" "${batch[@]}" 2>>"$dir/errors")
    for ((i = 0; i < ${#wanted_list[@]}; i += 2)); do
        [ "${codes[i / 2]:-none}" = "${wanted_list[i]}" ] && continue
        local number=$((requests - ${#wanted_list[@]} / 2 + i / 2 + 1))
        give_up "${wanted_list[i + 1]}: status ${codes[i / 2]:-none}, wanted ${wanted_list[i]}:" \
            "$(head -c 200 "$dir/$number.body" 2>/dev/null)"
    done
    body=$dir/$requests.body
    batch=() wanted_list=()
}

# The first string member of this name in the last answer (or in a file).
value() { grep -o "\"$1\":\"[^\"]*\"" "${2:-$body}" | head -n 1 | cut -d '"' -f 4; }

header() { sed -n "s/^$1: \([^\r]*\).*/\1/pI" "${body%.body}.head" | head -n 1; }

wav() { "$bin/voicelab_wav" --seed "$run_id$user$1" --seconds "$2" --rate "${3:-16000}" "$dir/$1.wav"; }

use_tokens() {
    access=$(value access_token) refresh=$(value refresh_token)
    local life
    life=$(grep -o '"expires_in":[0-9]*' "$body" | head -n 1 | cut -d : -f 2)
    stale_at=$((SECONDS + ${life:-900} - 3)) # a think, and the longest exchange
    auth=(--header "Authorization: Bearer $access")
}

renew() {
    auth=()
    call 200 POST /auth/refresh --header "$json" --data "{\"refresh_token\":\"$refresh\"}"
    exchange
    use_tokens
}

# Before anything that needs the token: renew it when it is about to run out.
stay_logged_in() { [ "$SECONDS" -lt "$stale_at" ] || renew; }

join() {
    local email="$persona.$user.$run_id@example.org" password="pw-$run_id-$user"
    call 201 POST /auth/signup --header "$json" \
        --data "{\"email\":\"$email\",\"password\":\"$password\",\"name\":\"User $user\"}"
    call 200 POST /auth/login --header "$json" --data "{\"email\":\"$email\",\"password\":\"$password\"}"
    send
    use_tokens
}

# upload NAME [form fields]: the audio of `wav NAME`; the id is then `upload_id`.
upload() {
    local name=$1
    shift
    stay_logged_in
    call 201 POST "${upload_path:-/uploads}" --form "file=@$dir/$name.wav;type=audio/wav" "$@"
    send
    upload_id=$(value id)
}

# Submits an analysis of `upload_id` and asks until it is done, a new question each 0.25 s.
analyse() {
    local polls
    stay_logged_in
    call 202 POST /jobs --header "$json" --data "{\"upload_id\":\"$upload_id\"}"
    send
    local job_id
    job_id=$(value id)
    for ((polls = 0; polls < 30; polls++)); do
        sleep 0.25
        stay_logged_in
        call 200 GET "/jobs/$job_id"
        exchange
        case $(value status) in done | failed) return ;; esac
    done
    give_up "job $job_id: not done after $polls polls"
}

start_conversation() {
    stay_logged_in
    call 201 POST /conversations --header "$json" --data "{\"title\":\"$1\"}"
    send
    conversation=$(value id) context=$(value context_id)
}

say() {
    stay_logged_in
    call 200 POST "/conversations/$conversation/turns" --header "$json" \
        --data "{\"context_id\":\"$context\",\"text\":\"$1\"}"
    send
    context=$(value context_id)
}

# stream NAME [ws_client options]: a live transcription; a final transcript must come.
stream() {
    local name=$1
    shift
    think
    stay_logged_in
    streams=$((streams + 1))
    "$bin/voicelab_ws_client" --source "$source" --token "$access" --audio "$dir/$name.wav" "$@" \
        "$base/ws/transcribe" >"$dir/$name.ws" 2>>"$dir/errors" ||
        give_up "WebSocket of $name.wav: $(tail -n 1 "$dir/$name.ws" "$dir/errors" | tr '\n' ' ')"
}

# A user who got an answer nobody expected cannot sensibly go on.
give_up() {
    echo "drive.sh: user $user: $*" >&2
    report 1
    exit 1
}

# The user's line, and the numbers for the sum.
report() {
    local took_ms=$(((${EPOCHREALTIME/./} - began) / 1000))
    [ -s "$dir/errors" ] && sed "s/^/drive.sh: user $user: /" "$dir/errors" >&2
    printf 'user %2d  %-20s %-12s %3d requests %2d streams %3d.%d s  %s\n' "$user" "$persona" "$source" \
        "$requests" "$streams" $((took_ms / 1000)) $((took_ms % 1000 / 100)) \
        "$([ "$1" -eq 0 ] && echo ok || echo FAILED)"
    echo "$requests $streams $1" >"$dir/tally"
}

# --- the personas ----------------------------------------------------------------------------

voice_note() {
    wav note 1.5
    join
    call 200 GET /me
    send
    upload note --form "title=Note of user $user" \
        --form "sha256=$(sha256sum "$dir/note.wav" | cut -d ' ' -f 1)"
    analyse
    stay_logged_in
    call 200 GET "/uploads/$upload_id"
    call 200 GET "/uploads?limit=5"
    send
}

two_notes() {
    wav first 0.8 8000
    wav second 2 44100
    join
    upload first
    analyse
    upload second --form "title=the long one"
    analyse
    stay_logged_in
    call 200 GET /jobs
    send
}

chat() {
    join
    start_conversation "Plans for the week"
    say "What is on today?"
    say "Move the meeting to noon."
    say "And remind me about the invoice."
    say "Thank you!"
    stay_logged_in
    call 200 GET "/conversations/$conversation"
    send
}

two_chats() {
    join
    start_conversation "Budget"
    say "Read me the notes about the budget."
    say "Only those of friday."
    local first=$conversation
    start_conversation "Holiday"
    say "Which train leaves early?"
    say "Book that one."
    stay_logged_in
    call 200 GET /conversations
    call 200 GET "/conversations/$first"
    call 200 GET "/search?q=budget"
    send
}

browse() {
    join
    call 200 GET "/voices?limit=10"
    send
    local next voice etag
    next=$(value next) voice=$(value id)
    call 200 GET "/voices?limit=10&cursor=$next"
    call 200 GET "/voices/$voice"
    send
    etag=$(header ETag)
    stay_logged_in
    call 304 GET "/voices/$voice" --header "If-None-Match: $etag"
    call 200 GET "/search?q=coffee&limit=5"
    call 200 GET "/search?q=traffic%20was"
    send
    call 200 GET "/voices/$(value id "$dir/$((requests - 1)).body")"
    send
}

browse_by_language() {
    join
    local language
    for language in de it ja; do
        stay_logged_in
        call 200 GET "/voices?language=$language&limit=3"
        send
        call 200 GET "/voices/$(value id)"
        send
    done
    stay_logged_in
    call 200 GET "/search?q=hana"
    call 200 GET "/search?q=nothing%20like%20this"
    send
}

admin() {
    call 200 POST /admin/login --header "$json" \
        --data "{\"password\":\"${VOICELAB_ADMIN_PASSWORD:-admin-demo}\"}"
    send
    local cookie token
    token=$(value admin_token)
    cookie=(--cookie "vl_admin=$token")
    call 200 GET /admin "${cookie[@]}"
    send
    auth=(--header "X-Admin-Token: $token")
    for _ in 1 2 3 4; do
        call 200 GET /admin/stats
        call 200 GET /health
        send
    done
}

batch_client() {
    wav take 1
    join
    call 201 POST /api-keys
    send
    local polls
    auth=(--header "X-API-Key: $(value key)") stale_at=$((SECONDS + 3600))
    upload_path=/v1/uploads upload take
    call 202 POST /v1/batches --header "$json" \
        --data "{\"items\":[{\"upload_id\":\"$upload_id\"},{\"text\":\"Read this aloud\"},{\"text\":\"And this\"}]}"
    send
    local batch_id
    batch_id=$(value id)
    for ((polls = 0; polls < 30; polls++)); do
        sleep 0.4
        call 200 GET "/v1/batches/$batch_id"
        exchange
        [ "$(value status)" = running ] || return
    done
    give_up "batch $batch_id: not done after $polls polls"
}

web_form() {
    local jar=(--cookie "$dir/jar" --cookie-jar "$dir/jar") subject page csrf
    touch "$dir/jar"
    for subject in "Voices" "The app & its <buttons>"; do
        call 200 GET /feedback "${jar[@]}"
        page=$dir/$requests.body
        [ "$subject" = Voices ] && call 404 GET /favicon.ico "${jar[@]}"
        send
        csrf=$(sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' "$page")
        call 303 POST /feedback "${jar[@]}" --data-urlencode "csrf=$csrf" \
            --data-urlencode "subject=$subject" --data-urlencode "message=Good, but 100% of them sound alike + tired."
        send
        call 200 GET "$(header Location)" "${jar[@]}"
        send
    done
}

live_transcription() {
    wav talk 2
    join
    call 200 GET /me
    send
    stream talk --pace 80
    call 200 GET "/search?q=meeting"
    send
}

two_streams() {
    wav short 0.7
    wav long 1.6
    join
    stream short --token-in-query --chunk 1600 --pace 50
    stream long --chunk 6400 --pace 150 --text '{"type":"start","language":"en"}'
}

# A little of everything, with the token renewed in the middle.
all_day() {
    wav memo 1.2
    join
    call 200 GET /me
    call 200 GET "/voices?limit=3"
    send
    upload memo --form "title=memo"
    start_conversation "All day"
    say "Good morning"
    renew
    say "What did I say in the memo?"
    analyse
    stream memo --pace 40
    renew
    call 200 GET "/search?q=memo"
    call 200 GET /me
    call 204 POST /auth/logout
    send
}

# --- twelve at a time ------------------------------------------------------------------------

# play NUMBER PERSONA: one user, in a process of its own.
play() {
    user=$1 persona=$2
    source=127.0.0.$((10 + user))
    dir=$work/$user
    batch=() wanted_list=() auth=() requests=0 streams=0 stale_at=$((SECONDS + 3600))
    began=${EPOCHREALTIME/./}
    mkdir "$dir"
    "$persona"
    report 0
}

personas=(voice_note two_notes chat two_chats browse browse_by_language admin batch_client web_form
    live_transcription two_streams all_day)
for ((i = 0; i < ${#personas[@]}; i++)); do
    play $((i + 1)) "${personas[i]}" &
done
wait

awk -v users=${#personas[@]} '
    { requests += $1; streams += $2; failed += $3 }
    END {
        printf "drive: %d users, %d requests, %d streams, %d failed\n", users, requests, streams, failed
        exit failed > 0 || NR != users
    }' "$work"/*/tally
