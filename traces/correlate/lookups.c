/* lookups.c - where a value that a request carries may come from: as a whole, decoded, in parts. */
#include "core/map.h"
#include "traces/correlate/finder_state.h"
#include "traces/correlate/value_codings.h"
#include "traces/correlate/value_shape.h"

enum {
    MAX_TOKENS = 12,            /* of a text all of whose runs are tried */
    MAX_TRIES = 256,            /* for one value */
    MAX_TEXT_BYTES = 16 * 1024, /* a longer one is not cut into parts */
    FEW_TOKENS = 4,
    PART_BITS = 20, /* a part of a longer text must be hard to have by accident */
    CLEAR_BITS = 24 /* what this many were carried first is the client's */
};

struct search {
    struct finder *finder;
    const struct carried_value *value;
    struct bytes text;
    size_t tokens; /* runs of letters and digits in it */
    unsigned tries;
    uint64_t taken[MAX_TEXT_BYTES / 64]; /* bytes that a candidate has */
};

/* What is looked up, and how it is written. */
struct piece {
    struct bytes text;   /* decoded */
    struct bytes inside; /* where it stands in the value's text */
    enum value_form_word form;
    bool is_whole;
};

static struct spool_candidate *next_candidate(struct finder *finder)
{
    struct spool_entry *entry = &finder->entry;
    if (entry->use.candidate_count == SPOOL_MAX_CANDIDATES)
        return NULL;
    return &entry->candidates[entry->use.candidate_count];
}

/* Letters alone; "v1" is one as well. */
static bool is_one_word(struct bytes text)
{
    size_t letters = 0;
    while (letters < text.len && ascii_is_alpha(text.ptr[letters]))
        letters++;
    return letters > 0 && text.len - letters <= 1;
}

static void add(struct search *search, const struct piece *piece, uint64_t hash,
                const struct birth *birth, uint32_t carrier)
{
    struct finder *finder = search->finder;
    struct spool_candidate *candidate = next_candidate(finder);
    const char *start = search->text.ptr;
    if (!candidate)
        return;
    size_t at = (size_t)(piece->inside.ptr - start), end = at + piece->inside.len;
    uint32_t variant = sites_variant(&finder->sites, search->value->site, piece->form,
                                     bytes_make(start, at), bytes_from(search->text, end));
    if (variant == SITES_NONE)
        return;
    *candidate = (struct spool_candidate){
        .hash = hash,
        .born = birth ? birth->site : SITES_NONE,
        .exchange_id = birth ? birth->exchange_id : 0,
        .first_us = birth ? birth->first_us : 0,
        .carrier = carrier,
        .variant = variant,
        .given = birth ? session_index_given(&finder->index, birth->site) : 0,
        .at = (uint32_t)at,
        .len = (uint32_t)piece->inside.len,
        .bits = (uint8_t)shape_bits(piece->text),
        .is_echo = birth && birth->is_echo,
        .is_late = birth && birth->is_late,
        .is_whole = piece->is_whole,
        .is_wordlike = shape_is_wordlike(piece->text),
        .is_one_word = is_one_word(piece->text),
    };
    if (birth)
        memcpy(candidate->numbers, birth->numbers, sizeof candidate->numbers);
    finder->entry.use.candidate_count++;
}

/* All births of the piece, where it has some that can be its source. */
static bool try_births(struct search *search, const struct piece *piece)
{
    const struct session_index *index = &search->finder->index;
    uint64_t hash = bytes_hash(piece->text);
    const struct birth *birth = session_index_find(index, hash);
    bool has_any = false;
    search->tries++;
    if (!birth)
        return false;
    bool is_clear = shape_bits(piece->text) >= CLEAR_BITS;
    for (; birth; birth = session_index_next(index, birth)) {
        if (is_clear && (birth->is_echo || birth->is_late))
            continue;
        add(search, piece, hash, birth, SITES_NONE);
        has_any = true;
    }
    return has_any;
}

static bool try_codings(struct search *search)
{
    static const enum value_form_word forms[] = {WORD_PERCENT, WORD_HTML, WORD_BASE64,
                                                 WORD_BASE64URL, WORD_HEX};
    char room[CODING_MAX_BYTES];
    if (search->value->written_as != WORD_RAW)
        return false;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t len;
        if (!value_undo_coding(forms[i], search->text, room, &len))
            continue;
        struct piece piece = {bytes_make(room, len), search->text, forms[i], true};
        if (shape_bits(piece.text) >= PART_BITS && try_births(search, &piece))
            return true;
    }
    return false;
}

/* --- parts -------------------------------------------------------------------------------- */

static bool is_unreserved(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_alnum(text.ptr[i]) && !strchr("-._~", text.ptr[i]))
            return false;
    }
    return true;
}

static bool is_taken(const struct search *search, size_t at, size_t len)
{
    for (size_t i = at; i < at + len; i++) {
        if (search->taken[i / 64] >> i % 64 & 1)
            return true;
    }
    return false;
}

