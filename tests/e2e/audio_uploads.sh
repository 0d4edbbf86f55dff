#!/usr/bin/env bash
# audio_uploads.sh - uploads of multipart_audio as the network may want them: over HTTP/2, at a phone's pace, behind
# Expect: 100-continue, to a target that answers before it has read them, and from files that are cut short meanwhile.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl nginx openssl sqlite3 sox ffmpeg
plugins=(--plugin-path "$build/reprise-plugins")

# --- over HTTP/2: voicelab's users, with nginx in front of a voicelab that refuses what it has had before ------------

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>openssl.err || fail "no certificate: $(cat openssl.err)"
start_voicelab
capture shop "$port"
expect_exit 0 "$root/tests/voicelab/drive.sh" "$url" "$voicelab"
stop_capture shop
ended voicelab TERM
expect_exit 0 "$reprise" correlate shop.trace
uploads=$(sql shop.trace "SELECT count(*) FROM exchange WHERE method = 'POST' AND target LIKE '%/uploads'")
holds "there are uploads" "$uploads >= 4"

mkdir saved
start_voicelab --refuse-duplicates --save-uploads saved --job-queue 1000 --job-time 10ms --job-jitter 0 --max-upload 20M
voicelab_url=$url
tls_port=$((32000 + RANDOM % 700))
start_nginx "} map \$http_upgrade \$connection_upgrade { default upgrade; '' ''; }
    log_format h2 '\$server_protocol \$request_method \$uri \$status \$request_length';
    server {
        listen 127.0.0.1:$tls_port ssl http2;
        access_log $work/h2.log h2;
        ssl_certificate $work/cert.pem;
        ssl_certificate_key $work/key.pem;
        client_max_body_size 20m;
        location / {
            proxy_pass $voicelab_url;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection \$connection_upgrade;
        }"
expect_exit 0 "$reprise" replay shop.trace --target "https://localhost:$tls_port" --cacert cert.pem --scale 3 --speed 5 \
    --run h2.run -q "${plugins[@]}" --plugin multipart_audio:sizes=50KB=40,300KB=40,2MB=20 \
    --threshold 'audio_errors: count==0' --threshold 'http_req_failed: rate==0'
await nginx test "$(grep -c 'POST .*/uploads' h2.log)" -ge $((3 * uploads))
equal "protocols of uploads" "$(awk '$2 == "POST" && $3 ~ /\/uploads$/ { print $1, $4 }' h2.log | sort -u)" 'HTTP/2.0 201'
equal "files" "$(find saved -type f | wc -l)" $((3 * uploads))
equal "different files" "$(sha256sum saved/* | cut -d ' ' -f 1 | sort -u | wc -l)" $((3 * uploads))
equal "files of other sizes" "$(stat -c %s saved/* | grep -cvxE '50000|300000|2000000')" 0
for file in saved/*; do
    checks=$((checks + 1))
    sox "$file" --null stat >sox.out 2>&1 && ! grep -qE 'WARN|FAIL' sox.out || fail "sox: $(head -n 2 sox.out)"
    ffmpeg -hide_banner -loglevel warning -guess_layout_max 0 -i "$file" -f null - </dev/null >ffmpeg.out 2>&1
    [ ! -s ffmpeg.out ] || fail "ffmpeg: $(head -n 2 ffmpeg.out)"
done
ended nginx TERM
ended voicelab TERM

# --- a server that keeps what it gets, and one that wants nothing of more than 20 KB ---------------------------------

start_nginx "listen unix:$work/sink;
    listen 127.0.0.1:$tls_port ssl http2;
    ssl_certificate $work/cert.pem;
    ssl_certificate_key $work/key.pem;
    client_body_buffer_size 8k;
    location /up { client_body_in_file_only on; client_max_body_size 20m; proxy_pass http://unix:$work/sink:/sink; }
    location /small { client_max_body_size 20k; proxy_pass http://unix:$work/sink:/sink; }
    location /sink { client_max_body_size 20m; return 201; }"
"$voicelab/voicelab_wav" --seed 1 --seconds 0.5 short.wav
"$voicelab/voicelab_wav" --seed 2 --seconds 2 long.wav
type='Content-Type: audio/wav'
record() { # NAME CURL-OPTIONS...: one upload, and a request behind it.
    capture "$1" "$port"
    curl --silent --show-error --output answer --header "$type" "${@:2}" --next --silent \
        --output answer "$url/after" || fail "curl"
    stop_capture "$1"
    find nginx-body -type f -delete
}
record short --data-binary @short.wav "$url/up"
record expecting --header 'Expect: 100-continue' --data-binary @long.wav "$url/up"
record small --data-binary @short.wav "$url/small/1"
record refused --header 'Expect: 100-continue' --data-binary @short.wav "$url/small/2"
{
    printf '{"model":"any","audio":{"data":"%s","format":"wav"},' "$(base64 -w 0 short.wav)"
    printf '"bytes":%s,"sha256":"%s"}' "$(stat -c %s short.wav)" "$(sha256sum short.wav | cut -d ' ' -f 1)"
} >json
type='Content-Type: application/json' record in_json --data-binary @json "$url/up"
equal "recorded with Expect" \
    "$(sql expecting.trace "SELECT count(*) FROM exchange WHERE request_headers LIKE '%100-continue%'")" 1

# play NAME TARGET OPTIONS...: every user's second request is answered, whatever became of the first.
users=4
play() {
    rm -f "$1.run"
    expect_exit 0 "$reprise" replay "$1.trace" --target "$2" --cacert cert.pem --scale $users --run "$1.run" -q \
        "${plugins[@]}" "${@:3}"
    equal "$1: sessions that are done" "$(sql "$1.run" "SELECT sessions FROM session_result WHERE result = 'done'")" $users
}
tls=https://localhost:$tls_port
for target in "$url" "$tls"; do
    # A phone sends a short file no faster than a long one.
    play short "$target" --plugin multipart_audio:sizes=20KB,rate=1mbit --threshold 'audio_upload_rate: max<126500' \
        --threshold 'audio_uploads: count==4' --threshold 'http_req_failed: rate==0'
    find nginx-body -type f -delete

    # 100 Continue is waited for where it is announced, and the file arrives whole.
    play expecting "$target" --plugin multipart_audio --threshold 'http_req_failed: rate==0'
    mapfile -t got < <(find nginx-body -type f)
    equal "behind Expect" "$(sha256sum "${got[@]}" | cut -d ' ' -f 1 | sort -u | wc -l)" $users
    equal "sizes behind Expect" "$(stat -c %s "${got[@]}" | sort -u)" "$(stat -c %s long.wav)"
    find nginx-body -type f -delete

    # In base64 within JSON: what is around it says what is in it.
    for options in sizes=20KB,kind=tone sizes=1MB source=recorded; do
        play in_json "$target" --plugin "multipart_audio:$options" --threshold 'audio_uploads: count==4' \
            --threshold 'http_req_failed: rate==0'
        rm -f decoded.*
        for file in $(find nginx-body -type f); do
            name=decoded.$(basename "$file")
            sed 's/.*"data":"\([^"]*\)".*/\1/' "$file" | base64 -d >"$name" || fail "no base64"
            expect_line "$file" "^\{\"model\":\"any\",\"audio\":\{\"data\":\"[^\"]+\",\"format\":\"wav\"\},\"bytes\":$(stat -c %s "$name"),\"sha256\":\"$(sha256sum "$name" | cut -d ' ' -f 1)\"\}\$"
            checks=$((checks + 1))
            sox --type wav "$name" --null stat >sox.out 2>&1 && ! grep -qE 'WARN|FAIL' sox.out || fail "sox: $(head -n 2 sox.out)"
        done
        equal "$options: different files" "$(sha256sum decoded.* | cut -d ' ' -f 1 | sort -u | wc -l)" $users
        find nginx-body -type f -delete
    done

    # Refused instead of a 100: nothing is sent of it. (Over HTTP/2 nobody waits.)
    play refused "$target" --plugin multipart_audio:sizes=5MB --threshold 'audio_errors: count==0' \
        --threshold "audio_upload_bytes: count<$([ "$target" = "$tls" ] && echo $((users * 5000000)) || echo 1)"
    equal "refused: failures" "$(sql refused.run 'SELECT class, failures FROM failure')" "status|$users"

    # Answered before it is sent whole: a failure by its status, nothing in the plugin's name, nothing timed.
    for options in sizes=5MB sizes=2GB sizes=100KB,rate=400kbit; do
        play small "$target" --plugin "multipart_audio:$options" --threshold 'audio_errors: count==0' \
            --threshold "audio_upload_bytes: count<$((users * 100000000))" --threshold "audio_uploads: count==4"
        equal "$options to $target: failures" "$(sql small.run 'SELECT class, failures FROM failure')" "status|$users"
        equal "$options to $target: statuses" "$(sql small.run 'SELECT DISTINCT status FROM failure_sample')" 413
        expect_line out 'status 413, recorded 201 +4 '
        expect_line out 'audio_upload_rate[.]+: no samples'
    done
done
# A file that is cut short while four users send it: each has a failure that names it, and goes on.
cut() { # TARGET
    mkdir -p folder
    "$voicelab/voicelab_wav" --seed 3 --seconds 20 folder/note.wav
    rm -f cut.run
    find nginx-body -type f -delete
    start replay "$reprise" replay short.trace --target "$1" --cacert cert.pem --scale $users --run cut.run -q \
        "${plugins[@]}" --plugin multipart_audio:source=folder,rate=2mbit \
        --threshold 'audio_errors: count>3' --threshold 'audio_errors: count<5'
    await replay are_sending
    truncate --size 1000 folder/note.wav
    ended replay
    equal "exit code of a run whose file was cut" "$code" 0
    sql cut.run 'SELECT DISTINCT class, detail FROM failure_sample' >failures
    expect_line failures '^plugin.plugin multipart_audio: its body source failed at byte [0-9]+ of [0-9]+: note.wav was cut short during the run$'
    equal "failures of a file that was cut" "$(sql cut.run 'SELECT class, failures FROM failure')" "plugin|$users"
    equal "sessions that went on" "$(sql cut.run "SELECT sessions FROM session_result WHERE result = 'done'")" $users
    equal "requests, failed" "$(sql cut.run 'SELECT sum(requests), sum(failed) FROM total')" "$((2 * users))|$users"
}
are_sending() { [ "$(find nginx-body -type f -size +16k | wc -l)" -ge $users ]; }
for target in "$url" "$tls"; do
    cut "$target"
done
finish
