/* value_names.c - names cut into words, and tables of the words that tell. */
#include "traces/correlate/value_names.h"

enum { MAX_WORDS = 8, MAX_WORD_BYTES = 24 };

struct words {
    size_t count;
    char of[MAX_WORDS][MAX_WORD_BYTES];
};

/* In small letters: "X-CSRFToken" is x, csrftoken; "contextId" is context, id. */
static void cut(struct bytes name, struct words *words)
{
    size_t len = 0;
    words->count = 0;
    for (size_t i = 0; i <= name.len; i++) {
        char c = i < name.len ? name.ptr[i] : '\0';
        bool is_capital = c >= 'A' && c <= 'Z';
        bool was_small = i > 0 && name.ptr[i - 1] >= 'a' && name.ptr[i - 1] <= 'z';
        if (len && (!ascii_is_alnum(c) || (is_capital && was_small))) {
            words->of[words->count++][len] = '\0';
            len = 0;
            if (words->count == MAX_WORDS)
                return;
        }
        if (ascii_is_alnum(c) && len < MAX_WORD_BYTES - 1)
            words->of[words->count][len++] = ascii_lower(c);
    }
}

static bool is_one_of(const char *word, const char *const *list)
{
    for (; *list; list++) {
        if (strcmp(word, *list) == 0)
            return true;
    }
    return false;
}

static bool has_one_of(const struct words *words, const char *const *list)
{
    for (size_t i = 0; i < words->count; i++) {
        if (is_one_of(words->of[i], list))
            return true;
    }
    return false;
}

static const char *last_of(const struct words *words)
{
    return words->count ? words->of[words->count - 1] : "";
}

static const char *const id_words[] = {"id",   "ids",  "uid",    "uuid", "guid", "oid",
                                       "key",  "ref",  "handle", "slug", "rev",  "identifier",
                                       "hash", "href", "pk",     "_id",  NULL};
static const char *const credential_words[] = {"token",
                                               "tokens",
                                               "csrf",
                                               "xsrf",
                                               "csrftoken",
                                               "xsrftoken",
                                               "session",
                                               "sid",
                                               "sessionid",
                                               "jwt",
                                               "authorization",
                                               "bearer",
                                               "ticket",
                                               "nonce",
                                               "apikey",
                                               "secret",
                                               "code",
                                               "auth",
                                               "viewstate",
                                               "state",
                                               "authenticity",
                                               "sesskey",
                                               "eventvalidation",
                                               "credential",
                                               "challenge",
                                               "xsrfid",
                                               "viewstategenerator",
                                               "crumb",
                                               "formkey",
                                               NULL};
static const char *const cursor_words[] = {"cursor", "next",     "after", "before", "continuation",
                                           "etag",   "match",    "since", "marker", "scroll",
                                           "prev",   "previous", NULL};
static const char *const no_id_words[] = {
    "page",     "limit",    "size",    "offset", "count",       "q",        "query",
    "search",   "sort",     "order",   "lang",   "language",    "locale",   "format",
    "type",     "version",  "status",  "title",  "text",        "message",  "comment",
    "name",     "width",    "height",  "v",      "total",       "number",   "description",
    "label",    "content",  "value",   "color",  "amount",      "price",    "qty",
    "quantity", "level",    "index",   "rate",   "seconds",     "bytes",    "length",
    "unit",     "currency", "country", "city",   "zone",        "timezone", "mode",
    "kind",     "role",     "scope",   "method", "enabled",     "visible",  "grant",
    "subject",  "body",     "note",    "x",      "y",           "z",        "min",
    "max",      "encoding", "charset", "from",   "to",          "date",     "category",
    "tag",      "tags",     "per",     "model",  "temperature", "password", NULL};

