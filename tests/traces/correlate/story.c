/* story.c - reads the lines of story.h and feeds the finder. */
#include "tests/traces/correlate/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/map.h"
#include "traces/correlate/correlate_report.h"
#include "traces/correlate/mentions.h"

enum { MAX_ITEMS = 20000 };

struct teller {
    struct finder *finder;
    struct arena arena;
    int64_t now_us;
    bool is_in_session;
    size_t item_count;
    struct given items[MAX_ITEMS];
};

static struct bytes word(struct bytes *rest)
{
    struct bytes part = {0};
    *rest = bytes_trim(*rest);
    bytes_split(rest, ' ', &part);
    return part;
}

/* "body:/jobs/0/id=17": a place, what people call it, a value. */
struct told {
    struct bytes place, name, text;
    bool is_percent;
};

static struct bytes name_of(struct bytes place)
{
    size_t at = place.len;
    while (at > 0 && !strchr("/:[", place.ptr[at - 1]))
        at--;
    struct bytes name = bytes_from(place, at);
    name.len = bytes_index_of(name, ']');
    name.len = bytes_index_of(name, ' ');
    return name;
}

static struct told told_of(struct teller *teller, struct bytes item)
{
    struct told told = {0};
    struct bytes copy = arena_copy(&teller->arena, item);
    assert_non_null(copy.ptr);
    for (char *at = (char *)copy.ptr; at < copy.ptr + copy.len; at++)
        *at = *at == '~' ? ' ' : *at;
    size_t equals = bytes_index_of(copy, '=');
    if (bytes_starts_with(copy, bytes_of("ws:/"))) { /* its own '=' says which message */
        struct bytes rest = bytes_from(copy, equals + 1);
        equals += 1 + bytes_index_of(rest, '=');
    }
    told.place = bytes_make(copy.ptr, equals);
    told.text = bytes_from(copy, equals + 1);
    told.is_percent = told.place.len && told.place.ptr[told.place.len - 1] == '%';
    told.place.len -= told.is_percent;
    told.name = name_of(told.place);
    return told;
}

static void begin_session(struct teller *teller, struct bytes line)
{
    uint64_t id = 0;
    if (teller->is_in_session)
        finder_end_session(teller->finder);
    assert_true(bytes_to_u64(word(&line), &id));
    finder_begin_session(teller->finder, (int64_t)id, bytes_hash(word(&line)));
    teller->is_in_session = true;
}

static void add_mention(void *owner, uint64_t digits)
{
    struct teller *teller = owner;
    if (teller->item_count < MAX_ITEMS)
        teller->items[teller->item_count++] = (struct given){.hash = digits, .place = SITES_NONE};
}

static void tell_exchange(struct teller *teller, struct bytes line)
{
    uint64_t id = 0, status = 0, later = 0;
    const char *arrow = memmem(line.ptr, line.len, "->", 2);
    assert_non_null(arrow);
    struct bytes answer = bytes_from(line, (size_t)(arrow - line.ptr) + 2), item;
    struct bytes told_answer = answer;
    line.len = (size_t)(arrow - line.ptr);
    assert_true(bytes_to_u64(word(&line), &id));
    size_t at = bytes_index_of(line, '|');
    struct bytes carried = bytes_from(line, at + 1),
                 endpoint = bytes_trim(bytes_make(line.ptr, at));
    size_t space = endpoint.len - 3;
    assert_true(bytes_to_u64(bytes_from(endpoint, space), &status));
    endpoint.len = space - 1;
    int64_t endpoint_id = (int64_t)(bytes_hash_keyed(endpoint, 1, 2) >> 16);
    teller->now_us += 1000000;
    const struct finder_request request = {
        .exchange_id = (int64_t)id,
        .endpoint_id = endpoint_id,
        .endpoint = endpoint,
        .at_us = teller->now_us,
        .at_unix_us = STORY_ORIGIN_UNIX_US + teller->now_us,
        .status = (int)status,
    };
    finder_request(teller->finder, &request);
    while ((item = word(&carried)).len) {
        struct told told = told_of(teller, item);
        finder_carries(teller->finder, told.place, told.name, told.text,
                       told.is_percent ? WORD_PERCENT : WORD_RAW);
    }
    finder_send(teller->finder);
    size_t count = 0;
    while ((item = word(&answer)).len && count < MAX_ITEMS) {
        if (item.ptr[0] == '@') {
            assert_true(bytes_to_u64(bytes_from(item, 1), &later));
            continue;
        }
        struct told told = told_of(teller, item);
        count +=
            finder_given(teller->finder, told.place, told.name, told.text, &teller->items[count]);
    }
    teller->item_count = count;
    mentions_scan(told_answer, add_mention, teller);
    const struct finder_answer given = {.exchange_id = (int64_t)id,
                                        .endpoint_id = endpoint_id,
                                        .endpoint = endpoint,
                                        .ended_us =
                                            teller->now_us + 500000 + (int64_t)later * 1000000,
                                        .status = (int)status};
    finder_answer(teller->finder, &given, teller->items, teller->item_count);
}

