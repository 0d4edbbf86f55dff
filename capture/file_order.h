/*
 * file_order.h - capture files by the time of their first packet, in whatever order they were
 * named.
 */
#ifndef REPRISE_CAPTURE_FILE_ORDER_H
#define REPRISE_CAPTURE_FILE_ORDER_H

#include <stddef.h>

#include "core/error.h"

/*
 * Sorts `names` in place; those that have no packet to go by come last, in the order given. Nothing
 * is moved when one is not a plain file ("-", a pipe): looking at it would take its first packets
 * away. EXIT_INPUT with one line when a file cannot be opened, ahead of reading any.
 */
int file_order_sort(const char **names, size_t count, struct error *err);

#endif
