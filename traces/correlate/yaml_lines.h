/*
 * yaml_lines.h - walks a bindings file before it is loaded: refuses what no such file has, and
 * knows the line of each rule and of each of its words.
 *
 * libcyaml loads a file into structs and forgets where things stood; it also follows aliases, which
 * lets a small file stand for an endless one. So libyaml's events are looked at first, in memory
 * that does not depend on the file but for four bytes a word.
 */
#ifndef REPRISE_TRACES_CORRELATE_YAML_LINES_H
#define REPRISE_TRACES_CORRELATE_YAML_LINES_H

#include "core/bytes.h"
#include "core/error.h"

enum yaml_word {
    YAML_RULE, /* the rule itself */
    YAML_BORN_ENDPOINT,
    YAML_BORN_PLACE,
    YAML_USED_ENDPOINT,
    YAML_USED_PLACE,
    YAML_FORM,
    YAML_STATE,
    YAML_WORD_COUNT
};

struct yaml_lines {
    uint32_t (*rules)[YAML_WORD_COUNT]; /* lines from 1, 0 for what is not there; owned */
    size_t rule_count;
    uint32_t error_line; /* after a failure: where */
};

/* -1 with what is wrong, without its line. What was counted is to be freed in either case. */
int yaml_lines_find(struct bytes text, size_t max_rules, struct yaml_lines *ret_lines,
                    struct error *err);
void yaml_lines_free(struct yaml_lines *lines);

#endif
