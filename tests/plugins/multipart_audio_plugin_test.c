/* multipart_audio_plugin_test.c - the plugin as it is loaded: what it says of its options, of the
 * trace, and what its users send. */
#include <strings.h>
#include <unistd.h>

#include "plugins/multipart_audio/digests.h"
#include "plugins/multipart_audio/json_text.h"
#include "plugins/multipart_audio/pcm.h"
#include "plugins/multipart_audio/wav.h"

enum { WAV_DATA_BYTES = 3200, WAV_BYTES = 44 + WAV_DATA_BYTES, MAX_HEADERS = 8 };

static char samples[] = TEST_SOURCE_DIR "/tests/plugins/audio";

/* Of the request in hand, and what the plugin made of it. */
#define HOST_KEEPS                                                                                 \
    uint64_t random;                                                                               \
    reprise_request request;                                                                       \
    size_t header_count;                                                                           \
    char names[MAX_HEADERS][40], values[MAX_HEADERS][200];                                         \
    const char *pieces[2];                                                                         \
    size_t piece_bytes[2];                                                                         \
    bool has_no_body;                                                                              \
    size_t same_pieces; /* not 0: so many, each the first one */                                   \
    reprise_body_source source;                                                                    \
    char *message;                                                                                 \
    size_t message_bytes;
#include "tests/plugins/small_host.h"

static int request_header_at(const reprise_call *call, const reprise_request *request, size_t index,
                             reprise_bytes *ret_name, reprise_bytes *ret_value)
{
    (void)call, (void)request;
    if (index >= host.header_count)
        return 0;
    *ret_name = text_of(host.names[index]);
    *ret_value = text_of(host.values[index]);
    return 1;
}

static reprise_bytes request_header(const reprise_call *call, const reprise_request *request,
                                    const char *name)
{
    (void)call, (void)request;
    for (size_t i = 0; i < host.header_count; i++)
        if (strcasecmp(host.names[i], name) == 0)
            return text_of(host.values[i]);
    return (reprise_bytes){NULL, 0};
}

static int set_header(const reprise_call *call, reprise_request *request, const char *name,
                      const char *value)
{
    (void)call, (void)request;
    for (size_t i = 0; i < host.header_count; i++)
        if (strcasecmp(host.names[i], name) == 0)
            snprintf(host.values[i], sizeof host.values[i], "%s", value);
    return 0;
}

static uint64_t draw_random(const reprise_call *call)
{
    return pcm_mix(host.random, call->user_index);
}

static reprise_bytes request_body_at(const reprise_call *call, const reprise_request *request,
                                     size_t index)
{
    (void)call, (void)request;
    if (host.has_no_body)
        return (reprise_bytes){NULL, 0};
    if (host.same_pieces)
        return index < host.same_pieces ? (reprise_bytes){host.pieces[0], host.piece_bytes[0]}
                                        : (reprise_bytes){NULL, 0};
    return index < 2 && host.pieces[index]
               ? (reprise_bytes){host.pieces[index], host.piece_bytes[index]}
               : (reprise_bytes){NULL, 0};
}

/* As the host does when the request has gone. */
static void release_source(void)
{
    if (host.source.release)
        host.source.release(host.source.state);
    host.source = (reprise_body_source){0};
}

static int set_body_source(const reprise_call *call, reprise_request *request,
                           const reprise_body_source *source)
{
    (void)call, (void)request;
    release_source();
    host.source = *source;
    return 0;
}

static int ws_replace(const reprise_call *call, const void *data, size_t len)
{
    (void)call;
    free(host.message);
    host.message = malloc(len);
    memcpy(host.message, data, len);
    host.message_bytes = len;
    return 0;
}

static int start_with(const char *const *options)
{
    host_prepare(&(reprise_host){.request_header = request_header,
                                 .request_header_at = request_header_at,
                                 .set_header = set_header,
                                 .ws_replace = ws_replace,
                                 .random = draw_random,
                                 .request_body_at = request_body_at,
                                 .set_body_source = set_body_source});
    return host_start(options);
}

static void stop(void)
{
    plugin->on_session_end(&host.call);
    release_source();
    host_stop();
    free(host.message);
}

static void begin_user(uint64_t index)
{
    plugin->on_session_end(&host.call);
    release_source();
    memset(host.call.user, 0, plugin->user_size);
    host.call.user_index = index;
    assert_int_equal(plugin->on_session_start(&host.call), REPRISE_CONTINUE);
}

