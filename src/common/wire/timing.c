// SPDX-License-Identifier: MIT
#include "common/wire/timing.h"

#include "common/system/clock.h"

const char *phase_name(enum phase phase)
{
    static const char *const names[PHASE_COUNT] = {
        [PHASE_FETCH] = "fetch",
        [PHASE_DECODE] = "decode",
        [PHASE_STEPS] = "steps",
        [PHASE_ENCODE] = "encode",
        [PHASE_WRITE] = "write",
        [PHASE_IDLE] = "idle",
        [PHASE_WAIT] = "wait",
        [PHASE_SEND] = "send",
        [PHASE_RECEIVE] = "receive",
        [PHASE_RESAMPLE] = "resample",
        [PHASE_EXCHANGE] = "exchange",
        [PHASE_FORWARD] = "forward",
        [PHASE_BACKWARD] = "backward",
        [PHASE_REDUCE] = "reduce",
        [PHASE_SHAPE] = "shape",
        [PHASE_PREPARE] = "prepare",
        [PHASE_ATTRIBUTION] = "attribution",
    };
    return names[phase];
}

double timing_add(struct timing *timing, enum phase phase, double start, int64_t bytes)
{
    const double end = now();
    timing->phases[phase].seconds += end - start;
    timing->phases[phase].count++;
    timing->phases[phase].bytes += bytes;
    return end;
}

void timing_merge(struct timing *to, const struct timing *from)
{
    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        to->phases[phase].seconds += from->phases[phase].seconds;
        to->phases[phase].count += from->phases[phase].count;
        to->phases[phase].bytes += from->phases[phase].bytes;
    }
}
