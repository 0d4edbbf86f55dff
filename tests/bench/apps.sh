#!/usr/bin/env bash
# Applications that nobody here wrote, as their users' browsers use them: Jupyter Notebook (login by
# form, XSRF cookie, kernels over WebSocket) and Node-RED (bearer tokens, flows with revisions, its own
# WebSocket). Two visits, each by a headless Chromium with a fresh profile, are captured; the application
# is started again, empty, with another key for its cookies and another password, which --data tells, and
# the trace replayed as 20 users: as recorded, and after `reprise correlate`, when one user verifies it
# first. The share is of all exchanges that the 20 users had to ask for; a WebSocket counts when it was opened.
#
#     APPS_KEEP=FOLDER   traces, runs and logs stay there
#     APPS="node_red"    only this one
#     APPS_RECORD=FOLDER only its trace, into that folder
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need node npm sqlite3
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
    skip "chromium is not installed (scripts/bench-packages.txt)"

recorded_secret=the-secret-of-the-recording other_secret=the-secret-of-the-replay
gap=8 # seconds of silence between two visits: by them capture tells one from the other
scale=$(brief 10 2)
app_pid=

# --- the applications: start_NAME FOLDER SECRET listens on $port when it returns ---------------------

check_jupyter() { command -v jupyter-notebook >/dev/null || no_app="jupyter-notebook is not installed"; }
start_jupyter() {
    mkdir -p "$1/home" "$1/notebooks"
    env HOME="$1/home" JUPYTER_CONFIG_DIR="$1/home" JUPYTER_RUNTIME_DIR="$1/home" JUPYTER_DATA_DIR="$1/home" \
        jupyter-notebook --no-browser --allow-root --ip=127.0.0.1 --port="$port" --port-retries=0 \
        --NotebookApp.token="$2" --notebook-dir="$1/notebooks" >"$1/log" 2>&1 &
    app_pid=$!
}

check_node_red() {
    npm install --prefix "$work/node" --silent --no-audit --no-fund node-red >"$work/npm.log" 2>&1 ||
        no_app="npm could not install node-red: $(tail -n 1 "$work/npm.log")"
}
start_node_red() {
    mkdir -p "$1/home"
    cat >"$1/settings.js" <<SETTINGS
const bcrypt = require(require.resolve('bcryptjs', { paths: ['$work/node/node_modules/node-red'] }));
module.exports = {
    uiHost: '127.0.0.1', uiPort: $port, userDir: '$1/home', flowFile: 'flows.json', credentialSecret: '$1',
    adminAuth: { type: 'credentials',
        users: [{ username: 'admin', password: bcrypt.hashSync('$2', 8), permissions: '*' }] },
    editorTheme: { tours: false, palette: { editable: false }, projects: { enabled: false } },
    telemetry: { enabled: false, updateNotification: false },
};
SETTINGS
    env HOME="$1/home" node "$work/node/node_modules/node-red/red.js" --settings "$1/settings.js" >"$1/log" 2>&1 &
    app_pid=$!
}

# --- capture, restart, replay -----------------------------------------------------------------------

start_app() { # NAME FOLDER SECRET
    mkdir -p "$2"
    "start_$1" "$2" "$3"
    started+=("$app_pid")
    wait_until accepts "$port"
}
stop_app() {
    kill "$app_pid" 2>/dev/null || true
    wait "$app_pid" || true
}

record() { # NAME SECRET: two visits into NAME.trace
    local capture number
    start_app "$1" "$work/$1.recorded" "$2"
    "$reprise" capture -i lo --port "$port" --session-gap "${gap}s" --out "$work/$1.trace" 2>"$work/capture.log" \
        >"$work/capture.out" &
    capture=$!
    started+=("$capture")
    wait_until file_has "$work/capture.log" '^capturing on'
    for number in 1 2; do
        [ "$number" = 1 ] || read -r -t $((gap + 2)) <> <(:) || true
        say "$1: visit $number"
        node "$here/apps_visit.js" "apps_$1.js" "$chromium" "$work/$1.profile.$number" "http://127.0.0.1:$port" "$2" \
            "$number" ||
            fail "$1: visit $number failed: $(tail -n 3 "$work/$1.recorded/log")"
    done
    kill -INT "$capture"
    wait "$capture" || fail "$1: the capture ended with $?: $(tail -n 1 "$work/capture.log")"
    stop_app
}

ask() { sqlite3 "$1" "$2"; }