/* The recorded upload: step 3, a WAV of 16 kHz in a form. */
static struct {
    char body[8192];
    size_t len;
    size_t audio_at;
} upload;

static void write_upload(const char *content)
{
    static const uint8_t fmt[16] = {1, 0, 1, 0, 0x80, 0x3e, 0, 0, 0, 0x7d, 0, 0, 2, 0, 16, 0};
    struct audio like = {.format = AUDIO_WAV, .pcm = {PCM_S16, 16000, 1, 2}, .fmt_bytes = 16};
    struct pcm_source source = {like.pcm, PCM_TONE, 99, WAV_DATA_BYTES, {0, 0}, false};
    char wav[WAV_BYTES];
    memcpy(like.fmt, fmt, sizeof fmt);
    wav_head(&like, WAV_DATA_BYTES, (uint8_t *)wav);
    pcm_read(&source, 0, wav + 44, WAV_DATA_BYTES);
    upload.len = (size_t)snprintf(upload.body, sizeof upload.body,
                                  "--b\r\nContent-Disposition: form-data; name=\"file\"; "
                                  "filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n");
    upload.audio_at = upload.len;
    size_t len = content ? strlen(content) : sizeof wav;
    memcpy(upload.body + upload.len, content ? content : wav, len);
    upload.len += len;
    memcpy(upload.body + upload.len, "\r\n--b--\r\n", 9);
    upload.len += 9;
}

/* md5: of the audio, as a header has it; NULL: there is none. */
static void show_upload_with(const char *content, const char *md5)
{
    const reprise_header headers[] = {
        {text_of("Content-Type"), text_of("multipart/form-data; boundary=b")},
        {text_of("X-MD5"), md5 ? text_of(md5) : (reprise_bytes){NULL, 0}}};
    write_upload(content);
    const reprise_recorded recorded = {.kind = REPRISE_RECORDED_EXCHANGE,
                                       .step = 3,
                                       .request_body = {upload.body, upload.len},
                                       .request_headers = headers,
                                       .request_header_count = md5 ? 2 : 1};
    assert_int_equal(plugin->on_recorded(&host.call, &recorded), REPRISE_CONTINUE);
}

static void show_upload(const char *content)
{
    show_upload_with(content, NULL);
}

static int ask(void)
{
    snprintf(host.names[0], sizeof host.names[0], "Content-Type");
    snprintf(host.values[0], sizeof host.values[0], "multipart/form-data; boundary=b");
    host.header_count = host.header_count > 1 ? host.header_count : 1;
    host.pieces[0] = upload.body;
    host.piece_bytes[0] = 50;
    host.pieces[1] = upload.body + 50;
    host.piece_bytes[1] = upload.len - 50;
    host.request = (reprise_request){.step = 3, .mark = host.marks[3], .body_bytes = upload.len};
    return plugin->on_request(&host.call, &host.request);
}

/* The body that is sent, on the heap; released. */
static char *sent(size_t *ret_len)
{
    char *bytes = malloc(host.source.body_bytes);
    for (uint64_t at = 0; at < host.source.body_bytes;) {
        int64_t len = host.source.read(host.source.state, at, bytes + at,
                                       (size_t)(host.source.body_bytes - at));
        assert_true(len > 0);
        at += (uint64_t)len;
    }
    *ret_len = (size_t)host.source.body_bytes;
    release_source();
    return bytes;
}

/* They end before the last boundary; names before them differ in length. */
static const char *samples_of(const char *body, size_t len)
{
    return body + len - 9 - WAV_DATA_BYTES;
}

static void every_user_sends_another_file_and_the_same_one_again(void **state)
{
    (void)state;
    static const char *const kinds[] = {"noise", "tone", "silence"};
    for (size_t i = 0; i < 3; i++) {
        char *bodies[20];
        size_t len;
        assert_int_equal(START("kind", kinds[i]), REPRISE_CONTINUE);
        show_upload(NULL);
        assert_int_not_equal(host.marks[3], 0);
        assert_int_equal(plugin->on_recording_end(&host.call), REPRISE_CONTINUE);
        for (uint64_t user = 0; user < 20; user++) {
            begin_user(user);
            assert_int_equal(ask(), REPRISE_CONTINUE);
            bodies[user] = sent(&len);
            for (uint64_t other = 0; other < user; other++)
                assert_memory_not_equal(samples_of(bodies[user], len),
                                        samples_of(bodies[other], len), WAV_DATA_BYTES);
        }
        begin_user(4);
        assert_int_equal(ask(), REPRISE_CONTINUE);
        char *again = sent(&len);
        assert_memory_equal(again, bodies[4], len);
        free(again);
        for (size_t user = 0; user < 20; user++)
            free(bodies[user]);
        assert_non_null(strstr(host.log, "1 uploads in the trace (1 WAV), 0 WebSockets"));
        stop();
    }
}

