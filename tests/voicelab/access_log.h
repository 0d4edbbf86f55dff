/* access_log.h - one line a request: unix time in microseconds at arrival, microseconds taken,
 * client address:port, method, target, status, bytes of the answer's body. Status 499: the client
 * left before it was answered. A line is written when the answer has been sent. */
#ifndef VOICELAB_ACCESS_LOG_H
#define VOICELAB_ACCESS_LOG_H

#include <stdint.h>

struct access_log;
struct request;

/* NULL: one line is on stderr. */
struct access_log *access_log_open(const char *path);
void access_log_close(struct access_log *log);
void access_log_write(struct access_log *log, const struct request *rq, int status,
                      uint64_t taken_us);

#endif
