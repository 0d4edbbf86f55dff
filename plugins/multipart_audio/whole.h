/*
 * whole.h - does a file of audio say that it goes on behind its end?
 */
#ifndef MULTIPART_AUDIO_WHOLE_H
#define MULTIPART_AUDIO_WHOLE_H

#include "audio.h"

/* Of what audio_recognise() took: a chunk, box, block, page or segment is longer than what is there
 * of it. MP3, and what lets its length open, never says so. */
bool whole_is_cut_short(struct span bytes, const struct audio *audio);

#endif