static void a_share_of_uploads_is_alike_and_counted(void **state)
{
    (void)state;
    enum { USERS = 400, DUPLICATES = 4 /* its place among the metrics */ };
    size_t equal = 0;
    assert_int_equal(START("dup", "25%"), REPRISE_CONTINUE);
    show_upload(NULL);
    char *bodies[USERS];
    size_t lens[USERS];
    for (uint64_t user = 0; user < USERS; user++) {
        begin_user(user);
        assert_int_equal(ask(), REPRISE_CONTINUE);
        bodies[user] = sent(&lens[user]);
    }
    for (size_t user = 0; user < USERS; user++) {
        bool is_copy = false;
        for (size_t other = 0; other < user && !is_copy; other++)
            is_copy = memcmp(samples_of(bodies[user], lens[user]),
                             samples_of(bodies[other], lens[other]), WAV_DATA_BYTES) == 0;
        equal += is_copy;
    }
    assert_in_range(equal, USERS / 5, USERS * 3 / 10);
    assert_int_equal(host.counted[DUPLICATES], equal);
    for (size_t user = 0; user < USERS; user++)
        free(bodies[user]);
    stop();
}

static void sizes_are_drawn_by_weight(void **state)
{
    (void)state;
    size_t small = 0;
    assert_int_equal(START("sizes", "10KB=80,2MB=20"), REPRISE_CONTINUE);
    show_upload(NULL);
    for (uint64_t user = 0; user < 500; user++) {
        begin_user(user);
        assert_int_equal(ask(), REPRISE_CONTINUE);
        small += host.source.body_bytes < 20000;
        assert_true(host.source.body_bytes < 20000 || host.source.body_bytes > 2000000);
    }
    assert_in_range(small, 360, 440);
    stop();
}

static void md5_of(const void *bytes, size_t len, char into[DIGEST_MAX_TEXT_BYTES + 1])
{
    struct digest_values values;
    struct digests *digests = digests_new(1U << DIGEST_MD5);
    digests_add(digests, bytes, len);
    digests_free(digests, &values);
    digest_text(&values, DIGEST_MD5, DIGEST_HEX, into);
}

static void large_uploads_hold_until_their_checksum_is_known(void **state)
{
    (void)state;
    char md5[DIGEST_MAX_TEXT_BYTES + 1];
    size_t len, holds = 0;
    int verdict;
    assert_int_equal(START("sizes", "5MB", "rate", "1mbit"), REPRISE_CONTINUE);
    write_upload(NULL);
    md5_of(upload.body + upload.audio_at, WAV_BYTES, md5);
    show_upload_with(NULL, md5);
    begin_user(1);
    snprintf(host.names[1], sizeof host.names[1], "X-MD5");
    snprintf(host.values[1], sizeof host.values[1], "\"%s\"", md5);
    for (host.header_count = 2; (verdict = ask()) == REPRISE_HOLD; holds++)
        assert_int_equal(host.delay_us, 1);
    assert_int_equal(verdict, REPRISE_CONTINUE);
    assert_in_range(holds, 30, 50);
    assert_int_equal(host.source.bytes_per_s, 125000);
    char *body = sent(&len);
    assert_in_range(len, 5000000, 5001000);
    md5_of(body + len - 9 - 5000000, 5000000, md5); /* before the last boundary */
    assert_memory_equal(host.values[1] + 1, md5, 32);
    free(body);
    stop();
}

/* A user that ends while its upload is held leaves nothing behind. */
static void an_upload_that_is_never_sent_is_freed(void **state)
{
    (void)state;
    char md5[DIGEST_MAX_TEXT_BYTES + 1];
    assert_int_equal(START("sizes", "5MB"), REPRISE_CONTINUE);
    write_upload(NULL);
    md5_of(upload.body + upload.audio_at, WAV_BYTES, md5);
    show_upload_with(NULL, md5);
    begin_user(1);
    assert_int_equal(ask(), REPRISE_HOLD);
    stop();
}

