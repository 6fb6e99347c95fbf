// SPDX-License-Identifier: MIT
#include "weights/formats/safetensors.h"

#include <endian.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/text.h"

static const uint64_t FORMAT_HEADER_MAX = 100 << 20; // what the format allows
static const uint64_t HEADER_BYTES_MAX = 1 << 20;    // InceptionV3 needs 60 kB; as JSON it takes 80 times as much memory
enum { LENGTH_BYTES = 8 };

// Where a tensor lies among the bytes behind the header.
struct place {
    uint64_t first, end;
    const struct stored_tensor *tensor;
};

bool safetensors_begins(const unsigned char *bytes, size_t size)
{
    uint64_t length;
    if (size < LENGTH_BYTES + 1)
        return false;
    memcpy(&length, bytes, LENGTH_BYTES);
    return le64toh(length) <= FORMAT_HEADER_MAX && bytes[LENGTH_BYTES] == '{';
}

static enum status read_type(const json_t *dtype, struct stored_tensor *tensor, uint64_t *size)
{
    static const struct {
        const char *name;
        enum stored_type type;
        unsigned char size;
    } types[] = {{"F32", STORED_F32, 4},    {"F64", STORED_F64, 8},       {"F16", STORED_F16, 2},      {"BF16", STORED_BF16, 2},
                 {"I64", STORED_OTHER, 8},  {"I32", STORED_OTHER, 4},     {"I16", STORED_OTHER, 2},    {"I8", STORED_OTHER, 1},
                 {"U64", STORED_OTHER, 8},  {"U32", STORED_OTHER, 4},     {"U16", STORED_OTHER, 2},    {"U8", STORED_OTHER, 1},
                 {"BOOL", STORED_OTHER, 1}, {"F8_E4M3", STORED_OTHER, 1}, {"F8_E5M2", STORED_OTHER, 1}};
    const char *name = json_string_value(dtype);
    for (size_t i = 0; name && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(name, types[i].name) == 0) {
            tensor->type = types[i].type;
            *size = types[i].size;
            return STATUS_OK;
        }
    return fail(STATUS_UNSUPPORTED, "its dtype is none that is known");
}

// *bytes: what a dense tensor of the shape has.
static enum status read_shape(const json_t *shape, struct stored_tensor *tensor, uint64_t *bytes)
{
    const size_t rank = json_array_size(shape);
    uint64_t stride = 1;
    if (!json_is_array(shape))
        return fail(STATUS_FORMAT, "its shape is no list");
    tensor->rank = rank <= STORED_RANK_MAX ? (int)rank : -1;
    for (size_t i = rank; i-- > 0;) {
        const json_int_t dim = json_integer_value(json_array_get(shape, i));
        if (!json_is_integer(json_array_get(shape, i)) || dim < 0 || dim > INT32_MAX)
            return fail(STATUS_FORMAT, "shape[%zu] is no size", i);
        if (rank <= STORED_RANK_MAX) {
            tensor->dims[i] = (uint64_t)dim;
            tensor->strides[i] = stride;
        }
        if (__builtin_mul_overflow(stride, (uint64_t)dim, &stride))
            return fail(STATUS_LIMIT, "its shape has more values than there can be");
    }
    return __builtin_mul_overflow(*bytes, stride, bytes) ? fail(STATUS_LIMIT, "its shape has more values than there can be") : STATUS_OK;
}

static enum status read_tensor(const json_t *entry, const unsigned char *data, uint64_t size, struct stored_tensor *tensor,
                               struct place *place)
{
    const json_t *offsets = json_object_get(entry, "data_offsets"), *first = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    uint64_t bytes = 0;
    TRY(read_type(json_object_get(entry, "dtype"), tensor, &bytes));
    TRY(read_shape(json_object_get(entry, "shape"), tensor, &bytes));
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(end) || json_integer_value(first) < 0 ||
        json_integer_value(end) < json_integer_value(first))
        return fail(STATUS_FORMAT, "its data_offsets are not two numbers, the second no less than the first");
    *place = (struct place){(uint64_t)json_integer_value(first), (uint64_t)json_integer_value(end), tensor};
    if (place->end > size)
        return fail(STATUS_FORMAT, "its data_offsets end at byte %llu, beyond the %llu that the file has; it is cut short or damaged",
                    (unsigned long long)place->end, (unsigned long long)size);
    if (place->end - place->first != bytes)
        return fail(STATUS_FORMAT, "its data_offsets hold %llu bytes, its shape needs %llu",
                    (unsigned long long)(place->end - place->first), (unsigned long long)bytes);
    tensor->bytes = data + place->first;
    return STATUS_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct place *p = a, *q = b;
    return p->first != q->first ? (p->first > q->first) - (p->first < q->first) : (p->end > q->end) - (p->end < q->end);
}

