/* multipart_audio_made_test.c - what is generated: samples, WAV heads, ropes, streams, and options.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/multipart_audio/rope.h"
#include "plugins/multipart_audio/settings.h"
#include "plugins/multipart_audio/stream.h"
#include "plugins/multipart_audio/wav.h"

enum { WHOLE_BYTES = 60000 };

static const struct pcm_format formats[] = {
    {PCM_U8, 8000, 1, 1},      {PCM_S16, 16000, 1, 2},  {PCM_S16, 48000, 2, 4},
    {PCM_S16_BIG, 8000, 1, 2}, {PCM_S24, 44100, 6, 18}, {PCM_S32, 16000, 1, 4},
    {PCM_F32, 22050, 2, 8},    {PCM_ULAW, 8000, 1, 1},  {PCM_ALAW, 8000, 3, 3},
};

static struct pcm_source source_of(size_t format, enum pcm_kind kind, uint64_t seed)
{
    return (struct pcm_source){formats[format], kind, seed, WHOLE_BYTES, {seed, 1}, true};
}

static void samples_read_anywhere_are_those_of_the_whole(void **state)
{
    (void)state;
    uint8_t *whole = malloc(WHOLE_BYTES), *piece = malloc(WHOLE_BYTES);
    uint64_t random = 1;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        for (int kind = PCM_TONE; kind <= PCM_SILENCE; kind++) {
            struct pcm_source source = source_of(i, (enum pcm_kind)kind, 7);
            pcm_read(&source, 0, whole, WHOLE_BYTES);
            for (int round = 0; round < 40; round++) {
                random = pcm_mix(random, 1);
                size_t at = random % WHOLE_BYTES, len = (random >> 32) % (round % 4 ? 40 : 9000);
                len = len < WHOLE_BYTES - at ? len : WHOLE_BYTES - at;
                pcm_read(&source, at, piece, len);
                assert_memory_equal(piece, whole + at, len);
            }
        }
    free(whole);
    free(piece);
}

static void other_stamps_are_other_samples_also_of_silence(void **state)
{
    (void)state;
    uint8_t one[512], two[512];
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct pcm_source source = source_of(i, PCM_SILENCE, 7);
        pcm_read(&source, 0, one, sizeof one);
        for (int bit = 0; bit < 128; bit += 9) {
            source.stamp[bit / 64] ^= 1ULL << bit % 64;
            pcm_read(&source, 0, two, sizeof two);
            assert_memory_not_equal(one, two, sizeof one);
            source.stamp[bit / 64] ^= 1ULL << bit % 64;
        }
    }
}

static void sound_is_neither_silent_nor_clipped(void **state)
{
    (void)state;
    static uint8_t bytes[2 * 16000 * 4];
    for (uint64_t seed = 0; seed < 20; seed++)
        for (int kind = PCM_TONE; kind <= PCM_NOISE; kind++) {
            struct pcm_source source = source_of(1, (enum pcm_kind)kind, seed);
            pcm_read(&source, 0, bytes, sizeof bytes);
            uint64_t sum = 0, clipped = 0;
            for (size_t i = 0; i < sizeof bytes; i += 2) {
                int16_t sample = (int16_t)(bytes[i] | bytes[i + 1] << 8);
                sum += (uint64_t)abs(sample);
                clipped += sample == INT16_MAX || sample == INT16_MIN;
            }
            assert_in_range(sum / (sizeof bytes / 2), 1000, 12000);
            assert_in_range(clipped, 0, 20);
        }
}

static void wav_files_are_of_the_size_asked_for_and_recognised(void **state)
{
    (void)state;
    static const uint8_t fmt[16] = {1, 0, 1, 0, 0x80, 0x3e, 0, 0, 0, 0x7d, 0, 0, 2, 0, 16, 0};
    struct audio like = {.format = AUDIO_WAV, .pcm = {PCM_S16, 16000, 1, 2}, .fmt_bytes = 16};
    memcpy(like.fmt, fmt, sizeof fmt);
    for (uint64_t size = 300; size < 400; size++) {
        uint64_t data = wav_data_bytes(&like, size);
        uint8_t head[WAV_MAX_HEAD_BYTES];
        char file[500] = {0};
        struct audio audio;
        size_t len = wav_head(&like, data, head);
        assert_int_equal(len, 44);
        memcpy(file, head, len);
        assert_in_range(size - len - data, 0, 1);
        assert_null(
            audio_recognise((struct span){file, len + data}, (struct span){NULL, 0}, &audio));
        assert_int_equal(audio.data_bytes, data);
        assert_int_equal(audio_le32(file + 4) + 8, len + data);
        assert_memory_equal(&audio.pcm, &like.pcm, sizeof like.pcm);
    }
    /* Odd frames: the pad byte is counted. */
    like.pcm = (struct pcm_format){PCM_U8, 8000, 1, 1};
    for (uint64_t size = 300; size < 310; size++) {
        uint64_t data = wav_data_bytes(&like, size);
        assert_true(wav_overhead_bytes(&like, data) + data <= size);
        assert_int_equal((wav_overhead_bytes(&like, data) + data) % 2, 0);
    }
    assert_int_equal(wav_data_bytes(&like, 1), 1);
}

