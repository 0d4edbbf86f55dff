/* abi_test.c - plugins that were built against each header ever published (tests/abi/) are loaded
 * and played: every callback of their version comes, every host function works, and what their
 * version lacks is absent. */
#include "tests/plugins/chain_fixture.h"

#include <dirent.h>
#include <stdio.h>

#define MODULES TEST_BINARY_DIR "/test-plugins"

/* What every.c counts where. */
static const enum chain_callback counted[] = {
    CHAIN_START,         CHAIN_STOP,          CHAIN_SESSION_START, CHAIN_REQUEST,
    CHAIN_RESPONSE,      CHAIN_WS_MESSAGE,    CHAIN_SESSION_END,   CHAIN_RECORDED,
    CHAIN_RESPONSE_DATA, CHAIN_RECORDING_END,
};

/* As every.c has it. */
struct seen {
    uint64_t calls[16];
    uint64_t wrong;
    uint64_t minor;
    const char *word;
};

static int settle(void *owner, uint32_t step, const struct http_response *answer)
{
    (void)owner;
    (void)answer;
    return step == 3 ? 0 : -1;
}

static int replace_value(void *owner, struct bytes old, struct bytes value)
{
    (void)owner;
    (void)old;
    (void)value;
    return 2;
}

static struct bytes data(void *owner, struct bytes column)
{
    (void)owner;
    return bytes_equal(column, bytes_of("email")) ? bytes_of("a@b") : (struct bytes){0};
}

static int request_of_step(void *owner, uint32_t step, struct http_request *request)
{
    (void)owner;
    (void)step;
    (void)request;
    return -1;
}

static void wake(void *owner, uint32_t plugin)
{
    (void)owner;
    (void)plugin;
}

static int set_cookie(void *owner, uint32_t step, struct bytes set_cookie)
{
    (void)owner;
    return step == 3 && bytes_equal(set_cookie, bytes_of("sid=1")) ? 0 : -1;
}

static const struct chain_services services = {
    .settle = settle,
    .replace_value = replace_value,
    .data = data,
    .request_of_step = request_of_step,
    .wake = wake,
    .set_cookie = set_cookie,
};

static void show_recorded(struct fixture *fx)
{
    static const reprise_header header = {{"Accept", 6}, {"text/html", 9}};
    const reprise_recorded recorded = {
        .step = 3, .status = 200, .request_headers = &header, .request_header_count = 1};
    struct error err;
    if (chain_wants_recorded(&fx->chain)) {
        assert_true(chain_recorded_begin(&fx->chain, 77, 20));
        assert_int_equal(chain_recorded(&fx->chain, &recorded, &err), 0);
    }
    assert_int_equal(chain_recording_end(&fx->chain, &err), 0);
}

static void open_version(struct fixture *fx, const char *file)
{
    char spec[512];
    const char *specs[] = {spec};
    struct error err = {.text = ""};
    const struct chain_options options = {.seed = 1, .target_url = "https://target.test:8443"};
    memset(fx, 0, sizeof *fx);
    snprintf(spec, sizeof spec, MODULES "/%s:word=given", file);
    if (chain_open(&fx->chain, specs, 1, NULL, &err) || chain_start(&fx->chain, &options, &err))
        fail_msg("%s", err.text);
    show_recorded(fx);
    fx->worker = chain_worker_new(&fx->chain, fixture_record, fx);
    chain_worker_serve(fx->worker, &services, 1);
    fx->user = chain_user_new(fx->worker,
                              &(struct chain_play){.index = 5, .session_id = 77, .step_count = 20});
    arena_init(&fx->arena, 1024 * 1024);
    fixture_request(fx);
}

static void play_response_data(struct fixture *fx)
{
    const struct http_response response = {.status = 200};
    const struct chain_answer answer = {
        .request = &fx->request, .info = fx->info, .response = &response};
    struct chain_data piece = {.data = {"piece", 5}};
    fixture_free_outcome(fx);
    chain_response_data(fx->user, 2500, &answer, &piece, &fx->outcome);
    assert_int_equal(fx->outcome.verdict, REPRISE_CONTINUE);
    assert_int_equal(piece.is_enough, chain_wants(&fx->chain, CHAIN_RESPONSE_DATA));
}

static void play(struct fixture *fx)
{
    struct chain_message message = {
        .step = 3, .is_outgoing = true, .is_text = true, .data = {"old", 3}, .arena = &fx->arena};
    chain_session_start(fx->user, 1000, &fx->outcome);
    assert_int_equal(fixture_ask(fx), REPRISE_CONTINUE);
    assert_int_equal(fx->outcome.added_count, 1);
    assert_int_equal(fx->outcome.delay_us, 7);
    const struct seen *seen = fx->chain.plugins[0].instance;
    assert_int_equal(fx->outcome.limit_us, seen->minor >= 1 ? 11 : 0);
    assert_string_equal(fx->request.url.ptr, "https://target.test/every");
    play_response_data(fx);
    assert_int_equal(fixture_answer(fx, 200, "answer"), REPRISE_CONTINUE);
    fixture_free_outcome(fx);
    chain_ws_message(fx->user, 3000, &message, &fx->outcome);
    assert_string_equal(message.data.ptr, "new");
    fixture_free_outcome(fx);
    chain_session_end(fx->user, 4000);
}

/* tests/abi/1.0 is abi_1_0.so. */
static void play_version(unsigned minor)
{
    char file[64];
    struct fixture fx;
    snprintf(file, sizeof file, "abi_1_%u.so", minor);
    open_version(&fx, file);
    const struct seen *seen = fx.chain.plugins[0].instance;
    play(&fx);
    if (seen->wrong)
        fail_msg("%s: line %llu of every.c does not hold", file, (unsigned long long)seen->wrong);
    assert_int_equal(seen->minor, minor);
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        bool has = fx.chain.plugins[0].callbacks >> counted[i] & 1;
        assert_int_equal(seen->calls[i], has && counted[i] != CHAIN_STOP);
    }
    http_request_set_body(&fx.request, bytes_of(NULL));
    struct http_body_source *source = http_request_take_source(&fx.request);
    if (source)
        source->release(source);
    fixture_stop(&fx);
}

static void each_published_version_is_played_whole(void **state)
{
    (void)state;
    DIR *folder = opendir(TEST_SOURCE_DIR "/tests/abi");
    unsigned versions = 0, minor;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (sscanf(entry->d_name, "1.%u", &minor) != 1)
            continue;
        play_version(minor);
        versions++;
    }
    closedir(folder);
    assert_int_equal(versions, REPRISE_ABI_MINOR + 1); /* none is missing */
}

static void what_a_version_lacks_is_absent(void **state)
{
    (void)state;
    struct plugin plugin;
    struct error err;
    assert_int_equal(plugin_load(&plugin, MODULES "/abi_1_0.so", NULL, &err), 0);
    assert_int_equal(plugin.api.abi_minor, 0);
    assert_true(plugin.api.size < sizeof(reprise_plugin));
    assert_null(plugin.api.on_recorded);
    assert_null(plugin.api.on_response_data);
    assert_null(plugin.api.on_recording_end);
    assert_non_null(plugin.api.on_session_end);
    plugin_unload(&plugin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_published_version_is_played_whole),
        cmocka_unit_test(what_a_version_lacks_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
