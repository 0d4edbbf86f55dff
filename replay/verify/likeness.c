/* likeness.c - judges texts by their form: ids, times, tokens, secrets. */
#include "replay/verify/likeness.h"

#include <stdio.h>

#include "core/json_scan.h"
#include "core/text_codings.h"

enum {
    SHORTEST_ID = 8,      /* with a digit in it: "job_old1" */
    SHORTEST_OPAQUE = 16, /* of mixed case without one: a base64 token */
    SHORTEST_SECRET = 20,
    MAX_CLAIMS_BYTES = 4096
};

static bool is_word(char c)
{
    return ascii_is_alnum(c) || c == '_' || c == '-';
}

static struct bytes take_word(struct bytes *rest)
{
    size_t len = 0;
    while (len < rest->len && is_word(rest->ptr[len]))
        len++;
    struct bytes word = bytes_make(rest->ptr, len);
    *rest = bytes_from(*rest, len);
    return word;
}

/* A path has slashes as well; base64 has other signs, too. */
static bool is_base64(struct bytes text)
{
    bool has_sign = false, has_upper = false, has_lower = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_word(c) && c != '+' && c != '/' && c != '=')
            return false;
        has_sign |= c == '+' || c == '=';
        has_upper |= c >= 'A' && c <= 'Z';
        has_lower |= c >= 'a' && c <= 'z';
    }
    return has_sign && has_upper && has_lower && text.len >= SHORTEST_OPAQUE;
}

bool text_is_id(struct bytes text)
{
    size_t digits = 0, upper = 0, lower = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_word(c))
            return is_base64(text) || text_is_jwt(text);
        digits += ascii_is_digit(c);
        upper += c >= 'A' && c <= 'Z';
        lower += c >= 'a' && c <= 'z';
    }
    if (text.len && digits == text.len)
        return true;
    return (digits && text.len >= SHORTEST_ID) ||
           (upper && lower && upper * 8 > text.len && text.len >= SHORTEST_OPAQUE);
}

/* Equal once every run of digits is one sign: "item-3" and "item-17". */
static bool are_equal_but_digits(struct bytes a, struct bytes b)
{
    size_t i = 0, j = 0;
    while (i < a.len && j < b.len) {
        if (ascii_is_digit(a.ptr[i]) && ascii_is_digit(b.ptr[j])) {
            while (i < a.len && ascii_is_digit(a.ptr[i]))
                i++;
            while (j < b.len && ascii_is_digit(b.ptr[j]))
                j++;
        } else if (a.ptr[i++] != b.ptr[j++]) {
            return false;
        }
    }
    return i == a.len && j == b.len;
}

/* "2026-01-02T03:04:05.678Z" (RFC 3339), with a space for the T too. */
static bool is_date(struct bytes text)
{
    static const char form[] = "0000-00-00";
    if (text.len < sizeof form - 1 || text.len > 40)
        return false;
    for (size_t i = 0; i < sizeof form - 1; i++) {
        bool fits = form[i] == '0' ? ascii_is_digit(text.ptr[i]) : text.ptr[i] == form[i];
        if (!fits)
            return false;
    }
    return text.len == sizeof form - 1 || text.ptr[10] == 'T' || text.ptr[10] == ' ';
}

bool texts_are_alike(struct bytes a, struct bytes b)
{
    if (bytes_equal(a, b) || (is_date(a) && is_date(b)))
        return true;
    if (text_is_id(a) && text_is_id(b))
        return true;
    while (a.len && b.len) {
        struct bytes x = take_word(&a), y = take_word(&b);
        if (!bytes_equal(x, y) && !are_equal_but_digits(x, y) &&
            !(text_is_id(x) && text_is_id(y)) && !(is_date(x) && is_date(y)))
            return false;
        while (a.len && b.len && !is_word(a.ptr[0]) && a.ptr[0] == b.ptr[0]) {
            a = bytes_from(a, 1);
            b = bytes_from(b, 1);
        }
        if (a.len && b.len && (!is_word(a.ptr[0]) || !is_word(b.ptr[0])))
            return false;
    }
    return a.len == b.len;
}

bool strings_are_alike(struct bytes name, struct bytes a, struct bytes b)
{
    struct bytes rest = a, others = b;
    if (texts_are_alike(a, b))
        return true;
    return name_is_volatile(name) && take_word(&rest).len && take_word(&others).len && !rest.len &&
           !others.len;
}

/* --- names ----------------------------------------------------------------------------------- */

static bool ends_with_nocase(struct bytes name, const char *end)
{
    struct bytes suffix = bytes_of(end);
    return name.len >= suffix.len &&
           bytes_equal_nocase(bytes_from(name, name.len - suffix.len), suffix);
}

static bool contains_nocase(struct bytes name, const char *part)
{
    struct bytes wanted = bytes_of(part);
    for (size_t i = 0; i + wanted.len <= name.len; i++) {
        if (bytes_equal_nocase(bytes_make(name.ptr + i, wanted.len), wanted))
            return true;
    }
    return false;
}

bool name_is_volatile(struct bytes name)
{
    static const char *const whole[] = {"id",  "uid", "uuid", "guid",  "seq", "ts",
                                        "iat", "exp", "nbf",  "nonce", "pid", "port"};
    static const char *const ends[] = {"_id", "-id",  "Id",   "_at",      "_ts",    "_ms",
                                       "_us", "_ns",  "time", "duration", "uptime", "elapsed",
                                       "_in", "date", "At",   "version",  "etag",   "timestamp"};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        if (bytes_equal_nocase(name, bytes_of(whole[i])))
            return true;
    }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct bytes end = bytes_of(ends[i]);
        /* "userId" and "createdAt", not "paid" and "format". */
        bool is_camel = end.ptr[0] >= 'A' && end.ptr[0] <= 'Z';
        if (is_camel ? name.len > end.len && bytes_equal(bytes_from(name, name.len - end.len), end)
                     : ends_with_nocase(name, ends[i]))
            return true;
    }
    return false;
}