enum name_class name_class_of(struct bytes name)
{
    struct words words;
    cut(name, &words);
    const char *last = last_of(&words);
    /* token_type says what kind a token is, page_token is one. */
    if (is_one_of(last, id_words))
        return has_one_of(&words, credential_words) ? NAME_IS_CREDENTIAL : NAME_IS_ID;
    if (is_one_of(last, credential_words))
        return NAME_IS_CREDENTIAL;
    if (is_one_of(last, cursor_words))
        return NAME_IS_CURSOR;
    if (is_one_of(last, no_id_words))
        return NAME_IS_NO_ID;
    return has_one_of(&words, credential_words) ? NAME_IS_CREDENTIAL : NAME_SAYS_NOTHING;
}

const char *name_class_word(enum name_class class)
{
    static const char *const text[] = {"", "an id", "a credential", "a cursor", "a choice"};
    return text[class];
}

bool name_is_made_by_client(struct bytes name)
{
    static const char *const list[] = {
        "nonce",     "request",     "correlation", "trace",  "span",      "message",
        "msg",       "idempotency", "event",       "client", "device",    "transaction",
        "txn",       "guid",        "uuid",        "cid",    "rid",       "mid",
        "local",     "temp",        "tmp",         "draft",  "attempt",   "visitor",
        "anonymous", "install",     "tab",         "window", "requestid", NULL};
    static const char *const never[] = {"key",      "hash",   "sha256", "md5",       "sha1",
                                        "checksum", "digest", "secret", "signature", "app",
                                        "api",      "sha512", NULL};
    static const char *const keys[] = {"idempotency", NULL};
    struct words words;
    cut(name, &words);
    if (has_one_of(&words, never) && !has_one_of(&words, keys))
        return false;
    return has_one_of(&words, list);
}

bool name_is_other_time(struct bytes name)
{
    static const char *const list[] = {"expires",  "expiry", "expiration", "exp",      "birth",
                                       "birthday", "born",   "start",      "end",      "from",
                                       "until",    "to",     "due",        "since",    "deadline",
                                       "before",   "after",  "begin",      "modified", NULL};
    struct words words;
    cut(name, &words);
    return has_one_of(&words, list);
}

/* --- two names ---------------------------------------------------------------------------- */

/* Words that say how or where, not what. */
static const char *const filler_words[] = {"x",  "current", "new",    "access", "my",   "the",
                                           "if", "none",    "value",  "data",   "http", "auth",
                                           "_",  "param",   "header", NULL};

/* Words that stand for each other: each row is one meaning. */
static const char *const meanings[][12] = {
    {"csrf", "xsrf", "csrftoken", "xsrftoken", "authenticity", "csrfmiddlewaretoken", "crumb",
     "sesskey", "formkey", NULL},
    {"token", "bearer", "jwt", "authorization", NULL},
    {"cursor", "next", "after", "continuation", "marker", "scroll", NULL},
    {"etag", "match", NULL},
    {"since", "modified", NULL},
    {"session", "sid", "sessionid", "sess", NULL},
    {"id", "uid", "uuid", "guid", "pk", "oid", "identifier", NULL},
};

enum { MEANING_COUNT = sizeof meanings / sizeof meanings[0] };

static int meaning_of(const char *word)
{
    for (int i = 0; i < MEANING_COUNT; i++) {
        if (is_one_of(word, meanings[i]))
            return i;
    }
    return -1;
}

static bool words_agree(const char *a, const char *b)
{
    int meaning = meaning_of(a);
    return strcmp(a, b) == 0 || (meaning >= 0 && meaning == meaning_of(b));
}

static void drop_fillers(struct words *words)
{
    size_t kept = 0;
    for (size_t i = 0; i < words->count; i++) {
        if (is_one_of(words->of[i], filler_words))
            continue;
        if (kept != i)
            memcpy(words->of[kept], words->of[i], MAX_WORD_BYTES);
        kept++;
    }
    if (kept) /* a name of nothing but fillers is left as it is */
        words->count = kept;
}

