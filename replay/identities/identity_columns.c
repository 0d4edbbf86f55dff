/* identity_columns.c - one walk over the bindings for those that begin with "data:". */
#include "replay/identities/identity_columns.h"

#include "core/arena.h"
#include "traces/correlate/binding_overlay.h"
#include "traces/reader.h"

enum { MAX_NAMES = 8, MAX_NAMES_BYTES = 64 * 1024 };

struct names {
    struct arena arena;
    struct bytes list[MAX_NAMES];
    size_t count;
};

static bool is_new(struct names *names, struct bytes name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (bytes_equal(names->list[i], name))
            return false;
    }
    struct bytes copy =
        names->count < MAX_NAMES ? arena_copy(&names->arena, name) : (struct bytes){0};
    if (copy.ptr)
        names->list[names->count++] = copy;
    return copy.ptr != NULL;
}

static void walk(struct trace_reader *reader, struct names *names, struct buf *out)
{
    static const char prefix[] = "data:";
    struct trace_binding binding;
    struct error ignored;
    if (trace_reader_start_bindings(reader, 0, &ignored))
        return;
    while (names->count < MAX_NAMES && trace_reader_next_binding(reader, &binding, &ignored) > 0) {
        struct bytes name = bytes_from(binding.born_place, sizeof prefix - 1);
        if (!bytes_equal(binding.state, bytes_of("on")) ||
            !bytes_starts_with(binding.born_place, bytes_of(prefix)) || !is_new(names, name))
            continue;
        buf_printf(out, "%s%.*s (%.*s of exchange %lld)", out->len ? ", " : "", BYTES_ARG(name),
                   BYTES_ARG(binding.used_place), (long long)binding.used_exchange_id);
    }
}

void identity_wanted_columns(const char *trace_path, const struct binding_overlay *overlay,
                             struct buf *out)
{
    struct trace_reader *reader = NULL;
    struct names names = {.count = 0};
    struct error ignored;
    arena_init(&names.arena, MAX_NAMES_BYTES);
    if (trace_path && binding_overlay_open_reader(overlay, trace_path, &reader, &ignored) == 0)
        walk(reader, &names, out);
    if (reader)
        trace_reader_close(reader);
    arena_fini(&names.arena);
}
