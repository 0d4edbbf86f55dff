/* event_cut.c - finds the ends of events, a byte at a time. */
#include "traces/places/event_cut.h"

void event_cut_init(struct event_cut *cut)
{
    *cut = (struct event_cut){.is_line_empty = true};
    buf_init(&cut->text, EVENT_CUT_MAX_BYTES);
}

void event_cut_fini(struct event_cut *cut)
{
    buf_fini(&cut->text);
}

static void put(struct event_cut *cut, char c)
{
    if (!cut->is_too_long)
        cut->is_too_long = buf_append_char(&cut->text, c) != 0;
}

/* The next begins behind a line end of its own: only the first may begin with a byte order mark. */
static void begin_next(struct event_cut *cut)
{
    buf_clear(&cut->text);
    cut->is_too_long = false;
    put(cut, '\n');
    cut->line_at = cut->text.len;
}

static void end_line(struct event_cut *cut, event_cut_fn each, void *owner)
{
    put(cut, '\n');
    if (cut->is_line_empty) {
        if (!cut->is_too_long)
            each(owner, buf_bytes(&cut->text));
        begin_next(cut);
        return;
    }
    if (!cut->is_too_long && cut->text.data[cut->line_at] == ':')
        cut->text.len = cut->line_at;
    cut->line_at = cut->text.len;
    cut->is_line_empty = true;
}

void event_cut_feed(struct event_cut *cut, struct bytes piece, event_cut_fn each, void *owner)
{
    for (size_t i = 0; i < piece.len; i++) {
        char c = piece.ptr[i];
        bool is_second = c == '\n' && cut->is_behind_cr; /* of CR LF */
        cut->is_behind_cr = c == '\r';
        if (is_second)
            continue;
        if (c == '\r' || c == '\n') {
            end_line(cut, each, owner);
        } else {
            cut->is_line_empty = false;
            put(cut, c);
        }
    }
}
