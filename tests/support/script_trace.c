/* script_trace.c - reads the small text of script_trace.h and writes the trace it describes. */
#include "tests/support/script_trace.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"
#include "traces/writer.h"

struct script {
    struct trace_writer *writer;
    struct trace_session session;
    struct trace_connection connection;
    struct trace_exchange exchange; /* written once the next line is no more of it */
    bool has_exchange;
    struct buf texts; /* what the exchange's views point into */
    struct buf request_headers, response_headers;
    struct buf parts;  /* the exchange's multipart body but for its end */
    struct buf events; /* of its answer */
    int64_t next_exchange_id;
    int64_t last_us;
};

static int64_t ms_to_us(double ms)
{
    return (int64_t)(ms * 1000 + 0.5);
}

#define BOUNDARY "between-the-parts"

/* NAME=VALUE, or NAME=VALUE as FILE */
static int add_part(struct script *script, struct bytes line)
{
    size_t equals = bytes_index_of(line, '=');
    struct bytes value = bytes_from(line, equals + 1);
    const char *as = memmem(value.ptr, value.len, " as ", 4);
    if (!script->parts.len)
        buf_append_text(&script->request_headers,
                        "Content-Type: multipart/form-data; boundary=" BOUNDARY "\n");
    buf_printf(&script->parts, "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"%.*s\"",
               (int)equals, line.ptr);
    if (as) {
        buf_printf(&script->parts, "; filename=\"%.*s\"", (int)(value.ptr + value.len - as) - 4,
                   as + 4);
        value.len = (size_t)(as - value.ptr);
    }
    return buf_printf(&script->parts, "\r\n\r\n%.*s\r\n", BYTES_ARG(value));
}

static int put_parts(struct script *script, struct error *err)
{
    if (!script->parts.len)
        return 0;
    buf_append_text(&script->parts, "--" BOUNDARY "--\r\n");
    struct bytes body = buf_bytes(&script->parts);
    script->exchange.request_body_bytes = body.len;
    return trace_writer_put_body(script->writer, body, &script->exchange.request_body_id, err);
}

static int flush_exchange(struct script *script, struct error *err)
{
    if (!script->has_exchange)
        return 0;
    script->has_exchange = false;
    if (put_parts(script, err))
        return -1;
    buf_clear(&script->events);
    script->exchange.request_headers = buf_bytes(&script->request_headers);
    script->exchange.response_headers = buf_bytes(&script->response_headers);
    script->session.exchange_count++;
    return trace_writer_add_exchange(script->writer, &script->exchange, err);
}

static int flush_session(struct script *script, struct error *err)
{
    if (flush_exchange(script, err))
        return -1;
    if (!script->session.session_id)
        return 0;
    if (trace_writer_put_session(script->writer, &script->session, err))
        return -1;
    return trace_writer_put_connection(script->writer, &script->connection, err);
}

static int begin_connection(struct script *script, struct error *err)
{
    int64_t id = script->connection.connection_id + 1;
    script->connection = (struct trace_connection){.connection_id = id,
                                                   .client_address = bytes_of("127.0.0.1"),
                                                   .client_port = 40000,
                                                   .server_address = bytes_of("127.0.0.1"),
                                                   .server_port = 80,
                                                   .protocol = bytes_of("http/1.1"),
                                                   .closed_us = TRACE_NO_MOMENT};
    return trace_writer_put_connection(script->writer, &script->connection, err);
}

static int begin_session(struct script *script, struct bytes label, struct error *err)
{
    if (flush_session(script, err))
        return -1;
    int64_t id = script->session.session_id + 1;
    script->session = (struct trace_session){.session_id = id,
                                             .identity_kind = TRACE_BY_ADDRESS,
                                             .identity = label,
                                             .label = label,
                                             .first_us = INT64_MAX};
    if (trace_writer_put_session(script->writer, &script->session, err))
        return -1;
    return begin_connection(script, err);
}

/* Closed at that moment; what follows goes over another one. */
static int close_connection(struct script *script, struct bytes at_ms, struct error *err)
{
    if (flush_exchange(script, err))
        return -1;
    script->connection.closed_us = ms_to_us(strtod(at_ms.ptr, NULL));
    script->connection.end = TRACE_END_FIN;
    if (trace_writer_put_connection(script->writer, &script->connection, err))
        return -1;
    return begin_connection(script, err);
}

static void touch(struct script *script, int64_t at_us)
{
    if (at_us < script->session.first_us)
        script->session.first_us = at_us;
    if (at_us > script->session.last_us)
        script->session.last_us = at_us;
    if (at_us > script->last_us)
        script->last_us = at_us;
}

