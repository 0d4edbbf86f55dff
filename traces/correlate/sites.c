/* sites.c - places generalised and kept once. */
#include "traces/correlate/sites.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/map.h"
#include "traces/correlate/value_shape.h"

enum {
    NUMBER = '\1',
    MAX_PLACES = 1 << 20,
    MAX_VARIANTS = 1 << 20,
    MAX_ENDPOINT_BYTES = 4096,
    ID_NAME_BITS = 24,
    ID_NAME_BYTES = 8
};

static const char *const form_words[] = {"raw",    "percent",   "plus", "html",
                                         "base64", "base64url", "hex"};

const char *value_form_word_name(enum value_form_word form)
{
    return form_words[form];
}

void sites_init(struct sites *sites, size_t max_bytes)
{
    *sites = (struct sites){0};
    arena_init(&sites->arena, max_bytes);
}

void sites_fini(struct sites *sites)
{
    arena_fini(&sites->arena);
    id_map_fini(&sites->endpoint_ids);
    id_map_fini(&sites->endpoint_names);
    id_map_fini(&sites->place_ids);
    id_map_fini(&sites->site_ids);
    id_map_fini(&sites->variant_ids);
    free(sites->endpoints);
    free(sites->places);
    free(sites->sites);
    free(sites->variants);
}

static struct bytes keep(struct sites *sites, struct bytes text)
{
    struct bytes copy = arena_copy(&sites->arena, text);
    return copy.ptr ? copy : bytes_of("");
}

/* --- endpoints ---------------------------------------------------------------------------- */

static struct bytes resource_of(struct bytes path)
{
    struct bytes rest = path, segment, found = {0};
    path.len = bytes_index_of(path, '?');
    while (bytes_split(&rest, '/', &segment)) {
        if (segment.len && segment.ptr[0] != '{')
            found = segment;
    }
    return found;
}

struct bytes sites_endpoint_name(struct bytes name, struct buf *out)
{
    size_t path = bytes_index_of(name, '/');
    struct bytes rest = bytes_from(name, path), segment;
    buf_append(out, name.ptr, path);
    for (bool is_first = true; bytes_split(&rest, '/', &segment); is_first = false) {
        bool is_id = segment.len >= ID_NAME_BYTES && shape_bits(segment) >= ID_NAME_BITS &&
                     !shape_is_wordlike(segment) && bytes_index_of(segment, '{') == segment.len;
        buf_append_text(out, is_first ? "" : "/");
        buf_append_bytes(out, is_id ? bytes_of("{id}") : segment);
    }
    return buf_failed(out) ? name : buf_bytes(out);
}

static uint32_t add_endpoint(struct sites *sites, int64_t endpoint_id, struct bytes name)
{
    uint32_t *at = id_map_at(&sites->endpoint_names, bytes_hash(name));
    struct site_endpoint *grown =
        at ? grow_by_one(sites->endpoints, sites->endpoint_count, &sites->endpoint_capacity,
                         sizeof *grown, SITES_NONE)
           : NULL;
    if (!grown)
        return SITES_NONE;
    sites->endpoints = grown;
    if (*at != ID_MAP_NONE)
        return *at;
    struct bytes kept = keep(sites, name);
    size_t space = bytes_index_of(kept, ' ');
    struct bytes method = bytes_make(kept.ptr, space), path = bytes_from(kept, space + 1);
    sites->endpoints[sites->endpoint_count] = (struct site_endpoint){
        .endpoint_id = endpoint_id,
        .name = kept,
        .path = path,
        .resource = resource_of(path),
        .is_unsafe =
            !bytes_equal(method, bytes_of("GET")) && !bytes_equal(method, bytes_of("HEAD")),
    };
    return *at = sites->endpoint_count++;
}

uint32_t sites_endpoint(struct sites *sites, int64_t endpoint_id, struct bytes name)
{
    uint32_t *at = id_map_at(&sites->endpoint_ids, (uint64_t)endpoint_id);
    if (at && *at == ID_MAP_NONE) {
        struct buf text = BUF_INIT(MAX_ENDPOINT_BYTES);
        *at = add_endpoint(sites, endpoint_id, sites_endpoint_name(name, &text));
        buf_fini(&text);
    }
    if (!at || *at == SITES_NONE)
        sites->is_out_of_memory = true;
    return at ? *at : SITES_NONE;
}

