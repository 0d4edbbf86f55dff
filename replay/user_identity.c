/* user_identity.c - draws a user's own values and puts them where its requests take them from. */
#include "replay/user_identity.h"

#include <stdlib.h>

#include "replay/identities/identities.h"
#include "replay/identities/identity_draw.h"
#include "replay/plan/plan_bindings.h"

/* Beside those of arrivals.c and identities.c. */
enum { STREAM_OWN = 5 };

/* What is missing after this is missing for its requests. */
static void set_targets(struct user *user, const struct own_value *own, struct bytes text)
{
    for (uint32_t i = 0; i < own->target_count; i++)
        values_set(&user->values, own->targets[i].value, own->targets[i].form, text);
}

/* The texts of all own values of a session, while Basic credentials are put together. */
struct drawn {
    size_t at, len;
};

static int append_text(struct user *user, const struct own_value *own, struct random *random,
                       struct buf *texts)
{
    const struct user_env *env = user->env;
    if (own->kind == OWN_DATA) {
        size_t row = identities_row(env->identities, env->seed, user->index, user->plays);
        return buf_append_bytes(texts,
                                identity_rows_cell(&env->identities->rows, row, own->column));
    }
    char *room = buf_reserve(texts, own->recorded.len + IDENTITY_MORE_BYTES);
    if (!room)
        return -1;
    buf_commit(texts, identity_draw(own->kind, own->recorded, random, room).len);
    return 0;
}

static int append_part(const struct own_value *own, int part, const struct drawn *drawn,
                       struct buf *texts)
{
    if (own->parts[part] == OWN_NONE)
        return buf_append_bytes(texts, own->literals[part]);
    struct drawn from = drawn[own->parts[part]];
    if (!buf_reserve(texts, from.len))
        return -1;
    return buf_append(texts, texts->data + from.at, from.len);
}

/* Joined ones are made of others, wherever these stand. */
static int append_all(struct user *user, bool are_joined, struct random *random,
                      struct drawn *drawn, struct buf *texts)
{
    for (uint32_t i = 0; i < user->session->own_count; i++) {
        const struct own_value *own = &user->session->owns[i];
        if (own_is_moment(own->kind) || (own->kind == OWN_JOINED) != are_joined)
            continue;
        drawn[i].at = texts->len;
        bool has_failed = are_joined
                              ? append_part(own, 0, drawn, texts) || buf_append_char(texts, ':') ||
                                    append_part(own, 1, drawn, texts)
                              : append_text(user, own, random, texts) != 0;
        if (has_failed)
            return -1;
        drawn[i].len = texts->len - drawn[i].at;
        set_targets(user, own, bytes_make(buf_bytes(texts).ptr + drawn[i].at, drawn[i].len));
    }
    return 0;
}

int user_take_identity(struct user *user)
{
    enum { MAX_TEXTS_BYTES = 256 * 1024 * 1024 };
    struct random random;
    struct buf texts = BUF_INIT(MAX_TEXTS_BYTES);
    struct drawn *drawn = calloc(user->session->own_count, sizeof *drawn);
    random_init(&random, user->env->seed ^ user->plays * 0x9e3779b97f4a7c15U,
                (uint64_t)STREAM_OWN << 60 | user->index);
    int result = !drawn || append_all(user, false, &random, drawn, &texts) ||
                         append_all(user, true, &random, drawn, &texts)
                     ? -1
                     : 0;
    buf_fini(&texts);
    free(drawn);
    return result;
}

static void take_moment(struct user *user, const struct own_value *own)
{
    char *room = own->recorded.len < BIRTH_MAX_BYTES
                     ? malloc(own->recorded.len + IDENTITY_MORE_BYTES)
                     : NULL;
    int64_t unix_us = user->env->unix_origin_us + (int64_t)user_now_us(user) + own->ahead_us;
    if (room)
        set_targets(user, own, identity_write_moment(own->kind, own->recorded, unix_us, room));
    free(room);
}

void user_take_moments(struct user *user, const struct step_bindings *bindings)
{
    for (uint32_t i = 0; i < bindings->moment_count; i++) {
        const struct own_value *own = &user->session->owns[bindings->moments[i]];
        if (own->target_count && !user->values.texts[own->targets[0].value].ptr)
            take_moment(user, own);
    }
}
