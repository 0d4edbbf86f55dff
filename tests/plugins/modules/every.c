/* every.c - has every callback and calls every host function of the version it is compiled with:
 * built against each header in tests/abi/, loaded by abi_test.c. */
#include "reprise_plugin.h"

#include <string.h>

/* What the test reads: how often each callback came, and what was not as its header says. */
struct seen {
    uint64_t calls[16];
    uint64_t wrong;
    uint64_t minor;
    const char *word;
};

#define CHECK(holds) ((void)((holds) || (seen->wrong = seen->wrong ? seen->wrong : __LINE__)))

static struct seen *see(const reprise_call *call, int callback)
{
    struct seen *seen = call->plugin;
    seen->calls[callback]++;
    seen->minor = REPRISE_ABI_MINOR;
    CHECK(call->host->size >= sizeof(reprise_host)); /* never less than what it was built for */
    CHECK(call->host->abi_major == REPRISE_ABI_MAJOR);
    CHECK(call->host->abi_minor >= REPRISE_ABI_MINOR);
    CHECK(seen->word && strcmp(seen->word, "given") == 0);
    CHECK(call->target.ptr && strcmp(call->target.ptr, "https://target.test:8443") == 0);
    return seen;
}

static int start(const reprise_call *call)
{
    struct seen *seen = see(call, 0);
    CHECK(call->host->metric(call, "every_added", "us", REPRISE_HISTOGRAM) == 1);
    call->host->log(call, REPRISE_DEBUG, "started with %d", 1);
    return REPRISE_CONTINUE;
}

static void stop(const reprise_call *call)
{
    see(call, 1);
}

static int on_session_start(const reprise_call *call)
{
    struct seen *seen = see(call, 2);
    CHECK(call->session_id == 77 && call->user_index == 5 && call->user);
    (void)call->host->random(call);
    return REPRISE_CONTINUE;
}

#if REPRISE_ABI_MINOR >= 1
static int64_t read_body(void *state, uint64_t offset, void *into, size_t max)
{
    (void)state;
    (void)offset;
    memset(into, 'x', max);
    return (int64_t)max;
}

static void use_1_1(const reprise_call *call, reprise_request *request, struct seen *seen)
{
    const reprise_host *host = call->host;
    const reprise_bytes text = {"text", 4};
    const reprise_answer answer = {.size = sizeof answer, .status = 200, .body = text};
    const reprise_body_source source = {.size = sizeof source, .body_bytes = 4, .read = read_body};
    CHECK(call->step_count == 20);
    CHECK(request->mark == 6);
    CHECK(request->body_bytes == 4);
    CHECK(host->request_body_at(call, request, 0).len == 4);
    CHECK(host->settle(call, 3, &answer) == 0);
    CHECK(host->replace_value(call, text, text) == 2);
    CHECK(strcmp(host->data(call, "email").ptr, "a@b") == 0);
    CHECK(!host->new_request_of_step(call, 9, 1));
    host->wake(call);
    host->keep_body(call);
    CHECK(host->set_cookie(call, 3, "sid=1") == 0);
    CHECK(host->set_cookie(call, 4, "sid=1") == -1);
    CHECK(host->set_body_source(call, request, &source) == 0);
    host->limit_us(call, 11);
    host->limit_us(call, 0);
    host->limit_us(call, 12);
}

static int on_recorded(const reprise_call *call, const reprise_recorded *recorded)
{
    struct seen *seen = see(call, 7);
    CHECK(recorded->status == 200 && recorded->request_header_count == 1);
    CHECK(call->host->mark(call, recorded->step, 6) == 0);
    return REPRISE_CONTINUE;
}

static int on_response_data(const reprise_call *call, const reprise_response *response,
                            reprise_bytes data)
{
    struct seen *seen = see(call, 8);
    CHECK(response->status == 200 && data.len == 5);
    call->host->end_response(call);
    return REPRISE_CONTINUE;
}

static int on_recording_end(const reprise_call *call)
{
    struct seen *seen = see(call, 9);
    CHECK(seen->calls[7] == 1 && seen->calls[2] == 0 && !call->user && call->session_id == 0);
    CHECK(call->host->mark(call, 0, 1) == -1);
    return REPRISE_CONTINUE;
}
#endif

static int on_request(const reprise_call *call, reprise_request *request)
{
    struct seen *seen = see(call, 3);
    const reprise_host *host = call->host;
    reprise_bytes name, value;
    CHECK(request->step == 3 && request->url.ptr);
    CHECK(strcmp(host->request_header(call, request, "accept").ptr, "text/html") == 0);
    CHECK(host->request_header_at(call, request, 1, &name, &value) == 1);
    CHECK(host->set_method(call, request, "PUT") == 0);
    CHECK(host->set_url(call, request, "/every") == 0);
    CHECK(host->set_header(call, request, "X-Every", "1") == 0);
    CHECK(host->set_body(call, request, "body", 4) == 0);
    reprise_request *added = host->new_request(call, NULL, 8);
    CHECK(added && host->send(call, added) == 0);
    host->delay_us(call, 7);
    host->record(call, 0, 1);
    host->record(call, 1, 2);
#if REPRISE_ABI_MINOR >= 1
    use_1_1(call, request, seen);
#endif
    return REPRISE_CONTINUE;
}

static int on_response(const reprise_call *call, const reprise_response *response)
{
    struct seen *seen = see(call, 4);
    const reprise_host *host = call->host;
    reprise_bytes name, value;
    CHECK(response->status == 200 && response->recorded_status == 200 && response->total_us == 200);
    CHECK(strcmp(host->response_header(call, response, "X-Token").ptr, "t0ken") == 0);
    CHECK(host->response_header_at(call, response, 2, &name, &value) == 1);
    CHECK(response->body.ptr && strcmp(response->body.ptr, "answer") == 0);
#if REPRISE_ABI_MINOR >= 1
    CHECK(host->judge(call, REPRISE_EXPECTED, "as it should be") == 0);
    CHECK(host->settle_like(call, 3, response) == 0);
#endif
    host->error(call, "kept in case");
    return REPRISE_CONTINUE;
}

static int on_ws_message(const reprise_call *call, const reprise_ws_message *message)
{
    struct seen *seen = see(call, 5);
    CHECK(message->is_outgoing && message->is_text && message->data.len == 3);
    CHECK(call->host->ws_replace(call, "new", 3) == 0);
    CHECK(call->host->ws_send(call, "more", 4, 1) == 0);
    return REPRISE_CONTINUE;
}

static void on_session_end(const reprise_call *call)
{
    see(call, 6);
}

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, struct seen, word, NULL, "has to arrive"),
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {{"every_request", "", "requests", REPRISE_COUNTER, 0},
                                         REPRISE_METRICS_END};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "every",
    .version = "1",
    .flags = REPRISE_WANT_BODY,
    .plugin_size = sizeof(struct seen),
    .user_size = 8,
    .options = options,
    .metrics = metrics,
    .start = start,
    .stop = stop,
    .on_session_start = on_session_start,
    .on_request = on_request,
    .on_response = on_response,
    .on_ws_message = on_ws_message,
    .on_session_end = on_session_end,
#if REPRISE_ABI_MINOR >= 1
    .on_recorded = on_recorded,
    .on_response_data = on_response_data,
    .on_recording_end = on_recording_end,
#endif
};

REPRISE_REGISTER(plugin);
