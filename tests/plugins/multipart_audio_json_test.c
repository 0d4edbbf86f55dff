/* multipart_audio_json_test.c - audio in base64 within JSON: found, and made anew with every other
 * byte kept, whatever way the body is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/multipart_audio/upload.h"
#include "plugins/multipart_audio/wav.h"

enum { WAV_DATA_BYTES = 3200, WAV_BYTES = 44 + WAV_DATA_BYTES };

static char wav[WAV_BYTES];

static int write_wav(void **state)
{
    static const uint8_t fmt[16] = {1, 0, 1, 0, 0x80, 0x3e, 0, 0, 0, 0x7d, 0, 0, 2, 0, 16, 0};
    struct audio like = {.format = AUDIO_WAV, .pcm = {PCM_S16, 16000, 1, 2}, .fmt_bytes = 16};
    struct pcm_source source = {like.pcm, PCM_NOISE, 99, WAV_DATA_BYTES, {0, 0}, false};
    (void)state;
    memcpy(like.fmt, fmt, sizeof fmt);
    wav_head(&like, WAV_DATA_BYTES, (uint8_t *)wav);
    pcm_read(&source, 0, wav + 44, WAV_DATA_BYTES);
    return 0;
}

static const struct json_base64 plain = {.is_padded = true};

static void tokens_are_told_apart_wherever_the_text_is_cut(void **state)
{
    (void)state;
    static const char text[] = "{\"a\" : \"x\\\"y\\\\\", \"b\":[1.5e3,true,\"\",{\"\\\\\":null}]}";
    static const struct {
        const char *text;
        bool is_string, is_key;
    } rows[] = {{"a", true, true},       {"x\\\"y\\\\", true, false}, {"b", true, true},
                {"1.5e3", false, false}, {"true", false, false},      {"", true, false},
                {"\\\\", true, true},    {"null", false, false}};
    for (size_t cut = 0; cut < sizeof text; cut++) {
        const struct span halves[] = {{text, cut}, {text + cut, sizeof text - 1 - cut}};
        struct pieces pieces;
        struct json_reader reader;
        struct json_token token;
        if (cut == sizeof text - 1)
            break;
        pieces_init(&pieces, cut ? halves : halves + 1, cut ? 2 : 1);
        json_begin(&reader, &pieces);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            assert_true(json_next(&reader, &token));
            assert_int_equal(token.number, i);
            assert_int_equal(token.bytes, strlen(rows[i].text));
            assert_memory_equal(text + token.at, rows[i].text, token.bytes);
            assert_int_equal(token.is_string, rows[i].is_string);
            assert_int_equal(token.is_key, rows[i].is_key);
        }
        assert_false(json_next(&reader, &token));
    }
}

static void base64_is_read_as_people_write_it(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *bytes; /* NULL: it is none */
        struct json_base64 form;
    } rows[] = {
        {"aGVsbG8=", "hello", {0, false, true}},
        {"aGVsbG8", "hello", {0, false, false}},
        {"aGVsbG8h", "hello!", {0, false, true}},
        {"Pz8\\/Pz4+", "??\?\?>>", {0, false, true}},
        {"Pz8_Pz4-", "??\?\?>>", {0, true, true}},
        {"data:audio/wav;base64,aGk=", "hi", {22, false, true}},
        {"Pz8_Pz4+", NULL, {0}}, /* of two alphabets */
        {"aGVsbG8==", NULL, {0}},
        {"aGVsb", NULL, {0}},
        {"aGVs bG8h", NULL, {0}},
        {"data:audio/wav,aGk=", NULL, {0}},
        {"aGVs\\", NULL, {0}},
        {"", NULL, {0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_base64 form;
        char *exact = strdup(rows[i].text);
        struct span bytes =
            json_decode_base64((struct span){exact, strlen(exact)}, SIZE_MAX, &form);
        if (!bytes.ptr != !rows[i].bytes)
            fail_msg("%s: %s", rows[i].text, bytes.ptr ? "read" : "not read");
        if (bytes.ptr) {
            assert_int_equal(bytes.len, strlen(rows[i].bytes));
            assert_memory_equal(bytes.ptr, rows[i].bytes, bytes.len);
            assert_int_equal(form.prefix_bytes, rows[i].form.prefix_bytes);
            assert_int_equal(form.is_url, rows[i].form.is_url);
            assert_int_equal(form.is_padded, rows[i].form.is_padded);
        }
        free((void *)(uintptr_t)bytes.ptr);
        free(exact);
    }
}

static void hash(const void *bytes, size_t len, char into[DIGEST_MAX_TEXT_BYTES + 1])
{
    struct digest_values values;
    struct digests *digests = digests_new(1U << DIGEST_SHA256);
    digests_add(digests, bytes, len);
    digests_free(digests, &values);
    digest_text(&values, DIGEST_SHA256, DIGEST_HEX, into);
}

/* A body with the audio in it, twice if need be, and all that follows from it. */
static size_t compose(char *into, size_t size, struct span audio, const struct json_base64 *form,
                      const char *prefix)
{
    char sha256[DIGEST_MAX_TEXT_BYTES + 1], *text = malloc(audio.len * 2);
    hash(audio.ptr, audio.len, sha256);
    size_t len = json_write_base64(form, audio.ptr, audio.len, text);
    int used =
        snprintf(into, size,
                 "{\"config\": {\"rate\": 16000, \"note\":\"say \\\"hi\\\"\"},\r\n \"size\" : "
                 "%zu,\"sha256\":\"%s\", \"audio\":{\"data\":\"%s%.*s\"} ,\"bytes\":\"%zu\" }",
                 audio.len, sha256, prefix, (int)len, text, audio.len);
    free(text);
    return (size_t)used;
}

static struct recorded_request request_of(const char *body, size_t len)
{
    static const char type[] = "application/json; charset=utf-8";
    return (struct recorded_request){
        .content_type = {type, sizeof type - 1}, .body = {body, len}, .part = ""};
}

/* The body that is made, on the heap, read `step` bytes at a time. */
static char *body_of(struct upload *upload, size_t step)
{
    size_t len = (size_t)upload->rope.total_bytes;
    char *body = calloc(1, len + 1);
    for (size_t at = 0; at < len; at += step) {
        size_t most = len - at < step ? len - at : step;
        assert_int_equal(rope_read(&upload->rope, at, body + at, most), most);
    }
    return body;
}

/* The audio of a body that compose() has made, on the heap. */
static struct span audio_in(const char *body)
{
    struct json_base64 form;
    const char *text = strstr(body, "\"data\":\"");
    assert_non_null(text);
    text += 8;
    struct span audio =
        json_decode_base64((struct span){text, strcspn(text, "\"")}, SIZE_MAX, &form);
    assert_non_null(audio.ptr);
    return audio;
}

static void check_made(struct upload *upload, const struct json_base64 *form, const char *prefix)
{
    static char expected[200000];
    char *body = body_of(upload, 1 << 20);
    struct span audio = audio_in(body);
    struct audio what;
    assert_null(audio_recognise(audio, (struct span){NULL, 0}, &what));
    assert_int_equal(what.format, AUDIO_WAV);
    assert_true(audio.len != WAV_BYTES || memcmp(audio.ptr, wav, WAV_BYTES) != 0);
    size_t len = compose(expected, sizeof expected, audio, form, prefix);
    assert_int_equal(len, upload->rope.total_bytes);
    assert_string_equal(body, expected);
    static const size_t steps[] = {1, 2, 3, 5, 7, 1000, 4097};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        char *again = body_of(upload, steps[i]);
        assert_string_equal(again, body);
        free(again);
    }
    free((void *)(uintptr_t)audio.ptr);
    free(body);
}

