/* multipart_audio_upload_test.c - a recorded upload becomes another: every byte that does not
 * follow from the audio stays, and every one that does is right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/multipart_audio/upload.h"
#include "plugins/multipart_audio/wav.h"

enum { WAV_DATA_BYTES = 3200, WAV_BYTES = 44 + WAV_DATA_BYTES };

static const char content_type[] = "multipart/form-data; boundary=xYzZY";

/* A mono 16-bit WAV of 16 kHz. */
static void write_wav(char file[WAV_BYTES])
{
    static const uint8_t fmt[16] = {1, 0, 1, 0, 0x80, 0x3e, 0, 0, 0, 0x7d, 0, 0, 2, 0, 16, 0};
    struct audio like = {.format = AUDIO_WAV, .pcm = {PCM_S16, 16000, 1, 2}, .fmt_bytes = 16};
    struct pcm_source source = {like.pcm, PCM_TONE, 99, WAV_DATA_BYTES, {0, 0}, false};
    memcpy(like.fmt, fmt, sizeof fmt);
    wav_head(&like, WAV_DATA_BYTES, (uint8_t *)file);
    pcm_read(&source, 0, file + 44, WAV_DATA_BYTES);
}

static void hash(const void *bytes, size_t len, enum digest_kind kind, enum digest_form form,
                 char into[DIGEST_MAX_TEXT_BYTES + 1])
{
    struct digest_values values;
    struct digests *digests = digests_new(1U << kind);
    digests_add(digests, bytes, len);
    digests_free(digests, &values);
    digest_text(&values, kind, form, into);
}

/* Text, with %s for what is in `args` in turn, and %w for the file. */
static size_t compose(char *into, const char *pattern, const char *const *args, struct span file)
{
    size_t used = 0;
    for (; *pattern; pattern++) {
        if (pattern[0] == '%' && pattern[1] == 's') {
            size_t len = strlen(*args);
            memcpy(into + used, *args++, len);
            used += len;
            pattern++;
        } else if (pattern[0] == '%' && pattern[1] == 'w') {
            memcpy(into + used, file.ptr, file.len);
            used += file.len;
            pattern++;
        } else {
            into[used++] = *pattern;
        }
    }
    return used;
}

static const char form[] =
    "preamble\r\n--xYzZY\r\n"
    "Content-Disposition: form-data; name=\"title\"\r\n\r\nmy note\r\n--xYzZY\r\n"
    "content-disposition:form-data; name=\"sha256\"\r\n\r\n%s\r\n--xYzZY\r\n"
    "Content-Disposition: form-data; name=\"size\"\r\n\r\n%s\r\n--xYzZY  \r\n"
    "X-Odd:  kept \r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"; "
    "filename*=UTF-8''n%C3%B6te%s\r\nContent-Type: audio/wav\r\nContent-MD5: %s\r\n"
    "Content-Length: %s\r\n\r\n%w\r\n--xYzZY\r\n"
    "Content-Disposition: form-data; name=\"original\"\r\n\r\n%s\r\n--xYzZY--\r\nepilogue";

static size_t compose_form(char *into, const char *name, const char *extended, struct span wav)
{
    char sha256[DIGEST_MAX_TEXT_BYTES + 1], md5[DIGEST_MAX_TEXT_BYTES + 1], size[24];
    hash(wav.ptr, wav.len, DIGEST_SHA256, DIGEST_HEX, sha256);
    hash(wav.ptr, wav.len, DIGEST_MD5, DIGEST_BASE64, md5);
    snprintf(size, sizeof size, "%zu", wav.len);
    return compose(into, form, (const char *[]){sha256, size, name, extended, md5, size, name},
                   wav);
}

struct made {
    struct recorded_upload *recorded;
    struct upload upload;
    char *body;
    size_t len;
};

static void make_in(struct made *made, const struct recorded_request *request,
                    const struct span *pieces, size_t count, const struct upload_choice *choice)
{
    struct pieces live;
    pieces_init(&live, pieces, count);
    const char *reason =
        upload_make(made->recorded, &live, request->content_type, choice, &made->upload);
    if (reason)
        fail_msg("%s", reason);
    while (!upload_digest(&made->upload, 1000)) {
    }
    made->len = (size_t)made->upload.rope.total_bytes;
    made->body = malloc(made->len);
    assert_int_equal(rope_read(&made->upload.rope, 0, made->body, made->len), made->len);
}

