/* map_test.c - the map against a naive model, and its hash against published vectors. */
#include "core/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/random.h"

enum { MODEL_KEYS = 300, STEPS = 20000 };

static void an_empty_map_finds_nothing(void **state)
{
    (void)state;
    struct map map;
    map_init(&map);
    assert_null(map_get(&map, bytes_of("a")));
    assert_null(map_remove(&map, bytes_of("a")));
    size_t position = 0;
    struct map_entry *entry;
    assert_false(map_next(&map, &position, &entry));
    map_fini(&map);
}

static void setting_a_key_again_replaces_its_value(void **state)
{
    (void)state;
    struct map map;
    int one = 1, two = 2;
    map_init(&map);
    assert_int_equal(map_set(&map, bytes_of("key"), &one), 0);
    assert_int_equal(map_set(&map, bytes_of("key"), &two), 0);
    assert_int_equal(map.count, 1);
    assert_ptr_equal(map_get(&map, bytes_of("key")), &two);
    assert_ptr_equal(map_remove(&map, bytes_of("key")), &two);
    assert_null(map_get(&map, bytes_of("key")));
    map_fini(&map);
}

static void keys_are_bytes_and_may_be_empty_or_hold_nul(void **state)
{
    (void)state;
    struct map map;
    int values[3];
    struct bytes keys[3] = {bytes_make("", 0), bytes_make("\0", 1), bytes_make("\0\0", 2)};
    map_init(&map);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(map_set(&map, keys[i], &values[i]), 0);
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(map_get(&map, keys[i]), &values[i]);
    map_fini(&map);
}

/* The model: value i is in the map or it is not. */
struct model {
    char names[MODEL_KEYS][16];
    bool is_in[MODEL_KEYS];
    size_t count;
};

static void check_against_model(const struct map *map, const struct model *model)
{
    bool is_seen[MODEL_KEYS] = {false};
    size_t position = 0, walked = 0;
    struct map_entry *entry;
    while (map_next(map, &position, &entry)) {
        size_t i = (size_t)((const char(*)[16])entry->value - model->names);
        assert_true(i < MODEL_KEYS && model->is_in[i] && !is_seen[i]);
        is_seen[i] = true;
        walked++;
    }
    assert_int_equal(walked, model->count);
    assert_int_equal(map->count, model->count);
    for (size_t i = 0; i < MODEL_KEYS; i++) {
        const void *expected = model->is_in[i] ? model->names[i] : NULL;
        assert_ptr_equal(map_get(map, bytes_of(model->names[i])), expected);
    }
}

static void any_order_of_sets_and_removes_agrees_with_a_naive_model(void **state)
{
    (void)state;
    static struct model model;
    struct random random;
    struct map map;
    random_init(&random, 1, 0);
    map_init(&map);
    for (size_t i = 0; i < MODEL_KEYS; i++)
        snprintf(model.names[i], sizeof model.names[i], "key-%zu", i);
    for (size_t step = 0; step < STEPS; step++) {
        size_t i = random_below(&random, MODEL_KEYS);
        /* Fill and drain in turns, so that clusters form and are taken apart. */
        bool fills = step / 1000 % 2 == 0;
        if (random_below(&random, 4) != 0 ? fills : !fills) {
            assert_int_equal(map_set(&map, bytes_of(model.names[i]), model.names[i]), 0);
            model.count += !model.is_in[i];
            model.is_in[i] = true;
        } else {
            void *expected = model.is_in[i] ? model.names[i] : NULL;
            assert_ptr_equal(map_remove(&map, bytes_of(model.names[i])), expected);
            model.count -= model.is_in[i];
            model.is_in[i] = false;
        }
        if (step % 100 == 0)
            check_against_model(&map, &model);
    }
    check_against_model(&map, &model);
    map_fini(&map);
}

static void the_keyed_hash_is_siphash_1_3(void **state)
{
    (void)state;
    /* Of the bytes 0, 1, 2, ... under the key 0: what CPython's bytes hash to with hash seed 0. */
    static const struct {
        size_t len;
        uint64_t hash;
    } rows[] = {
        {1, 0x68a914128e01e473},  {7, 0x2f098ab0c751325a},  {8, 0xead411e67ebe2eea},
        {9, 0x75927f9d95124362},  {15, 0xf30eb725bb91c9ea}, {16, 0x8972188433a5c5b7},
        {63, 0x385d3e39e5f37359},
    };
    char input[64];
    for (size_t i = 0; i < sizeof input; i++)
        input[i] = (char)i;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_true(bytes_hash_keyed(bytes_make(input, rows[i].len), 0, 0) == rows[i].hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_finds_nothing),
        cmocka_unit_test(setting_a_key_again_replaces_its_value),
        cmocka_unit_test(keys_are_bytes_and_may_be_empty_or_hold_nul),
        cmocka_unit_test(any_order_of_sets_and_removes_agrees_with_a_naive_model),
        cmocka_unit_test(the_keyed_hash_is_siphash_1_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
