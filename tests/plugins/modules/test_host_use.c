/* test_host_use.c - test_host.h put through all it has, by a plugin that does one thing of each
 * kind; compiled and run as every C and C++ a plugin may be written in. */
#include "reprise_plugin.h"
#include "test_host.h"

static int failures;

#define CHECK(holds)                                                                               \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "line %d: %s\n", __LINE__, #holds);                                    \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

struct settings {
    const char *text;
    uint64_t count, wait, size;
    double share;
    uint32_t is_on;
};

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, struct settings, text, "a", "text"),
    REPRISE_OPTION(REPRISE_NUMBER, struct settings, count, "3", "number"),
    REPRISE_OPTION(REPRISE_DURATION, struct settings, wait, "250ms", "duration"),
    REPRISE_OPTION(REPRISE_SIZE, struct settings, size, "2KiB", "size"),
    REPRISE_OPTION(REPRISE_REAL, struct settings, share, "0.5", "real"),
    REPRISE_OPTION(REPRISE_SWITCH, struct settings, is_on, "off", "switch"),
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {{"things", "", "", REPRISE_COUNTER, 0},
                                         REPRISE_METRICS_END};

static reprise_bytes bytes_of(const char *text)
{
    reprise_bytes bytes = {text, strlen(text)};
    return bytes;
}

static int start(const reprise_call *call)
{
    return call->host->metric(call, "more", "", REPRISE_COUNTER) == 1 ? REPRISE_CONTINUE
                                                                      : REPRISE_FAIL;
}

static int on_recorded(const reprise_call *call, const reprise_recorded *recorded)
{
    return call->host->mark(call, recorded->step, 9) ? REPRISE_FAIL : REPRISE_CONTINUE;
}

static int marks_beyond_the_end;

static int on_recording_end(const reprise_call *call)
{
    marks_beyond_the_end += call->host->mark(call, 0, 9) != -1;
    call->host->log(call, REPRISE_WARNING, "%s", "all was shown");
    return REPRISE_CONTINUE;
}

static int64_t read_letters(void *state, uint64_t offset, void *into, size_t max)
{
    size_t most = max < 3 ? max : 3;
    (void)state;
    for (size_t i = 0; i < most; i++)
        ((char *)into)[i] = (char)('a' + (offset + i) % 26);
    return (int64_t)most;
}

static int released;

static void release(void *state)
{
    (void)state;
    released++;
}

static int on_request(const reprise_call *call, reprise_request *request)
{
    const reprise_host *host = call->host;
    reprise_bytes name, value;
    if (request->mark == 9) {
        CHECK(host->settle(call, request->step, NULL) == 0);
        return REPRISE_SKIP;
    }
    CHECK(host->request_header_at(call, request, 0, &name, &value) == 1);
    CHECK(host->request_header_at(call, request, 1, &name, &value) == 0);
    CHECK(host->set_method(call, request, "PUT") == 0);
    CHECK(host->set_url(call, request, "/other?x=1") == 0);
    CHECK(host->set_header(call, request, "bad name", "x") == -1);
    CHECK(host->set_header(call, request, "ACCEPT", "text/plain") == 0);
    CHECK(host->replace_value(call, bytes_of("old"), bytes_of("new")) == 1);
    CHECK(host->set_cookie(call, 2, "sid=1; Path=/") == 0);
    CHECK(host->set_cookie(call, 2, "=1") == -1);
    reprise_request *added = host->new_request(call, NULL, 4);
    CHECK(added && host->set_body(call, added, "hello", 5) == 0 && host->send(call, added) == 0);
    CHECK(host->send(call, added) == -1);
    added = host->new_request_of_step(call, 2, 5);
    CHECK(added && host->send(call, added) == 0);
    CHECK(!host->new_request_of_step(call, 3, 5));
    reprise_body_source source;
    memset((void *)&source, 0, sizeof source);
    source.size = sizeof source;
    source.body_bytes = 10;
    source.read = read_letters;
    source.release = release;
    CHECK(host->set_body_source(call, request, &source) == 0);
    host->record(call, 0, 2);
    host->record(call, 1, 3);
    host->wake(call);
    host->keep_body(call);
    host->delay_us(call, 5);
    host->delay_us(call, 3);
    host->limit_us(call, 8);
    host->limit_us(call, 9);
    host->log(call, REPRISE_INFO, "%d things", 2);
    return host->data(call, "email").len ? REPRISE_HOLD : REPRISE_CONTINUE;
}

static int on_response(const reprise_call *call, const reprise_response *response)
{
    const reprise_host *host = call->host;
    CHECK(!host->set_header(call, (reprise_request *)(void *)response->request, "A", "b") == 0);
    if (response->status == 404) {
        CHECK(host->judge(call, REPRISE_EXPECTED, "gone") == 0);
        CHECK(host->settle_like(call, 4, response) == 0);
    }
    if (response->status == 500) {
        host->error(call, "answered %u", response->status);
        host->error(call, "not this one");
        return REPRISE_FAIL;
    }
    return host->response_header(call, response, "retry-after").ptr ? REPRISE_RETRY
                                                                    : REPRISE_CONTINUE;
}

static int on_ws_message(const reprise_call *call, const reprise_ws_message *message)
{
    call->host->ws_send(call, "pong", 4, 1);
    return message->is_outgoing ? call->host->ws_replace(call, "new", 3) : REPRISE_SKIP;
}

static int on_response_data(const reprise_call *call, const reprise_response *response,
                            reprise_bytes data)
{
    (void)response;
    if (data.len > 3)
        call->host->end_response(call);
    return REPRISE_CONTINUE;
}

