/*
 * dial_source.h - the addresses that connections come from: those of --bind in turn.
 *
 * One source address has some 28,000 ports towards one address and port of the target; each further
 * one has as many again.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_DIAL_SOURCE_H
#define REPRISE_REPLAY_TRANSPORT_DIAL_SOURCE_H

#include "core/cli.h"
#include "replay/transport/dial_address.h"

struct dial_sources {
    size_t count;
    size_t turn;
    struct dial_address items[CLI_MAX_LIST];
};

/* Parses, and tries each: -1 with err (EXIT_INPUT) for what is no address of this machine. The
 * first one taken is number `first_turn` modulo their count. */
int dial_sources_init(struct dial_sources *sources, const struct cli_list *list,
                      uint32_t first_turn, struct error *err);

/* How many there are for this family; with an empty list 1: the kernel's choice. */
size_t dial_sources_count(const struct dial_sources *sources, int family);

/* Give `fd` the next one of its family; its port is chosen when it connects, so that the same port
 * may serve towards several targets. No-op with an empty list. -1: errno. */
int dial_sources_bind(struct dial_sources *sources, int fd, int family);

#endif
