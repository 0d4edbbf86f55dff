/* upload.c - an audio upload: multipart in, checked as it streams, kept as a row.
 *
 * The form: `file` (the WAV, with a file name and an audio type); and when they are there they must
 * be true of it: `size` in bytes, `sha256` in hex. `title` is free text. */
#include "tests/voicelab/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tests/voicelab/app.h"
#include "tests/voicelab/clock.h"
#include "tests/voicelab/handlers.h"
#include "tests/voicelab/metrics.h"
#include "tests/voicelab/multipart.h"
#include "tests/voicelab/options.h"
#include "tests/voicelab/request.h"
#include "tests/voicelab/store.h"
#include "tests/voicelab/wav_check.h"

enum field { FIELD_FILE, FIELD_SIZE, FIELD_SHA256, FIELD_TITLE, FIELD_OTHER };

struct upload {
    struct request *rq;
    struct multipart parser;
    enum field field; /* of the part in hand */
    unsigned file_count;
    char id[ID_CAP];
    char filename[MULTIPART_NAME_CAP];
    char size[24], sha256[72], title[204]; /* fields as sent; one char of room shows "too long" */
    struct wav_check wav;
    EVP_MD_CTX *digest;
    int fd; /* --save-uploads, else -1 */
    char path[512];
};

static bool is_audio_type(const char *type)
{
    static const char *const types[] = {"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strncasecmp(type, types[i], strlen(types[i])) == 0)
            return true;
    return false;
}

static bool begin_file(struct upload *upload, const struct multipart_part *part)
{
    if (++upload->file_count > 1) {
        reply_error(upload->rq, 400, "two_files", "one file an upload");
        return false;
    }
    if (!part->has_filename) {
        reply_error(upload->rq, 400, "no_filename", "the file part has no filename");
        return false;
    }
    if (!is_audio_type(part->content_type)) {
        metrics_add(upload->rq->app->metrics, COUNT_REJECTED_AUDIO, 1);
        reply_error(upload->rq, 415, "not_audio",
                    "the file part's Content-Type is '%s', not audio/wav", part->content_type);
        return false;
    }
    snprintf(upload->filename, sizeof upload->filename, "%s", part->filename);
    return true;
}

static bool part_begin(void *context, const struct multipart_part *part)
{
    struct upload *upload = context;
    static const struct {
        const char *name;
        enum field field;
    } fields[] = {{"file", FIELD_FILE},
                  {"size", FIELD_SIZE},
                  {"sha256", FIELD_SHA256},
                  {"title", FIELD_TITLE}};

    upload->field = FIELD_OTHER;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(part->name, fields[i].name) == 0)
            upload->field = fields[i].field;
    return upload->field != FIELD_FILE || begin_file(upload, part);
}

/* What does not fit is cut, and then does not compare equal to anything true. */
static void append(char *field, size_t capacity, const char *bytes, size_t len)
{
    size_t used = strlen(field);
    size_t room = capacity - 1 - used;

    memcpy(field + used, bytes, len < room ? len : room);
    field[used + (len < room ? len : room)] = '\0';
}

static bool part_bytes(void *context, const char *bytes, size_t len)
{
    struct upload *upload = context;

    switch (upload->field) {
    case FIELD_FILE:
        wav_check_feed(&upload->wav, bytes, len);
        EVP_DigestUpdate(upload->digest, bytes, len);
        return upload->fd < 0 || write(upload->fd, bytes, len) == (ssize_t)len;
    case FIELD_SIZE:
        append(upload->size, sizeof upload->size, bytes, len);
        return true;
    case FIELD_SHA256:
        append(upload->sha256, sizeof upload->sha256, bytes, len);
        return true;
    case FIELD_TITLE:
        append(upload->title, sizeof upload->title, bytes, len);
        return true;
    case FIELD_OTHER:
        return true;
    }
    return false;
}

static bool part_end(void *context)
{
    (void)context;
    return true;
}

static const struct multipart_events events = {part_begin, part_bytes, part_end};