static void the_audio_and_what_follows_from_it_are_new(void **state)
{
    (void)state;
    static const struct {
        struct json_base64 form;
        const char *prefix;
    } forms[] = {{{0, false, true}, ""},
                 {{0, true, false}, ""},
                 {{0, false, true}, "data:audio/wav;base64,"},
                 {{0, false, true}, "data:audio\\/wav;base64,"}};
    static const struct upload_choice choices[] = {
        {.source = UPLOAD_PCM, .kind = PCM_NOISE, .id = {1, 2}},
        {.source = UPLOAD_PCM, .kind = PCM_TONE, .file_bytes = 10001, .id = {1, 2}},
        {.source = UPLOAD_PCM, .kind = PCM_TONE, .file_bytes = 100003, .id = {1, 2}},
        {.source = UPLOAD_RECORDED, .id = {0x1234, 0x5678}}};
    char body[20000];
    for (size_t i = 0; i < 16; i++) {
        const struct json_base64 *form = &forms[i / 4].form;
        size_t len =
            compose(body, sizeof body, (struct span){wav, sizeof wav}, form, forms[i / 4].prefix);
        struct recorded_request request = request_of(body, len);
        struct recorded_upload *recorded;
        assert_int_equal(recorded_upload_new(&request, &recorded), 0);
        assert_non_null(recorded);
        assert_int_equal(recorded->audio_count, 1);
        for (size_t cut = 1; cut < len; cut += i == 0 ? 13 : 1009) {
            const struct span halves[] = {{body, cut}, {body + cut, len - cut}};
            struct pieces live;
            struct upload upload;
            pieces_init(&live, halves, 2);
            assert_null(
                upload_make(recorded, &live, request.content_type, &choices[i % 4], &upload));
            while (!upload_digest(&upload, 1000)) {
            }
            assert_null(upload.rope.problem);
            if (cut < 30)
                check_made(&upload, form, forms[i / 4].prefix);
            upload_fini(&upload);
        }
        recorded_upload_free(recorded);
    }
}

