// SPDX-License-Identifier: MIT
// Whole arrays from the parts that members of a team send (struct array_part).
#pragma once

#include "common/wire/messages.h"

// One that is whole: the part says what it is and spans all of it.
struct array {
    struct array_part part;
    float *values; // (channels, height, width), malloc'ed
};

// Those of one image that are not whole yet. Zeroed: none.
struct arrays {
    struct array_entry *first;
    int64_t received; // parts, ever
    int64_t bytes;    // of them
};

// Receives one part, which is on its way from `rank`: *values is malloc'ed.
enum status arrays_receive(MPI_Comm comm, int rank, struct array_part *part, float **values) MUST_CHECK;

// Puts a part in its place; takes `values` in any case. *whole is the array if that was its last part, otherwise its values are NULL.
// Refuses parts of other images than `image` and parts that do not fit.
enum status arrays_add(struct arrays *arrays, int64_t image, const struct array_part *part, float *values, struct array *whole) MUST_CHECK;

void arrays_destroy(struct arrays *arrays);
