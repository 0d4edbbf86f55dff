/* health_test.c - the generator's look at itself sees what this process does. */
#include "replay/health.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"

static void an_open_file_is_counted(void **state)
{
    (void)state;
    struct health_meter meter = {0};
    struct health before, after;
    health_read(&meter, &before);
    int fd = open("/dev/null", O_RDONLY);
    health_read(&meter, &after);
    close(fd);
    assert_true(before.open_files > 0);
    assert_int_equal(after.open_files, before.open_files + 1);
}

static void memory_that_is_used_is_resident(void **state)
{
    (void)state;
    enum { BYTES = 64 << 20 };
    struct health_meter meter = {0};
    struct health before, after;
    health_read(&meter, &before);
    char *memory = malloc(BYTES);
    assert_non_null(memory);
    memset(memory, 1, BYTES);
    health_read(&meter, &after);
    assert_true(memory[BYTES - 1] == 1);
    free(memory);
    assert_true(after.rss_bytes >= before.rss_bytes + BYTES / 2);
}

static void cpu_is_what_was_used_since_the_last_read(void **state)
{
    (void)state;
    struct health_meter meter = {0};
    struct health first, busy, idle;
    health_read(&meter, &first);
    uint64_t until_us = clock_process_cpu_us() + 20000;
    while (clock_process_cpu_us() < until_us)
        ;
    health_read(&meter, &busy);
    health_read(&meter, &idle);
    assert_true(busy.cpu_us >= 20000);
    assert_true(idle.cpu_us < busy.cpu_us);
    assert_true(meter.cpu_us == first.cpu_us + busy.cpu_us + idle.cpu_us);
}

static void a_port_is_in_use_for_a_minute_after_its_connection(void **state)
{
    (void)state;
    struct port_meter meter = {0};
    assert_int_equal(health_ports_in_use(&meter, 100, 100, 5000), 100); /* all open */
    assert_int_equal(health_ports_in_use(&meter, 20, 30, 5000), 120);   /* 90 were closed */
    assert_int_equal(health_ports_in_use(&meter, 0, 30, 40), 70);       /* no more than wait */
    for (uint32_t i = 0; i < TIME_WAIT_SECONDS - 2; i++)
        assert_int_equal(health_ports_in_use(&meter, 0, 30, 5000), 120);
    assert_int_equal(health_ports_in_use(&meter, 0, 30, 5000), 30);
    assert_int_equal(health_ports_in_use(&meter, 7, 0, 5000), 37); /* 30 and 7 of this second */
}

static void the_machine_has_processors_and_a_limit(void **state)
{
    (void)state;
    assert_true(health_cpu_count() >= 1);
    assert_true(health_max_files() >= 3);
    assert_in_range(health_port_count(), 1, 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_file_is_counted),
        cmocka_unit_test(memory_that_is_used_is_resident),
        cmocka_unit_test(cpu_is_what_was_used_since_the_last_read),
        cmocka_unit_test(a_port_is_in_use_for_a_minute_after_its_connection),
        cmocka_unit_test(the_machine_has_processors_and_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
