/* open_files_test.c - the limit is raised and the kernel's table is long enough beforehand. */
#include "replay/open_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>

#include <cmocka.h>

/* Slots of this process's descriptor table, from the kernel. */
static unsigned long table_slots(void)
{
    char line[256];
    unsigned long slots = 0;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "FDSize: %lu", &slots) == 1)
            break;
    }
    fclose(file);
    return slots;
}

static void the_soft_limit_becomes_the_hard_one_and_the_table_is_there(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t hard = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    limit = (struct rlimit){.rlim_cur = hard / 2, .rlim_max = hard};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(table_slots() < hard);
    assert_int_equal(open_files_prepare(), hard);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(limit.rlim_cur, hard);
    assert_true(table_slots() >= hard);
    assert_int_equal(open_files_prepare(), hard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_soft_limit_becomes_the_hard_one_and_the_table_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
