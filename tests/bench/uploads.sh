#!/usr/bin/env bash
# Uploads: 500 users send a WAV of 2 MB each at the same time, every one another file, to voicelab, which
# checks each as it comes and refuses what it has had before. A sample is decoded by sox and ffmpeg.
# Memory and CPU of reprise by wait4(2); the connections are counted in /proc.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need curl sox ffmpeg sqlite3
[ "$(ulimit -Hn)" -ge 4000 ] || skip "needs 4000 open files; ulimit -Hn is $(ulimit -Hn)"
ulimit -n "$(ulimit -Hn)"

users=$(brief 500 20)
bytes=2000000
mkdir "$work/saved"
"$build/tests/voicelab/voicelab" --port 0 --api-key bench --refuse-duplicates --save-uploads "$work/saved" \
    --max-upload 20M --max-connections 4000 --idle-timeout 600s >"$work/voicelab.out" &
started+=($!)
wait_until file_has "$work/voicelab.out" 'listening on'
url=$(sed -n 's/.*listening on //p' "$work/voicelab.out")
port=${url##*:}
metric() { curl --silent "$url/metrics" | awk -v name="voicelab_$1" '$1 == name { n = $2 } END { print n + 0 }'; }

# One recorded upload of that size, and one whose form says its SHA-256.
"$build/tests/voicelab/voicelab_wav" --seconds "$(calc "($bytes - 44) / 32000" %.7f)" "$work/note.wav"
record() { # NAME CURL-OPTION...
    local name=$1 pid
    shift
    "$reprise" capture -i lo --port "$port" --out "$work/$name.trace" >"$work/capture.out" 2>"$work/capture.err" &
    pid=$!
    started+=("$pid")
    (wait_until file_has "$work/capture.err" 'capturing on') || skip "no capture here: $(tail -n 1 "$work/capture.err")"
    curl --silent --output /dev/null --header 'X-API-Key: bench' --form "file=@$work/note.wav;type=audio/wav" "$@" \
        "$url/v1/uploads"
    kill -INT "$pid"
    wait "$pid"
}
record sums --form "sha256=$(sha256sum "$work/note.wav" | cut -d ' ' -f 1)"
"$build/tests/voicelab/voicelab_wav" --seed 2 --seconds "$(calc "($bytes - 44) / 32000" %.7f)" "$work/note.wav"
record note

# A table that changes while it is read may tell one twice.
connections() { awk -v to="$(printf ':%04X' "$port")" '$4 == "01" && $3 ~ to "$" && !seen[$2]++ { n++ } END { print n + 0 }' /proc/net/tcp; }

seed=0
# upload TEXT TRACE OPTIONS-OF-THE-PLUGIN: all users begin within a tenth of a second. Another seed each time:
# voicelab knows the files of the last one.
upload() {
    seed=$((seed + 1))
    local pid most=0 now before
    find "$work/saved" -type f -delete
    before=$(metric uploads_total)
    rm -f "$work/run"
    "$measure" "$work/report" "$reprise" replay "$work/$2.trace" --target "$url" -q --run "$work/run" \
        --scale "$users" --seed "$seed" --arrival-speed 10 --timeout 300s --plugin "multipart_audio:$3" >"$work/out" 2>"$work/err" &
    pid=$!
    started+=("$pid")
    while kill -0 "$pid" 2>/dev/null; do
        now=$(connections)
        [ "$now" -le "$most" ] || most=$now
        read -r -t 0.05 <> <(:) || true
    done
    wait "$pid" || fail "replay: $(tail -n 3 "$work/err" "$work/out")"
    [ $(($(metric uploads_total) - before)) = "$users" ] ||
        fail "voicelab accepted $(($(metric uploads_total) - before)) of $users: $(tail -n 3 "$work/out")"
    [ "$(sha256sum "$work"/saved/* | cut -d ' ' -f 1 | sort -u | wc -l)" = "$users" ] || fail "some are alike"
    find "$work/saved" -type f | shuf -n 25 --random-source=<(yes) | while IFS= read -r file; do
        sox "$file" --null stat 2>"$work/sox" || fail "sox: $(cat "$work/sox")"
        ffmpeg -hide_banner -loglevel error -i "$file" -f null - </dev/null 2>"$work/ffmpeg"
        [ ! -s "$work/ffmpeg" ] || fail "ffmpeg: $(cat "$work/ffmpeg")"
    done
    echo "| $1 | $users | $(stat -c %s "$work"/saved/* | sort -n | tail -n 1) | $most | $users |" \
        "$(awk '{ printf "%.1f", $4 }' "$work/report") | $(calc "$users * $bytes / 1e6 / $(awk '{ print $4 }' "$work/report")" %.0f) |" \
        "$(cpu_of "$work/report") | $(peak_mib_of "$work/report") |" >>"$work/rows"
    say "$(tail -n 1 "$work/rows")"
}

upload "as fast as it goes" note kind=noise
upload "1 Mbit/s each" note rate=1mbit,kind=noise
upload "1 Mbit/s each, with a SHA-256 in the form" sums rate=1mbit,kind=noise
upload "1 Mbit/s each, the recorded sound, marked" note rate=1mbit,source=recorded

machine
echo "| uploads | users | bytes each | connections at once | accepted, different, valid | s | MB/s | CPU s | peak MiB |"
echo "|---|---|---|---|---|---|---|---|---|"
cat "$work/rows"
