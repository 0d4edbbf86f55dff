/* audio.c - what a file of audio is, by its bytes. */
#include "audio.h"

#include "mime.h"

#include <string.h>

enum { WAVE_PCM = 1, WAVE_FLOAT = 3, WAVE_ALAW = 6, WAVE_ULAW = 7, WAVE_EXTENSIBLE = 0xfffe };

static const struct {
    const char *name, *type, *extension;
} formats[AUDIO_FORMATS] = {
    [AUDIO_WAV] = {"WAV", "audio/wav", "wav"},
    [AUDIO_FLAC] = {"FLAC", "audio/flac", "flac"},
    [AUDIO_MP3] = {"MP3", "audio/mpeg", "mp3"},
    [AUDIO_OGG] = {"Ogg", "audio/ogg", "ogg"},
    [AUDIO_WEBM] = {"WebM", "audio/webm", "webm"},
    [AUDIO_MP4] = {"MP4", "audio/mp4", "m4a"},
    [AUDIO_RAW] = {"raw", "application/octet-stream", "raw"},
};

const char *audio_format_name(enum audio_format format)
{
    return formats[format].name;
}

const char *audio_format_type(enum audio_format format)
{
    return formats[format].type;
}

const char *audio_format_extension(enum audio_format format)
{
    return formats[format].extension;
}

static uint32_t byte_at(const char *at, size_t i)
{
    return (unsigned char)at[i];
}

static uint32_t le16(const char *at)
{
    return byte_at(at, 0) | byte_at(at, 1) << 8;
}

uint32_t audio_le32(const char *at)
{
    return le16(at) | le16(at + 2) << 16;
}

static enum pcm_encoding encoding_of(uint32_t tag, uint32_t bits)
{
    if (tag == WAVE_PCM)
        return bits == 8    ? PCM_U8
               : bits == 16 ? PCM_S16
               : bits == 24 ? PCM_S24
               : bits == 32 ? PCM_S32
                            : PCM_NONE;
    if (tag == WAVE_FLOAT && bits == 32)
        return PCM_F32;
    if (tag == WAVE_ULAW && bits == 8)
        return PCM_ULAW;
    return tag == WAVE_ALAW && bits == 8 ? PCM_ALAW : PCM_NONE;
}

/* A fmt chunk; one of a coding that cannot be made here is PCM_NONE, and the file still a WAV. */
static void read_fmt(const char *at, size_t len, struct audio *audio)
{
    uint32_t tag = le16(at), bits = le16(at + 14);
    if (tag == WAVE_EXTENSIBLE && len >= 26)
        tag = le16(at + 24); /* the first two bytes of the sub-format's GUID */
    audio->pcm = (struct pcm_format){.encoding = encoding_of(tag, bits),
                                     .channels = (uint16_t)le16(at + 2),
                                     .rate = audio_le32(at + 4),
                                     .frame_bytes = (uint16_t)le16(at + 12)};
    if (len > AUDIO_MAX_FMT_BYTES || audio->pcm.channels == 0 || audio->pcm.channels > 32 ||
        audio->pcm.rate == 0 || audio->pcm.frame_bytes != audio->pcm.channels * (bits / 8))
        audio->pcm.encoding = PCM_NONE;
    audio->fmt_bytes = (uint32_t)(len < AUDIO_MAX_FMT_BYTES ? len : AUDIO_MAX_FMT_BYTES);
    memcpy(audio->fmt, at, audio->fmt_bytes);
}

/* A file that was written to a pipe says 0 or 4 GiB: its data runs to the end. */
static const char *recognise_wav(struct span bytes, struct audio *ret)
{
    bool has_fmt = false;
    uint64_t at = 12;
    while (at + 8 <= bytes.len) {
        const char *chunk = bytes.ptr + at;
        uint64_t size = audio_le32(chunk + 4), left = bytes.len - at - 8;
        if (memcmp(chunk, "data", 4) == 0) {
            if (!has_fmt)
                return "its data chunk comes before its fmt chunk";
            ret->data_at = at + 8;
            ret->data_bytes = size == 0 || size > left ? left : size;
            return NULL;
        }
        if (size > left)
            return "a chunk of it is longer than the file";
        if (memcmp(chunk, "fmt ", 4) == 0) {
            if (size < 16)
                return "its fmt chunk is too short";
            read_fmt(chunk + 8, (size_t)size, ret);
            has_fmt = true;
        }
        at += 8 + size + (size & 1);
    }
    return "it has no data chunk";
}

uint64_t audio_id3_bytes(struct span bytes)
{
    if (bytes.len < 10 || memcmp(bytes.ptr, "ID3", 3) != 0)
        return 0;
    uint64_t size = 0;
    for (size_t i = 6; i < 10; i++) {
        if (byte_at(bytes.ptr, i) > 127)
            return 0;
        size = size << 7 | byte_at(bytes.ptr, i);
    }
    return 10 + size + (byte_at(bytes.ptr, 5) & 0x10 ? 10 : 0);
}

