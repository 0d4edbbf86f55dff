/* voicelab_wav_fuzz.c - any bytes as a WAV file: judged the same wherever they are cut, and what
 * is good is no longer good one byte shorter. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/voicelab/wav_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int judge(const uint8_t *data, size_t size, size_t step)
{
    struct wav_check check;

    wav_check_init(&check);
    for (size_t at = 0; at < size; at += step)
        wav_check_feed(&check, data + at, at + step < size ? step : size - at);
    int result = wav_check_finish(&check);
    assert(check.total_bytes == size && (result == 0) == (check.error == NULL));
    if (result == 0)
        assert(check.data_bytes > 0 && check.data_bytes < size && check.frame_bytes > 0);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int result = judge(data, size, size + 1);

    for (size_t step = 1; step <= 9; step += 4)
        assert(judge(data, size, step) == result);
    if (result == 0)
        assert(judge(data, size - 1, size) != 0);
    return 0;
}