static void what_is_no_audio_fails_its_user_by_name(void **state)
{
    (void)state;
    enum { ERRORS = 5 };
    assert_int_equal(START(), REPRISE_CONTINUE);
    show_upload("this is no audio");
    assert_int_equal(plugin->on_recording_end(&host.call), REPRISE_CONTINUE);
    begin_user(1);
    assert_int_equal(ask(), REPRISE_FAIL);
    assert_string_equal(host.error,
                        "the upload of step 3: part file: it is none of WAV, FLAC, MP3, Ogg, WebM, "
                        "MP4, and its type is not one of plain samples");
    assert_int_equal(host.counted[ERRORS], 1);
    assert_non_null(strstr(host.log, "1 uploads cannot be made anew, as: part file: it is none"));
    /* The recorded one was good; this user's has another boundary. */
    show_upload(NULL);
    upload.body[2] = 'c';
    begin_user(2);
    assert_int_equal(ask(), REPRISE_FAIL);
    assert_string_equal(host.error, "the upload of step 3: it has no part");
    stop();
}

static void a_body_that_is_empty_or_in_too_many_pieces_is_told_apart(void **state)
{
    (void)state;
    assert_int_equal(START(), REPRISE_CONTINUE);
    show_upload(NULL);
    begin_user(1);
    host.same_pieces = 65537;
    assert_int_equal(ask(), REPRISE_FAIL);
    assert_string_equal(host.error,
                        "the upload of step 3: its body lies in more than 65536 pieces");
    host.has_no_body = true;
    assert_int_equal(ask(), REPRISE_FAIL);
    assert_string_equal(host.error, "the upload of step 3: its body is empty");
    stop();
}

static void options_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *options[5];
        const char *error;
    } rows[] = {
        {{"sizes", "1KB=50", NULL}, "sizes: the weights add up to 50, not to 100"},
        {{"sizes", "5GB", NULL}, "sizes: a WAV file cannot be longer than 4 GiB"},
        {{"sizes", "5KB", "duration", "5", NULL}, "sizes and duration: give one of them"},
        {{"sizes", "5KB", "source", "recorded", NULL},
         "sizes and duration are for generated audio: leave source and files"},
        {{"source", "recorded", "files", "/tmp", NULL}, "files: and source: give one of them"},
        {{"source", "/nowhere", NULL}, "/nowhere: No such file or directory"},
        {{"kind", "music", NULL}, "kind: 'music': it is tone, noise or silence"},
        {{"dup", "many", NULL}, "dup: 'many': no share; write 10% or 0.1"},
        {{"rate", "slow", NULL}, "rate: 'slow': no rate; write 1mbit, 500kbit or 64KB"},
        {{"source", "generate", "files", "/tmp", NULL}, "files: and source: give one of them"},
        {{"rate", "1", NULL}, "rate: '1': no unit; write 1mbit, 500kbit or 64KB"},
        {{"rate", "0", NULL}, "rate: '0': 0; without rate= it has no limit"},
        {{"rate", "0mbit", NULL}, "rate: '0mbit': 0; without rate= it has no limit"},
        {{"sizes", "10", NULL}, "sizes: '10': no unit; write 10B, 50KB or 2MB"},
        {{"duration", "0s", NULL},
         "duration: a time longer than 0, like 30s; as recorded without it"},
        {{"duration", "soon", NULL},
         "duration: a time longer than 0, like 30s; as recorded without it"},
        {{"ws", "on", NULL}, "ws: it is auto, pcm16 or off"},
        {{"ws_pace", "slow", NULL}, "ws_pace: it is audio or recorded"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(start_with(rows[i].options), REPRISE_FAIL);
        assert_string_equal(host.error, rows[i].error);
        stop();
    }
}

