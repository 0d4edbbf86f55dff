/* endpoint.c - what a request asks for with the ids taken out. */
#include "traces/endpoint.h"

#include "traces/word_odds.h"

enum { MAX_EXTENSION_BYTES = 5, MIN_TOKEN_BYTES = 8 };

/* From which odds of chance a run is taken for an id, by what it is made of. Few names have more
 * than these; how many ids have less is held in tests/traces/endpoint_test.c. */
struct limits {
    int all_kinds, letters, one_case; /* small letters, capitals and digits; no digits; one case */
};

/* Names: getMp3ToWav, dayOfWeek, base64url. */
static const struct limits of_run = {-20, 20, 60};
/* icon_Download2x, is_HttpOnly, read_jpeg2000. */
static const struct limits behind_kind = {-30, -50, 30};

/* What a run of characters is made of. */
struct makeup {
    size_t digits;
    size_t uppers;
    size_t lowers;
    size_t hexes;   /* digits and a-f */
    size_t others;  /* neither letter nor digit */
    size_t changes; /* from digit to letter and back */
};

static struct makeup makeup_of(struct bytes text)
{
    struct makeup makeup = {0};
    bool was_digit = false, was_letter = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_digit = ascii_is_digit(c), is_letter = ascii_is_alpha(c);
        makeup.digits += is_digit;
        makeup.uppers += is_letter && c <= 'Z';
        makeup.lowers += is_letter && c >= 'a';
        makeup.hexes += ascii_hex_value(c) >= 0;
        makeup.others += !is_digit && !is_letter;
        makeup.changes += (is_digit && was_letter) || (is_letter && was_digit);
        was_digit = is_digit;
        was_letter = is_letter;
    }
    return makeup;
}

static bool is_separator(char c)
{
    return c == '-' || c == '_' || c == '.' || c == ':' || c == '~' || c == ',' || c == '=' ||
           c == '+';
}

/* In one case and without a digit anything may be a word of some language, also with a capital in
 * front: Krzysztof. */
static bool is_chance(struct bytes run, const struct makeup *makeup, const struct limits *limits)
{
    size_t capitals = makeup->uppers - (makeup->uppers && ascii_lower(run.ptr[0]) != run.ptr[0]);
    bool is_mixed_case = makeup->lowers && (makeup->digits ? makeup->uppers : capitals);
    if (!makeup->digits && !is_mixed_case)
        return false;
    int limit = !is_mixed_case   ? limits->one_case
                : makeup->digits ? limits->all_kinds
                                 : limits->letters;
    return word_odds_of_chance(run) > limit;
}

/* A run without separators that no one would choose as a word. */
static bool is_token(struct bytes run)
{
    struct makeup makeup = makeup_of(run);
    size_t letters = makeup.uppers + makeup.lowers;
    if (makeup.others)
        return false;
    if (run.len >= 8 && makeup.hexes == run.len && makeup.digits)
        return true;
    if (run.len >= 8 && makeup.digits >= 2 && makeup.changes >= 3)
        return true;
    if (run.len >= 16 && makeup.digits >= 2 && letters)
        return true;
    return run.len >= MIN_TOKEN_BYTES && is_chance(run, &makeup, &of_run);
}

/* Digits, alone or with separators between them: 4711, 2024-05-01, -3; not 1.5, a version. */
static bool is_number(struct bytes text)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (ascii_is_digit(text.ptr[i]))
            digits++;
        else if (!is_separator(text.ptr[i]) || text.ptr[i] == '.')
            return false;
    }
    return digits > 0;
}

/* The end of the run of letters and digits that starts at `start`. */
static size_t run_end(struct bytes text, size_t start)
{
    while (start < text.len && !is_separator(text.ptr[start]))
        start++;
    return start;
}

/* user-4711, job_8f3a11c9, a title with its id behind it: one run that gives it away is enough. */
static bool has_id_run(struct bytes text)
{
    for (size_t at = 0; at < text.len;) {
        size_t end = run_end(text, at);
        struct bytes run = bytes_make(text.ptr + at, end - at);
        bool is_whole_word = at == 0 && end == text.len;
        if (is_token(run))
            return true;
        if (!is_whole_word && run.len >= 3 && makeup_of(run).digits == run.len)
            return true;
        at = end + 1;
    }
    return false;
}

/* Short random ids use separators as letters (V1StGXR8_Z5jdHi6B-myT): look at the whole as well. */
static bool is_mixed(struct bytes text)
{
    struct makeup makeup = makeup_of(text);
    size_t separators = 0;
    for (size_t i = 0; i < text.len; i++)
        separators += text.ptr[i] == '-' || text.ptr[i] == '_';
    return separators && separators == makeup.others && text.len >= 10 && makeup.uppers &&
           makeup.lowers && is_chance(text, &makeup, &of_run);
}

/* cus_NffrFeUfNV2Hib, vc_gKOSQ4kVTe: behind a small-lettered kind there is rather an id than a
 * name, so that it takes much of a name to be one. */
