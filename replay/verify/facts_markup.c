/*
 * facts_markup.c - the coarse shape of HTML, XML and event streams: which elements and fields there
 * are, not where.
 *
 * No parser of either: tags are what stands between '<' and '>', quotes heeded. Text, nesting and
 * counts differ from user to user and say little; a form, a field or a title that is gone says
 * much.
 */
#include <stdio.h>

#include "core/html_references.h"
#include "replay/verify/facts.h"

enum { MAX_TAGS = 100000, MAX_NAME_BYTES = 128, MAX_KINDS = 256 };

/* The names that were seen, so that each becomes one fact. */
struct seen {
    struct bytes names[MAX_KINDS];
    size_t count;
};

static bool is_new(struct seen *seen, struct bytes name)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (bytes_equal_nocase(seen->names[i], name))
            return false;
    }
    if (seen->count == MAX_KINDS)
        return false;
    seen->names[seen->count++] = name;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static bool is_name_char(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '_' || c == ':' || c == '.';
}

static struct bytes take_name(struct bytes *rest)
{
    size_t len = 0;
    while (len < rest->len && is_name_char(rest->ptr[len]))
        len++;
    struct bytes name = bytes_make(rest->ptr, len);
    *rest = bytes_from(*rest, len);
    return name;
}

static void skip_space(struct bytes *rest)
{
    while (rest->len && (is_space(rest->ptr[0]) || rest->ptr[0] == '/'))
        *rest = bytes_from(*rest, 1);
}

/* The next attribute of a tag; false at its end. */
static bool next_attribute(struct bytes *rest, struct bytes *ret_name, struct bytes *ret_value)
{
    skip_space(rest);
    if (!rest->len || rest->ptr[0] == '>')
        return false;
    *ret_name = take_name(rest);
    *ret_value = (struct bytes){0};
    if (!ret_name->len) { /* a stray sign */
        *rest = bytes_from(*rest, 1);
        return true;
    }
    skip_space(rest);
    if (!rest->len || rest->ptr[0] != '=')
        return true;
    *rest = bytes_from(*rest, 1);
    skip_space(rest);
    char quote = rest->len ? rest->ptr[0] : '\0';
    size_t len = 0;
    if (quote == '"' || quote == '\'') {
        *rest = bytes_from(*rest, 1);
        len = bytes_index_of(*rest, quote);
        *ret_value = bytes_make(rest->ptr, len);
        *rest = bytes_from(*rest, len + 1);
        return true;
    }
    while (len < rest->len && !is_space(rest->ptr[len]) && rest->ptr[len] != '>')
        len++;
    *ret_value = bytes_make(rest->ptr, len);
    *rest = bytes_from(*rest, len);
    return true;
}

/* A field of a form, or a meta element: its name is what counts, its value may be used later. */
static void add_named(struct facts *facts, struct bytes tag, struct bytes rest)
{
    char value[FACT_MAX_TEXT];
    struct bytes name = {0}, content = {0}, attribute, text;
    bool is_meta = bytes_equal_nocase(tag, bytes_of("meta"));
    while (next_attribute(&rest, &attribute, &text)) {
        if (bytes_equal_nocase(attribute, bytes_of("name")) ||
            (is_meta && !name.ptr && bytes_equal_nocase(attribute, bytes_of("property"))))
            name = text;
        else if (bytes_equal_nocase(attribute, bytes_of(is_meta ? "content" : "value")))
            content = text;
    }
    if (!name.len || name.len > MAX_NAME_BYTES)
        return;
    content = bytes_make(content.ptr, content.len < sizeof value ? content.len : sizeof value);
    content = bytes_make(value, (size_t)html_read(content, value, sizeof value));
    facts_add_at(facts, FACT_PRESENT, 't', name, content, "html:%s[%.*s]",
                 is_meta ? "meta" : "input", BYTES_ARG(name));
}

static void add_title(struct facts *facts, struct bytes rest)
{
    rest = bytes_from(rest, bytes_index_of(rest, '>') + 1);
    struct bytes title = bytes_make(rest.ptr, bytes_index_of(rest, '<'));
    facts_add_at(facts, FACT_VALUE, 't', bytes_of("title"), bytes_trim(title), "html:title");
}

static void add_tag(struct facts *facts, struct seen *seen, struct bytes tag, struct bytes rest)
{
    char lower[MAX_NAME_BYTES];
    if (!tag.len || tag.len >= sizeof lower)
        return;
    if (bytes_equal_nocase(tag, bytes_of("input")) || bytes_equal_nocase(tag, bytes_of("meta")) ||
        bytes_equal_nocase(tag, bytes_of("select")) ||
        bytes_equal_nocase(tag, bytes_of("textarea")))
        add_named(facts, tag, rest);
    if (!is_new(seen, tag))
        return;
    for (size_t i = 0; i < tag.len; i++)
        lower[i] = ascii_lower(tag.ptr[i]);
    facts_add_at(facts, FACT_PRESENT, 't', tag, tag, "html:tag[%.*s]", (int)tag.len, lower);
    if (bytes_equal_nocase(tag, bytes_of("title")))
        add_title(facts, rest);
}

/* Behind what is no markup though it may look like it: scripts, styles, comments. */
static struct bytes skip_raw(struct bytes rest, struct bytes tag)
{
    const char *end = NULL;
    const char *wanted = bytes_equal_nocase(tag, bytes_of("script"))  ? "</script"
                         : bytes_equal_nocase(tag, bytes_of("style")) ? "</style"
                                                                      : NULL;
    for (size_t i = 0; wanted && i + strlen(wanted) <= rest.len; i++) {
        if (rest.ptr[i] != '<' || !bytes_starts_with_nocase(bytes_from(rest, i), bytes_of(wanted)))
            continue;
        end = rest.ptr + i;
        break;
    }
    if (!wanted)
        return rest;
    return bytes_from(rest, end ? (size_t)(end - rest.ptr) : rest.len);
}

void facts_add_markup(struct facts *facts, struct bytes text, bool is_html)
{
    struct seen seen = {.count = 0};
    for (uint32_t i = 0; i < MAX_TAGS; i++) {
        size_t open = bytes_index_of(text, '<');
        if (open == text.len)
            return;
        text = bytes_from(text, open + 1);
        if (bytes_starts_with(text, bytes_of("!--"))) {
            const char *end = memmem(text.ptr, text.len, "-->", 3);
            text = end ? bytes_from(text, (size_t)(end - text.ptr)) : bytes_from(text, text.len);
            continue;
        }
        if (!text.len || !ascii_is_alpha(text.ptr[0]))
            continue;
        struct bytes tag = take_name(&text);
        add_tag(facts, &seen, tag, text);
        if (is_html)
            text = skip_raw(text, tag);
    }
}

void facts_add_events(struct facts *facts, struct bytes text)
{
    struct seen seen = {.count = 0};
    struct bytes line, event = bytes_of("message");
    bool has_data = false;
    while (bytes_split(&text, '\n', &line)) {
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (bytes_starts_with(line, bytes_of("event:")))
            event = bytes_trim(bytes_from(line, 6));
        has_data |= bytes_starts_with(line, bytes_of("data:"));
        if (line.len && text.ptr)
            continue;
        if (has_data && event.len <= MAX_NAME_BYTES && is_new(&seen, event))
            facts_add_at(facts, FACT_PRESENT, 't', event, event, "sse:%.*s", BYTES_ARG(event));
        event = bytes_of("message");
        has_data = false;
    }
}