/* Columns: MPEG 1 layer III, II; MPEG 2 and 2.5 both layers. Layer I is nobody's upload. */
static uint32_t mp3_kbits(bool is_mpeg1, bool is_layer3, uint32_t index)
{
    static const uint16_t table[3][15] = {
        {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
        {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
        {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}};
    return index > 14 ? 0 : table[is_mpeg1 ? (is_layer3 ? 0 : 1) : 2][index];
}

size_t audio_mp3_frame_bytes(struct span bytes)
{
    static const uint32_t rates[3] = {44100, 48000, 32000};
    if (bytes.len < 4 || byte_at(bytes.ptr, 0) != 0xff || (byte_at(bytes.ptr, 1) & 0xe0) != 0xe0)
        return 0;
    uint32_t b1 = byte_at(bytes.ptr, 1), b2 = byte_at(bytes.ptr, 2);
    uint32_t version = b1 >> 3 & 3, layer = b1 >> 1 & 3, rate_index = b2 >> 2 & 3;
    if (version == 1 || (layer != 1 && layer != 2) || rate_index == 3)
        return 0;
    uint32_t kbits = mp3_kbits(version == 3, layer == 1, b2 >> 4);
    uint32_t rate = rates[rate_index] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    uint32_t per_frame = layer == 1 && version != 3 ? 72000 : 144000;
    return kbits ? per_frame * kbits / rate + (b2 >> 1 & 1) : 0;
}

/* Two frames in a row, or a tag and one: a single match would be chance. */
static bool is_mp3(struct span bytes)
{
    uint64_t tag = audio_id3_bytes(bytes);
    if (tag >= bytes.len)
        return false;
    struct span rest = {bytes.ptr + tag, bytes.len - (size_t)tag};
    while (tag && rest.len && rest.ptr[0] == 0) /* padding that some leave behind it */
        rest.ptr++, rest.len--;
    size_t frame = audio_mp3_frame_bytes(rest);
    if (frame == 0)
        return false;
    if (tag || frame >= rest.len)
        return true;
    return audio_mp3_frame_bytes((struct span){rest.ptr + frame, rest.len - frame}) > 0 ||
           rest.len - frame < 4;
}

static bool begins(struct span bytes, size_t at, const char *magic, size_t len)
{
    return bytes.len >= at + len && memcmp(bytes.ptr + at, magic, len) == 0;
}

enum audio_format audio_container(struct span bytes)
{
    uint64_t tag = audio_id3_bytes(bytes);
    if (begins(bytes, 0, "RIFF", 4) && begins(bytes, 8, "WAVE", 4))
        return AUDIO_WAV;
    if (tag < bytes.len && begins(bytes, (size_t)tag, "fLaC", 4))
        return AUDIO_FLAC;
    if (begins(bytes, 0, "OggS\0", 5))
        return AUDIO_OGG;
    if (begins(bytes, 0, "\x1a\x45\xdf\xa3", 4))
        return AUDIO_WEBM;
    if (begins(bytes, 4, "ftyp", 4))
        return AUDIO_MP4;
    return is_mp3(bytes) ? AUDIO_MP3 : AUDIO_RAW;
}

static uint32_t number_param(struct span content_type, const char *name, uint32_t fallback)
{
    struct span text = mime_param(content_type, name);
    uint32_t value = 0;
    for (size_t i = 0; i < text.len && value < 10000000; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return fallback;
        value = value * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    return value ? value : fallback;
}

/* RFC 2586, 3551, 2046; the last rows are what people write. */
static bool recognise_raw(struct span content_type, struct audio *ret)
{
    static const struct {
        const char *type;
        enum pcm_encoding encoding;
        uint16_t bytes;
        uint32_t rate;
    } rows[] = {{"audio/l16", PCM_S16_BIG, 2, 44100}, {"audio/l8", PCM_U8, 1, 8000},
                {"audio/basic", PCM_ULAW, 1, 8000},   {"audio/pcmu", PCM_ULAW, 1, 8000},
                {"audio/x-mulaw", PCM_ULAW, 1, 8000}, {"audio/mulaw", PCM_ULAW, 1, 8000},
                {"audio/pcma", PCM_ALAW, 1, 8000},    {"audio/x-alaw", PCM_ALAW, 1, 8000},
                {"audio/pcm", PCM_S16, 2, 16000},     {"audio/x-pcm", PCM_S16, 2, 16000},
                {"audio/raw", PCM_S16, 2, 16000},     {"audio/x-raw", PCM_S16, 2, 16000}};
    struct span type = mime_type(content_type);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!mime_is(type, rows[i].type))
            continue;
        uint32_t channels = number_param(content_type, "channels", 1);
        ret->pcm =
            (struct pcm_format){rows[i].encoding, number_param(content_type, "rate", rows[i].rate),
                                (uint16_t)(channels <= 32 ? channels : 1), 0};
        ret->pcm.frame_bytes = (uint16_t)(rows[i].bytes * ret->pcm.channels);
        return true;
    }
    return false;
}

const char *audio_recognise(struct span bytes, struct span content_type, struct audio *ret)
{
    *ret = (struct audio){.format = audio_container(bytes), .data_bytes = bytes.len};
    if (bytes.len == 0)
        return "it is empty";
    if (ret->format == AUDIO_WAV)
        return recognise_wav(bytes, ret);
    if (ret->format != AUDIO_RAW || recognise_raw(content_type, ret))
        return NULL;
    return "it is none of WAV, FLAC, MP3, Ogg, WebM, MP4, and its type is not one of plain samples";
}

bool audio_is_container(struct span bytes)
{
    return audio_container(bytes) != AUDIO_RAW;
}

bool audio_type_is_audio(struct span content_type)
{
    return mime_begins(content_type, "audio/");
}

bool audio_name_is_audio(struct span file_name)
{
    static const char *const extensions[] = {"wav", "wave", "flac", "mp3", "ogg",
                                             "oga", "opus", "weba", "m4a"};
    size_t stem = mime_stem_bytes(file_name);
    if (!file_name.ptr || stem == file_name.len)
        return false;
    struct span extension = {file_name.ptr + stem + 1, file_name.len - stem - 1};
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (mime_is(extension, extensions[i]))
            return true;
    return false;
}
