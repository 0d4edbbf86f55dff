/* native_data.c - gives the pieces of an answer's body to whoever looks at it as it comes. */
#include "replay/transport/native_data.h"

#include <stdlib.h>

#include "replay/transport/transport_native.h"
#include "traces/content_stream.h"

struct native_data {
    struct content_stream *stream; /* NULL: there is no coding */
    struct buf kept;               /* decoded; of a request that keeps the body as well */
    bool has_begun;
    bool was_read; /* by the request's reader, which has what is decoded for both */
    bool is_cut;   /* its owner wanted no more */
    bool is_over;  /* kept is over the limit */
};

int native_data_begin(struct transport_call *call)
{
    const struct transport_request *request = &call->request;
    struct native_answer *answer = &call->answer;
    bool is_looked_at = request->data != NULL;
    size_t max_body_bytes = call->user->transport->options.max_body_bytes;
    native_answer_init(answer, answer->is_to_head, request->keeps_body && !is_looked_at,
                       request->keeps_headers || is_looked_at, max_body_bytes);
    native_data_free(call);
    if (!is_looked_at) {
        native_answer_read_by(answer, request->reader, request->owner);
        return 0;
    }
    call->data = calloc(1, sizeof *call->data);
    if (!call->data)
        return -1;
    buf_init(&call->data->kept, max_body_bytes);
    answer->on_data = native_data_take;
    answer->owner = call;
    return 0;
}

void native_data_free(struct transport_call *call)
{
    if (!call->data)
        return;
    content_stream_free(call->data->stream);
    buf_fini(&call->data->kept);
    free(call->data);
    call->data = NULL;
}

/* Decoded bytes: to the owner, and kept if it wants to have them all in the end. */
static bool give(void *owner, struct bytes data)
{
    struct transport_call *call = owner;
    struct native_answer *answer = &call->answer;
    struct native_data *looked = call->data;
    struct transport_result so_far = {
        .bytes_sent = call->sent_bytes,
        .bytes_received = call->received_bytes,
        .body_bytes = answer->body_bytes,
        .response = {.status = answer->facts.status,
                     .headers = call->user->transport->scratch->headers,
                     .header_count = answer->facts.header_count},
    };
    const struct transport_reader *reader = call->request.reader;
    native_call_times(call, &so_far);
    if (reader && !looked->was_read)
        reader->on_head(call->request.owner, &so_far.response);
    looked->was_read = reader != NULL;
    if (reader)
        reader->on_body(call->request.owner, data);
    if (call->request.keeps_body && buf_append_bytes(&looked->kept, data)) {
        looked->is_over = true;
        return false;
    }
    looked->is_cut = !call->request.data(call->request.owner, &so_far, data);
    return !looked->is_cut;
}

static int broken(struct transport_call *call, enum failure failure, const char *detail)
{
    call->answer.failure = failure;
    call->answer.detail = detail;
    return ANSWER_BROKEN;
}

static enum content_result decode(struct transport_call *call, struct bytes data,
                                  const char **ret_detail)
{
    struct native_data *looked = call->data;
    if (!looked->has_begun) {
        enum content_result result =
            content_stream_new(call->user->transport->scratch->headers,
                               call->answer.facts.header_count, &looked->stream, ret_detail);
        if (result != CONTENT_DECODED)
            return result;
        looked->has_begun = true;
    }
    if (looked->stream)
        return content_stream_feed(looked->stream, data, give, call, ret_detail);
    give(call, data);
    return CONTENT_DECODED;
}

int native_data_take(void *owner, struct bytes data)
{
    struct transport_call *call = owner;
    struct native_data *looked = call->data;
    const char *detail = "";
    enum content_result result = decode(call, data, &detail);
    if (result != CONTENT_DECODED)
        return broken(call, native_coding_failure(result), detail);
    if (looked->is_over)
        return broken(call, FAILURE_BODY_TOO_LARGE, "the answer's body is over the limit");
    return looked->is_cut ? ANSWER_DONE : ANSWER_NEEDS_MORE;
}

void native_data_result(struct transport_call *call, struct transport_result *result)
{
    struct native_data *looked = call->data;
    result->was_read = looked->was_read;
    if (!looked->is_cut && looked->stream && !content_stream_is_whole(looked->stream)) {
        result->failure = FAILURE_CODING;
        result->detail = content_result_detail(CONTENT_BAD);
        result->response = (struct http_response){0};
    } else if (call->request.keeps_body) {
        result->response.body = buf_bytes(&looked->kept);
    }
}
