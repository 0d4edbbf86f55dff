/* plugin_recorded.c - reads recorded exchanges and messages again, for plugins to learn from. */
#include "replay/plugin_recorded.h"

#include <stdlib.h>
#include <string.h>

#include "core/grow.h"
#include "replay/plan/plan_steps.h"
#include "replay/verify/recorded.h"

enum {
    MAX_BODY_BYTES = 64 << 20,
    MAX_HEADERS_BYTES = 64 << 20,
    MAX_NAMES_BYTES = 16 << 20,
    MAX_MESSAGES = 16 << 20
};

/* chain_recorded()'s words for who looks on. */
enum { LOOK_ON, SESSION_SEEN, TRACE_SEEN };

/* A message whose turn has not come: exchanges that began before it are shown first. */
struct waiting {
    int64_t first_us, last_us, body_id;
    uint32_t step;
    bool is_sent, is_text;
    size_t order;
};

struct show {
    struct plugin_chain *chain;
    struct trace_reader *reader;
    struct recorded recorded;  /* the exchange in hand */
    struct buf message, texts; /* texts: of headers */
    struct waiting *waiting;   /* by their moment */
    size_t waiting_count, waiting_capacity, shown_count;
    int64_t start_us; /* of the session in hand, in the trace's time */
    struct http_header headers[HTTP1_MAX_HEADERS];
    reprise_header request_headers[HTTP1_MAX_HEADERS];
    reprise_header response_headers[HTTP1_MAX_HEADERS];
};

static reprise_bytes to_plugin(struct bytes bytes)
{
    return (reprise_bytes){bytes.ptr, bytes.len};
}

static size_t text_bytes(const struct http_header *headers, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += headers[i].name.len + headers[i].value.len + 2;
    return total;
}

/* Into room that was made before. */
static reprise_bytes put_text(struct buf *texts, struct bytes text)
{
    char *at = buf_reserve(texts, text.len + 1);
    if (text.len)
        memcpy(at, text.ptr, text.len);
    at[text.len] = '\0';
    buf_commit(texts, text.len + 1);
    return (reprise_bytes){at, text.len};
}

/* In the trace they lie behind one another; a plugin is promised a '\0' behind each text. */
static size_t show_headers(struct buf *texts, const struct http_header *headers, size_t count,
                           reprise_header *shown)
{
    for (size_t i = 0; i < count; i++) {
        shown[i].name = put_text(texts, headers[i].name);
        shown[i].value = put_text(texts, headers[i].value);
    }
    return count;
}

static uint64_t since_start(const struct show *show, int64_t at_us)
{
    return at_us > show->start_us ? (uint64_t)(at_us - show->start_us) : 0;
}

