/* flow_table.c - a map for finding, three lists for forgetting; O(1) per segment. */
#include "capture/flow_table.h"

#include <stdlib.h>

#include "core/http1.h"
#include "core/map.h"

/* Both directions of a connection make the same key: the lower end comes first. No padding. */
struct flow_key {
    struct net_address low;
    struct net_address high;
    uint32_t path_id;
};

struct entry;

struct link {
    struct entry *older;
    struct entry *newer;
};

struct entry {
    struct flow_key key;
    struct flow *flow;
    void *owner;
    uint64_t number; /* age: counts up */
    size_t held_bytes;
    int64_t last_us;
    int64_t waits_since_us;
    bool is_closed;
    bool is_waiting;
    struct link links[2];
};

/* An entry is in one of the first two by links[0], and in `waiting` by links[1] while something is
 * held back. */
struct list {
    struct entry *oldest;
    struct entry *newest;
    int link;
};

struct flow_table {
    struct flow_table_limits limits;
    struct flow_table_callbacks callbacks;
    void *context;
    struct map by_key;
    struct list open;
    struct list closed;
    struct list waiting;
    struct entry *recent; /* what the last segment belonged to: the next one often does too */
    uint64_t numbers;
    size_t held_bytes;
    int64_t now_us;
};

struct flow_table_limits flow_table_default_limits(void)
{
    return (struct flow_table_limits){
        .flow = {.max_held_bytes = 8 << 20, /* a large window */
                 .max_held_segments = 4096,
                 .gap_grace_us = 1000000},
        .max_flows = 100000, /* about 1 KiB each, without their owners */
        .max_held_bytes = 64 << 20,
        .idle_us = 3600 * (int64_t)1000000, /* a WebSocket may be silent for long */
        .closed_linger_us = 5 * 1000000};
}

struct flow_table *flow_table_new(const struct flow_table_limits *limits,
                                  const struct flow_table_callbacks *callbacks, void *context)
{
    struct flow_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->limits = *limits;
    table->callbacks = *callbacks;
    table->context = context;
    table->waiting.link = 1;
    table->now_us = INT64_MIN;
    map_init(&table->by_key);
    return table;
}

static void list_append(struct list *list, struct entry *entry)
{
    struct link *link = &entry->links[list->link];
    *link = (struct link){.older = list->newest};
    if (list->newest)
        list->newest->links[list->link].newer = entry;
    else
        list->oldest = entry;
    list->newest = entry;
}

static void list_remove(struct list *list, struct entry *entry)
{
    struct link *link = &entry->links[list->link];
    if (link->older)
        link->older->links[list->link].newer = link->newer;
    else
        list->oldest = link->newer;
    if (link->newer)
        link->newer->links[list->link].older = link->older;
    else
        list->newest = link->older;
}

static struct bytes key_bytes(const struct flow_key *key)
{
    return bytes_make(key, sizeof *key);
}

static struct flow_key key_of(const struct segment *segment)
{
    const struct net_address *source = &segment->source;
    const struct net_address *destination = &segment->destination;
    bool is_low = memcmp(source, destination, sizeof *source) <= 0;
    return (struct flow_key){.low = is_low ? *source : *destination,
                             .high = is_low ? *destination : *source,
                             .path_id = segment->path_id};
}

/* Take the entry out of everything and free it. */
static void forget(struct flow_table *table, struct entry *entry)
{
    map_remove(&table->by_key, key_bytes(&entry->key));
    list_remove(entry->is_closed ? &table->closed : &table->open, entry);
    if (entry->is_waiting)
        list_remove(&table->waiting, entry);
    if (table->recent == entry)
        table->recent = NULL;
    table->held_bytes -= entry->held_bytes;
    flow_free(entry->flow);
    free(entry);
}

static void release(struct flow_table *table, struct entry *entry, enum trace_connection_end end)
{
    flow_finish(entry->flow, end, flow_last_us(entry->flow));
    table->callbacks.on_release(table->context, entry->owner, entry->flow);
    forget(table, entry);
}

void flow_table_free(struct flow_table *table)
{
    if (!table)
        return;
    while (table->open.oldest)
        forget(table, table->open.oldest);
    while (table->closed.oldest)
        forget(table, table->closed.oldest);
    map_fini(&table->by_key);
    free(table);
}

static bool is_server_port(const struct flow_table *table, uint16_t port)
{
    for (size_t i = 0; i < table->limits.server_port_count; i++) {
        if (table->limits.server_ports[i] == port)
            return true;
    }
    return false;
}

static bool source_is_client(const struct flow_table *table, const struct segment *segment)
{
    if (segment->flags & TCP_SYN)
        return !(segment->flags & TCP_ACK);
    bool to_server = is_server_port(table, segment->destination.port);
    bool from_server = is_server_port(table, segment->source.port);
    if (to_server != from_server)
        return to_server;
    if (http1_looks_like_request(segment->payload))
        return true;
    if (http1_looks_like_response(segment->payload))
        return false;
    return segment->source.port >= segment->destination.port;
}

/* Bring lists and sums up to date with what the flow did. */
static void note_state(struct flow_table *table, struct entry *entry)
{
    size_t held_bytes = flow_held_bytes(entry->flow);
    table->held_bytes += held_bytes - entry->held_bytes;
    entry->held_bytes = held_bytes;
    bool is_waiting = flow_is_waiting(entry->flow);
    if (is_waiting != entry->is_waiting) {
        entry->is_waiting = is_waiting;
        entry->waits_since_us = table->now_us;
        (is_waiting ? list_append : list_remove)(&table->waiting, entry);
    }
}