uint32_t sites_folded_endpoint(struct sites *sites, uint32_t endpoint, uint32_t segments)
{
    struct site_endpoint from = sites->endpoints[endpoint];
    struct buf text = BUF_INIT(MAX_ENDPOINT_BYTES);
    struct bytes rest = bytes_from(from.path, 1), segment;
    uint32_t found = SITES_NONE;
    buf_append(&text, from.name.ptr, from.name.len - from.path.len);
    for (uint32_t i = 1; bytes_split(&rest, '/', &segment); i++) {
        buf_append_text(&text, "/");
        buf_append_bytes(&text, i < 32 && segments >> i & 1 ? bytes_of("{id}") : segment);
    }
    if (!buf_failed(&text))
        found = add_endpoint(sites, from.endpoint_id, buf_bytes(&text));
    if (found == SITES_NONE)
        sites->is_out_of_memory = true;
    buf_fini(&text);
    return found;
}

/* --- places ------------------------------------------------------------------------------- */

struct generic {
    char text[SITES_MAX_PLACE_BYTES];
    size_t len;
    uint32_t numbers[SITES_NUMBERS];
    uint32_t number_count;
};

/* Decimal, as a number is written, and not too long for one. */
static bool is_number(struct bytes word, uint32_t *ret_number)
{
    uint64_t number;
    if (!bytes_to_u64(word, &number) || number >= UINT32_MAX ||
        (word.len > 1 && word.ptr[0] == '0'))
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

static bool put_number(struct generic *generic, uint32_t number)
{
    if (generic->number_count == SITES_NUMBERS || generic->len == sizeof generic->text)
        return false;
    generic->numbers[generic->number_count++] = number;
    generic->text[generic->len++] = NUMBER;
    return true;
}

static bool put(struct generic *generic, struct bytes text)
{
    if (text.len > sizeof generic->text - generic->len)
        return false;
    memcpy(generic->text + generic->len, text.ptr, text.len);
    generic->len += text.len;
    return true;
}

/* A pointer: numbers are indexes. A name that is an id itself is another one at replay. */
static bool put_pointer(struct generic *generic, struct bytes pointer)
{
    struct bytes token;
    bool is_first = true;
    uint32_t number;
    while (bytes_split(&pointer, '/', &token)) {
        if (!is_first && !put(generic, bytes_of("/")))
            return false;
        if (!is_first && is_number(token, &number)) {
            if (!put_number(generic, number))
                return false;
        } else if (token.len >= ID_NAME_BYTES && shape_bits(token) >= ID_NAME_BITS &&
                   !shape_is_wordlike(token)) {
            return false;
        } else if (!put(generic, token)) {
            return false;
        }
        is_first = false;
    }
    return true;
}

/* "header:Link 2", "ws:3", "html:href[/jobs/] 2": a number that says which one. */
static bool put_numbered(struct generic *generic, struct bytes step)
{
    size_t at = step.len;
    uint32_t number;
    bool is_message = bytes_starts_with(step, bytes_of("ws:"));
    while (at > 0 && ascii_is_digit(step.ptr[at - 1]))
        at--;
    if (at == step.len || at == 0 || (step.ptr[at - 1] != ' ' && !(is_message && at == 3)) ||
        !is_number(bytes_from(step, at), &number))
        return put(generic, step);
    return put(generic, bytes_make(step.ptr, at)) && put_number(generic, number);
}

static bool generalise(struct bytes text, struct generic *generic)
{
    *generic = (struct generic){0};
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20)
            return false;
    }
    while (text.len) {
        const char *arrow = memmem(text.ptr, text.len, " > ", 3);
        struct bytes step = bytes_make(text.ptr, arrow ? (size_t)(arrow - text.ptr) : text.len);
        bool is_pointer = bytes_starts_with(step, bytes_of("body:")) ||
                          bytes_starts_with(step, bytes_of("jwt:")) ||
                          bytes_starts_with(step, bytes_of("xml:"));
        if (!(is_pointer ? put_pointer(generic, step) : put_numbered(generic, step)))
            return false;
        if (arrow && !put(generic, bytes_of(" > ")))
            return false;
        text = arrow ? bytes_from(text, step.len + 3) : (struct bytes){0};
    }
    return true;
}

/* The name around a JSON value that says what it is: "upload" of /upload/id; not "items". */
static struct bytes parent_of(struct bytes text)
{
    static const char *const says_nothing[] = {"items",  "data",    "results", "result",   "list",
                                               "rows",   "edges",   "node",    "nodes",    "value",
                                               "values", "content", "payload", "response", NULL};
    const char *colon = memrchr(text.ptr, ':', text.len);
    struct bytes rest = colon ? bytes_from(text, (size_t)(colon - text.ptr) + 1) : text, token;
    struct bytes found = {0}, before = {0};
    while (bytes_split(&rest, '/', &token)) {
        if (!token.len || token.ptr[0] == NUMBER)
            continue;
        found = before;
        before = token;
    }
    for (const char *const *word = says_nothing; found.len && *word; word++) {
        if (bytes_equal(found, bytes_of(*word)))
            return (struct bytes){0};
    }
    return found;
}

