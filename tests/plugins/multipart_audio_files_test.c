/* multipart_audio_files_test.c - files of every format: recognised, and marked with their sound
 * kept. Those in tests/plugins/audio/ are a sine of 440 Hz, written by ffmpeg, flac and metaflac.
 * That what comes of them decodes to the same samples is e2e/multipart_audio's to see. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/multipart_audio/folder.h"

static const char samples[] = TEST_SOURCE_DIR "/tests/plugins/audio";
static const struct span no_type = {NULL, 0};

static const struct audio_file *file_named(const struct folder *folder, const char *name)
{
    for (size_t i = 0; i < folder->count; i++)
        if (strcmp(folder->files[i].file.name, name) == 0)
            return &folder->files[i];
    fail_msg("no %s in the folder", name);
    return NULL;
}

static void open_samples(struct folder *folder)
{
    char problem[FOLDER_MAX_PROBLEM_BYTES];
    if (folder_open(samples, folder, problem))
        fail_msg("%s", problem);
}

/* What is in it; on the heap. */
static struct span content_of(const struct audio_file *file)
{
    char problem[FILES_MAX_PROBLEM_BYTES];
    size_t len = (size_t)file->file.bytes;
    char *bytes = malloc(len);
    for (size_t at = 0; at < len; at += 1000)
        if (files_read(&file->file, at, bytes + at, len - at < 1000 ? len - at : 1000, problem))
            fail_msg("%s", problem);
    return (struct span){bytes, len};
}

static void free_span(struct span span)
{
    free((void *)(uintptr_t)span.ptr);
}

/* The bytes with a mark in them; on the heap. */
static struct span mark_bytes(struct span file, const struct unique_plan *plan, const char *mark)
{
    size_t len = (size_t)((int64_t)file.len + unique_growth(plan)), used = 0, at = 0;
    char *bytes = malloc(len);
    uint8_t *text = malloc(plan->text_bytes);
    unique_fill(plan, mark, text);
    for (uint32_t i = 0; i <= plan->edit_count; i++) {
        const struct unique_edit *edit = i < plan->edit_count ? &plan->edits[i] : NULL;
        size_t to = edit ? (size_t)edit->at : file.len;
        memcpy(bytes + used, file.ptr + at, to - at);
        used += to - at;
        at = to;
        if (!edit)
            break;
        memcpy(bytes + used, text + edit->text_at, edit->text_bytes);
        used += edit->text_bytes;
        at += edit->drop;
    }
    assert_int_equal(used, len);
    free(text);
    return (struct span){bytes, len};
}

static struct span marked(const struct audio_file *file, const char *mark)
{
    struct span content = content_of(file), result = mark_bytes(content, &file->unique, mark);
    free_span(content);
    return result;
}

