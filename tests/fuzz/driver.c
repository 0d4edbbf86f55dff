/*
 * driver.c - runs a fuzz target over a corpus as an ordinary test, where there is no libFuzzer.
 *
 * Each file is fed whole, at every prefix (evenly spaced ones when it is long) and with seeded
 * mutations, so a parser's corpus is also its test of cut and damaged input under the sanitizers.
 * Same files, same inputs, every time. An input lies in a block of exactly its size, so that
 * AddressSanitizer sees a read of one byte behind it.
 *
 *   usage: NAME_fuzz FILE-OR-DIRECTORY...
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MAX_FILE_BYTES = 1 << 20,
    MAX_PREFIXES = 2000,
    MUTATIONS_PER_FILE = 400,
    MAX_CHANGES = 8,
    /* A whole corpus ends in this time, whatever its size: mutations are left out, then prefixes.
     */
    BUDGET_SECONDS = 20
};

struct run {
    size_t file_count;
    size_t input_count;
    size_t cut_short_count; /* files whose mutations or prefixes did not fit into the budget */
    struct timespec started;
    uint64_t random; /* SplitMix64 */
};

static uint64_t next_random(struct run *run)
{
    uint64_t z = run->random += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

static size_t random_below(struct run *run, size_t limit)
{
    return limit ? (size_t)(next_random(run) % limit) : 0;
}

static int has_time(const struct run *run)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - run->started.tv_sec < BUDGET_SECONDS;
}

static void feed(struct run *run, const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact) {
        fprintf(stderr, "driver: no memory for an input of %zu bytes\n", size);
        exit(1);
    }
    if (size)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    run->input_count++;
}

/* One change: flip a bit, set a byte that parsers care about, drop, repeat or swap a range. */
static size_t change(struct run *run, uint8_t *data, size_t size, size_t capacity)
{
    static const uint8_t special[] = {0,   1,   '\n', '\r', ' ', ':', ';', '"',
                                      '/', '0', '9',  '-',  '.', 127, 128, 255};
    size_t at = random_below(run, size);
    size_t len = 1 + random_below(run, 16);
    if (size == 0 || len > size - at)
        len = size - at;
    switch (random_below(run, 5)) {
    case 0:
        if (size)
            data[at] ^= (uint8_t)(1U << random_below(run, 8));
        break;
    case 1:
        if (size)
            data[at] = special[random_below(run, sizeof special)];
        break;
    case 2:
        memmove(data + at, data + at + len, size - at - len);
        size -= len;
        break;
    case 3:
        if (len > capacity - size)
            break;
        memmove(data + at + len, data + at, size - at);
        size += len;
        break;
    default:
        if (size)
            memmove(data + random_below(run, size - len + 1), data + at, len);
        break;
    }
    return size;
}

static void feed_mutations(struct run *run, const uint8_t *data, size_t size)
{
    size_t capacity = size + 16 * MAX_CHANGES;
    uint8_t *changed = malloc(capacity);
    if (!changed)
        return;
    for (size_t i = 0; i < MUTATIONS_PER_FILE && has_time(run); i++) {
        size_t changed_size = size;
        memcpy(changed, data, size);
        for (size_t left = 1 + random_below(run, MAX_CHANGES); left; left--)
            changed_size = change(run, changed, changed_size, capacity);
        feed(run, changed, changed_size);
    }
    free(changed);
}

static void run_file(struct run *run, const char *path)
{
    static uint8_t data[MAX_FILE_BYTES];
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "driver: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    run->file_count++;
    run->random = run->file_count;
    feed(run, data, size);
    size_t step = size / MAX_PREFIXES + 1;
    for (size_t len = 0; len < size && has_time(run); len += step)
        feed(run, data, len);
    feed_mutations(run, data, size);
    run->cut_short_count += !has_time(run);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void run_directory(struct run *run, const char *directory)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, NULL, by_name);
    if (count < 0) {
        fprintf(stderr, "driver: %s: %s\n", directory, strerror(errno));
        exit(1);
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            run_file(run, path);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    struct run run = {0};
    clock_gettime(CLOCK_MONOTONIC, &run.started);
    for (int i = 1; i < argc; i++) {
        struct stat status;
        if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode))
            run_directory(&run, argv[i]);
        else
            run_file(&run, argv[i]);
    }
    if (run.file_count == 0) {
        fprintf(stderr, "driver: no files to run; give a corpus directory\n");
        return 1;
    }
    printf("%zu files, %zu inputs", run.file_count, run.input_count);
    if (run.cut_short_count)
        printf(" (%zu files cut short after %d s)", run.cut_short_count, BUDGET_SECONDS);
    printf("\n");
    return 0;
}
