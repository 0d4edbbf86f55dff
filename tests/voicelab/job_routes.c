/* job_routes.c - submitting jobs and batches of them, and asking how they are. */
#include <stdio.h>
#include <string.h>

#include "tests/voicelab/app.h"
#include "tests/voicelab/clock.h"
#include "tests/voicelab/handlers.h"
#include "tests/voicelab/jobs.h"
#include "tests/voicelab/metrics.h"
#include "tests/voicelab/options.h"
#include "tests/voicelab/request.h"
#include "tests/voicelab/store.h"
#include "tests/voicelab/words.h"

#define BATCH_MAX 50

/* When a client may sensibly ask again: finer than Retry-After can say. */
#define RETRY_AFTER_MS 200

/* One thing to do: the analysis of an upload, or of a text. */
struct task {
    const char *upload; /* either */
    const char *text;   /* or */
    uint64_t seed;
};

/* False after answering 404, 403 or 422. Strings are borrowed from the object. */
static bool read_task(struct request *rq, json_t *object, struct task *task)
{
    memset(task, 0, sizeof *task);
    if (json_object_get(object, "text")) {
        task->text = request_text(rq, object, "text", 2000);
        task->seed = task->text ? words_seed(task->text, strlen(task->text)) : 0;
        return task->text != NULL;
    }
    task->upload = request_text(rq, object, "upload_id", ID_CAP - 1);
    if (!task->upload)
        return false;
    json_t *row = store_row(rq->app->store, "SELECT account, sha256 FROM upload WHERE id = ?", "s",
                            task->upload);
    if (!row) {
        reply_error(rq, 404, "no_such_upload", "no upload has the id %s", task->upload);
        return false;
    }
    const char *sha256 = json_string_value(json_object_get(row, "sha256"));
    task->seed = words_seed(sha256, strlen(sha256));
    bool is_mine =
        strcmp(json_string_value(json_object_get(row, "account")), rq->identity.account) == 0;
    json_decref(row);
    if (!is_mine)
        reply_error(rq, 403, "not_yours", "this upload is somebody else's");
    return is_mine;
}

/* False after answering 503. */
static bool reserve(struct request *rq, size_t count)
{
    struct jobs *jobs = rq->app->jobs;

    if (jobs_reserve(jobs, count) == 0)
        return true;
    metrics_add(rq->app->metrics, COUNT_REJECTED_QUEUE, 1);
    reply_header(rq, "Retry-After", "%ju", (uintmax_t)jobs_retry_after_s(jobs));
    reply_header(rq, "X-Queue-Depth", "%zu", jobs_waiting(jobs));
    reply_error(rq, 503, "queue_full", "%zu jobs are waiting", jobs_waiting(jobs));
    return false;
}

static void queue(struct request *rq, const struct task *task, const char *batch,
                  char ret_id[ID_CAP])
{
    uint64_t now_us = clock_unix_us();

    secret_id(ret_id, "job_", 18);
    store_run(rq->app->store,
              "INSERT INTO job(id, account, batch, upload, text, status, queued_us)"
              " VALUES(?, ?, ?, ?, ?, 'queued', ?)",
              "sssssi", ret_id, rq->identity.account, batch, task->upload, task->text,
              (int64_t)now_us);
    jobs_queue(rq->app->jobs, ret_id, task->seed, now_us);
}

void jobs_submit(struct request *rq)
{
    json_t *object = request_json(rq);
    struct task task;
    char id[ID_CAP];

    if (!object)
        return;
    if (read_task(rq, object, &task) && reserve(rq, 1)) {
        queue(rq, &task, NULL, id);
        sessions_reach(rq->app->sessions, rq->identity.session, MILESTONE_JOB);
        reply_header(rq, "Location", "/jobs/%s", id);
        reply_header(rq, "Retry-After", "1");
        reply_header(rq, "X-Queue-Depth", "%zu", jobs_waiting(rq->app->jobs));
        reply_json(rq, 202,
                   json_pack("{s:s, s:s, s:i}", "id", id, "status", "queued", "retry_after_ms",
                             RETRY_AFTER_MS));
    }
    json_decref(object);
}

void jobs_list(struct request *rq)
{
    int limit = request_limit(rq);

    if (limit < 0)
        return;
    json_t *items = store_rows(rq->app->store,
                               "SELECT id, status, upload AS upload_id FROM job WHERE account = ?"
                               " ORDER BY queued_us DESC LIMIT ?",
                               "si", rq->identity.account, (int64_t)limit);
    reply_json(rq, 200, json_pack("{s:o}", "items", items));
}

