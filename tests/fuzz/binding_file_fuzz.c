/* binding_file_fuzz.c - any bytes as a bindings file: what is read can be written, and reads the
 * same again. */
#include <assert.h>
#include <stdlib.h>

#include "traces/correlate/binding_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct binding_rule *a, const struct binding_rule *b)
{
    return bytes_equal(a->born_endpoint, b->born_endpoint) &&
           bytes_equal(a->born_place, b->born_place) &&
           bytes_equal(a->used_endpoint, b->used_endpoint) &&
           bytes_equal(a->used_place, b->used_place) && bytes_equal(a->form, b->form) &&
           bytes_equal(a->state, b->state);
}

static void check_again(const struct binding_rules *rules)
{
    struct buf text = BUF_INIT(64u * 1024 * 1024);
    struct binding_rules again;
    struct error err = {0};
    size_t left_out = 0;
    binding_rules_init(&again);
    int result = binding_file_format(rules, &text, &left_out, &err);
    assert(result == 0 && left_out == 0);
    result = binding_file_parse(buf_bytes(&text), "again", &again, &err);
    assert(result == 0 && again.count == rules->count);
    for (size_t i = 0; i < again.count; i++)
        assert(is_same(&again.items[i], &rules->items[i]));
    binding_rules_fini(&again);
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct binding_rules rules;
    struct error err = {0};
    binding_rules_init(&rules);
    if (binding_file_parse(bytes_make(data ? data : (const uint8_t *)"", size), "fuzz", &rules,
                           &err) == 0)
        check_again(&rules);
    else
        assert(err.text[0] && !strchr(err.text, '\n'));
    binding_rules_fini(&rules);
    return 0;
}