/* What can be made of the recorded kind, 16 bits at 16 kHz, is known when the trace was read. */
static void lengths_that_cannot_be_made_are_refused(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"sizes", "300B", NULL},
        {"sizes", "1KB=50,299B=50",
         "sizes: 299B: generated audio has 128 samples at least, which are a file of 300B of the "
         "recorded kind (WAV)"},
        {"sizes", "44B",
         "sizes: 44B: generated audio has 128 samples at least, which are a file of 300B of the "
         "recorded kind (WAV)"},
        {"duration", "37h", NULL},
        {"duration", "38h",
         "duration: '38h': a WAV file cannot be longer than 4 GiB, which is 134217 s of the "
         "recorded kind"},
        {"duration", "99999999h",
         "duration: '99999999h': a WAV file cannot be longer than 4 GiB, which is 134217 s of the "
         "recorded kind"},
        {"duration", "8ms", NULL},
        {"duration", "7ms",
         "duration: '7ms': generated audio has 128 samples at least, which are 8 ms of the "
         "recorded kind"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(START(rows[i][0], rows[i][1]), REPRISE_CONTINUE);
        assert_int_equal(plugin->on_recording_end(&host.call), REPRISE_CONTINUE);
        show_upload(NULL);
        assert_int_equal(plugin->on_recording_end(&host.call),
                         rows[i][2] ? REPRISE_FAIL : REPRISE_CONTINUE);
        assert_string_equal(host.error, rows[i][2] ? rows[i][2] : "");
        stop();
    }
}

static void files_of_a_folder_are_told_apart(void **state)
{
    (void)state;
    char *bodies[60];
    size_t lens[60];
    assert_int_equal(START("source", samples), REPRISE_CONTINUE);
    show_upload(NULL);
    for (uint64_t user = 0; user < 60; user++) {
        begin_user(user);
        assert_int_equal(ask(), REPRISE_CONTINUE);
        bodies[user] = sent(&lens[user]);
        for (uint64_t other = 0; other < user; other++)
            assert_true(lens[user] != lens[other] ||
                        memcmp(bodies[user], bodies[other], lens[user]) != 0);
    }
    for (size_t user = 0; user < 60; user++)
        free(bodies[user]);
    stop();
}

static void copy_sample(const char *name, const char *folder, char path[200])
{
    char from[sizeof samples + 40], bytes[65536];
    snprintf(from, sizeof from, "%s/%s", samples, name);
    snprintf(path, 200, "%s/%s", folder, name);
    FILE *in = fopen(from, "rbe"), *out = fopen(path, "wbe");
    assert_non_null(in);
    assert_non_null(out);
    size_t len = fread(bytes, 1, sizeof bytes, in);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    fclose(in);
    fclose(out);
}

/* The one upload fails by name and is counted once, however often it is tried; the next is fine. */
static void a_file_that_is_cut_short_fails_its_upload_alone(void **state)
{
    (void)state;
    enum { ERRORS = 5 };
    char folder[] = "/tmp/multipart_audio_XXXXXX", cut[200], whole[200], bytes[100];
    size_t len;
    assert_non_null(mkdtemp(folder));
    copy_sample("tone.wav", folder, cut);
    copy_sample("comment.flac", folder, whole);
    assert_int_equal(START("source", folder), REPRISE_CONTINUE);
    show_upload(NULL); /* a WAV gets a WAV */
    begin_user(1);
    assert_int_equal(ask(), REPRISE_CONTINUE);
    reprise_body_source source = host.source;
    assert_int_equal(source.read(source.state, source.body_bytes / 2, bytes, 100), 100);
    assert_int_equal(truncate(cut, 1000), 0);
    for (int attempt = 0; attempt < 2; attempt++) {
        assert_int_equal(source.read(source.state, source.body_bytes / 2, bytes, 100), 0);
        assert_string_equal(source.reason(source.state), "tone.wav was cut short during the run");
        const reprise_request request = {.step = 3, .mark = host.marks[3]};
        const reprise_response response = {.request = &request};
        assert_int_equal(plugin->on_response(&host.call, &response), REPRISE_CONTINUE);
        assert_int_equal(host.counted[ERRORS], 1);
    }
    begin_user(2);
    copy_sample("tone.wav", folder, cut); /* another one of that name */
    assert_int_equal(ask(), REPRISE_CONTINUE);
    assert_int_equal(host.source.read(host.source.state, host.source.body_bytes / 2, bytes, 100),
                     0);
    stop(); /* a user that ends first is counted, too */
    assert_int_equal(host.counted[ERRORS], 2);
    remove(cut);
    assert_int_equal(START("source", folder), REPRISE_CONTINUE);
    show_upload(NULL);
    begin_user(3);
    assert_int_equal(ask(), REPRISE_CONTINUE);
    free(sent(&len));
    stop();
    remove(whole);
    remove(folder);
}