static void take(struct search *search, size_t at, size_t len)
{
    for (size_t i = at; i < at + len; i++)
        search->taken[i / 64] |= (uint64_t)1 << i % 64;
}

/* At replay it is looked for in the text: it has to be there once. */
static bool is_only_one(struct bytes text, struct bytes part)
{
    const char *behind = part.ptr + 1;
    size_t left = (size_t)(text.ptr + text.len - behind);
    return memmem(text.ptr, text.len, part.ptr, part.len) == part.ptr &&
           !memmem(behind, left, part.ptr, part.len);
}

/* A value that the client made and carried before. */
static bool try_carried(struct search *search, const struct piece *piece)
{
    const struct finder *finder = search->finder;
    uint64_t hash = bytes_hash(piece->text);
    uint32_t carrier = session_index_carried(&finder->index, hash);
    if (carrier == SITES_NONE || carrier == search->value->number ||
        finder->clients[carrier] == CLIENT_NONE)
        return false;
    add(search, piece, hash, NULL, carrier);
    return true;
}

static bool try_part(struct search *search, struct bytes part)
{
    size_t at = (size_t)(part.ptr - search->text.ptr);
    if (part.len < 2 || search->tries >= MAX_TRIES || part.len == search->text.len ||
        is_taken(search, at, part.len))
        return false;
    enum value_form_word form =
        is_unreserved(part) ? WORD_RAW : (enum value_form_word)search->value->written_as;
    struct piece piece = {part, part, form, false};
    unsigned bits = shape_bits(part);
    bool is_few = search->tokens <= FEW_TOKENS;
    bool is_strong = bits >= PART_BITS && !shape_is_wordlike(part);
    search->tries++;
    if (!is_strong && !is_few)
        return false;
    if (!is_only_one(search->text, part))
        return false;
    bool is_found = is_strong || shape_is_number(part) ? try_births(search, &piece) : false;
    if (!is_found)
        is_found = try_carried(search, &piece);
    if (!is_found)
        return false;
    take(search, at, part.len);
    session_index_carry(&search->finder->index, bytes_hash(part), search->value->number);
    return true;
}

/* Runs of letters and digits: their starts and ends. */
static size_t cut_tokens(struct bytes text, size_t starts[MAX_TOKENS], size_t ends[MAX_TOKENS])
{
    size_t count = 0;
    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        while (end < text.len && ascii_is_alnum(text.ptr[end]))
            end++;
        if (end > at) {
            if (count < MAX_TOKENS) {
                starts[count] = at;
                ends[count] = end;
            }
            count++;
        }
        at = end + 1;
    }
    return count;
}

/* From the longest row of tokens to the single ones. */
static void try_rows(struct search *search, struct bytes text)
{
    size_t starts[MAX_TOKENS], ends[MAX_TOKENS];
    size_t count = cut_tokens(text, starts, ends);
    if (count > MAX_TOKENS)
        return;
    for (size_t len = count; len >= 1; len--) {
        for (size_t i = 0; i + len <= count; i++)
            try_part(search, bytes_make(text.ptr + starts[i], ends[i + len - 1] - starts[i]));
    }
}

static bool is_delimiter(char c)
{
    return c && strchr(" \t\r\n,;=&?/:\"'()[]{}<>|\\@#", c);
}

/* Between delimiters. */
static void try_pieces(struct search *search)
{
    struct bytes text = search->text, rest = text, item;
    while (bytes_index_of(text, ',') < text.len && bytes_split(&rest, ',', &item))
        try_part(search, bytes_trim(item));
    for (size_t at = 0; at < text.len && search->tries < MAX_TRIES;) {
        size_t end = at;
        while (end < text.len && !is_delimiter(text.ptr[end]))
            end++;
        struct bytes piece = bytes_make(text.ptr + at, end - at);
        if (piece.len && !try_part(search, piece))
            try_rows(search, piece);
        at = end + 1;
    }
}

void finder_look_up(struct finder *finder, const struct carried_value *value)
{
    size_t starts[MAX_TOKENS], ends[MAX_TOKENS];
    struct search search = {.finder = finder, .value = value, .text = value->text};
    struct piece whole = {value->text, value->text, (enum value_form_word)value->written_as, true};
    finder->entry.use.candidate_count = 0;
    if (try_births(&search, &whole) || try_codings(&search) || value->text.len > MAX_TEXT_BYTES)
        return;
    search.tokens = cut_tokens(value->text, starts, ends);
    if (search.tokens < 1 || (search.tokens == 1 && ends[0] - starts[0] == value->text.len))
        return;
    size_t space = bytes_index_of(value->text, ' '); /* Bearer X */
    if (space < value->text.len && try_part(&search, bytes_trim(bytes_from(value->text, space))))
        return;
    if (search.tokens <= MAX_TOKENS)
        try_rows(&search, value->text);
    else
        try_pieces(&search);
}
