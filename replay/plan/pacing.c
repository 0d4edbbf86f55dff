/* pacing.c - the arithmetic of speeds and stages. */
#include "replay/plan/pacing.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/bytes.h"
#include "core/units.h"

const char *pacing_mode_name(enum pacing_mode mode)
{
    static const char *const names[] = {
        [PACING_THINK] = "think", [PACING_OPEN] = "open", [PACING_MAX] = "max"};
    assert((unsigned)mode < sizeof names / sizeof *names);
    return names[mode];
}

uint64_t pacing_scale_us(uint64_t us, double speed)
{
    double scaled_us = (double)us / speed;
    return scaled_us < (double)PACING_LONGEST_US ? (uint64_t)llround(scaled_us) : PACING_LONGEST_US;
}

int stages_add(struct stages *stages, const char *text)
{
    char duration[32];
    const char *colon = strchr(text, ':');
    uint64_t users;
    if (!colon || stages->count == STAGES_MAX || (size_t)(colon - text) >= sizeof duration ||
        !bytes_to_u64(bytes_of(colon + 1), &users) || users > STAGES_MAX_USERS)
        return -1;
    memcpy(duration, text, (size_t)(colon - text));
    duration[colon - text] = '\0';
    struct stage *stage = &stages->items[stages->count];
    if (duration_parse_us(duration, &stage->duration_us))
        return -1;
    stage->users = (uint32_t)users;
    stages->count++;
    return 0;
}

uint64_t stages_duration_us(const struct stages *stages)
{
    uint64_t total_us = 0;
    for (size_t i = 0; i < stages->count; i++)
        total_us += stages->items[i].duration_us;
    return total_us;
}

uint32_t stages_users_at(const struct stages *stages, uint64_t at_us)
{
    uint32_t from = stages->start_users;
    for (size_t i = 0; i < stages->count; i++) {
        const struct stage *stage = &stages->items[i];
        if (at_us < stage->duration_us) {
            double share = (double)at_us / (double)stage->duration_us;
            return (uint32_t)((double)from + ((double)stage->users - (double)from) * share + 1e-9);
        }
        at_us -= stage->duration_us;
        from = stage->users;
    }
    return 0;
}

uint32_t stages_most_users(const struct stages *stages)
{
    uint32_t most = stages->start_users;
    for (size_t i = 0; i < stages->count; i++)
        most = stages->items[i].users > most ? stages->items[i].users : most;
    return most;
}

/* Within one stage: the first moment at or after from_us at which more than `index` users play. */
static uint64_t start_in_stage(const struct stage *stage, uint32_t from, uint32_t index,
                               uint64_t from_us)
{
    double at_start = from, at_end = stage->users, wanted = (double)index + 1;
    double slope = (at_end - at_start) / (double)stage->duration_us;
    if (at_start + slope * (double)from_us + 1e-9 >= wanted)
        return from_us;
    if (slope <= 0 || at_end < wanted)
        return STAGES_NEVER;
    double at_us = ceil((wanted - at_start) / slope);
    return at_us < (double)stage->duration_us ? (uint64_t)at_us : STAGES_NEVER;
}

uint64_t stages_next_start_us(const struct stages *stages, uint32_t index, uint64_t from_us)
{
    uint32_t from = stages->start_users;
    uint64_t stage_start_us = 0;
    for (size_t i = 0; i < stages->count; i++) {
        const struct stage *stage = &stages->items[i];
        uint64_t inside_us = from_us > stage_start_us ? from_us - stage_start_us : 0;
        if (inside_us < stage->duration_us) {
            uint64_t at_us = start_in_stage(stage, from, index, inside_us);
            if (at_us != STAGES_NEVER)
                return stage_start_us + at_us;
        }
        stage_start_us += stage->duration_us;
        from = stage->users;
    }
    return STAGES_NEVER;
}
