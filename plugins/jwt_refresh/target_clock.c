/* target_clock.c - how far the target's clock is ahead of ours, from the Date of its answers. */
#include "target_clock.h"

#include <string.h>

#define SECOND_US INT64_C(1000000)

/* RFC 850 writes two digits; whoever still does means this century until 2069. */
static int64_t full_year(int64_t year, size_t digits)
{
    return digits > 2 ? year : year < 70 ? 2000 + year : 1900 + year;
}

static int64_t days_from_1970(int64_t year, int month, int64_t day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t past = year - 1;
    int64_t leap_days = past / 4 - past / 100 + past / 400 - 477; /* 477 up to 1970 */
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return (year - 1970) * 365 + leap_days + before[month] + (month > 1 && is_leap) + day - 1;
}

static int month_of(reprise_bytes word)
{
    static const char names[][4] = {"jan", "feb", "mar", "apr", "may", "jun",
                                    "jul", "aug", "sep", "oct", "nov", "dec"};
    for (int i = 0; i < 12 && word.len == 3; i++) {
        if ((word.ptr[0] | ' ') == names[i][0] && (word.ptr[1] | ' ') == names[i][1] &&
            (word.ptr[2] | ' ') == names[i][2])
            return i;
    }
    return -1;
}

static bool read_clock(reprise_bytes word, int64_t *ret_s)
{
    int64_t hour, minute, second;
    if (!text_number(text_cut(&word, ':'), &hour) || !text_number(text_cut(&word, ':'), &minute) ||
        !text_number(word, &second) || hour > 23 || minute > 59 || second > 60)
        return false;
    *ret_s = hour * 3600 + minute * 60 + second;
    return true;
}

/* `count` digits; -1: something else is among them. */
static int64_t digits_at(const char *text, size_t count)
{
    int64_t number = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" and nothing else, which is what nearly all answers have. */
static bool parse_usual(reprise_bytes date, int64_t *ret_unix_s)
{
    const char *text = date.ptr;
    if (date.len != 29 || text[3] != ',' || text[4] != ' ' || text[7] != ' ' || text[11] != ' ' ||
        text[16] != ' ' || text[19] != ':' || text[22] != ':' || memcmp(text + 25, " GMT", 4) != 0)
        return false;
    int64_t day = digits_at(text + 5, 2), year = digits_at(text + 12, 4);
    int64_t hour = digits_at(text + 17, 2), minute = digits_at(text + 20, 2);
    int64_t second = digits_at(text + 23, 2);
    int month = month_of(text_from(text + 8, 3));
    if (day < 1 || day > 31 || month < 0 || year < 1970 || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60)
        return false;
    *ret_unix_s = days_from_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

bool target_clock_parse(reprise_bytes date, int64_t *ret_unix_s)
{
    int64_t day = -1, year = -1, clock_s = -1, number;
    int month = -1;
    reprise_bytes rest = date;
    if (parse_usual(date, ret_unix_s))
        return true;
    if (date.len > 64)
        return false;
    /* "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
     * "Sun Nov  6 08:49:37 1994": words in any of these orders. */
    while (rest.len) {
        reprise_bytes words = text_cut(&rest, ' ');
        if (text_has(words, ":")) {
            if (!read_clock(words, &clock_s))
                return false;
            continue;
        }
        while (words.len) {
            reprise_bytes word = text_cut(&words, '-');
            if (month < 0 && word.len == 3 && month_of(word) >= 0)
                month = month_of(word);
            else if (text_number(word, &number) && day < 0)
                day = number;
            else if (text_number(word, &number) && year < 0)
                year = full_year(number, word.len);
        }
    }
    if (day < 1 || day > 31 || month < 0 || year < 1970 || year > 9999 || clock_s < 0)
        return false;
    *ret_unix_s = days_from_1970(year, month, day) * 86400 + clock_s;
    return true;
}

/* Looking at every answer adds little to looking at each 64th of what is not known: that is as
 * narrow one second later. */
#define LOOKS_A_GAP 64

/* Where the target's clock is inside of one second for sure, its Date is known beforehand. That it
 * says something else all the same (a clock that was set) is heard at that second's end. */
bool target_clock_may_learn(const struct target_clock *clock, int64_t sent_us, int64_t received_us)
{
    bool is_quiet = sent_us >= clock->quiet_from_us && received_us < clock->quiet_until_us;
    if (!clock->is_known)
        return true;
    return !is_quiet &&
           (received_us - clock->heard_us) >= (clock->most_us - clock->least_us) / LOOKS_A_GAP;
}

void target_clock_hear(struct target_clock *clock, int64_t date_unix_s, int64_t sent_us,
                       int64_t received_us)
{
    int64_t least_us = date_unix_s * SECOND_US - received_us;
    int64_t most_us = (date_unix_s + 1) * SECOND_US - sent_us;
    bool contradicts = least_us > clock->most_us || most_us < clock->least_us;
    if (!clock->is_known || contradicts || least_us > clock->least_us)
        clock->least_us = least_us;
    if (!clock->is_known || contradicts || most_us < clock->most_us)
        clock->most_us = most_us;
    clock->is_known = true;
    clock->heard_us = received_us;
    clock->quiet_from_us = date_unix_s * SECOND_US - clock->least_us;
    clock->quiet_until_us = (date_unix_s + 1) * SECOND_US - clock->most_us;
}
