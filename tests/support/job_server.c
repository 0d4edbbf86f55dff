/*
 * job_server.c - a server of jobs that misbehave in the way their path asks for.
 *
 *     POST /KIND             202 {"id":ID,"status":"queued"}
 *     GET  /KIND/ID          200 {"id":ID,"status":...}: queued, running, and done at the fourth
 * time GET  /KIND/ID/result   200 once the job is done, 409 before GET  /events/ID/stream a stream
 * of events: running, and 200 ms later done GET  /live             a WebSocket that tells when jobs
 * of the kind `live` are done, after 200 ms
 *     GET  /told             the same for jobs of the kind `told`, as a stream of events
 *     POST /streamed         200, a stream of events that begins and ends with the job
 *     GET  /listed           200 {"jobs":[{"id":ID,"status":...},...]} of all of the kind
 *
 * Kinds: plain, quick (done at once), missing (the first poll is answered 404), moved (the second
 * poll: 307, and another id), full (the first two submits: 503), html (polls are a page), never
 * (running for ever), failed. It prints `job_server: listening on URL`, then a line a request:
 * METHOD /KIND[/...] STATUS, without ids, and serves until it is killed.
 */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_REQUEST = 64 * 1024, MAX_ANSWER = 4096, MAX_JOBS = 1000 };

struct job {
    char kind[16];
    int number, polls;
    bool is_done, is_told;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct job jobs[MAX_JOBS];
static int job_count, refused;

struct request {
    int fd;
    char method[8], kind[16], rest[16]; /* rest: of the path behind the id */
    struct job *job;
    char *head;
};

static bool send_text(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text += sent;
        len -= (size_t)sent;
    }
    return true;
}

static void say(const struct request *request, int status)
{
    pthread_mutex_lock(&lock);
    printf("%s /%s%s%s %d\n", request->method, request->kind, request->job ? "/ID" : "",
           request->rest, status);
    pthread_mutex_unlock(&lock);
}

static void answer(const struct request *request, int status, const char *headers, const char *body)
{
    char text[MAX_ANSWER];
    int len =
        snprintf(text, sizeof text,
                 "HTTP/1.1 %d Because\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
                 status, headers, strlen(body), body);
    say(request, status);
    send_text(request->fd, text, (size_t)len);
}

static void work(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
}

static bool is_kind(const struct request *request, const char *kind)
{
    return strcmp(request->kind, kind) == 0;
}

