/* plan_steps.c - turns recorded exchanges and messages into the steps of one session. */
#include "replay/plan/plan_steps.h"

#include <stdlib.h>

#include "core/http_message.h"
#include "core/url.h"

void plan_builder_fini(struct plan_builder *builder)
{
    trace_reader_close(builder->reader);
    buf_fini(&builder->scratch);
    free(builder->drafts);
    map_fini(&builder->endpoints);
}

bool plan_exchange_is_playable(const struct trace_exchange *exchange)
{
    if (exchange->method.len == 0 || bytes_equal(exchange->method, bytes_of("CONNECT")))
        return false;
    /* "*" names the server, not a resource: no URL can carry it. */
    struct bytes target = exchange->target;
    struct url url;
    return target.len && (target.ptr[0] == '/' || url_parse(target, &url) == 0);
}

static int grow_endpoints(struct plan_builder *builder)
{
    struct plan *plan = builder->plan;
    if (plan->endpoint_count < builder->endpoint_capacity)
        return 0;
    size_t capacity = builder->endpoint_capacity ? builder->endpoint_capacity * 2 : 32;
    struct bytes *names = realloc(plan->endpoints, capacity * sizeof *names);
    if (!names)
        return -1;
    plan->endpoints = names;
    builder->endpoint_capacity = capacity;
    return 0;
}

int plan_endpoint(struct plan_builder *builder, int64_t endpoint_id, uint32_t *ret_endpoint,
                  struct error *err)
{
    struct plan *plan = builder->plan;
    struct plan_endpoint *known =
        map_get(&builder->endpoints, bytes_make(&endpoint_id, sizeof endpoint_id));
    if (known) {
        *ret_endpoint = known->index;
        return 0;
    }
    struct bytes name = bytes_of("(unknown)");
    if (trace_reader_endpoint_name(builder->reader, endpoint_id, &name, err) < 0)
        return -1;
    struct plan_endpoint *added = arena_alloc(&plan->arena, sizeof *added);
    name = arena_copy(&plan->arena, name);
    if (!added || !name.ptr || grow_endpoints(builder))
        return error_set(err, EXIT_TOOL, "no memory for the names of endpoints");
    *added = (struct plan_endpoint){.endpoint_id = endpoint_id, .index = plan->endpoint_count};
    if (map_set(&builder->endpoints, bytes_make(&added->endpoint_id, sizeof added->endpoint_id),
                added))
        return error_set(err, EXIT_TOOL, "no memory for the names of endpoints");
    plan->endpoints[plan->endpoint_count++] = name;
    *ret_endpoint = added->index;
    return 0;
}

struct plan_draft *plan_add_draft(struct plan_builder *builder)
{
    if (builder->draft_count == builder->draft_capacity) {
        size_t capacity = builder->draft_capacity ? builder->draft_capacity * 2 : 64;
        struct plan_draft *drafts = realloc(builder->drafts, capacity * sizeof *drafts);
        if (!drafts)
            return NULL;
        builder->drafts = drafts;
        builder->draft_capacity = capacity;
    }
    struct plan_draft *draft = &builder->drafts[builder->draft_count++];
    *draft = (struct plan_draft){.moments.anchor_us = INT64_MIN};
    return draft;
}

/* The recorded path and query on the target's origin. */
static struct bytes make_url(struct plan_builder *builder, struct bytes recorded)
{
    struct url url;
    if (url_parse(recorded, &url) == 0)
        recorded = url.target; /* absolute-form: as sent to a proxy */
    size_t fragment = bytes_index_of(recorded, '#');
    const char *text =
        arena_printf(&builder->plan->arena, "%.*s%.*s", BYTES_ARG(builder->options->target),
                     (int)fragment, recorded.ptr);
    return bytes_of(text);
}

/* Named by the Connection header: belongs to that connection (RFC 9110 7.6.1). */
static bool is_connection_option(struct bytes connection, struct bytes name)
{
    struct bytes part;
    while (bytes_split(&connection, ',', &part)) {
        if (bytes_equal_nocase(bytes_trim(part), name))
            return true;
    }
    return false;
}

