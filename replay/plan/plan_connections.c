/* plan_connections.c - which requests were the last on a connection that did not outlive them. */
#include "replay/plan/plan_steps.h"

enum { LOOK_BACK = 12 }; /* drafts */

int plan_find_closing(struct plan_builder *builder, int64_t connection_id, struct plan_draft *draft,
                      struct error *err)
{
    struct trace_connection connection;
    draft->connection_id = connection_id;
    draft->closed_us = INT64_MAX;
    /* Most follow on one of the last few: a browser has six. */
    for (size_t i = 1; i <= LOOK_BACK && i < builder->draft_count; i++) {
        const struct plan_draft *before = &builder->drafts[builder->draft_count - 1 - i];
        if (before->step.kind != STEP_WS_MESSAGE && before->connection_id == connection_id) {
            draft->closed_us = before->closed_us;
            return 0;
        }
    }
    int found = trace_reader_get_connection(builder->reader, connection_id, &connection, err);
    if (found < 0)
        return -1;
    /* One that the capture gave up watching may have lived on. */
    bool was_closed = found && (connection.end == TRACE_END_FIN || connection.end == TRACE_END_RST);
    if (was_closed && connection.closed_us != TRACE_NO_MOMENT)
        draft->closed_us = connection.closed_us;
    return 0;
}

int plan_mark_closings(struct plan_builder *builder)
{
    struct map seen;
    const struct plan_draft *later = NULL; /* the last one that was seen */
    int result = 0;
    map_init(&seen);
    int64_t last_begin_us = builder->drafts[builder->draft_count - 1].moments.begin_us;
    for (size_t i = builder->draft_count; i-- && result == 0;) {
        struct plan_draft *draft = &builder->drafts[i];
        struct bytes key = bytes_make(&draft->connection_id, sizeof draft->connection_id);
        bool is_next_ones = later && later->connection_id == draft->connection_id;
        if (draft->step.kind == STEP_WS_MESSAGE || is_next_ones || map_get(&seen, key))
            continue;
        later = draft;
        result = map_set(&seen, key, draft);
        draft->step.closes_connection =
            draft->step.kind == STEP_REQUEST && draft->closed_us <= last_begin_us;
    }
    map_fini(&seen);
    return result;
}
