/* catalogue.c - a list to page through and to search: the voices, and one's own conversations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/voicelab/app.h"
#include "tests/voicelab/handlers.h"
#include "tests/voicelab/request.h"
#include "tests/voicelab/store.h"
#include "tests/voicelab/words.h"

#define VOICES 120

void catalogue_fill(struct store *store, bool has_wordlike_ids)
{
    static const char *const names[] = {"Ada",   "Bruno", "Chiara", "Dilek", "Emil",  "Farah",
                                        "Goran", "Hana",  "Ines",   "Jonas", "Keiko", "Luca"};
    static const char *const languages[] = {"en", "de", "it", "tr", "ja",
                                            "pt", "fr", "hr", "ar", "pl"};
    char id[ID_CAP], name[40], description[WORDS_CAP];

    if (store_number(store, "SELECT count(*) FROM voice", "") > 0)
        return;
    for (unsigned i = 0; i < VOICES; i++) {
        if (has_wordlike_ids)
            secret_word_id(id, "vc_", 10);
        else
            secret_id(id, "vc_", 10);
        snprintf(name, sizeof name, "%s %u", names[i % 12], i / 12 + 1);
        words_make(description, i, 7);
        store_run(
            store,
            "INSERT INTO voice(number, id, name, language, description) VALUES(?, ?, ?, ?, ?)",
            "issss", (int64_t)(i + 1), id, name, languages[i % 10], description);
    }
}

/* The cursor is opaque to clients: where the next page begins, as "n" and a number in hex. */
static int64_t cursor_read(struct request *rq)
{
    const char *text = request_query(rq, "cursor");
    char *end;

    if (!text)
        return 0;
    long long after = *text == 'n' ? strtoll(text + 1, &end, 16) : -1;
    if (after < 0 || *end) {
        reply_error(rq, 422, "bad_field", "cursor is not one that a page before gave");
        return -1;
    }
    return after;
}

void voices_list(struct request *rq)
{
    int limit = request_limit(rq);
    int64_t after = cursor_read(rq);
    const char *language = request_query(rq, "language");
    char next[24];

    if (limit < 0 || after < 0)
        return;
    json_t *items = store_rows(rq->app->store,
                               "SELECT number, id, name, language FROM voice WHERE number > ?1"
                               " AND (?2 IS NULL OR language = ?2) ORDER BY number LIMIT ?3",
                               "isi", after, language, (int64_t)limit);
    size_t count = json_array_size(items);
    json_t *last = count == (size_t)limit ? json_array_get(items, count - 1) : NULL;
    snprintf(next, sizeof next, "n%llx", json_integer_value(json_object_get(last, "number")));
    for (size_t i = 0; i < count; i++)
        json_object_del(json_array_get(items, i), "number");
    reply_json(
        rq, 200,
        json_pack("{s:o, s:o}", "items", items, "next", last ? json_string(next) : json_null()));
}

void voices_get(struct request *rq)
{
    char etag[40];
    json_t *row =
        store_row(rq->app->store, "SELECT id, name, language, description FROM voice WHERE id = ?",
                  "s", rq->param);

    if (!row) {
        reply_error(rq, 404, "not_found", "no voice has this id");
        return;
    }
    snprintf(etag, sizeof etag, "\"%016jx\"", (uintmax_t)words_seed(rq->param, strlen(rq->param)));
    const char *known = request_header(rq, "If-None-Match");
    reply_header(rq, "ETag", "%s", etag);
    if (known && strcmp(known, etag) == 0) {
        json_decref(row);
        reply_empty(rq, 304);
        return;
    }
    reply_json(rq, 200, row);
}

void search_get(struct request *rq)
{
    const char *query = request_query(rq, "q");
    int limit = request_limit(rq);

    if (limit < 0)
        return;
    if (!query || strlen(query) < 2 || strlen(query) > 100) {
        reply_error(rq, 422, "bad_field", "q must have 2 to 100 characters");
        return;
    }
    /* instr, not LIKE: what people type is no pattern. */
    json_t *items = store_rows(
        rq->app->store,
        "SELECT 'voice' AS kind, id, name AS title FROM voice"
        "  WHERE instr(lower(name || ' ' || description), lower(?1))"
        " UNION ALL SELECT 'conversation', id, title FROM conversation AS c"
        "  WHERE account = ?2 AND (instr(lower(title), lower(?1)) OR EXISTS"
        "   (SELECT 1 FROM turn WHERE conversation = c.id AND instr(lower(text), lower(?1))))"
        " LIMIT ?3",
        "ssi", query, rq->identity.account, (int64_t)limit);
    sessions_reach(rq->app->sessions, rq->identity.session, MILESTONE_SEARCH);
    json_t *body =
        json_pack("{s:s, s:I}", "query", query, "count", (json_int_t)json_array_size(items));
    if (!body) {
        json_decref(items);
        reply_error(rq, 422, "bad_field", "q must be UTF-8");
        return;
    }
    json_object_set_new(body, "items", items);
    reply_json(rq, 200, body);
}
