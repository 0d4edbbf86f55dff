/*
 * chain_recorded.c - the trace is shown to plugins before the run, and what they mark in it is kept
 * by session.
 *
 * Marks of one session are one block: `step_count` numbers for each plugin, and behind them one for
 * each step with the callbacks of those who have marked it. A session without marks has no block.
 */
#include <stdlib.h>

#include "core/grow.h"
#include "plugins/host.h"

#define MAX_MARKED_SESSIONS (16u * 1024 * 1024)

struct session_marks {
    uint64_t session_id;
    uint32_t step_count;
    uint32_t concerned; /* one bit for each plugin that has marked a step, once all are shown */
    uint32_t *marks;
};

struct chain_marks {
    struct session_marks *sessions; /* by session_id, once the last was shown */
    size_t count, capacity;
    uint64_t session_id; /* in hand */
    uint32_t step_count;
};

bool chain_wants_recorded(const struct plugin_chain *chain)
{
    return (chain->wants >> CHAIN_RECORDED & 1) != 0;
}

bool chain_recorded_begin(struct plugin_chain *chain, uint64_t session_id, uint32_t step_count)
{
    bool is_looked_at = false;
    if (!chain->marks && !(chain->marks = calloc(1, sizeof *chain->marks)))
        return false;
    chain->marks->session_id = session_id;
    chain->marks->step_count = step_count;
    for (uint32_t i = 0; i < chain->count; i++) {
        struct chain_plugin *plugin = &chain->plugins[i];
        plugin->has_seen_session = !(plugin->callbacks >> CHAIN_RECORDED & 1);
        is_looked_at |= !plugin->has_seen_session && !plugin->has_seen_trace;
    }
    return is_looked_at;
}

/* 1 or 2 once nobody looks any more: at the session, at the trace. */
static int who_looks(const struct plugin_chain *chain)
{
    bool at_session = false, at_trace = false;
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct chain_plugin *plugin = &chain->plugins[i];
        if (!(plugin->callbacks >> CHAIN_RECORDED & 1) || plugin->has_seen_trace)
            continue;
        at_trace = true;
        at_session |= !plugin->has_seen_session;
    }
    return at_session ? 0 : at_trace ? 1 : 2;
}

int chain_recorded(struct plugin_chain *chain, const reprise_recorded *recorded, struct error *err)
{
    struct chain_worker *worker = chain->own_worker;
    for (uint32_t i = 0; i < chain->count; i++) {
        struct chain_plugin *plugin = &chain->plugins[i];
        struct chain_outcome outcome;
        if (plugin->has_seen_session || plugin->has_seen_trace)
            continue;
        chain_begin(worker, NULL, CHAIN_RECORDED, chain->options.now_us, &outcome);
        worker->recorded = recorded;
        worker->call.session_id = chain->marks->session_id;
        worker->call.step_count = chain->marks->step_count;
        enum reprise_verdict verdict = chain_ask(worker, i);
        worker->recorded = NULL;
        if (verdict == REPRISE_FAIL)
            return error_set(err, EXIT_INPUT, "%s", outcome.error);
        plugin->has_seen_session |= verdict != REPRISE_CONTINUE;
        plugin->has_seen_trace |= verdict == REPRISE_END_SESSION;
    }
    return who_looks(chain);
}

static int compare_sessions(const void *a, const void *b)
{
    const struct session_marks *x = a, *y = b;
    return x->session_id < y->session_id ? -1 : x->session_id > y->session_id;
}

static void note_concerned(const struct plugin_chain *chain, struct session_marks *session)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        const uint32_t *marks = &session->marks[(size_t)i * session->step_count];
        for (uint32_t j = 0; j < session->step_count; j++)
            session->concerned |= (uint32_t)(marks[j] != 0) << i;
    }
}

static void put_in_force(struct plugin_chain *chain)
{
    for (size_t i = 0; chain->marks && i < chain->marks->count; i++)
        note_concerned(chain, &chain->marks->sessions[i]);
    if (chain->marks && chain->marks->count)
        qsort(chain->marks->sessions, chain->marks->count, sizeof *chain->marks->sessions,
              compare_sessions);
}

int chain_recording_end(struct plugin_chain *chain, struct error *err)
{
    put_in_force(chain);
    for (uint32_t i = 0; i < chain->count; i++) {
        struct chain_outcome outcome;
        chain_begin(chain->own_worker, NULL, CHAIN_RECORDING_END, chain->options.now_us, &outcome);
        if (chain_ask(chain->own_worker, i) != REPRISE_CONTINUE)
            return error_set(err, EXIT_INPUT, "%s", outcome.error);
    }
    return 0;
}

/* Of the session in hand, made with its first mark. */
static struct session_marks *marks_in_hand(struct plugin_chain *chain)
{
    struct chain_marks *all = chain->marks;
    if (all->count && all->sessions[all->count - 1].session_id == all->session_id)
        return &all->sessions[all->count - 1];
    struct session_marks *grown = grow_by_one(all->sessions, all->count, &all->capacity,
                                              sizeof *all->sessions, MAX_MARKED_SESSIONS);
    if (!grown)
        return NULL;
    all->sessions = grown;
    struct session_marks fresh = {.session_id = all->session_id, .step_count = all->step_count};
    fresh.marks = calloc((size_t)(chain->count + 1) * all->step_count, sizeof *fresh.marks);
    if (!fresh.marks)
        return NULL;
    all->sessions[all->count] = fresh;
    return &all->sessions[all->count++];
}

int chain_mark(struct plugin_chain *chain, uint32_t plugin, uint32_t step, uint32_t mark)
{
    if (step >= chain->marks->step_count)
        return -1;
    struct session_marks *session = marks_in_hand(chain);
    if (!session)
        return -1;
    uint32_t callbacks = 0;
    session->marks[(size_t)plugin * session->step_count + step] = mark;
    for (uint32_t i = 0; i < chain->count; i++) {
        if (session->marks[(size_t)i * session->step_count + step])
            callbacks |= chain->plugins[i].callbacks;
    }
    session->marks[(size_t)chain->count * session->step_count + step] = callbacks;
    return 0;
}

static const struct session_marks *find_session(const struct plugin_chain *chain,
                                                uint64_t session_id)
{
    const struct session_marks wanted = {.session_id = session_id};
    if (!chain->marks || !chain->marks->count)
        return NULL;
    return bsearch(&wanted, chain->marks->sessions, chain->marks->count, sizeof wanted,
                   compare_sessions);
}

const uint32_t *chain_marks_find(const struct plugin_chain *chain, uint64_t session_id,
                                 uint32_t step_count)
{
    const struct session_marks *found = find_session(chain, session_id);
    return found && found->step_count == step_count ? found->marks : NULL;
}

uint32_t chain_concerned(const struct plugin_chain *chain, uint64_t session_id)
{
    const struct session_marks *found = find_session(chain, session_id);
    return chain->always_concerned | (found ? found->concerned : 0);
}

void chain_marks_free(struct plugin_chain *chain)
{
    if (!chain->marks)
        return;
    for (size_t i = 0; i < chain->marks->count; i++)
        free(chain->marks->sessions[i].marks);
    free(chain->marks->sessions);
    free(chain->marks);
    chain->marks = NULL;
}