void upload_begin(struct request *rq)
{
    struct upload *upload = calloc(1, sizeof *upload);

    if (!upload) {
        reply_error(rq, 500, "no_memory", "out of memory");
        return;
    }
    rq->upload = upload;
    upload->rq = rq;
    upload->fd = -1;
    wav_check_init(&upload->wav);
    if (multipart_init(&upload->parser, request_header(rq, "Content-Type"), &events, upload)) {
        reply_error(rq, 415, "not_multipart", "%s", upload->parser.error);
        return;
    }
    upload->digest = EVP_MD_CTX_new();
    EVP_DigestInit_ex(upload->digest, EVP_sha256(), NULL);
    secret_id(upload->id, "up_", 22);
    if (!rq->app->options->save_uploads)
        return;
    snprintf(upload->path, sizeof upload->path, "%s/%s.wav", rq->app->options->save_uploads,
             upload->id);
    upload->fd = open(upload->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (upload->fd < 0)
        reply_error(rq, 500, "cannot_save", "%s: %s", upload->path, strerror(errno));
}

void upload_free(struct upload *upload)
{
    if (!upload)
        return;
    if (upload->fd >= 0) {
        close(upload->fd);
        unlink(upload->path); /* an accepted one has been closed before */
    }
    EVP_MD_CTX_free(upload->digest);
    free(upload);
}

void upload_feed(struct request *rq, const char *bytes, size_t len)
{
    if (rq->received_bytes > rq->app->options->max_upload_bytes) {
        metrics_add(rq->app->metrics, COUNT_REJECTED_SIZE, 1);
        reply_error(rq, 413, "too_large", "a body here may have %ju bytes",
                    (uintmax_t)rq->app->options->max_upload_bytes);
    } else if (multipart_feed(&rq->upload->parser, bytes, len)) {
        reply_error(rq, 400, "bad_multipart", "%s", rq->upload->parser.error);
    }
}

/* All bytes are in: do they hold together? False after answering. */
static bool check(struct request *rq, const char *sha256)
{
    struct upload *upload = rq->upload;
    char actual[24];

    if (multipart_finish(&upload->parser)) {
        reply_error(rq, 400, "bad_multipart", "%s", upload->parser.error);
        return false;
    }
    if (upload->file_count == 0) {
        reply_error(rq, 400, "no_file", "there is no part named file");
        return false;
    }
    if (wav_check_finish(&upload->wav)) {
        metrics_add(rq->app->metrics, COUNT_REJECTED_AUDIO, 1);
        reply_error(rq, 422, "not_audio", "file is not a good WAV: %s", upload->wav.error);
        return false;
    }
    snprintf(actual, sizeof actual, "%ju", (uintmax_t)upload->wav.total_bytes);
    if (upload->size[0] && strcmp(upload->size, actual) != 0) {
        metrics_add(rq->app->metrics, COUNT_REJECTED_AUDIO, 1);
        reply_error(rq, 422, "size_mismatch", "size says %s, the file has %s bytes", upload->size,
                    actual);
        return false;
    }
    if (upload->sha256[0] && strcasecmp(upload->sha256, sha256) != 0) {
        metrics_add(rq->app->metrics, COUNT_REJECTED_AUDIO, 1);
        reply_error(rq, 422, "sha256_mismatch", "sha256 says %.64s, the file has %s",
                    upload->sha256, sha256);
        return false;
    }
    return true;
}

/* False after answering 409. */
static bool admit_content(struct request *rq, const char *sha256)
{
    if (store_run(rq->app->store, "INSERT INTO content(sha256) VALUES(?)", "s", sha256) !=
        STORE_CONFLICT)
        return true;
    metrics_add(rq->app->metrics, COUNT_UPLOADS_DUPLICATE, 1);
    if (!rq->app->options->refuse_duplicates)
        return true;
    reply_error(rq, 409, "duplicate", "this audio has been uploaded before");
    return false;
}

void uploads_create(struct request *rq)
{
    struct upload *upload = rq->upload;
    unsigned char digest[EVP_MAX_MD_SIZE];
    char sha256[SHA256_HEX_CAP];

    EVP_DigestFinal_ex(upload->digest, digest, NULL);
    secret_hex(digest, 32, sha256);
    if (!check(rq, sha256))
        return;

    json_int_t duration_ms = (json_int_t)wav_check_duration_ms(&upload->wav);
    json_int_t bytes = (json_int_t)upload->wav.total_bytes;
    json_t *body = json_pack("{s:s, s:s, s:I, s:I, s:i, s:i, s:s}", "id", upload->id, "filename",
                             upload->filename, "bytes", bytes, "duration_ms", duration_ms,
                             "sample_rate", (int)upload->wav.sample_rate, "channels",
                             (int)upload->wav.channels, "sha256", sha256);
    if (!body) {
        reply_error(rq, 400, "bad_filename", "the file name is not UTF-8");
        return;
    }
    if (!admit_content(rq, sha256)) {
        json_decref(body);
        return;
    }
    store_run(
        rq->app->store,
        "INSERT INTO upload(id, account, filename, title, sha256, bytes, duration_ms, created_us)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        "sssssiii", upload->id, rq->identity.account, upload->filename, upload->title, sha256,
        (int64_t)bytes, (int64_t)duration_ms, (int64_t)rq->arrived_us);
    if (upload->fd >= 0)
        close(upload->fd);
    upload->fd = -1;
    metrics_add(rq->app->metrics, COUNT_UPLOADS, 1);
    metrics_add(rq->app->metrics, COUNT_UPLOAD_BYTES, upload->wav.total_bytes);
    sessions_reach(rq->app->sessions, rq->identity.session, MILESTONE_UPLOAD);
    reply_header(rq, "Location", "/uploads/%s", upload->id);
    reply_json(rq, 201, body);
}

void uploads_list(struct request *rq)
{
    int limit = request_limit(rq);

    if (limit < 0)
        return;
    json_t *items = store_rows(rq->app->store,
                               "SELECT id, filename, title, bytes, duration_ms FROM upload"
                               " WHERE account = ? ORDER BY created_us DESC LIMIT ?",
                               "si", rq->identity.account, (int64_t)limit);
    reply_json(rq, 200, json_pack("{s:o}", "items", items));
}

void uploads_get(struct request *rq)
{
    json_t *row = store_row(rq->app->store,
                            "SELECT id, account, filename, title, sha256, bytes, duration_ms"
                            " FROM upload WHERE id = ?",
                            "s", rq->param);

    if (!row) {
        reply_error(rq, 404, "no_such_upload", "no upload has this id");
        return;
    }
    if (strcmp(json_string_value(json_object_get(row, "account")), rq->identity.account) != 0) {
        json_decref(row);
        reply_error(rq, 403, "not_yours", "this upload is somebody else's");
        return;
    }
    json_object_del(row, "account");
    reply_json(rq, 200, row);
}
