/*
 * source.h - where packets come from: a capture file or an interface, behind one table of
 * functions.
 */
#ifndef REPRISE_CAPTURE_SOURCE_H
#define REPRISE_CAPTURE_SOURCE_H

#include "capture/packet.h"
#include "core/error.h"

enum source_result {
    SOURCE_PACKET,
    SOURCE_QUIET,     /* nothing yet: do what is due and ask again */
    SOURCE_END,       /* the file is at its end, or that of source_break() was reached */
    SOURCE_TRUNCATED, /* the file stops inside a packet; all before it was given. err says where */
    SOURCE_FAILED     /* err says why; all before it was given */
};

/* Packets that never reached us. Zero for files. */
struct source_stats {
    uint64_t kernel_drops;    /* for want of buffer */
    uint64_t interface_drops; /* by the card or its driver, where it says so */
};

struct source;

struct source_ops {
    enum source_result (*next)(struct source *source, struct packet *ret_packet, struct error *err);
    int (*stats)(struct source *source, struct source_stats *ret_stats, struct error *err);
    void (*interrupt)(struct source *source);
    void (*close)(struct source *source);
};

/* Implementations embed it first. */
struct source {
    const struct source_ops *ops;
    int link_type;
};

struct source_live_options {
    const char *interface; /* "lo", "eth0", "any" */
    const char *filter;    /* a BPF expression, or NULL */
    const uint16_t
        *ports;        /* without a filter: what the kernel may drop is what no port of these has */
    size_t port_count; /* 0: all pass */
    size_t buffer_bytes; /* the kernel's ring; 0: 128 MiB */
    bool is_promiscuous;
};

/* EXIT_INPUT with one line: not readable, not a capture, a link type or filter that is not
 * understood. `filter` may be NULL. "-" is standard input. */
int source_open_file(const char *path, const char *filter, struct source **ret_source,
                     struct error *err);

/* EXIT_INPUT with one line: no such interface, no right to capture (and how to get it), a bad
 * filter. */
int source_open_live(const struct source_live_options *options, struct source **ret_source,
                     struct error *err);

/* Returns within about 100 ms even when no packet comes (live: SOURCE_QUIET), so that the caller
 * can look at the clock and the stop flag. */
static inline enum source_result source_next(struct source *source, struct packet *ret_packet,
                                             struct error *err)
{
    return source->ops->next(source, ret_packet, err);
}

/* Totals since it was opened. */
static inline int source_stats(struct source *source, struct source_stats *ret_stats,
                               struct error *err)
{
    return source->ops->stats(source, ret_stats, err);
}

/* A file ends with the next source_next(). An interface gives the packets that came before this
 * moment and are still with the kernel (within about 300 ms), then ends. May be called from a
 * signal handler. */
static inline void source_break(struct source *source)
{
    source->ops->interrupt(source);
}

/* NULL is allowed. */
static inline void source_close(struct source *source)
{
    if (source)
        source->ops->close(source);
}

#endif
