/* trial_watch.h - looks on while plugins are asked, and writes down what each of them did. */
#ifndef REPRISE_REPLAY_TRIAL_TRIAL_WATCH_H
#define REPRISE_REPLAY_TRIAL_TRIAL_WATCH_H

#include "core/buf.h"
#include "replay/trial/trial.h"

struct trial_watch {
    struct trial *trial;
    struct chain_tap tap;
    struct arena before; /* the request or message as it was, before the callback */
    struct http_request request;
    struct bytes message;
    struct buf lines; /* of the callback in hand */
};

void trial_watch_init(struct trial_watch *watch, struct trial *trial);
void trial_watch_fini(struct trial_watch *watch);

/* A chain_record_fn; `owner` is the watch. */
void trial_watch_record(void *owner, uint32_t metric, bool is_histogram, uint64_t value);

/* trial_diff.c: "- " and "+ " lines of what has changed. */
void trial_diff_request(struct buf *out, const struct http_request *before,
                        const struct http_request *after);
void trial_diff_body(struct buf *out, struct bytes before, struct bytes after);

/* As the engine's, and written down; from now on by the watch of this thread. */
const struct chain_services *trial_watch_services(struct trial_watch *watch);

#endif
