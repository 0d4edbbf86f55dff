/*
 * plugin.h - what the files of this plugin that know the host share: its state, a user's state.
 */
#ifndef MULTIPART_AUDIO_PLUGIN_H
#define MULTIPART_AUDIO_PLUGIN_H

#include <stdatomic.h>

#include "reprise_plugin.h"
#include "seen.h"
#include "settings.h"
#include "stream.h"
#include "upload.h"

enum metric {
    AUDIO_UPLOADS,
    AUDIO_UPLOAD_BYTES,
    AUDIO_UPLOAD_RATE,
    AUDIO_FIRST_BYTE,
    AUDIO_DUPLICATES,
    AUDIO_ERRORS,
    AUDIO_WS_BYTES
};

/* A mark is a place in `uploads` or `streams`, from 1. */
#define MARK_STREAM 0x80000000U

enum { MAX_RECORDED = 4000000, OPEN_STREAMS = 64 };
#define MAX_KEPT_BYTES (UINT64_C(1) << 30)

struct list {
    void **item;
    size_t count, capacity;
};

/* A WebSocket of the session that on_recorded is in. */
struct open_stream {
    uint64_t session_id;
    uint32_t step;
    uint32_t rate; /* told before the first audio */
    struct stream_recorded *stream;
};

struct plugin_state {
    /* options */
    const char *source, *files, *kind, *sizes, *dup, *rate, *part, *ws, *ws_pace;
    const char *duration;
    uint64_t duration_us; /* 0: as recorded */
    /* what they say */
    enum upload_source mode;
    enum pcm_kind made;
    struct settings_sizes size_weights;
    double dup_share;
    uint64_t bytes_per_s;
    bool ws_is_on, ws_is_pcm, ws_is_paced;
    uint64_t shared_seed; /* of what several users send alike */
    struct folder folder;
    /* what the trace has */
    struct list uploads; /* struct recorded_upload */
    struct list streams; /* struct stream_recorded */
    size_t coded_count;  /* uploads with a content coding: left alone */
    uint64_t kept_bytes; /* of sounds that were decoded */
    struct open_stream open[OPEN_STREAMS];
    size_t next_open;
    atomic_bool has_told_full;
    struct seen *seen; /* content that may be sent more than once */
};

struct user_state;

/* An upload that the host has as a source, also while it waits for its checksums: what it is made
 * of lies in the host's memory, which stays until the host releases it. */
struct pending {
    struct pending *next;
    struct user_state *user; /* NULL: it has ended */
    uint32_t step;
    uint32_t made_before; /* how often, of bodies that became others while it was held */
    bool is_in_headers;   /* its checksums */
    bool has_failed;      /* while it was sent */
    uint64_t read_upto;   /* how far it was taken to be sent */
    struct span *body;    /* the pieces it was made of */
    size_t body_count;
    struct upload_choice choices[RECORDED_MAX_AUDIO];
    struct upload upload;
};

/* One WebSocket of this user. */
struct playing {
    struct playing *next;
    uint32_t step;
    uint64_t began_us;
    uint64_t recorded_bytes; /* how far it is */
    struct pcm_source pcm;
};

struct user_state {
    uint64_t seed;
    struct pending *pending;
    struct playing *playing;
    uint32_t uncounted_errors; /* of bodies that failed, where nothing can be counted */
};

/* Where the new audio comes from: what cannot be had from elsewhere is the recorded sound. */
enum upload_source plugin_source(const struct plugin_state *state,
                                 const struct recorded_upload *recorded,
                                 const struct recorded_audio *audio);

int plugin_on_recorded(const reprise_call *call, const reprise_recorded *recorded);
int plugin_on_recording_end(const reprise_call *call);
void plugin_forget_uploads(const reprise_call *call); /* the user ends */
int plugin_on_request(const reprise_call *call, reprise_request *request);
int plugin_on_response(const reprise_call *call, const reprise_response *response);
int plugin_on_ws_message(const reprise_call *call, const reprise_ws_message *message);

static inline struct span plugin_span(reprise_bytes bytes)
{
    return (struct span){bytes.ptr, bytes.len};
}

#endif
