/* identities_test.c - options that say who users are, rows enough, and accounts that are shared. */
#include "replay/identities/identities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay/identities/identity_accounts.h"
#include "tests/support/folder.h"
#include "tests/support/script_trace.h"

static struct identities identities;
static struct plan *plan;

static const char *write_file(const char *name, const char *content)
{
    const char *path = folder_file(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    return path;
}

/* Behind "--data FOLDER/". */
static void expect_refusal(const struct identity_options *options, const char *wanted)
{
    struct error err = {0};
    assert_int_equal(identities_open(&identities, options, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    if (!strstr(err.text, wanted))
        fail_msg("%s", err.text);
    identities_close(&identities);
}

static void options_that_do_not_go_together_are_refused(void **state)
{
    (void)state;
    const char *path = write_file("u.csv", "email,password\na@x,1\n");
    const struct identity_options options[] = {
        {.mode = "unique"},
        {.maps = {1, {"email=a@x"}}},
        {.data_path = path, .mode = "random"},
        {.data_path = path, .maps = {1, {"email"}}},
        {.data_path = path, .maps = {1, {"=a@x"}}},
        {.data_path = path, .maps = {1, {"email="}}},
        {.data_path = path, .maps = {1, {"mail=a@x"}}},
    };
    static const char *const wanted[] = {
        "--data-mode says what to do with --data FILE, which is missing",
        "--map says what to do with --data FILE, which is missing",
        "--data-mode 'random': expected unique, shared or round-robin",
        "--map 'email': expected COLUMN=RECORDED_VALUE, like email=bob@shop.example",
        "--map '=a@x': expected COLUMN=RECORDED_VALUE",
        "--map 'email=': expected COLUMN=RECORDED_VALUE",
        "u.csv has no such column; it has email, password",
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        expect_refusal(&options[i], wanted[i]);
}

static void a_text_may_have_an_equals_sign(void **state)
{
    (void)state;
    struct error err;
    const struct identity_options options = {.data_path = write_file("u.csv", "k\n1\n"),
                                             .maps = {1, {"K=a=b=="}}};
    assert_int_equal(identities_open(&identities, &options, &err), 0);
    assert_int_equal(identities.map_count, 1);
    assert_true(bytes_equal(identities.maps[0].recorded, bytes_of("a=b==")));
    identities_close(&identities);
}

static const char script[] = "session ann\n0 1 POST /login 200 {\"email\":\"ann\"}\n"
                             "session bob\n1000 1001 POST /login 200 {\"email\":\"bob\"}\n"
                             "session nobody\n2000 2001 GET / 200\n"
                             "bind 1 data:email -> 1 body:/email\n"
                             "bind 2 data:email -> 2 body:/email\n";

/* whole_bytes 1: it streams. */
static struct replay_settings settings_of(double scale, size_t whole_bytes)
{
    struct error err;
    const struct plan_options options = {.target = bytes_of("http://target:80"),
                                         .max_bytes = 64 << 20,
                                         .whole_bytes = whole_bytes,
                                         .identities = &identities};
    const char *path = folder_file("a.trace");
    if (script_trace_write(path, script, &err) || plan_build(&plan, path, &options, &err))
        fail_msg("%s", err.text);
    return (struct replay_settings){.plan = plan,
                                    .identities = &identities,
                                    .scale = scale,
                                    .seed = 1,
                                    .pacing = {PACING_THINK, 1, 1}};
}

static void expect_shared(struct replay_settings settings, uint64_t users, uint64_t accounts)
{
    struct shared_accounts shared;
    assert_int_equal(identity_count_accounts(&settings, &shared), 0);
    assert_int_equal(shared.users, users);
    assert_int_equal(shared.accounts, accounts);
    plan_free(plan);
}

static struct replay_settings closed(struct replay_settings settings, uint32_t users)
{
    settings.stages.start_users = users;
    settings.stages.count = 1;
    settings.stages.items[0] = (struct stage){.duration_us = 1000000, .users = users};
    return settings;
}

static void accounts_that_several_play_are_counted(void **state)
{
    (void)state;
    identities = (struct identities){.map_count = 0};
    for (size_t whole_bytes = 0; whole_bytes < 2; whole_bytes++) {
        expect_shared(settings_of(1, whole_bytes), 0, 0);
        expect_shared(settings_of(3, whole_bytes), 6, 2);
        expect_shared(closed(settings_of(1, whole_bytes), 1), 0, 0);
        expect_shared(closed(settings_of(1, whole_bytes), 5), 5, 2);
    }
    /* What starts behind the end plays nothing. */
    struct replay_settings settings = settings_of(3, 0);
    settings.duration_us = 1000;
    expect_shared(settings, 0, 0);
}

static void with_rows_of_their_own_they_share_none(void **state)
{
    (void)state;
    struct error err;
    for (size_t whole_bytes = 0; whole_bytes < 2; whole_bytes++) {
        assert_int_equal(identity_rows_parse(&identities.rows, bytes_of("email\na\n"), &err), 0);
        expect_shared(settings_of(3, whole_bytes), 0, 0);
        identities_close(&identities);
    }
}

static void expect_verdict(struct replay_settings settings, uint64_t users, const char *wanted)
{
    struct error err = {0};
    int result = identity_check(&settings, &(const struct identity_source){0}, users, &err);
    assert_int_equal(result, wanted ? -1 : 0);
    if (wanted)
        assert_string_equal(err.text, wanted);
    plan_free(plan);
    identities_close(&identities);
}

static void what_cannot_go_well_is_refused_before_anything_is_sent(void **state)
{
    (void)state;
    struct error err;
    identities = (struct identities){.map_count = 0};
    expect_verdict(settings_of(2, 0), 6,
                   "4 users would log in as 2 recorded accounts, several as one; give each user a "
                   "row with --data FILE, or say --shared-accounts");
    identities = (struct identities){.shares_accounts = true};
    expect_verdict(settings_of(2, 0), 6, NULL);
    identities = (struct identities){.data_path = "u.csv"};
    assert_int_equal(identity_rows_parse(&identities.rows, bytes_of("email\na\nb\n"), &err), 0);
    expect_verdict(settings_of(2, 0), 6,
                   "--data u.csv has 2 rows, and 6 are needed: one for each user; add rows, or "
                   "--data-mode round-robin takes them in turn");
    identities = (struct identities){.data_path = "u.csv", .mode = IDENTITY_ROUND_ROBIN};
    assert_int_equal(identity_rows_parse(&identities.rows, bytes_of("email\na\nb\n"), &err), 0);
    expect_verdict(settings_of(2, 0), 6, NULL);
    identities = (struct identities){.data_path = "u.csv"};
    assert_int_equal(identity_rows_parse(&identities.rows, bytes_of("mail\na\nb\nc\n"), &err), 0);
    expect_verdict(settings_of(1, 0), 3,
                   "--data u.csv: no request has a field of its columns' names, nor a binding to "
                   "data:COLUMN; --map COLUMN=TEXT says which recorded text a column is for");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_do_not_go_together_are_refused),
        cmocka_unit_test(a_text_may_have_an_equals_sign),
        cmocka_unit_test(accounts_that_several_play_are_counted),
        cmocka_unit_test(with_rows_of_their_own_they_share_none),
        cmocka_unit_test(what_cannot_go_well_is_refused_before_anything_is_sent),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
