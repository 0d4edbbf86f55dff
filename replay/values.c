/* values.c - keeps the values of one user, each ready to be sent. */
#include "replay/values.h"

#include <stdlib.h>

#include "core/buf.h"

/* What only requests read that were sent when values.replaced was no more than `last_read`. */
struct retired_value {
    struct retired_value *next;
    uint64_t last_read;
    void *block; /* of one value, or all texts */
};

static void free_retired(struct values *values, uint64_t in_use_since)
{
    struct retired_value **at = &values->retired;
    while (*at) {
        struct retired_value *retired = *at;
        if (retired->last_read >= in_use_since) {
            at = &retired->next;
            continue;
        }
        *at = retired->next;
        free(retired->block);
        free(retired);
    }
}

static int retire(struct values *values, void *block)
{
    struct retired_value *retired = malloc(sizeof *retired);
    if (!retired)
        return -1;
    *retired = (struct retired_value){
        .next = values->retired, .last_read = values->replaced, .block = block};
    values->retired = retired;
    return 0;
}

int values_init(struct values *values, uint32_t count)
{
    *values = (struct values){0};
    if (!count)
        return 0;
    values->texts =
        calloc(count, sizeof *values->texts + VALUE_SMALL_BYTES + sizeof *values->messages);
    if (!values->texts)
        return -1;
    values->block = values->texts;
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
    free_retired(values, VALUES_NOT_IN_USE);
    if (values->texts != values->block)
        free(values->texts);
    free(values->block);
    *values = (struct values){0};
}

/* Whoever reads the texts goes on with those of now: what is set from here on is not theirs. */
static int leave_texts(struct values *values)
{
    struct bytes *texts = malloc(values->count * sizeof *texts);
    if (!texts || (values->texts != values->block && retire(values, values->texts))) {
        free(texts);
        return -1;
    }
    memcpy(texts, values->texts, values->count * sizeof *texts);
    values->texts = texts;
    return 0;
}

/* Their bytes stay, too; the new ones go to a block of their own. */
static int set_beside(struct values *values, uint32_t index, struct bytes written)
{
    struct bytes *text = &values->texts[index];
    bool is_small = text->ptr == values->small[index];
    char *room = malloc(written.len + 1);
    if (!room || (!is_small && retire(values, (char *)text->ptr))) {
        free(room);
        return -1;
    }
    memcpy(room, written.ptr, written.len);
    *text = bytes_make(room, written.len);
    return 0;
}

/* `text` as the form has it, in `room`; .ptr NULL: it cannot be. */
static struct bytes write_form(enum value_form form, struct bytes text, struct buf *room)
{
    char coded[BIRTH_MAX_BYTES];
    if (form & VALUE_CODING) {
        ssize_t len = value_form_code(form, text, coded, sizeof coded);
        if (len < 0)
            return (struct bytes){0};
        text = bytes_make(coded, (size_t)len);
    }
    size_t len = value_form_len(form, text);
    char *out = len <= BIRTH_MAX_BYTES ? buf_reserve(room, len + 1) : NULL;
    if (!out)
        return (struct bytes){0};
    value_form_write(form, text, out);
    return bytes_make(out, len);
}

static bool holds(const struct values *values, uint32_t i, enum value_form form, struct bytes old,
                  struct buf *room)
{
    struct bytes was = values->texts[i].ptr ? write_form(form, old, room) : (struct bytes){0};
    return was.ptr && bytes_equal(was, values->texts[i]);
}

/* How many values hold `old`; -1: one of them could not hold `text` in its form. */
static int count_holders(const struct values *values, const unsigned char *forms, struct bytes old,
                         struct bytes text, struct buf *was_room, struct buf *is_room)
{
    int count = 0;
    for (uint32_t i = 0; i < values->count; i++) {
        enum value_form form = (enum value_form)forms[i];
        if (!holds(values, i, form, old, was_room))
            continue;
        struct bytes is = write_form(form, text, is_room);
        bool breaks_line = (form & VALUE_WHERE) == VALUE_AS_IS && !http_text_is_one_line(is);
        if (!is.ptr || breaks_line)
            return -1;
        count++;
    }
    return count;
}

int values_replace(struct values *values, const unsigned char *forms, struct bytes old,
                   struct bytes text, uint64_t in_use_since)
{
    struct buf was_room = BUF_INIT(BIRTH_MAX_BYTES + 1), is_room = BUF_INIT(BIRTH_MAX_BYTES + 1);
    int count = count_holders(values, forms, old, text, &was_room, &is_room);
    bool is_in_use = in_use_since != VALUES_NOT_IN_USE;
    free_retired(values, in_use_since);
    if (count > 0 && is_in_use && leave_texts(values))
        count = -1;
    for (uint32_t i = 0; i < values->count && count > 0; i++) {
        enum value_form form = (enum value_form)forms[i];
        if (!holds(values, i, form, old, &was_room))
            continue;
        int result = is_in_use ? set_beside(values, i, write_form(form, text, &is_room))
                               : values_set(values, i, form, text);
        if (result)
            count = -1;
    }
    buf_fini(&was_room);
    buf_fini(&is_room);
    values->replaced += count != 0;
    return count;
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

static uint32_t take_some(struct values *values, const struct birth *births, uint32_t count,
                          struct births_reader *reader)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes text = births_read(reader, births, i);
        if (!text.ptr)
            values_forget(values, births[i].value);
        else if (values_set(values, births[i].value, births[i].form, text) == 0)
            taken++;
    }
    return taken;
}

uint32_t values_take(struct values *values, const struct birth *births, uint32_t count,
                     const struct http_response *response, struct place_scratch *scratch)
{
    struct births_reader reader;
    uint32_t taken = 0;
    for (uint32_t at = 0; at < count; at += BIRTHS_AT_ONCE) {
        uint32_t some = count - at < BIRTHS_AT_ONCE ? count - at : BIRTHS_AT_ONCE;
        births_begin(&reader, births + at, some, response, scratch);
        taken += take_some(values, births + at, some, &reader);
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
