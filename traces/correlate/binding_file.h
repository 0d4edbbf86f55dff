/*
 * binding_file.h - bindings as a YAML file that people read, edit and carry from trace to trace.
 *
 *     version: 1
 *     bindings:
 *     - born:
 *         endpoint: POST /auth/login
 *         place: body:/access_token
 *       used:
 *         endpoint: GET /me
 *         place: header:Authorization
 *       form: raw          # and state: may be left out
 *       state: on
 *
 * A rule names endpoints instead of exchanges, so it holds in every trace of the application. A
 * value that the client makes (places that begin with new: or data:) has no born endpoint. The file
 * is input: its size, depth and number of rules have limits, aliases are refused, and what is wrong
 * is said with its line.
 */
#ifndef REPRISE_TRACES_CORRELATE_BINDING_FILE_H
#define REPRISE_TRACES_CORRELATE_BINDING_FILE_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/error.h"

#define BINDING_FILE_VERSION 1
#define BINDING_FILE_MAX_BYTES (8u * 1024 * 1024)
#define BINDING_FILE_MAX_RULES 10000

/* All words as FORMAT.md has them in the columns of `binding`. */
struct binding_rule {
    struct bytes born_endpoint; /* "POST /auth/login"; empty for new: and data: */
    struct bytes born_place;
    struct bytes used_endpoint;
    struct bytes used_place;
    struct bytes form;
    struct bytes state;
    uint32_t line; /* where the rule begins in its file, from 1; 0: in none */
};

struct binding_rules {
    struct binding_rule *items; /* in the arena, as are their words */
    size_t count;
    struct arena arena;
};

void binding_rules_init(struct binding_rules *rules);
void binding_rules_fini(struct binding_rules *rules);
/* Its words are copied. -1 beyond BINDING_FILE_MAX_RULES, or without memory. */
int binding_rules_add(struct binding_rules *rules, const struct binding_rule *rule,
                      struct error *err);

/* Is it a place without a birth in an answer (new:..., data:...)? */
bool binding_place_is_made(struct bytes born_place);

/* Into `rules`, which have been initialised. -1 with "NAME:LINE: what is wrong". */
int binding_file_parse(struct bytes text, const char *name, struct binding_rules *rules,
                       struct error *err);
/* "-" is standard input. */
int binding_file_read(const char *path, struct binding_rules *rules, struct error *err);

/* Appends the file's text to `out`. Rules whose words YAML cannot hold (what is no UTF-8) are left
 * out and counted. */
int binding_file_format(const struct binding_rules *rules, struct buf *out, size_t *ret_left_out,
                        struct error *err);

#endif
