/* run_schema.c - the tables and views of a run file; RUN_FORMAT.md explains them to people. */
#include "replay/results/run_sql.h"

/* Comments are part of what SQLite keeps: `.schema` in the sqlite3 shell shows them. */
#define COUNTERS                                                                                   \
    "  requests INTEGER NOT NULL,\n"                                                               \
    "  failed INTEGER NOT NULL,         -- no answer, or an error status not recorded\n"           \
    "  diverged INTEGER NOT NULL,       -- answered with another status than recorded\n"           \
    "  sent_bytes INTEGER NOT NULL,\n"                                                             \
    "  received_bytes INTEGER NOT NULL,\n"                                                         \
    "  recorded INTEGER NOT NULL,       -- requests by origin: from the trace,\n"                  \
    "  added INTEGER NOT NULL,          -- made by a plugin,\n"                                    \
    "  retried INTEGER NOT NULL,        -- sent again by a plugin,\n"                              \
    "  expected INTEGER NOT NULL,       -- answers that a plugin expected, whatever the status\n"  \
    "  withdrawn INTEGER NOT NULL,      -- attempts that a plugin made again: no results\n"        \
    "  no_answer INTEGER NOT NULL,\n"                                                              \
    "  status_1xx INTEGER NOT NULL,\n"                                                             \
    "  status_2xx INTEGER NOT NULL,\n"                                                             \
    "  status_3xx INTEGER NOT NULL,\n"                                                             \
    "  status_4xx INTEGER NOT NULL,\n"                                                             \
    "  status_5xx INTEGER NOT NULL,\n"                                                             \
    "  service_p50_us INTEGER NOT NULL,\n"                                                         \
    "  service_p95_us INTEGER NOT NULL,\n"                                                         \
    "  service_p99_us INTEGER NOT NULL,\n"                                                         \
    "  response_p95_us INTEGER NOT NULL,\n"                                                        \
    "  response_p99_us INTEGER NOT NULL,\n"                                                        \
    "  lateness_p99_us INTEGER NOT NULL,\n"                                                        \
    "  response BLOB NOT NULL,          -- histogram: due to last byte\n"                          \
    "  service BLOB NOT NULL,           -- histogram: sent to last byte\n"                         \
    "  lateness BLOB NOT NULL"

#define WS_COUNTERS                                                                                \
    "  connected INTEGER NOT NULL,\n"                                                              \
    "  connect_failed INTEGER NOT NULL,\n"                                                         \
    "  messages_sent INTEGER NOT NULL,\n"                                                          \
    "  messages_received INTEGER NOT NULL,\n"                                                      \
    "  answers INTEGER NOT NULL,        -- received after one was sent: have an answer_wait\n"     \
    "  messages_timed INTEGER NOT NULL, -- sent, with their lateness measured\n"                   \
    "  missing INTEGER NOT NULL,        -- recorded, and did not come in time\n"                   \
    "  extra INTEGER NOT NULL,          -- came, and were not recorded\n"                          \
    "  closed INTEGER NOT NULL,\n"                                                                 \
    "  sent_bytes INTEGER NOT NULL,\n"                                                             \
    "  received_bytes INTEGER NOT NULL,\n"                                                         \
    "  answer_wait_p95_us INTEGER NOT NULL,\n"                                                     \
    "  answer_wait BLOB NOT NULL"

