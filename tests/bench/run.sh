#!/usr/bin/env bash
# Runs the benchmarks and puts their tables into docs/benchmarks.md, each between <!-- NAME --> and
# <!-- /NAME -->. A benchmark that cannot run here says why and leaves its table as it is.
#
#     tests/bench/run.sh BUILD [NAME...]      without names: all
#     BENCH_BRIEF=1 tests/bench/run.sh BUILD  a twentieth of the load, printed and not kept
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
page=$here/../../docs/benchmarks.md
build=${1:?usage: run.sh BUILD [NAME...]}
shift
names=("$@")
# In the page's order.
all=(capture_files capture_live captures
    replay_speed bare_loop tls_speed http2_speed bindings_cost workers memory upload_memory
    schedule replay_accuracy replay_pacing ws_connections long_trace soak
    plan_digest plugin_cost plugins_idle whole_sessions uploads jwt_refresh ai_queue
    trace_write correlate fresh_target apps truth)
if [ ${#names[@]} -eq 0 ]; then
    for name in "${all[@]}"; do
        [ ! -x "$here/$name.sh" ] || names+=("$name")
    done
fi

table=$(mktemp)
trap 'rm -f "$table" "$table.page"' EXIT

# Puts the table in place of what is between the markers.
keep() {
    awk -v name="$1" -v table="$table" '
        $0 == "<!-- /" name " -->" { skipping = 0 }
        !skipping { print }
        $0 == "<!-- " name " -->" {
            while ((getline line < table) > 0) print line
            skipping = 1
        }' "$page" >"$table.page"
    cat "$table.page" >"$page"
}

failed=0
for name in "${names[@]}"; do
    if [ ! -x "$here/$name.sh" ]; then
        echo "run.sh: no benchmark $name; there are: $(cd "$here" && ls ./*.sh | sed 's#^\./##; s#\.sh$##' |
            grep -vxE 'run|lib|load|browser_trace' | tr '\n' ' ')" >&2
        exit 2
    fi
    if ! grep -qxF "<!-- $name -->" "$page" || ! grep -qxF "<!-- /$name -->" "$page"; then
        echo "run.sh: docs/benchmarks.md has no place for $name: <!-- $name --> and <!-- /$name -->" >&2
        exit 2
    fi
done
for name in "${names[@]}"; do
    echo "== $name" >&2
    code=0
    "$here/$name.sh" "$build" >"$table" || code=$?
    cat "$table"
    if [ "$code" = 77 ]; then
        continue
    elif [ "$code" != 0 ]; then
        echo "run.sh: $name failed ($code); its table stays as it was" >&2
        failed=1
    elif [ -z "${BENCH_BRIEF:-}" ]; then
        keep "$name"
    fi
done
exit $failed
