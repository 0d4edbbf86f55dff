/*
 * body.h - how a content is kept in a row: as it is, or by zstd when that pays.
 *
 * It pays from BODY_MIN_PACK_BYTES on, when at least a tenth is saved; audio, images and what
 * arrived compressed are noticed on their first bytes and kept as they are. Either way the content
 * comes back bit for bit.
 */
#ifndef REPRISE_TRACES_BODY_H
#define REPRISE_TRACES_BODY_H

#include "core/buf.h"
#include "core/error.h"

#define BODY_MIN_PACK_BYTES 256

enum body_encoding { BODY_RAW, BODY_ZSTD };

const char *body_encoding_name(enum body_encoding encoding); /* "raw", "zstd" */

struct body_packer;

struct body_packer *body_packer_new(void); /* NULL without memory */
void body_packer_free(struct body_packer *packer);

/* *ret_stored is `content` itself or the packer's, until its next use. Never fails: raw it is. */
enum body_encoding body_pack(struct body_packer *packer, struct bytes content,
                             struct bytes *ret_stored);

/*
 * Append the content to `out`. -1 when `stored` does not unpack to exactly content_bytes bytes (it
 * is damaged) or when those are more than `out` may hold. No more than content_bytes are ever
 * produced, whatever the packed bytes ask for.
 */
int body_unpack(struct body_packer *packer, enum body_encoding encoding, struct bytes stored,
                uint64_t content_bytes, struct buf *out, struct error *err);

#endif