#define TABLES                                                                                     \
    "CREATE TABLE run (\n"                                                                         \
    "  run_id INTEGER PRIMARY KEY CHECK (run_id = 1),\n"                                           \
    "  state TEXT NOT NULL,             -- running, done, stopped, failed\n"                       \
    "  started_unix_us INTEGER NOT NULL,\n"                                                        \
    "  duration_us INTEGER NOT NULL,\n"                                                            \
    "  trace_path TEXT NOT NULL,\n"                                                                \
    "  trace_digest TEXT NOT NULL,\n"                                                              \
    "  target TEXT NOT NULL,\n"                                                                    \
    "  plan_digest TEXT NOT NULL,\n"                                                               \
    "  seed INTEGER NOT NULL,\n"                                                                   \
    "  planned_sessions INTEGER NOT NULL, -- 0: as many as fit into the time\n"                    \
    "  command TEXT NOT NULL,\n"                                                                   \
    "  tool_version TEXT NOT NULL,\n"                                                              \
    "  workers INTEGER NOT NULL,\n"                                                                \
    "  cpu_count INTEGER NOT NULL,\n"                                                              \
    "  exit_code INTEGER,\n"                                                                       \
    "  verdict TEXT NOT NULL,           -- whether to believe the figures\n"                       \
    "  verdict_kind TEXT NOT NULL,      -- target-bound, generator-bound, ...\n"                   \
    "  pacing TEXT NOT NULL,            -- think, open, max\n"                                     \
    "  max_files INTEGER NOT NULL,      -- descriptors this process may have\n"                    \
    "  max_ports INTEGER NOT NULL       -- source ports to one address of the target\n"            \
    ");\n"                                                                                         \
    "CREATE TABLE endpoint (endpoint_id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"               \
    "CREATE TABLE second (\n"                                                                      \
    "  second INTEGER NOT NULL,\n"                                                                 \
    "  endpoint_id INTEGER NOT NULL,\n" COUNTERS ",\n"                                             \
    "  PRIMARY KEY (second, endpoint_id)\n"                                                        \
    ");\n"                                                                                         \
    "CREATE TABLE total (\n"                                                                       \
    "  endpoint_id INTEGER PRIMARY KEY,\n" COUNTERS ",\n"                                          \
    "  connecting BLOB NOT NULL,        -- dns, connect and tls; where one was made\n"             \
    "  tls BLOB NOT NULL,\n"                                                                       \
    "  sending BLOB NOT NULL,\n"                                                                   \
    "  waiting BLOB NOT NULL,\n"                                                                   \
    "  receiving BLOB NOT NULL\n"                                                                  \
    ");\n"                                                                                         \
    "CREATE TABLE ws_second (\n"                                                                   \
    "  second INTEGER PRIMARY KEY,\n" WS_COUNTERS "\n"                                             \
    ");\n"                                                                                         \
    "CREATE TABLE ws_total (\n"                                                                    \
    "  run_id INTEGER PRIMARY KEY,\n" WS_COUNTERS ",\n"                                            \
    "  connecting BLOB NOT NULL,\n"                                                                \
    "  lateness BLOB NOT NULL,\n"                                                                  \
    "  session_duration BLOB NOT NULL\n"                                                           \
    ");\n"                                                                                         \
    "CREATE TABLE session_total (\n"                                                               \
    "  run_id INTEGER PRIMARY KEY,\n"                                                              \
    "  started INTEGER NOT NULL,\n"                                                                \
    "  steps_not_sent INTEGER NOT NULL, -- requests and messages planned and never sent\n"         \
    "  duration_p50_us INTEGER NOT NULL,\n"                                                        \
    "  duration_p95_us INTEGER NOT NULL,\n"                                                        \
    "  duration BLOB NOT NULL,          -- of sessions that were not cut short\n"                  \
    "  missing_recorded INTEGER NOT NULL, -- requests without a value: sent as recorded,\n"        \
    "  missing_skip INTEGER NOT NULL,   -- not sent,\n"                                            \
    "  missing_end INTEGER NOT NULL,    -- not sent, and their session failed\n"                   \
    "  steps_settled INTEGER NOT NULL   -- answered by plugins without being sent\n"               \
    ");\n"                                                                                         \
    "CREATE TABLE session_result (result TEXT PRIMARY KEY, sessions INTEGER NOT NULL);\n"