static void make(struct made *made, const struct recorded_request *request,
                 const struct upload_choice *choice)
{
    assert_int_equal(recorded_upload_new(request, &made->recorded), 0);
    assert_non_null(made->recorded);
    assert_string_equal(made->recorded->problem, "");
    make_in(made, request, &request->body, 1, choice);
}

static void free_made(struct made *made)
{
    upload_fini(&made->upload);
    recorded_upload_free(made->recorded);
    free(made->body);
}

static struct span new_audio(const struct made *made, size_t i)
{
    return (struct span){made->body + made->upload.audio_at[i],
                         (size_t)made->upload.audio_bytes[i]};
}

static void a_form_keeps_every_byte_that_does_not_follow_from_the_audio(void **state)
{
    (void)state;
    static const struct upload_choice choices[] = {
        {.source = UPLOAD_PCM, .kind = PCM_NOISE, .id = {0x1234567890abcdef, 0x5000003}},
        {.source = UPLOAD_PCM,
         .kind = PCM_TONE,
         .file_bytes = 50000,
         .id = {0x12345678, 0x5000003}},
        {.source = UPLOAD_PCM, .kind = PCM_SILENCE, .duration_us = 2500000, .id = {0x12345678, 3}},
        {.source = UPLOAD_RECORDED, .id = {0xabcdef, 0x5000003}},
    };
    static const char *const names[] = {"note-90abcdef5000003.wav", "note-123456785000003.wav",
                                        "note-123456783.wav", "note-00abcdef5000003.wav"};
    static const size_t sizes[] = {WAV_BYTES, 50000, 44 + 80000, WAV_BYTES + 54};
    char wav[WAV_BYTES], body[8192];
    write_wav(wav);
    size_t len = compose_form(body, "note.wav", ".wav", (struct span){wav, sizeof wav});
    struct recorded_request request = {
        .content_type = {content_type, sizeof content_type - 1}, .body = {body, len}, .part = ""};
    for (size_t i = 0; i < 4; i++) {
        struct made made;
        struct audio audio;
        make(&made, &request, &choices[i]);
        struct span file = new_audio(&made, 0);
        assert_int_equal(file.len, sizes[i]);
        assert_null(audio_recognise(file, (struct span){NULL, 0}, &audio));
        char *expected = malloc(made.len + 100);
        size_t expected_len = compose_form(expected, names[i], names[i] + 4, file);
        assert_int_equal(made.len, expected_len);
        assert_memory_equal(made.body, expected, expected_len);
        free(expected);
        free_made(&made);
    }
}

static void values_of_the_user_stay_where_the_request_has_them(void **state)
{
    (void)state;
    char wav[WAV_BYTES], body[8192], live_body[8192];
    struct made made;
    struct span pieces[64];
    write_wav(wav);
    size_t len = compose_form(body, "note.wav", ".wav", (struct span){wav, sizeof wav});
    struct recorded_request request = {
        .content_type = {content_type, sizeof content_type - 1}, .body = {body, len}, .part = ""};
    /* The title is a bound value now, longer than the recorded one, and the body is in pieces. */
    size_t title = (size_t)(strstr(body, "my note") - body), count = 0;
    snprintf(live_body, sizeof live_body, "a title of this user");
    pieces[count++] = (struct span){body, title};
    pieces[count++] = (struct span){live_body, strlen(live_body)};
    for (size_t at = title + 7; at < len; at += 300)
        pieces[count++] = (struct span){body + at, len - at < 300 ? len - at : 300};
    struct upload_choice choice = {.source = UPLOAD_RECORDED, .id = {1, 2}};
    assert_int_equal(recorded_upload_new(&request, &made.recorded), 0);
    make_in(&made, &request, pieces, count, &choice);
    assert_non_null(memmem(made.body, made.len, "\r\n\r\na title of this user\r\n--xYzZY", 31));
    struct span file = new_audio(&made, 0);
    assert_int_equal(file.len, WAV_BYTES + 54);
    assert_memory_equal(file.ptr + 44, wav + 44, WAV_DATA_BYTES);
    free_made(&made);
}

