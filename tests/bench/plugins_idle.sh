#!/usr/bin/env bash
# What plugins cost that are loaded for traffic which does not concern them: full speed with
# jwt_refresh, multipart_audio and ai_queue, and without, in turns. The pages have no token, upload or
# job in them. Ratios are of pairs, their medians are shown.
#
#     tests/bench/plugins_idle.sh BUILD
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need nginx sqlite3
seconds=$(brief "${BENCH_SECONDS:-6}" 1)
plugins=(--plugin multipart_audio --plugin ai_queue --plugin jwt_refresh)

start_nginx 1 600
for user in $(seq 20); do
    echo "session user-$user"
    for i in $(seq 20); do
        echo "$((i * 5)) $((i * 5 + 2)) GET /shop/items/$i 200"
        echo "header User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
        echo "header Accept: text/html,application/xhtml+xml"
    done
done | "$make_trace" "$work/pages.trace"

# once [options]: requests a second, and microseconds of CPU a request.
once() {
    rm -f "$work/idle.run"
    taskset -c 0 "$reprise" replay "$work/pages.trace" -q --target "$url" --users 100 --duration "${seconds}s" \
        --pacing max --graceful-stop 0s --run "$work/idle.run" "$@" >"$work/out" 2>"$work/err" ||
        fail "$(tail -n 1 "$work/err")"
    sqlite3 -separator ' ' "$work/idle.run" "SELECT (SELECT sum(requests) FROM total) * 1e6 / duration_us,
        (SELECT sum(worker_cpu_us) FROM generator_second) * 1.0 / (SELECT sum(requests) FROM total) FROM run"
}
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

once >/dev/null
for ((round = 0; round < runs; round++)); do
    read -r plain plain_cpu < <(once)
    read -r loaded loaded_cpu < <(once "${plugins[@]}")
    say "round $round: $plain and $loaded requests/s, $plain_cpu and $loaded_cpu us each"
    calc "$loaded / $plain" "%.4f\n" >>"$work/speed"
    calc "$loaded_cpu / $plain_cpu" "%.4f\n" >>"$work/cpu"
    echo "$plain" >>"$work/plain"
done
machine
echo "| full speed, 20 pages, 100 users | requests/s | CPU a request |"
echo "|---|---|---|"
echo "| without plugins | $(calc "$(median <"$work/plain")" %.0f) | 1 |"
echo "| jwt_refresh, multipart_audio, ai_queue loaded | $(calc "$(median <"$work/speed")" %.3f) of it | $(calc "$(median <"$work/cpu")" %.3f) |"
