/* ai_queue_session.h - recorded sessions written in a test, shown to the learner of ai_queue. */
#ifndef REPRISE_TESTS_PLUGINS_AI_QUEUE_SESSION_H
#define REPRISE_TESTS_PLUGINS_AI_QUEUE_SESSION_H

#include <string.h>

#include "plugins/ai_queue/learn.h"

enum { SESSION_MAX_STEPS = 32, SESSION_MAX_HEADERS = 8 };

/* An exchange; of a message `answer` is its text. Headers are "Name: value\n...", a method may have
 * the request's body behind it: "POST {...}". */
struct seen {
    const char *method, *url;
    uint32_t status;
    const char *headers, *answer;
    uint64_t began_ms, ended_ms;
    uint32_t kind;
};

static inline size_t seen_headers(const char *text, reprise_header *into)
{
    size_t count = 0;
    while (text && *text && count < SESSION_MAX_HEADERS) {
        size_t name = strcspn(text, ":"), line = strcspn(text, "\n");
        into[count++] = (reprise_header){{text, name}, {text + name + 2, line - name - 2}};
        text += line + (text[line] == '\n');
    }
    return count;
}

/* Without moments of its own a step begins a second after the one before, and takes 100 ms. */
static inline reprise_recorded seen_recorded(const struct seen *seen, uint32_t step,
                                             reprise_header headers[SESSION_MAX_HEADERS])
{
    uint64_t began_ms = seen->ended_ms ? seen->began_ms : step * 1000;
    uint64_t ended_ms = seen->ended_ms ? seen->ended_ms : began_ms + 100;
    const char *method = seen->method ? seen->method : "GET";
    size_t method_len = strcspn(method, " ");
    const char *sent = method[method_len] ? method + method_len + 1 : NULL;
    reprise_bytes request = {sent, sent ? strlen(sent) : 0};
    reprise_bytes text = {seen->answer, seen->answer ? strlen(seen->answer) : 0};
    bool is_message = seen->kind >= REPRISE_RECORDED_MESSAGE_SENT;
    return (reprise_recorded){
        .kind = seen->kind,
        .step = step,
        .status = seen->status ? seen->status : 200,
        .is_text = 1,
        .began_us = began_ms * 1000,
        .ended_us = ended_ms * 1000,
        .method = {method, method_len},
        .url = {seen->url, seen->url ? strlen(seen->url) : 0},
        .request_body = is_message ? text : request,
        .response_body = is_message ? (reprise_bytes){NULL, 0} : text,
        .response_headers = headers,
        .response_header_count = seen_headers(seen->headers, headers),
    };
}

#endif
