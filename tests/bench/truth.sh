#!/usr/bin/env bash
# Precision and recall of `reprise correlate`, judged by a truth that was labelled by hand
# (truth_*.txt): the twelve users of voicelab are captured anew, so no value is known beforehand. The
# truth goes into a copy of the trace as a bindings file (a * in an answer's place: 0 to 9); two traces of
# bindings are then compared.
#
#     tests/bench/truth.sh BUILD                 voicelab, and where apps.sh can use them Jupyter Notebook and Node-RED
#     tests/bench/truth.sh BUILD TRACE TRUTH     a trace that is there, and its truth
#
# A request is right when its place has a binding from one of the answers that the truth names. False
# is a binding that the truth does not know; each kind of them is printed on stderr.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need sqlite3
"$reprise" correlate --help >/dev/null 2>&1 || skip "this reprise has no correlate"

# yaml TRUTH: as a bindings file; "may" is a rule that is off, "~" the answer to the same endpoint.
yaml() {
    awk -F ' [|] ' '
        function out(used, i, j, n, list, born) {
            n = split(used ~ /^@/ ? groups[used] : used, list, ", ")
            for (i = 1; i <= n; i++) for (j = 0; j < 10; j++) {
                born = $5
                if (!sub(/[*]/, j, born) && j) break
                printf "- used: {endpoint: \"%s\", place: \047%s\047}\n", list[i], $2
                printf "  born: {%splace: \047%s\047}\n", $4 == "-" ? "" : "endpoint: \"" ($4 == "~" ? list[i] : $4) "\", ", born
                printf "  state: %s\n", $3 == "must" ? "on" : "off"
            }
        }
        /^#/ || /^$/ { next }
        pass == 1 && /^@[a-z]* = / {
            name = $0; sub(/ = .*/, "", name); sub(/^[^=]*= /, "")
            groups[name] = groups[name] (groups[name] == "" ? "" : ", ") $0
        }
        pass == 1 || / = / { next }
        $3 == "fine" { next }
        NF != 5 { print FILENAME ":" FNR ": five columns, please" > "/dev/stderr"; exit 1 }
        !begun++ { print "version: 1\nbindings:" }
        { out($1) }' pass=1 "$1" pass=2 "$1"
}

# fine TRUTH: the lines with patterns, as rows of a table.
fine() {
    echo 'CREATE TEMP TABLE fine (used_name, used_place, born_name, born_place);'
    awk -F ' [|] ' '$3 == "fine" {
        printf "INSERT INTO fine VALUES (\047%s\047, \047%s\047, \047%s\047, \047%s\047);\n", $1, $2, $4, $5 }' "$1"
}

record_voicelab() { # TRACE
    local voicelab=$build/tests/voicelab capture
    "$voicelab/voicelab" --port 0 >"$work/voicelab.out" 2>"$work/voicelab.err" &
    target_pid=$!
    started+=("$target_pid")
    wait_until file_has "$work/voicelab.out" 'listening on http'
    url=$(sed -n 's/.*listening on //p' "$work/voicelab.out")
    "$reprise" capture -i lo --port "${url##*:}" --out "$1" >"$work/capture.out" 2>"$work/capture.err" &
    capture=$!
    started+=("$capture")
    wait_until file_has "$work/capture.err" '^capturing on'
    "$here/../voicelab/drive.sh" "$url" "$voicelab" >&2 || fail "drive.sh: a user failed"
    kill -INT "$capture"
    wait "$capture" || fail "the capture ended with $?"
    kill "$target_pid"
}

