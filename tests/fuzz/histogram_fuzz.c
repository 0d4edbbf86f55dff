/* histogram_fuzz.c - any bytes as an encoded histogram; what is accepted survives a round trip. */
#include <assert.h>
#include <stdlib.h>

#include "core/histogram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refused_leaves_no_trace(const struct histogram *histogram)
{
    assert(histogram->count == 0 && histogram->sum == 0);
    assert(histogram_percentile(histogram, 50) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct histogram first, second;
    struct buf out = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
    histogram_init(&first);
    histogram_init(&second);
    if (histogram_decode(&first, bytes_make(data, size))) {
        check_refused_leaves_no_trace(&first);
        goto out;
    }
    uint64_t median = histogram_percentile(&first, 50);
    assert(!first.count || (median >= first.min && median <= first.max));
    assert(histogram_percentile(&first, 100) == first.max);
    assert(histogram_encode(&first, &out) == 0);
    assert(histogram_decode(&second, buf_bytes(&out)) == 0);
    assert(histogram_encode(&second, &again) == 0);
    assert(bytes_equal(buf_bytes(&out), buf_bytes(&again)));
    assert(second.count == first.count && second.sum == first.sum);
out:
    buf_fini(&out);
    buf_fini(&again);
    histogram_fini(&first);
    histogram_fini(&second);
    return 0;
}
