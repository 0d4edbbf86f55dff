/* native_view.c - shows an answer's head and body to its request's viewer, and keeps the body where
 * that is wanted as well. */
#include "replay/transport/native_view.h"

#include "replay/transport/transport_native.h"

static struct http_response head_of(const struct transport_call *call)
{
    return (struct http_response){.status = call->answer.facts.status,
                                  .headers = call->user->transport->scratch->headers,
                                  .header_count = call->answer.facts.header_count};
}

/* Its codings are among all headers, whichever are kept. That one is not known matters with the
 * first byte of a body. */
static void begin_decoding(struct transport_call *call)
{
    struct transport *transport = call->user->transport;
    const struct native_answer *answer = &call->answer;
    const struct http1_head *core = &transport->scratch->core;
    struct answer_head facts;
    answer_head_parse_core(answer->head, answer->keeps_headers, answer->is_to_head, &facts,
                           transport->scratch);
    call->view.result = content_stream_new(transport->streams, core->headers, core->header_count,
                                           &call->view.coding, &call->view.detail);
    if (call->view.coding && call->request.keeps_body) /* which ends it first */
        content_stream_allow(call->view.coding, 2 * (uint64_t)transport->options.max_body_bytes);
}

static void on_head(void *owner)
{
    struct transport_call *call = owner;
    const struct transport_request *request = &call->request;
    call->view = (struct native_view){.result = CONTENT_DECODED};
    call->view.is_plain =
        !call->answer.facts.has_coding && !request->keeps_body && !request->viewer->wants_so_far;
    if (call->answer.facts.has_coding)
        begin_decoding(call);
    const struct http_response head = head_of(call);
    request->viewer->on_head(request->owner, &head);
}

/* Decoded bytes: kept if somebody wants to have them all in the end, and to the viewer. */
static bool give(void *owner, struct bytes data)
{
    struct transport_call *call = owner;
    const struct transport_viewer *viewer = call->request.viewer;
    if (call->request.keeps_body && native_answer_keep(&call->answer, data))
        return false;
    if (!viewer->wants_so_far) {
        call->view.is_cut = !viewer->on_body(call->request.owner, NULL, data);
        return !call->view.is_cut;
    }
    struct transport_result so_far = {
        .bytes_sent = call->sent_bytes,
        .bytes_received = call->received_bytes,
        .body_bytes = call->answer.body_bytes,
        .response = head_of(call),
        .was_shown = true,
    };
    native_call_times(call, &so_far);
    call->view.is_cut = !viewer->on_body(call->request.owner, &so_far, data);
    return !call->view.is_cut;
}

static enum answer_state undo_and_give(struct transport_call *call, struct bytes piece)
{
    struct native_view *view = &call->view;
    if (view->result == CONTENT_DECODED && view->coding)
        view->result = content_stream_feed(view->coding, piece, give, call, &view->detail);
    else if (view->result == CONTENT_DECODED)
        give(call, piece);
    if (view->result != CONTENT_DECODED) {
        call->answer.failure = native_coding_failure(view->result);
        call->answer.detail = view->detail;
    }
    if (call->answer.failure != FAILURE_NONE)
        return ANSWER_BROKEN;
    return view->is_cut ? ANSWER_DONE : ANSWER_NEEDS_MORE;
}

static enum answer_state on_body(void *owner, struct bytes piece)
{
    struct transport_call *call = owner;
    if (!call->view.is_plain)
        return undo_and_give(call, piece);
    if (call->request.viewer->on_body(call->request.owner, NULL, piece))
        return ANSWER_NEEDS_MORE;
    call->view.is_cut = true;
    return ANSWER_DONE;
}

static const struct answer_viewer answer_viewer = {.on_head = on_head, .on_body = on_body};

void native_view_begin(struct transport_call *call)
{
    const struct transport_request *request = &call->request;
    struct native_answer *answer = &call->answer;
    native_answer_init(answer, answer->is_to_head, request->keeps_body, request->keeps_headers,
                       call->user->transport->options.max_body_bytes);
    if (request->viewer)
        native_answer_view_by(answer, &answer_viewer, call, request->viewer->wants_so_far);
}

void native_view_end(struct transport_call *call)
{
    if (!call->answer.was_shown)
        return;
    content_stream_free(call->view.coding);
    call->view.coding = NULL;
}

void native_view_result(struct transport_call *call, struct transport_result *result)
{
    const struct native_view *view = &call->view;
    if (!view->is_cut && view->coding && !content_stream_is_whole(view->coding)) {
        result->failure = FAILURE_CODING;
        result->detail = content_result_detail(CONTENT_BAD);
        result->response = (struct http_response){0};
        return;
    }
    result->response.body = call->answer.content;
}

void native_view_late(struct transport_call *call, struct transport_result *result)
{
    struct native_answer *answer = &call->answer;
    struct bytes body = answer->content;
    answer->content = (struct bytes){0};
    result->was_shown = true;
    if (native_answer_show(answer, body) != ANSWER_BROKEN) {
        native_view_result(call, result);
        return;
    }
    result->failure = answer->failure;
    result->detail = answer->detail;
    result->response = (struct http_response){0};
}