bool name_is_credential(struct bytes name)
{
    static const char *const parts[] = {"token",   "csrf",    "xsrf",       "auth",      "secret",
                                        "passw",   "session", "credential", "signature", "jwt",
                                        "api-key", "apikey",  "api_key",    "verifier",  "nonce"};
    static const char *const whole[] = {"sid",        "key",     "code",   "state", "cookie",
                                        "set-cookie", "refresh", "bearer", "ticket"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (contains_nocase(name, parts[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        if (bytes_equal_nocase(name, bytes_of(whole[i])))
            return true;
    }
    return false;
}

bool name_is_token(struct bytes name)
{
    return contains_nocase(name, "token") || contains_nocase(name, "refresh") ||
           contains_nocase(name, "jwt");
}

bool name_is_account(struct bytes name)
{
    static const char *const names[] = {"email", "mail", "username", "user", "login", "phone"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal_nocase(name, bytes_of(names[i])))
            return true;
    }
    return false;
}

/* --- numbers --------------------------------------------------------------------------------- */

/* Between 2001 and 2096, in seconds, milliseconds, microseconds or nanoseconds. */
static bool is_moment(struct bytes text)
{
    uint64_t value;
    struct bytes whole = bytes_make(text.ptr, bytes_index_of(text, '.'));
    if (!bytes_to_u64(whole, &value))
        return false;
    for (uint64_t unit = 1; unit <= 1000000000; unit *= 1000) {
        if (value / unit >= 1000000000 && value / unit < 4000000000)
            return true;
    }
    return false;
}

bool numbers_are_alike(struct bytes name, struct bytes a, struct bytes b)
{
    return bytes_equal(a, b) || (is_moment(a) && is_moment(b)) || name_is_volatile(name);
}

bool sizes_are_alike(uint64_t a, uint64_t b)
{
    enum { SMALL_BYTES = 64 };
    return (a < SMALL_BYTES && b < SMALL_BYTES) || (a / 4 <= b && b / 4 <= a);
}

/* --- tokens ---------------------------------------------------------------------------------- */

bool text_is_jwt(struct bytes text)
{
    size_t dots = 0;
    if (!bytes_starts_with(text, bytes_of("eyJ")))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.')
            dots++;
        else if (base64_value(text.ptr[i], BASE64_EITHER) < 0)
            return false;
    }
    return dots == 2;
}

bool jwt_expiry(struct bytes token, uint64_t *ret_unix_s)
{
    char claims[MAX_CLAIMS_BYTES];
    struct bytes rest = token, header, payload;
    struct json_wanted wanted = {.pointer = bytes_of("/exp")};
    if (!text_is_jwt(token) || !bytes_split(&rest, '.', &header) ||
        !bytes_split(&rest, '.', &payload))
        return false;
    payload.len -= payload.len % 4 == 1; /* a lone last digit makes no byte of the claims */
    ssize_t len = base64_read(payload, BASE64_EITHER, claims, sizeof claims);
    if (len < 0 || !json_find(bytes_make(claims, (size_t)len), &wanted, 1) ||
        wanted.kind != JSON_SCAN_NUMBER)
        return false;
    struct bytes whole = bytes_make(wanted.found.ptr, bytes_index_of(wanted.found, '.'));
    return bytes_to_u64(whole, ret_unix_s);
}

/* --- for people ------------------------------------------------------------------------------ */

static bool is_uuid(struct bytes text)
{
    if (text.len != 36)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text.ptr[i] != '-' : ascii_hex_value(text.ptr[i]) < 0)
            return false;
    }
    return true;
}

/* Any long run of it will do: "Bearer X", "sid=X". */
static bool may_be_secret(struct bytes name, struct bytes text)
{
    if (text_is_jwt(text) || (name_is_credential(name) && text.len))
        return true;
    size_t run = 0;
    bool has_digit = false, has_upper = false;
    if (is_uuid(text))
        return false;
    for (size_t i = 0; i <= text.len; i++) {
        char c = i < text.len ? text.ptr[i] : ' ';
        if (is_word(c) || c == '.' || c == '+' || c == '=') {
            run++;
            has_digit |= ascii_is_digit(c);
            has_upper |= c >= 'A' && c <= 'Z';
            continue;
        }
        if (run >= SHORTEST_SECRET && (has_digit || has_upper))
            return true;
        run = 0;
        has_digit = has_upper = false;
    }
    return false;
}

char *show_value(char out[SHOWN_MAX_BYTES], struct bytes name, struct bytes text)
{
    enum { MOST = 72, OF_SECRET = 4 };
    char shown[MOST + 1];
    bool is_secret = may_be_secret(name, text);
    size_t most = is_secret ? OF_SECRET : MOST;
    if (is_secret && text.len < 3 * OF_SECRET)
        most = 0;
    size_t len = text.len < most ? text.len : most;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        shown[i] = c < ' ' || c >= 0x7f ? '.' : (char)c;
    }
    shown[len] = '\0';
    if (len == text.len)
        snprintf(out, SHOWN_MAX_BYTES, "%s", shown);
    else
        snprintf(out, SHOWN_MAX_BYTES, "%s... (%zu bytes)", shown, text.len);
    return out;
}