static void describe(struct site_place *place, const struct generic *generic)
{
    struct bytes text = place->text;
    const char *last = NULL;
    uint64_t segment = 0;
    for (size_t i = 0; i + 2 < text.len; i++) {
        if (memcmp(text.ptr + i, " > ", 3) == 0)
            last = text.ptr + i + 3;
    }
    struct bytes step = last ? bytes_make(last, (size_t)(text.ptr + text.len - last)) : text;
    place->has_numbers = generic->number_count > 0;
    place->is_cookie = bytes_starts_with(text, bytes_of("cookie:"));
    place->is_header = bytes_starts_with(text, bytes_of("header:")) && !last;
    place->is_text = bytes_starts_with(text, bytes_of("text:"));
    place->is_body = bytes_starts_with(step, bytes_of("body:")) ||
                     bytes_starts_with(step, bytes_of("form:")) ||
                     bytes_starts_with(step, bytes_of("multipart:"));
    place->is_path = bytes_starts_with(step, bytes_of("path:"));
    if (place->is_path && bytes_to_u64(bytes_from(step, 5), &segment))
        place->path_segment = (uint32_t)segment;
    if (bytes_starts_with(step, bytes_of("body:")) || bytes_starts_with(step, bytes_of("jwt:")))
        place->parent = parent_of(step);
    place->class = place->is_path ? NAME_SAYS_NOTHING : name_class_of(place->name);
}

uint32_t sites_place(struct sites *sites, struct bytes text, struct bytes name,
                     uint32_t ret_numbers[SITES_NUMBERS])
{
    struct generic generic;
    if (!generalise(text, &generic)) {
        sites->left_out++;
        return SITES_NONE;
    }
    memcpy(ret_numbers, generic.numbers, sizeof generic.numbers);
    struct bytes key = bytes_make(generic.text, generic.len);
    uint64_t hash = bytes_hash(key);
    uint32_t found = id_map_get(&sites->place_ids, hash);
    if (found != ID_MAP_NONE)
        return found;
    struct site_place *grown = grow_by_one(sites->places, sites->place_count,
                                           &sites->place_capacity, sizeof *grown, MAX_PLACES);
    if (grown)
        sites->places = grown;
    struct bytes kept = grown ? arena_copy(&sites->arena, key) : (struct bytes){0};
    uint32_t *at = kept.ptr ? id_map_at(&sites->place_ids, hash) : NULL;
    if (!at) {
        sites->left_out++;
        return SITES_NONE;
    }
    struct site_place *place = &sites->places[sites->place_count];
    *place = (struct site_place){.text = kept, .name = keep(sites, name)};
    describe(place, &generic);
    return *at = sites->place_count++;
}

/* --- sites and variants ------------------------------------------------------------------- */

uint32_t sites_site(struct sites *sites, uint32_t endpoint, uint32_t place)
{
    if (endpoint == SITES_NONE || place == SITES_NONE)
        return SITES_NONE;
    uint32_t *at = id_map_at(&sites->site_ids, id_pair(endpoint, place));
    struct site *grown = at ? grow_by_one(sites->sites, sites->site_count, &sites->site_capacity,
                                          sizeof *grown, SITES_NONE)
                            : NULL;
    if (!grown) {
        sites->is_out_of_memory = true;
        return SITES_NONE;
    }
    sites->sites = grown;
    if (*at != ID_MAP_NONE)
        return *at;
    sites->sites[sites->site_count] = (struct site){endpoint, place};
    return *at = sites->site_count++;
}

/* The side nearest to the value, digits in it the same for all. */
static size_t side_of(struct bytes text, bool is_left, char out[SITES_MAX_SIDE_BYTES])
{
    if (text.len > SITES_MAX_SIDE_BYTES)
        text = is_left ? bytes_from(text, text.len - SITES_MAX_SIDE_BYTES)
                       : bytes_make(text.ptr, SITES_MAX_SIDE_BYTES);
    for (size_t i = 0; i < text.len; i++)
        out[i] = ascii_is_digit(text.ptr[i]) ? '0' : text.ptr[i];
    return text.len;
}

