/* log.c - lines for people on stderr, and the stop flag that signals set. */
#include "core/log.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level current_level = LOG_WARNING;
static volatile sig_atomic_t received_signal;

void log_set_level(enum log_level level)
{
    current_level = level;
}

enum log_level log_get_level(void)
{
    return current_level;
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"", "warning: ", "", "debug: "};
    if (level > current_level)
        return;
    char line[1024];
    int used = snprintf(line, sizeof line, "reprise: %s", names[level]);
    va_list args;
    va_start(args, format);
    int added = vsnprintf(line + used, sizeof line - (size_t)used - 1, format, args);
    va_end(args);
    if (added < 0)
        return;
    size_t len = strlen(line);
    for (size_t i = 0; i < len; i++) {
        /* Recorded data in a message must not drive the terminal or make a second line. */
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    }
    line[len] = '\n';
    ssize_t written = write(STDERR_FILENO, line, len + 1);
    (void)written; /* nowhere left to say that stderr is gone */
}

/* A terminal that is closed hangs up twice, the kernel and then the shell: the second is no haste.
 */
static void on_signal(int number)
{
    if (received_signal && number != SIGHUP) {
        signal(number, SIG_DFL);
        raise(number);
    }
    received_signal = number;
}

void stop_on_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* Under nohup it stays ignored. */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool stop_requested(void)
{
    return received_signal != 0;
}

int stop_signal(void)
{
    return received_signal;
}
