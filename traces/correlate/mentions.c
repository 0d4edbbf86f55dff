/* mentions.c - one pass over the bytes; the last sixteen digits are a 64-bit number. */
#include "traces/correlate/mentions.h"

enum { DIGITS = 16 };

/* A row of digits and dashes that is being read. */
struct row {
    uint64_t digits; /* the last ones */
    size_t count;
    uint64_t starts; /* bit n: n digits ago a value could begin */
    bool is_glued;   /* a value could begin at each digit */
};

static void take(struct row *row, int digit, bool is_start, mention_fn mention, void *owner)
{
    row->digits = row->digits << 4 | (uint64_t)digit;
    row->count++;
    row->starts = row->starts << 1 | (is_start || row->is_glued);
    if (row->count >= DIGITS && row->starts >> (DIGITS - 1) & 1)
        mention(owner, row->digits);
}

void mentions_scan(struct bytes text, mention_fn mention, void *owner)
{
    struct row row = {0};
    bool is_start = true;
    char before = ' ';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int digit = ascii_hex_value(c);
        if (digit >= 0) {
            if (!row.count)
                row.is_glued = ascii_is_alnum(before) || before == '%' || before == '\\';
            take(&row, digit, is_start, mention, owner);
            is_start = false;
        } else if (c == '-' && row.count) {
            is_start = true;
        } else {
            row.count = 0;
            row.starts = 0;
            is_start = true;
        }
        before = c;
    }
}

bool mention_of(struct bytes value, uint64_t *ret_digits)
{
    uint64_t digits = 0;
    size_t count = 0;
    for (size_t i = 0; i < value.len && count < DIGITS; i++) {
        int digit = ascii_hex_value(value.ptr[i]);
        if (digit >= 0) {
            digits = digits << 4 | (uint64_t)digit;
            count++;
        }
    }
    *ret_digits = digits;
    return count == DIGITS;
}
