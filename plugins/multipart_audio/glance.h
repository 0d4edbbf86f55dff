/*
 * glance.h - a long file as its metadata is read: its length, its front, and the heads of the
 * chunks, boxes and blocks behind that. All other bytes read as zeros and take no memory.
 *
 * It is a copy: what becomes of the file meanwhile is nobody's end.
 */
#ifndef MULTIPART_AUDIO_GLANCE_H
#define MULTIPART_AUDIO_GLANCE_H

#include "audio.h"

enum {
    GLANCE_FRONT_BYTES = 32 * 1024,
    GLANCE_LONG_FRONT_BYTES = 256 * 1024, /* of Ogg and WebM, whose comments are in there */
    GLANCE_MAX_STEPS = 100000
};

/* `bytes` is more than 0. -1, with errno: it cannot be read, there is no memory, or (EIO) it has
 * fewer bytes. glance_free() after 0. */
int glance_at(int fd, uint64_t bytes, struct span *ret);
void glance_free(struct span glance);

#endif
