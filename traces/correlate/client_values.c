/* client_values.c - which values of a request a client would have made up itself, and which are a
 * user's own: by their form, their names, and what the request does. */
#include "core/map.h"
#include "traces/correlate/finder_state.h"
#include "traces/correlate/mentions.h"
#include "traces/correlate/value_shape.h"

enum { MAX_LOGIN_FIELDS = 8, MIN_NAME_BYTES = 2, MAX_ENDPOINT_BYTES = 4096 };

/* By which the server's answer on the WebSocket tells the message it is for. */
static bool is_ref_of_message(const struct site_place *place)
{
    return bytes_starts_with(place->text, bytes_of("ws:")) &&
           bytes_equal_nocase(place->name, bytes_of("ref"));
}

static bool is_method(struct bytes name, const char *method)
{
    return bytes_starts_with(name, bytes_of(method)) && name.ptr[strlen(method)] == ' ';
}

/* Has a GET of the path that this request is for been answered? */
static bool is_read_before(const struct finder *finder)
{
    const struct sites *sites = &finder->sites;
    struct buf name = BUF_INIT(MAX_ENDPOINT_BYTES);
    buf_append_text(&name, "GET ");
    buf_append_bytes(&name, sites->endpoints[finder->endpoint].path);
    uint32_t read = buf_failed(&name)
                        ? ID_MAP_NONE
                        : id_map_get(&sites->endpoint_names, bytes_hash(buf_bytes(&name)));
    buf_fini(&name);
    return read != ID_MAP_NONE && id_map_get(&finder->answered, read) != ID_MAP_NONE &&
           id_map_get(&finder->reads, finder->path) != ID_MAP_NONE;
}

/* Could the client have drawn this id itself? Only if all was seen that it could know it from, and
 * it was not there: neither as a value nor in another form, nor in the page that it is sent from,
 * nor in what is stored where it is sent to. */
static bool may_be_drawn(const struct finder *finder, const struct carried_value *value)
{
    const struct site_place *place = &finder->sites.places[value->place];
    struct bytes endpoint = finder->sites.endpoints[finder->endpoint].name;
    int status = finder->request.status;
    int64_t now_us = finder->request.at_us;
    uint64_t digits;
    return place->is_body && name_is_bare(place->name) && status >= 200 && status < 300 &&
           (is_method(endpoint, "POST") || is_method(endpoint, "PUT") ||
            is_method(endpoint, "PATCH")) &&
           shape_is_drawn(value->text) &&
           session_index_carried(&finder->index, value->hash) == SITES_NONE &&
           !session_index_find(&finder->index, value->hash) && mention_of(value->text, &digits) &&
           !session_index_mentions(&finder->index, digits) &&
           !(finder->gap_exchange_id && finder->gap_us <= now_us) &&
           !(finder->unseen_us && finder->unseen_us <= now_us) && is_read_before(finder);
}

/* What is said by name and form alone; whether other sessions say the same is for rules.c. */
static enum client_kind judge(const struct finder *finder, struct carried_value *value)
{
    const struct site_place *place = &finder->sites.places[value->place];
    if (place->is_cookie)
        return CLIENT_NONE;
    if (place->is_header && bytes_starts_with_nocase(value->text, bytes_of("Basic ")) &&
        bytes_equal_nocase(place->name, bytes_of("authorization")))
        return CLIENT_BASIC;
    enum shape_time time = shape_time_near(value->text, finder->request.at_unix_us);
    if (time != SHAPE_NO_TIME && !place->is_path && !name_is_other_time(place->name)) {
        static const enum client_kind kinds[] = {CLIENT_NONE, CLIENT_TIME_S, CLIENT_TIME_MS,
                                                 CLIENT_TIME_ISO};
        return kinds[time];
    }
    if (!name_is_made_by_client(place->name) && !is_ref_of_message(place) &&
        !(place->parent.len && name_is_made_by_client(place->parent)) &&
        !(name_is_bare(place->name) && place->is_body && finder->request.status == 201) &&
        !(value->is_drawn = may_be_drawn(finder, value)))
        return CLIENT_NONE;
    if (place->is_path)
        return CLIENT_NONE;
    if (shape_is_uuid(value->text))
        return CLIENT_UUID;
    return shape_is_hex(value->text) ? CLIENT_HEX : CLIENT_NONE;
}

/* --- logins and signups ------------------------------------------------------------------- */

struct form {
    struct carried_value *email, *username, *name, *password;
    size_t fields;
};

static struct form read_form(struct finder *finder)
{
    struct form form = {0};
    for (size_t i = 0; i < finder->carried_count; i++) {
        struct carried_value *value = &finder->carried[i];
        const struct site_place *place = &finder->sites.places[value->place];
        if (!place->is_body)
            continue;
        form.fields++;
        switch (name_identity_of(place->name)) {
        case IDENTITY_EMAIL:
            form.email = form.email ? form.email : value;
            break;
        case IDENTITY_USERNAME:
            form.username = form.username ? form.username : value;
            break;
        case IDENTITY_NAME:
            form.name = form.name ? form.name : value;
            break;
        case IDENTITY_PASSWORD:
            form.password = form.password ? form.password : value;
            break;
        case IDENTITY_NONE:
            break;
        }
    }
    return form;
}

static void set(struct carried_value *value, enum client_kind kind)
{
    if (value && value->text.len >= MIN_NAME_BYTES)
        value->client = (uint8_t)kind;
}

/* A "username" that is a mail address is one. */
static enum client_kind new_kind(const struct carried_value *value)
{
    return value && shape_is_email(value->text) ? CLIENT_NEW_EMAIL : CLIENT_NEW_TEXT;
}

static void judge_form(struct finder *finder)
{
    struct form form = read_form(finder);
    const struct site_endpoint *endpoint = &finder->sites.endpoints[finder->endpoint];
    struct carried_value *user = form.username;
    if (!user && !form.email)
        user = form.name;
    if (!form.password || (!user && !form.email) || !endpoint->is_unsafe ||
        is_method(endpoint->name, "DELETE"))
        return;
    bool is_login = path_is_login(endpoint->path);
    bool is_refused = finder->request.status >= 400;
    if (path_is_signup(endpoint->path) ? !is_refused : !is_login && finder->request.status == 201) {
        set(form.email, new_kind(form.email));
        set(user, new_kind(user));
    } else if (is_login || form.fields <= MAX_LOGIN_FIELDS) {
        set(form.email, CLIENT_EMAIL);
        set(user, CLIENT_USERNAME);
        set(form.password, CLIENT_PASSWORD);
    }
}

/* --- all of them -------------------------------------------------------------------------- */

void finder_judge_clients(struct finder *finder)
{
    if (finder->endpoint == SITES_NONE)
        return;
    for (size_t i = 0; i < finder->carried_count; i++)
        finder->carried[i].client = (uint8_t)judge(finder, &finder->carried[i]);
    judge_form(finder);
}
