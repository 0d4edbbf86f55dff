/*
 * body_format.h - what a body is: by its first bytes, and where they do not say it by Content-Type.
 */
#ifndef REPRISE_TRACES_PLACES_BODY_FORMAT_H
#define REPRISE_TRACES_PLACES_BODY_FORMAT_H

#include "core/bytes.h"

enum body_format {
    BODY_OPAQUE, /* images, audio, what nobody says anything of */
    BODY_JSON,
    BODY_FORM,
    BODY_MULTIPART,
    BODY_HTML,
    BODY_XML,
    BODY_EVENTS,
    BODY_SCRIPT,
    BODY_TEXT
};

enum body_format body_format_of(struct bytes content_type, struct bytes body);

#endif
