/* session_texts.c - the identity's digest, the label from the User-Agent, and the doubt about it.
 */
#include "capture/session_texts.h"

#include <stdio.h>

#include "traces/digest.h"

enum { MAX_NAME_BYTES = 64, MAX_PROGRAM_BYTES = 31 };

struct bytes session_identity(char text[SESSION_IDENTITY_BYTES], const struct session_key *key)
{
    static const char *const words[] = {"address", "cookie", "token", "header"};
    unsigned char digest[DIGEST_BYTES];
    char hex[9];
    int name_bytes = key->name.len < MAX_NAME_BYTES ? (int)key->name.len : MAX_NAME_BYTES;
    digest_of(key->value, digest);
    digest_hex(digest, 4, hex);
    snprintf(text, SESSION_IDENTITY_BYTES, "%s%s%.*s %s", words[key->kind], name_bytes ? " " : "",
             name_bytes, name_bytes ? key->name.ptr : "", hex);
    return bytes_of(text);
}

struct bytes session_label(char text[SESSION_LABEL_BYTES], struct bytes user_agent)
{
    static const char *const browsers[] = {"Firefox", "Edg", "OPR", "Chrome", "Safari"};
    struct bytes name = bytes_make(user_agent.ptr, bytes_index_of(user_agent, '/'));
    name.len = bytes_index_of(name, ' ');
    for (size_t i = 0; i < sizeof browsers / sizeof *browsers; i++) {
        if (user_agent.len &&
            memmem(user_agent.ptr, user_agent.len, browsers[i], strlen(browsers[i]))) {
            name = bytes_of(browsers[i]);
            break;
        }
    }
    size_t len = name.len < MAX_PROGRAM_BYTES ? name.len : MAX_PROGRAM_BYTES;
    if (len)
        memcpy(text, name.ptr, len);
    return bytes_make(text, len);
}

struct bytes session_label_of_many(char text[SESSION_LABEL_BYTES], struct bytes label,
                                   unsigned users, struct bytes cookie)
{
    const char *before = memchr(text, ';', label.len);
    size_t len = before ? (size_t)(before - text) : label.len;
    int name_bytes = cookie.len < MAX_NAME_BYTES ? (int)cookie.len : MAX_NAME_BYTES;
    int added = snprintf(text + len, SESSION_LABEL_BYTES - len,
                         "; sent %u different %.*s in turn: probably %u users", users, name_bytes,
                         name_bytes ? cookie.ptr : "", users);
    return bytes_make(text, len + (size_t)(added > 0 ? added : 0));
}
