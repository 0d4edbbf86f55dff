/* pcm.c - samples that are computed where they are read.
 *
 * A sample is made as a 16-bit number and then written in its encoding. The noise is white noise
 * that is averaged twice over about 0.8 ms: flat up to some 500 Hz, from there on falling by 12 dB
 * an octave, which is near the long-term spectrum of speech. */
#include "pcm.h"

#include <assert.h>
#include <string.h>

enum { BLOCK_SAMPLES = 1024, MAX_TAPS = 96, TONES = 3 };

uint64_t pcm_mix(uint64_t a, uint64_t b)
{
    uint64_t z = a + 0x9e3779b97f4a7c15U * (b + 1);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

/* sin(phase) * 32767 by a parabola and its square: off by 0.2%, and the same everywhere. */
static int32_t wave(uint32_t phase)
{
    int32_t x = (int32_t)(phase >> 16) - 32768;
    int32_t size = x < 0 ? -x : x;
    int32_t y = (size * (32768 - size)) >> 13;
    y = y > 32767 ? 32767 : y;
    y = (25 * y + 7 * ((y * y) >> 15)) / 32;
    return x < 0 ? -y : y;
}

/* A step of phase for a frequency in hundredths of a hertz. */
static uint32_t step_of(uint64_t hundredths, uint32_t rate)
{
    return (uint32_t)((hundredths << 32) / ((uint64_t)rate * 100));
}

/* Loudness at a frame, 0 to 32767: syllables of 3 to 5 a second, and a pause now and then. */
static int32_t syllables(uint64_t seed, uint32_t rate, uint64_t frame)
{
    uint32_t step = step_of(300 + pcm_mix(seed, 11) % 200, rate);
    uint64_t phase = frame * step;
    int32_t loud = wave((uint32_t)phase) / 2 + 16384;
    bool is_pause = pcm_mix(seed, 1000 + (phase >> 32) / 3) % 5 == 0;
    return is_pause ? loud / 16 : loud / 2 + 8192;
}

static void make_tone(const struct pcm_source *source, uint64_t frame, size_t frames, size_t stride,
                      uint32_t channel, int16_t *into)
{
    uint32_t steps[TONES], starts[TONES];
    uint64_t seed = source->seed;
    uint64_t base = 11000 + pcm_mix(seed, 1) % 33000; /* 110 to 440 Hz */
    for (uint32_t i = 0; i < TONES; i++) {
        steps[i] = step_of(base * (4 + i) / 4 + pcm_mix(seed, 2 + i) % 100, source->format.rate);
        starts[i] = (uint32_t)pcm_mix(seed, 20 + channel * TONES + i);
    }
    for (size_t i = 0; i < frames; i++) {
        int32_t sum = 0;
        for (uint32_t tone = 0; tone < TONES; tone++)
            sum += wave(starts[tone] + (uint32_t)(frame + i) * steps[tone]);
        into[i * stride] = (int16_t)(sum / 5);
    }
    uint32_t swell = step_of(40, source->format.rate);
    for (size_t i = 0; i < frames; i++) {
        int32_t loud = wave((uint32_t)(frame + i) * swell) / 4 + 24576;
        into[i * stride] = (int16_t)(into[i * stride] * loud / 32768);
    }
}

/* White noise at `index`, four samples to a number. */
static int32_t white(uint64_t seed, uint64_t index, uint64_t *cache, uint64_t *cached)
{
    if (*cached != index >> 2) {
        *cached = index >> 2;
        *cache = pcm_mix(seed, index >> 2);
    }
    return (int16_t)(*cache >> (index & 3) * 16);
}

static void make_noise(const struct pcm_source *source, uint64_t frame, size_t frames,
                       size_t stride, uint32_t channel, int16_t *into)
{
    uint64_t seed = pcm_mix(source->seed, 100 + channel), cache = 0, cached = UINT64_MAX;
    uint32_t rate = source->format.rate, taps = rate / 1200, slot = 0;
    taps = taps < 2 ? 2 : taps > MAX_TAPS ? MAX_TAPS : taps;
    int32_t noise[MAX_TAPS] = {0}, once[MAX_TAPS] = {0};
    int32_t sum = 0, sum_of_sums = 0, loud = 0;
    int64_t part = 65536 / taps;
    /* What the averages hold at a frame is what came in the frames before it. */
    for (uint64_t i = 0; i < 2 * taps + frames; i++) {
        int32_t fresh = white(seed, frame + i, &cache, &cached);
        sum += fresh - noise[slot];
        noise[slot] = fresh;
        int32_t average = (int32_t)(sum * part / 65536);
        sum_of_sums += average - once[slot];
        once[slot] = average;
        slot = slot + 1 == taps ? 0 : slot + 1;
        if (i < 2 * taps)
            continue;
        uint64_t at = frame + i - 2 * taps;
        if (i == 2 * taps || at % 32 == 0)
            loud = syllables(source->seed, rate, at / 32 * 32);
        int64_t value = sum_of_sums * part / 65536 * loud / 32768 * 2;
        value = value > 32767 ? 32767 : value < -32768 ? -32768 : value;
        into[(i - 2 * taps) * stride] = (int16_t)value;
    }
}

static void stamp(const struct pcm_source *source, uint64_t first, size_t count, int16_t *samples)
{
    for (size_t i = 0; i < count && first + i < PCM_STAMP_SAMPLES; i++) {
        uint64_t at = first + i;
        int bit = source->stamp[at / 64] >> (at % 64) & 1;
        samples[i] = (int16_t)((samples[i] & ~1) | bit);
    }
}

/* G.711, both laws from 16 bits. */
static uint8_t ulaw(int32_t sample)
{
    int32_t sign = sample < 0 ? 0x80 : 0, exponent = 7;
    sample = (sign ? -sample : sample);
    sample = (sample > 32635 ? 32635 : sample) + 0x84;
    for (int32_t mask = 0x4000; exponent > 0 && !(sample & mask); mask >>= 1)
        exponent--;
    return (uint8_t) ~(sign | exponent << 4 | (sample >> (exponent + 3) & 15));
}

static uint8_t alaw(int32_t sample)
{
    int32_t sign = sample < 0 ? 0 : 0x80, exponent = 7;
    sample = sign ? sample : -sample;
    sample = sample > 32635 ? 32635 : sample;
    for (int32_t mask = 0x4000; exponent > 0 && !(sample & mask); mask >>= 1)
        exponent--;
    int32_t mantissa = sample >> (exponent ? exponent + 3 : 4) & 15;
    return (uint8_t)((sign | exponent << 4 | mantissa) ^ 0x55);
}

static size_t sample_bytes(enum pcm_encoding encoding)
{
    static const uint8_t bytes[] = {
        [PCM_NONE] = 1, [PCM_U8] = 1,  [PCM_S16] = 2,  [PCM_S16_BIG] = 2, [PCM_S24] = 3,
        [PCM_S32] = 4,  [PCM_F32] = 4, [PCM_ULAW] = 1, [PCM_ALAW] = 1};
    return bytes[encoding];
}

/* Where a sample gets fewer bits than 16, a stamp's bit is the lowest of those. */
static void encode(enum pcm_encoding encoding, int16_t sample, bool is_stamped, uint8_t *into)
{
    uint32_t bits;
    float real;
    switch (encoding) {
    case PCM_U8:
        into[0] = (uint8_t)((sample >> 8) + 128);
        break;
    case PCM_ULAW:
        into[0] = ulaw(sample);
        break;
    case PCM_ALAW:
        into[0] = alaw(sample);
        break;
    case PCM_S16_BIG:
        into[0] = (uint8_t)((uint16_t)sample >> 8);
        into[1] = (uint8_t)sample;
        return;
    case PCM_F32:
        real = (float)sample / 32768.0F; /* a power of two: exact */
        memcpy(&bits, &real, sizeof bits);
        for (size_t i = 0; i < 4; i++)
            into[i] = (uint8_t)(bits >> i * 8);
        return;
    default:
        for (size_t i = 0, bytes = sample_bytes(encoding); i < bytes; i++)
            into[i] = 0;
        into[sample_bytes(encoding) - 2] = (uint8_t)sample;
        into[sample_bytes(encoding) - 1] = (uint8_t)((uint16_t)sample >> 8);
        return;
    }
    if (is_stamped)
        into[0] = (uint8_t)((into[0] & ~1) | (sample & 1));
}

/* Samples `first` to `first + count`, of all channels in turn; both whole frames. */
static void make(const struct pcm_source *source, uint64_t first, size_t count, int16_t *into)
{
    uint32_t channels = source->format.channels;
    for (uint32_t channel = 0; channel < channels && source->kind != PCM_SILENCE; channel++)
        (source->kind == PCM_TONE ? make_tone : make_noise)(
            source, first / channels, count / channels, channels, channel, into + channel);
    if (source->kind == PCM_SILENCE)
        memset(into, 0, count * sizeof *into);
    if (source->is_stamped)
        stamp(source, first, count, into);
}

/* The usual encoding in one go: how many samples; 0 for others. */
static size_t write_s16(const struct pcm_source *source, const int16_t *samples, size_t count,
                        uint8_t *into, size_t len)
{
    if (source->format.encoding != PCM_S16)
        return 0;
    count = count < len / 2 ? count : len / 2;
    for (size_t i = 0; i < count; i++) {
        into[2 * i] = (uint8_t)samples[i];
        into[2 * i + 1] = (uint8_t)((uint16_t)samples[i] >> 8);
    }
    return count;
}

void pcm_read(const struct pcm_source *source, uint64_t offset, void *into, size_t len)
{
    int16_t samples[BLOCK_SAMPLES];
    uint8_t *out = into, one[4];
    size_t bytes = sample_bytes(source->format.encoding), channels = source->format.channels;
    assert(channels > 0 && channels <= 32);
    size_t block = BLOCK_SAMPLES / channels * channels;
    while (len) {
        uint64_t first = offset / bytes, frame_first = first / channels * channels;
        size_t skip = (size_t)(first - frame_first), count = skip + (len + bytes - 1) / bytes + 1;
        count = count > block ? block : (count + channels - 1) / channels * channels;
        make(source, frame_first, count, samples);
        size_t whole =
            offset % bytes ? 0 : write_s16(source, samples + skip, count - skip, out, len);
        out += whole * bytes;
        offset += whole * bytes;
        len -= whole * bytes;
        for (size_t i = skip + whole; i < count && len; i++) {
            size_t from = (size_t)(offset % bytes), take = bytes - from < len ? bytes - from : len;
            bool is_stamped = source->is_stamped && frame_first + i < PCM_STAMP_SAMPLES;
            encode(source->format.encoding, samples[i], is_stamped, one);
            memcpy(out, one + from, take);
            out += take;
            offset += take;
            len -= take;
        }
    }
}