#define MORE_TABLES                                                                                \
    "CREATE TABLE generator_second (\n"                                                            \
    "  second INTEGER PRIMARY KEY,\n"                                                              \
    "  length_us INTEGER NOT NULL,\n"                                                              \
    "  users_active INTEGER NOT NULL,\n"                                                           \
    "  requests_in_flight INTEGER NOT NULL,\n"                                                     \
    "  connections_open INTEGER NOT NULL,\n"                                                       \
    "  sessions_started INTEGER NOT NULL,\n"                                                       \
    "  sessions_ended INTEGER NOT NULL,\n"                                                         \
    "  steps_not_sent INTEGER NOT NULL,\n"                                                         \
    "  cpu_us INTEGER NOT NULL,         -- of the whole process\n"                                 \
    "  worker_cpu_us INTEGER NOT NULL,  -- of all workers\n"                                       \
    "  busiest_worker_cpu_us INTEGER NOT NULL,\n"                                                  \
    "  max_loop_lag_us INTEGER NOT NULL,\n"                                                        \
    "  rss_bytes INTEGER NOT NULL,\n"                                                              \
    "  open_files INTEGER NOT NULL,\n"                                                             \
    "  busiest_worker_busy_us INTEGER NOT NULL, -- cpu without spinning, and waiting for cpu\n"    \
    "  loop_lag_p99_us INTEGER NOT NULL,\n"                                                        \
    "  queued INTEGER NOT NULL,         -- due and over --max-in-flight, the most at once\n"       \
    "  waiting INTEGER NOT NULL,        -- for a connection of their user, the most at once\n"     \
    "  ports_in_use INTEGER NOT NULL,   -- at most: open, or in TIME_WAIT\n"                       \
    "  connects_made INTEGER NOT NULL,\n"                                                          \
    "  connects_failed INTEGER NOT NULL,\n"                                                        \
    "  segments_sent INTEGER NOT NULL,  -- of the connections looked at\n"                         \
    "  segments_resent INTEGER NOT NULL,\n"                                                        \
    "  rtt_p50_us INTEGER NOT NULL,\n"                                                             \
    "  answers INTEGER NOT NULL,\n"                                                                \
    "  service_p50_us INTEGER NOT NULL, -- of all endpoints\n"                                     \
    "  lateness_p50_us INTEGER NOT NULL,\n"                                                        \
    "  lateness_p99_us INTEGER NOT NULL,\n"                                                        \
    "  lateness BLOB NOT NULL,          -- histogram: of requests and WebSocket messages\n"        \
    "  max_silence_us INTEGER NOT NULL  -- no answer came though requests waited\n"                \
    ");\n"                                                                                         \
    "CREATE TABLE worker_second (\n"                                                               \
    "  second INTEGER NOT NULL,\n"                                                                 \
    "  worker INTEGER NOT NULL,         -- from 0\n"                                               \
    "  cpu_us INTEGER NOT NULL,\n"                                                                 \
    "  spin_us INTEGER NOT NULL,        -- of it, awake only to be exact\n"                        \
    "  cpu_wait_us INTEGER NOT NULL,    -- had work, and another thread had the processor\n"       \
    "  max_loop_lag_us INTEGER NOT NULL,\n"                                                        \
    "  PRIMARY KEY (second, worker)\n"                                                             \
    ");\n"                                                                                         \
    "CREATE TABLE worker_total (\n"                                                                \
    "  worker INTEGER PRIMARY KEY,\n"                                                              \
    "  cpu_us INTEGER NOT NULL,\n"                                                                 \
    "  spin_us INTEGER NOT NULL,\n"                                                                \
    "  cpu_wait_us INTEGER NOT NULL,\n"                                                            \
    "  max_loop_lag_us INTEGER NOT NULL\n"                                                         \
    ");\n"                                                                                         \
    "CREATE TABLE generator_total (\n"                                                             \
    "  run_id INTEGER PRIMARY KEY,\n"                                                              \
    "  connects_started INTEGER NOT NULL,\n"                                                       \
    "  connects_made INTEGER NOT NULL,\n"                                                          \
    "  connects_failed INTEGER NOT NULL,\n"                                                        \
    "  no_ports INTEGER NOT NULL,\n"                                                               \
    "  no_files INTEGER NOT NULL,\n"                                                               \
    "  segments_sent INTEGER NOT NULL,\n"                                                          \
    "  segments_resent INTEGER NOT NULL,\n"                                                        \
    "  under_way_us INTEGER NOT NULL,   -- all requests, from started to ended\n"                  \
    "  loop_lag BLOB NOT NULL,          -- histogram: of every pass of every worker's loop\n"      \
    "  rtt BLOB NOT NULL,               -- histogram: as TCP smooths it, of some connections\n"    \
    "  min_rtt BLOB NOT NULL,           -- histogram: the least of each\n"                         \
    "  kernel_service BLOB NOT NULL,    -- histogram: with --timestamps kernel\n"                  \
    "  kernel_gap BLOB NOT NULL         -- histogram: how much longer we say it took\n"            \
    ");\n"                                                                                         \
    "CREATE TABLE failure (\n"                                                                     \
    "  protocol TEXT NOT NULL,          -- http, websocket\n"                                      \
    "  class TEXT NOT NULL,             -- connect_refused, timeout, ...; status\n"                \
    "  endpoint_id INTEGER,             -- NULL for websocket\n"                                   \
    "  failures INTEGER NOT NULL\n"                                                                \
    ");\n"                                                                                         \
    "CREATE INDEX failure_by_endpoint ON failure (protocol, endpoint_id);\n"                       \
    "CREATE TABLE failure_sample (\n"                                                              \
    "  due_us INTEGER NOT NULL,         -- since the start of the run\n"                           \
    "  endpoint_id INTEGER,             -- NULL: a whole session\n"                                \
    "  status INTEGER NOT NULL,         -- 0: no answer\n"                                         \
    "  recorded_status INTEGER NOT NULL, -- 0: none; 101: a WebSocket\n"                           \
    "  class TEXT NOT NULL,             -- none: answered with another status\n"                   \
    "  detail TEXT NOT NULL\n"                                                                     \
    ");\n"                                                                                         \
    "CREATE TABLE failure_reason (\n"                                                              \
    "  scope TEXT NOT NULL,             -- session, http, websocket\n"                             \
    "  reason INTEGER NOT NULL,         -- of the text without numbers and ids\n"                  \
    "  first_us INTEGER NOT NULL,       -- since the start of the run\n"                           \
    "  endpoint_id INTEGER,             -- of the earliest; NULL: a whole session\n"               \
    "  detail TEXT NOT NULL,            -- one of them as it was said\n"                           \
    "  failures INTEGER NOT NULL,\n"                                                               \
    "  PRIMARY KEY (scope, reason)\n"                                                              \
    ");\n"                                                                                         \
    "CREATE TABLE divergence (\n"                                                                  \
    "  status INTEGER NOT NULL,\n"                                                                 \
    "  recorded_status INTEGER NOT NULL, -- 0: none, a plugin's request\n"                         \
    "  answers INTEGER NOT NULL,\n"                                                                \
    "  PRIMARY KEY (status, recorded_status)\n"                                                    \
    ");\n"                                                                                         \
    "CREATE TABLE check_total (\n"                                                                 \
    "  run_id INTEGER PRIMARY KEY,\n"                                                              \
    "  passed INTEGER NOT NULL,         -- answers drawn by --check that were as recorded\n"       \
    "  failed INTEGER NOT NULL,\n"                                                                 \
    "  dropped INTEGER NOT NULL         -- not compared\n"                                         \
    ");\n"                                                                                         \
    "CREATE TABLE check_difference (\n"                                                            \
    "  endpoint_id INTEGER NOT NULL,\n"                                                            \
    "  kind TEXT NOT NULL,              -- status, failure, missing, extra, type, value\n"         \
    "  place TEXT NOT NULL,             -- body:/id; status: '403, recorded 201'\n"                \
    "  answers INTEGER NOT NULL\n"                                                                 \
    ");\n"                                                                                         \
    "CREATE INDEX failure_sample_by_kind ON failure_sample (class, status, recorded_status);\n"    \
    "CREATE TABLE plugin_metric (\n"                                                               \
    "  metric_id INTEGER PRIMARY KEY,\n"                                                           \
    "  plugin TEXT NOT NULL,\n"                                                                    \
    "  name TEXT NOT NULL,\n"                                                                      \
    "  unit TEXT NOT NULL,\n"                                                                      \
    "  kind TEXT NOT NULL,              -- counter, histogram\n"                                   \
    "  sum INTEGER NOT NULL,            -- of a counter\n"                                         \
    "  histogram BLOB NOT NULL\n"                                                                  \
    ");\n"                                                                                         \
    "CREATE TABLE plugin_call (\n"                                                                 \
    "  plugin TEXT NOT NULL,\n"                                                                    \
    "  callback TEXT NOT NULL,\n"                                                                  \
    "  calls INTEGER NOT NULL,\n"                                                                  \
    "  ns INTEGER NOT NULL,             -- spent in all of them\n"                                 \
    "  PRIMARY KEY (plugin, callback)\n"                                                           \
    ");\n"                                                                                         \
    "CREATE TABLE threshold (\n"                                                                   \
    "  expression TEXT NOT NULL,        -- as given\n"                                             \
    "  metric TEXT NOT NULL,\n"                                                                    \
    "  condition TEXT NOT NULL,\n"                                                                 \
    "  value REAL NOT NULL,             -- measured; milliseconds, a rate, a count\n"              \
    "  has_samples INTEGER NOT NULL,\n"                                                            \
    "  passed INTEGER NOT NULL          -- 0 without samples\n"                                    \
    ");\n"

