/* values.c - keeps the values of one user, each ready to be sent. */
#include "replay/values.h"

#include <stdlib.h>

int values_init(struct values *values, uint32_t count)
{
    *values = (struct values){0};
    if (!count)
        return 0;
    values->texts =
        calloc(count, sizeof *values->texts + VALUE_SMALL_BYTES + sizeof *values->messages);
    if (!values->texts)
        return -1;
    values->small = (char(*)[VALUE_SMALL_BYTES])(values->texts + count);
    values->messages = (uint32_t *)(void *)(values->small + count);
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

static int set_where(struct values *values, uint32_t index, enum value_form form, struct bytes text)
{
    size_t len = value_form_len(form, text);
    bool is_in_line = (form & VALUE_WHERE) == VALUE_AS_IS;
    if (len > BIRTH_MAX_BYTES || (is_in_line && !http_text_is_one_line(text)))
        return -1;
    char *room = len <= VALUE_SMALL_BYTES ? values->small[index] : malloc(len);
    if (!room)
        return -1;
    value_form_write(form, text, room);
    values->texts[index] = bytes_make(room, len);
    return 0;
}

static int set_coded(struct values *values, uint32_t index, enum value_form form, struct bytes text)
{
    char coded[BIRTH_MAX_BYTES];
    ssize_t len = value_form_code(form, text, coded, sizeof coded);
    return len < 0 ? -1 : set_where(values, index, form, bytes_make(coded, (size_t)len));
}

int values_set(struct values *values, uint32_t index, enum value_form form, struct bytes text)
{
    values_forget(values, index);
    if (form & VALUE_CODING)
        return set_coded(values, index, form, text);
    return set_where(values, index, form, text);
}

uint32_t values_take(struct values *values, const struct birth *births, uint32_t count,
                     const struct http_response *response, struct place_scratch *scratch)
{
    struct births_reader reader;
    uint32_t taken = 0;
    births_begin(&reader, births, count, response, scratch);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes text = births_read(&reader, births, i);
        if (!text.ptr)
            values_forget(values, births[i].value);
        else if (values_set(values, births[i].value, births[i].form, text) == 0)
            taken++;
    }
    return taken;
}

uint32_t values_take_message(struct values *values, const struct birth *births, uint32_t count,
                             struct bytes payload, struct place_scratch *scratch)
{
    const struct message_view message = {.side = PLACE_IN_ANSWER, .body = payload};
    uint32_t taken = 0;
    for (uint32_t i = 0; scratch && i < count; i++) {
        struct bytes text = place_find(&births[i].place, &message, scratch);
        if (!text.ptr || !text.len || values_set(values, births[i].value, births[i].form, text))
            continue;
        values->messages[births[i].value]++;
        taken++;
    }
    return taken;
}
