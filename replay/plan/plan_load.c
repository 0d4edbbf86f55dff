/* plan_load.c - reads the rows of one session of the trace, and the bodies that it needs. */
#include <stdlib.h>

#include "core/grow.h"
#include "core/units.h"
#include "core/url.h"
#include "replay/plan/plan_bindings.h"
#include "replay/plan/plan_steps.h"
#include "traces/correlate/binding_overlay.h"
#include "traces/places/place_find.h"

/* Bodies as they come from the trace; one larger than this cannot be in a plan. */
#define MAX_BODY_BYTES (1024u * 1024 * 1024)

int plan_builder_init(struct plan_builder *builder, struct plan *plan, const char *trace_path,
                      const struct plan_options *options, struct error *err)
{
    *builder = (struct plan_builder){.plan = plan, .bodies = &plan->bodies, .options = *options};
    struct url target;
    if (url_parse(options->target, &target) == 0)
        builder->host = target.authority;
    buf_init(&builder->scratch, MAX_BODY_BYTES);
    buf_init(&builder->head, MAX_BODY_BYTES);
    map_init(&builder->endpoints);
    return binding_overlay_open_reader(options->overlay, trace_path, &builder->reader, err);
}

void plan_builder_fini(struct plan_builder *builder)
{
    trace_reader_close(builder->reader);
    buf_fini(&builder->scratch);
    buf_fini(&builder->head);
    free(builder->drafts);
    free(builder->taken);
    map_fini(&builder->endpoints);
    place_scratch_free(builder->place_scratch);
}

static int out_of_memory(struct plan_builder *builder, struct error *err)
{
    builder->is_out_of_memory = true;
    char size[UNITS_TEXT_BYTES];
    size_format(size, sizeof size, (double)builder->options.max_bytes);
    return error_set(err, EXIT_INPUT, "the plan needs more than %s; raise --max-plan-size", size);
}

/* The session in hand carries it. */
static int note_taken(struct plan_builder *builder, struct plan_body *body)
{
    struct plan_body **taken = grow_by_one(builder->taken, builder->taken_count,
                                           &builder->taken_capacity, sizeof(*taken), SIZE_MAX);
    if (!taken) {
        plan_bodies_drop(builder->bodies, body);
        return -1;
    }
    builder->taken = taken;
    builder->taken[builder->taken_count++] = body;
    return 0;
}

/* The content of a body of the trace, shared by all steps that carry it. */
static int load_body(struct plan_builder *builder, int64_t body_id, struct bytes *ret_body,
                     struct error *err)
{
    *ret_body = (struct bytes){0};
    if (!body_id)
        return 0;
    struct plan_body *body = plan_bodies_take(builder->bodies, body_id);
    if (!body) {
        buf_clear(&builder->scratch);
        if (trace_reader_get_body(builder->reader, body_id, &builder->scratch, err))
            return -1;
        size_t len = builder->scratch.len;
        size_t used =
            builder->bodies->used_bytes - builder->bodies_base + builder->arena->used_bytes;
        if (used <= builder->arena->max_bytes && len <= builder->arena->max_bytes - used)
            body = plan_bodies_add(builder->bodies, body_id, buf_bytes(&builder->scratch));
    }
    if (!body || note_taken(builder, body))
        return out_of_memory(builder, err);
    *ret_body = body->content;
    return 0;
}

static int add_exchange(struct plan_builder *builder, const struct trace_exchange *exchange,
                        int64_t endpoint_id, struct error *err)
{
    struct bytes body;
    if (!plan_exchange_is_playable(exchange)) {
        builder->unplayable++;
        return 0;
    }
    if (load_body(builder, exchange->request_body_id, &body, err))
        return -1;
    if (body.len != exchange->request_body_bytes && !exchange->is_websocket) {
        builder->unplayable++; /* its body is not whole in the trace */
        return 0;
    }
    uint32_t endpoint;
    if (plan_endpoint(builder, endpoint_id, &endpoint, err))
        return -1;
    struct plan_draft *draft = plan_add_draft(builder);
    if (!draft || plan_fill_request(builder, exchange, body, endpoint, draft))
        return out_of_memory(builder, err);
    return plan_find_closing(builder, exchange->connection_id, draft, err);
}

/* The messages of a WebSocket become steps (the client's) and counts to wait for (the server's). */
static int add_messages(struct plan_builder *builder, int64_t exchange_id, uint32_t connect_draft,
                        struct error *err)
{
    struct trace_message message;
    struct plan_channel channel = {.last_server_us = INT64_MIN};
    uint32_t number = 0; /* of the client's messages, those that cannot be played included */
    int more;
    if (trace_reader_start_messages(builder->reader, exchange_id, err))
        return -1;
    while ((more = trace_reader_next_message(builder->reader, &message, err)) > 0) {
        if (message.sender == TRACE_SERVER) {
            if (message.opcode == 1 || message.opcode == 2) {
                channel.server_messages++;
                channel.last_server_us = message.last_us;
            }
            continue;
        }
        struct bytes body;
        bool is_data = message.opcode == 1 || message.opcode == 2;
        number += is_data;
        if (message.opcode == 10) /* pongs answer the live server's pings, not the recorded ones */
            continue;
        if (load_body(builder, message.body_id, &body, err))
            return -1;
        if (body.len != message.payload_bytes) {
            builder->unplayable++;
            continue;
        }
        struct plan_draft *draft = plan_add_draft(builder);
        if (!draft)
            return out_of_memory(builder, err);
        plan_fill_message(&builder->drafts[connect_draft], &message, body, &channel, draft);
        draft->exchange_id = is_data ? exchange_id : 0;
        draft->message_number = is_data ? number : 0;
    }
    builder->drafts[connect_draft].step.server_messages = channel.server_messages;
    return more;
}

static int read_session_rows(struct plan_builder *builder, int64_t session_id, struct error *err)
{
    struct trace_exchange exchange;
    int64_t endpoint_id;
    int more;
    builder->draft_count = 0;
    builder->channel_count = 0;
    if (trace_reader_start_requests(builder->reader, session_id, err))
        return -1;
    while ((more = trace_reader_next_request(builder->reader, &exchange, &endpoint_id, err)) > 0) {
        size_t before = builder->draft_count;
        if (add_exchange(builder, &exchange, endpoint_id, err))
            return -1;
        if (builder->draft_count > before && exchange.is_websocket &&
            add_messages(builder, exchange.exchange_id, (uint32_t)before, err))
            return -1;
    }
    return more;
}

int plan_load_session(struct plan_builder *builder, int64_t session_id,
                      struct plan_session *ret_session, struct error *err)
{
    *ret_session = (struct plan_session){0};
    builder->taken_count = 0;
    builder->is_out_of_memory = false;
    if (read_session_rows(builder, session_id, err))
        return -1;
    if (builder->draft_count && plan_finish_session(builder, ret_session))
        return out_of_memory(builder, err);
    ret_session->session_id = session_id;
    return builder->draft_count ? plan_bind_session(builder, ret_session, err) : 0;
}
