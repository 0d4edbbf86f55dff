/* multipart_audio_folder_test.c - files of a folder as they are read while a run lasts: thousands
 * of them with a few descriptors, cut short, changed, gone; and long ones, of which little is
 * looked at. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugins/multipart_audio/folder.h"
#include "plugins/multipart_audio/glance.h"
#include "plugins/multipart_audio/rope.h"

static char place[] = "/tmp/multipart_audio_XXXXXX";
static const char sample_folder[] = TEST_SOURCE_DIR "/tests/plugins/audio";
static int place_fd;

static int begin(void **state)
{
    (void)state;
    memcpy(strrchr(place, '_'), "_XXXXXX", 8);
    place_fd = mkdtemp(place) ? open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return place_fd < 0;
}

static int end(void **state)
{
    (void)state;
    DIR *folder = fdopendir(place_fd);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    return rmdir(place);
}

static void put(char *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)(value >> i * 8);
}

/* A WAV of 8 bits whose samples are all `sample`. */
static void write_wav(const char *name, uint32_t data_bytes, int sample)
{
    char head[44] = "RIFF....WAVEfmt \20\0\0\0\1\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\10\0data";
    char *samples = malloc(data_bytes);
    int fd = openat(place_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    put(head + 4, 36 + (uint64_t)data_bytes, 4);
    put(head + 40, data_bytes, 4);
    memset(samples, sample, data_bytes);
    assert_int_equal(write(fd, head, sizeof head), sizeof head);
    assert_int_equal(write(fd, samples, data_bytes), data_bytes);
    free(samples);
    close(fd);
}

static void open_place(struct folder *folder)
{
    char problem[FOLDER_MAX_PROBLEM_BYTES];
    if (folder_open(place, folder, problem))
        fail_msg("%s", problem);
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void many_files_take_few_descriptors(void **state)
{
    (void)state;
    enum { FILES = 300, BYTES = 400 };
    struct folder folder;
    char name[32], problem[FILES_MAX_PROBLEM_BYTES], got[BYTES];
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "%04d.wav", i);
        write_wav(name, BYTES, i);
    }
    size_t before = open_descriptors();
    open_place(&folder);
    assert_int_equal(folder.count, FILES);
    assert_int_equal(open_descriptors(), before + 1); /* the folder's own */
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < FILES; i++) {
            assert_int_equal(files_read(&folder.files[i].file, 44, got, BYTES, problem), 0);
            for (size_t k = 0; k < BYTES; k++)
                assert_int_equal((unsigned char)got[k], i & 255);
        }
    assert_int_equal(open_descriptors(), before + 1 + FILES_MAX_OPEN);
    folder_close(&folder);
    assert_int_equal(open_descriptors(), before);
}

enum { READERS = 6, SHARED = FILES_MAX_OPEN * 2, SHARED_BYTES = 3000 };

static void *read_them_all(void *owner)
{
    const struct folder *folder = owner;
    char got[SHARED_BYTES], problem[FILES_MAX_PROBLEM_BYTES];
    uintptr_t wrong = 0;
    for (size_t round = 0; round < 20; round++)
        for (size_t i = 0; i < SHARED; i++) {
            size_t which = (i * 7 + round) % SHARED;
            if (files_read(&folder->files[which].file, 44, got, sizeof got, problem))
                return (void *)UINTPTR_MAX;
            for (size_t k = 0; k < sizeof got; k++)
                wrong += (unsigned char)got[k] != (which & 255);
        }
    return (void *)wrong;
}

static void threads_that_share_them_get_the_right_ones(void **state)
{
    (void)state;
    struct folder folder;
    pthread_t threads[READERS];
    char name[32];
    for (int i = 0; i < SHARED; i++) {
        snprintf(name, sizeof name, "%04d.wav", i);
        write_wav(name, SHARED_BYTES, i);
    }
    open_place(&folder);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_them_all, &folder), 0);
    for (int i = 0; i < READERS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    folder_close(&folder);
}

/* What a body reads of it: up to where it fails. */
static size_t read_rope(struct rope *rope, size_t step)
{
    char bytes[4096];
    size_t at = 0;
    for (size_t len; (len = rope_read(rope, at, bytes, step)) > 0;)
        at += len;
    return at;
}

static void a_file_cut_short_while_it_is_read_is_an_error(void **state)
{
    (void)state;
    struct folder folder;
    struct rope rope;
    char bytes[1000];
    write_wav("long.wav", 100000, 'x');
    write_wav("other.wav", 5000, 'y');
    open_place(&folder);
    rope_init(&rope);
    rope_add_text(&rope, "head", 4);
    rope_add_file(&rope, &folder.files[0].file, 10, 90000);
    assert_int_equal(rope_read(&rope, 50000, bytes, sizeof bytes), sizeof bytes);
    int fd = openat(place_fd, "long.wav", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, 60000), 0);
    close(fd);
    assert_int_equal(read_rope(&rope, 1000), 4); /* its text; nothing of what it is now */
    assert_string_equal(rope.problem, "long.wav was cut short during the run");
    rope_fini(&rope);
    rope_add_file(&rope, &folder.files[1].file, 0, 5044);
    assert_int_equal(read_rope(&rope, 1000), 5044);
    assert_null(rope.problem);
    rope_fini(&rope);
    folder_close(&folder);
}