uint32_t sites_variant(struct sites *sites, uint32_t site, enum value_form_word form,
                       struct bytes left, struct bytes right)
{
    char key[2 * SITES_MAX_SIDE_BYTES + 8], sides[2][SITES_MAX_SIDE_BYTES];
    size_t left_len = side_of(left, true, sides[0]), right_len = side_of(right, false, sides[1]);
    memcpy(key, &site, 4);
    key[4] = (char)form;
    key[5] = (char)left_len;
    memcpy(key + 6, sides[0], left_len);
    memcpy(key + 6 + left_len, sides[1], right_len);
    bool is_part = left_len > 0 || right_len > 0;
    if (is_part && sites->variant_count >= MAX_VARIANTS) {
        sites->left_out++;
        return SITES_NONE;
    }
    uint32_t *at =
        id_map_at(&sites->variant_ids, bytes_hash(bytes_make(key, 6 + left_len + right_len)));
    struct site_variant *grown =
        at ? grow_by_one(sites->variants, sites->variant_count, &sites->variant_capacity,
                         sizeof *grown, SITES_NONE)
           : NULL;
    if (!grown) {
        sites->is_out_of_memory = true;
        return SITES_NONE;
    }
    sites->variants = grown;
    if (*at != ID_MAP_NONE)
        return *at;
    sites->variants[sites->variant_count] = (struct site_variant){
        .site = site,
        .form = (uint8_t)form,
        .left = keep(sites, bytes_make(sides[0], left_len)),
        .right = keep(sites, bytes_make(sides[1], right_len)),
    };
    return *at = sites->variant_count++;
}

void sites_write_place(const struct sites *sites, uint32_t place, const uint32_t *numbers,
                       struct buf *out)
{
    struct bytes text = sites->places[place].text;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != NUMBER)
            buf_append_char(out, text.ptr[i]);
        else if (numbers)
            buf_printf(out, "%u", *numbers++);
        else
            buf_append_char(out, '*');
    }
}

bool sites_place_pattern(struct bytes text, struct buf *out)
{
    struct generic generic;
    if (!generalise(text, &generic))
        return false;
    for (size_t i = 0; i < generic.len; i++)
        buf_append_char(out, generic.text[i] == NUMBER ? '*' : generic.text[i]);
    return !buf_failed(out);
}

/* --- what belongs together ---------------------------------------------------------------- */

/* The segment before path:N of "GET /jobs/{id}": "jobs". */
static struct bytes segment_before(struct bytes path, uint32_t number)
{
    struct bytes rest = bytes_from(path, 1), segment;
    for (uint32_t i = 1; bytes_split(&rest, '/', &segment); i++) {
        if (i + 1 == number)
            return segment.len && segment.ptr[0] != '{' ? segment : (struct bytes){0};
    }
    return (struct bytes){0};
}

/* Of what something is the id; empty when nothing says. */
static struct bytes subject_of(const struct sites *sites, const struct site *site)
{
    const struct site_place *place = &sites->places[site->place];
    const struct site_endpoint *endpoint = &sites->endpoints[site->endpoint];
    if (place->is_path && !memmem(place->text.ptr, place->text.len, " > ", 3))
        return segment_before(endpoint->path, place->path_segment);
    return place->parent.len ? place->parent : endpoint->resource;
}

int sites_agree(const struct sites *sites, uint32_t born, uint32_t used)
{
    const struct site *a = &sites->sites[born], *b = &sites->sites[used];
    const struct site_place *from = &sites->places[a->place], *to = &sites->places[b->place];
    struct bytes of = subject_of(sites, a), for_what = subject_of(sites, b);
    bool from_bare = name_is_bare(from->name), to_bare = to->is_path || name_is_bare(to->name);
    if (from->is_path) /* a part of a URL that an answer gave: where it stands in it speaks */
        return to->is_path ? (from->path_segment == to->path_segment ? 2 : 0) : 0;
    if (from_bare && to_bare) {
        if (!of.len || !for_what.len)
            return 0;
        return name_is_of_resource(of, for_what) ? 2 : -1;
    }
    if (from_bare)
        return name_is_of_resource(to->name, of) ? 2 : to->class == NAME_IS_ID ? -1 : 0;
    if (to_bare)
        return name_is_of_resource(from->name, for_what) ? 2 : from->class == NAME_IS_ID ? -1 : 0;
    if (names_agree(from->name, to->name))
        return 2;
    if (from->class == to->class && from->class != NAME_SAYS_NOTHING &&
        from->class != NAME_IS_NO_ID)
        return from->class == NAME_IS_ID ? -1 : 1;
    return from->class == NAME_IS_NO_ID && to->class == NAME_IS_NO_ID ? -1 : 0;
}
