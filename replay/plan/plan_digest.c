/* plan_digest.c - hashes the plan and its schedule in a form that is the same everywhere. */
#include "replay/plan/plan_digest.h"

#include <stdio.h>
#include <string.h>

#include "replay/identities/identities.h"
#include "replay/plan/own_values.h"
#include "replay/plan/plan_bindings.h"

/* What is added comes eight bytes at a time; the digest takes it in larger pieces. */
struct hash {
    struct digest_stream *stream;
    size_t len;
    char pending[4096];
};

static void flush(struct hash *hash)
{
    digest_add(hash->stream, bytes_make(hash->pending, hash->len));
    hash->len = 0;
}

static void add(struct hash *hash, struct bytes bytes)
{
    if (bytes.len > sizeof hash->pending - hash->len)
        flush(hash);
    if (bytes.len > sizeof hash->pending) {
        digest_add(hash->stream, bytes);
        return;
    }
    if (bytes.len)
        memcpy(hash->pending + hash->len, bytes.ptr, bytes.len);
    hash->len += bytes.len;
}

static void add_number(struct hash *hash, uint64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    add(hash, bytes_make(bytes, sizeof bytes));
}

/* Length first, so that neighbours cannot run into each other. */
static void add_text(struct hash *hash, struct bytes text)
{
    add_number(hash, text.len);
    add(hash, text);
}

static void add_real(struct hash *hash, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", value);
    add_text(hash, bytes_of(text));
}

/* Where a slot is, in numbers that the target's name does not change. */
struct slot_line {
    size_t number; /* of the head's line, from 1; 0: the body */
    size_t left_bytes;
};

static struct slot_line line_of(const struct request_cut *cut, const struct request_slot *slot)
{
    struct slot_line line = {.left_bytes = slot->at};
    struct bytes rest = cut->head, text;
    while (!slot->is_in_body && bytes_split(&rest, '\n', &text)) {
        line.number++;
        line.left_bytes = (size_t)(text.ptr + text.len - cut->head.ptr);
        if (line.left_bytes > slot->at) {
            line.left_bytes -= slot->at;
            break;
        }
    }
    return line;
}

static void write_births(const struct birth *births, uint32_t count, struct buf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        place_format(&births[i].place, out);
        buf_printf(out, "\n%d %u\n", (int)births[i].form, births[i].value);
    }
}

static void add_bindings(struct hash *hash, const struct step_bindings *bindings)
{
    struct buf text = BUF_INIT(64 * 1024 * 1024);
    write_births(bindings->births, bindings->birth_count, &text);
    write_births(bindings->message_births, bindings->message_birth_count, &text);
    for (uint32_t i = 0; i < bindings->wait_count; i++)
        buf_printf(&text, "wait %u %u\n", bindings->waits[i].value, bindings->waits[i].messages);
    for (uint32_t i = 0; bindings->cut && i < bindings->cut->slot_count; i++) {
        const struct request_slot *slot = &bindings->cut->slots[i];
        struct slot_line line = line_of(bindings->cut, slot);
        buf_printf(&text, "%zu %zu %u %u\n", line.number, line.left_bytes, slot->len, slot->value);
    }
    for (uint32_t i = 0; i < bindings->cookie_slot_count; i++)
        buf_printf(&text, "cookie %u %u\n", bindings->cookie_slots[i].at,
                   bindings->cookie_slots[i].value);
    add_text(hash, buf_bytes(&text));
    buf_fini(&text);
}

static void add_step(struct hash *hash, const struct plan *plan, const struct plan_step *step)
{
    const uint64_t numbers[] = {(uint64_t)step->kind,
                                step->needs,
                                step->end_position,
                                step->offset_us,
                                step->gap_us,
                                step->channel,
                                step->server_messages,
                                (uint64_t)step->opcode,
                                (uint64_t)step->close_code,
                                step->closes_connection};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        add_number(hash, numbers[i]);
    add_text(hash, step->method);
    add_text(hash, bytes_from(step->url, plan->target_bytes));
    add_number(hash, step->header_count);
    for (size_t i = 0; i < step->header_count; i++) {
        add_text(hash, step->headers[i].name);
        add_text(hash, step->headers[i].value);
    }
    add_text(hash, step->recorded_cookies);
    add_text(hash, step->body);
    if (step->bindings)
        add_bindings(hash, step->bindings);
}

static void add_owns(struct hash *hash, const struct plan_session *session)
{
    for (uint32_t i = 0; i < session->own_count; i++) {
        const struct own_value *own = &session->owns[i];
        const uint64_t numbers[] = {(uint64_t)own->kind, own->column, (uint64_t)own->ahead_us,
                                    own->parts[0], own->parts[1]};
        for (size_t j = 0; j < sizeof numbers / sizeof numbers[0]; j++)
            add_number(hash, numbers[j]);
        add_text(hash, own->recorded);
        add_text(hash, own->literals[0]);
        add_text(hash, own->literals[1]);
        for (uint32_t j = 0; j < own->target_count; j++) {
            add_number(hash, own->targets[j].value);
            add_number(hash, (uint64_t)own->targets[j].form);
        }
    }
}

