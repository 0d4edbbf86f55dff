/* conversations.c - talking in turns: each turn must carry the context id of the answer before. */
#include <string.h>

#include "tests/voicelab/app.h"
#include "tests/voicelab/handlers.h"
#include "tests/voicelab/metrics.h"
#include "tests/voicelab/request.h"
#include "tests/voicelab/store.h"
#include "tests/voicelab/words.h"

void conversations_create(struct request *rq)
{
    json_t *object = request_json(rq);
    char id[ID_CAP], context[ID_CAP];

    if (!object)
        return;
    const char *title = request_text(rq, object, "title", 200);
    if (title) {
        secret_id(id, "cv_", 16);
        secret_id(context, "ctx_", 24);
        store_run(rq->app->store,
                  "INSERT INTO conversation(id, account, title, context, created_us) VALUES(?, ?, "
                  "?, ?, ?)",
                  "ssssi", id, rq->identity.account, title, context, (int64_t)rq->arrived_us);
        reply_header(rq, "Location", "/conversations/%s", id);
        reply_json(rq, 201,
                   json_pack("{s:s, s:s, s:s}", "id", id, "title", title, "context_id", context));
    }
    json_decref(object);
}

void conversations_list(struct request *rq)
{
    int limit = request_limit(rq);

    if (limit < 0)
        return;
    json_t *items = store_rows(rq->app->store,
                               "SELECT id, title, turns FROM conversation WHERE account = ?"
                               " ORDER BY created_us DESC LIMIT ?",
                               "si", rq->identity.account, (int64_t)limit);
    reply_json(rq, 200, json_pack("{s:o}", "items", items));
}

/* The conversation's row (the caller's), or NULL after answering 404 or 403. */
static json_t *own(struct request *rq)
{
    json_t *row =
        store_row(rq->app->store, "SELECT id, account, title, turns FROM conversation WHERE id = ?",
                  "s", rq->param);

    if (!row) {
        reply_error(rq, 404, "not_found", "no conversation has this id");
        return NULL;
    }
    if (strcmp(json_string_value(json_object_get(row, "account")), rq->identity.account) != 0) {
        json_decref(row);
        reply_error(rq, 403, "not_yours", "this conversation is somebody else's");
        return NULL;
    }
    json_object_del(row, "account");
    return row;
}

void conversations_get(struct request *rq)
{
    json_t *row = own(rq);

    if (!row)
        return;
    json_object_set_new(
        row, "messages",
        store_rows(rq->app->store,
                   "SELECT number, text, reply FROM turn WHERE conversation = ? ORDER BY number",
                   "s", rq->param));
    reply_json(rq, 200, row);
}

static void take_turn(struct request *rq, const char *text, const char *context)
{
    char next[ID_CAP], reply[WORDS_CAP];

    secret_id(next, "ctx_", 24);
    json_t *moved = store_row(rq->app->store,
                              "UPDATE conversation SET context = ?, turns = turns + 1"
                              " WHERE id = ? AND context = ? RETURNING turns",
                              "sss", next, rq->param, context);
    if (!moved) {
        metrics_add(rq->app->metrics, COUNT_REJECTED_CONTEXT, 1);
        reply_error(rq, 409, "stale_context", "context_id is not that of the last answer");
        return;
    }
    json_int_t number = json_integer_value(json_object_get(moved, "turns"));
    json_decref(moved);
    words_make(reply, words_seed(text, strlen(text)), 8);
    store_run(rq->app->store,
              "INSERT INTO turn(conversation, number, text, reply) VALUES(?, ?, ?, ?)", "siss",
              rq->param, (int64_t)number, text, reply);
    if (number > 1)
        sessions_reach(rq->app->sessions, rq->identity.session, MILESTONE_TURN);
    reply_json(rq, 200,
               json_pack("{s:I, s:s, s:s}", "turn", number, "reply", reply, "context_id", next));
}

void conversations_turn(struct request *rq)
{
    json_t *object = request_json(rq);
    json_t *row = object ? own(rq) : NULL;

    if (row) {
        const char *text = request_text(rq, object, "text", 2000);
        const char *context = text ? request_text(rq, object, "context_id", ID_CAP - 1) : NULL;
        if (context)
            take_turn(rq, text, context);
    }
    json_decref(row);
    json_decref(object);
}
