/* recorded.h - whether a recorded request has the value that a setting varies. */
#ifndef VARY_RECORDED_H
#define VARY_RECORDED_H

#include "reprise_plugin.h"

#include "setting.h"

/* RECORDED_ELSEWHERE: no request of its endpoint; RECORDED_WITHOUT: one that has no such value. */
enum recorded_finding { RECORDED_ELSEWHERE, RECORDED_WITHOUT, RECORDED_THERE };

enum recorded_finding recorded_find(const reprise_recorded *recorded,
                                    const struct setting *setting);

#endif
