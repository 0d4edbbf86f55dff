/* upload.h - an audio upload: multipart in, checked as it streams, kept as a row.
 *
 * Memory per upload is constant: the audio is hashed and looked at, not held. */
#ifndef VOICELAB_UPLOAD_H
#define VOICELAB_UPLOAD_H

#include <stddef.h>

struct request;
struct upload;

/* Makes rq->upload, or answers (wrong Content-Type, no memory). */
void upload_begin(struct request *rq);
void upload_feed(struct request *rq, const char *bytes, size_t len);
void upload_free(struct upload *upload);

#endif
