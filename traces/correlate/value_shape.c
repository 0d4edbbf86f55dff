/* value_shape.c - entropy by what runs of letters and digits a value is made of. */
#include "traces/correlate/value_shape.h"

#include <math.h>

enum {
    MAX_LOOKED_AT = 256, /* a longer value has bits enough by then */
    DATE_BITS = 9,
    CLOCK_BITS = 11, /* minutes and seconds of a working day */
    DRAWN_BITS = 48, /* sixteen digits of which six are different */
    WORD_BITS = 6,   /* the first word; those behind it follow from it */
    NEXT_WORD_BITS = 4
};

/* A run of letters and digits, or what all of them come to. */
struct run {
    size_t len;
    size_t digits, uppers, lowers, hexes;
    size_t vowels;
    size_t changes;    /* between letters and digits */
    size_t consonants; /* the longest row of them */
    unsigned distinct;
};

static bool is_vowel(char c)
{
    return c && strchr("aeiouyAEIOUY", c);
}

static struct run run_of(struct bytes text)
{
    struct run run = {.len = text.len};
    uint64_t seen[4] = {0};
    size_t consonants = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_digit = ascii_is_digit(c);
        run.digits += is_digit;
        run.uppers += c >= 'A' && c <= 'Z';
        run.lowers += c >= 'a' && c <= 'z';
        run.hexes += ascii_hex_value(c) >= 0;
        run.vowels += is_vowel(c);
        run.changes += i > 0 && is_digit != ascii_is_digit(text.ptr[i - 1]);
        consonants = is_digit || is_vowel(c) ? 0 : consonants + 1;
        run.consonants = consonants > run.consonants ? consonants : run.consonants;
        seen[(unsigned char)c >> 6] |= (uint64_t)1 << ((unsigned char)c & 63);
    }
    for (int i = 0; i < 4; i++)
        run.distinct += (unsigned)__builtin_popcountll(seen[i]);
    return run;
}

/* A word as people choose them: vowels in it, few consonants in a row, capitals only in front or
 * throughout. */
static bool is_word(const struct run *run, struct bytes text)
{
    if (run->digits || run->uppers + run->lowers != run->len)
        return false;
    bool is_cased = run->uppers == 0 || run->lowers == 0 ||
                    (run->uppers == 1 && text.ptr[0] <= 'Z') || run->uppers * 5 <= run->len;
    if (run->len <= 4)
        return is_cased;
    return is_cased && run->vowels * 6 >= run->len && run->consonants <= 4 && run->len <= 24;
}

/* MathJax, mainContent: how many words, each of three letters and more; 0: it is none of that. */
static size_t camel_words(struct bytes text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len;) {
        size_t end = at + 1;
        while (end < text.len && !(text.ptr[end] >= 'A' && text.ptr[end] <= 'Z'))
            end++;
        struct bytes word = bytes_make(text.ptr + at, end - at);
        struct run run = run_of(word);
        if (word.len < 3 || !is_word(&run, word))
            return 0;
        count++;
        at = end;
    }
    return count;
}

static double bits_of_number(struct bytes digits)
{
    size_t len = digits.len;
    while (len > 1 && digits.ptr[len - 1] == '0')
        len--; /* round */
    struct run run = run_of(bytes_make(digits.ptr, len));
    double each = fmin(log2(10), log2(run.distinct) + 0.6);
    /* People count from one: small numbers are far more frequent than their share. */
    return len <= 3 ? (double)len * each * 0.75 : (double)len * each;
}

static double bits_of_mixture(const struct run *run)
{
    double alphabet = 0;
    if (run->hexes == run->len && (!run->uppers || run->uppers + run->digits == run->len))
        alphabet = 16;
    else
        alphabet = (run->digits ? 10 : 0) + (run->uppers ? 26 : 0) + (run->lowers ? 26 : 0);
    double each = fmin(log2(alphabet + 1), log2(run->distinct) + 0.5);
    return (double)run->len * each;
}