static bool is_made_anew(struct bytes name, bool is_websocket)
{
    static const char *const names[] = {"host", "content-length", "cookie"};
    static const char *const websocket_names[] = {"sec-websocket-key", "sec-websocket-version",
                                                  "sec-websocket-extensions"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal_nocase(name, bytes_of(names[i])))
            return true;
    }
    for (size_t i = 0; is_websocket && i < sizeof websocket_names / sizeof websocket_names[0];
         i++) {
        if (bytes_equal_nocase(name, bytes_of(websocket_names[i])))
            return true;
    }
    return http_header_is_hop_by_hop(name);
}

struct header_line {
    struct bytes name, value;
};

static bool next_header(struct bytes *block, struct header_line *ret_line)
{
    struct bytes line;
    while (bytes_split(block, '\n', &line)) {
        size_t colon = bytes_index_of(line, ':');
        if (colon == 0 || colon == line.len)
            continue;
        ret_line->name = bytes_make(line.ptr, colon);
        ret_line->value = bytes_trim(bytes_from(line, colon + 1));
        return true;
    }
    return false;
}

/* Behind the recorded origin, "http://shop.example" with any scheme; .ptr NULL when it is
 * another's. */
static struct bytes behind_origin(struct bytes value, struct bytes authority)
{
    struct bytes rest = bytes_from(value, bytes_index_of(value, ':'));
    if (!authority.len || !bytes_starts_with(rest, bytes_of("://")))
        return (struct bytes){0};
    rest = bytes_from(rest, 3);
    if (!bytes_starts_with_nocase(rest, authority))
        return (struct bytes){0};
    rest = bytes_from(rest, authority.len);
    return rest.len == 0 || rest.ptr[0] == '/' || rest.ptr[0] == '?' ? rest : (struct bytes){0};
}

/* Origin and Referer of the recorded site name the target now, or its own checks would refuse them.
 */
static struct bytes replayed_value(struct plan_builder *builder, const struct header_line *line,
                                   struct bytes authority)
{
    struct arena *arena = &builder->plan->arena;
    if (bytes_equal_nocase(line->name, bytes_of("origin")) ||
        bytes_equal_nocase(line->name, bytes_of("referer"))) {
        struct bytes rest = behind_origin(line->value, authority);
        if (rest.ptr)
            return bytes_of(arena_printf(arena, "%.*s%.*s", BYTES_ARG(builder->options->target),
                                         BYTES_ARG(rest)));
    }
    return arena_copy(arena, line->value);
}

/* Copy the headers that are replayed; the recorded cookies are kept apart. */
static int copy_headers(struct plan_builder *builder, const struct trace_exchange *exchange,
                        struct plan_step *step)
{
    struct arena *arena = &builder->plan->arena;
    struct bytes block = exchange->request_headers;
    struct bytes connection = {0}, rest = block;
    struct header_line line;
    size_t count = 0;
    while (next_header(&rest, &line)) {
        count++;
        if (bytes_equal_nocase(line.name, bytes_of("connection")))
            connection = line.value;
    }
    step->headers = arena_alloc(arena, (count ? count : 1) * sizeof *step->headers);
    if (!step->headers)
        return -1;
    for (rest = block; next_header(&rest, &line);) {
        if (bytes_equal_nocase(line.name, bytes_of("cookie")))
            step->recorded_cookies = arena_copy(arena, line.value);
        if (is_made_anew(line.name, step->kind == STEP_WS_CONNECT) ||
            is_connection_option(connection, line.name) || step->header_count == HTTP_MAX_HEADERS)
            continue;
        struct http_header *header = &step->headers[step->header_count++];
        header->name = arena_copy(arena, line.name);
        header->value = replayed_value(builder, &line, exchange->authority);
        if (!header->name.ptr || !header->value.ptr)
            return -1;
    }
    return 0;
}