static void checksums_in_headers_follow_body_and_audio(void **state)
{
    (void)state;
    char wav[WAV_BYTES], body[8192], md5[200], sha512[200], value[400], expected[200];
    struct made made;
    write_wav(wav);
    size_t len = compose_form(body, "note.wav", ".wav", (struct span){wav, sizeof wav});
    hash(body, len, DIGEST_MD5, DIGEST_BASE64, md5);
    char digest[400], sha256[200];
    hash(body, len, DIGEST_SHA512, DIGEST_BASE64, sha512);
    hash(wav, sizeof wav, DIGEST_SHA256, DIGEST_HEX_UPPER, sha256);
    snprintf(digest, sizeof digest, "sha-512=:%s:, other=1", sha512);
    const struct recorded_header headers[] = {
        {{"Content-MD5", 11}, {md5, strlen(md5)}},
        {{"Content-Digest", 14}, {digest, strlen(digest)}},
        {{"X-Audio", 7}, {sha256, strlen(sha256)}},
    };
    struct recorded_request request = {.content_type = {content_type, sizeof content_type - 1},
                                       .body = {body, len},
                                       .headers = headers,
                                       .header_count = 3,
                                       .part = ""};
    struct upload_choice choice = {.source = UPLOAD_PCM, .kind = PCM_NOISE, .id = {7, 8}};
    make(&made, &request, &choice);
    assert_int_equal(upload_header(&made.upload, headers[0].value, value, sizeof value), 24);
    hash(made.body, made.len, DIGEST_MD5, DIGEST_BASE64, expected);
    assert_string_equal(value, expected);
    upload_header(&made.upload, headers[1].value, value, sizeof value);
    hash(made.body, made.len, DIGEST_SHA512, DIGEST_BASE64, expected);
    snprintf(digest, sizeof digest, "sha-512=:%s:, other=1", expected);
    assert_string_equal(value, digest);
    upload_header(&made.upload, headers[2].value, value, sizeof value);
    struct span file = new_audio(&made, 0);
    hash(file.ptr, file.len, DIGEST_SHA256, DIGEST_HEX_UPPER, expected);
    assert_string_equal(value, expected);
    assert_int_equal(upload_header(&made.upload, (struct span){"none", 4}, value, sizeof value), 0);
    free_made(&made);
}

enum { LONG_BYTES = 300000 };

/* A form with the file, and then a field of LONG_BYTES with its checksum at each place. */
static size_t compose_long(char *into, struct span wav, const size_t *places, size_t count)
{
    char sha256[DIGEST_MAX_TEXT_BYTES + 1];
    hash(wav.ptr, wav.len, DIGEST_SHA256, DIGEST_HEX, sha256);
    size_t len = compose(into,
                         "--xYzZY\r\nContent-Type: audio/wav\r\n\r\n%w\r\n--xYzZY\r\n"
                         "Content-Disposition: form-data; name=\"note\"\r\n\r\n",
                         NULL, wav);
    memset(into + len, 'n', LONG_BYTES);
    for (size_t i = 0; i < count; i++)
        memcpy(into + len + places[i], sha256, 64);
    len += LONG_BYTES;
    memcpy(into + len, "\r\n--xYzZY--", 11);
    return len + 11;
}

static void expect_long(const struct recorded_request *request, const struct span *pieces,
                        size_t piece_count, const size_t *places, size_t count)
{
    const struct upload_choice choice = {.source = UPLOAD_PCM, .kind = PCM_NOISE, .id = {7, 8}};
    struct made made;
    assert_int_equal(recorded_upload_new(request, &made.recorded), 0);
    make_in(&made, request, pieces, piece_count, &choice);
    char *expected = malloc(made.len);
    assert_int_equal(compose_long(expected, new_audio(&made, 0), places, count), made.len);
    assert_memory_equal(made.body, expected, made.len);
    assert_true(made.upload.rope.text_bytes < 20000); /* the rest is read where it lies */
    free(expected);
    free_made(&made);
}