static bool is_prefixed(struct bytes text)
{
    size_t underscore = bytes_index_of(text, '_');
    struct bytes run = bytes_from(text, underscore + 1);
    struct makeup kind = makeup_of(bytes_make(text.ptr, underscore)), makeup = makeup_of(run);
    if (underscore == 0 || kind.lowers != underscore || run.len < MIN_TOKEN_BYTES || makeup.others)
        return false;
    return is_chance(run, &makeup, &behind_kind);
}

static bool has_at_sign(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '@' && i > 0)
            return true;
        if (text.len - i >= 3 && bytes_equal_nocase(bytes_make(text.ptr + i, 3), bytes_of("%40")))
            return true;
    }
    return false;
}

static bool is_id(struct bytes text)
{
    return text.len && (is_number(text) || has_at_sign(text) || has_id_run(text) ||
                        is_mixed(text) || is_prefixed(text));
}

/* ".wav" of "8842.wav"; empty when there is none: an extension is short and holds a letter. */
static struct bytes extension_of(struct bytes segment)
{
    size_t dot = segment.len;
    while (dot > 0 && segment.ptr[dot - 1] != '.')
        dot--;
    if (dot < 2 || segment.len - dot > MAX_EXTENSION_BYTES)
        return bytes_from(segment, segment.len);
    struct makeup makeup = makeup_of(bytes_from(segment, dot));
    if (makeup.others || makeup.uppers + makeup.lowers == 0)
        return bytes_from(segment, segment.len);
    return bytes_from(segment, dot - 1);
}

/* Appends while there is room for it and for what may have to end the template. */
struct template_text {
    char *data;
    size_t len;
};

static const char more[] = "{more}";

static bool append(struct template_text *out, struct bytes part)
{
    /* '/', "{more}" and '\0' come behind it. */
    if (part.len > ENDPOINT_TEMPLATE_BYTES - sizeof more - 1 - out->len)
        return false;
    memcpy(out->data + out->len, part.ptr, part.len);
    out->len += part.len;
    return true;
}

static bool append_segment(struct template_text *out, struct bytes segment, bool is_last)
{
    segment.len = bytes_index_of(segment, ';');
    struct bytes extension = is_last ? extension_of(segment) : bytes_from(segment, segment.len);
    struct bytes stem = bytes_make(segment.ptr, segment.len - extension.len);
    if (has_at_sign(segment)) /* ".com" of a mail address is no extension */
        return append(out, bytes_of("{id}"));
    if (is_id(stem))
        return append(out, bytes_of("{id}")) && append(out, extension);
    return append(out, segment);
}

/* The path of an origin-form or absolute-form target, without query and fragment. */
static struct bytes path_of(struct bytes target)
{
    target.len = bytes_index_of(target, '?');
    target.len = bytes_index_of(target, '#');
    if (target.len && target.ptr[0] != '/') {
        size_t colon = bytes_index_of(target, ':');
        struct bytes rest = bytes_from(target, colon);
        if (bytes_starts_with(rest, bytes_of("://"))) {
            rest = bytes_from(rest, 3);
            rest = bytes_from(rest, bytes_index_of(rest, '/'));
            return rest.len ? rest : bytes_of("/");
        }
    }
    return target;
}

struct bytes endpoint_template(struct bytes target, char out[ENDPOINT_TEMPLATE_BYTES])
{
    struct template_text text = {.data = out};
    struct bytes rest = path_of(target), segment;
    size_t count = 0;
    bool is_cut = false;
    if (!rest.ptr)
        rest = bytes_of("");
    while (!is_cut && bytes_split(&rest, '/', &segment)) {
        size_t start = text.len;
        bool fits = count++ <= ENDPOINT_MAX_SEGMENTS &&
                    (count == 1 || append(&text, bytes_of("/"))) &&
                    append_segment(&text, segment, !rest.ptr);
        if (!fits) {
            text.len = start;
            is_cut = true;
        }
    }
    if (is_cut) {
        if (text.len && text.data[text.len - 1] != '/')
            text.data[text.len++] = '/';
        memcpy(text.data + text.len, more, sizeof more - 1);
        text.len += sizeof more - 1;
    }
    text.data[text.len] = '\0';
    return bytes_make(text.data, text.len);
}

bool endpoint_fits(struct bytes wanted, struct bytes name)
{
    struct bytes a, b;
    bool has_a, has_b;
    if (bytes_equal(wanted, name))
        return true;
    if (bytes_index_of(wanted, '{') == wanted.len)
        return false;
    for (;;) {
        has_a = bytes_split(&wanted, '/', &a);
        has_b = bytes_split(&name, '/', &b);
        if (!has_a || !has_b)
            return has_a == has_b;
        if (!bytes_equal(a, b) && (!b.len || !bytes_equal(a, bytes_of("{id}"))))
            return false;
    }
}