/* A checksum is computed before anything is sent: then it is the callback that says so. */
static void a_file_cut_short_before_its_checksum_fails_its_user(void **state)
{
    (void)state;
    char folder[] = "/tmp/multipart_audio_XXXXXX", cut[200], md5[DIGEST_MAX_TEXT_BYTES + 1];
    assert_non_null(mkdtemp(folder));
    copy_sample("tone.wav", folder, cut);
    assert_int_equal(START("source", folder), REPRISE_CONTINUE);
    write_upload(NULL);
    md5_of(upload.body + upload.audio_at, WAV_BYTES, md5);
    show_upload_with(NULL, md5);
    begin_user(1);
    assert_int_equal(truncate(cut, 0), 0);
    snprintf(host.names[1], sizeof host.names[1], "X-MD5");
    snprintf(host.values[1], sizeof host.values[1], "%s", md5);
    host.header_count = 2;
    assert_int_equal(ask(), REPRISE_FAIL);
    assert_string_equal(host.error, "the upload of step 3: tone.wav was cut short during the run");
    assert_int_equal(host.counted[5], 1);
    stop();
    remove(cut);
    remove(folder);
}

/* The same audio as a member of JSON. */
static void show_json(void)
{
    static const struct json_base64 form = {.is_padded = true};
    const reprise_header header = {text_of("Content-Type"), text_of("application/json")};
    char wav[WAV_BYTES];
    write_upload(NULL);
    memcpy(wav, upload.body + upload.audio_at, sizeof wav);
    memcpy(upload.body, "{\"audio\":\"", 10);
    upload.len = 10 + json_write_base64(&form, wav, sizeof wav, upload.body + 10);
    memcpy(upload.body + upload.len, "\"}", 2);
    upload.len += 2;
    const reprise_recorded recorded = {.kind = REPRISE_RECORDED_EXCHANGE,
                                       .step = 3,
                                       .request_body = {upload.body, upload.len},
                                       .request_headers = &header,
                                       .request_header_count = 1};
    assert_int_equal(plugin->on_recorded(&host.call, &recorded), REPRISE_CONTINUE);
}

/* Generated, from a folder with WAVs, and as recorded: also where the folder has none. */
static void audio_in_json_is_new_for_each_user_from_every_source(void **state)
{
    (void)state;
    char folder[] = "/tmp/multipart_audio_XXXXXX", flac[200];
    assert_non_null(mkdtemp(folder));
    copy_sample("comment.flac", folder, flac);
    const struct {
        const char *source;
        bool is_recorded;
    } rows[] = {{"generate", false}, {samples, false}, {"recorded", true}, {folder, true}};
    for (size_t i = 0; i < 4; i++) {
        char *bodies[10];
        size_t lens[10];
        assert_int_equal(START("source", rows[i].source), REPRISE_CONTINUE);
        show_json();
        assert_int_not_equal(host.marks[3], 0);
        for (uint64_t user = 0; user < 10; user++) {
            begin_user(user);
            assert_int_equal(ask(), REPRISE_CONTINUE);
            bodies[user] = sent(&lens[user]);
            assert_memory_equal(bodies[user], "{\"audio\":\"UklGR", 15);
            assert_memory_equal(bodies[user] + lens[user] - 2, "\"}", 2);
            /* The recorded samples but for the first, whose digits are shared with the size. */
            bool is_kept = memmem(bodies[user], lens[user], upload.body + 72, 4000) != NULL;
            assert_int_equal(is_kept, rows[i].is_recorded);
            for (uint64_t other = 0; other < user; other++)
                assert_true(lens[user] != lens[other] ||
                            memcmp(bodies[user], bodies[other], lens[user]) != 0);
        }
        for (size_t user = 0; user < 10; user++)
            free(bodies[user]);
        stop();
    }
    remove(flac);
    remove(folder);
}

static void show_stream(size_t messages)
{
    const struct pcm_source source = {{PCM_S16, 16000, 1, 2}, PCM_TONE, 3, 1 << 20, {0, 0}, false};
    char chunk[3200];
    reprise_recorded recorded = {
        .kind = REPRISE_RECORDED_WS_CONNECT, .step = 5, .url = text_of("ws://x/ws?token=1")};
    assert_int_equal(plugin->on_recorded(&host.call, &recorded), REPRISE_CONTINUE);
    recorded.kind = REPRISE_RECORDED_MESSAGE_SENT;
    recorded.is_text = 1;
    recorded.request_body = text_of("{\"sample_rate\":16000}");
    assert_int_equal(plugin->on_recorded(&host.call, &recorded), REPRISE_CONTINUE);
    recorded.is_text = 0;
    for (size_t i = 0; i < messages; i++) {
        pcm_read(&source, i * sizeof chunk, chunk, sizeof chunk);
        recorded.began_us = i * 80000;
        recorded.request_body = (reprise_bytes){chunk, sizeof chunk};
        assert_int_equal(plugin->on_recorded(&host.call, &recorded), REPRISE_CONTINUE);
    }
}