static void a_rope_reads_the_same_in_any_pieces(void **state)
{
    (void)state;
    struct pcm_source source = source_of(1, PCM_NOISE, 3);
    struct rope rope;
    char whole[8000], piece[8000], memory[100];
    source.data_bytes = 5001;
    memset(memory, 'm', sizeof memory);
    rope_init(&rope);
    rope_add_text(&rope, "one ", 4);
    rope_add_text(&rope, "two", 3);
    rope_add_pcm(&rope, &source);
    rope_add_text(&rope, "", 0);
    rope_add_memory(&rope, memory, sizeof memory);
    rope_add_text(&rope, "two two", 7);
    assert_null(rope.problem);
    assert_int_equal(rope.total_bytes, 7 + 5001 + 100 + 7);
    assert_int_equal(rope_read(&rope, 0, whole, sizeof whole), rope.total_bytes);
    assert_memory_equal(whole, "one two", 7);
    for (size_t at = 0; at <= rope.total_bytes; at += 13)
        for (size_t max = 1; max < 6000; max = max * 5 + 1) {
            size_t left = (size_t)rope.total_bytes - at;
            assert_int_equal(rope_read(&rope, at, piece, max), left < max ? left : max);
            assert_memory_equal(piece, whole + at, left < max ? left : max);
        }
    assert_int_equal(rope_read(&rope, rope.total_bytes + 5, piece, 10), 0);
    assert_int_equal(rope_overwrite(&rope, "two", "TWO", 3), 3);
    rope_read(&rope, 4, piece, 3);
    assert_memory_equal(piece, "TWO", 3);
    rope_fini(&rope);
    static char large[ROPE_MAX_TEXT_BYTES];
    rope_add_text(&rope, large, sizeof large);
    rope_add_text(&rope, "x", 1);
    assert_string_equal(rope.problem, "its fields are longer than 4 MiB");
    rope_fini(&rope);
}

/* One second of 16-bit samples in ten messages, 100 ms apart. */
static void teach(struct stream_recorded *stream, enum pcm_kind kind, bool is_coded)
{
    struct pcm_source source = source_of(1, kind, 5);
    char message[3200];
    for (uint64_t i = 0; i < 10; i++) {
        pcm_read(&source, i * sizeof message, message, sizeof message);
        for (size_t k = 0; is_coded && k < sizeof message; k++)
            message[k] = (char)pcm_mix(i, k);
        stream_learn(stream, 1000000 + i * 100000, (struct span){message, sizeof message});
    }
}

static void streams_of_samples_are_told_from_coded_ones(void **state)
{
    (void)state;
    struct stream_recorded noise = {0}, tone = {0}, coded = {0}, silence = {0};
    char bytes[64], again[64];
    teach(&noise, PCM_NOISE, false);
    teach(&tone, PCM_TONE, false);
    teach(&silence, PCM_SILENCE, false);
    teach(&coded, PCM_NOISE, true);
    assert_int_equal(stream_kind(&noise), STREAM_SAMPLES);
    assert_int_equal(stream_kind(&tone), STREAM_SAMPLES);
    assert_int_equal(stream_kind(&coded), STREAM_LEFT);
    assert_int_equal(stream_format(&noise).rate, 16000);
    assert_int_equal(stream_duration_us(&noise, STREAM_SAMPLES, 3200), 100000);
    struct pcm_source source = source_of(1, PCM_NOISE, 9);
    stream_read(&noise, &source, 100, bytes, sizeof bytes);
    pcm_read(&source, 100, again, sizeof again);
    assert_memory_equal(bytes, again, sizeof bytes);
    assert_int_equal(stream_rate_in((struct span){"wss://x/?sample_rate=24000&x", 28}), 24000);
    assert_int_equal(stream_rate_in((struct span){"{\"sampleRate\": 8000}", 20}), 8000);
    assert_int_equal(stream_rate_in((struct span){"{\"rate\": 3}", 11}), 0);
    assert_int_equal(stream_rate_in((struct span){"rate", 4}), 0);
}

