// SPDX-License-Identifier: MIT
#include "weights/tfjs_manifest.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = 64, SHARDS_MAX = 1024, WEIGHTS_MAX = 4096, NAME_LENGTH_MAX = 200, RANK_MAX = 8 };
static const size_t BYTES_MAX = (size_t)1 << 30; // of all weights; the network has 87 MB as float32

static bool is_plain_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > NAME_LENGTH_MAX || name[0] == '.')
        return false;
    for (size_t i = 0; i < length; i++)
        if (name[i] == '/' || name[i] == '\\' || iscntrl((unsigned char)name[i]))
            return false;
    return true;
}

static enum status parse_shards(const json_t *paths, struct tfjs_group *group)
{
    group->shard_count = json_array_size(paths);
    if (group->shard_count == 0 || group->shard_count > SHARDS_MAX)
        return fail(STATUS_FORMAT, "paths must be a list of 1 to %d file names", SHARDS_MAX);
    TRY(ALLOCATE(group->shards, group->shard_count, "for %zu file names", group->shard_count));
    for (size_t i = 0; i < group->shard_count; i++) {
        group->shards[i] = json_string_value(json_array_get(paths, i));
        if (!group->shards[i] || !is_plain_name(group->shards[i]))
            return fail(STATUS_FORMAT, "paths[%zu] must be a plain file name in the model's own folder", i);
    }
    return STATUS_OK;
}

static enum status parse_shape(const json_t *shape, struct tfjs_weight *weight)
{
    size_t rank = json_array_size(shape);
    if (!json_is_array(shape) || rank > RANK_MAX)
        return fail(STATUS_FORMAT, "shape must be a list of at most %d numbers", RANK_MAX);
    weight->count = 1;
    weight->shape.rank = rank <= 4 ? (int)rank : -1;
    for (size_t i = 0; i < rank; i++) {
        const json_t *item = json_array_get(shape, i);
        json_int_t dim = json_integer_value(item);
        if (!json_is_integer(item) || dim < 1 || (size_t)dim > BYTES_MAX / weight->count)
            return fail(STATUS_FORMAT, "shape[%zu] must be a whole number, and the whole of at most %zu values", i, BYTES_MAX);
        weight->count *= (size_t)dim;
        if (rank <= 4)
            weight->shape.dims[i] = (int)dim;
    }
    return STATUS_OK;
}

static enum status parse_type(const json_t *entry, struct tfjs_weight *weight)
{
    static const struct {
        const char *name;
        enum tfjs_type type;
        size_t size;
        bool quantized;
    } types[] = {{"float32", TFJS_FLOAT32, 4, false}, {"int32", TFJS_OTHER, 4, false}, {"bool", TFJS_OTHER, 1, false},
                 {"float16", TFJS_FLOAT16, 2, true},  {"uint8", TFJS_UINT8, 1, true},  {"uint16", TFJS_UINT16, 2, true}};
    const json_t *quantization = json_object_get(entry, "quantization");
    const char *name = json_string_value(json_object_get(quantization ? quantization : entry, "dtype"));
    size_t i = 0, count = sizeof types / sizeof types[0];
    while (i < count && !(name && strcmp(name, types[i].name) == 0 && types[i].quantized == (quantization != NULL)))
        i++;
    if (i == count)
        return fail(STATUS_UNSUPPORTED, "%s must be %s", quantization ? "quantization.dtype" : "dtype",
                    quantization ? "uint8, uint16 or float16" : "float32, int32 or bool");
    weight->type = types[i].type;
    weight->bytes = weight->count * types[i].size;
    if (weight->type == TFJS_UINT8 || weight->type == TFJS_UINT16) {
        const json_t *scale = json_object_get(quantization, "scale"), *min = json_object_get(quantization, "min");
        weight->scale = json_number_value(scale);
        weight->min = json_number_value(min);
        if (!json_is_number(scale) || !json_is_number(min) || !isfinite(weight->scale) || !isfinite(weight->min))
            return fail(STATUS_FORMAT, "quantization needs the numbers scale and min");
    }
    return STATUS_OK;
}

static enum status parse_weights(const json_t *list, struct tfjs_group *group)
{
    enum status rc = STATUS_OK;
    group->weight_count = json_array_size(list);
    if (group->weight_count == 0 || group->weight_count > WEIGHTS_MAX)
        return fail(STATUS_FORMAT, "weights must be a list of 1 to %d entries", WEIGHTS_MAX);
    TRY(ALLOCATE(group->weights, group->weight_count, "for %zu weights", group->weight_count));
    for (size_t i = 0; i < group->weight_count && rc == STATUS_OK; i++) {
        const json_t *entry = json_array_get(list, i);
        struct tfjs_weight *weight = &group->weights[i];
        weight->name = json_string_value(json_object_get(entry, "name"));
        if (!weight->name || strlen(weight->name) > NAME_LENGTH_MAX)
            return fail(STATUS_FORMAT, "weights[%zu] must have a name of at most %d bytes", i, NAME_LENGTH_MAX);
        rc = parse_shape(json_object_get(entry, "shape"), weight);
        if (rc == STATUS_OK)
            rc = parse_type(entry, weight);
        if (rc == STATUS_OK && weight->bytes > BYTES_MAX - group->bytes)
            rc = fail(STATUS_LIMIT, "the weights are more than %zu bytes", BYTES_MAX);
        weight->offset = group->bytes;
        group->bytes += weight->bytes;
        rc = fail_in(rc, "%s", weight->name);
    }
    return rc;
}

enum status tfjs_manifest_parse(json_t *json, struct tfjs_manifest *manifest)
{
    enum status rc = STATUS_OK;
    const json_t *list = json_object_get(json, "weightsManifest");
    *manifest = (struct tfjs_manifest){.json = json, .group_count = json_array_size(list)};
    if (manifest->group_count == 0 || manifest->group_count > GROUPS_MAX)
        TRY_OUT(fail(STATUS_FORMAT, "weightsManifest must be a list of 1 to %d groups", GROUPS_MAX));
    TRY_OUT(ALLOCATE(manifest->groups, manifest->group_count, "for %zu groups", manifest->group_count));
    for (size_t i = 0; i < manifest->group_count && rc == STATUS_OK; i++) {
        const json_t *group = json_array_get(list, i);
        rc = parse_shards(json_object_get(group, "paths"), &manifest->groups[i]);
        if (rc == STATUS_OK)
            rc = parse_weights(json_object_get(group, "weights"), &manifest->groups[i]);
        rc = fail_in(rc, "weightsManifest[%zu]", i);
    }
out:
    if (rc != STATUS_OK)
        tfjs_manifest_free(manifest);
    return rc;
}

void tfjs_manifest_free(struct tfjs_manifest *manifest)
{
    for (size_t i = 0; manifest->groups && i < manifest->group_count; i++) {
        free(manifest->groups[i].shards);
        free(manifest->groups[i].weights);
    }
    free(manifest->groups);
    json_decref(manifest->json);
    *manifest = (struct tfjs_manifest){0};
}