static int64_t number(json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

/* What the owner may see of a job's row. */
static json_t *job_view(json_t *row)
{
    const char *status = json_string_value(json_object_get(row, "status"));
    json_t *view = json_pack("{s:O, s:s, s:O}", "id", json_object_get(row, "id"), "status", status,
                             "upload_id", json_object_get(row, "upload"));
    int64_t queued_us = number(row, "queued_us");
    int64_t started_us = number(row, "started_us"), ended_us = number(row, "ended_us");

    if (started_us)
        json_object_set_new(view, "wait_ms", json_integer((started_us - queued_us) / 1000));
    if (started_us && ended_us)
        json_object_set_new(view, "processing_ms", json_integer((ended_us - started_us) / 1000));
    if (strcmp(status, "done") == 0)
        json_object_set_new(view, "result",
                            json_pack("{s:O}", "transcript", json_object_get(row, "result")));
    else if (strcmp(status, "failed") == 0)
        json_object_set(view, "reason", json_object_get(row, "reason"));
    else
        json_object_set_new(view, "retry_after_ms", json_integer(RETRY_AFTER_MS));
    return view;
}

/* The row (the caller's) when it is the user's own; else NULL after answering 404 or 403. */
static json_t *own(struct request *rq, json_t *row, const char *kind)
{
    if (!row) {
        reply_error(rq, 404, "not_found", "no %s has this id", kind);
        return NULL;
    }
    if (strcmp(json_string_value(json_object_get(row, "account")), rq->identity.account) != 0) {
        json_decref(row);
        reply_error(rq, 403, "not_yours", "this %s is somebody else's", kind);
        return NULL;
    }
    return row;
}

void jobs_get(struct request *rq)
{
    json_t *row =
        own(rq,
            store_row(rq->app->store,
                      "SELECT id, account, upload, status, result, reason, queued_us, started_us,"
                      " ended_us FROM job WHERE id = ?",
                      "s", rq->param),
            "job");

    if (!row)
        return;
    const char *status = json_string_value(json_object_get(row, "status"));
    if (strcmp(status, "queued") == 0 || strcmp(status, "running") == 0)
        reply_header(rq, "Retry-After", "1");
    else if (strcmp(status, "done") == 0)
        sessions_reach(rq->app->sessions, rq->identity.session, MILESTONE_JOB_RESULT);
    reply_header(rq, "X-Queue-Depth", "%zu", jobs_waiting(rq->app->jobs));
    reply_header(rq, "Cache-Control", "no-store");
    reply_json(rq, 200, job_view(row));
    json_decref(row);
}

/* Reads every item before any is queued: a batch is taken whole or not at all. */
static size_t read_items(struct request *rq, json_t *object, struct task tasks[BATCH_MAX])
{
    json_t *items = json_object_get(object, "items");
    size_t count = json_array_size(items);

    if (count < 1 || count > BATCH_MAX) {
        reply_error(rq, 422, "bad_field", "items must be an array of 1 to %d", BATCH_MAX);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        if (!read_task(rq, json_array_get(items, i), &tasks[i]))
            return 0;
    return count;
}

void batches_submit(struct request *rq)
{
    json_t *object = request_json(rq);
    struct task tasks[BATCH_MAX];
    char batch[ID_CAP], id[ID_CAP];

    if (!object)
        return;
    size_t count = read_items(rq, object, tasks);
    if (count > 0 && reserve(rq, count)) {
        json_t *ids = json_array();
        secret_id(batch, "batch_", 14);
        store_run(rq->app->store, "INSERT INTO batch(id, account, created_us) VALUES(?, ?, ?)",
                  "ssi", batch, rq->identity.account, (int64_t)rq->arrived_us);
        for (size_t i = 0; i < count; i++) {
            queue(rq, &tasks[i], batch, id);
            json_array_append_new(ids, json_string(id));
        }
        sessions_reach(rq->app->sessions, rq->identity.session, MILESTONE_JOB);
        reply_header(rq, "Location", "/v1/batches/%s", batch);
        reply_header(rq, "Retry-After", "1");
        reply_json(rq, 202,
                   json_pack("{s:s, s:s, s:o}", "id", batch, "status", "running", "jobs", ids));
    }
    json_decref(object);
}

void batches_get(struct request *rq)
{
    json_t *row = own(
        rq, store_row(rq->app->store, "SELECT id, account FROM batch WHERE id = ?", "s", rq->param),
        "batch");
    size_t done = 0, failed = 0, i;
    json_t *job;

    if (!row)
        return;
    json_decref(row);
    json_t *jobs = store_rows(rq->app->store, "SELECT id, status, result FROM job WHERE batch = ?",
                              "s", rq->param);
    json_array_foreach(jobs, i, job)
    {
        const char *status = json_string_value(json_object_get(job, "status"));
        done += strcmp(status, "done") == 0;
        failed += strcmp(status, "failed") == 0;
    }
    bool has_ended = done + failed == json_array_size(jobs);
    if (has_ended)
        sessions_reach(rq->app->sessions, rq->identity.session, MILESTONE_BATCH_RESULT);
    else
        reply_header(rq, "Retry-After", "1");
    reply_json(rq, 200,
               json_pack("{s:s, s:s, s:I, s:I, s:o}", "id", rq->param, "status",
                         !has_ended ? "running"
                         : failed   ? "failed"
                                    : "done",
                         "done", (json_int_t)done, "failed", (json_int_t)failed, "jobs", jobs));
}