/* Who the users are. */
static void add_identities(struct hash *hash, const struct identities *identities)
{
    if (!identities_have_data(identities))
        return;
    const struct identity_rows *rows = &identities->rows;
    add_number(hash, (uint64_t)identities->mode);
    add_number(hash, rows->count);
    for (uint32_t i = 0; i < rows->column_count; i++)
        add_text(hash, rows->columns[i]);
    add_text(hash, buf_bytes(&rows->cells));
    for (size_t i = 0; i < identities->map_count; i++) {
        add_number(hash, identities->maps[i].column);
        add_text(hash, identities->maps[i].recorded);
    }
}

static void add_settings(struct hash *hash, const struct replay_settings *settings)
{
    add_text(hash, bytes_of("reprise plan 2"));
    add_number(hash, settings->seed);
    add_number(hash, (uint64_t)settings->pacing.mode);
    add_real(hash, settings->pacing.arrival_speed);
    add_real(hash, settings->pacing.think_speed);
    add_real(hash, settings->scale);
    add_number(hash, settings->duration_us);
    add_number(hash, settings->stages.start_users);
    add_number(hash, settings->stages.count);
    for (size_t i = 0; i < settings->stages.count; i++) {
        add_number(hash, settings->stages.items[i].duration_us);
        add_number(hash, settings->stages.items[i].users);
    }
}

/* Of what is not loaded yet: where it is loaded from, and all that is known of it. */
static void add_index(struct hash *hash, const struct plan *plan)
{
    add(hash, bytes_make(plan->source_digest, sizeof plan->source_digest));
    for (size_t i = 0; i < plan->session_count; i++) {
        add_number(hash, (uint64_t)plan->index[i].session_id);
        add_number(hash, plan->index[i].start_us);
        add_number(hash, plan->index[i].duration_us);
    }
}

static uint64_t session_length_us(const struct replay_settings *settings, uint32_t session)
{
    if (settings->pacing.mode == PACING_MAX)
        return 0;
    return pacing_scale_us(settings->plan->index[session].duration_us,
                           settings->pacing.think_speed);
}

static int add_arrivals(struct hash *hash, const struct replay_settings *settings,
                        struct plan_outline *ret_outline)
{
    struct arrivals arrivals;
    struct arrival arrival;
    struct plan_outline outline = {0};
    int more;
    arrivals_init(&arrivals, settings->plan, settings->scale, settings->pacing.arrival_speed,
                  settings->seed);
    while ((more = arrivals_next(&arrivals, &arrival)) > 0) {
        if (settings->duration_us && arrival.at_us >= settings->duration_us)
            break;
        add_number(hash, arrival.session);
        add_number(hash, arrival.at_us);
        outline.sessions++;
        uint64_t end_us = arrival.at_us + session_length_us(settings, arrival.session);
        if (end_us > outline.length_us)
            outline.length_us = end_us;
    }
    arrivals_fini(&arrivals);
    *ret_outline = outline;
    return more < 0 ? -1 : 0;
}

int plan_digest(const struct replay_settings *settings, char out[PLAN_DIGEST_TEXT_BYTES],
                struct plan_outline *ret_outline)
{
    const struct plan *plan = settings->plan;
    unsigned char digest[DIGEST_BYTES];
    struct hash hash = {.stream = digest_new()};
    int result = 0;
    if (!hash.stream)
        return -1;
    add_settings(&hash, settings);
    add_identities(&hash, settings->identities);
    if (plan->stream)
        add_index(&hash, plan);
    for (size_t i = 0; plan->sessions && i < plan->session_count; i++) {
        const struct plan_session *session = &plan->sessions[i];
        add_number(&hash, session->start_us);
        add_number(&hash, session->step_count);
        for (uint32_t j = 0; j < session->step_count; j++)
            add_step(&hash, plan, &session->steps[j]);
        add_owns(&hash, session);
    }
    *ret_outline = (struct plan_outline){0};
    if (!settings->stages.count)
        result = add_arrivals(&hash, settings, ret_outline);
    flush(&hash);
    digest_finish(hash.stream, digest);
    size_t prefix_len = plan->stream ? strlen(PLAN_DIGEST_PREFIX) : 0;
    memcpy(out, PLAN_DIGEST_PREFIX, prefix_len);
    digest_hex(digest, DIGEST_BYTES, out + prefix_len);
    return result;
}