static void what_is_another_file_by_now_is_not_read(void **state)
{
    (void)state;
    struct folder folder;
    char problem[FILES_MAX_PROBLEM_BYTES], bytes[16];
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000}};
    write_wav("gone.wav", 1000, 1);
    write_wav("replaced.wav", 1000, 2);
    write_wav("touched.wav", 1000, 3);
    open_place(&folder);
    unlinkat(place_fd, "gone.wav", 0);
    assert_int_equal(files_read(&folder.files[0].file, 44, bytes, 16, problem), -1);
    assert_string_equal(problem, "gone.wav can no longer be read: No such file or directory");
    write_wav("fresh.wav", 1000, 4);
    renameat(place_fd, "fresh.wav", place_fd, "replaced.wav");
    assert_int_equal(files_read(&folder.files[1].file, 44, bytes, 16, problem), -1);
    assert_string_equal(problem, "replaced.wav was changed during the run");
    assert_int_equal(files_read(&folder.files[2].file, 44, bytes, 16, problem), 0);
    utimensat(place_fd, "touched.wav", times, 0);
    assert_int_equal(files_read(&folder.files[2].file, 44, bytes, 16, problem), -1);
    assert_string_equal(problem, "touched.wav was changed during the run");
    folder_close(&folder);
}

static void append(int fd, const void *bytes, size_t len)
{
    assert_int_equal(write(fd, bytes, len), len);
}

/* In place of the `len` bytes that are not written: a hole. */
static void leave_out(int fd, uint64_t len)
{
    assert_true(lseek(fd, (off_t)len, SEEK_CUR) > 0);
}

