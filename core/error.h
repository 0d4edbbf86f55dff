/*
 * error.h - the one shape of an error: an exit code and one line of text.
 *
 * A function that can fail returns 0, or -1 with the struct filled where the cause is known.
 * Callers add where it happened once, with error_prefix(), and pass it up; a verb prints it and
 * exits with its code.
 */
#ifndef REPRISE_CORE_ERROR_H
#define REPRISE_CORE_ERROR_H

/* Exit codes of every verb; docs/exit-codes.md says what each promises. */
enum exit_code {
    EXIT_DONE = 0,         /* done, and every threshold held */
    EXIT_TOOL = 1,         /* the tool or the machine failed: a bug, no memory, disk full */
    EXIT_INPUT = 2,        /* the command line or a file is wrong; nothing was sent */
    EXIT_THRESHOLD = 99,   /* a threshold failed */
    EXIT_STOPPED = 105,    /* stopped by a signal; what was measured is kept */
    EXIT_DIVERGED = 110,   /* the replay diverged from the recording beyond its limit */
    EXIT_INVALID = 111,    /* the measurement is not valid: the generator was the limit */
    EXIT_SHARD_LOST = 112, /* a shard was lost */
    EXIT_WORSE = 113       /* worse than the baseline */
};

struct error {
    enum exit_code exit_code;
    char text[512]; /* one line, no newline; empty when nothing is wrong */
};

/* Fill `err` (may be NULL) and return -1, so that a caller can `return error_set(...)`. */
int error_set(struct error *err, enum exit_code exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "where: " before the text, keep the exit code, return -1. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Print "reprise: TEXT" to stderr and return the exit code. */
int error_report(const struct error *err);

#endif
