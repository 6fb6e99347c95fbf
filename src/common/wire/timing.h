// SPDX-License-Identifier: MIT
// Where a rank's time goes, and what it sends: seconds, calls and bytes of each phase; and the ranks' time together, for people to read at
// the end of a run.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

// Each phase: its number, its name and what it is.
#define PHASES(PHASE)                                                                                                                      \
    PHASE(FETCH, "fetch")             /* coordinator: reading or downloading an input, several at a time in threads of their own */        \
    PHASE(DECODE, "decode")           /* coordinator: likewise */                                                                          \
    PHASE(STEPS, "steps")             /* coordinator: what it hears from teams while they are inside an octave */                          \
    PHASE(ENCODE, "encode")           /* coordinator */                                                                                    \
    PHASE(WRITE, "write")             /* coordinator: the run file */                                                                      \
    PHASE(IDLE, "idle")               /* coordinator: nothing to do */                                                                     \
    PHASE(WAIT, "wait")               /* worker: for the next image */                                                                     \
    PHASE(SEND, "send")               /* pixels, the coordinator's to workers and theirs back */                                           \
    PHASE(RECEIVE, "receive")         /* pixels, the other end */                                                                          \
    PHASE(PREPARE, "prepare")         /* worker: memory and weights for a size of tiles that is new */                                     \
    PHASE(RESAMPLE, "resample")       /* worker: from octave to octave */                                                                  \
    PHASE(EXCHANGE, "exchange")       /* worker: what tiles need of, and owe to, other members of the team: waiting included */            \
    PHASE(FORWARD, "forward")         /* worker: the network, and the loss */                                                              \
    PHASE(BACKWARD, "backward")       /* worker: the network */                                                                            \
    PHASE(REDUCE, "reduce")           /* worker: sums over the team, waiting for the others included */                                    \
    PHASE(ATTRIBUTION, "attribution") /* worker: metrics, class activation maps, importance, guidance, frames */                           \
    PHASE(SHAPE, "shape")             /* worker: shaping and adding the gradient */

#define PHASE_NUMBER(phase, name) PHASE_##phase,
enum phase { PHASES(PHASE_NUMBER) PHASE_COUNT };

const char *phase_name(enum phase phase); // "fetch"

// Plain bytes: it travels between ranks as it is.
struct timing {
    struct {
        double seconds;
        int64_t count, bytes; // bytes: moved between ranks, by this one, or read and written
    } phases[PHASE_COUNT];
};

// Adds the time since `start` (clock.h) to a phase, and returns now.
double timing_add(struct timing *timing, enum phase phase, double start, int64_t bytes);

// to += from: for a process that plays two parts.
void timing_merge(struct timing *to, const struct timing *from);

// The seconds of the ranks of one part of a run, in each phase. Zeroed: of none.
struct timing_part {
    int ranks;
    double min[PHASE_COUNT], sum[PHASE_COUNT], max[PHASE_COUNT];
};

// Whether a phase is done in threads of its own, beside whatever else the rank does.
bool timing_phase_is_beside(enum phase phase);

void timing_part_add(struct timing_part *part, const struct timing *timing);

// How much longer than the average rank the slowest one took, 0: none. 0 too of a phase without time.
double timing_part_imbalance(const struct timing_part *part, enum phase phase);

// A line a phase that took time: least, average and most seconds of a rank, imbalance, and the share of the part's own time, `elapsed`
// seconds a rank. What is in no phase is "other", unless phases overlap and there is none. Nothing for a part without ranks.
void timing_part_print(const struct timing_part *part, const char *title, double elapsed, FILE *stream);