static void a_stream_is_new_for_each_user_and_goes_no_faster_than_it_sounds(void **state)
{
    (void)state;
    char recorded[3200] = {1}, first[2][3200];
    assert_int_equal(START(), REPRISE_CONTINUE);
    show_stream(10);
    assert_int_not_equal(host.marks[5], 0);
    reprise_ws_message message = {
        .step = 5, .is_outgoing = 1, .data = {recorded, sizeof recorded}, .mark = host.marks[5]};
    for (uint64_t user = 0; user < 2; user++) {
        begin_user(user);
        host.call.now_us = 1000000;
        for (uint64_t i = 0; i < 10; i++) {
            host.delay_us = 0;
            assert_int_equal(plugin->on_ws_message(&host.call, &message), REPRISE_CONTINUE);
            assert_int_equal(host.message_bytes, sizeof recorded);
            assert_memory_not_equal(host.message, recorded, sizeof recorded);
            if (i == 0)
                memcpy(first[user], host.message, sizeof recorded);
            /* 100 ms of sound each; they are due after 20 ms */
            assert_int_equal(host.delay_us, i ? 80000 : 0);
            host.call.now_us += host.delay_us + 20000;
        }
    }
    assert_memory_not_equal(first[0], first[1], sizeof recorded);
    message.is_text = 1;
    free(host.message);
    host.message = NULL;
    assert_int_equal(plugin->on_ws_message(&host.call, &message), REPRISE_CONTINUE);
    assert_null(host.message);
    stop();
}

/* A browser's recording: WebM in pieces. Its first one gets a mark, the others go as they are. */
static void a_file_in_pieces_is_marked_in_its_first(void **state)
{
    (void)state;
    char path[sizeof samples + 20], bytes[4096];
    snprintf(path, sizeof path, "%s/live.webm", samples);
    FILE *file = fopen(path, "rbe");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_int_equal(START(), REPRISE_CONTINUE);
    reprise_recorded recorded = {
        .kind = REPRISE_RECORDED_WS_CONNECT, .step = 5, .url = text_of("ws://x/ws")};
    assert_int_equal(plugin->on_recorded(&host.call, &recorded), REPRISE_CONTINUE);
    recorded.kind = REPRISE_RECORDED_MESSAGE_SENT;
    recorded.request_body = (reprise_bytes){bytes, 700};
    assert_int_equal(plugin->on_recorded(&host.call, &recorded), REPRISE_CONTINUE);
    recorded.began_us = 250000;
    recorded.request_body = (reprise_bytes){bytes + 700, len - 700};
    assert_int_equal(plugin->on_recorded(&host.call, &recorded), REPRISE_CONTINUE);
    reprise_ws_message message = {
        .step = 5, .is_outgoing = 1, .data = {bytes, 700}, .mark = host.marks[5]};
    begin_user(7);
    assert_int_equal(plugin->on_ws_message(&host.call, &message), REPRISE_CONTINUE);
    assert_in_range(host.message_bytes, 700, 740);
    assert_memory_equal(host.message + host.message_bytes - 100, bytes + 600, 100);
    assert_memory_not_equal(host.message, bytes, 700);
    free(host.message);
    host.message = NULL;
    message.data = (reprise_bytes){bytes + 700, len - 700};
    assert_int_equal(plugin->on_ws_message(&host.call, &message), REPRISE_CONTINUE);
    assert_null(host.message);
    assert_int_equal(host.delay_us, 250000);
    stop();
}

static void streams_are_left_alone_when_asked(void **state)
{
    (void)state;
    assert_int_equal(START("ws", "off"), REPRISE_CONTINUE);
    show_stream(10);
    assert_int_equal(host.marks[5], 0);
    assert_int_equal(plugin->on_recording_end(&host.call), REPRISE_CONTINUE);
    assert_non_null(strstr(host.log, "no upload of audio in the trace"));
    stop();
}

