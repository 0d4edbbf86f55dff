/*
 * log.h - lines for people on stderr, by level, and the flag that a signal asked us to stop.
 *
 * The level and the stop flag are the program's only mutable globals. Thread-safe: a line is one
 * write.
 */
#ifndef REPRISE_CORE_LOG_H
#define REPRISE_CORE_LOG_H

#include <stdbool.h>

enum log_level { LOG_QUIET, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* The default level is LOG_WARNING. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* "reprise: warning: ..." ; lines above the level cost a comparison. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/*
 * Make SIGINT, SIGTERM and SIGHUP (the terminal was closed; unless it is ignored, as under nohup)
 * set a flag that loops look at, instead of ending the process, and ignore SIGPIPE. Blocking system
 * calls return EINTR. A second SIGINT or SIGTERM ends the process at once.
 */
void stop_on_signals(void);
bool stop_requested(void);

/* The signal that was received, 0 if none. */
int stop_signal(void);

#endif