/* When the exchange had ended, as far as its user could see; INT64_MAX: never. */
static int64_t end_of(const struct trace_exchange *exchange)
{
    if (exchange->is_websocket && exchange->response_first_us != TRACE_NO_MOMENT)
        return exchange->response_first_us;
    return exchange->response_last_us == TRACE_NO_MOMENT ? INT64_MAX : exchange->response_last_us;
}

int plan_fill_request(struct plan_builder *builder, const struct trace_exchange *exchange,
                      struct bytes body, uint32_t endpoint, struct plan_draft *draft)
{
    struct arena *arena = &builder->plan->arena;
    struct plan_step *step = &draft->step;
    step->kind = exchange->is_websocket ? STEP_WS_CONNECT : STEP_REQUEST;
    step->endpoint = endpoint;
    step->recorded_status = exchange->status;
    step->body = body;
    step->method = arena_copy(arena, exchange->method);
    step->url = make_url(builder, exchange->target);
    if (step->kind == STEP_WS_CONNECT)
        step->channel = builder->channel_count++;
    draft->moments.begin_us = exchange->request_first_us;
    draft->moments.end_us = end_of(exchange);
    if (draft->moments.end_us < draft->moments.begin_us)
        draft->moments.end_us = draft->moments.begin_us; /* an answer before its request's end */
    if (!step->method.ptr || !step->url.ptr)
        return -1;
    return copy_headers(builder, exchange, step);
}

void plan_fill_message(const struct plan_draft *connect, const struct trace_message *message,
                       struct bytes body, const struct plan_channel *channel,
                       struct plan_draft *draft)
{
    draft->step = (struct plan_step){
        .kind = STEP_WS_MESSAGE,
        .endpoint = connect->step.endpoint,
        .channel = connect->step.channel,
        .server_messages = channel->server_messages,
        .opcode = message->opcode,
        .close_code = message->close_code,
        .body = body,
    };
    draft->moments = (struct plan_moments){
        .begin_us = message->first_us,
        .end_us = message->last_us,
        .anchor_us = channel->last_server_us,
    };
    /* A message that shares the answer's packet still comes after it. */
    if (draft->moments.begin_us < connect->moments.end_us)
        draft->moments.begin_us = draft->moments.end_us = connect->moments.end_us;
}

static int compare_drafts(const void *a, const void *b)
{
    const struct plan_draft *x = a, *y = b;
    if (x->moments.begin_us != y->moments.begin_us)
        return x->moments.begin_us < y->moments.begin_us ? -1 : 1;
    return x->step.number < y->step.number ? -1 : x->step.number > y->step.number;
}

int plan_finish_session(struct plan_builder *builder, struct plan_session *ret_session)
{
    struct arena *arena = &builder->plan->arena;
    uint32_t count = (uint32_t)builder->draft_count;
    struct plan_session session = {.step_count = count, .channel_count = builder->channel_count};
    for (uint32_t i = 0; i < count; i++)
        builder->drafts[i].step.number = i; /* makes the sort stable; numbered for good later */
    qsort(builder->drafts, count, sizeof *builder->drafts, compare_drafts);
    session.steps = arena_alloc(arena, count * sizeof *session.steps);
    struct plan_moments *moments = malloc(count * sizeof *moments);
    if (!session.steps || !moments) {
        free(moments);
        return -1;
    }
    for (uint32_t i = 0; i < count; i++) {
        session.steps[i] = builder->drafts[i].step;
        moments[i] = builder->drafts[i].moments;
    }
    int64_t start_us = moments[0].begin_us;
    int result = plan_order(arena, &session, moments, start_us);
    free(moments);
    /* Moments may be negative in a capture that is not in order: make the trace's time unsigned. */
    session.start_us = (uint64_t)start_us - (uint64_t)INT64_MIN;
    session.duration_us = count ? session.steps[count - 1].offset_us : 0;
    *ret_session = session;
    return result;
}