static int collect(void *owner, const struct trace_binding *binding, struct error *err)
{
    struct story_found *found = owner;
    (void)err;
    assert_true(binding->score > 0 && binding->score <= 1);
    assert_true(binding->evidence.len > 0);
    buf_printf(&found->lines, "%lld %.*s -> %lld %.*s", (long long)binding->born_exchange_id,
               BYTES_ARG(binding->born_place), (long long)binding->used_exchange_id,
               BYTES_ARG(binding->used_place));
    if (!bytes_equal(binding->form, bytes_of("raw")))
        buf_printf(&found->lines, " as %.*s", BYTES_ARG(binding->form));
    buf_append_char(&found->lines, '\n');
    found->count++;
    return 0;
}

static void report(struct finder *finder, struct buf *out)
{
    const struct correlate_totals totals = {.path = "story.trace"};
    struct error err;
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    assert_non_null(stream);
    assert_int_equal(correlate_print(stream, finder, &totals, &err), 0);
    assert_int_equal(fclose(stream), 0);
    buf_append_bytes(out, bytes_make(text, len));
    free(text);
}

void story_tell(const char *text, double min_score, struct story_found *ret_found)
{
    struct teller *teller = calloc(1, sizeof *teller);
    struct bytes rest = bytes_of(text), line;
    struct error err = {0};
    assert_non_null(teller);
    arena_init(&teller->arena, 64 << 20);
    *ret_found = (struct story_found){.lines = BUF_INIT(64 << 20), .report = BUF_INIT(64 << 20)};
    assert_int_equal(finder_new(&teller->finder, &err), 0);
    while (bytes_split(&rest, '\n', &line)) {
        line = bytes_trim(line);
        if (bytes_starts_with(line, bytes_of("session ")))
            begin_session(teller, bytes_from(line, 8));
        else if (line.len && line.ptr[0] != '#')
            tell_exchange(teller, line);
    }
    if (teller->is_in_session)
        finder_end_session(teller->finder);
    const struct rules_options options = {.min_score = min_score};
    const struct rules_sink sink = {collect, ret_found};
    if (finder_decide(teller->finder, &options, &sink, &err))
        fail_msg("%s", err.text);
    report(teller->finder, &ret_found->report);
    finder_free(teller->finder);
    arena_fini(&teller->arena);
    free(teller);
}

void story_found_fini(struct story_found *found)
{
    buf_fini(&found->lines);
    buf_fini(&found->report);
}

bool story_has(const struct story_found *found, const char *line)
{
    struct bytes rest = buf_bytes(&found->lines), one;
    while (bytes_split(&rest, '\n', &one)) {
        if (bytes_equal(one, bytes_of(line)))
            return true;
    }
    return false;
}
