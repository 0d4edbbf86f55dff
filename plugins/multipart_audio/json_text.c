/* json_text.c - the strings, numbers and words of a JSON text in order, and base64 in its strings.
 */
#include "json_text.h"
#include "../common/base64.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PREFIX_BYTES = 200 };

void json_begin(struct json_reader *reader, const struct pieces *pieces)
{
    *reader = (struct json_reader){.pieces = pieces};
}

/* What lies in one piece from `at` on; empty behind the end. */
static struct span run_at(struct json_reader *reader, uint64_t at)
{
    if (at < reader->run_at || at >= reader->run_at + reader->run.len) {
        reader->run = pieces_run(reader->pieces, at, UINT64_MAX);
        reader->run_at = at;
    }
    size_t skip = (size_t)(at - reader->run_at);
    return reader->run.ptr ? (struct span){reader->run.ptr + skip, reader->run.len - skip}
                           : (struct span){NULL, 0};
}

static int byte_at(struct json_reader *reader, uint64_t at)
{
    struct span run = run_at(reader, at);
    return run.len ? (unsigned char)run.ptr[0] : -1;
}

static bool is_escaped(struct json_reader *reader, uint64_t begin, uint64_t at)
{
    uint64_t slashes = 0;
    while (at - slashes > begin && byte_at(reader, at - slashes - 1) == '\\')
        slashes++;
    return slashes & 1;
}

/* The quote that ends the string whose content begins there. */
static bool find_end(struct json_reader *reader, uint64_t begin, uint64_t *ret)
{
    for (uint64_t at = begin;;) {
        struct span run = run_at(reader, at);
        if (!run.len)
            return false;
        const char *quote = memchr(run.ptr, '"', run.len);
        if (!quote) {
            at += run.len;
            continue;
        }
        at += (uint64_t)(quote - run.ptr);
        if (!is_escaped(reader, begin, at)) {
            *ret = at;
            return true;
        }
        at++;
    }
}

static bool is_bare(int c)
{
    return c > ' ' && !strchr("{}[]:,\"", c);
}

bool json_next(struct json_reader *reader, struct json_token *ret)
{
    int c = byte_at(reader, reader->at);
    while (c >= 0 && c != '"' && !is_bare(c))
        c = byte_at(reader, ++reader->at);
    if (c < 0)
        return false;
    *ret = (struct json_token){.number = reader->count++, .is_string = c == '"'};
    ret->at = reader->at + ret->is_string;
    if (ret->is_string) {
        uint64_t end;
        if (!find_end(reader, ret->at, &end))
            return false;
        ret->bytes = end - ret->at;
        reader->at = end + 1;
        for (c = byte_at(reader, reader->at); c >= 0 && c <= ' ';)
            c = byte_at(reader, ++reader->at);
        ret->is_key = c == ':';
        return true;
    }
    while (is_bare(byte_at(reader, reader->at)))
        reader->at++;
    ret->bytes = reader->at - ret->at;
    return true;
}

/* --- base64 ------------------------------------------------------------------------------------
 */

static size_t prefix_of(struct span text)
{
    static const char mark[] = ";base64,";
    if (text.len < 5 || memcmp(text.ptr, "data:", 5) != 0)
        return 0;
    size_t len = text.len < MAX_PREFIX_BYTES ? text.len : MAX_PREFIX_BYTES;
    const char *found = memmem(text.ptr, len, mark, sizeof mark - 1);
    return found ? (size_t)(found - text.ptr) + sizeof mark - 1 : 0;
}

struct span json_decode_base64(struct span text, size_t max, struct json_base64 *ret_form)
{
    const struct span none = {NULL, 0};
    size_t at = prefix_of(text), digits = 0, len = 0, padding = 0;
    uint32_t bits = 0;
    bool is_standard = false;
    *ret_form = (struct json_base64){.prefix_bytes = (uint32_t)at};
    char *bytes = malloc((text.len - at) / 4 * 3 + 4);
    for (; bytes && at < text.len && len < max; at++) {
        if (text.ptr[at] == '\\' && at + 1 < text.len && text.ptr[at + 1] == '/')
            at++;
        int value = base64_digit(text.ptr[at]);
        if (value < 0)
            break;
        ret_form->is_url = ret_form->is_url || text.ptr[at] == '-' || text.ptr[at] == '_';
        is_standard = is_standard || text.ptr[at] == '+' || text.ptr[at] == '/';
        bits = bits << 6 | (uint32_t)value;
        if (digits++ % 4)
            bytes[len++] = (char)(bits >> (6 - (digits - 1) % 4 * 2));
    }
    while (at < text.len && text.ptr[at] == '=' && padding < 3)
        padding++, at++;
    ret_form->is_padded = padding > 0 || digits % 4 == 0;
    bool is_whole = at == text.len || len == max;
    if (!bytes || !is_whole || len == 0 || digits % 4 == 1 || (is_standard && ret_form->is_url) ||
        (padding && (digits + padding) % 4)) {
        free(bytes);
        return none;
    }
    return (struct span){bytes, len};
}

uint64_t json_base64_bytes(const struct json_base64 *form, uint64_t bytes)
{
    uint64_t left = bytes % 3;
    return bytes / 3 * 4 + (left == 0 ? 0 : form->is_padded ? 4 : left + 1);
}

size_t json_write_base64(const struct json_base64 *form, const void *bytes, size_t len, char *into)
{
    EVP_EncodeBlock((unsigned char *)into, bytes, (int)len);
    size_t used = (size_t)json_base64_bytes(form, len);
    for (size_t i = 0; i < used && form->is_url; i++)
        into[i] = (char)(into[i] == '+' ? '-' : into[i] == '/' ? '_' : into[i]);
    return used;
}
