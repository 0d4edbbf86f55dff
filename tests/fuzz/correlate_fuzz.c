/*
 * correlate_fuzz.c - sessions of any values at any places, one word a line:
 *
 *     s            a session begins         cPLACE=VALUE   the request carries it
 *     r            a request                gPLACE=VALUE   its answer gives it
 *
 * What is found is a use of a request that was told, born in an answer that had ended, of the same
 * session, or made by the client.
 */
#include <assert.h>
#include <stdlib.h>

#include "traces/correlate/finder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_REQUESTS = 200, MAX_GIVEN = 500 };

struct teller {
    struct finder *finder;
    int64_t session, request;
    int64_t session_of[MAX_REQUESTS + 1];
    struct given given[MAX_GIVEN];
    size_t given_count;
};

static const char *const endpoints[] = {"POST /jobs", "GET /jobs/{id}", "POST /auth/login",
                                        "PUT /users/{id}"};

static void end_request(struct teller *teller)
{
    if (!teller->request || !teller->session)
        return;
    const struct finder_answer answer = {.exchange_id = teller->request,
                                         .endpoint_id = teller->request % 4 + 1,
                                         .endpoint = bytes_of(endpoints[teller->request % 4]),
                                         .ended_us = teller->request * 10 + 5,
                                         .status = 200};
    finder_send(teller->finder);
    finder_answer(teller->finder, &answer, teller->given, teller->given_count);
    teller->given_count = 0;
}

static void begin_request(struct teller *teller)
{
    end_request(teller);
    teller->request++;
    teller->session_of[teller->request] = teller->session;
    const struct finder_request request = {.exchange_id = teller->request,
                                           .endpoint_id = teller->request % 4 + 1,
                                           .endpoint = bytes_of(endpoints[teller->request % 4]),
                                           .at_us = teller->request * 10,
                                           .at_unix_us = 1700000000000000,
                                           .status = 200};
    finder_request(teller->finder, &request);
}

static void tell_value(struct teller *teller, struct bytes line)
{
    size_t equals = bytes_index_of(line, '=');
    struct bytes place = bytes_make(line.ptr + 1, equals - 1), text = bytes_from(line, equals + 1);
    struct bytes name = bytes_from(place, place.len > 4 ? place.len - 4 : 0);
    if (equals < 2 || equals == line.len)
        return;
    if (line.ptr[0] == 'c')
        finder_carries(teller->finder, place, name, text, text.len % 2 ? WORD_RAW : WORD_PERCENT);
    else if (teller->given_count < MAX_GIVEN)
        teller->given_count +=
            finder_given(teller->finder, place, name, text, &teller->given[teller->given_count]);
}

static int check(void *owner, const struct trace_binding *binding, struct error *err)
{
    const struct teller *teller = owner;
    int64_t born = binding->born_exchange_id, used = binding->used_exchange_id;
    (void)err;
    assert(used >= 1 && used <= teller->request && born >= 1 && born <= used);
    assert(teller->session_of[born] == teller->session_of[used]);
    assert(binding->score > 0 && binding->score <= 1);
    assert(binding->born_place.len && binding->used_place.len && binding->evidence.len);
    bool is_made = bytes_starts_with(binding->born_place, bytes_of("new:")) ||
                   bytes_starts_with(binding->born_place, bytes_of("data:"));
    assert(born < used || is_made);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_make(data, size), line;
    struct teller *teller = calloc(1, sizeof *teller);
    struct error err;
    assert(teller && finder_new(&teller->finder, &err) == 0);
    while (size && bytes_split(&rest, '\n', &line)) {
        char kind = line.len ? line.ptr[0] : ' ';
        if (kind == 's') {
            end_request(teller);
            teller->session++;
            finder_begin_session(teller->finder, teller->session, (uint64_t)teller->session);
            begin_request(teller);
        } else if (teller->session && kind == 'r') {
            begin_request(teller);
        } else if (teller->session && (kind == 'c' || kind == 'g')) {
            tell_value(teller, line);
        }
        if (teller->request >= MAX_REQUESTS - 1)
            break;
    }
    end_request(teller);
    const struct rules_options options = {.min_score = 0.01};
    const struct rules_sink sink = {check, teller};
    assert(finder_decide(teller->finder, &options, &sink, &err) == 0);
    finder_free(teller->finder);
    free(teller);
    return 0;
}
