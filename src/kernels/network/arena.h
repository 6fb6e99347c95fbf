// SPDX-License-Identifier: MIT
// Lays buffers out over each other in one piece of memory by their lifetimes: two buffers that live at the same time never overlap.
#pragma once

#include <stddef.h>

#include "common/system/status.h"
#include "kernels/network/graph.h"

enum { ARENA_ALIGNMENT = 64 };

static inline size_t arena_aligned(size_t bytes)
{
    return (bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
}

// Fills every buffer's offset and returns the size of the arena in *bytes. Largest first, each at the lowest place that is free during
// its life (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, arXiv:2001.03288: greedy by size).
enum status arena_layout(struct buffer *buffers, int count, size_t *bytes) MUST_CHECK;
