/* multipart_audio_seen_test.c - content that was sent before: once new, from then on known, and as
 * fast when there is no room left. */
#include "plugins/multipart_audio/seen.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plugins/multipart_audio/pcm.h"

static void each_is_new_once(void **state)
{
    (void)state;
    struct seen *seen = seen_new();
    const uint64_t kinds[] = {0, 1, 2, UINT64_MAX - 1, SEEN_SLOTS, SEEN_SLOTS * 2ULL};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_int_equal(seen_before(seen, kinds[i]), SEEN_NEW);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_int_equal(seen_before(seen, kinds[i]), SEEN_AGAIN);
    seen_free(seen);
    seen_free(NULL);
}

/* Those that are in it are known for ever; of others it says that it cannot tell. A walk through
 * all of its slots for each of a million questions would take hours. */
static void a_full_one_knows_what_it_has_and_answers_at_once(void **state)
{
    (void)state;
    for (int in_a_row = 0; in_a_row < 2; in_a_row++) {
        struct seen *seen = seen_new();
        uint64_t known = 0, full = 0;
        for (uint64_t i = 1; i <= SEEN_MAX_KINDS; i++)
            known += seen_before(seen, in_a_row ? i : pcm_mix(i, 7)) == SEEN_NEW;
        assert_int_equal(known, SEEN_MAX_KINDS);
        for (uint64_t i = 1; i <= SEEN_MAX_KINDS; i++)
            known -= seen_before(seen, in_a_row ? i : pcm_mix(i, 7)) == SEEN_AGAIN;
        assert_int_equal(known, 0);
        for (uint64_t i = 1; i <= 1000000; i++)
            full += seen_before(seen, pcm_mix(i, 8)) == SEEN_FULL;
        assert_int_equal(full, 1000000);
        seen_free(seen);
    }
}

enum { THREADS = 4, KINDS = 20000 };

static void *ask_all(void *owner)
{
    uintptr_t fresh = 0;
    for (uint64_t i = 0; i < KINDS; i++)
        fresh += seen_before(owner, i) == SEEN_NEW;
    return (void *)fresh;
}

static void of_many_threads_one_is_told_that_it_is_new(void **state)
{
    (void)state;
    struct seen *seen = seen_new();
    pthread_t threads[THREADS];
    uintptr_t sum = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all, seen), 0);
    for (int i = 0; i < THREADS; i++) {
        void *fresh;
        pthread_join(threads[i], &fresh);
        sum += (uintptr_t)fresh;
    }
    assert_int_equal(sum, KINDS);
    seen_free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_new_once),
        cmocka_unit_test(a_full_one_knows_what_it_has_and_answers_at_once),
        cmocka_unit_test(of_many_threads_one_is_told_that_it_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
