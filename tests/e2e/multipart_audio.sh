#!/usr/bin/env bash
# multipart_audio.sh - voicelab's users, captured with their uploads, several times over against a
# voicelab that refuses audio it has had before: with the plugin each file is new and valid, by voicelab's
# word, sox's and ffmpeg's; and files of every format go through it with their sound kept.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3 sox ffmpeg
plugins=(--plugin-path "$build/reprise-plugins")

start_voicelab
capture shop "$port"
expect_exit 0 "$root/tests/voicelab/drive.sh" "$url" "$voicelab"
stop_capture shop
ended voicelab TERM
expect_exit 0 "$reprise" correlate shop.trace
uploads=$(sql shop.trace "SELECT count(*) FROM exchange WHERE method = 'POST' AND target LIKE '%/uploads'")
holds "there are uploads" "$uploads >= 4"

# afresh: another secret, no accounts; what it accepts is in saved/.
afresh() {
    [ -z "${pids[voicelab]:-}" ] || ended voicelab TERM
    rm -rf saved && mkdir saved
    start_voicelab --refuse-duplicates --save-uploads saved --job-queue 1000 --job-time 10ms --job-jitter 0 --max-upload 20M
}
# play SCALE [options of the plugin]: without them it is not loaded.
play() {
    local scale=$1 with=()
    [ $# -lt 2 ] || with=("${plugins[@]}" --plugin "multipart_audio:$2")
    afresh
    rm -f a.run
    expect_exit 0 "$reprise" replay shop.trace --target "$url" --scale "$scale" --speed 5 --run a.run -q "${with[@]}"
}
# Each file that was saved is another, and decodes without a word.
all_are_good() { # WHAT WANTED
    local file
    equal "accepted $1" "$(find saved -type f | wc -l)" "$2"
    equal "different $1" "$(sha256sum saved/* | cut -d ' ' -f 1 | sort -u | wc -l)" "$2"
    for file in saved/*; do
        checks=$((checks + 1))
        sox "$file" --null stat >sox.out 2>&1 && ! grep -qE 'WARN|FAIL' sox.out ||
            fail "sox, $1: $(head -n 2 sox.out)"
        ffmpeg -hide_banner -loglevel warning -guess_layout_max 0 -i "$file" -f null - </dev/null >ffmpeg.out 2>&1
        [ ! -s ffmpeg.out ] || fail "ffmpeg, $1: $(head -n 2 ffmpeg.out)"
    done
    equal "refused $1" "$(metric 'uploads_duplicate_total')" 0
}

# As recorded all but the first of each are refused.
play 3
equal "accepted as recorded" "$(find saved -type f | wc -l)" "$uploads"

# Generated like the recorded ones: checksums and sizes in fields agree, or voicelab says so.
for kind in noise tone silence; do
    play 2 "kind=$kind"
    all_are_good "of $kind" $((2 * uploads))
done
play 4 sizes=50KB=26,200KB=53,500KB=16,2MB=5
all_are_good "of drawn sizes" $((4 * uploads))
holds "sizes are those drawn" "$(stat -c %s saved/* | awk '$1 != 50000 && $1 != 200000 && $1 != 500000 && $1 != 2000000 { n++ } END { print n + 0 }') == 0"

# The recorded sound, marked: the samples are the recorded ones.
sound() { for file in "$@"; do sox "$file" --type raw - | sha256sum; done | sort -u; }
play 1 source=recorded
all_are_good "as recorded" "$uploads"
sound saved/* >once
play 3 source=recorded
all_are_good "as recorded, marked" $((3 * uploads))
checks=$((checks + 1))
sound saved/* | cmp -s once - || fail "the sound is not the recorded one"

# Files of a folder; and a folder without any does not start.
mkdir folder empty
for i in 1 2 3; do "$voicelab/voicelab_wav" --seed "$i" --seconds "$i" "folder/$i.wav"; done
echo hello >folder/notes.txt
play 3 source=folder
all_are_good "of a folder" $((3 * uploads))
sound folder/*.wav >files
checks=$((checks + 1))
sound saved/* | cmp -s files - || fail "the sound is not that of the folder's files"
rm -f a.run
expect_exit 2 "$reprise" replay shop.trace --target "$url" --run a.run -q "${plugins[@]}" --plugin multipart_audio:source=empty
expect_line err 'multipart_audio.*empty: the folder is empty'
expect_exit 2 "$reprise" replay shop.trace --target "$url" --run a.run -q "${plugins[@]}" \
    --plugin multipart_audio:sizes=50KB=26,200KB=53
expect_line err 'sizes: the weights add up to 79, not to 100'
expect_exit 0 "$reprise" replay shop.trace --target "$url" --speed 5 --scale 2 --run a.run -q "${plugins[@]}" \
    --plugin multipart_audio --threshold 'audio_uploads: count>5' --threshold 'audio_errors: count<1' \
    --threshold 'audio_first_byte: p(95)<10s' --threshold 'audio_ws_bytes: count>100000' \
    --threshold 'ws_session_duration: max>1500ms' # at a fifth of the time the audio still takes its own

# What is no audio, and a body with another boundary, fail their own users; the third goes on.
make_trace bad.trace <<'SCRIPT'
session one
0 1 POST /uploads 201
part file=this is no audio as a.wav
session two
0 1 POST /uploads 201 --yy Content-Type: audio/wav
header Content-Type: multipart/form-data; boundary=zz
session three
0 1 GET /health 200
SCRIPT
rm -f a.run
expect_exit 0 "$reprise" replay bad.trace --target "$url" --run a.run -q "${plugins[@]}" --plugin multipart_audio \
    --threshold 'audio_errors: count<3' --threshold 'audio_errors: count>1'
equal "sessions that failed" "$(sql a.run "SELECT sessions FROM session_result WHERE result = 'failed'")" 2
equal "sessions that are done" "$(sql a.run "SELECT sessions FROM session_result WHERE result = 'done'")" 1
expect_line out 'plugin multipart_audio: on_request: the upload of step 0: '
ended voicelab TERM

# Every format as a body of its own, to a server that keeps what it gets.
start_nginx "listen unix:$work/sink;
    location /up { client_body_in_file_only on; client_max_body_size 20m; proxy_pass http://unix:$work/sink:/sink; }
    location /sink { return 201; }"
capture formats "$port"
declare -A types=([wav]=audio/wav [flac]=audio/flac [mp3]=audio/mpeg [ogg]=audio/ogg [webm]=audio/webm [m4a]=audio/mp4)
files=("$root"/tests/plugins/audio/*)
for file in "${files[@]}"; do
    curl --silent --show-error --header "Content-Type: ${types[${file##*.}]}" --data-binary "@$file" \
        --header "X-Checksum: $(sha256sum "$file" | cut -d ' ' -f 1)" "$url/up" || fail "curl"
done
stop_capture formats
find nginx-body -type f -delete
expect_exit 0 "$reprise" replay formats.trace --target "$url" --scale 4 --run f.run -q "${plugins[@]}" \
    --plugin multipart_audio:source=recorded
decoded() { # FILE...
    for file in "$@"; do
        ffmpeg -hide_banner -loglevel error -i "$file" -f s16le - </dev/null 2>>ffmpeg.err | sha256sum
    done | sort | uniq -c
}
decoded "${files[@]}" | awk '{ print $1 * 4, $2 }' >wanted
mapfile -t got < <(find nginx-body -type f)
equal "bodies" "${#got[@]}" $((4 * ${#files[@]}))
equal "different bodies" "$(sha256sum "${got[@]}" | cut -d ' ' -f 1 | sort -u | wc -l)" "${#got[@]}"
checks=$((checks + 1))
decoded "${got[@]}" | awk '{ print $1, $2 }' | diff wanted - >difference || fail "other sound (<: wanted): $(cat difference)"
finish