/* "take2", "utf8": a word and a small number. */
static bool is_numbered_word(const struct run *run, struct bytes text, struct bytes *ret_number)
{
    if (run->changes != 1 || !ascii_is_alpha(text.ptr[0]) || run->len - run->digits < 2)
        return false;
    struct bytes word = bytes_make(text.ptr, run->len - run->digits);
    struct run letters = run_of(word);
    *ret_number = bytes_from(text, word.len);
    return is_word(&letters, word);
}

static double bits_of_run(struct bytes text, bool is_first_word)
{
    struct run run = run_of(text);
    struct bytes number;
    double word = is_first_word ? WORD_BITS : NEXT_WORD_BITS;
    if (run.digits == run.len)
        return bits_of_number(text);
    if (is_word(&run, text))
        return fmin(word, (double)run.len * 2);
    size_t words = run.digits ? 0 : camel_words(text);
    if (words)
        return word + (double)(words - 1) * NEXT_WORD_BITS;
    if (is_numbered_word(&run, text, &number) && number.len <= 4)
        return word + bits_of_number(number);
    return bits_of_mixture(&run);
}

static bool is_digits(struct bytes text, size_t at, size_t count)
{
    if (at + count > text.len)
        return false;
    for (size_t i = at; i < at + count; i++) {
        if (!ascii_is_digit(text.ptr[i]))
            return false;
    }
    return true;
}

/* "2026-11-21", with or without a clock behind it. */
static bool is_date(struct bytes text)
{
    return text.len >= 10 && is_digits(text, 0, 4) && text.ptr[4] == '-' && is_digits(text, 5, 2) &&
           text.ptr[7] == '-' && is_digits(text, 8, 2) &&
           (text.len == 10 || text.ptr[10] == 'T' || text.ptr[10] == ' ');
}

static double bits_of_date(struct bytes text)
{
    double bits = DATE_BITS;
    if (text.len >= 19)
        bits += CLOCK_BITS;
    if (text.len > 20 && text.ptr[19] == '.') /* parts of a second */
        for (size_t i = 20; i < text.len && ascii_is_digit(text.ptr[i]); i++)
            bits += 3.3;
    return bits;
}

unsigned shape_bits(struct bytes value)
{
    if (value.len > MAX_LOOKED_AT)
        value.len = MAX_LOOKED_AT;
    double bits = 0;
    bool is_first = true;
    if (is_date(value))
        return (unsigned)bits_of_date(value);
    for (size_t at = 0; at < value.len;) {
        size_t end = at;
        while (end < value.len && ascii_is_alnum(value.ptr[end]))
            end++;
        if (end > at) {
            bits += bits_of_run(bytes_make(value.ptr + at, end - at), is_first);
            is_first = false;
        } else {
            bits += (unsigned char)value.ptr[at] >= 0x80 ? 1 : 0;
            end++;
        }
        at = end;
    }
    return bits > SHAPE_MAX_BITS ? SHAPE_MAX_BITS : (unsigned)bits;
}

bool shape_is_wordlike(struct bytes value)
{
    if (!value.len || value.len > MAX_LOOKED_AT)
        return false;
    for (size_t at = 0; at < value.len;) {
        size_t end = at;
        while (end < value.len && ascii_is_alnum(value.ptr[end]))
            end++;
        struct bytes text = bytes_make(value.ptr + at, end - at);
        struct run run = run_of(text);
        if (run.len && !is_word(&run, text) && (run.digits || !camel_words(text)))
            return false;
        at = end + (end == at);
    }
    return true;
}

bool shape_is_uuid(struct bytes value)
{
    if (value.len != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? value.ptr[i] != '-' : ascii_hex_value(value.ptr[i]) < 0)
            return false;
    }
    return true;
}

bool shape_is_hex(struct bytes value)
{
    if (value.len < 16 || value.len > MAX_LOOKED_AT)
        return false;
    struct run run = run_of(value);
    return run.hexes == run.len && run.digits && run.digits < run.len &&
           (!run.uppers || !run.lowers);
}

