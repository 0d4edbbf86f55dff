/* feedback.c - an HTML form as browsers meet them: a cookie, a hidden csrf input, a redirect.
 *
 * A csrf value belongs to one visitor and is good for one POST. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/voicelab/app.h"
#include "tests/voicelab/handlers.h"
#include "tests/voicelab/html.h"
#include "tests/voicelab/metrics.h"
#include "tests/voicelab/request.h"
#include "tests/voicelab/store.h"

static const char *const html_type = "text/html; charset=utf-8";

static void identify(struct request *rq, const char *visitor)
{
    snprintf(rq->identity.session, sizeof rq->identity.session, "cookie:%.32s", visitor);
}

static void send_form(struct request *rq, const char *csrf)
{
    char *page = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&page, &len);

    fprintf(out,
            "<!doctype html>\n<html lang=\"en\"><head><meta "
            "charset=\"utf-8\"><title>Feedback</title></head>\n"
            "<body><h1>Tell us</h1>\n<form method=\"post\" action=\"/feedback\">\n"
            "<input type=\"hidden\" name=\"csrf\" value=\"%s\">\n"
            "<label>Subject <input name=\"subject\" maxlength=\"100\"></label>\n"
            "<label>Message <textarea name=\"message\"></textarea></label>\n"
            "<button>Send</button>\n</form></body></html>\n",
            csrf);
    fclose(out);
    reply_text(rq, 200, html_type, page, len);
}

void feedback_form(struct request *rq)
{
    const char *known = request_cookie(rq, "vl_session");
    char visitor[ID_CAP], csrf[ID_CAP];

    secret_id(csrf, "", 32);
    if (known && store_run(rq->app->store, "UPDATE visitor SET csrf = ? WHERE id = ?", "ss", csrf,
                           known) == 1) {
        identify(rq, known);
    } else {
        secret_id(visitor, "", 28);
        store_run(rq->app->store, "INSERT INTO visitor(id, csrf, created_us) VALUES(?, ?, ?)",
                  "ssi", visitor, csrf, (int64_t)rq->arrived_us);
        identify(rq, visitor);
        reply_header(rq, "Set-Cookie", "vl_session=%s; Path=/; HttpOnly; SameSite=Lax", visitor);
    }
    reply_header(rq, "Cache-Control", "no-store");
    send_form(rq, csrf);
}

static void refuse(struct request *rq)
{
    static const char page[] =
        "<!doctype html>\n<html lang=\"en\"><head><title>Forbidden</title></head>\n"
        "<body><h1>403</h1><p>The form is out of date: load it again.</p></body></html>\n";

    metrics_add(rq->app->metrics, COUNT_REJECTED_CSRF, 1);
    reply_text(rq, 403, html_type, strdup(page), sizeof page - 1);
}

void feedback_post(struct request *rq)
{
    const char *type = request_header(rq, "Content-Type");
    const char *visitor = request_cookie(rq, "vl_session");
    const char *body = rq->body ? rq->body : "";
    char csrf[ID_CAP], subject[101], message[2001], id[ID_CAP];

    if (!type || strncasecmp(type, "application/x-www-form-urlencoded", 33) != 0) {
        reply_error(rq, 415, "not_a_form",
                    "Content-Type must be application/x-www-form-urlencoded");
        return;
    }
    if (!visitor || html_form_field(body, "csrf", csrf, sizeof csrf) ||
        store_run(rq->app->store, "UPDATE visitor SET csrf = NULL WHERE id = ? AND csrf = ?", "ss",
                  visitor, csrf) != 1) {
        refuse(rq);
        return;
    }
    identify(rq, visitor);
    if (html_form_field(body, "subject", subject, sizeof subject) || !subject[0] ||
        html_form_field(body, "message", message, sizeof message) || !message[0]) {
        reply_error(rq, 422, "bad_field", "subject and message must be filled in");
        return;
    }
    secret_id(id, "fb_", 12);
    store_run(
        rq->app->store,
        "INSERT INTO feedback(id, visitor, subject, message, created_us) VALUES(?, ?, ?, ?, ?)",
        "ssssi", id, visitor, subject, message, (int64_t)rq->arrived_us);
    sessions_reach(rq->app->sessions, rq->identity.session, MILESTONE_FORM);
    reply_header(rq, "Location", "/feedback/%s", id);
    reply_empty(rq, 303);
}

static const char *text_of(json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text ? text : "(not UTF-8)";
}

void feedback_get(struct request *rq)
{
    const char *visitor = request_cookie(rq, "vl_session");
    json_t *row = store_row(rq->app->store,
                            "SELECT subject, message FROM feedback WHERE id = ? AND visitor = ?",
                            "ss", rq->param, visitor ? visitor : "");
    char *page = NULL;
    size_t len = 0;

    if (!row) {
        reply_error(rq, 404, "not_found", "no feedback of yours has this id");
        return;
    }
    identify(rq, visitor);
    FILE *out = open_memstream(&page, &len);
    fprintf(out,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Thank "
            "you</title></head>\n"
            "<body data-feedback-id=\"%s\"><h1>Thank you</h1><h2>",
            rq->param);
    html_escape(out, text_of(row, "subject"));
    fputs("</h2><p>", out);
    html_escape(out, text_of(row, "message"));
    fputs("</p></body></html>\n", out);
    fclose(out);
    json_decref(row);
    reply_text(rq, 200, html_type, page, len);
}