static struct bytes word(struct bytes *rest)
{
    struct bytes part = {0};
    *rest = bytes_trim(*rest);
    bytes_split(rest, ' ', &part);
    return part;
}

static struct bytes keep(struct script *script, struct bytes text)
{
    size_t at = script->texts.len;
    buf_append_bytes(&script->texts, text);
    return bytes_make(script->texts.data + at, text.len);
}

/* BEGIN END METHOD TARGET STATUS [BODY] */
static int add_exchange(struct script *script, struct bytes line, struct error *err)
{
    if (flush_exchange(script, err))
        return -1;
    buf_clear(&script->texts);
    if (!buf_reserve(&script->texts, 2 * line.len + 16)) /* so that views stay where they are */
        return error_set(err, EXIT_TOOL, "no memory");
    buf_clear(&script->request_headers);
    buf_clear(&script->response_headers);
    buf_clear(&script->parts);
    struct bytes begin = word(&line), end = word(&line), method = word(&line), target = word(&line);
    struct bytes status = word(&line), body = bytes_trim(line);
    if (!target.len || !script->session.session_id)
        return error_set(err, EXIT_INPUT,
                         "expected: session NAME, then BEGIN END METHOD TARGET STATUS");
    bool is_websocket = bytes_equal(method, bytes_of("WS"));
    int64_t begin_us = ms_to_us(strtod(begin.ptr, NULL));
    int64_t end_us = end.ptr[0] == '-' ? TRACE_NO_MOMENT : ms_to_us(strtod(end.ptr, NULL));
    uint64_t code = 101;
    if (!is_websocket && !bytes_to_u64(status, &code))
        return error_set(err, EXIT_INPUT, "the status is no number");
    script->exchange = (struct trace_exchange){
        .exchange_id = script->next_exchange_id++,
        .session_id = script->session.session_id,
        .connection_id = script->connection.connection_id,
        .request_first_us = begin_us,
        .request_last_us = begin_us,
        .response_first_us = end_us,
        .response_last_us = end_us,
        .method = is_websocket ? bytes_of("GET") : keep(script, method),
        .scheme = bytes_of("http"),
        .authority = bytes_of("recorded.example"),
        .target = keep(script, target),
        .http_version = bytes_of("1.1"),
        .status = (int)code,
        .is_websocket = is_websocket,
        .request_body_bytes = body.len,
    };
    script->has_exchange = true;
    buf_append_text(&script->request_headers, "Host: recorded.example\n");
    touch(script, begin_us);
    if (end_us != TRACE_NO_MOMENT)
        touch(script, end_us);
    return trace_writer_put_body(script->writer, body, &script->exchange.request_body_id, err);
}

/* MOMENT TEXT, or MOMENT close CODE */
static int add_message(struct script *script, enum trace_sender sender, struct bytes line,
                       struct error *err)
{
    int64_t exchange_id = script->next_exchange_id - 1;
    if (flush_exchange(script, err))
        return -1;
    struct bytes moment = word(&line), payload = bytes_trim(line);
    int64_t at_us = ms_to_us(strtod(moment.ptr, NULL));
    struct trace_message message = {.exchange_id = exchange_id,
                                    .connection_id = script->connection.connection_id,
                                    .session_id = script->session.session_id,
                                    .first_us = at_us,
                                    .last_us = at_us,
                                    .sender = sender,
                                    .opcode = 1,
                                    .frame_count = 1};
    if (bytes_starts_with(payload, bytes_of("close "))) {
        message.opcode = 8;
        message.close_code = (int)strtol(payload.ptr + 6, NULL, 10);
        payload = (struct bytes){0};
    }
    message.payload_bytes = message.wire_bytes = payload.len;
    script->session.message_count++;
    touch(script, at_us);
    if (trace_writer_put_body(script->writer, payload, &message.body_id, err))
        return -1;
    return trace_writer_add_message(script->writer, &message, err);
}

/* BORN PLACE -> USED PLACE [as FORM] */
static int add_binding(struct script *script, struct bytes line, struct error *err)
{
    const char *arrow = memmem(line.ptr, line.len, " -> ", 4);
    if (!arrow)
        return error_set(err, EXIT_INPUT, "expected: bind BORN PLACE -> USED PLACE [as FORM]");
    struct bytes born = bytes_make(line.ptr, (size_t)(arrow - line.ptr));
    struct bytes used = bytes_from(line, born.len + 4), form = bytes_of("raw");
    const char *as = memmem(used.ptr, used.len, " as ", 4);
    if (as) {
        form = bytes_from(used, (size_t)(as - used.ptr) + 4);
        used.len = (size_t)(as - used.ptr);
    }
    const struct trace_binding binding = {
        .born_exchange_id = strtoll(word(&born).ptr, NULL, 10),
        .born_place = bytes_trim(born),
        .used_exchange_id = strtoll(word(&used).ptr, NULL, 10),
        .used_place = bytes_trim(used),
        .score = 1,
        .evidence = bytes_of("by hand"),
        .state = bytes_of("on"),
        .form = form,
        .origin = bytes_of("edited"),
    };
    return trace_writer_add_binding(script->writer, &binding, err);
}

