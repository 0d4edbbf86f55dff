/* cookie_fuzz.c - lines of Set-Cookie from any server: what is kept is sent whole, and to whom it
 * is for. */
#include <assert.h>
#include <stdint.h>

#include "replay/cookie_jar.h"
#include "replay/cookie_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1700000000 };

static void check_view(struct bytes view, struct bytes in)
{
    assert(!view.ptr || !view.len ||
           (view.ptr >= in.ptr && view.ptr + view.len <= in.ptr + in.len));
}

static void check_parse(struct bytes line)
{
    struct set_cookie cookie;
    if (!set_cookie_parse(line, NOW_S, &cookie))
        return;
    assert(cookie.name.len > 0);
    check_view(cookie.name, line);
    check_view(cookie.value, line);
    check_view(cookie.domain, line);
    check_view(cookie.path, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cookie_site sites[] = {
        {.host = {"a.shop.example", 14}, .is_secure = true},
        {.host = {"stage", 5}, .stands_in = true},
        {.host = {"127.0.0.1", 9}},
    };
    struct bytes rest = bytes_make(data, size), line;
    struct cookie_jar jar;
    struct buf out = BUF_INIT(1 << 24), none = BUF_INIT(1 << 24);
    cookie_jar_init(&jar);
    for (size_t i = 0; size && bytes_split(&rest, '\n', &line); i++) {
        check_parse(line);
        cookie_jar_store(&jar, &sites[i % 3], line, bytes_of("/a/b?c"), NOW_S);
    }
    assert(jar.count <= COOKIE_JAR_MAX_COOKIES);
    for (size_t i = 0; i < 3; i++)
        cookie_jar_append(&jar, &sites[i], bytes_of("/a/b/c"), bytes_of("r=1; s=2"), NOW_S, &out);
    const struct cookie_site other = {.host = {"other.org", 9}, .is_secure = true};
    cookie_jar_append(&jar, &other, bytes_of("/a/b/c"), (struct bytes){0}, NOW_S, &none);
    assert(none.len == 0); /* nobody here may set anything for it */
    cookie_jar_fini(&jar);
    buf_fini(&out);
    buf_fini(&none);
    return 0;
}
