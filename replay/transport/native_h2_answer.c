/*
 * native_h2_answer.c - what nghttp2 tells of the streams' answers, put together as those of
 * HTTP/1 are.
 *
 * The headers that are wanted are written down as an HTTP/1 head, which the rest of the transport
 * reads: so nothing behind this file knows which HTTP it was.
 */
#include <nghttp2/nghttp2.h>
#include <stdio.h>

#include "replay/transport/native_h2.h"

/* Frames of 16 KiB that hold a head far over the limit: it is refused, and the connection goes on.
 */
enum { MAX_CONTINUATIONS = HTTP1_MAX_HEAD_BYTES / (16 * 1024) * 4 };

static struct transport_call *call_of(nghttp2_session *session, int32_t stream_id)
{
    return nghttp2_session_get_stream_user_data(session, stream_id);
}

/* When the bytes in hand had come, for what was sent at `sent_us`. */
static uint64_t arrived_us(struct native_h2 *h2, const struct transport_call *call)
{
    struct loop *loop = h2->user->transport->loop;
    return h2->read_us ? h2->read_us
                       : loop_arrived_us(loop, call->is_sent ? call->sent_us : call->ready_us);
}

/* Off the connection, and told. The stream is closed by nghttp2, or reset here with `code`. */
static void end(struct native_h2 *h2, struct transport_call *call, enum failure failure,
                const char *detail, uint32_t code)
{
    if (code != NGHTTP2_NO_ERROR)
        nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, call->stream_id, code);
    native_h2_unlink(call);
    native_call_done(call, failure, detail);
}

/* ---- the head ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
    struct native_h2 *h2 = owner;
    struct network_sampler *network = &h2->user->transport->network;
    struct transport_call *call = call_of(session, frame->hd.stream_id);
    if (!call || call->answer.has_head)
        return 0;
    if (!call->first_us) { /* frames that open windows may have come before */
        call->first_us = arrived_us(h2, call);
        if (network_sampler_is_due(network))
            network_sampler_look(network, h2->stream.fd, &h2->seen);
    }
    call->answer.head_bytes = call->answer.field_count = 0;
    call->answer.facts = (struct answer_head){0};
    call->answer.is_head_closed = false;
    buf_clear(&call->answer.gathered_head);
    return 0;
}

static bool is_named(const uint8_t *name, size_t len, const char *wanted)
{
    return bytes_equal(bytes_make(name, len), bytes_of(wanted));
}

/* Every header with keeps_headers, else what the user and its body need. */
static bool is_wanted(const struct native_answer *answer, const uint8_t *name, size_t len)
{
    return answer->keeps_headers || is_named(name, len, "set-cookie") ||
           (answer->gathers_body && is_named(name, len, "content-encoding"));
}

static void write_down(struct native_answer *answer, struct bytes name, struct bytes value)
{
    struct buf *head = &answer->gathered_head;
    if (head->len == 0)
        buf_printf(head, "HTTP/1.1 %d -\r\n", answer->facts.status);
    buf_append_bytes(head, name);
    buf_append(head, ": ", 2);
    buf_append_bytes(head, value);
    buf_append(head, "\r\n", 2);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *owner)
{
    struct native_h2 *h2 = owner;
    struct transport_call *call = call_of(session, frame->hd.stream_id);
    (void)flags;
    if (!call || call->answer.has_head) /* behind the body: a trailer's */
        return 0;
    struct native_answer *answer = &call->answer;
    answer->head_bytes += name_len + value_len + 4;
    answer->field_count += name_len && name[0] != ':';
    if (answer->head_bytes > HTTP1_MAX_HEAD_BYTES || answer->field_count > HTTP1_MAX_HEADERS) {
        end(h2, call, FAILURE_HEAD_TOO_LARGE,
            answer->field_count > HTTP1_MAX_HEADERS ? "the answer has more than 256 headers"
                                                    : "the answer's headers are over 256 KiB",
            NGHTTP2_CANCEL);
        return 0;
    }
    if (is_named(name, name_len, ":status")) { /* nghttp2 has seen that it is three digits */
        for (size_t i = 0; i < value_len && i < 3; i++)
            answer->facts.status = answer->facts.status * 10 + (value[i] - '0');
    } else if (name_len && name[0] != ':' && is_wanted(answer, name, name_len)) {
        write_down(answer, bytes_make(name, name_len), bytes_make(value, value_len));
    }
    return 0;
}

/* ---- the body, and the end ---- */

/* As native_answer_take() leaves an answer of HTTP/1. */
static bool put_together(struct transport_call *call)
{
    struct native_answer *answer = &call->answer;
    if (answer->gathered_head.len) {
        int status = answer->facts.status;
        if (!answer->is_head_closed) /* whoever sees the body has seen it before */
            buf_append(&answer->gathered_head, "\r\n", 2);
        answer->is_head_closed = true;
        if (buf_failed(&answer->gathered_head) ||
            answer_head_parse(buf_bytes(&answer->gathered_head), answer->keeps_headers,
                              answer->is_to_head, &answer->facts,
                              call->user->transport->scratch) <= 0)
            return false;
        answer->facts.status = status;
        answer->head = buf_bytes(&answer->gathered_head);
    }
    if (answer->keeps_body || answer->gathers_body)
        answer->content = buf_bytes(&answer->gathered_body);
    return true;
}

/* The answer is whole, or as much of it as is wanted. What of the request has not been sent yet is
 * not wanted any more. */
