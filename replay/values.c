/* values.c - keeps the values of one user, each ready to be sent. */
#include "replay/values.h"

#include <stdlib.h>

int values_init(struct values *values, uint32_t count)
{
    *values = (struct values){0};
    if (!count)
        return 0;
    values->texts = calloc(count, sizeof *values->texts + VALUE_SMALL_BYTES);
    if (!values->texts)
        return -1;
    values->small = (char(*)[VALUE_SMALL_BYTES])(values->texts + count);
    values->count = count;
    return 0;
}

void values_forget(struct values *values, uint32_t index)
{
    struct bytes *text = &values->texts[index];
    if (text->ptr != values->small[index])
        free((char *)text->ptr);
    *text = (struct bytes){0};
}

void values_fini(struct values *values)
{
    for (uint32_t i = 0; i < values->count; i++)
        values_forget(values, i);
    free(values->texts);
    *values = (struct values){0};
}

int values_set(struct values *values, uint32_t index, enum value_form form, struct bytes text)
{
    values_forget(values, index);
    size_t len = value_form_len(form, text);
    if (len > BIRTH_MAX_BYTES || (form == VALUE_AS_IS && !http_text_is_one_line(text)))
        return -1;
    char *room = len <= VALUE_SMALL_BYTES ? values->small[index] : malloc(len);
    if (!room)
        return -1;
    if (form == VALUE_AS_IS || form == VALUE_IN_BODY)
        memcpy(room, text.ptr, len);
    else
        value_form_write(form, text, room);
    values->texts[index] = bytes_make(room, len);
    return 0;
}

uint32_t values_take(struct values *values, const struct birth *births, uint32_t count,
                     const struct http_response *response)
{
    struct birth_found found[BIRTHS_MAX];
    char room[BIRTH_MAX_BYTES];
    uint32_t taken = 0;
    births_find(births, count, response, found);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes text = birth_read(&births[i], &found[i], room);
        if (!text.ptr)
            values_forget(values, births[i].value);
        else if (values_set(values, births[i].value, births[i].form, text) == 0)
            taken++;
    }
    return taken;
}
