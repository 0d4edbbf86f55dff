/* plan_digest.c - hashes the plan and its schedule in a form that is the same everywhere. */
#include "replay/plan/plan_digest.h"

#include <stdio.h>
#include <string.h>

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

static void add_bindings(struct hash *hash, const struct step_bindings *bindings)
{
    struct buf text = BUF_INIT(64 * 1024 * 1024);
    for (uint32_t i = 0; i < bindings->birth_count; i++) {
        const struct birth *birth = &bindings->births[i];
        place_format(&birth->place, &text);
        buf_printf(&text, "\n%d %u\n", (int)birth->form, birth->value);
    }
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
    if (plan->stream)
        add_index(&hash, plan);
    for (size_t i = 0; plan->sessions && i < plan->session_count; i++) {
        const struct plan_session *session = &plan->sessions[i];
        add_number(&hash, session->start_us);
        add_number(&hash, session->step_count);
        for (uint32_t j = 0; j < session->step_count; j++)
            add_step(&hash, plan, &session->steps[j]);
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