# judge NAME TRACE TRUTH: a row of the table.
judge() {
    local found=$work/$1.found truth=$work/$1.truth
    cp "$2" "$found"
    sqlite3 "$found" 'DELETE FROM binding'
    cp "$found" "$truth"
    yaml "$3" >"$work/$1.yaml"
    "$reprise" bind "$truth" import "$work/$1.yaml" >"$work/import" 2>&1 || fail "$1: the truth cannot be imported"
    "$reprise" correlate "$found" >"$work/correlate" || fail "$1: correlate ended with $?"
    sqlite3 "$found" >"$work/$1.judged" <<SQL
ATTACH '$truth' AS truth;
$(fine "$3")
CREATE TEMP TABLE f AS SELECT binding_id, used_exchange_id AS used, used_place, born_place,
    CASE WHEN born_place GLOB 'new:*' OR born_place GLOB 'data:*' THEN 0 ELSE bx.endpoint_id END AS born_endpoint,
    ue.method || ' ' || ue.template AS used_name, be.method || ' ' || be.template AS born_name
    FROM main.binding JOIN main.exchange AS bx ON bx.exchange_id = born_exchange_id
    JOIN main.endpoint AS be ON be.endpoint_id = bx.endpoint_id
    JOIN main.exchange AS ux ON ux.exchange_id = used_exchange_id
    JOIN main.endpoint AS ue ON ue.endpoint_id = ux.endpoint_id WHERE state = 'on';
CREATE TEMP TABLE t AS SELECT used_exchange_id AS used, used_place, born_place, state,
    CASE WHEN born_place GLOB 'new:*' OR born_place GLOB 'data:*' THEN 0 ELSE endpoint_id END AS born_endpoint
    FROM truth.binding JOIN truth.exchange ON exchange_id = born_exchange_id;
CREATE INDEX temp.t_by_use ON t (used, used_place);
CREATE TEMP TABLE wanted AS SELECT DISTINCT used, used_place FROM t WHERE state = 'on';
ALTER TABLE f ADD COLUMN is_right INTEGER;
UPDATE f SET is_right = EXISTS (SELECT 1 FROM t WHERE t.used = f.used AND t.used_place = f.used_place
    AND t.born_place = f.born_place AND t.born_endpoint = f.born_endpoint)
    OR EXISTS (SELECT 1 FROM fine WHERE f.used_name GLOB fine.used_name AND f.used_place GLOB fine.used_place
    AND (fine.born_name = '-' OR f.born_name GLOB fine.born_name) AND f.born_place GLOB fine.born_place);
SELECT count(*), (SELECT count(*) FROM f), (SELECT count(*) FROM f WHERE NOT is_right),
    (SELECT count(*) FROM wanted WHERE EXISTS (SELECT 1 FROM f WHERE f.used = wanted.used
        AND f.used_place = wanted.used_place AND is_right)) FROM wanted;
.output $work/$1.false
SELECT printf('    false %5d  %s %s  <-  %s %s', count(*), used_name, used_place, born_name, born_place)
    FROM f WHERE NOT is_right GROUP BY used_name, used_place, born_name, born_place ORDER BY count(*) DESC LIMIT 40;
SELECT printf('    missed %4d  %s %s', count(*), endpoint.method || ' ' || template, used_place)
    FROM wanted JOIN main.exchange ON exchange_id = used JOIN main.endpoint USING (endpoint_id)
    WHERE NOT EXISTS (SELECT 1 FROM f WHERE f.used = wanted.used AND f.used_place = wanted.used_place AND is_right)
    GROUP BY endpoint_id, used_place ORDER BY count(*) DESC LIMIT 40;
SQL
    cat "$work/$1.false" >&2
    IFS='|' read -r wanted count false right <"$work/$1.judged"
    echo "| $1 | $(sqlite3 "$found" 'SELECT count(*) FROM session') | $(sqlite3 "$found" 'SELECT count(*) FROM exchange') |" \
        "$wanted | $count | $false | $(calc "$count ? 100 * ($count - $false) / $count : 0" '%.1f %%') |" \
        "$(calc "$wanted ? 100 * $right / $wanted : 0" '%.1f %%') |"
}

rows=()
if [ $# -ge 3 ]; then
    rows+=("$(judge "$(basename "$3" .txt | sed 's/^truth_//')" "$2" "$3")")
else
    record_voicelab "$work/voicelab.trace"
    rows+=("$(judge voicelab "$work/voicelab.trace" "$here/truth_voicelab.txt")")
    for app in jupyter node_red; do
        if APPS=$app APPS_RECORD=$work "$here/apps.sh" "$build"; then
            rows+=("$(judge "$app" "$work/$app.trace" "$here/truth_$app.txt")")
        fi
    done
fi
machine
echo "| trace | sessions | exchanges | places that need a value | bindings found | of them false | precision | recall |"
echo "|---|---|---|---|---|---|---|---|"
printf '%s\n' "${rows[@]}"