bool names_agree(struct bytes born, struct bytes used)
{
    struct words a, b;
    cut(born, &a);
    cut(used, &b);
    drop_fillers(&a);
    drop_fillers(&b);
    if (!a.count || !b.count)
        return false;
    /* csrf_token and csrf: the shorter one is all in the longer one, and more than "id". */
    const struct words *few = a.count < b.count ? &a : &b, *many = few == &a ? &b : &a;
    if (few->count == 1 && many->count > 1 && meaning_of(few->of[0]) == meaning_of("id"))
        return false;
    for (size_t i = 0; i < few->count; i++) {
        bool is_there = false;
        for (size_t k = 0; k < many->count && !is_there; k++)
            is_there = words_agree(few->of[i], many->of[k]);
        if (!is_there)
            return false;
    }
    return true;
}

bool name_is_bare(struct bytes name)
{
    struct words words;
    cut(name, &words);
    return words.count == 1 && meaning_of(words.of[0]) == meaning_of("id");
}

/* upload and uploads, query and queries, box and boxes. */
static bool is_plural_of(const char *many, const char *one)
{
    size_t len = strlen(one), longer = strlen(many);
    if (strcmp(many, one) == 0)
        return true;
    if (longer == len + 1 && strncmp(many, one, len) == 0 && many[len] == 's')
        return true;
    if (longer == len + 2 && strncmp(many, one, len) == 0 && strcmp(many + len, "es") == 0)
        return true;
    return len > 1 && longer == len + 2 && strncmp(many, one, len - 1) == 0 &&
           one[len - 1] == 'y' && strcmp(many + len - 1, "ies") == 0;
}

bool name_is_of_resource(struct bytes name, struct bytes resource)
{
    struct words words, of;
    cut(name, &words);
    cut(resource, &of);
    if (words.count < 1 || !of.count)
        return false;
    for (size_t i = 0; i < words.count; i++) {
        if (is_plural_of(last_of(&of), words.of[i]) || is_plural_of(words.of[i], last_of(&of)))
            return true;
    }
    return false;
}

/* --- logins and signups ------------------------------------------------------------------- */

enum name_identity name_identity_of(struct bytes name)
{
    static const char *const passwords[] = {"password",   "passwd",   "pass",     "pwd",
                                            "passphrase", "passcode", "passwort", NULL};
    static const char *const emails[] = {"email", "mail", "emailaddress", NULL};
    static const char *const users[] = {"username", "user",   "login",   "userid",     "nick",
                                        "nickname", "handle", "account", "screenname", NULL};
    struct words words;
    cut(name, &words);
    if (has_one_of(&words, passwords))
        return IDENTITY_PASSWORD;
    if (has_one_of(&words, emails) ||
        (words.count == 2 && !strcmp(words.of[0], "e") && !strcmp(words.of[1], "mail")))
        return IDENTITY_EMAIL;
    if (words.count == 2 && !strcmp(words.of[0], "user") &&
        (!strcmp(words.of[1], "name") || !strcmp(words.of[1], "id")))
        return IDENTITY_USERNAME;
    if (words.count == 1 && is_one_of(words.of[0], users))
        return IDENTITY_USERNAME;
    return words.count == 1 && !strcmp(words.of[0], "name") ? IDENTITY_NAME : IDENTITY_NONE;
}

bool path_is_signup(struct bytes path)
{
    static const char *const list[] = {"signup", "register", "registration", "registrations",
                                       "join",   "enroll",   "registered",   NULL};
    static const char *const two[] = {"sign", "create", NULL};
    static const char *const behind[] = {"up", "account", "user", NULL};
    struct words words;
    cut(path, &words);
    for (size_t i = 0; i + 1 < words.count; i++) {
        if (is_one_of(words.of[i], two) && is_one_of(words.of[i + 1], behind))
            return true;
    }
    return has_one_of(&words, list);
}

bool path_is_login(struct bytes path)
{
    static const char *const list[] = {"login",        "logon",          "signin", "session",
                                       "sessions",     "token",          "auth",   "oauth",
                                       "authenticate", "authentication", "log",    NULL};
    struct words words;
    cut(path, &words);
    for (size_t i = 0; i + 1 < words.count; i++) {
        if (!strcmp(words.of[i], "sign") && !strcmp(words.of[i + 1], "in"))
            return true;
    }
    return has_one_of(&words, list);
}
