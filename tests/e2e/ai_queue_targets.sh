#!/usr/bin/env bash
# ai_queue_targets.sh - jobs that misbehave, one user each: who gets the result, who fails, by what name,
# and that the run goes on. Nothing is bound: the plugin puts the ids in by itself.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3
start_server jobs "$build/tests/job_server"

# Recorded: two polls, 100 ms apart, and the result.
for kind in plain quick missing moved full failed never html; do
    cat <<SESSION
session $kind
0 10 POST /$kind 202
answer {"id":"r-7","status":"queued"}
110 120 GET /$kind/r-7 200
answer {"status":"queued"}
220 230 GET /$kind/r-7 200
answer {"status":"done"}
240 250 GET /$kind/r-7/result 200
SESSION
done >script
cat >>script <<SESSION
session events
0 10 POST /events 202
answer {"id":"r-8"}
20 300 GET /events/r-8/stream 200
answer-header Content-Type: text/event-stream
event message {"status":"running"}
event done {}
310 320 GET /events/r-8/result 200
session live
0 10 WS /live
< 300 {"event":"job.completed","id":"r-9"}
< 310 {"event":"job.completed","id":"r-10"}
> 400 close 1000
20 30 POST /live 202
answer {"id":"r-9"}
40 50 POST /live 202
answer {"id":"r-10"}
320 330 GET /live/r-10/result 200
340 350 GET /live/r-9/result 200
session told
0 400 GET /told 200
answer-header Content-Type: text/event-stream
event job.completed {"job":{"id":"r-11"}}
event job.completed {"job":{"id":"r-12"}}
20 30 POST /told 202
answer {"id":"r-11"}
40 50 POST /told 202
answer {"id":"r-12"}
320 330 GET /told/r-12/result 200
410 420 GET /told/r-11/result 200
session streamed
0 300 POST /streamed 200
answer-header Content-Type: text/event-stream
event message {"id":"r-13","status":"queued"}
event message {"status":"running"}
event done {}
310 320 GET /streamed/r-13/result 200
session listed
0 10 POST /listed 202
answer {"id":"r-14"}
20 30 POST /listed 202
answer {"id":"r-15"}
130 140 GET /listed 200
answer {"jobs":[{"id":"r-15","status":"queued"},{"id":"r-14","status":"running"}]}
240 250 GET /listed 200
answer {"jobs":[{"id":"r-15","status":"done"},{"id":"r-14","status":"done"}]}
260 270 GET /listed/r-14/result 200
280 290 GET /listed/r-15/result 200
SESSION
make_trace jobs.trace <script

count() { grep -acxF -- "$1" jobs.out; }
play() { "$reprise" replay jobs.trace --target "$url" --speed 20 --run "$1" --plugin "ai_queue:deadline=2s$2" -v >out 2>err; }
play jobs.run ""
for kind in plain quick missing moved full failed events streamed; do
    equal "results of $kind" "$(count "GET /$kind/ID/result 200")" 1
done
equal "results that a WebSocket has told of" "$(count "GET /live/ID/result 200")" 2
equal "results that a stream of many has told of" "$(count "GET /told/ID/result 200")" 2
equal "results of jobs in a list" "$(count "GET /listed/ID/result 200")" 2
equal "lists" "$(count "GET /listed 200")" 4
equal "asked too early, or for no job" "$(grep -acE ' (409|404)$' jobs.out)" 1 # missing
equal "polls of plain" "$(count "GET /plain/ID 200")" 4
equal "polls of quick" "$(count "GET /quick/ID 200")" 1
equal "polls of missing" "$(count "GET /missing/ID 200")" 3
equal "submits to a full queue" "$(count "POST /full 503")-$(count "POST /full 202")" 2-1
equal "polls of html" "$(count "GET /html/ID 200")" 4
failed() { sql "$1" "SELECT sessions FROM session_result WHERE result = 'failed'"; }
equal "sessions that failed" "$(failed jobs.run)" 2
sql jobs.run 'SELECT detail FROM failure_sample' >reasons
expect_line reasons 'POST /never: it has not ended by its deadline \(last state: running, 2\.[0-9] s, [0-9]+ polls\)'
expect_line reasons 'POST /html: 4 polls in a row brought nothing: status 200 with text/html and no state at /status'
expect_line out 'ai_jobs_failed\.*: 1 '
expect_line out 'ai_jobs_timed_out\.*: 1 '
expect_line out 'ai_jobs_lost\.*: 1 '
expect_line out 'ai_jobs_moved\.*: 1 '
expect_line out 'ai_jobs_rejected\.*: 2 '

: >jobs.out
play second.run ",on-timeout=go-on"
equal "sessions that failed while jobs are given up" "$(failed second.run)" 0
finish