// The format has them one behind the other, to the end of the file.
static enum status check_places(struct place *places, size_t count, uint64_t size)
{
    uint64_t end = 0;
    qsort(places, count, sizeof *places, by_place);
    for (size_t i = 0; i < count; i++) {
        if (places[i].first < end)
            return fail(STATUS_FORMAT, "the data_offsets of %s and %s overlap", places[i - 1].tensor->name, places[i].tensor->name);
        if (places[i].first > end)
            return fail(STATUS_FORMAT, "before %s there are %llu bytes of no tensor", places[i].tensor->name,
                        (unsigned long long)(places[i].first - end));
        end = places[i].end;
    }
    return end == size ? STATUS_OK : fail(STATUS_FORMAT, "%llu bytes at the end are of no tensor", (unsigned long long)(size - end));
}

static enum status read_classes(const json_t *metadata, struct stored_tensors *tensors)
{
    const json_t *classes = json_object_get(metadata, "classes");
    if (!json_is_string(classes))
        return STATUS_OK;
    TRY(ALLOCATE(tensors->classes, 1, "for names of classes"));
    return fail_in(class_names_parse(json_string_value(classes), json_string_length(classes), tensors->classes), "__metadata__: classes");
}

static enum status read_header(const json_t *header, const unsigned char *data, uint64_t size, struct stored_tensors *tensors)
{
    enum status rc = STATUS_OK;
    struct place *places = NULL;
    const size_t count = json_object_size(header);
    const char *name;
    json_t *entry;
    if (count > STORED_TENSORS_MAX)
        return fail(STATUS_LIMIT, "more than %d tensors", STORED_TENSORS_MAX);
    TRY_OUT(ALLOCATE(tensors->items, count + 1, "for %zu tensors", count));
    TRY_OUT(ALLOCATE(places, count + 1, "for %zu tensors", count));
    json_object_foreach((json_t *)header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) {
            TRY_OUT(read_classes(entry, tensors));
            continue;
        }
        struct stored_tensor *tensor = &tensors->items[tensors->count];
        if (strlen(name) >= STORED_NAME_MAX)
            TRY_OUT(fail(STATUS_LIMIT, "a tensor with a name of more than %d bytes", STORED_NAME_MAX - 1));
        strcpy(tensor->name, name);
        text_make_printable(tensor->name);
        TRY_OUT(fail_in(read_tensor(entry, data, size, tensor, &places[tensors->count]), "%s", tensor->name));
        tensors->count++;
    }
    rc = check_places(places, tensors->count, size);
out:
    free(places);
    return rc;
}

enum status safetensors_read(const void *bytes, size_t size, struct stored_tensors *tensors)
{
    uint64_t length;
    json_error_t error;
    *tensors = (struct stored_tensors){0};
    if (size < LENGTH_BYTES)
        return fail(STATUS_FORMAT, "no safetensors file: %zu bytes", size);
    memcpy(&length, bytes, LENGTH_BYTES);
    length = le64toh(length);
    if (length > HEADER_BYTES_MAX || length > size - LENGTH_BYTES)
        return fail(STATUS_FORMAT, "its header is said to have %llu bytes, more than %s; it is cut short or damaged",
                    (unsigned long long)length, length > HEADER_BYTES_MAX ? "any needs" : "the file");
    const unsigned char *data = (const unsigned char *)bytes + LENGTH_BYTES;
    json_t *header = json_loadb((const char *)data, length, JSON_REJECT_DUPLICATES, &error);
    if (!header)
        return fail(STATUS_FORMAT, "its header: line %d, column %d: %s", error.line, error.column, error.text);
    const enum status rc = json_is_object(header) ? read_header(header, data + length, size - LENGTH_BYTES - length, tensors)
                                                  : fail(STATUS_FORMAT, "its header is no JSON object");
    json_decref(header);
    return rc;
}
