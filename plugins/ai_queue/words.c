/* words.c - what the words of a job's state mean: waiting, running, done, failed. */
#include "words.h"

#include <ctype.h>
#include <stddef.h>

const char *state_name(enum job_state state)
{
    static const char *const names[] = {"unknown", "waiting", "running", "done", "failed"};
    return names[state];
}

size_t words_plain(struct span text, char into[WORDS_MAX_BYTES + 1])
{
    size_t used = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '-' || c == '_' || c == ' ' || c == '.')
            continue;
        if (!isalnum(c) || used == WORDS_MAX_BYTES)
            return 0;
        into[used++] = (char)tolower(c);
    }
    into[used] = '\0';
    return used;
}

static bool is_listed(const char *list, const char *word)
{
    char one[WORDS_MAX_BYTES + 1];
    while (list && *list) {
        size_t len = strcspn(list, WORDS_BETWEEN);
        if (words_plain((struct span){list, len}, one) && strcmp(one, word) == 0)
            return true;
        list += len + (list[len] != '\0');
    }
    return false;
}

static enum job_state own_word(const struct words *words, const char *word)
{
    if (!words)
        return STATE_UNKNOWN;
    return is_listed(words->done, word)      ? STATE_DONE
           : is_listed(words->failed, word)  ? STATE_FAILED
           : is_listed(words->running, word) ? STATE_RUNNING
           : is_listed(words->waiting, word) ? STATE_WAITING
                                             : STATE_UNKNOWN;
}

static enum job_state known_word(const char *word)
{
    static const struct {
        const char *word;
        enum job_state state;
    } known[] = {
        {"queued", STATE_WAITING},       {"pending", STATE_WAITING},
        {"accepted", STATE_WAITING},     {"submitted", STATE_WAITING},
        {"waiting", STATE_WAITING},      {"scheduled", STATE_WAITING},
        {"enqueued", STATE_WAITING},     {"inqueue", STATE_WAITING},
        {"notstarted", STATE_WAITING},   {"received", STATE_WAITING},
        {"running", STATE_RUNNING},      {"processing", STATE_RUNNING},
        {"inprogress", STATE_RUNNING},   {"started", STATE_RUNNING},
        {"starting", STATE_RUNNING},     {"working", STATE_RUNNING},
        {"executing", STATE_RUNNING},    {"validating", STATE_RUNNING},
        {"finalizing", STATE_RUNNING},   {"cancelling", STATE_RUNNING},
        {"transcribing", STATE_RUNNING}, {"generating", STATE_RUNNING},
        {"uploading", STATE_RUNNING},    {"retrying", STATE_RUNNING},
        {"progress", STATE_RUNNING},     {"done", STATE_DONE},
        {"succeeded", STATE_DONE},       {"success", STATE_DONE},
        {"successful", STATE_DONE},      {"completed", STATE_DONE},
        {"complete", STATE_DONE},        {"finished", STATE_DONE},
        {"ready", STATE_DONE},           {"ended", STATE_DONE},
        {"failed", STATE_FAILED},        {"failure", STATE_FAILED},
        {"error", STATE_FAILED},         {"errored", STATE_FAILED},
        {"cancelled", STATE_FAILED},     {"canceled", STATE_FAILED},
        {"expired", STATE_FAILED},       {"aborted", STATE_FAILED},
        {"timedout", STATE_FAILED},      {"rejected", STATE_FAILED},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].word, word) == 0)
            return known[i].state;
    return STATE_UNKNOWN;
}

enum job_state words_state(const struct words *words, struct span word)
{
    static const char *const prefixes[] = {"status", "state"};
    char text[WORDS_MAX_BYTES + 1];
    if (!words_plain(word, text))
        return STATE_UNKNOWN;
    enum job_state state = own_word(words, text);
    if (state == STATE_UNKNOWN)
        state = known_word(text);
    for (size_t i = 0; state == STATE_UNKNOWN && i < sizeof prefixes / sizeof prefixes[0]; i++) {
        const char *found = strstr(text, prefixes[i]); /* JOB_STATE_RUNNING */
        if (found)
            state = known_word(found + strlen(prefixes[i]));
    }
    return state;
}

enum job_state words_event(const struct words *words, struct span name)
{
    enum job_state state = words_state(words, name);
    size_t end = name.len;
    while (state == STATE_UNKNOWN && end > 0) {
        size_t start = end;
        while (start > 0 && isalnum((unsigned char)name.ptr[start - 1]))
            start--;
        state = words_state(words, (struct span){name.ptr + start, end - start});
        end = start > 0 ? start - 1 : 0;
    }
    return state;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

bool words_field(struct span name)
{
    char text[WORDS_MAX_BYTES + 1];
    size_t len = words_plain(name, text);
    return len && (ends_with(text, len, "status") || ends_with(text, len, "state") ||
                   strcmp(text, "phase") == 0 || strcmp(text, "stage") == 0);
}

bool words_flag(struct span name)
{
    static const char *const flags[] = {"done", "ready", "finished", "complete", "completed"};
    char text[WORDS_MAX_BYTES + 1];
    if (!words_plain(name, text))
        return false;
    const char *bare = strncmp(text, "is", 2) == 0 ? text + 2 : text;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(bare, flags[i]) == 0)
            return true;
    return false;
}

bool words_id(struct span name)
{
    char text[WORDS_MAX_BYTES + 1];
    size_t len = words_plain(name, text);
    return len && (ends_with(text, len, "id") || strcmp(text, "job") == 0 ||
                   strcmp(text, "task") == 0 || strcmp(text, "ticket") == 0 ||
                   strcmp(text, "operation") == 0 || strcmp(text, "handle") == 0);
}

bool words_depth(struct span name)
{
    char text[WORDS_MAX_BYTES + 1];
    return words_plain(name, text) &&
           (strcmp(text, "queueposition") == 0 || strcmp(text, "position") == 0 ||
            strcmp(text, "queuedepth") == 0 || strcmp(text, "positioninqueue") == 0);
}