#define VIEWS                                                                                      \
    "CREATE VIEW summary AS\n"                                                                     \
    "  SELECT name AS endpoint, requests,\n"                                                       \
    "    round(requests * 1e6 / max(duration_us, 1), 2) AS requests_per_sec,\n"                    \
    "    failed, diverged,\n"                                                                      \
    "    service_p50_us / 1e3 AS service_p50_ms, service_p95_us / 1e3 AS service_p95_ms,\n"        \
    "    service_p99_us / 1e3 AS service_p99_ms, response_p95_us / 1e3 AS response_p95_ms,\n"      \
    "    lateness_p99_us / 1e3 AS lateness_p99_ms\n"                                               \
    "  FROM total JOIN endpoint USING (endpoint_id), run ORDER BY requests DESC;\n"                \
    "CREATE VIEW seconds AS\n"                                                                     \
    "  SELECT g.second, g.users_active AS users,\n"                                                \
    "    coalesce(sum(s.requests), 0) AS requests, coalesce(sum(s.failed), 0) AS failed,\n"        \
    "    coalesce(sum(s.diverged), 0) AS diverged,\n"                                              \
    "    coalesce(sum(s.received_bytes), 0) AS received_bytes,\n"                                  \
    "    coalesce(max(s.service_p95_us), 0) / 1e3 AS slowest_endpoint_p95_ms,\n"                   \
    "    coalesce(max(s.lateness_p99_us), 0) / 1e3 AS lateness_p99_ms,\n"                          \
    "    round(100.0 * g.cpu_us / max(g.length_us, 1), 1) AS cpu_percent\n"                        \
    "  FROM generator_second AS g LEFT JOIN second AS s USING (second) GROUP BY g.second;\n"       \
    "CREATE VIEW failures AS\n"                                                                    \
    "  SELECT protocol, class, name AS endpoint, failures\n"                                       \
    "  FROM failure LEFT JOIN endpoint USING (endpoint_id) ORDER BY failures DESC;\n"

const char run_schema_sql[] = TABLES MORE_TABLES VIEWS;
