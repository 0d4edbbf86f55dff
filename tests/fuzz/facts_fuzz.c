/* facts_fuzz.c - any bytes as an answer's body, as an event stream: taken apart, a message
 * differs in nothing from itself. */
#include <assert.h>

#include "replay/verify/compare.h"
#include "replay/verify/likeness.h"
#include "replay/verify/ws_kinds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void none(void *owner, const struct difference *difference)
{
    (void)owner;
    (void)difference;
    assert(!"a message is another than itself");
}

static void check_facts(const struct facts *facts)
{
    char shown[SHOWN_MAX_BYTES];
    uint64_t expiry;
    for (size_t i = 0; i < facts->count; i++) {
        const struct fact *fact = &facts->items[i];
        assert(fact->place.len && fact->text.len <= FACT_MAX_TEXT);
        assert(facts_find(facts, fact->place) == fact);
        assert(texts_are_alike(fact->text, fact->text));
        assert(strlen(show_value(shown, fact->name, fact->text)) < SHOWN_MAX_BYTES);
        (void)jwt_expiry(fact->text, &expiry);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"application/json",  "text/html",  "application/xml",
                                        "text/event-stream", "text/plain", "audio/wav"};
    struct bytes body = bytes_make(data, size);
    struct facts first, second;
    struct ws_kinds kinds = {.count = 0};
    if (!size)
        return 0;
    facts_init(&first);
    facts_init(&second);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct http_header headers[] = {{bytes_of("Content-Type"), bytes_of(types[i])},
                                              {bytes_of("Location"), body},
                                              {bytes_of("Set-Cookie"), body}};
        const struct http_response response = {
            .status = 200, .headers = headers, .header_count = 3, .body = body};
        const struct facts_answer answer = {
            .response = &response, .authority = bytes_of("a:1"), .has_body = true};
        facts_of_answer(&first, &answer);
        facts_of_answer(&second, &answer);
        check_facts(&first);
        facts_compare(&first, &second, none, NULL);
    }
    ws_kinds_add(&kinds, 1, body);
    ws_kinds_facts(&kinds, &first);
    facts_fini(&first);
    facts_fini(&second);
    return 0;
}
