/* url.c - takes an absolute URL apart. */
#include "core/url.h"

static int parse_scheme(struct bytes scheme, struct url *url)
{
    if (bytes_equal_nocase(scheme, bytes_of("http")) ||
        bytes_equal_nocase(scheme, bytes_of("ws"))) {
        url->port = 80;
    } else if (bytes_equal_nocase(scheme, bytes_of("https")) ||
               bytes_equal_nocase(scheme, bytes_of("wss"))) {
        url->port = 443;
        url->is_secure = true;
    } else {
        return -1;
    }
    url->scheme = scheme;
    return 0;
}

static int parse_authority(struct bytes authority, struct url *url)
{
    struct bytes after_host;
    if (authority.len && authority.ptr[0] == '[') {
        size_t close = bytes_index_of(authority, ']');
        if (close == authority.len)
            return -1;
        url->host = bytes_make(authority.ptr + 1, close - 1);
        after_host = bytes_from(authority, close + 1);
    } else {
        size_t colon = bytes_index_of(authority, ':');
        url->host = bytes_make(authority.ptr, colon);
        after_host = bytes_from(authority, colon);
    }
    if (url->host.len == 0 || bytes_index_of(authority, '@') != authority.len)
        return -1;
    if (after_host.len) {
        uint64_t port;
        if (after_host.ptr[0] != ':' || !bytes_to_u64(bytes_from(after_host, 1), &port) ||
            port == 0 || port > 65535)
            return -1;
        url->port = (uint16_t)port;
    }
    url->authority = authority;
    return 0;
}

bool url_text_is_whole(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
            return false;
    }
    return true;
}

int url_parse(struct bytes text, struct url *ret_url)
{
    struct url url = {0};
    size_t colon = bytes_index_of(text, ':');
    struct bytes rest = bytes_from(text, colon);
    if (!bytes_starts_with(rest, bytes_of("://")) ||
        parse_scheme(bytes_make(text.ptr, colon), &url))
        return -1;
    rest = bytes_from(rest, 3);
    if (!url_text_is_whole(rest))
        return -1;
    size_t end = 0;
    while (end < rest.len && !strchr("/?#", rest.ptr[end]))
        end++;
    if (parse_authority(bytes_make(rest.ptr, end), &url))
        return -1;
    struct bytes target = bytes_from(rest, end);
    target.len = bytes_index_of(target, '#');
    url.target = target.len ? target : bytes_of("/");
    *ret_url = url;
    return 0;
}