/* Move to the end of the list it belongs to now. */
static void touch(struct flow_table *table, struct entry *entry)
{
    bool is_closed = flow_is_closed(entry->flow);
    struct list *list = is_closed ? &table->closed : &table->open;
    entry->last_us = table->now_us;
    if (list->newest == entry)
        return;
    list_remove(entry->is_closed ? &table->closed : &table->open, entry);
    entry->is_closed = is_closed;
    list_append(list, entry);
}

static void release_old(struct flow_table *table)
{
    const struct flow_table_limits *limits = &table->limits;
    while (table->open.oldest && table->now_us - table->open.oldest->last_us >= limits->idle_us)
        release(table, table->open.oldest, TRACE_END_IDLE);
    while (table->closed.oldest &&
           table->now_us - table->closed.oldest->last_us >= limits->closed_linger_us)
        release(table, table->closed.oldest, TRACE_END_FIN);
}

/* Only who has waited for a grace can have something overdue. */
static void tick_waiting(struct flow_table *table)
{
    struct entry *entry = table->waiting.oldest;
    while (entry && table->now_us - entry->waits_since_us >= table->limits.flow.gap_grace_us) {
        struct entry *next = entry->links[1].newer;
        flow_tick(entry->flow, table->now_us);
        note_state(table, entry);
        if (flow_is_closed(entry->flow) && !entry->is_closed)
            touch(table, entry);
        if (entry->is_waiting) { /* to the end: it is asked again after another grace */
            list_remove(&table->waiting, entry);
            entry->waits_since_us = table->now_us;
            list_append(&table->waiting, entry);
        }
        entry = next;
    }
}

void flow_table_tick(struct flow_table *table, int64_t now_us)
{
    if (now_us > table->now_us)
        table->now_us = now_us;
    tick_waiting(table);
    release_old(table);
}

static void make_room(struct flow_table *table)
{
    while (table->by_key.count > 0 && table->by_key.count >= table->limits.max_flows) {
        struct entry *closed = table->closed.oldest;
        release(table, closed ? closed : table->open.oldest, TRACE_END_EVICTED);
    }
}

static void let_go(struct flow_table *table)
{
    while (table->held_bytes > table->limits.max_held_bytes && table->waiting.oldest) {
        struct entry *entry = table->waiting.oldest;
        flow_let_go(entry->flow);
        note_state(table, entry);
        if (flow_is_closed(entry->flow) && !entry->is_closed)
            touch(table, entry);
    }
}

static struct entry *entry_start(struct flow_table *table, const struct flow_key *key,
                                 const struct segment *segment)
{
    bool is_client = source_is_client(table, segment);
    const struct flow_open open = {.client = is_client ? segment->source : segment->destination,
                                   .server = is_client ? segment->destination : segment->source,
                                   .path_id = segment->path_id,
                                   .at_us = segment->at_us,
                                   .is_mid_stream = !(segment->flags & TCP_SYN)};
    make_room(table);
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    entry->key = *key;
    entry->number = ++table->numbers;
    entry->last_us = table->now_us;
    if (map_set(&table->by_key, key_bytes(&entry->key), entry)) {
        free(entry);
        return NULL;
    }
    list_append(&table->open, entry);
    entry->flow = flow_start(&table->limits.flow, &table->callbacks.sink, NULL, segment, is_client);
    entry->owner = entry->flow ? table->callbacks.on_open(table->context, &open) : NULL;
    if (!entry->owner) {
        forget(table, entry);
        return NULL;
    }
    flow_set_owner(entry->flow, entry->owner);
    return entry;
}

static struct entry *find(struct flow_table *table, const struct flow_key *key)
{
    if (table->recent && memcmp(&table->recent->key, key, sizeof *key) == 0)
        return table->recent;
    table->recent = map_get(&table->by_key, key_bytes(key));
    return table->recent;
}

int flow_table_add(struct flow_table *table, const struct segment *segment)
{
    if (segment->at_us > table->now_us)
        flow_table_tick(table, segment->at_us);
    struct flow_key key = key_of(segment);
    struct entry *entry = find(table, &key);
    bool is_syn = segment->flags & TCP_SYN;
    if (entry && is_syn && flow_is_reused_by(entry->flow, segment)) {
        release(table, entry, TRACE_END_IDLE); /* how it ended was not seen */
        entry = NULL;
    }
    if (!entry) {
        if (!is_syn && segment->payload.len == 0 && segment->missing_bytes == 0)
            return 0;
        entry = entry_start(table, &key, segment);
        if (!entry)
            return -1;
        table->recent = entry;
    }
    flow_add(entry->flow, segment);
    touch(table, entry);
    if (entry->is_waiting || flow_is_waiting(entry->flow)) {
        note_state(table, entry);
        let_go(table);
    }
    return 0;
}

static int compare_age(const void *a, const void *b)
{
    const struct entry *const *left = a;
    const struct entry *const *right = b;
    return (*left)->number < (*right)->number ? -1 : (*left)->number > (*right)->number;
}

void flow_table_finish(struct flow_table *table)
{
    size_t count = 0;
    struct entry **by_age = calloc(table->by_key.count + 1, sizeof(struct entry *));
    if (by_age) {
        size_t position = 0;
        struct map_entry *found;
        while (map_next(&table->by_key, &position, &found))
            by_age[count++] = found->value;
        qsort(by_age, count, sizeof(struct entry *), compare_age);
        for (size_t i = 0; i < count; i++)
            release(table, by_age[i], TRACE_END_OPEN);
        free(by_age);
    }
    while (table->open.oldest) /* without memory: in order of last use */
        release(table, table->open.oldest, TRACE_END_OPEN);
    while (table->closed.oldest)
        release(table, table->closed.oldest, TRACE_END_OPEN);
}

size_t flow_table_count(const struct flow_table *table)
{
    return table->by_key.count;
}

size_t flow_table_held_bytes(const struct flow_table *table)
{
    return table->held_bytes;
}
