/* failure_reason.c - folds what differs from user to user out of a reason, and hashes the rest. */
#include "replay/failure_reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/map.h"

/* What is folded is shorter than what was said: of 200 bytes this much is left where the ids and
 * numbers take 40, so that where a text was cut off makes no reason of its own. */
enum { MAX_FOLDED_BYTES = 160, MIN_HEX_ID_CHARS = 4 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* "550e8400-e29b-41d4-a716-446655440000" */
static size_t uuid_length(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    for (size_t i = 0; form[i]; i++) {
        if (form[i] == '-' ? text[i] != '-' : !is_hex(text[i]))
            return 0;
    }
    return is_word(text[sizeof form - 1]) ? 0 : sizeof form - 1;
}

/* A word of hex digits, some of them decimal: "face" is a word. */
static size_t hex_length(const char *text)
{
    size_t len = 0;
    bool has_digit = false;
    for (; is_hex(text[len]); len++)
        has_digit |= is_digit(text[len]);
    return has_digit && len >= MIN_HEX_ID_CHARS && !is_word(text[len]) ? len : 0;
}

/* With both quotes. An apostrophe inside a word opens and closes nothing. */
static size_t quoted_length(const char *text)
{
    char quote = *text;
    if (quote != '"' && quote != '\'')
        return 0;
    for (const char *end = strchr(text + 1, quote); end; end = strchr(end + 1, quote)) {
        if (quote == '"' || !is_word(end[1]))
            return (size_t)(end - text) + 1;
    }
    return 0;
}

/* How much of `text` is one mark; 0: its first character is itself. */
static size_t mark_length(const char *text, bool is_in_word)
{
    size_t len = 0;
    if (!is_in_word) {
        len = quoted_length(text);
        len = len ? len : uuid_length(text);
        len = len ? len : hex_length(text);
    }
    return len ? len : strspn(text, "0123456789");
}

uint64_t failure_reason(const char *text)
{
    char folded[MAX_FOLDED_BYTES];
    size_t count = 0;
    bool is_in_word = false;
    while (*text && count < sizeof folded) {
        size_t len = mark_length(text, is_in_word);
        folded[count++] = len ? '#' : *text;
        is_in_word = len ? is_word(text[len - 1]) : is_word(*text);
        text += len ? len : 1;
    }
    return bytes_hash_keyed(bytes_make(folded, count), 0, 0);
}