static void submit(struct request *request)
{
    char body[100];
    pthread_mutex_lock(&lock);
    bool is_full = (is_kind(request, "full") && refused++ < 2) || job_count == MAX_JOBS;
    int number = job_count;
    if (!is_full) {
        struct job *job = &jobs[job_count++];
        snprintf(job->kind, sizeof job->kind, "%s", request->kind);
        job->number = number;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    snprintf(body, sizeof body, "{\"id\":\"job-%d\",\"status\":\"queued\"}", number);
    if (is_full)
        answer(request, 503, "Retry-After: 0\r\n", "{}");
    else
        answer(request, 202, "Content-Type: application/json\r\n", body);
}

static void poll_job(struct request *request)
{
    static const char *const states[] = {"queued", "queued", "running"};
    struct job *job = request->job;
    char body[100], headers[100];
    pthread_mutex_lock(&lock);
    int polls = job->polls++;
    bool ends = is_kind(request, "quick") || (polls >= 3 && !is_kind(request, "never"));
    job->is_done |= ends;
    pthread_mutex_unlock(&lock);
    const char *state = job->is_done ? (is_kind(request, "failed") ? "failed" : "done")
                        : polls < 3  ? states[polls]
                                     : "running";
    if (is_kind(request, "missing") && polls == 0) {
        answer(request, 404, "", "{}");
    } else if (is_kind(request, "html")) {
        answer(request, 200, "Content-Type: text/html\r\n", "<html>Please log in</html>");
    } else if (is_kind(request, "moved") && polls == 1) {
        snprintf(headers, sizeof headers, "Location: /moved/moved-%d\r\n", job->number);
        answer(request, 307, headers, "");
    } else {
        snprintf(body, sizeof body, "{\"status\":\"%s\"}", state);
        answer(request, 200, "Content-Type: application/json\r\n", body);
    }
}

static const char stream_head[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

/* How far all jobs of the kind are: each is asked for by it. */
static void list(struct request *request)
{
    static const char *const states[] = {"queued", "queued", "running", "done"};
    char body[MAX_ANSWER / 2] = "{\"jobs\":[{\"id\":\"another\",\"status\":\"running\"}";
    size_t used = strlen(body);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < job_count && used < sizeof body - 100; i++) {
        struct job *job = &jobs[i];
        if (strcmp(job->kind, request->kind) != 0)
            continue;
        int state = job->polls < 3 ? job->polls++ : 3;
        job->is_done |= state == 3;
        used +=
            (size_t)snprintf(body + used, sizeof body - used,
                             ",{\"id\":\"job-%d\",\"status\":\"%s\"}", job->number, states[state]);
    }
    pthread_mutex_unlock(&lock);
    snprintf(body + used, sizeof body - used, "]}");
    answer(request, 200, "Content-Type: application/json\r\n", body);
}

/* A submit that is answered by its own events. */
static void stream_submit(struct request *request)
{
    char text[400];
    pthread_mutex_lock(&lock);
    struct job *job = job_count < MAX_JOBS ? &jobs[job_count] : NULL;
    if (job) {
        snprintf(job->kind, sizeof job->kind, "%s", request->kind);
        job->number = job_count++;
    }
    pthread_mutex_unlock(&lock);
    if (!job) {
        answer(request, 503, "", "{}");
        return;
    }
    say(request, 200);
    int len = snprintf(text, sizeof text,
                       "%sdata: {\"id\":\"job-%d\",\"status\":\"queued\"}\n\n"
                       "data: {\"status\":\"running\"}\n\n",
                       stream_head, job->number);
    send_text(request->fd, text, (size_t)len);
    work();
    pthread_mutex_lock(&lock);
    job->is_done = true;
    pthread_mutex_unlock(&lock);
    send_text(request->fd, "event: done\ndata: {}\n\n", strlen("event: done\ndata: {}\n\n"));
}

static void stream(struct request *request)
{
    static const char begin[] = "data: {\"status\":\"running\"}\n\n";
    static const char end[] = "event: done\ndata: {}\n\n";
    char ignored[16];
    say(request, 200);
    send_text(request->fd, stream_head, sizeof stream_head - 1);
    send_text(request->fd, begin, sizeof begin - 1);
    work();
    pthread_mutex_lock(&lock);
    request->job->is_done = true;
    pthread_mutex_unlock(&lock);
    send_text(request->fd, end, sizeof end - 1);
    /* It does not end by itself. */
    while (recv(request->fd, ignored, sizeof ignored, 0) > 0)
        ;
}

static bool accept_upgrade(const struct request *request)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const char *key = strcasestr(request->head, "\nSec-WebSocket-Key: ");
    unsigned char digest[SHA_DIGEST_LENGTH], base64[64];
    char text[300];
    if (!key)
        return false;
    key += strlen("\nSec-WebSocket-Key: ");
    snprintf(text, sizeof text, "%.*s%s", (int)strcspn(key, "\r"), key, guid);
    SHA1((const unsigned char *)text, strlen(text), digest);
    EVP_EncodeBlock(base64, digest, sizeof digest);
    int len = snprintf(text, sizeof text,
                       "HTTP/1.1 101 Upgraded\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: %s\r\n\r\n",
                       (char *)base64);
    return send_text(request->fd, text, (size_t)len);
}