static void sizes_are_weighted_and_must_add_up(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count; /* 0: refused, or empty */
        const char *problem;
    } rows[] = {
        {"50KB=26,200KB=53,500KB=16,2MB=5", 4, NULL},
        {"64KiB", 1, NULL},
        {"1KB,2KB", 2, NULL},
        {"1KB=50%,2KB=50%", 2, NULL},
        {"1KB=33.3,2KB=33.3,3KB=33.4", 3, NULL},
        {"", 0, NULL},
        {"50KB=26,200KB=53", 0, "sizes: the weights add up to 79, not to 100"},
        {"50KB=60,200KB=53", 0, "sizes: the weights add up to 113, not to 100"},
        {"50KB=100,200KB", 0, "sizes: 1 of 2 have a weight; give all one, or none"},
        {"50XB=100", 0, "sizes: '50XB=100': no size; write 50KB=26,200KB=74"},
        {"0KB=100", 0, "sizes: '0KB=100': no size; write 50KB=26,200KB=74"},
        {"10", 0, "sizes: '10': no unit; write 10B, 50KB or 2MB"},
        {"0=100", 0, "sizes: '0=100': no unit; write 10B, 50KB or 2MB"},
        {"50KB=", 0, "sizes: '50KB=': no weight; write 50KB=26,200KB=74"},
        {"50KB=-5", 0, "sizes: '50KB=-5': no weight; write 50KB=26,200KB=74"},
        {"50KB=1x", 0, "sizes: '50KB=1x': no weight; write 50KB=26,200KB=74"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct settings_sizes sizes;
        char problem[SETTINGS_MAX_PROBLEM_BYTES] = "";
        assert_int_equal(settings_sizes(rows[i].text, &sizes, problem), rows[i].problem ? -1 : 0);
        assert_string_equal(problem, rows[i].problem ? rows[i].problem : "");
        if (!rows[i].problem)
            assert_int_equal(sizes.count, rows[i].count);
    }
    struct settings_sizes sizes;
    char problem[SETTINGS_MAX_PROBLEM_BYTES];
    assert_int_equal(settings_sizes(rows[0].text, &sizes, problem), 0);
    assert_int_equal(settings_draw(&sizes, 0), 50000);
    assert_int_equal(settings_draw(&sizes, 0.2599), 50000);
    assert_int_equal(settings_draw(&sizes, 0.2601), 200000);
    assert_int_equal(settings_draw(&sizes, 0.96), 2000000);
    assert_int_equal(settings_draw(&sizes, 0.99999), 2000000);
}

static void rates_and_shares_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes_per_s; /* -1: refused */
    } rows[] = {{"1mbit", 125000}, {"500kbit", 62500},
                {"64KB", 64000},   {"1.5MB/s", 1500000},
                {"8bit", 1},       {"", 0},
                {"0", -1},         {"fast", -1},
                {"1mbits", -1},    {"-1mbit", -1},
                {"1e3KB", -1},     {"0mbit", -1},
                {"1", -1},         {"64/s", -1}};
    char problem[SETTINGS_MAX_PROBLEM_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t rate = 0;
        int result = settings_rate(rows[i].text, &rate, problem);
        assert_int_equal(result ? -1 : (int64_t)rate, rows[i].bytes_per_s);
    }
    double share;
    enum pcm_kind kind;
    assert_int_equal(settings_share("10%", &share, problem), 0);
    assert_int_equal((int)(share * 1000 + 0.5), 100);
    assert_int_equal(settings_share("0.25", &share, problem), 0);
    assert_int_equal(settings_share("110%", &share, problem), -1);
    assert_int_equal(settings_share("ten", &share, problem), -1);
    assert_string_equal(problem, "dup: 'ten': no share; write 10% or 0.1");
    assert_int_equal(settings_kind("noise", &kind, problem), 0);
    assert_int_equal(settings_kind("speech", &kind, problem), -1);
    assert_string_equal(problem, "kind: 'speech': it is tone, noise or silence");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_read_anywhere_are_those_of_the_whole),
        cmocka_unit_test(other_stamps_are_other_samples_also_of_silence),
        cmocka_unit_test(sound_is_neither_silent_nor_clipped),
        cmocka_unit_test(wav_files_are_of_the_size_asked_for_and_recognised),
        cmocka_unit_test(a_rope_reads_the_same_in_any_pieces),
        cmocka_unit_test(streams_of_samples_are_told_from_coded_ones),
        cmocka_unit_test(sizes_are_weighted_and_must_add_up),
        cmocka_unit_test(rates_and_shares_have_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
