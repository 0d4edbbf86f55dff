/*
 * job_server.c - a server of jobs that misbehave in the way their path asks for.
 *
 *     POST /KIND             202 {"id":ID,"status":"queued"}
 *     GET  /KIND/ID          200 {"id":ID,"status":...}: queued, running, and done at the fourth
 * time GET  /KIND/ID/result   200 once the job is done, 409 before GET  /events/ID/stream a stream
 * of events: running, and 200 ms later done GET  /live             a WebSocket that tells when jobs
 * of the kind `live` are done, after 200 ms
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

static void stream(struct request *request)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Connection: close\r\n\r\ndata: {\"status\":\"running\"}\n\n";
    static const char end[] = "event: done\ndata: {}\n\n";
    char ignored[16];
    say(request, 200);
    send_text(request->fd, head, sizeof head - 1);
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

static void tell(struct request *request)
{
    char message[128];
    int told = 0;
    say(request, 101);
    if (!accept_upgrade(request))
        return;
    while (told < 2) {
        struct job *job = NULL;
        pthread_mutex_lock(&lock);
        while (!job) {
            for (int i = 0; i < job_count && !job; i++)
                if (strcmp(jobs[i].kind, "live") == 0 && !jobs[i].is_told)
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
        int len = snprintf(message + 2, sizeof message - 2,
                           "{\"event\":\"job.completed\",\"id\":\"job-%d\"}", job->number);
        message[0] = (char)0x81; /* a whole text message */
        message[1] = (char)len;
        if (!send_text(request->fd, message, (size_t)len + 2))
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
    if (strcmp(request->method, "POST") == 0)
        submit(request);
    else if (is_kind(request, "live") && !request->job)
        tell(request);
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
