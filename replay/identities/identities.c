/* identities.c - reads what the options say of users, and gives each user its row. */
#include "replay/identities/identities.h"

#include <stdio.h>
#include <string.h>

#include "core/random.h"

/* Beside those of arrivals.c. */
enum { STREAM_ROW = 4 };

static int parse_mode(const char *text, enum identity_mode *ret_mode, struct error *err)
{
    static const char *const words[] = {"unique", "shared", "round-robin"};
    for (int i = 0; text && i < 3; i++) {
        if (strcmp(text, words[i]) != 0)
            continue;
        *ret_mode = (enum identity_mode)i;
        return 0;
    }
    if (text)
        return error_set(err, EXIT_INPUT,
                         "--data-mode '%s': expected unique, shared or round-robin", text);
    *ret_mode = IDENTITY_UNIQUE;
    return 0;
}

static int list_columns(const struct identities *identities, struct bytes name, struct error *err)
{
    const struct identity_rows *rows = &identities->rows;
    char names[200] = "";
    size_t len = 0;
    for (uint32_t i = 0; i < rows->column_count && len < sizeof names - 1; i++)
        len += (size_t)snprintf(names + len, sizeof names - len, "%s%.*s", i ? ", " : "",
                                BYTES_ARG(rows->columns[i]));
    return error_set(err, EXIT_INPUT, "--map %.*s=...: %s has no such column; it has %s",
                     BYTES_ARG(name), identities->data_path, names);
}

static int add_map(struct identities *identities, const char *text, struct error *err)
{
    struct bytes rest = bytes_of(text);
    struct bytes name = bytes_make(text, bytes_index_of(rest, '='));
    struct identity_map map = {.recorded = bytes_from(rest, name.len + 1)};
    if (name.len == 0 || map.recorded.len == 0)
        return error_set(err, EXIT_INPUT,
                         "--map '%s': expected COLUMN=RECORDED_VALUE, like email=bob@shop.example",
                         text);
    if (!identity_rows_find_column(&identities->rows, name, &map.column))
        return list_columns(identities, name, err);
    identities->maps[identities->map_count++] = map;
    return 0;
}

int identities_open(struct identities *identities, const struct identity_options *options,
                    struct error *err)
{
    *identities = (struct identities){.data_path = options->data_path,
                                      .shares_accounts = options->shares_accounts};
    if (parse_mode(options->mode, &identities->mode, err))
        return -1;
    if (!options->data_path && (options->mode || options->maps.count))
        return error_set(err, EXIT_INPUT, "%s says what to do with --data FILE, which is missing",
                         options->mode ? "--data-mode" : "--map");
    if (!options->data_path)
        return 0;
    if (identity_rows_open(&identities->rows, options->data_path, err))
        return -1;
    for (size_t i = 0; i < options->maps.count; i++) {
        if (add_map(identities, options->maps.items[i], err))
            return -1;
    }
    return 0;
}

void identities_close(struct identities *identities)
{
    identity_rows_fini(&identities->rows);
}

size_t identities_row(const struct identities *identities, uint64_t seed, uint64_t user,
                      uint64_t play)
{
    size_t count = identities->rows.count;
    if (identities->mode != IDENTITY_SHARED)
        return (size_t)(user % count);
    struct random random;
    random_init(&random, seed ^ play * 0x9e3779b97f4a7c15U, (uint64_t)STREAM_ROW << 60 | user);
    return (size_t)random_below(&random, count);
}

int identities_check_rows(const struct identities *identities, uint64_t users, struct error *err)
{
    if (!identities_have_data(identities) || identities->mode != IDENTITY_UNIQUE ||
        users <= identities->rows.count)
        return 0;
    return error_set(err, EXIT_INPUT,
                     "--data %s has %zu rows, and %llu are needed: one for each user; add rows, or "
                     "--data-mode round-robin takes them in turn",
                     identities->data_path, identities->rows.count, (unsigned long long)users);
}
