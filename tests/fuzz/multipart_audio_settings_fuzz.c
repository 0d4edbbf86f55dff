/* multipart_audio_settings_fuzz.c - any text as the options of multipart_audio: what is taken is
 * within its range, and what is refused is said in one line. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/multipart_audio/mime.h"
#include "plugins/multipart_audio/settings.h"
#include "plugins/multipart_audio/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sizes_are_in_order(const char *text)
{
    struct settings_sizes sizes;
    char problem[SETTINGS_MAX_PROBLEM_BYTES] = "";
    if (settings_sizes(text, &sizes, problem)) {
        assert(problem[0]);
        return;
    }
    assert(sizes.count <= SETTINGS_MAX_SIZES && (sizes.count == 0) == (text[0] == '\0'));
    for (size_t i = 0; i < sizes.count; i++) {
        assert(sizes.size[i].bytes > 0 && sizes.size[i].up_to < 1.0001);
        assert(i == 0 || sizes.size[i].up_to >= sizes.size[i - 1].up_to);
    }
    if (sizes.count)
        assert(settings_draw(&sizes, 0.999999) > 0);
}

/* As the value of a Content-Disposition: views stay inside it. */
static void names_lie_inside(struct span text)
{
    char name[64];
    struct mime_file_name file = mime_file_name(text);
    const struct span found[] = {file.plain, file.extended, mime_param(text, "name"),
                                 mime_header(text, "a")};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        if (!found[i].ptr)
            continue;
        assert(found[i].ptr >= text.ptr && found[i].ptr + found[i].len <= text.ptr + text.len);
        assert(mime_stem_bytes(found[i]) <= found[i].len);
        assert(mime_unquote(found[i], name, sizeof name) < sizeof name);
    }
    uint32_t rate = stream_rate_in(text);
    assert(rate == 0 || (rate >= 4000 && rate <= 192000));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char problem[SETTINGS_MAX_PROBLEM_BYTES], *text = malloc(size + 1);
    uint64_t rate;
    double share;
    enum pcm_kind kind;
    assert(text);
    memcpy(text, data, size);
    text[size] = '\0';
    sizes_are_in_order(text);
    settings_rate(text, &rate, problem);
    settings_kind(text, &kind, problem);
    if (!settings_share(text, &share, problem))
        assert(share >= 0 && share <= 1);
    free(text);
    names_lie_inside((struct span){(const char *)data, size});
    return 0;
}