static void options_that_the_trace_does_not_meet_are_told(void **state)
{
    (void)state;
    assert_int_equal(START("part", "voice"), REPRISE_CONTINUE);
    show_upload(NULL);
    assert_int_equal(plugin->on_recording_end(&host.call), REPRISE_CONTINUE);
    assert_non_null(strstr(host.log, "no upload of the trace has a part=voice"));
    stop();
    assert_int_equal(START("ws", "pcm16"), REPRISE_CONTINUE);
    show_upload(NULL);
    assert_int_equal(plugin->on_recording_end(&host.call), REPRISE_CONTINUE);
    assert_non_null(strstr(host.log, "1 uploads in the trace"));
    assert_non_null(strstr(host.log, "ws=pcm16: no WebSocket"));
    stop();
}

static void answers_are_measured_from_the_last_byte_sent(void **state)
{
    (void)state;
    assert_int_equal(START(), REPRISE_CONTINUE);
    show_upload(NULL);
    begin_user(1);
    const reprise_request request = {.step = 3, .mark = host.marks[3], .body_bytes = 1000000};
    reprise_response response = {.request = &request,
                                 .status = 201,
                                 .sent_us = 500000,
                                 .first_byte_us = 620000,
                                 .total_us = 630000};
    assert_int_equal(plugin->on_response(&host.call, &response), REPRISE_CONTINUE);
    static const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"audio_uploads", 1},
                {"audio_upload_bytes", 1000000},
                {"audio_upload_rate", 2000000},
                {"audio_first_byte", 120000}};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(plugin->metrics[i].name, rows[i].name);
        assert_int_equal(host.last[i], rows[i].value);
    }
    response.status = 0;
    plugin->on_response(&host.call, &response);
    assert_int_equal(host.counted[0], 1);
    stop();
}

/* What was not sent has no pace and waited for nothing. */
static void an_answer_ahead_of_the_last_byte_is_not_timed(void **state)
{
    (void)state;
    char bytes[1000];
    assert_int_equal(START(), REPRISE_CONTINUE);
    show_upload(NULL);
    begin_user(1);
    assert_int_equal(ask(), REPRISE_CONTINUE);
    const reprise_body_source source = host.source;
    const reprise_request request = {
        .step = 3, .mark = host.marks[3], .body_bytes = source.body_bytes};
    const reprise_response response = {
        .request = &request, .status = 413, .sent_us = 50, .first_byte_us = 60, .total_us = 70};
    for (uint64_t at = 0; at < source.body_bytes; at += 1000) {
        size_t left = (size_t)(source.body_bytes - at), len = left < 1000 ? left : 1000;
        assert_int_equal(source.read(source.state, at, bytes, len), len);
        assert_int_equal(plugin->on_response(&host.call, &response), REPRISE_CONTINUE);
        assert_int_equal(host.last[1], at + len); /* audio_upload_bytes */
        assert_int_equal(host.counted[2], left <= 1000);
        assert_int_equal(host.counted[3], left <= 1000);
    }
    begin_user(2); /* who ends while the host still has it */
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_user_sends_another_file_and_the_same_one_again),
        cmocka_unit_test(a_share_of_uploads_is_alike_and_counted),
        cmocka_unit_test(sizes_are_drawn_by_weight),
        cmocka_unit_test(large_uploads_hold_until_their_checksum_is_known),
        cmocka_unit_test(an_upload_that_is_never_sent_is_freed),
        cmocka_unit_test(what_is_no_audio_fails_its_user_by_name),
        cmocka_unit_test(a_body_that_is_empty_or_in_too_many_pieces_is_told_apart),
        cmocka_unit_test(options_that_do_not_fit_are_refused),
        cmocka_unit_test(lengths_that_cannot_be_made_are_refused),
        cmocka_unit_test(files_of_a_folder_are_told_apart),
        cmocka_unit_test(a_file_that_is_cut_short_fails_its_upload_alone),
        cmocka_unit_test(a_file_cut_short_before_its_checksum_fails_its_user),
        cmocka_unit_test(audio_in_json_is_new_for_each_user_from_every_source),
        cmocka_unit_test(a_stream_is_new_for_each_user_and_goes_no_faster_than_it_sounds),
        cmocka_unit_test(a_file_in_pieces_is_marked_in_its_first),
        cmocka_unit_test(streams_are_left_alone_when_asked),
        cmocka_unit_test(options_that_the_trace_does_not_meet_are_told),
        cmocka_unit_test(answers_are_measured_from_the_last_byte_sent),
        cmocka_unit_test(an_answer_ahead_of_the_last_byte_is_not_timed),
    };
    return RUN_LOADED("multipart_audio", tests);
}
