/*
 * dial_names.h - the addresses of names, looked up in a thread of their own and kept for a while.
 *
 *     ask --known--> addresses at once, in turns
 *      +---unknown--> the thread: getaddrinfo(3), which may block for many seconds
 *                       --> eventfd --> the loop --> everybody who waits for the name
 *
 * What is known is used until something newer is: after DIAL_NAME_TTL_US the name is looked up
 * again, and nobody waits for that.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_DIAL_NAMES_H
#define REPRISE_REPLAY_TRANSPORT_DIAL_NAMES_H

#include "replay/loop.h"
#include "replay/transport/dial_address.h"

#define DIAL_NAME_TTL_US UINT64_C(60000000)
#define DIAL_FAILED_NAME_TTL_US UINT64_C(1000000) /* a target that comes back is found soon */
#define DIAL_AVOID_US UINT64_C(10000000) /* an address that failed stands behind the others */

enum { DIAL_MAX_HOST_BYTES = 254, DIAL_MAX_NAMES = 1024 };

struct dial_names;
struct dial_name; /* lives as long as dial_names */
struct dial_name_wait;

/* `code` is for gai_strerror(); 0: dial_name_take() has addresses. The wait is over. */
typedef void (*dial_name_fn)(struct dial_name_wait *wait, void *owner, int code);

struct dial_name_wait {
    struct dial_name_wait *next;
    struct dial_name_wait **link; /* NULL: does not wait */
    dial_name_fn answered;
    void *owner;
};

/* `first_turn` is where the first dial of each name starts. -1 with err. */
int dial_names_open(struct dial_names **ret_names, struct loop *loop, uint32_t first_turn,
                    dial_lookup_fn lookup, struct error *err);

/* Nobody may wait any more. A look-up under way ends by itself, and its answer is dropped. */
void dial_names_close(struct dial_names *names);

enum dial_name_state {
    DIAL_NAME_KNOWN,
    DIAL_NAME_FAILED, /* *ret_code: for gai_strerror() */
    DIAL_NAME_ASKED,  /* `wait` will be told, from the loop */
    DIAL_NAME_REFUSED /* no memory, no thread, too many names */
};

/* *ret_name is set with KNOWN and ASKED. */
enum dial_name_state dial_names_ask(struct dial_names *names, struct bytes host,
                                    struct dial_name_wait *wait, struct dial_name **ret_name,
                                    int *ret_code);
void dial_name_wait_cancel(struct dial_name_wait *wait);

/* All addresses of a known name, each call beginning with the next; those that failed lately come
 * last. */
void dial_name_take(struct dial_name *name, uint64_t now_us, struct dial_addresses *ret_addresses);

/* This address of it did not answer just now. */
void dial_name_avoid(struct dial_name *name, const struct dial_address *address, uint64_t now_us);

#endif
