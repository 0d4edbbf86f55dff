/*
 * guard.h - says which plugin a thread is inside of, to whoever has to name it: the handler of a
 * crash, and the thread that sees that a callback does not return.
 *
 * A thread that calls a plugin enters its guard and leaves it again: a few plain stores. Nothing is
 * caught: a plugin that crashes ends the process, but not without its name.
 */
#ifndef REPRISE_PLUGINS_GUARD_H
#define REPRISE_PLUGINS_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guard {
    _Atomic(const char *) plugin; /* NULL: this thread is inside none */
    _Atomic(const char *) doing;  /* "on_request" */
    _Atomic uint64_t entries;     /* so far; one thread adds, others compare */
};

/* The guard that this thread is inside of. */
extern _Thread_local struct guard *guard_of_thread;

static inline void guard_enter(struct guard *guard, const char *plugin, const char *doing)
{
    uint64_t entries = atomic_load_explicit(&guard->entries, memory_order_relaxed);
    atomic_store_explicit(&guard->entries, entries + 1, memory_order_relaxed);
    atomic_store_explicit(&guard->doing, doing, memory_order_relaxed);
    atomic_store_explicit(&guard->plugin, plugin, memory_order_release);
    guard_of_thread = guard;
    atomic_signal_fence(memory_order_seq_cst); /* before the plugin's first instruction */
}

static inline void guard_leave(struct guard *guard)
{
    atomic_signal_fence(memory_order_seq_cst);
    guard_of_thread = NULL;
    atomic_store_explicit(&guard->plugin, NULL, memory_order_relaxed);
}

/* From now on a crash (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT) first writes one line to stderr
 * that names plugin and callback, then does what it would have done. To be called before there are
 * threads; the calling one gets its stack with it. */
void guard_name_crashes(void);

/* A stack for that line, of any other thread, so that a plugin that has used up its own is named,
 * too. NULL where it has one, or without memory. */
void *guard_give_stack(void);
void guard_take_stack(void *stack);

/* How long one guard's thread has been inside the same callback, added up look by look: a process
 * that was stopped for a minute has not been inside one for a minute. */
struct guard_watch {
    uint64_t entries;
    uint64_t looked_at_us;
    uint64_t inside_us;
};

/* To be called every `every_us` or so. */
uint64_t guard_look(struct guard_watch *watch, struct guard *guard, uint64_t now_us,
                    uint64_t every_us);

#endif
