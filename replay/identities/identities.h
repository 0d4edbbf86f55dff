/*
 * identities.h - who the replayed users are: their rows of --data, and whose recorded account is
 * played by how many.
 *
 * Where no data says who a user is the recording does: a session that logs in uses the recorded
 * account. One user may do that; that several do is refused unless it is asked for, because they
 * would fight over what belongs to one.
 */
#ifndef REPRISE_REPLAY_IDENTITIES_H
#define REPRISE_REPLAY_IDENTITIES_H

#include "core/cli.h"
#include "replay/identities/identity_rows.h"

enum identity_mode {
    IDENTITY_UNIQUE, /* a row for each user, never two for one */
    IDENTITY_SHARED, /* drawn for each session: users may have the same */
    IDENTITY_ROUND_ROBIN
};

/* --map COLUMN=TEXT: where requests carry the text the column's value goes. */
struct identity_map {
    uint32_t column;
    struct bytes recorded; /* borrowed from argv */
};

struct identity_options {
    const char *data_path; /* NULL: none */
    const char *mode;      /* NULL: unique */
    struct cli_list maps;
    bool shares_accounts;
};

struct identities {
    const char *data_path;
    struct identity_rows rows;
    enum identity_mode mode;
    size_t map_count;
    struct identity_map maps[CLI_MAX_LIST];
    bool shares_accounts;
};

/* -1 with err (EXIT_INPUT). identities_close() in either case. */
int identities_open(struct identities *identities, const struct identity_options *options,
                    struct error *err);
void identities_close(struct identities *identities);

static inline bool identities_have_data(const struct identities *identities)
{
    return identities && identities->rows.column_count > 0;
}

/* The row of a user that plays its `play`-th session. Only with data. */
size_t identities_row(const struct identities *identities, uint64_t seed, uint64_t user,
                      uint64_t play);

/* Are there rows enough for so many users? -1 with err, which says how many are needed. */
int identities_check_rows(const struct identities *identities, uint64_t users, struct error *err);

#endif
