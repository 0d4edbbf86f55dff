/* cpu_affinity_fuzz.c - any text as --cpu-affinity: what is accepted names allowed cores, once
 * each. */
#include <assert.h>
#include <string.h>

#include "replay/cpu_affinity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cpu_affinity affinity;
    char text[256];
    struct error err;
    cpu_set_t allowed, seen;
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    CPU_ZERO(&allowed);
    CPU_ZERO(&seen);
    for (size_t i = 0; i < CPU_SETSIZE; i += 1 + i / 8)
        CPU_SET(i, &allowed);
    if (cpu_affinity_parse(text, &allowed, 2, &affinity, &err))
        return 0;
    assert(affinity.count <= (uint32_t)CPU_COUNT(&allowed));
    for (uint32_t i = 0; i < affinity.count; i++) {
        assert(CPU_ISSET(affinity.cpus[i], &allowed) && !CPU_ISSET(affinity.cpus[i], &seen));
        CPU_SET(affinity.cpus[i], &seen);
    }
    return 0;
}