static void a_checksum_inside_a_long_field_follows_wherever_it_lies(void **state)
{
    (void)state;
    static const struct {
        size_t places[4], count;
    } rows[] = {{{150000}, 1},
                {{0, 64, 128, 192}, 4},
                {{80}, 1},
                {{LONG_BYTES - 64}, 1},
                {{100, LONG_BYTES - 120}, 2},
                {{LONG_BYTES - 160, LONG_BYTES - 96}, 2},
                {{100000, 200000, 200064}, 3}};
    static char body[LONG_BYTES + 8192];
    char wav[WAV_BYTES];
    write_wav(wav);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len =
            compose_long(body, (struct span){wav, sizeof wav}, rows[i].places, rows[i].count);
        const struct recorded_request request = {
            .content_type = {content_type, sizeof content_type - 1},
            .body = {body, len},
            .part = ""};
        expect_long(&request, &request.body, 1, rows[i].places, rows[i].count);
    }
    /* One that lies across two long pieces. */
    size_t place = 150000, len = compose_long(body, (struct span){wav, sizeof wav}, &place, 1);
    const struct recorded_request request = {
        .content_type = {content_type, sizeof content_type - 1}, .body = {body, len}, .part = ""};
    size_t begin = len - 11 - LONG_BYTES + place;
    for (size_t at = begin; at <= begin + 64; at += 21) {
        const struct span halves[] = {{body, at}, {body + at, len - at}};
        expect_long(&request, halves, 2, &place, 1);
    }
}

static void another_format_from_a_folder_changes_type_and_extension(void **state)
{
    (void)state;
    char wav[WAV_BYTES], body[8192], problem[FOLDER_MAX_PROBLEM_BYTES];
    struct folder folder;
    struct made made;
    write_wav(wav);
    size_t len = compose_form(body, "note.wav", ".wav", (struct span){wav, sizeof wav});
    assert_int_equal(folder_open(TEST_SOURCE_DIR "/tests/plugins/audio", &folder, problem), 0);
    struct recorded_request request = {
        .content_type = {content_type, sizeof content_type - 1}, .body = {body, len}, .part = ""};
    struct upload_choice choice = {.source = UPLOAD_FILE, .id = {0x11, 0x22}};
    for (size_t i = 0; i < folder.count; i++)
        if (folder.files[i].format == AUDIO_FLAC)
            choice.file = &folder.files[i];
    make(&made, &request, &choice);
    assert_non_null(memmem(made.body, made.len, "filename=\"note-0000001122.flac\"", 30));
    assert_non_null(memmem(made.body, made.len, "n%C3%B6te-0000001122.flac\r\n", 27));
    assert_non_null(memmem(made.body, made.len, "Content-Type: audio/flac\r\n", 26));
    assert_non_null(memmem(made.body, made.len, "\r\n\r\nnote-0000001122.flac\r\n", 26));
    struct audio audio;
    assert_null(audio_recognise(new_audio(&made, 0), (struct span){NULL, 0}, &audio));
    assert_int_equal(audio.format, AUDIO_FLAC);
    free_made(&made);
    folder_close(&folder);
}

static void a_body_that_is_audio_is_made_anew_whole(void **state)
{
    (void)state;
    char wav[WAV_BYTES];
    struct made made;
    write_wav(wav);
    struct recorded_request request = {
        .content_type = {"audio/wav", 9}, .body = {wav, sizeof wav}, .part = ""};
    struct upload_choice choice = {.source = UPLOAD_PCM, .kind = PCM_TONE, .id = {3, 4}};
    make(&made, &request, &choice);
    assert_int_equal(made.len, WAV_BYTES);
    assert_memory_equal(made.body, wav, 44);
    assert_memory_not_equal(made.body + 44, wav + 44, WAV_DATA_BYTES);
    free_made(&made);
    request.content_type = (struct span){"audio/L16;rate=8000", 19};
    request.body = (struct span){wav + 44, 1000};
    make(&made, &request, &choice);
    assert_int_equal(made.len, 1000);
    free_made(&made);
}