static const struct {
    const char *name;
    enum audio_format format;
    int growth;
} rows[] = {
    {"bare.mp3", AUDIO_MP3, 64},     {"comment.flac", AUDIO_FLAC, 47},
    {"id3v23.mp3", AUDIO_MP3, 54},   {"id3v24.mp3", AUDIO_MP3, 54},
    {"list.wav", AUDIO_WAV, 54},     {"live.webm", AUDIO_WEBM, 0},
    {"opus.ogg", AUDIO_OGG, 47},     {"piped.wav", AUDIO_WAV, 54},
    {"stereo24.wav", AUDIO_WAV, 54}, {"streaminfo.flac", AUDIO_FLAC, 59},
    {"tone.m4a", AUDIO_MP4, 40},     {"tone.wav", AUDIO_WAV, 54},
    {"void.webm", AUDIO_WEBM, 0},    {"vorbis.ogg", AUDIO_OGG, 47},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static const char first_mark[] = "0123456789abcdef0123456789abcdef";
static const char other_mark[] = "0123456789abcdef0123456789abcdeX";

static void every_format_is_recognised_and_takes_a_mark(void **state)
{
    (void)state;
    struct folder folder;
    open_samples(&folder);
    assert_int_equal(folder.count, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        const struct audio_file *file = file_named(&folder, rows[i].name);
        if (file->format != rows[i].format || file->not_unique ||
            unique_growth(&file->unique) != rows[i].growth)
            fail_msg("%s: %s, %s, grows by %d", rows[i].name, audio_format_name(file->format),
                     file->not_unique ? file->not_unique : "unique",
                     (int)unique_growth(&file->unique));
        struct span one = marked(file, first_mark), two = marked(file, other_mark);
        struct audio audio;
        assert_non_null(memmem(one.ptr, one.len, first_mark, 32));
        assert_int_equal(one.len, two.len);
        assert_memory_not_equal(one.ptr, two.ptr, one.len);
        assert_null(audio_recognise(one, no_type, &audio));
        assert_int_equal(audio.format, file->format);
        free_span(one);
        free_span(two);
    }
    folder_close(&folder);
}

/* A marked file is a good file: it takes one more mark. */
static void a_marked_file_can_be_marked_again(void **state)
{
    (void)state;
    struct folder folder;
    open_samples(&folder);
    for (size_t i = 0; i < ROWS; i++) {
        const struct audio_file *file = file_named(&folder, rows[i].name);
        struct unique_plan again;
        struct span once = marked(file, first_mark);
        assert_null(unique_plan_make(once, file->format, &again));
        struct span twice = mark_bytes(once, &again, other_mark);
        assert_non_null(memmem(twice.ptr, twice.len, other_mark, 32));
        unique_fini(&again);
        free_span(twice);
        free_span(once);
    }
    folder_close(&folder);
}

static void sizes_and_checksums_of_containers_are_right(void **state)
{
    (void)state;
    struct folder folder;
    struct audio before, after;
    open_samples(&folder);
    const struct audio_file *wav = file_named(&folder, "stereo24.wav");
    struct span one = marked(wav, first_mark), old = content_of(wav);
    assert_null(audio_recognise(old, no_type, &before));
    assert_null(audio_recognise(one, no_type, &after));
    assert_int_equal(audio_le32(one.ptr + 4) + 8, one.len);
    assert_int_equal(after.pcm.encoding, PCM_S24);
    assert_int_equal(after.pcm.channels, 2);
    assert_int_equal(after.data_bytes, before.data_bytes);
    assert_memory_equal(one.ptr + after.data_at, old.ptr + before.data_at, before.data_bytes);
    free_span(one);
    free_span(old);

    const struct audio_file *ogg = file_named(&folder, "vorbis.ogg");
    one = marked(ogg, first_mark);
    old = content_of(ogg);
    uint8_t page[65536];
    size_t at = (size_t)ogg->unique.edits[0].at, len = ogg->unique.text_bytes;
    memcpy(page, one.ptr + at, len);
    uint32_t crc = audio_le32((const char *)page + 22);
    memset(page + 22, 0, 4);
    assert_int_equal(unique_ogg_crc(page, len), crc);
    assert_memory_equal(one.ptr + at + len, "OggS", 4);
    /* The same sum over a page that nobody touched. */
    len = at;
    memcpy(page, old.ptr, len);
    crc = audio_le32((const char *)page + 22);
    memset(page + 22, 0, 4);
    assert_int_equal(unique_ogg_crc(page, len), crc);
    free_span(one);
    free_span(old);
    folder_close(&folder);
}

static void samples_without_a_container_are_what_their_type_says(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        enum pcm_encoding encoding; /* PCM_NONE: no audio */
        uint32_t rate, frame;
    } types[] = {
        {"audio/L16; rate=16000; channels=2", PCM_S16_BIG, 16000, 4},
        {"audio/pcm;rate=24000", PCM_S16, 24000, 2},
        {"AUDIO/PCMU", PCM_ULAW, 8000, 1},
        {"audio/L16; rate=fast", PCM_S16_BIG, 44100, 2},
        {"audio/wav", PCM_NONE, 0, 0},
        {"audio/mpeg", PCM_NONE, 0, 0},
        {"", PCM_NONE, 0, 0},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct audio audio;
        struct span type = {types[i].type, strlen(types[i].type)};
        const char *reason = audio_recognise((struct span){"not a file", 10}, type, &audio);
        assert_int_equal(reason == NULL, types[i].encoding != PCM_NONE);
        if (reason)
            continue;
        assert_int_equal(audio.format, AUDIO_RAW);
        assert_int_equal(audio.pcm.encoding, types[i].encoding);
        assert_int_equal(audio.pcm.rate, types[i].rate);
        assert_int_equal(audio.pcm.frame_bytes, types[i].frame);
    }
}

static void every_prefix_of_a_file_is_read_within_its_bytes(void **state)
{
    (void)state;
    struct folder folder;
    open_samples(&folder);
    for (size_t i = 0; i < folder.count; i++) {
        struct span whole = content_of(&folder.files[i]);
        for (size_t len = 0; len < whole.len; len += len < 600 ? 1 : 97) {
            char *exact = malloc(len ? len : 1);
            struct audio audio;
            struct unique_plan plan;
            memcpy(exact, whole.ptr, len);
            if (!audio_recognise((struct span){exact, len}, no_type, &audio)) {
                if (!unique_plan_make((struct span){exact, len}, audio.format, &plan))
                    for (uint32_t k = 0; k < plan.edit_count; k++)
                        assert_true(plan.edits[k].at + plan.edits[k].drop <= len);
                unique_fini(&plan);
            }
            free(exact);
        }
        free_span(whole);
    }
    folder_close(&folder);
}

static void folders_without_audio_are_named(void **state)
{
    (void)state;
    char problem[FOLDER_MAX_PROBLEM_BYTES], path[] = "/tmp/multipart_audio_XXXXXX", file[64];
    struct folder folder;
    assert_non_null(mkdtemp(path));
    assert_int_equal(folder_open(path, &folder, problem), -1);
    assert_non_null(strstr(problem, ": the folder is empty"));
    folder_close(&folder);
    snprintf(file, sizeof file, "%s/notes.txt", path);
    FILE *out = fopen(file, "we");
    fputs("hello", out);
    fclose(out);
    assert_int_equal(folder_open(path, &folder, problem), -1);
    assert_non_null(strstr(problem, "none of its files is WAV"));
    assert_string_equal(folder.example, "notes.txt");
    folder_close(&folder);
    remove(file);
    remove(path);
    assert_int_equal(folder_open(path, &folder, problem), -1);
    assert_non_null(strstr(problem, "No such file"));
    folder_close(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_recognised_and_takes_a_mark),
        cmocka_unit_test(a_marked_file_can_be_marked_again),
        cmocka_unit_test(sizes_and_checksums_of_containers_are_right),
        cmocka_unit_test(samples_without_a_container_are_what_their_type_says),
        cmocka_unit_test(every_prefix_of_a_file_is_read_within_its_bytes),
        cmocka_unit_test(folders_without_audio_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
