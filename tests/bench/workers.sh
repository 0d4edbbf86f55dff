#!/usr/bin/env bash
# One worker and two. With two cores and the target on one of them, two workers cannot show their
# throughput; what can be shown is what a request costs with two: on core 0 alone with the target
# on core 1, and on both cores with the target beside them. What it does not cost more, a second core
# adds. Targets: nginx, and one that answers without looking (stamp_server). Rounds are A B C A B C.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/bench/load.sh
source "$(dirname "$0")/load.sh"
two_cores
session_trace "$work/workers.trace"

# play NAME CORES WORKERS
play() {
    run_reprise_on "$2" "$1" "$work/workers.trace" "${native[@]}" --workers "$3"
}
measure_at() { # TARGET
    for ((i = 0; i < runs; i++)); do
        say "$1, round $((i + 1)) of $runs"
        play "$1_one" 0 1
        play "$1_two" 0 2
        play "$1_both" 0,1 2
        play "$1_shared" 0,1 1
    done
}
rows() { # TARGET TEXT
    local base=$1_one name
    for name in one two shared both; do
        case $name in
            one) text="1 worker on core 0" ;;
            two) text="2 workers on core 0" ;;
            shared) text="1 worker on either core, the target on core 1" ;;
            both) text="2 workers on both cores, the target on core 1" ;;
        esac
        printf '| %s | %s | %.0f | %.2f | %.0f | %s | %.0f%% |\n' "$2" "$text" "$(column "$1_$name" 1)" \
            "$(column "$1_$name" 2)" "$(calc "1e6 / $(column "$1_$name" 2)" %.0f)" \
            "$(ratio "$1_$name" "$base" 2)" "$(column "$1_$name" 6)"
    done
}

start_nginx 1 600
measure_at nginx
stop_nginx
start_stamps - 600 1
measure_at stamp
stop_stamps

machine
echo "| target | generator | requests/s | CPU us/request | requests per CPU second | CPU to one worker's | target busy |"
echo "|---|---|---|---|---|---|---|"
rows nginx "nginx"
rows stamp "answers without looking"
echo
for name in nginx stamp; do
    echo "$name: two cores of two workers carry $(calc "2 / $(ratio "${name}_two" "${name}_one" 2)") times one worker's" \
        "requests by CPU per request on core 0, $(calc "2 / $(ratio "${name}_both" "${name}_shared" 2)") times on both cores."
done
