/* task_request.c - the request of a recorded step: as the plan has it, with the user's values, and
 * with what plugins have changed in it.
 *
 * It is made anew when a value that it carries is replaced meanwhile, and when many attempts have
 * filled its memory: from the recording, the values of now, and what plugins changed.
 */
#include "replay/plan/plan_bindings.h"
#include "replay/task.h"

/* What a request may hold before the next attempt puts it together again. */
enum { MAX_KEPT_BYTES = 256 * 1024 };

void task_take_recorded(struct task *task)
{
    const struct plan_step *step = task->step;
    task->own_request = (struct http_request){
        .method = step->method,
        .url = step->url,
        .body = step->body,
        .headers = step->headers,
        .header_count = step->header_count,
        .arena = &task->arena,
    };
}

int task_fill_request(struct task *task)
{
    const struct step_bindings *bindings = task->step->bindings;
    const struct request_cut *cut = bindings ? bindings->cut : NULL;
    if (!cut || (!task->asks && task->step->kind == STEP_REQUEST)) /* nobody looks at it */
        return 0;
    if (request_cut_fill(cut, task->user->values.texts, task->request))
        return -1;
    if (task->step->kind == STEP_WS_MESSAGE && http_request_join_body(task->request))
        return -1;
    task->is_filled = task->request->changes != 0;
    task->filled_with = task->user->values.replaced;
    task->request->changes = 0;
    return 0;
}

/* Headers as plugins left them: those they set, or all where not every one was noted. */
static int keep_headers(struct http_request *request, const struct http_request *changed)
{
    if (changed->edit_count > HTTP_MAX_EDITS)
        return http_request_set_headers(request, changed);
    for (uint32_t i = 0; i < changed->edit_count; i++) {
        if (http_request_set_header(request, changed->edits[i].name, changed->edits[i].value))
            return -1;
    }
    return 0;
}

/* A source, and what lies beneath it. */
static int keep_body(struct http_request *request, struct http_request *changed)
{
    if (changed->changes & HTTP_CHANGED_BODY && http_request_set_body(request, changed->body))
        return -1;
    struct http_body_source *source = http_request_take_source(changed);
    return source ? http_request_set_source(request, source) : 0;
}

static int keep_changes(struct http_request *request, struct http_request *changed)
{
    if (keep_body(request, changed))
        return -1;
    if (changed->changes & HTTP_CHANGED_METHOD && http_request_set_method(request, changed->method))
        return -1;
    if (changed->changes & HTTP_CHANGED_URL && http_request_set_url(request, changed->url))
        return -1;
    return changed->changes & HTTP_CHANGED_HEADERS ? keep_headers(request, changed) : 0;
}

static int copy_repeats(struct task *task)
{
    size_t size_bytes = task->user->env->chain->count * sizeof *task->repeats;
    const struct chain_repeats *repeats = task->repeats;
    if (!repeats)
        return 0;
    task->repeats = arena_alloc(&task->arena, size_bytes);
    if (!task->repeats)
        return -1;
    memcpy(task->repeats, repeats, size_bytes);
    return 0;
}

/* From the recording, in the memory of now. */
static int put_together(struct task *task, struct http_request *changed)
{
    task_take_recorded(task);
    return task_fill_request(task) || keep_changes(task->request, changed) ? -1 : 0;
}

/* In memory of its own; what it was goes with its memory. */
static int move(struct task *task, struct http_request *changed)
{
    struct arena before = task->arena;
    changed->arena = &before;
    arena_init(&task->arena, before.max_bytes);
    int result = put_together(task, changed) || copy_repeats(task) ? -1 : 0;
    if (result)
        task->repeats = NULL;
    arena_fini(&before);
    return result;
}

/* A source may read from pieces of the body that it has found there. */
static int make_anew(struct task *task)
{
    struct http_request changed = task->own_request;
    int result = changed.source ? put_together(task, &changed) : move(task, &changed);
    http_request_fini(&changed);
    return result;
}

bool task_renew_request(struct task *task)
{
    bool is_old = task->is_filled && task->filled_with != task->user->values.replaced;
    bool is_large = task->attempt + task->holds && !task->own_request.source &&
                    task->arena.used_bytes > MAX_KEPT_BYTES;
    if (task->added || !(is_old || is_large) || make_anew(task) == 0)
        return true;
    user_end(task->user, SESSION_FAILED, "no memory for a request");
    return false;
}
