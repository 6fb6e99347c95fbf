// SPDX-License-Identifier: MIT
#include "worker/team/slab.h"

#include <stdlib.h>

enum status slab_create(struct slab *field, int width, int height, struct span rows)
{
    *field = (struct slab){.width = width, .height = height, .rows = rows};
    const size_t bytes = slab_count(field) * sizeof(float);
    field->data = malloc(bytes ? bytes : 1);
    if (field->data)
        return STATUS_OK;
    *field = (struct slab){0};
    return fail(STATUS_LIMIT, "no memory for %d rows of an octave of %d x %d pixels", rows.end - rows.begin, width, height);
}

void slab_destroy(struct slab *field)
{
    free(field->data);
    *field = (struct slab){0};
}