static int create(const char *name)
{
    int fd = openat(place_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void chunk(int fd, const char *name, uint32_t len)
{
    char head[8];
    memcpy(head, name, 4);
    put(head + 4, len, 4);
    append(fd, head, 8);
}

/* A page of an Ogg file with one packet, of which `front` is written, and a hole. */
static void ogg_page(int fd, uint32_t number, const void *front, size_t front_bytes, size_t bytes)
{
    char head[27] = "OggS", lacing[255];
    size_t segments = bytes / 255 + 1;
    put(head + 18, number, 4);
    head[26] = (char)segments;
    memset(lacing, 255, sizeof lacing);
    lacing[segments - 1] = (char)(bytes % 255);
    append(fd, head, sizeof head);
    append(fd, lacing, segments);
    append(fd, front, front_bytes);
    leave_out(fd, bytes - front_bytes);
}

/* Their metadata lies far behind the front, and is found. */
static void of_long_files_the_heads_are_enough(void **state)
{
    (void)state;
    static const char fmt[16] = "\1\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\10\0";
    enum { FAR = 3000000, DATA = 1500000000 };
    struct folder folder;
    int fd = create("1.wav"); /* a chunk of notes before its format */
    chunk(fd, "RIFF", 4 + 8 + FAR + 8 + 16 + 8 + DATA);
    append(fd, "WAVE", 4);
    chunk(fd, "junk", FAR);
    leave_out(fd, FAR);
    chunk(fd, "fmt ", 16);
    append(fd, fmt, 16);
    chunk(fd, "data", DATA);
    leave_out(fd, DATA - 1);
    append(fd, "", 1);
    close(fd);
    fd = create("2.m4a"); /* its index is at the end */
    append(fd, "\0\0\0\20ftypM4A \0\0\0\0", 16);
    append(fd, "\0\x2d\xc6\xc8mdat", 8); /* 3,000,008 */
    leave_out(fd, FAR);
    append(fd, "\0\0\0\10moov", 8);
    close(fd);
    fd = create("3.flac"); /* a picture before its comments */
    append(fd, "fLaC\0\0\0\42", 8);
    leave_out(fd, 34);
    append(fd, "\6\x2d\xc6\xc0", 4); /* 3,000,000 */
    leave_out(fd, FAR);
    append(fd, "\x84\0\0\14\4\0\0\0mine\0\0\0\0", 16);
    append(fd, "frames", 6);
    close(fd);
    fd = create("4.mp3");                    /* a picture in its tag; not to be written anew */
    append(fd, "ID3\3\0\0\1\67\15\100", 10); /* 3,000,000 in sevens */
    leave_out(fd, FAR);
    append(fd, "\xff\xfb\x90\x64", 4);
    leave_out(fd, 500);
    append(fd, "", 1);
    close(fd);
    fd = create("5.ogg"); /* a comment of 50,000 bytes, and sound behind it */
    ogg_page(fd, 0, "OpusHead", 8, 19);
    ogg_page(fd, 1, "OpusTags\4\0\0\0mine\1\0\0\0\x38\xc3\0", 23, 50000);
    for (uint32_t i = 2; i < 12; i++)
        ogg_page(fd, i, "", 0, 60000);
    append(fd, "", 1);
    close(fd);
    open_place(&folder);
    assert_int_equal(folder.count, 5);
    for (size_t i = 0; i < 5; i++)
        if (folder.files[i].not_unique)
            fail_msg("%s: %s", folder.files[i].file.name, folder.files[i].not_unique);
    assert_int_equal(folder.files[0].unique.edits[1].at, 12 + 8 + FAR + 24 + 8 + DATA);
    assert_int_equal(folder.files[1].unique.edits[0].at, 16 + 8 + FAR + 8);
    assert_int_equal(folder.files[2].unique.edits[1].at, 42 + 4 + FAR + 4 + 8);
    assert_int_equal(folder.files[3].format, AUDIO_MP3);
    assert_int_equal(folder.files[4].unique.edits[0].at, 27 + 1 + 19);
    assert_int_equal(folder.files[4].unique.edits[0].drop, 27 + 197 + 50000);
    assert_int_equal(unique_growth(&folder.files[4].unique), 47 + 0);
    folder_close(&folder);
}

/* `name` from `path`, with its last bytes missing. */
static void cut_copy(const char *from, const char *name, size_t missing)
{
    static char bytes[65536];
    char path[sizeof sample_folder + 40];
    snprintf(path, sizeof path, "%s/%s", sample_folder, from);
    int in = open(path, O_RDONLY | O_CLOEXEC), out = create(name);
    ssize_t len = read(in, bytes, sizeof bytes);
    assert_in_range(len, 600, sizeof bytes - 1);
    append(out, bytes, (size_t)len - missing);
    close(in);
    close(out);
}

static void what_says_that_it_is_longer_is_left_out(void **state)
{
    (void)state;
    struct folder folder;
    char problem[FOLDER_MAX_PROBLEM_BYTES], expected[FOLDER_MAX_PROBLEM_BYTES];
    static const struct {
        const char *name;
        size_t missing;
    } cut[] = {{"tone.wav", 1},        {"tone.wav", 3200},       {"opus.ogg", 1},
               {"vorbis.ogg", 3640},   {"void.webm", 1},         {"tone.m4a", 1},
               {"comment.flac", 1600}, {"streaminfo.flac", 1560}};
    size_t count = sizeof cut / sizeof cut[0];
    int fd;
    for (size_t i = 0; i < count; i++) {
        char name[40];
        snprintf(name, sizeof name, "%zu-%s", i, cut[i].name);
        cut_copy(cut[i].name, name, cut[i].missing);
    }
    assert_int_equal(folder_open(place, &folder, problem), -1);
    snprintf(expected, sizeof expected,
             "%s: its files of audio are cut short, as 0-%s: none is left", place, cut[0].name);
    assert_string_equal(problem, expected);
    assert_int_equal(folder.cut_short, count);
    folder_close(&folder);
    /* Of these nobody can say so. */
    write_wav("open.wav", 1000, 1);
    fd = openat(place_fd, "open.wav", O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, 40), 4);
    close(fd);
    write_wav("pipe.wav", 1000, 1);
    fd = openat(place_fd, "pipe.wav", O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "\0\xf0\xff\x7f", 4, 40), 4);
    close(fd);
    for (size_t i = 0; i < count; i++) {
        char name[40];
        snprintf(name, sizeof name, "whole-%zu-%s", i, cut[i].name);
        cut_copy(cut[i].name, name, 0);
    }
    open_place(&folder);
    assert_int_equal(folder.count, count + 2);
    assert_int_equal(folder.cut_short, count);
    assert_int_equal(folder.passed_over, 0);
    folder_close(&folder);
}

static void a_glance_at_a_file_with_fewer_bytes_fails(void **state)
{
    (void)state;
    struct span glance;
    int fd = create("short");
    append(fd, "RIFF", 4);
    assert_int_equal(glance_at(fd, 4, &glance), 0);
    assert_memory_equal(glance.ptr, "RIFF", 4);
    glance_free(glance);
    assert_int_equal(glance_at(fd, 5, &glance), -1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_files_take_few_descriptors, begin, end),
        cmocka_unit_test_setup_teardown(threads_that_share_them_get_the_right_ones, begin, end),
        cmocka_unit_test_setup_teardown(a_file_cut_short_while_it_is_read_is_an_error, begin, end),
        cmocka_unit_test_setup_teardown(what_is_another_file_by_now_is_not_read, begin, end),
        cmocka_unit_test_setup_teardown(of_long_files_the_heads_are_enough, begin, end),
        cmocka_unit_test_setup_teardown(what_says_that_it_is_longer_is_left_out, begin, end),
        cmocka_unit_test_setup_teardown(a_glance_at_a_file_with_fewer_bytes_fails, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