bool shape_is_drawn(struct bytes value)
{
    static const size_t checksums[] = {32, 40, 48, 56, 64, 96, 128};
    if (shape_is_uuid(value)) {
        char version = value.ptr[14], variant = value.ptr[19];
        return version && strchr("1467", version) && variant && strchr("89abAB", variant);
    }
    for (size_t i = 0; i < sizeof checksums / sizeof checksums[0]; i++) {
        if (value.len == checksums[i])
            return false;
    }
    return shape_is_hex(value) && shape_bits(value) >= DRAWN_BITS;
}

bool shape_is_email(struct bytes value)
{
    size_t at = bytes_index_of(value, '@');
    struct bytes domain = bytes_from(value, at + 1);
    size_t dot = bytes_index_of(domain, '.');
    if (at == 0 || at == value.len || value.len > 254 || dot == 0 || dot + 1 >= domain.len)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (!ascii_is_alnum(value.ptr[i]) && i != at &&
            (!value.ptr[i] || !strchr("._%+-'", value.ptr[i])))
            return false;
    }
    return true;
}

bool shape_is_number(struct bytes value)
{
    return value.len > 0 && value.len <= 18 && is_digits(value, 0, value.len) &&
           (value.len == 1 || value.ptr[0] != '0');
}

/* --- moments ------------------------------------------------------------------------------ */

static int64_t number_at(struct bytes text, size_t at, size_t count)
{
    int64_t number = 0;
    for (size_t i = at; i < at + count; i++)
        number = number * 10 + (text.ptr[i] - '0');
    return number;
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "2026-11-21T17:51:54.123Z", "...+01:00"; without a zone it is taken as UTC. */
static bool iso_to_us(struct bytes text, int64_t *ret_us)
{
    if (text.len < 19 || text.len > 35 || !is_date(text) || !is_digits(text, 11, 2) ||
        text.ptr[13] != ':' || !is_digits(text, 14, 2) || text.ptr[16] != ':' ||
        !is_digits(text, 17, 2))
        return false;
    int64_t seconds =
        days_of(number_at(text, 0, 4), number_at(text, 5, 2), number_at(text, 8, 2)) * 86400 +
        number_at(text, 11, 2) * 3600 + number_at(text, 14, 2) * 60 + number_at(text, 17, 2);
    struct bytes zone = bytes_from(text, 19);
    if (zone.len && zone.ptr[0] == '.') {
        size_t i = 1;
        while (i < zone.len && ascii_is_digit(zone.ptr[i]))
            i++;
        zone = bytes_from(zone, i);
    }
    if (zone.len == 6 && (zone.ptr[0] == '+' || zone.ptr[0] == '-') && is_digits(zone, 1, 2) &&
        is_digits(zone, 4, 2)) {
        int64_t ahead = number_at(zone, 1, 2) * 3600 + number_at(zone, 4, 2) * 60;
        seconds -= zone.ptr[0] == '+' ? ahead : -ahead;
    } else if (zone.len && !bytes_equal(zone, bytes_of("Z"))) {
        return false;
    }
    *ret_us = seconds * 1000000;
    return true;
}

static bool is_near(int64_t us, int64_t now_us)
{
    return us - now_us <= SHAPE_NEAR_US && now_us - us <= SHAPE_NEAR_US;
}

enum shape_time shape_time_near(struct bytes value, int64_t now_unix_us)
{
    int64_t us;
    if (value.len == 10 && is_digits(value, 0, 10))
        return is_near(number_at(value, 0, 10) * 1000000, now_unix_us) ? SHAPE_TIME_S
                                                                       : SHAPE_NO_TIME;
    if (value.len == 13 && is_digits(value, 0, 13))
        return is_near(number_at(value, 0, 13) * 1000, now_unix_us) ? SHAPE_TIME_MS : SHAPE_NO_TIME;
    return iso_to_us(value, &us) && is_near(us, now_unix_us) ? SHAPE_TIME_ISO : SHAPE_NO_TIME;
}