static int compare_waiting(const void *a, const void *b)
{
    const struct waiting *x = a, *y = b;
    if (x->first_us != y->first_us)
        return x->first_us < y->first_us ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* The messages of this WebSocket wait for their turn, too. */
static int add_messages(struct show *show, uint32_t step, int64_t exchange_id, struct error *err)
{
    struct trace_message message;
    int more;
    if (show->shown_count) {
        show->waiting_count -= show->shown_count;
        memmove(show->waiting, show->waiting + show->shown_count,
                show->waiting_count * sizeof *show->waiting);
        show->shown_count = 0;
    }
    if (trace_reader_start_messages(show->reader, exchange_id, err))
        return -1;
    while ((more = trace_reader_next_message(show->reader, &message, err)) > 0) {
        if ((message.opcode != 1 && message.opcode != 2) || message.payload_bytes > MAX_BODY_BYTES)
            continue;
        struct waiting *grown = grow_by_one(show->waiting, show->waiting_count,
                                            &show->waiting_capacity, sizeof *grown, MAX_MESSAGES);
        if (!grown)
            return error_set(err, EXIT_TOOL, "no memory to show plugins the messages of a session");
        show->waiting = grown;
        grown[show->waiting_count] = (struct waiting){.first_us = message.first_us,
                                                      .last_us = message.last_us,
                                                      .body_id = message.body_id,
                                                      .step = step,
                                                      .is_sent = message.sender == TRACE_CLIENT,
                                                      .is_text = message.opcode == 1,
                                                      .order = show->waiting_count};
        show->waiting_count++;
    }
    if (more == 0 && show->waiting_count)
        qsort(show->waiting, show->waiting_count, sizeof *show->waiting, compare_waiting);
    return more;
}

/* Those that began before this moment. */
static int show_messages(struct show *show, int64_t before_us, struct error *err)
{
    int result = LOOK_ON;
    while (result == LOOK_ON && show->shown_count < show->waiting_count &&
           show->waiting[show->shown_count].first_us < before_us) {
        const struct waiting *message = &show->waiting[show->shown_count++];
        buf_clear(&show->message);
        if (trace_reader_get_body(show->reader, message->body_id, &show->message, err))
            return -1;
        const reprise_recorded shown = {
            .kind = message->is_sent ? REPRISE_RECORDED_MESSAGE_SENT
                                     : REPRISE_RECORDED_MESSAGE_RECEIVED,
            .step = message->step,
            .is_text = message->is_text,
            .began_us = since_start(show, message->first_us),
            .ended_us = since_start(show, message->last_us),
            .request_body = {buf_text(&show->message), show->message.len},
        };
        result = chain_recorded(show->chain, &shown, err);
    }
    return result;
}

/* The steps of exchanges, and the messages before each. */
static int show_step(struct show *show, const struct plan_session *session, uint32_t number,
                     struct error *err)
{
    const struct plan_step *step = &session->steps[number];
    if (step->kind == STEP_WS_MESSAGE)
        return LOOK_ON;
    int before = show_messages(show, show->start_us + (int64_t)step->offset_us, err);
    if (before != LOOK_ON)
        return before;
    int found = recorded_read(&show->recorded, step->exchange_id, err);
    if (found != 1)
        return found;
    const struct trace_exchange *exchange = &show->recorded.exchange;
    const struct http_response *answer = &show->recorded.answer;
    size_t count = recorded_split_headers(exchange->request_headers, show->headers);
    buf_clear(&show->texts);
    if (!buf_reserve(&show->texts, text_bytes(show->headers, count) +
                                       text_bytes(answer->headers, answer->header_count) + 1))
        return error_set(err, EXIT_TOOL, "no memory to show plugins the headers of a session");
    if (number == 0)
        show->start_us = exchange->request_first_us;
    reprise_recorded shown = {
        .kind =
            step->kind == STEP_WS_CONNECT ? REPRISE_RECORDED_WS_CONNECT : REPRISE_RECORDED_EXCHANGE,
        .step = number,
        .status = (uint32_t)exchange->status,
        .began_us = since_start(show, exchange->request_first_us),
        .ended_us = since_start(show, exchange->response_last_us),
        .method = to_plugin(step->method),
        .url = to_plugin(step->url),
        .request_body = to_plugin(step->body),
        .response_body = show->recorded.has_body ? to_plugin(answer->body) : (reprise_bytes){0},
        .request_headers = show->request_headers,
        .response_headers = show->response_headers,
        .request_header_count =
            show_headers(&show->texts, show->headers, count, show->request_headers),
    };
    shown.response_header_count =
        show_headers(&show->texts, answer->headers, answer->header_count, show->response_headers);
    int result = chain_recorded(show->chain, &shown, err);
    if (result == LOOK_ON && step->kind == STEP_WS_CONNECT)
        result = add_messages(show, number, step->exchange_id, err);
    return result;
}

static int show_session(struct show *show, const struct plan_session *session, struct error *err)
{
    if (!session->step_count ||
        !chain_recorded_begin(show->chain, (uint64_t)session->session_id, session->step_count))
        return LOOK_ON;
    int result = LOOK_ON;
    show->waiting_count = show->shown_count = 0;
    for (uint32_t i = 0; i < session->step_count && result == LOOK_ON; i++)
        result = show_step(show, session, i, err);
    if (result == LOOK_ON)
        result = show_messages(show, INT64_MAX, err);
    return result == SESSION_SEEN ? LOOK_ON : result;
}

/* One session by itself, freed again. */
static int load_and_show(struct show *show, struct plan_builder *builder, int64_t session_id,
                         struct error *err)
{
    struct arena arena;
    struct plan_session session;
    arena_init(&arena, builder->options.max_bytes);
    builder->arena = &arena;
    builder->bodies_base = builder->bodies->used_bytes;
    int result = plan_load_session(builder, session_id, &session, err);
    if (result == 0)
        result = show_session(show, &session, err);
    for (size_t i = 0; i < builder->taken_count; i++)
        plan_bodies_drop(builder->bodies, builder->taken[i]);
    builder->taken_count = 0;
    arena_fini(&arena);
    return result;
}

/* With a plan of its own: that of the run is read-only by now. */
static int show_stream(struct show *show, const struct plan *plan, const char *trace_path,
                       const struct plan_options *options, struct error *err)
{
    struct plan own = {.target_bytes = plan->target_bytes};
    struct plan_builder builder = {0};
    arena_init(&own.names, MAX_NAMES_BYTES);
    plan_bodies_init(&own.bodies);
    int result = plan_builder_init(&builder, &own, trace_path, options, err);
    for (size_t i = 0; i < plan->session_count && result == LOOK_ON; i++)
        result = load_and_show(show, &builder, plan->index[i].session_id, err);
    plan_builder_fini(&builder);
    plan_bodies_fini(&own.bodies);
    arena_fini(&own.names);
    free(own.endpoints);
    return result;
}

static int show_all(struct show *show, const struct plan *plan, const char *trace_path,
                    const struct plan_options *options, struct error *err)
{
    int result = LOOK_ON;
    if (plan->stream)
        return show_stream(show, plan, trace_path, options, err);
    for (size_t i = 0; i < plan->session_count && result == LOOK_ON; i++)
        result = show_session(show, &plan->sessions[i], err);
    return result;
}

int plugin_show_recorded(const struct plan *plan, const char *trace_path,
                         const struct plan_options *options, struct plugin_chain *chain,
                         struct error *err)
{
    int result = -1;
    if (!chain_wants_recorded(chain))
        return chain_recording_end(chain, err);
    struct show *show = calloc(1, sizeof *show);
    if (!show)
        return error_set(err, EXIT_TOOL, "no memory to show plugins the trace");
    show->chain = chain;
    buf_init(&show->message, MAX_BODY_BYTES + 1);
    buf_init(&show->texts, MAX_HEADERS_BYTES);
    if (trace_reader_open(&show->reader, trace_path, err) == 0) {
        result = recorded_init(&show->recorded, show->reader)
                     ? error_set(err, EXIT_TOOL, "no memory to show plugins the trace")
                     : show_all(show, plan, trace_path, options, err);
        recorded_fini(&show->recorded);
        trace_reader_close(show->reader);
    }
    buf_fini(&show->message);
    buf_fini(&show->texts);
    free(show->waiting);
    free(show);
    return result < 0 ? -1 : chain_recording_end(chain, err);
}
