/* evidence.c - why, in words for people. */
#include "traces/correlate/rules_state.h"

static void put_lengths(const struct rule *rule, struct buf *out)
{
    if (rule->min_len == rule->max_len)
        buf_printf(out, ", %u characters", rule->min_len);
    else
        buf_printf(out, ", %u to %u characters", rule->min_len, rule->max_len);
}

static void put_names(const struct rules *rules, const struct rule *rule, struct buf *out)
{
    const struct sites *sites = rules->sites;
    uint32_t used = sites->variants[rule->variant].site;
    const struct site_place *to = &sites->places[sites->sites[used].place];
    const struct site_place *from = &sites->places[sites->sites[rule->born].place];
    enum name_class class = to->class == NAME_SAYS_NOTHING ? from->class : to->class;
    if (class != NAME_SAYS_NOTHING && class != NAME_IS_NO_ID)
        buf_printf(out, ", named like %s", name_class_word(class));
    if (sites_agree(sites, rule->born, used) == 2)
        buf_append_text(out, ", the names agree");
}

void rule_evidence(const struct rules *rules, const struct rule *rule, struct buf *out)
{
    if (rule->misses)
        buf_printf(out, "%u of %u uses", rule->uses, rule->uses + rule->misses);
    else
        buf_printf(out, "%u use%s", rule->uses, rule->uses == 1 ? "" : "s");
    buf_printf(out, " in %u session%s", rule->sessions, rule->sessions == 1 ? "" : "s");
    if (rule->sessions > 1) {
        uint32_t most = rule->sessions < RULE_VALUES ? rule->sessions : RULE_VALUES;
        if (rule->distinct >= most)
            buf_append_text(out, ", differs between them");
        else if (rule->distinct == 1)
            buf_append_text(out, ", the same in all");
        else
            buf_printf(out, ", %u different values", rule->distinct);
    }
    if (rule->sessions == 1 && rules->uses[rule->born].gives_differ)
        buf_append_text(out, ", other users were given others");
    put_lengths(rule, out);
    put_names(rules, rule, out);
    if (rule->is_part)
        buf_append_text(out, ", part of a longer text");
}

void client_place_write(enum client_kind kind, uint32_t number, struct buf *out)
{
    static const char *const words[] = {
        [CLIENT_NONE] = "",
        [CLIENT_UUID] = "new:uuid",
        [CLIENT_HEX] = "new:hex",
        [CLIENT_TIME_S] = "new:time_s",
        [CLIENT_TIME_MS] = "new:time_ms",
        [CLIENT_TIME_ISO] = "new:time_iso",
        [CLIENT_NEW_EMAIL] = "new:email",
        [CLIENT_NEW_TEXT] = "new:text",
        [CLIENT_EMAIL] = "data:email",
        [CLIENT_USERNAME] = "data:username",
        [CLIENT_PASSWORD] = "data:password",
        [CLIENT_BASIC] = "data:username",
    };
    buf_append_text(out, words[kind]);
    if (number > 1)
        buf_printf(out, "_%u", number);
}

void client_evidence(const struct client_rule *rule, struct buf *out)
{
    static const char *const words[] = {
        [CLIENT_NONE] = "",
        [CLIENT_UUID] = "a UUID that no answer gave, named like one the client makes",
        [CLIENT_HEX] = "hexadecimal digits that no answer gave, named like what the client makes",
        [CLIENT_TIME_S] = "the moment of the request",
        [CLIENT_TIME_MS] = "the moment of the request",
        [CLIENT_TIME_ISO] = "the moment of the request",
        [CLIENT_NEW_EMAIL] = "the address of a signup",
        [CLIENT_NEW_TEXT] = "the name of a signup",
        [CLIENT_EMAIL] = "the address of a login without a signup before it",
        [CLIENT_USERNAME] = "the name of a login without a signup before it",
        [CLIENT_PASSWORD] = "the password of a login without a signup before it",
        [CLIENT_BASIC] = "name and password of Basic authentication",
    };
    buf_append_text(out, rule->is_drawn
                             ? "an id that no answer had in any form, also not that of a GET of "
                               "the same path; other users have others"
                             : words[rule->kind]);
}
