/* transcriber.h - one WebSocket: audio in, partial and final transcripts out. No I/O of its own
 * beyond the socket it is given; the hub says when to read and write. */
#ifndef VOICELAB_TRANSCRIBER_H
#define VOICELAB_TRANSCRIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/voicelab/app.h"

struct transcriber;

/* The socket stays the caller's. NULL: no memory. Sends `ready` at the first write. */
struct transcriber *transcriber_new(const struct app *app, int fd, const void *early,
                                    size_t early_bytes, const char *session);
void transcriber_free(struct transcriber *t);

/* Reads and writes what is possible now. False: over, in whatever way. */
bool transcriber_step(struct transcriber *t);

bool transcriber_wants_write(const struct transcriber *t);

/* When bytes last came in, on the monotonic clock. */
uint64_t transcriber_heard_us(const struct transcriber *t);

/* Starts the closing handshake, after what was said before; step on to send it. `reason` is a
 * literal. The first call counts. */
void transcriber_close(struct transcriber *t, uint16_t code, const char *reason);

#endif
