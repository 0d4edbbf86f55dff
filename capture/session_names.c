/* session_names.c - the words in the names that people give to cookies, tokens and logins. */
#include "capture/session_names.h"

bool session_text_contains_nocase(struct bytes in, const char *word)
{
    struct bytes wanted = bytes_of(word);
    char first = ascii_lower(word[0]);
    for (size_t i = 0; i + wanted.len <= in.len; i++) {
        if (ascii_lower(in.ptr[i]) == first &&
            bytes_equal_nocase(bytes_make(in.ptr + i, wanted.len), wanted))
            return true;
    }
    return false;
}

static bool contains_any(struct bytes in, const char *const *words)
{
    for (; *words; words++) {
        if (session_text_contains_nocase(in, *words))
            return true;
    }
    return false;
}

/* As Django, Spring, Angular; Rails; ASP.NET; Symfony ("user[_token]") call them. */
bool session_name_is_of_forms(struct bytes name)
{
    static const char *const words[] = {
        "csrf", "xsrf", "authenticity_token", "requestverification", "[_token", "%5b_token", NULL};
    return contains_any(name, words) || bytes_equal_nocase(name, bytes_of("_token"));
}

bool session_name_is_passing(struct bytes name)
{
    static const char *const words[] = {"page", "expire", "type", "consent", NULL};
    return contains_any(name, words) || session_name_is_of_forms(name);
}

bool session_name_is_cookie(struct bytes name)
{
    static const char *const words[] = {"sess", "token", "auth", "jwt", "login", NULL};
    if (session_name_is_passing(name))
        return false;
    bool ends_with_sid =
        name.len >= 3 && bytes_equal_nocase(bytes_from(name, name.len - 3), bytes_of("sid"));
    return ends_with_sid || contains_any(name, words);
}

/* Where a list goes on, and what a storage service signs its links with, is everybody's. */
bool session_name_is_token(struct bytes name)
{
    static const char *const words[] = {"token",  "jwt",     "session", "api_key",
                                        "apikey", "api-key", "ticket",  NULL};
    static const char *const others[] = {"nexttoken", "next_token", "next-token", "continu",
                                         "sync",      "x-amz-",     NULL};
    if (session_name_is_passing(name) || contains_any(name, others))
        return false;
    return contains_any(name, words) || bytes_equal_nocase(name, bytes_of("sid"));
}

bool session_name_is_query_token(struct bytes name)
{
    static const char *const names[] = {"auth", "authorization", "bearer"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (bytes_equal_nocase(name, bytes_of(names[i])))
            return true;
    }
    return session_name_is_token(name);
}

bool session_name_is_lent(struct bytes name)
{
    static const char *const words[] = {"ticket", "session", NULL};
    return bytes_equal_nocase(name, bytes_of("sid")) || contains_any(name, words);
}

bool session_name_is_key(struct bytes name)
{
    static const char *const words[] = {"api_key", "apikey", "api-key", "secret", NULL};
    return bytes_equal_nocase(name, bytes_of("key")) || contains_any(name, words);
}

/* "ann@x.org": whose signup and whose login it is, before there is a token. */
bool session_name_is_login(struct bytes name)
{
    static const char *const names[] = {"username", "user_name", "login", "userid", "user_id"};
    static const char *const before[] = {"_", "j_"}; /* of Symfony and of Java */
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        if (bytes_starts_with_nocase(name, bytes_of(before[i]))) {
            name = bytes_from(name, strlen(before[i]));
            break;
        }
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (bytes_equal_nocase(name, bytes_of(names[i])))
            return true;
    }
    return session_text_contains_nocase(name, "email");
}

bool session_value_is_flag(struct bytes value)
{
    static const char *const words[] = {"true", "false", "yes", "no",      "on",  "off",
                                        "null", "none",  "ok",  "deleted", "all", "undefined"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (bytes_equal_nocase(value, bytes_of(words[i])))
            return true;
    }
    return false;
}

bool session_value_is_random(struct bytes value)
{
    enum { MIN_DISTINCT = 7 }; /* 16 random hexadecimal digits have fewer once in 4,000 times */
    bool is_seen[256] = {false}, has_digit = false, has_upper = false, has_lower = false;
    unsigned distinct = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        distinct += !is_seen[(unsigned char)c];
        is_seen[(unsigned char)c] = true;
        has_digit = has_digit || ascii_is_digit(c);
        has_lower = has_lower || (c >= 'a' && c <= 'z');
        has_upper = has_upper || (c >= 'A' && c <= 'Z');
    }
    return value.len >= SESSION_LONG_VALUE_BYTES && distinct >= MIN_DISTINCT &&
           has_digit + has_upper + has_lower >= 2;
}

bool session_value_is_wording(struct bytes value)
{
    bool has_only_letters = true;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == ' ')
            return true;
        has_only_letters = has_only_letters && ascii_is_alpha(value.ptr[i]);
    }
    return has_only_letters && value.len < SESSION_LONG_VALUE_BYTES;
}
