/*
 * content_stream.h - undoes the codings of a body that comes piece by piece (Content-Encoding, RFC
 * 9110 8.4): as content_coding.h does for one that is whole.
 *
 * What comes out goes on at once, some KB at a time: however much a small body stands for, only
 * what the codings themselves need is held. What they need is used again for the next body.
 *
 * A feed runs until its input is empty, so what one may give has an end: CONTENT_FREE_BYTES, or
 * CONTENT_MAX_RATIO times what was fed, whichever is more, of all the body's codings together. The
 * ratio is deflate's own highest (258 bytes from two bits), which no body in gzip alone can be
 * above; brotli and zstd reach a million. The free bytes are what it lets one read of 16 KiB give.
 */
#ifndef REPRISE_TRACES_CONTENT_STREAM_H
#define REPRISE_TRACES_CONTENT_STREAM_H

#include "traces/content_coding.h"

#define CONTENT_FREE_BYTES (UINT64_C(16) << 20)
#define CONTENT_MAX_RATIO 1032
#define CONTENT_RATIO_DETAIL                                                                       \
    "the decoded body is over 16 MiB and over 1,032 times what came; is it meant to be? compress " \
    "it less"

/* What a body may be decoded to of which so much has come. */
static inline uint64_t content_most_bytes(uint64_t coded_bytes)
{
    uint64_t most = coded_bytes * CONTENT_MAX_RATIO;
    return most > CONTENT_FREE_BYTES ? most : CONTENT_FREE_BYTES;
}

/* What the streams of one thread share. */
struct content_streams;
struct content_stream;

/* NULL without memory. Freed behind the last of its streams. */
struct content_streams *content_streams_new(void);
void content_streams_free(struct content_streams *streams);

/* All that the codings of its streams have given: how much work the feeds between two looks were.
 */
uint64_t content_streams_given(const struct content_streams *streams);

/* Takes decoded bytes, good until it returns; which a '\0' follows. False: no more are wanted. No
 * other stream of the same thread may be fed in it. */
typedef bool (*content_sink_fn)(void *owner, struct bytes data);

/* *ret_stream is NULL, with CONTENT_DECODED, where there is nothing to undo. */
enum content_result content_stream_new(struct content_streams *streams,
                                       const struct http_header *headers, size_t header_count,
                                       struct content_stream **ret_stream, const char **ret_detail);
void content_stream_free(struct content_stream *stream);

/* More free bytes, of a body that has another limit. Before it is fed. */
void content_stream_allow(struct content_stream *stream, uint64_t free_bytes);

/* CONTENT_DECODED also when the sink wants no more; nothing may be fed then. */
enum content_result content_stream_feed(struct content_stream *stream, struct bytes in,
                                        content_sink_fn sink, void *owner, const char **ret_detail);

/* Whether the body may end here. */
bool content_stream_is_whole(const struct content_stream *stream);

#endif