static void uploads_that_cannot_be_made_are_named_and_others_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body, *part;
        const char *problem; /* NULL: no upload of audio */
    } rows[] = {
        {content_type,
         "--xYzZY\r\nContent-Type: audio/wav\r\n"
         "Content-Disposition: form-data; name=\"f\"\r\n\r\nnothing\r\n--xYzZY--",
         "",
         "part f: it is none of WAV, FLAC, MP3, Ogg, WebM, MP4, and its type is not one of plain "
         "samples"},
        {content_type,
         "--xYzZY\r\nContent-Type: audio/wav\r\n"
         "Content-Disposition: form-data; name=\"f\"\r\n\r\n\r\n--xYzZY--",
         "", "part f: it is empty"},
        {content_type, "--other\r\nContent-Type: audio/wav\r\n\r\nx\r\n--other--", "",
         "its multipart body: the boundary of its Content-Type is not in it"},
        {content_type, "--xYzZY\r\nContent-Type: audio/wav\r\n\r\nRIFF", "",
         "its multipart body: it ends before its last boundary"},
        {"audio/wav", "this is text", "",
         "its body is no audio: it is none of WAV, FLAC, MP3, Ogg, WebM, MP4, and its type is not "
         "one of plain samples"},
        {content_type,
         "--xYzZY\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nx\r\n--xYzZY--", "f",
         "part f: it is none of WAV, FLAC, MP3, Ogg, WebM, MP4, and its type is not one of "
         "plain samples"},
        {content_type,
         "--xYzZY\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nx\r\n--xYzZY--", "", NULL},
        {content_type,
         "--xYzZY\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.png\"\r\n"
         "Content-Type: image/png\r\n\r\nRIFFxxxxWAVE\r\n--xYzZY--",
         "", NULL},
        {content_type, "--other\r\n\r\nx\r\n--other--", "", NULL},
        {"application/json", "{\"type\":\"audio/wav\"}", "", NULL},
        {"", "RIFF", "", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recorded_upload *upload;
        const struct recorded_request request = {
            .content_type = {rows[i].type, strlen(rows[i].type)},
            .body = {rows[i].body, strlen(rows[i].body)},
            .part = rows[i].part};
        assert_int_equal(recorded_upload_new(&request, &upload), 0);
        assert_int_equal(upload == NULL, rows[i].problem == NULL);
        if (upload)
            assert_string_equal(upload->problem, rows[i].problem);
        recorded_upload_free(upload);
    }
}

static void two_gigabytes_take_no_memory(void **state)
{
    (void)state;
    char wav[WAV_BYTES], bytes[4096];
    struct made made;
    struct pieces live;
    write_wav(wav);
    struct span piece = {wav, sizeof wav};
    struct recorded_request request = {.content_type = {"audio/wav", 9}, .body = piece, .part = ""};
    struct upload_choice choice = {
        .source = UPLOAD_PCM, .kind = PCM_NOISE, .file_bytes = 1ULL << 31, .id = {3, 4}};
    assert_int_equal(recorded_upload_new(&request, &made.recorded), 0);
    pieces_init(&live, &piece, 1);
    assert_null(upload_make(made.recorded, &live, request.content_type, &choice, &made.upload));
    assert_int_equal(made.upload.rope.total_bytes, 1ULL << 31);
    assert_true(made.upload.rope.text_capacity < 1000);
    assert_int_equal(rope_read(&made.upload.rope, (1ULL << 31) - 4096, bytes, 4096), 4096);
    assert_int_equal(rope_read(&made.upload.rope, 0, bytes, 44), 44);
    assert_int_equal(audio_le32(bytes + 4), (1ULL << 31) - 8);
    upload_fini(&made.upload);
    recorded_upload_free(made.recorded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_keeps_every_byte_that_does_not_follow_from_the_audio),
        cmocka_unit_test(values_of_the_user_stay_where_the_request_has_them),
        cmocka_unit_test(checksums_in_headers_follow_body_and_audio),
        cmocka_unit_test(a_checksum_inside_a_long_field_follows_wherever_it_lies),
        cmocka_unit_test(another_format_from_a_folder_changes_type_and_extension),
        cmocka_unit_test(a_body_that_is_audio_is_made_anew_whole),
        cmocka_unit_test(uploads_that_cannot_be_made_are_named_and_others_are_none),
        cmocka_unit_test(two_gigabytes_take_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
