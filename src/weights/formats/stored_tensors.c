// SPDX-License-Identifier: MIT
#include "weights/formats/stored_tensors.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/half.h"

void stored_tensors_free(struct stored_tensors *tensors)
{
    free(tensors->items);
    free(tensors->classes);
    *tensors = (struct stored_tensors){0};
}

const struct stored_tensor *stored_tensors_find(const struct stored_tensors *tensors, const char *name)
{
    for (size_t i = 0; i < tensors->count; i++)
        if (strcmp(tensors->items[i].name, name) == 0)
            return &tensors->items[i];
    return NULL;
}

size_t stored_type_size(enum stored_type type)
{
    static const size_t sizes[] = {[STORED_F32] = 4, [STORED_F64] = 8, [STORED_F16] = 2, [STORED_BF16] = 2, [STORED_OTHER] = 1};
    return sizes[type];
}

enum status stored_tensor_check(const struct stored_tensor *tensor, uint64_t first, uint64_t size)
{
    const uint64_t values = size / stored_type_size(tensor->type);
    uint64_t last = first;
    for (int i = 0; i < tensor->rank; i++)
        if (tensor->dims[i] == 0)
            return fail(STATUS_FORMAT, "%s has no values", tensor->name);
    for (int i = 0; i < tensor->rank && last < values; i++) {
        const uint64_t steps = tensor->dims[i] - 1, stride = tensor->strides[i];
        last = steps > 0 && stride > values / steps ? values : last + steps * stride;
    }
    if (last >= values)
        return fail(STATUS_FORMAT, "%s reaches beyond the %llu bytes that are stored for it", tensor->name, (unsigned long long)size);
    return STATUS_OK;
}

static float value_at(const struct stored_tensor *tensor, uint64_t at)
{
    const unsigned char *bytes = tensor->bytes + at * stored_type_size(tensor->type);
    uint64_t wide = 0;
    uint32_t word;
    float value;
    double precise;
    memcpy(&wide, bytes, stored_type_size(tensor->type));
    wide = le64toh(wide);
    if (tensor->type == STORED_F16)
        return half_to_float((uint16_t)wide);
    if (tensor->type == STORED_F64) {
        memcpy(&precise, &wide, sizeof precise);
        return (float)precise;
    }
    word = (uint32_t)(tensor->type == STORED_BF16 ? wide << 16 : wide);
    memcpy(&value, &word, sizeof value);
    return value;
}

void stored_tensor_read(const struct stored_tensor *tensor, float *values)
{
    uint64_t dims[STORED_RANK_MAX] = {1, 1, 1, 1}, strides[STORED_RANK_MAX] = {0};
    for (int i = 0; i < tensor->rank; i++) {
        dims[STORED_RANK_MAX - tensor->rank + i] = tensor->dims[i];
        strides[STORED_RANK_MAX - tensor->rank + i] = tensor->strides[i];
    }
    for (uint64_t a = 0; a < dims[0]; a++)
        for (uint64_t b = 0; b < dims[1]; b++)
            for (uint64_t c = 0; c < dims[2]; c++)
                for (uint64_t d = 0; d < dims[3]; d++)
                    *values++ = value_at(tensor, a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3]);
}
