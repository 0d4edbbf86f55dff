/* admin.c - what operators look at: health, metrics, and a dashboard with its own token. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "tests/voicelab/app.h"
#include "tests/voicelab/handlers.h"
#include "tests/voicelab/jobs.h"
#include "tests/voicelab/metrics.h"
#include "tests/voicelab/misbehave.h"
#include "tests/voicelab/options.h"
#include "tests/voicelab/request.h"
#include "tests/voicelab/store.h"

void health_get(struct request *rq)
{
    reply_json(rq, 200, json_pack("{s:s}", "status", "ok"));
}

void admin_login(struct request *rq)
{
    json_t *object = request_json(rq);
    const char *wanted = rq->app->options->admin_password;
    char token[ID_CAP];

    if (!object)
        return;
    const char *given = request_text(rq, object, "password", 200);
    if (given && strlen(given) == strlen(wanted) &&
        CRYPTO_memcmp(given, wanted, strlen(wanted)) == 0) {
        tokens_make_admin(rq->app->tokens, token);
        reply_header(rq, "Set-Cookie", "vl_admin=%s; Path=/admin; HttpOnly; SameSite=Strict",
                     token);
        reply_header(rq, "Cache-Control", "no-store");
        reply_json(rq, 200,
                   json_pack("{s:s, s:I}", "admin_token", token, "expires_in",
                             (json_int_t)(rq->app->options->admin_ttl_us / 1000000u)));
    } else {
        reply_error(rq, 401, "bad_credentials", "the password is wrong");
    }
    json_decref(object);
}

static json_t *stats(const struct app *app)
{
    json_t *row = store_row(app->store,
                            "SELECT (SELECT count(*) FROM account) AS accounts,"
                            " (SELECT count(*) FROM upload) AS uploads,"
                            " (SELECT count(*) FROM conversation) AS conversations,"
                            " (SELECT count(*) FROM turn) AS turns,"
                            " (SELECT count(*) FROM feedback) AS feedback,"
                            " (SELECT count(*) FROM job) AS jobs",
                            "");

    json_object_set_new(row, "jobs_waiting", json_integer((json_int_t)jobs_waiting(app->jobs)));
    json_object_set_new(row, "jobs_running", json_integer((json_int_t)jobs_running(app->jobs)));
    json_object_set_new(row, "jobs_done",
                        json_integer((json_int_t)metrics_get(app->metrics, COUNT_JOBS_DONE)));
    json_object_set_new(row, "logins",
                        json_integer((json_int_t)metrics_get(app->metrics, COUNT_LOGINS)));
    json_object_set_new(row, "transcripts",
                        json_integer((json_int_t)metrics_get(app->metrics, COUNT_WS_FINISHED)));
    return row;
}

void admin_stats(struct request *rq)
{
    sessions_reach(rq->app->sessions, rq->identity.session, MILESTONE_ADMIN);
    reply_header(rq, "Cache-Control", "no-store");
    reply_json(rq, 200, stats(rq->app));
}

void admin_dashboard(struct request *rq)
{
    json_t *row = stats(rq->app), *value;
    char *page = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&page, &len);
    const char *name;

    fputs(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>voicelab</title>\n"
        "<meta http-equiv=\"refresh\" content=\"5\"></head>\n<body><h1>voicelab</h1>\n<table>\n",
        out);
    json_object_foreach(row, name, value)
    {
        fprintf(out, "<tr><th>%s</th><td>%lld</td></tr>\n", name, json_integer_value(value));
    }
    fputs("</table>\n<p><a href=\"/admin/stats\">as JSON</a></p></body></html>\n", out);
    fclose(out);
    json_decref(row);
    sessions_reach(rq->app->sessions, rq->identity.session, MILESTONE_ADMIN);
    reply_text(rq, 200, "text/html; charset=utf-8", page, len);
}

void metrics_page(struct request *rq)
{
    const struct app *app = rq->app;
    char *page = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&page, &len);

    metrics_print(app->metrics, out);
    fprintf(out,
            "# TYPE voicelab_jobs gauge\nvoicelab_jobs{state=\"queued\"} %zu\n"
            "voicelab_jobs{state=\"running\"} %zu\n",
            jobs_waiting(app->jobs), jobs_running(app->jobs));
    fprintf(out, "# TYPE voicelab_leaked_bytes gauge\nvoicelab_leaked_bytes %ju\n",
            (uintmax_t)misbehave_leaked_bytes(app->misbehaviour));
    sessions_print(app->sessions, out);
    fclose(out);
    reply_text(rq, 200, "text/plain; version=0.0.4; charset=utf-8", page, len);
}

void metrics_sessions(struct request *rq)
{
    reply_json(rq, 200, sessions_json(rq->app->sessions));
}
