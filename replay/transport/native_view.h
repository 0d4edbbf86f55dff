/*
 * native_view.h - of a call whose answer somebody sees as it comes: its codings undone piece by
 * piece, its viewer asked whether it wants the rest.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_VIEW_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_VIEW_H

#include "traces/content_stream.h"

/* Decoded in one event: behind it others have their turn, whatever there is still to read. */
#define NATIVE_VIEW_EVENT_BYTES (UINT64_C(1) << 20)

struct transport_call;
struct transport_result;

/* Of a call whose answer is shown; nothing in it counts before. */
struct native_view {
    struct content_stream *coding; /* NULL: there is none */
    enum content_result result;    /* of undoing it, so far */
    const char *detail;
    bool is_plain; /* the viewer gets each piece as it came, and nothing else is done with it */
    bool is_cut;   /* the viewer wanted no more */
};

/* Makes the call ready for an answer, whoever sees it. */
void native_view_begin(struct transport_call *call);
void native_view_end(struct transport_call *call);

/* Of a shown answer that is done: its body, if it is kept, into the result; or that it is not what
 * its coding says. */
void native_view_result(struct transport_call *call, struct transport_result *result);

/* An answer that was not shown turns out too large to be handed over whole, and nobody keeps it:
 * shown after all. As native_view_result() then. */
void native_view_late(struct transport_call *call, struct transport_result *result);

#endif
