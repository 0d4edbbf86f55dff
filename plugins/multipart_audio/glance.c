/* glance.c - a long file as its metadata is read. */
#include "glance.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct glance {
    int fd;
    char *bytes;
    uint64_t len;
};

/* What of these bytes the file can have. */
static int fill(const struct glance *glance, uint64_t at, uint64_t len)
{
    if (at >= glance->len)
        return 0;
    if (len > glance->len - at)
        len = glance->len - at;
    while (len) {
        ssize_t got = pread(glance->fd, glance->bytes + at, len, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got ? errno : EIO;
            return -1;
        }
        at += (uint64_t)got;
        len -= (uint64_t)got;
    }
    return 0;
}

static uint64_t get_be(const char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

/* How far it is from this chunk, box or block to the next; 0: it is the last one that matters. */
static uint64_t wav_step(const char *at)
{
    uint64_t size = audio_le32(at + 4);
    return memcmp(at, "data", 4) == 0 ? 0 : 8 + size + (size & 1);
}

static uint64_t mp4_step(const char *at)
{
    uint64_t size = get_be(at, 4);
    return size == 1 ? get_be(at + 8, 8) : size;
}

static uint64_t flac_step(const char *at)
{
    return at[0] & 0x80 ? 0 : 4 + get_be(at + 1, 3);
}

/* From one to the next, `look` bytes of each. */
static int walk(const struct glance *glance, uint64_t at, uint64_t look,
                uint64_t (*step)(const char *at))
{
    for (int i = 0; i < GLANCE_MAX_STEPS; i++) {
        if (at + look > glance->len)
            return fill(glance, at, look);
        if (fill(glance, at, look))
            return -1;
        uint64_t bytes = step(glance->bytes + at);
        if (bytes == 0 || bytes > glance->len - at)
            return 0;
        at += bytes;
    }
    return 0;
}

/* So many bytes of each are looked at: of a FLAC file's comments the first ones. */
enum { LOOK_WAV = 8 + AUDIO_MAX_FMT_BYTES, LOOK_MP4 = 16, LOOK_FLAC = 4096, LOOK_TAGGED = 16384 };

static int fill_known(const struct glance *glance)
{
    struct span all = {glance->bytes, (size_t)glance->len};
    if (fill(glance, 0, GLANCE_FRONT_BYTES))
        return -1;
    if (glance->len <= GLANCE_FRONT_BYTES)
        return 0;
    uint64_t tag = audio_id3_bytes(all);
    if (tag && fill(glance, tag, LOOK_TAGGED))
        return -1;
    switch (audio_container(all)) {
    case AUDIO_WAV:
        return walk(glance, 12, LOOK_WAV, wav_step);
    case AUDIO_MP4:
        return walk(glance, 0, LOOK_MP4, mp4_step);
    case AUDIO_FLAC:
        return walk(glance, tag + 4, LOOK_FLAC, flac_step);
    default:
        return fill(glance, 0, GLANCE_LONG_FRONT_BYTES);
    }
}

int glance_at(int fd, uint64_t bytes, struct span *ret)
{
    void *room = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return -1;
    const struct glance glance = {fd, room, bytes};
    *ret = (struct span){room, (size_t)bytes};
    if (fill_known(&glance) == 0)
        return 0;
    int reason = errno;
    glance_free(*ret);
    errno = reason;
    return -1;
}

void glance_free(struct span glance)
{
    munmap((void *)(uintptr_t)glance.ptr, glance.len);
}