# replay NAME RUN SECRET: against a fresh one with that secret. Sets `share` and `missing` (messages).
replay() {
    local name=$1 run=$work/$1.$2.run asked as_recorded
    printf 'secret\n%s\n' "$3" >"$work/users.csv"
    start_app "$name" "$work/$name.$2" "$3"
    "$reprise" replay "$work/$name.trace" --target "http://127.0.0.1:$port" --scale "$scale" --run "$run" -q \
        --data "$work/users.csv" --data-mode shared --map "secret=$recorded_secret" --shared-accounts >"$run.out" 2>"$run.err" || [ $? -lt 3 ] ||
        say "$name: the replay ended with $?: $(tail -n 1 "$run.err")"
    stop_app
    asked=$(($(ask "$work/$name.trace" 'SELECT count(*) FROM exchange') * scale))
    as_recorded=$(ask "$run" 'SELECT sum(requests) - sum(diverged) - sum(no_answer) + (SELECT coalesce(sum(connected), 0) FROM ws_total) FROM total')
    missing=$(ask "$run" 'SELECT coalesce(sum(missing), 0) FROM ws_total')
    share=$(calc "100 * $as_recorded / $asked" '%.1f %%')
    say "$name, $2: $as_recorded of $asked as recorded; the most frequent that were not:"
    ask "$run" 'SELECT printf("    %6d  %s", sum(diverged) + sum(no_answer), name) FROM total JOIN endpoint USING (endpoint_id)
        GROUP BY endpoint_id HAVING sum(diverged) + sum(no_answer) > 0 ORDER BY 1 DESC LIMIT 8' >&2
}

# verify NAME SECRET: one user for each visit, with the recorded pauses. Sets `verified`.
verify() {
    local out=$work/$1.verify.out
    printf 'secret\n%s\n' "$2" >"$work/users.csv"
    start_app "$1" "$work/$1.verify" "$2"
    "$reprise" verify "$work/$1.trace" --target "http://127.0.0.1:$port" --pacing think --data "$work/users.csv" \
        --map "secret=$recorded_secret" >"$out" 2>"$work/$1.verify.err" || [ $? = 110 ] ||
        say "$1: verify ended with $?: $(tail -n 1 "$work/$1.verify.err")"
    stop_app
    verified=$(sed -n 's/^ *exchanges *\([0-9]*\) compared, \([0-9]*\) diverged.*/\2 of \1/p' "$out")
    [ "${verified%% *}" = 0 ] || sed 's/^/    /' "$out" >&2
}

rows=()
for app in ${APPS:-jupyter node_red}; do
    no_app=
    "check_$app"
    if [ -n "$no_app" ]; then
        say "$app: skipped: $no_app"
        continue
    fi
    port=$(free_port)
    record "$app" "$recorded_secret"
    if [ -n "${APPS_RECORD:-}" ]; then
        cp "$work/$app.trace" "$APPS_RECORD/"
        rows+=("$app")
        continue
    fi
    sessions=$(ask "$work/$app.trace" 'SELECT count(*) FROM session')
    exchanges=$(ask "$work/$app.trace" 'SELECT count(*) FROM exchange')
    messages=$(ask "$work/$app.trace" 'SELECT count(*) FROM message')
    ask "$work/$app.trace" "DELETE FROM binding"
    replay "$app" before "$other_secret"
    before=$share missing_before=$missing after=- bindings=- missing=- verified=-
    if "$reprise" correlate "$work/$app.trace" >"$work/$app.correlate" 2>&1; then
        bindings=$(ask "$work/$app.trace" "SELECT count(*) FROM binding WHERE state = 'on'")
        verify "$app" "$other_secret"
        replay "$app" after "$other_secret"
        after=$share
    else
        say "$app: no correlation: $(head -n 1 "$work/$app.correlate")"
    fi
    rows+=("| ${app/_/-} | $sessions | $exchanges | $messages | $bindings | $verified | $before | $after | $missing_before | $missing |")
    [ -z "${APPS_KEEP:-}" ] || cp -r "$work/$app."* "$work/capture.log" "$APPS_KEEP/"
done
[ ${#rows[@]} -gt 0 ] || skip "none of the applications is here"
[ -z "${APPS_RECORD:-}" ] || exit 0

machine
echo "| application | sessions recorded | exchanges | WebSocket messages | bindings | verify, one user: diverged | as recorded without bindings | with them | messages missing without them | with them |"
echo "|---|---|---|---|---|---|---|---|---|---|"
printf '%s\n' "${rows[@]}"
