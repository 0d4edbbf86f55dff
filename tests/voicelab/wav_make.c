/* wav_make.c - writes a WAV file that nobody has uploaded before: a gliding tone with breath noise.
 *
 * The same seed gives the same file. Mono, 16 bits. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 600

struct shape {
    double seconds;
    uint32_t rate;
    uint64_t seed;
    const char *path; /* NULL: stdout */
};

static void put16(FILE *out, uint32_t value)
{
    fputc((int)(value & 255u), out);
    fputc((int)(value >> 8 & 255u), out);
}

static void put32(FILE *out, uint32_t value)
{
    put16(out, value & 65535u);
    put16(out, value >> 16);
}

static void put_head(FILE *out, uint32_t rate, uint32_t data_bytes)
{
    fputs("RIFF", out);
    put32(out, 36 + data_bytes);
    fputs("WAVEfmt ", out);
    put32(out, 16);
    put16(out, 1); /* PCM */
    put16(out, 1); /* channel */
    put32(out, rate);
    put32(out, rate * 2);
    put16(out, 2);
    put16(out, 16);
    fputs("data", out);
    put32(out, data_bytes);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void put_audio(FILE *out, const struct shape *shape, uint32_t frames)
{
    uint64_t random = shape->seed * 2654435761u + 1;
    double phase = 0, pitch = 110 + (double)(next_random(&random) % 200);

    for (uint32_t i = 0; i < frames; i++) {
        double glide = 1 + 0.2 * sin((double)i / shape->rate * 5);
        double noise = (double)(next_random(&random) % 2000) - 1000;
        phase += 2 * 3.14159265358979 * pitch * glide / shape->rate;
        put16(out, (uint32_t)(int32_t)(9000 * sin(phase) + noise) & 65535u);
    }
}

static int usage(void)
{
    fputs("usage: voicelab_wav [--seconds 1.5] [--rate 16000] [--seed 1] [FILE]\n"
          "writes a mono 16-bit WAV to FILE, or to standard output\n",
          stderr);
    return 2;
}

static int parse(struct shape *shape, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            shape->path = argv[i];
            continue;
        }
        if (i + 1 == argc)
            return -1;
        if (strcmp(argv[i], "--seconds") == 0)
            shape->seconds = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--rate") == 0)
            shape->rate = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            shape->seed = strtoull(argv[++i], NULL, 10);
        else
            return -1;
    }
    return shape->seconds > 0 && shape->seconds <= SECONDS_MAX && shape->rate >= 1000 &&
                   shape->rate <= 192000
               ? 0
               : -1;
}

int main(int argc, char **argv)
{
    struct shape shape = {.seconds = 1.5, .rate = 16000, .seed = 1};

    if (parse(&shape, argc, argv))
        return usage();
    FILE *out = shape.path ? fopen(shape.path, "wbe") : stdout;
    if (!out) {
        perror(shape.path);
        return 1;
    }
    uint32_t frames = (uint32_t)(shape.seconds * shape.rate);
    put_head(out, shape.rate, frames * 2);
    put_audio(out, &shape, frames);
    if (fclose(out)) {
        perror(shape.path ? shape.path : "standard output");
        return 1;
    }
    return 0;
}
