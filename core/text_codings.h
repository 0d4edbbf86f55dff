/*
 * text_codings.h - base64, hexadecimal and percent encoding, written and read.
 *
 * What is strict here is what the standards say; what a caller bears with (padding, a text that is
 * none) is the caller's. Readers may write over what they read: they are never ahead of it.
 */
#ifndef REPRISE_CORE_TEXT_CODINGS_H
#define REPRISE_CORE_TEXT_CODINGS_H

#include <sys/types.h>

#include "core/bytes.h"

/* RFC 4648 sections 4 and 5. */
enum base64_alphabet {
    BASE64_STANDARD, /* '+' and '/' */
    BASE64_URL,      /* '-' and '_' */
    BASE64_EITHER    /* for reading: both, even in one text */
};

/* What the digit stands for; -1: it is none. */
int base64_value(char c, enum base64_alphabet alphabet);

/* Without the '=' at its end, however many. */
struct bytes base64_without_padding(struct bytes text);

/* Digits only, no padding: bytes written, at most three for four digits. -1: something else is in
 * it, no bytes have that many digits, or they do not fit. Bits that are left over are not looked
 * at. */
ssize_t base64_read(struct bytes digits, enum base64_alphabet alphabet, char *out, size_t out_size);

/* Bytes written, four for three bytes. -1: they do not fit. */
ssize_t base64_write(struct bytes data, enum base64_alphabet alphabet, bool is_padded, char *out,
                     size_t out_size);

/* Digits of either case, two for a byte. -1: something else is in it, or they do not fit. */
ssize_t hex_read(struct bytes digits, char *out, size_t out_size);

/* Bytes written, two for each. -1: they do not fit. */
ssize_t hex_write(struct bytes data, bool is_upper, char *out, size_t out_size);

/* The byte that the %XX at the start of `text` stands for; -1: there is none. */
int percent_value(struct bytes text);

/* %XX undone, and '+' where it stands for a space; what is no escape stays as it is. Bytes written,
 * at most text.len. -1: they do not fit. */
ssize_t percent_read(struct bytes text, bool plus_is_space, char *out, size_t out_size);

/* `c` as %XX, with capitals (RFC 3986 2.1). */
void percent_write_byte(unsigned char c, char out[3]);

#endif