static int set_answer(struct script *script, struct bytes body, struct error *err)
{
    script->exchange.response_body_bytes = body.len;
    return trace_writer_put_body(script->writer, body, &script->exchange.response_body_id, err);
}

static int add_event(struct script *script, struct bytes line, struct error *err)
{
    struct bytes type = word(&line);
    buf_printf(&script->events, "event: %.*s\ndata: %.*s\n\n", BYTES_ARG(type),
               BYTES_ARG(bytes_trim(line)));
    return set_answer(script, buf_bytes(&script->events), err);
}

static int add_line(struct script *script, struct bytes line, struct error *err)
{
    if (line.len == 0 || line.ptr[0] == '#')
        return 0;
    if (bytes_starts_with(line, bytes_of("session ")))
        return begin_session(script, bytes_from(line, 8), err);
    if (bytes_starts_with(line, bytes_of("closed ")))
        return close_connection(script, bytes_from(line, 7), err);
    if (bytes_equal(line, bytes_of("no-host")))
        return buf_clear(&script->request_headers), 0;
    if (bytes_starts_with(line, bytes_of("header ")))
        return buf_printf(&script->request_headers, "%.*s\n", BYTES_ARG(bytes_from(line, 7)));
    if (bytes_starts_with(line, bytes_of("set-cookie ")))
        return buf_printf(&script->response_headers, "Set-Cookie: %.*s\n",
                          BYTES_ARG(bytes_from(line, 11)));
    if (bytes_starts_with(line, bytes_of("answer-header ")))
        return buf_printf(&script->response_headers, "%.*s\n", BYTES_ARG(bytes_from(line, 14)));
    if (bytes_starts_with(line, bytes_of("answer ")))
        return set_answer(script, bytes_from(line, 7), err);
    if (bytes_starts_with(line, bytes_of("part ")))
        return add_part(script, bytes_from(line, 5));
    if (bytes_starts_with(line, bytes_of("event ")))
        return add_event(script, bytes_from(line, 6), err);
    if (bytes_starts_with(line, bytes_of("answered ")))
        return script->exchange.response_first_us = ms_to_us(strtod(line.ptr + 9, NULL)), 0;
    if (bytes_starts_with(line, bytes_of("bind ")))
        return add_binding(script, bytes_from(line, 5), err);
    if (line.ptr[0] == '>')
        return add_message(script, TRACE_CLIENT, bytes_from(line, 1), err);
    if (line.ptr[0] == '<')
        return add_message(script, TRACE_SERVER, bytes_from(line, 1), err);
    return add_exchange(script, line, err);
}

static int add_lines(struct script *script, struct bytes rest, struct error *err)
{
    struct bytes line;
    for (int number = 1; bytes_split(&rest, '\n', &line); number++) {
        if (add_line(script, bytes_trim(line), err))
            return error_prefix(err, "line %d", number);
    }
    return flush_session(script, err);
}

int script_trace_write(const char *path, const char *text, struct error *err)
{
    struct trace_facts facts = {.origin_unix_us = 1700000000000000,
                                .source = bytes_of("script"),
                                .tool_version = bytes_of("test"),
                                .redaction = bytes_of("none")};
    const struct trace_writer_options options = {.replaces_existing = true};
    struct script script = {.next_exchange_id = 1};
    buf_init(&script.texts, 64 << 20);
    buf_init(&script.request_headers, 1 << 20);
    buf_init(&script.response_headers, 1 << 20);
    buf_init(&script.parts, 1 << 20);
    buf_init(&script.events, 1 << 20);
    int result = trace_writer_open(&script.writer, path, &options, &facts, err);
    if (result == 0) {
        result = add_lines(&script, bytes_of(text), err);
        facts.is_complete = true;
        facts.last_us = script.last_us;
        if (result)
            trace_writer_abandon(script.writer);
        else
            result = trace_writer_close(script.writer, &facts, err);
    }
    buf_fini(&script.texts);
    buf_fini(&script.request_headers);
    buf_fini(&script.response_headers);
    buf_fini(&script.parts);
    buf_fini(&script.events);
    return result;
}
