/* app.h - the parts of one server, made by main and shared by every request.
 *
 * All are safe to use from any thread; each guards its own state. */
#ifndef VOICELAB_APP_H
#define VOICELAB_APP_H

struct app {
    const struct options *options;
    struct store *store;
    struct tokens *tokens;
    struct jobs *jobs;
    struct hub *hub;
    struct limits *limits;
    struct misbehaviour *misbehaviour;
    struct metrics *metrics;
    struct sessions *sessions;
    struct access_log *access_log; /* NULL: not asked for */
};

#endif