static void escaped_slashes_are_base64_too(void **state)
{
    (void)state;
    char text[2 * WAV_BYTES], body[4 * WAV_BYTES] = "{\"audio\":\"";
    size_t used = strlen(body), len = json_write_base64(&plain, wav, sizeof wav, text), slashes = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '/') {
            body[used++] = '\\';
            slashes++;
        }
        body[used++] = text[i];
    }
    memcpy(body + used, "\"}", 2);
    assert_true(slashes > 0);
    struct recorded_request request = request_of(body, used + 2);
    struct recorded_upload *recorded;
    assert_int_equal(recorded_upload_new(&request, &recorded), 0);
    assert_non_null(recorded);
    assert_int_equal(recorded->audio[0].content_bytes, sizeof wav);
    assert_memory_equal(recorded->audio[0].sound, wav, sizeof wav);
    recorded_upload_free(recorded);
}

static void what_is_no_audio_is_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *key, *prefix, *bytes;
        bool is_found;
    } rows[] = {
        {"data", "", "RIFF1234WAVEnothing of a wav is in here, though it begins as one does", true},
        {"data", "", "a text that is long enough, and in base64, and nothing else at all", false},
        {"data", "", "....ftypheic....a picture of a phone, whose boxes are like those of M4A",
         false},
        {"audio", "", "....ftypM4A ....whose boxes are broken, but it is audio all the same", true},
        {"inputAudio", "", "....ftypM4A ....whose boxes are broken, but it is audio all the same",
         true},
        {"data", "data:audio/mp4;base64,",
         "....ftypM4A ....whose boxes are broken, but it is audio all the same", true},
        {"data", "data:audio\\/mp4;base64,", /* as PHP writes it */
         "....ftypM4A ....whose boxes are broken, but it is audio all the same", true},
        {"data", "data:Audio\\/wav;base64,",
         "RIFF1234WAVEnothing of a wav is in here, though it begins as one does", true},
        {"data", "data:image\\/wav;base64,",
         "RIFF1234WAVEnothing of a wav is in here, though it begins as one does", false},
        {"data", "data:audio\\wav;base64,",
         "RIFF1234WAVEnothing of a wav is in here, though it begins as one does", false},
        {"data", "data:image/wav;base64,",
         "RIFF1234WAVEnothing of a wav is in here, though it begins as one does", false},
        {"data", "", "RIFF1234WAVE", false}, /* too short to be anything */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[400], text[200];
        size_t len = json_write_base64(&plain, rows[i].bytes, strlen(rows[i].bytes), text);
        int used = snprintf(body, sizeof body, "{\"%s\":\"%s%.*s\"}", rows[i].key, rows[i].prefix,
                            (int)len, text);
        struct recorded_request request = request_of(body, (size_t)used);
        struct recorded_upload *recorded;
        assert_int_equal(recorded_upload_new(&request, &recorded), 0);
        if (!recorded == rows[i].is_found)
            fail_msg("%s: %sfound", rows[i].bytes, recorded ? "" : "not ");
        recorded_upload_free(recorded);
    }
}