static void fill(reprise_plugin *plugin)
{
    memset((void *)plugin, 0, sizeof *plugin);
    plugin->size = sizeof *plugin;
    plugin->name = "used";
    plugin->plugin_size = sizeof(struct settings);
    plugin->user_size = 16;
    plugin->options = options;
    plugin->metrics = metrics;
    plugin->start = start;
    plugin->on_recorded = on_recorded;
    plugin->on_recording_end = on_recording_end;
    plugin->on_request = on_request;
    plugin->on_response = on_response;
    plugin->on_ws_message = on_ws_message;
    plugin->on_response_data = on_response_data;
}

static void check_options(struct test_host *host, const reprise_plugin *plugin)
{
    CHECK(test_host_init(host, plugin, "text=b\\,c,wait=2s,is_on") == 0);
    const struct settings *settings = (const struct settings *)host->call.plugin;
    CHECK(strcmp(settings->text, "b,c") == 0 && settings->count == 3 && settings->is_on == 1);
    CHECK(settings->wait == 2000000 && settings->size == 2048);
    CHECK(settings->share > 0.4 && settings->share < 0.6);
    test_host_fini(host);
    CHECK(test_host_init(host, plugin, "wait=soon") == -1 && strstr(host->error, "option wait"));
    test_host_fini(host);
}

static void check_request(struct test_host *host)
{
    test_host_give_step(host, 2, "DELETE", "https://target.test/2", "x");
    test_host_give_request(host, "POST", "https://api.test/old", "body");
    test_host_give_request_header(host, "Accept", "text/html");
    CHECK(test_host_on_request(host) == REPRISE_CONTINUE);
    CHECK(strcmp(host->request.view.url.ptr, "https://api.test/other?x=1") == 0);
    CHECK(strcmp(host->request.view.method.ptr, "PUT") == 0);
    CHECK(strcmp(test_host_header_of(host, "accept"), "text/plain") == 0);
    CHECK(!test_host_header_of(host, "Absent"));
    CHECK(strcmp(test_host_body(host, &host->request, 4).ptr, "abcdefghij") == 0);
    CHECK(host->added_count == 2 && host->added[0]->is_sent && host->added[0]->view.tag == 4);
    CHECK(strcmp(host->added[0]->body.ptr, "hello") == 0);
    CHECK(strcmp(host->added[0]->view.url.ptr, "https://target.test/") == 0);
    CHECK(strcmp(host->added[1]->view.method.ptr, "DELETE") == 0);
    CHECK(host->metrics[0].sum == 2 && host->metrics[1].last == 3);
    CHECK(host->delay_us == 5 && host->wakes == 1 && host->keeps_body);
    CHECK(host->limit_us == 8);
    CHECK(strcmp(host->log, "2 things") == 0);
    CHECK(strcmp(host->replaced.items[0].second.ptr, "new") == 0);
    CHECK(strstr(host->error, "set_header()") != NULL);
    test_host_give_data(host, "email", "a@b.test");
    test_host_give_request(host, "POST", "https://api.test/old", "");
    CHECK(released == 1);
    test_host_give_request_header(host, "Accept", "text/html");
    CHECK(test_host_on_request(host) == REPRISE_HOLD);
}

static void check_answers(struct test_host *host)
{
    test_host_give_response(host, 429, NULL);
    test_host_give_response_header(host, "Retry-After", "1");
    CHECK(test_host_on_response(host) == REPRISE_RETRY && !host->judgement);
    test_host_give_response(host, 404, "gone");
    CHECK(test_host_on_response(host) == REPRISE_CONTINUE);
    CHECK(host->judgement == REPRISE_EXPECTED && strcmp(host->judged, "gone") == 0);
    CHECK(strcmp(host->settled.items[0].first.ptr, "gone") == 0);
    test_host_give_response(host, 500, NULL);
    CHECK(test_host_on_response(host) == REPRISE_FAIL);
    CHECK(strstr(host->error, "not this one") == NULL);
    CHECK(test_host_on_response_data(host, "abc") == 0 && !host->ends_response);
    CHECK(test_host_on_response_data(host, "abcd") == 0 && host->ends_response);
    CHECK(test_host_on_ws_message(host, 1, "old") == 0);
    CHECK(strcmp(host->ws_replaced.ptr, "new") == 0 && host->ws_sent_count == 1);
    CHECK(test_host_on_ws_message(host, 0, "ping") == REPRISE_SKIP && !host->ws_replaced.ptr);
}

int main(void)
{
    static struct test_host host;
    reprise_plugin plugin;
    reprise_recorded recorded;
    fill(&plugin);
    check_options(&host, &plugin);
    CHECK(test_host_init(&host, &plugin, NULL) == 0);
    CHECK(test_host_start(&host) == REPRISE_CONTINUE);
    check_request(&host);
    check_answers(&host);
    memset((void *)&recorded, 0, sizeof recorded);
    recorded.step = 3;
    CHECK(test_host_on_recorded(&host, &recorded) == REPRISE_CONTINUE);
    recorded.step = 99;
    CHECK(test_host_on_recorded(&host, &recorded) == REPRISE_FAIL);
    test_host_forget(&host);
    recorded.step = 0;
    CHECK(test_host_on_recorded(&host, &recorded) == REPRISE_CONTINUE);
    CHECK(test_host_on_recording_end(&host) == REPRISE_CONTINUE);
    CHECK(strcmp(host.log, "all was shown") == 0 && !marks_beyond_the_end);
    test_host_give_request(&host, "GET", "https://api.test/", "");
    CHECK(test_host_on_request(&host) == REPRISE_SKIP && host.settled.count == 1);
    plugin.start = NULL;
    CHECK(test_host_start(&host) == REPRISE_CONTINUE);
    test_host_fini(&host);
    CHECK(released == 2);
    return failures != 0;
}
