/* digest_test.c - SHA-256 against the vectors of FIPS 180-4, whole and in pieces. */
#include "traces/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    const char *text;
    const char *hex;
} vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

enum { VECTORS = sizeof vectors / sizeof vectors[0] };

static void it_gives_the_standards_digests(void **state)
{
    (void)state;
    unsigned char digest[DIGEST_BYTES];
    char hex[2 * DIGEST_BYTES + 1];
    for (int i = 0; i < VECTORS; i++) {
        digest_of(bytes_of(vectors[i].text), digest);
        digest_hex(digest, DIGEST_BYTES, hex);
        assert_string_equal(hex, vectors[i].hex);
    }
    digest_of((struct bytes){0}, digest);
    digest_hex(digest, 4, hex);
    assert_string_equal(hex, "e3b0c442");
}

static void pieces_give_the_same_as_the_whole(void **state)
{
    (void)state;
    for (int i = 0; i < VECTORS; i++) {
        struct bytes text = bytes_of(vectors[i].text);
        for (size_t cut = 0; cut <= text.len; cut++) {
            unsigned char digest[DIGEST_BYTES];
            char hex[2 * DIGEST_BYTES + 1];
            struct digest_stream *stream = digest_new();
            assert_non_null(stream);
            digest_add(stream, bytes_make(text.ptr, cut));
            digest_add(stream, bytes_from(text, cut));
            digest_finish(stream, digest);
            digest_hex(digest, DIGEST_BYTES, hex);
            assert_string_equal(hex, vectors[i].hex);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gives_the_standards_digests),
        cmocka_unit_test(pieces_give_the_same_as_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
