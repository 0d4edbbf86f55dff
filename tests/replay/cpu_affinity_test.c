/* cpu_affinity_test.c - what may be typed, and that a thread does keep to the core it was given. */
#include "replay/cpu_affinity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Cores 0 to 3 and 9. */
static cpu_set_t some_cores(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t i = 0; i < 4; i++)
        CPU_SET(i, &set);
    CPU_SET(9, &set);
    return set;
}

static void lists_are_read_in_their_order(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t workers, count;
        uint16_t cpus[8];
    } rows[] = {
        {"none", 9, 0, {0}},
        {"auto", 5, 5, {0, 1, 2, 3, 9}},
        {"auto", 1, 5, {0, 1, 2, 3, 9}},
        {"auto", 6, 0, {0}},
        {"2", 1, 1, {2}},
        {"3,1", 2, 2, {3, 1}},
        {"9,0-2", 2, 4, {9, 0, 1, 2}},
        {"1-1", 1, 1, {1}},
    };
    cpu_set_t allowed = some_cores();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cpu_affinity affinity;
        struct error err;
        if (cpu_affinity_parse(rows[i].text, &allowed, rows[i].workers, &affinity, &err))
            fail_msg("%s: %s", rows[i].text, err.text);
        if (affinity.count != rows[i].count)
            fail_msg("%s: %u cores", rows[i].text, affinity.count);
        assert_memory_equal(affinity.cpus, rows[i].cpus, affinity.count * sizeof(uint16_t));
    }
}

static void what_is_no_list_of_usable_cores_is_refused_in_a_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "expected auto, none or a list of cores"},
        {"all", "expected auto, none or a list of cores"},
        {"0,", "expected auto, none or a list of cores"},
        {",0", "expected auto, none or a list of cores"},
        {"0-", "expected auto, none or a list of cores"},
        {"-1", "expected auto, none or a list of cores"},
        {"0 1", "expected auto, none or a list of cores"},
        {"0-1-2", "expected auto, none or a list of cores"},
        {"2-1", "from the lower core to the higher"},
        {"4", "core 4 is none that this process may use"},
        {"2-18446744073709551615", "core 4 is none that this process may use"},
        {"1024", "core 1024 is none"},
        {"18446744073709551616", "expected auto, none or a list of cores"},
        {"1,0-2", "core 1 is named twice"},
        {"1", "1 cores for 2 workers"},
    };
    cpu_set_t allowed = some_cores();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cpu_affinity affinity = {.count = 77};
        struct error err;
        if (cpu_affinity_parse(rows[i].text, &allowed, 2, &affinity, &err) != -1)
            fail_msg("accepted: %s", rows[i].text);
        if (!strstr(err.text, rows[i].message))
            fail_msg("%s: %s", rows[i].text, err.text);
        assert_int_equal(err.exit_code, EXIT_INPUT);
        assert_int_equal(affinity.count, 77);
    }
}

static void *note_cores(void *owner)
{
    cpu_affinity_allowed(owner);
    return NULL;
}

static void a_thread_keeps_to_its_workers_core(void **state)
{
    (void)state;
    cpu_set_t allowed, seen;
    struct cpu_affinity affinity;
    struct error err;
    cpu_affinity_allowed(&allowed);
    assert_true(CPU_COUNT(&allowed) > 0);
    assert_int_equal(cpu_affinity_parse("auto", &allowed, 1, &affinity, &err), 0);
    for (uint32_t worker = 0; worker < affinity.count; worker++) {
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        assert_int_equal(cpu_affinity_apply(&affinity, worker, &attributes), 0);
        assert_int_equal(pthread_create(&thread, &attributes, note_cores, &seen), 0);
        pthread_join(thread, NULL);
        pthread_attr_destroy(&attributes);
        assert_int_equal(CPU_COUNT(&seen), 1);
        assert_true(CPU_ISSET(affinity.cpus[worker], &seen));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_in_their_order),
        cmocka_unit_test(what_is_no_list_of_usable_cores_is_refused_in_a_line),
        cmocka_unit_test(a_thread_keeps_to_its_workers_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