static void complete(struct native_h2 *h2, struct transport_call *call, bool is_whole)
{
    call->ended_us = arrived_us(h2, call);
    h2->is_used = true;
    if (call->request.closes_connection)
        h2->is_going = true;
    uint32_t code = call->is_sent && is_whole ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL;
    if (put_together(call))
        end(h2, call, FAILURE_NONE, NULL, code);
    else
        end(h2, call, FAILURE_PROTOCOL, "the answer's headers contradict each other", code);
}

/* The head, or a piece of the body, for whoever sees the answer as it comes. */
static void show(struct native_h2 *h2, struct transport_call *call, struct bytes data)
{
    struct native_answer *answer = &call->answer;
    bool needs_head = !answer->was_shown || answer->views_head;
    if (needs_head && !put_together(call)) {
        end(h2, call, FAILURE_PROTOCOL, "the answer's headers contradict each other",
            NGHTTP2_CANCEL);
        return;
    }
    if (answer->views_head)
        call->ended_us = arrived_us(h2, call);
    enum answer_state state = answer->was_shown
                                  ? answer->viewer->on_body(answer->viewer_owner, data)
                                  : native_answer_show(answer, data);
    if (state == ANSWER_DONE)
        complete(h2, call, false);
    else if (state == ANSWER_BROKEN)
        end(h2, call, answer->failure, answer->detail, NGHTTP2_CANCEL);
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data,
                   size_t len, void *owner)
{
    struct native_h2 *h2 = owner;
    struct transport_call *call = call_of(session, stream_id);
    (void)flags;
    if (!call)
        return 0;
    struct native_answer *answer = &call->answer;
    answer->body_bytes += len;
    if (answer->was_shown) {
        if (len)
            show(h2, call, bytes_make(data, len));
        return 0;
    }
    if (answer->gathers_body && buf_append(&answer->gathered_body, data, len))
        end(h2, call, FAILURE_BODY_TOO_LARGE, "the answer's body is over the limit",
            NGHTTP2_CANCEL);
    return 0;
}

/* An interim one, or the answer's own. */
static void head_ended(struct transport_call *call)
{
    struct native_answer *answer = &call->answer;
    answer->has_head = answer->facts.status >= 200;
    answer->was_continued |= answer->facts.status == 100;
    if (answer->was_continued && call->continue_at_us)
        native_h2_continue(call);
    else if (answer->has_head && call->continue_at_us)
        call->continue_at_us = NATIVE_CONTINUE_NEVER; /* the body is not wanted */
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
    struct native_h2 *h2 = owner;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        h2->is_going = true;
        h2->goaway_code = frame->goaway.error_code;
        return 0;
    }
    struct transport_call *call =
        frame->hd.stream_id ? call_of(session, frame->hd.stream_id) : NULL;
    if (!call)
        return 0;
    call->received_bytes += NATIVE_H2_FRAME_HEAD_BYTES + frame->hd.length;
    call->was_reset = call->was_reset || frame->hd.type == NGHTTP2_RST_STREAM;
    if (frame->hd.type == NGHTTP2_HEADERS)
        head_ended(call);
    bool is_last = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                   frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (is_last && call->answer.has_head)
        complete(h2, call, true);
    else if (frame->hd.type == NGHTTP2_HEADERS && call->answer.has_head && call->answer.viewer &&
             !call->answer.was_shown)
        show(h2, call, (struct bytes){0});
    return 0;
}

/* Before its answer was whole. A stream that was refused has not been looked at (RFC 9113 8.7). */
static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t code, void *owner)
{
    struct native_h2 *h2 = owner;
    struct transport_call *call = call_of(session, stream_id);
    char detail[96];
    if (!call)
        return 0;
    if (code == NGHTTP2_REFUSED_STREAM && !call->was_retried && !call->answer.has_head) {
        native_h2_unlink(call);
        native_h2_again(call);
        return 0;
    }
    snprintf(detail, sizeof detail,
             call->was_reset || code == NGHTTP2_REFUSED_STREAM ? "the target reset the stream: %s"
                                                               : "the answer breaks HTTP/2: %s",
             nghttp2_http2_strerror(code));
    bool is_its_choice = call->was_reset || code == NGHTTP2_REFUSED_STREAM;
    end(h2, call, is_its_choice ? FAILURE_RESET : FAILURE_PROTOCOL, detail, NGHTTP2_NO_ERROR);
    return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int code,
                            void *owner)
{
    struct native_h2 *h2 = owner;
    (void)session;
    if (frame->hd.stream_id == 0)
        h2->broken_by = nghttp2_strerror(code);
    return 0;
}

int native_h2_shared_init(struct native_h2_shared *shared)
{
    if (nghttp2_session_callbacks_new(&shared->callbacks) || nghttp2_option_new(&shared->option)) {
        native_h2_shared_fini(shared);
        return -1;
    }
    nghttp2_session_callbacks *callbacks = shared->callbacks;
    native_h2_request_shared(shared);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    /* Closed streams are kept for priorities only, which we do not send. */
    nghttp2_option_set_no_closed_streams(shared->option, 1);
    nghttp2_option_set_peer_max_concurrent_streams(shared->option, NATIVE_H2_FIRST_STREAMS);
    nghttp2_option_set_max_continuations(shared->option, MAX_CONTINUATIONS);
    return 0;
}

void native_h2_shared_fini(struct native_h2_shared *shared)
{
    nghttp2_session_callbacks_del(shared->callbacks);
    nghttp2_option_del(shared->option);
    *shared = (struct native_h2_shared){0};
}
