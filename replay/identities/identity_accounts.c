/* identity_accounts.c - refuses users that would fight over one recorded account. */
#include "replay/identities/identity_accounts.h"

#include "core/buf.h"
#include "core/log.h"
#include "replay/identities/identities.h"
#include "replay/identities/identity_columns.h"

static bool has_account(const struct replay_settings *settings, uint32_t session)
{
    return settings->plan->index[session].has_account;
}

/* The copies of a session come one behind another. */
static int count_open(const struct replay_settings *settings, struct shared_accounts *shared)
{
    struct arrivals arrivals;
    struct arrival arrival;
    uint64_t copies = 0;
    uint32_t session = 0;
    int more;
    arrivals_init(&arrivals, settings->plan, settings->scale, settings->pacing.arrival_speed,
                  settings->seed);
    while ((more = arrivals_next(&arrivals, &arrival)) > 0) {
        if (settings->duration_us && arrival.at_us >= settings->duration_us)
            break;
        copies = arrival.session == session ? copies + 1 : 1;
        session = arrival.session;
        if (copies < 2 || !has_account(settings, session))
            continue;
        shared->users += copies == 2 ? 2 : 1;
        shared->accounts += copies == 2;
    }
    arrivals_fini(&arrivals);
    return more < 0 ? -1 : 0;
}

int identity_count_accounts(const struct replay_settings *settings,
                            struct shared_accounts *ret_shared)
{
    uint32_t most = settings->stages.count ? stages_most_users(&settings->stages) : 0;
    uint64_t accounts = 0;
    *ret_shared = (struct shared_accounts){0};
    for (uint32_t i = 0; i < settings->plan->session_count; i++)
        accounts += has_account(settings, i);
    if (!accounts)
        return 0;
    if (!settings->stages.count)
        return count_open(settings, ret_shared);
    if (most > 1)
        *ret_shared = (struct shared_accounts){.users = most, .accounts = accounts};
    return 0;
}

static int check_accounts(const struct replay_settings *settings, struct error *err)
{
    struct shared_accounts shared;
    if (identity_count_accounts(settings, &shared))
        return error_set(err, EXIT_TOOL, "no memory for arrivals");
    if (!shared.users)
        return 0;
    if (!settings->identities->shares_accounts)
        return error_set(err, EXIT_INPUT,
                         "%llu users would log in as %llu recorded accounts, several as one; give "
                         "each user a row with --data FILE, or say --shared-accounts",
                         (unsigned long long)shared.users, (unsigned long long)shared.accounts);
    log_warning("%llu users log in as %llu recorded accounts, several as one (--shared-accounts)",
                (unsigned long long)shared.users, (unsigned long long)shared.accounts);
    return 0;
}

/* A text with a slip in it would leave everybody with the recorded one. */
static int check_maps(const struct identities *identities, const struct plan *plan,
                      struct error *err)
{
    for (size_t i = 0; identities_have_data(identities) && i < identities->map_count; i++) {
        struct bytes name = identities->rows.columns[identities->maps[i].column];
        if (!plan->stream && !(plan->maps_used >> i & 1))
            return error_set(err, EXIT_INPUT,
                             "--map %.*s=...: no recorded request carries that text; look for a "
                             "slip in it, or leave this --map out",
                             BYTES_ARG(name));
    }
    return 0;
}

/* What a name alone does not replace is said once, with how to ask for it. */
static void warn_of_columns(const struct identities *identities, const struct plan *plan)
{
    struct buf names = BUF_INIT(1024);
    for (size_t i = 0; plan->columns_unused && i < identities->rows.column_count; i++) {
        if (plan->columns_unused >> i & 1)
            buf_printf(&names, "%s%.*s", names.len ? ", " : "",
                       BYTES_ARG(identities->rows.columns[i]));
    }
    if (plan->columns_unused)
        log_warning("--data %s: not used where a binding takes the value from an answer: %s; "
                    "--map COLUMN=TEXT puts a column there",
                    identities->data_path, buf_text(&names));
    buf_fini(&names);
}

static int no_column_fits(const struct identities *identities, const struct identity_source *source,
                          struct error *err)
{
    struct buf wanted = BUF_INIT(512);
    identity_wanted_columns(source->trace_path, source->overlay, &wanted);
    error_set(err, EXIT_INPUT,
              "--data %s: no request has a field of its columns' names, nor a binding to "
              "data:COLUMN%s%s; --map COLUMN=TEXT says which recorded text a column is for",
              identities->data_path, wanted.len ? "; the bindings want " : "", buf_text(&wanted));
    buf_fini(&wanted);
    return -1;
}

int identity_check(const struct replay_settings *settings, const struct identity_source *source,
                   uint64_t users, struct error *err)
{
    const struct identities *identities = settings->identities;
    const struct plan *plan = settings->plan;
    if (identities_check_rows(identities, users, err))
        return -1;
    bool is_unused = identities_have_data(identities) && !plan->stream && plan->data_sessions == 0;
    if (is_unused && !source->has_plugins)
        return no_column_fits(identities, source, err);
    if (is_unused)
        log_info("--data %s: no request takes a column of it by itself: it is the plugins'",
                 identities->data_path);
    if (check_maps(identities, plan, err))
        return -1;
    if (identities_have_data(identities))
        warn_of_columns(identities, plan);
    return check_accounts(settings, err);
}
