// SPDX-License-Identifier: MIT
#include "worker/field.h"

#include <stdlib.h>

enum status field_create(struct field *field, int width, int height, struct span rows)
{
    *field = (struct field){.width = width, .height = height, .rows = rows};
    const size_t bytes = field_count(field) * sizeof(float);
    field->data = malloc(bytes ? bytes : 1);
    if (field->data)
        return STATUS_OK;
    *field = (struct field){0};
    return fail(STATUS_LIMIT, "no memory for %d rows of an octave of %d x %d pixels", rows.end - rows.begin, width, height);
}

void field_destroy(struct field *field)
{
    free(field->data);
    *field = (struct field){0};
}
