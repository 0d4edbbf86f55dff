/* file_order.c - looks at the first packet of each file, and sorts by it. */
#include "capture/file_order.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "capture/source.h"

struct entry {
    const char *name;
    size_t place;
    int64_t first_unix_us;
};

static bool can_be_read_twice(const char *name)
{
    struct stat status;
    return strcmp(name, "-") != 0 && (stat(name, &status) != 0 || S_ISREG(status.st_mode) ||
                                      S_ISDIR(status.st_mode)); /* opening says what is wrong */
}

static int look_at(struct entry *entry, struct error *err)
{
    struct source *source;
    struct packet packet;
    struct error ignored; /* found again, and told, when the file is read */
    if (source_open_file(entry->name, NULL, &source, err))
        return -1;
    if (source_next(source, &packet, &ignored) == SOURCE_PACKET)
        entry->first_unix_us = packet.unix_us;
    source_close(source);
    return 0;
}

static int compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->first_unix_us != b->first_unix_us)
        return a->first_unix_us < b->first_unix_us ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

int file_order_sort(const char **names, size_t count, struct error *err)
{
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        if (!can_be_read_twice(names[i]))
            return 0;
    }
    struct entry *entries = calloc(count ? count : 1, sizeof *entries);
    if (!entries)
        return error_set(err, EXIT_TOOL, "out of memory");
    for (size_t i = 0; i < count && result == 0; i++) {
        entries[i] = (struct entry){.name = names[i], .place = i, .first_unix_us = INT64_MAX};
        result = look_at(&entries[i], err);
    }
    if (result == 0) {
        qsort(entries, count, sizeof *entries, compare);
        for (size_t i = 0; i < count; i++)
            names[i] = entries[i].name;
    }
    free(entries);
    return result;
}
