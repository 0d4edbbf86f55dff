/*
 * transport_curl_headers.h - a request as libcurl options, and libcurl's answer as a result.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_CURL_HEADERS_H
#define REPRISE_REPLAY_TRANSPORT_CURL_HEADERS_H

#include "replay/transport/transport_curl.h"

/* Set method, URL, headers, cookies and body of call->request on its handle. -1 without memory. */
int tcurl_request_apply(struct transport_call *call);

void header_list_fini(struct header_list *list);

/* One header line of the answer, as libcurl gives it. -1 over the limit. */
int tcurl_header_keep(struct transport_call *call, struct bytes line);
/* The head is whole: to the request's viewer, unless it is an interim one's. */
void tcurl_head_show(struct transport_call *call);

/* Views into the call; `headers` is the caller's room for CALL_MAX_HEADERS. */
void tcurl_result_fill(struct transport_call *call, CURLcode code, struct http_header *headers,
                       struct transport_result *ret_result);

/* What is known of an answer while it comes; views into the call and `headers`. */
void tcurl_result_so_far(struct transport_call *call, struct http_header *headers,
                         struct transport_result *ret_result);

#endif
