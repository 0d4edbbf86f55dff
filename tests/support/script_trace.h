/*
 * script_trace.h - writes a trace from a small text, so that a test or a benchmark says what was
 * recorded in the place where it is played.
 *
 *     session alice              another user, from here on
 *     0 12 GET /a 200            begin and end in ms since t=0, method, target, status
 *     header X-Shop: 1           of the request before it, behind a Host of its own
 *     no-host                    the request has none of the headers so far
 *     answer-header X-Id: 7      of the answer before it
 *     set-cookie sid=1; Path=/   the same, shorter
 *     answer {"id":7}            the body of the answer before it
 *     event done {"id":7}        a server-sent event in it, behind those before
 *     answered 3                 it began at 3, and not at its end
 *     5 30 POST /b 201 {"x":1}   the rest of the line is the body
 *     part note=hello            a field of a multipart/form-data body, behind those before it
 *     part file=bytes as a.wav   the same with a file name
 *     40 - GET /c 0              never answered
 *     closed 45                  its connection is closed at 45; what follows goes over another
 *     50 55 WS /live             a WebSocket: upgrade asked at 50, answered at 55
 *     > 60 hello                 the client's message
 *     < 70 hello to you          the server's message
 *     > 90 close 1000
 *     bind 1 body:/id -> 2 form:x as percent
 *                                a binding: from the first exchange's answer to the second's
 *                                request; "as ..." is its form, raw without it
 *
 * '#' begins a comment line; empty lines are skipped.
 */
#ifndef REPRISE_TESTS_SUPPORT_SCRIPT_TRACE_H
#define REPRISE_TESTS_SUPPORT_SCRIPT_TRACE_H

#include "core/error.h"

/* -1 with the line's number in err. An existing file is replaced. */
int script_trace_write(const char *path, const char *script, struct error *err);

#endif
