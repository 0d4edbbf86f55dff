/* main.c - voicelab: set up, say where, wait for a signal, take down. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "tests/voicelab/access_log.h"
#include "tests/voicelab/app.h"
#include "tests/voicelab/handlers.h"
#include "tests/voicelab/hub.h"
#include "tests/voicelab/jobs.h"
#include "tests/voicelab/limits.h"
#include "tests/voicelab/metrics.h"
#include "tests/voicelab/misbehave.h"
#include "tests/voicelab/options.h"
#include "tests/voicelab/server.h"
#include "tests/voicelab/sessions.h"
#include "tests/voicelab/store.h"
#include "tests/voicelab/tokens.h"

static bool start_parts(struct app *app)
{
    const struct options *options = app->options;

    if (options->access_log && !(app->access_log = access_log_open(options->access_log)))
        return false;
    if (!(app->store = store_open(options->store_path)))
        return false;
    catalogue_fill(app->store, options->has_wordlike_ids);
    app->tokens = tokens_new(options, app->store);
    app->limits = limits_new();
    app->metrics = metrics_new();
    app->sessions = sessions_new();
    app->misbehaviour = misbehave_start(options);
    if (!app->tokens || !app->limits || !app->metrics || !app->sessions || !app->misbehaviour) {
        fprintf(stderr, "voicelab: out of memory\n");
        return false;
    }
    return (app->jobs = jobs_start(app)) && (app->hub = hub_start(app));
}

static void stop_parts(struct app *app)
{
    hub_stop(app->hub);
    jobs_stop(app->jobs);
    misbehave_stop(app->misbehaviour);
    sessions_free(app->sessions);
    metrics_free(app->metrics);
    limits_free(app->limits);
    tokens_free(app->tokens);
    store_close(app->store);
    access_log_close(app->access_log);
}

static void serve(struct app *app, struct server *server, const sigset_t *stop_signals)
{
    int signal_number;

    printf("voicelab: listening on http://%s:%u\n", app->options->bind_address,
           server_port(server));
    fflush(stdout);
    sigwait(stop_signals, &signal_number);

    /* In this order: nothing new, nobody waiting, no socket left out of the HTTP side's hands. */
    server_quiesce(server);
    misbehave_quiesce(app->misbehaviour);
    hub_close_all(app->hub);
    server_stop(server);
}

int main(int argc, char **argv)
{
    struct options options;
    struct app app = {.options = &options};
    sigset_t stop_signals;
    int exit_code = 1;

    int parsed = options_parse(&options, argc, argv);
    if (parsed)
        return parsed < 0 ? 2 : 0;

    /* Blocked before there are threads: all inherit it, and only sigwait sees them. */
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGINT);
    sigaddset(&stop_signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop_signals, NULL);

    if (start_parts(&app)) {
        struct server *server = server_start(&app);
        if (server) {
            serve(&app, server, &stop_signals);
            exit_code = 0;
        }
    }
    stop_parts(&app);
    return exit_code;
}
