#!/usr/bin/env bash
# ai_queue.sh - voicelab's twelve users, captured and correlated, played as a hundred and twenty five
# times as fast against two workers and a queue of twenty: with ai_queue every job of every user is
# asked for until it has ended, and each is in the plugin's log as it is in voicelab's own.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3
start_voicelab --job-workers 2 --job-queue 20
capture shop "$port"
expect_exit 0 "$root/tests/voicelab/drive.sh" "$url" "$voicelab"
stop_capture shop
ended voicelab TERM
expect_exit 0 "$reprise" correlate shop.trace

rm -f voicelab.out # the last one's address
start_voicelab --job-workers 2 --job-queue 20 --job-log jobs.log
expect_exit 0 "$reprise" replay shop.trace --target "$url" --scale 10 --speed 5 --run queue.run -v \
    --plugin "ai_queue:log=seen.log" --threshold 'ai_job_duration: p(95)<5m' \
    --threshold 'ai_jobs_timed_out: count==0' --threshold 'ai_jobs_lost: count==0'
expect_line err 'ai_queue: [0-9]+ jobs: POST /jobs gives the id at /id, GET /jobs/\{id\} has the state at /status'
expect_line err 'ai_queue: [0-9]+ jobs: POST /v1/batches gives the id at /id, GET /v1/batches/\{id\}'

# Batches have no line in voicelab's log, and single jobs of theirs none in the plugin's.
jobs=$(grep -c '^job_' seen.log)
equal "jobs and batches" "$(wc -l <seen.log)" "$(curl --silent "$url/metrics" |
    awk '/^voicelab_http_requests_total.*route="\/(jobs|v1\/batches)".*status="202"/ { n += $2 } END { print n + 0 }')"
holds "ten of each recorded job" "$jobs >= 10 * $(sql shop.trace \
    "SELECT count(*) FROM exchange WHERE method = 'POST' AND target = '/jobs'") && $jobs > 0"
equal "jobs that were not seen to end" "$(awk '$2 != "done" && $2 != "failed"' seen.log | wc -l)" 0
sort jobs.log >a.log
grep '^job_' seen.log | sort >b.log
equal "jobs that voicelab's log has, too" "$(join a.log b.log | wc -l)" "$jobs"
equal "jobs that ended otherwise" "$(join a.log b.log | awk '$2 != $6' | wc -l)" 0
equal "jobs seen to end before they had" "$(join a.log b.log | awk '$7 + $8 < $5' | wc -l)" 0
finish
