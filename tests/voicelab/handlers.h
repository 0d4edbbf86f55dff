/* handlers.h - one function a route; routes.c says which. Each answers its request.
 *
 * Grouped by the file that holds them. */
#ifndef VOICELAB_HANDLERS_H
#define VOICELAB_HANDLERS_H

#include <stdbool.h>

struct request;
struct store;

/* accounts.c */
void accounts_signup(struct request *rq);
void accounts_login(struct request *rq);
void accounts_refresh(struct request *rq);
void accounts_logout(struct request *rq);
void accounts_me(struct request *rq);
void accounts_make_api_key(struct request *rq);

/* upload.c */
void uploads_create(struct request *rq);
void uploads_list(struct request *rq);
void uploads_get(struct request *rq);

/* job_routes.c */
void jobs_submit(struct request *rq);
void jobs_list(struct request *rq);
void jobs_get(struct request *rq);
void batches_submit(struct request *rq);
void batches_get(struct request *rq);

/* conversations.c */
void conversations_create(struct request *rq);
void conversations_list(struct request *rq);
void conversations_get(struct request *rq);
void conversations_turn(struct request *rq);

/* catalogue.c */
void voices_list(struct request *rq);
void voices_get(struct request *rq);
void search_get(struct request *rq);
/* The voices, with ids of this instance. */
void catalogue_fill(struct store *store, bool has_wordlike_ids);

/* feedback.c */
void feedback_form(struct request *rq);
void feedback_post(struct request *rq);
void feedback_get(struct request *rq);

/* admin.c */
void admin_login(struct request *rq);
void admin_dashboard(struct request *rq);
void admin_stats(struct request *rq);
void health_get(struct request *rq);
void metrics_page(struct request *rq);
void metrics_sessions(struct request *rq);

/* ws_handshake.c */
void ws_transcribe(struct request *rq);

#endif