static void a_member_that_is_named_must_be_audio(void **state)
{
    (void)state;
    static const struct {
        const char *body, *problem;
    } rows[] = {
        {"{\"voice\":\"aGVsbG8=\"}", "part voice: it is none of WAV, FLAC"},
        {"{\"voice\":\"no base64!\"}", "part voice: it is not a string in base64"},
        {"{\"voice\":null,\"other\":1}", "part voice: it is not a string in base64"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recorded_request request = request_of(rows[i].body, strlen(rows[i].body));
        struct recorded_upload *recorded;
        request.part = "voice";
        assert_int_equal(recorded_upload_new(&request, &recorded), 0);
        assert_non_null(recorded);
        if (strncmp(recorded->problem, rows[i].problem, strlen(rows[i].problem)) != 0)
            fail_msg("%s", recorded->problem);
        recorded_upload_free(recorded);
        request.part = "another";
        assert_int_equal(recorded_upload_new(&request, &recorded), 0);
        assert_null(recorded);
    }
}

static void a_body_that_is_another_by_now_is_named(void **state)
{
    (void)state;
    char body[20000];
    const struct upload_choice choice = {.source = UPLOAD_PCM, .id = {1, 2}};
    size_t len = compose(body, sizeof body, (struct span){wav, sizeof wav}, &plain, "");
    struct recorded_request request = request_of(body, len);
    struct recorded_upload *recorded;
    struct upload upload;
    struct pieces live;
    assert_int_equal(recorded_upload_new(&request, &recorded), 0);
    static const struct {
        const char *body, *reason;
    } rows[] = {
        {"{}", "its JSON has fewer strings than were recorded"},
        {"{\"a\":1,\"b\":\"", "its JSON has fewer strings than were recorded"},
        {"[1,2,3,4,5,6,7,8,9,10,11,12,13,14]", "its audio is not the recorded one"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct span span = {rows[i].body, strlen(rows[i].body)};
        pieces_init(&live, &span, 1);
        assert_string_equal(upload_make(recorded, &live, request.content_type, &choice, &upload),
                            rows[i].reason);
        upload_fini(&upload);
    }
    recorded_upload_free(recorded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_told_apart_wherever_the_text_is_cut),
        cmocka_unit_test(base64_is_read_as_people_write_it),
        cmocka_unit_test(the_audio_and_what_follows_from_it_are_new),
        cmocka_unit_test(escaped_slashes_are_base64_too),
        cmocka_unit_test(what_is_no_audio_is_left_alone),
        cmocka_unit_test(a_member_that_is_named_must_be_audio),
        cmocka_unit_test(a_body_that_is_another_by_now_is_named),
    };
    return cmocka_run_group_tests(tests, write_wav, NULL);
}
