// SPDX-License-Identifier: MIT
// Where a rank's time goes, and what it sends: seconds, calls and bytes of each phase.
#pragma once

#include <stdint.h>

enum phase {
    PHASE_FETCH,       // coordinator: reading or downloading an input, several at a time in threads of their own
    PHASE_DECODE,      // coordinator: likewise
    PHASE_STEPS,       // coordinator: what it hears from teams while they are inside an octave
    PHASE_ENCODE,      // coordinator
    PHASE_WRITE,       // coordinator: the run file
    PHASE_IDLE,        // coordinator: nothing to do
    PHASE_WAIT,        // worker: for the next image
    PHASE_SEND,        // pixels, the coordinator's to workers and theirs back
    PHASE_RECEIVE,     // pixels, the other end
    PHASE_PREPARE,     // worker: memory and weights for a size of tiles that is new
    PHASE_RESAMPLE,    // worker: from octave to octave
    PHASE_EXCHANGE,    // worker: waiting for, packing and unpacking what tiles need of, and owe to, other members of the team
    PHASE_FORWARD,     // worker: the network, and the loss
    PHASE_BACKWARD,    // worker: the network
    PHASE_REDUCE,      // worker: sums over the team, waiting for the others included
    PHASE_ATTRIBUTION, // worker: metrics, class activation maps, importance, guidance, frames
    PHASE_SHAPE,       // worker: shaping and adding the gradient
    PHASE_COUNT
};

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
