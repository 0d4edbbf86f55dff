/*
 * guard.c - the handler of crashes, and how long a callback has been running.
 *
 * The handler runs where nothing may be relied on: it reads this thread's guard, puts a line
 * together on its own stack, writes it, and lets the signal do what it did before.
 */
#include "plugins/guard.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STACK_BYTES = 64 * 1024, LINE_BYTES = 512 };

_Thread_local struct guard *guard_of_thread;

static const struct crash {
    int number;
    const char *what;
} crashes[] = {
    {SIGSEGV, "SIGSEGV: it touched memory that is not there, or ran out of stack"},
    {SIGBUS, "SIGBUS: it touched memory that no longer is there, like a file cut short"},
    {SIGILL, "SIGILL: no instruction"},
    {SIGFPE, "SIGFPE: a division by zero"},
    {SIGABRT, "SIGABRT: abort(), assert(), or a C++ exception that it did not catch"},
};

enum { CRASH_COUNT = sizeof crashes / sizeof crashes[0] };

/* Written once, before there are threads; read by the handler. */
static struct sigaction before[CRASH_COUNT];

struct line {
    char text[LINE_BYTES];
    size_t len;
};

/* Only what may be called in a handler. */
static void add(struct line *line, const char *text)
{
    while (*text && line->len < sizeof line->text)
        line->text[line->len++] = *text++;
}

static void name_the_plugin(struct line *line)
{
    struct guard *guard = guard_of_thread;
    const char *plugin = guard ? atomic_load(&guard->plugin) : NULL;
    if (plugin) {
        add(line, "plugin ");
        add(line, plugin);
        add(line, ": ");
        add(line, atomic_load(&guard->doing));
        add(line, " crashed (");
    } else {
        add(line,
            "crashed outside of any plugin's callback, by whoever wrote where it should not (");
    }
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    struct line line = {.len = 0};
    size_t at = 0;
    (void)context;
    while (at < CRASH_COUNT - 1 && crashes[at].number != number)
        at++;
    bool is_sent = info->si_code <= 0 && info->si_pid != getpid(); /* by kill(1): nobody's fault */
    if (!is_sent) {
        add(&line, "\nreprise: ");
        name_the_plugin(&line);
        add(&line, crashes[at].what);
        add(&line, "); a run file, if there is one, has all but its last second\n");
        ssize_t written = write(STDERR_FILENO, line.text, line.len);
        (void)written;
    }
    sigaction(number, &before[at], NULL);
    raise(number); /* once this has returned */
}

static void use_stack(void *stack)
{
    const stack_t given = {.ss_size = STACK_BYTES, .ss_sp = stack};
    sigaltstack(&given, NULL);
}

static bool has_stack(void)
{
    stack_t now;
    return sigaltstack(NULL, &now) != 0 || !(now.ss_flags & SS_DISABLE);
}

void guard_name_crashes(void)
{
    static char first_stack[STACK_BYTES]; /* of the thread that calls this, for good */
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < CRASH_COUNT; i++) {
        struct sigaction now;
        if (sigaction(crashes[i].number, NULL, &now) == 0 && now.sa_sigaction == on_crash)
            continue;
        sigaction(crashes[i].number, &action, &before[i]);
    }
    if (!has_stack())
        use_stack(first_stack);
}

void *guard_give_stack(void)
{
    void *stack = has_stack() ? NULL : malloc(STACK_BYTES);
    if (stack)
        use_stack(stack);
    return stack;
}

void guard_take_stack(void *stack)
{
    const stack_t none = {.ss_flags = SS_DISABLE};
    if (stack)
        sigaltstack(&none, NULL);
    free(stack);
}

uint64_t guard_look(struct guard_watch *watch, struct guard *guard, uint64_t now_us,
                    uint64_t every_us)
{
    uint64_t entries = atomic_load_explicit(&guard->entries, memory_order_relaxed);
    bool is_inside = atomic_load_explicit(&guard->plugin, memory_order_acquire) != NULL;
    uint64_t since_us = now_us - watch->looked_at_us;
    if (!is_inside || entries != watch->entries)
        watch->inside_us = 0;
    else
        watch->inside_us += since_us < 2 * every_us ? since_us : 2 * every_us;
    watch->looked_at_us = now_us;
    watch->entries = entries;
    return watch->inside_us;
}
