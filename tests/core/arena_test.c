/* arena_test.c - blocks of an arena: alignment, the maximum, reuse after a reset. */
#include "core/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>

#include <cmocka.h>

#include "core/random.h"

static void blocks_are_aligned_and_do_not_overlap(void **state)
{
    (void)state;
    enum { BLOCKS = 500 };
    unsigned char *blocks[BLOCKS];
    size_t sizes[BLOCKS];
    struct random random;
    struct arena arena;
    random_init(&random, 1, 0);
    arena_init(&arena, 16 << 20);
    for (size_t i = 0; i < BLOCKS; i++) {
        /* Now and then one that is larger than a chunk. */
        sizes[i] = random_below(&random, i % 50 == 0 ? 20000 : 100);
        blocks[i] = arena_alloc(&arena, sizes[i]);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        memset(blocks[i], (int)(i % 251), sizes[i]);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(blocks[i][j], i % 251);
    }
    arena_fini(&arena);
}

static void the_maximum_holds_for_the_sum_with_its_rounding(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 72); /* four blocks, and half of one that is not granted */
    for (int i = 0; i < 4; i++)
        assert_non_null(arena_alloc(&arena, 1));
    assert_int_equal(arena.used_bytes, 64);
    assert_null(arena_alloc(&arena, 1));
    arena_reset(&arena);
    assert_null(arena_alloc(&arena, 73));
    assert_null(arena_alloc(&arena, 65));
    assert_non_null(arena_alloc(&arena, 64));
    assert_true(arena.used_bytes <= arena.max_bytes);
    arena_fini(&arena);
}

static void a_size_that_would_wrap_around_is_refused(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    volatile size_t absurd = SIZE_MAX; /* or the compiler warns of what is tested here */
    for (size_t less = 0; less < 64; less++)
        assert_null(arena_alloc(&arena, absurd - less));
    assert_int_equal(arena.used_bytes, 0);
    arena_fini(&arena);
}

static void copies_and_texts_are_terminated(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    struct bytes copy = arena_copy(&arena, bytes_make("abcdef", 3));
    assert_int_equal(copy.len, 3);
    assert_string_equal(copy.ptr, "abc");
    copy = arena_copy(&arena, (struct bytes){0});
    assert_non_null(copy.ptr);
    assert_int_equal(copy.len, 0);
    assert_string_equal(arena_printf(&arena, "%s-%d", "x", 7), "x-7");
    assert_string_equal(arena_printf(&arena, "%s", ""), "");
    arena_fini(&arena);
}

static void what_does_not_fit_is_null_and_harms_nothing(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 32);
    const char *kept = arena_printf(&arena, "kept");
    assert_null(arena_printf(&arena, "%064d", 1));
    assert_null(arena_copy(&arena, bytes_of("seventeen bytes..")).ptr);
    assert_string_equal(kept, "kept");
    assert_int_equal(arena.used_bytes, 16);
    arena_fini(&arena);
}

static void zalloc_clears_memory_that_was_used_before(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    memset(arena_alloc(&arena, 1000), 0xff, 1000);
    arena_reset(&arena);
    const unsigned char *block = arena_zalloc(&arena, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(block[i], 0);
    arena_fini(&arena);
}

static void a_reset_gives_the_whole_maximum_back_every_time(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 20000);
    for (int round = 0; round < 100; round++) {
        /* Small, larger than a chunk, small: the order that moves chunks about. */
        assert_non_null(arena_alloc(&arena, 100));
        assert_non_null(arena_alloc(&arena, 10000));
        for (int i = 0; i < 80; i++)
            assert_non_null(arena_alloc(&arena, 100));
        arena_reset(&arena);
        assert_int_equal(arena.used_bytes, 0);
    }
    arena_fini(&arena);
    assert_null(arena.chunks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_do_not_overlap),
        cmocka_unit_test(the_maximum_holds_for_the_sum_with_its_rounding),
        cmocka_unit_test(a_size_that_would_wrap_around_is_refused),
        cmocka_unit_test(copies_and_texts_are_terminated),
        cmocka_unit_test(what_does_not_fit_is_null_and_harms_nothing),
        cmocka_unit_test(zalloc_clears_memory_that_was_used_before),
        cmocka_unit_test(a_reset_gives_the_whole_maximum_back_every_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