/* As a message of a WebSocket, or as an event of a stream. */
static bool send_told(const struct request *request, bool is_stream, const struct job *job)
{
    char text[160];
    int len;
    if (is_stream) {
        len =
            snprintf(text, sizeof text,
                     "event: job.completed\ndata: {\"job\":{\"id\":\"job-%d\"}}\n\n", job->number);
        return send_text(request->fd, text, (size_t)len);
    }
    len = snprintf(text + 2, sizeof text - 2, "{\"event\":\"job.completed\",\"id\":\"job-%d\"}",
                   job->number);
    text[0] = (char)0x81; /* a whole text message */
    text[1] = (char)len;
    return send_text(request->fd, text, (size_t)len + 2);
}

static void tell(struct request *request)
{
    char message[128];
    bool is_stream = is_kind(request, "told");
    int told = 0;
    say(request, is_stream ? 200 : 101);
    if (is_stream ? !send_text(request->fd, stream_head, sizeof stream_head - 1)
                  : !accept_upgrade(request))
        return;
    while (told < 2) {
        struct job *job = NULL;
        pthread_mutex_lock(&lock);
        while (!job) {
            for (int i = 0; i < job_count && !job; i++)
                if (strcmp(jobs[i].kind, request->kind) == 0 && !jobs[i].is_told)
                    job = &jobs[i];
            if (!job)
                pthread_cond_wait(&changed, &lock);
        }
        job->is_told = true;
        pthread_mutex_unlock(&lock);
        work();
        pthread_mutex_lock(&lock);
        job->is_done = true;
        pthread_mutex_unlock(&lock);
        if (!send_told(request, is_stream, job))
            return;
        told++;
    }
    recv(request->fd, message, sizeof message, 0); /* its close */
}

/* Splits METHOD /KIND[/ID[/REST]]; the job where an id names one. */
static bool read_request(struct request *request)
{
    char id[32] = "";
    int number;
    if (sscanf(request->head, "%7s /%15[a-z]/%31[a-z0-9-]%15[a-z/]", request->method, request->kind,
               id, request->rest) < 2)
        return false;
    const char *digits = strchr(id, '-');
    pthread_mutex_lock(&lock);
    if (digits && sscanf(digits, "-%d", &number) == 1 && number < job_count &&
        strcmp(jobs[number].kind, request->kind) == 0 &&
        (id[0] == 'm') == (is_kind(request, "moved") && jobs[number].polls > 1))
        request->job = &jobs[number];
    pthread_mutex_unlock(&lock);
    return true;
}

static void serve_request(struct request *request)
{
    if (!read_request(request))
        return;
    if (strcmp(request->method, "POST") == 0 && is_kind(request, "streamed"))
        stream_submit(request);
    else if (strcmp(request->method, "POST") == 0)
        submit(request);
    else if ((is_kind(request, "live") || is_kind(request, "told")) && !request->job)
        tell(request);
    else if (is_kind(request, "listed") && !request->job)
        list(request);
    else if (!request->job)
        answer(request, 404, "", "{\"error\":\"no such job\"}");
    else if (strcmp(request->rest, "/stream") == 0)
        stream(request);
    else if (strcmp(request->rest, "/result") == 0)
        answer(request, request->job->is_done ? 200 : 409, "", "the result");
    else
        poll_job(request);
}

static void *serve(void *argument)
{
    struct request request = {.fd = (int)(long)argument};
    char *buffer = calloc(1, MAX_REQUEST);
    size_t used = 0;
    while (buffer && used < MAX_REQUEST - 1 && !strstr(buffer, "\r\n\r\n")) {
        ssize_t got = recv(request.fd, buffer + used, MAX_REQUEST - 1 - used, 0);
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    request.head = buffer;
    if (buffer && strstr(buffer, "\r\n\r\n"))
        serve_request(&request);
    free(buffer);
    shutdown(request.fd, SHUT_WR);
    close(request.fd);
    return NULL;
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) ||
        listen(listener, 64) || getsockname(listener, (struct sockaddr *)&address, &len)) {
        perror("job_server");
        return 1;
    }
    printf("job_server: listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && pthread_create(&thread, NULL, serve, (void *)(long)fd) == 0)
            pthread_detach(thread);
    }
}
