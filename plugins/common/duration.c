/* duration.c - a time as options say it, for plugins that must tell 0 from nothing. */
#include "duration.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What one of the unit is in microseconds; 0: no unit. */
static double unit_us(const char *unit, size_t len)
{
    static const struct {
        const char *unit;
        double us;
    } units[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 6e7}, {"h", 3.6e9}, {"d", 8.64e10}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].unit) == len && memcmp(units[i].unit, unit, len) == 0)
            return units[i].us;
    return 0;
}

bool duration_read_us(const char *text, uint64_t *ret_us)
{
    double total = 0;
    bool is_bare = *text && strspn(text, "0123456789.") == strlen(text);
    for (const char *at = text; *at;) {
        char *end;
        size_t digits = strspn(at, "0123456789.");
        double value = strtod(at, &end);
        if (!digits || end != at + digits)
            return false;
        size_t len = strcspn(end, "0123456789.");
        double factor = is_bare ? 1e6 : unit_us(end, len);
        if (factor <= 0)
            return false;
        total += value * factor;
        at = end + len;
    }
    if (!(total >= 1 && total < 1e18))
        return false;
    *ret_us = (uint64_t)(total + 0.5);
    return true;
}
