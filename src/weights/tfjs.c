// SPDX-License-Identifier: MIT
#include "weights/tfjs.h"

#include <ctype.h>
#include <endian.h>
#include <jansson.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/half.h"
#include "weights/formats/js_literal.h"
#include "weights/keras_writer.h"

static const uint64_t JSON_BYTES_MAX = 64 << 20; // model.json
enum { GROUPS_MAX = 64, SHARDS_MAX = 1024, WEIGHTS_MAX = 4096, NAME_LENGTH_MAX = 200, RANK_MAX = 8 };
static const size_t BYTES_MAX = (size_t)1 << 30; // of all weights; the network has 87 MB as float32

enum type { TYPE_FLOAT32, TYPE_FLOAT16, TYPE_UINT8, TYPE_UINT16, TYPE_OTHER }; // TYPE_OTHER: known in size only

struct weight {
    const char *name; // as in the manifest: conv2d_1/kernel
    struct keras_shape shape;
    size_t count;         // values
    enum type type;       // as stored
    double scale, min;    // TYPE_UINT8, TYPE_UINT16: value = q * scale + min
    size_t offset, bytes; // in the group's shards joined end to end
};

struct group {
    size_t shard_count, weight_count;
    const char **shards; // plain file names
    struct weight *weights;
    size_t bytes; // of all weights
};

// The weightsManifest of a model.json: which shards there are and which weight lies where in them. Strings belong to `json`.
struct manifest {
    json_t *json;
    size_t group_count;
    struct group *groups;
};

struct import {
    const char *folder;
    bool wrapped; // files are JavaScript modules, <name>.min.js
    const struct network *network;
    struct manifest manifest;
    struct keras_model model;
    bool (*seen)[KERAS_PARTS];  // [conv_count]
    int first_conv, first_norm; // the numbers at which the two kinds of layers start
};

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

static enum status parse_shards(const json_t *paths, struct group *group)
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

static enum status parse_shape(const json_t *shape, struct weight *weight)
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

static enum status parse_type(const json_t *entry, struct weight *weight)
{
    static const struct {
        const char *name;
        enum type type;
        size_t size;
        bool quantized;
    } types[] = {{"float32", TYPE_FLOAT32, 4, false}, {"int32", TYPE_OTHER, 4, false}, {"bool", TYPE_OTHER, 1, false},
                 {"float16", TYPE_FLOAT16, 2, true},  {"uint8", TYPE_UINT8, 1, true},  {"uint16", TYPE_UINT16, 2, true}};
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
    if (weight->type == TYPE_UINT8 || weight->type == TYPE_UINT16) {
        const json_t *scale = json_object_get(quantization, "scale"), *min = json_object_get(quantization, "min");
        weight->scale = json_number_value(scale);
        weight->min = json_number_value(min);
        if (!json_is_number(scale) || !json_is_number(min) || !isfinite(weight->scale) || !isfinite(weight->min))
            return fail(STATUS_FORMAT, "quantization needs the numbers scale and min");
    }
    return STATUS_OK;
}

static enum status parse_weights(const json_t *list, struct group *group)
{
    enum status rc = STATUS_OK;
    group->weight_count = json_array_size(list);
    if (group->weight_count == 0 || group->weight_count > WEIGHTS_MAX)
        return fail(STATUS_FORMAT, "weights must be a list of 1 to %d entries", WEIGHTS_MAX);
    TRY(ALLOCATE(group->weights, group->weight_count, "for %zu weights", group->weight_count));
    for (size_t i = 0; i < group->weight_count && rc == STATUS_OK; i++) {
        const json_t *entry = json_array_get(list, i);
        struct weight *weight = &group->weights[i];
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

// Takes over `json`; the manifest is to be freed also after a failure. Counts, sizes and names are bounded; a shard's name cannot leave its
// folder.
static enum status parse_manifest(json_t *json, struct manifest *manifest)
{
    const json_t *list = json_object_get(json, "weightsManifest");
    *manifest = (struct manifest){.json = json, .group_count = json_array_size(list)};
    if (manifest->group_count == 0 || manifest->group_count > GROUPS_MAX)
        return fail(STATUS_FORMAT, "weightsManifest must be a list of 1 to %d groups", GROUPS_MAX);
    TRY(ALLOCATE(manifest->groups, manifest->group_count, "for %zu groups", manifest->group_count));
    for (size_t i = 0; i < manifest->group_count; i++) {
        const json_t *group = json_array_get(list, i);
        enum status rc = parse_shards(json_object_get(group, "paths"), &manifest->groups[i]);
        if (rc == STATUS_OK)
            rc = parse_weights(json_object_get(group, "weights"), &manifest->groups[i]);
        TRY(fail_in(rc, "weightsManifest[%zu]", i));
    }
    return STATUS_OK;
}

static void free_manifest(struct manifest *manifest)
{
    for (size_t i = 0; manifest->groups && i < manifest->group_count; i++) {
        free(manifest->groups[i].shards);
        free(manifest->groups[i].weights);
    }
    free(manifest->groups);
    json_decref(manifest->json);
}

// The JSON value that a file holds, plainly or as what its module exports.
static enum status load_json(const struct import *import, const char *path, uint64_t limit, json_t **json)
{
    enum status rc;
    void *bytes = NULL;
    char *text = NULL;
    size_t size, text_size, offset;
    json_error_t error;
    *json = NULL;
    TRY_OUT(file_read(path, limit, &bytes, &size));
    if (import->wrapped) {
        TRY_OUT(js_find_export(bytes, size, &offset));
        TRY_OUT(js_literal_to_json((const char *)bytes + offset, size - offset, &text, &text_size, NULL));
        *json = json_loadb(text, text_size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    } else {
        *json = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    }
    if (!*json)
        rc = fail(STATUS_FORMAT, "line %d, column %d: %s", error.line, error.column, error.text);
out:
    free(text);
    free(bytes);
    return rc == STATUS_OK ? rc : fail_in(rc, "%s", path);
}

static enum status load_manifest(struct import *import)
{
    char path[FILE_PATH_MAX];
    json_t *json;
    TRY(file_join(path, import->folder, "model.json"));
    import->wrapped = access(path, F_OK) != 0;
    if (import->wrapped) {
        TRY(file_join(path, import->folder, "model.min.js"));
        if (access(path, F_OK) != 0)
            return fail(STATUS_IO, "%s: neither model.json nor model.min.js is in this folder", import->folder);
    }
    TRY(load_json(import, path, JSON_BYTES_MAX, &json));
    return fail_in(parse_manifest(json, &import->manifest), "%s", path);
}

static enum status decode_base64(const char *text, size_t length, void **bytes, size_t *size)
{
    if (length == 0 || length % 4 != 0 || length > INT32_MAX)
        return fail(STATUS_FORMAT, "base64 of %zu characters is no whole number of 4", length);
    unsigned char *decoded;
    TRY(ALLOCATE(decoded, length / 4 * 3, "for %zu bytes", length / 4 * 3));
    size_t padding = (text[length - 1] == '=') + (text[length - 1] == '=' && text[length - 2] == '=');
    // OpenSSL takes white space at either end; then fewer bytes come out.
    int count = EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)length);
    if (count < 0 || (size_t)count != length / 4 * 3) {
        free(decoded);
        return fail(STATUS_FORMAT, "it exports no base64");
    }
    *bytes = decoded;
    *size = (size_t)count - padding;
    return STATUS_OK;
}

// One shard's bytes; at most `limit` of them are expected.
static enum status load_shard(const struct import *import, const char *name, size_t limit, void **bytes, size_t *size)
{
    enum status rc;
    char path[FILE_PATH_MAX], file_name[256];
    json_t *json = NULL;
    snprintf(file_name, sizeof file_name, "%s%s", name, import->wrapped ? ".min.js" : "");
    TRY_OUT(file_join(path, import->folder, file_name));
    if (!import->wrapped)
        return file_read(path, limit, bytes, size);
    TRY_OUT(load_json(import, path, limit / 3 * 4 + (1 << 20), &json)); // base64, and the module around it
    if (!json_is_string(json))
        rc = fail(STATUS_FORMAT, "it exports no string");
    else
        rc = decode_base64(json_string_value(json), json_string_length(json), bytes, size);
    rc = fail_in(rc, "%s", path);
out:
    json_decref(json);
    return rc;
}

// All shards of a group end to end, to be freed also after a failure: exactly as many bytes as its weights need.
static enum status load_group(const struct import *import, const struct group *group, unsigned char **joined)
{
    size_t used = 0;
    TRY(ALLOCATE(*joined, group->bytes, "for %zu bytes of weights", group->bytes));
    for (size_t i = 0; i < group->shard_count; i++) {
        const size_t left = group->bytes - used;
        void *bytes;
        size_t size;
        TRY(load_shard(import, group->shards[i], left, &bytes, &size));
        memcpy(*joined + used, bytes, size < left ? size : left);
        free(bytes);
        if (size > left)
            return fail(STATUS_FORMAT, "%s/%s: the shards hold more than the %zu bytes of the manifest's weights", import->folder,
                        group->shards[i], group->bytes);
        used += size;
    }
    if (used != group->bytes)
        return fail(STATUS_FORMAT, "%s: the shards hold %zu bytes, the manifest's weights need %zu", import->folder, used, group->bytes);
    return STATUS_OK;
}

// Little-endian values -> floats, with TensorFlow.js's arithmetic: double until the end.
static void decode(const struct weight *weight, const unsigned char *bytes, float *values)
{
    for (size_t i = 0; i < weight->count; i++) {
        uint16_t half = 0;
        uint32_t word = 0;
        if (weight->type == TYPE_FLOAT32) {
            memcpy(&word, bytes + 4 * i, 4);
            word = le32toh(word);
            memcpy(&values[i], &word, 4);
        } else if (weight->type == TYPE_UINT8) {
            values[i] = (float)(bytes[i] * weight->scale + weight->min);
        } else {
            memcpy(&half, bytes + 2 * i, 2);
            half = le16toh(half);
            values[i] = weight->type == TYPE_FLOAT16 ? half_to_float(half) : (float)(half * weight->scale + weight->min);
        }
    }
}

// The layer that a weight belongs to: the part of its name before the last slash.
static bool layer_of(const char *weight_name, char layer[256])
{
    const char *end = strrchr(weight_name, '/');
    if (!end)
        return false;
    const char *start = end;
    while (start > weight_name && start[-1] != '/')
        start--;
    snprintf(layer, 256, "%.*s", (int)(end - start), start);
    return true;
}

static void lower(int *least, int number)
{
    if (number >= 0 && (*least < 0 || number < *least))
        *least = number;
}

static void find_first_numbers(struct import *import)
{
    char layer[256];
    import->first_conv = import->first_norm = -1;
    for (size_t g = 0; g < import->manifest.group_count; g++) {
        const struct group *group = &import->manifest.groups[g];
        for (size_t i = 0; i < group->weight_count; i++) {
            if (!layer_of(group->weights[i].name, layer))
                continue;
            lower(&import->first_conv, keras_layer_number(layer, KERAS_CONV));
            lower(&import->first_norm, keras_layer_number(layer, KERAS_NORM));
        }
    }
}

// Puts one weight where it belongs; weights of other layers are the head's and left out.
static enum status take_weight(struct import *import, const struct weight *weight, const unsigned char *bytes)
{
    char layer[256], want[64], have[64];
    if (!layer_of(weight->name, layer))
        return STATUS_OK;
    int conv_number = keras_layer_number(layer, KERAS_CONV), norm_number = keras_layer_number(layer, KERAS_NORM);
    if (conv_number < 0 && norm_number < 0)
        return STATUS_OK;
    int conv = conv_number >= 0 ? conv_number - import->first_conv : norm_number - import->first_norm;
    int part = keras_part_find(weight->name);
    if (conv >= import->network->conv_count || part < 0 || (part == KERAS_KERNEL) != (conv_number >= 0))
        return fail(STATUS_FORMAT, "%s: InceptionV3 has no such weight; this is another network", weight->name);
    if (import->seen[conv][part])
        return fail(STATUS_FORMAT, "%s: there twice", weight->name);
    if (weight->type == TYPE_OTHER)
        return fail(STATUS_FORMAT, "%s: not of a floating type", weight->name);
    struct keras_shape shape = keras_shape(import->network, conv, part);
    bool same = shape.rank == weight->shape.rank;
    for (int i = 0; same && i < shape.rank; i++)
        same = shape.dims[i] == weight->shape.dims[i];
    if (!same) {
        keras_shape_text(&shape, want);
        keras_shape_text(&weight->shape, have);
        return fail(STATUS_FORMAT, "%s: shape %s, InceptionV3 has %s; this is another network", weight->name, have, want);
    }
    decode(weight, bytes + weight->offset, import->model.convs[conv].parts[part]);
    import->seen[conv][part] = true;
    return fail_in(keras_check_values(part, import->model.convs[conv].parts[part], weight->count), "%s", weight->name);
}

static enum status check_complete(const struct import *import)
{
    for (int conv = 0; conv < import->network->conv_count; conv++)
        for (enum keras_part part = 0; part < KERAS_PARTS; part++)
            if (!import->seen[conv][part])
                return fail(STATUS_FORMAT, "%s: %s_%d/%s is missing; this is another network", import->folder,
                            part == KERAS_KERNEL ? KERAS_CONV : KERAS_NORM,
                            conv + (part == KERAS_KERNEL ? import->first_conv : import->first_norm), keras_part_names[part]);
    return STATUS_OK;
}

enum status tfjs_import(const char *folder, const char *source_text, const char *out_path)
{
    enum status rc;
    struct import import = {.folder = folder, .network = network_inception_v3()};
    unsigned char *joined = NULL;
    TRY_OUT(load_manifest(&import));
    TRY_OUT(keras_model_create(&import.model, import.network));
    snprintf(import.model.source, sizeof import.model.source, "%s", source_text);
    TRY_OUT(ALLOCATE(import.seen, import.network->conv_count, "for the weights of %d convolutions", import.network->conv_count));
    find_first_numbers(&import);
    for (size_t g = 0; g < import.manifest.group_count; g++) {
        const struct group *group = &import.manifest.groups[g];
        TRY_OUT(load_group(&import, group, &joined));
        for (size_t i = 0; i < group->weight_count; i++)
            TRY_OUT(fail_in(take_weight(&import, &group->weights[i], joined), "%s", folder));
        free(joined);
        joined = NULL;
    }
    TRY_OUT(check_complete(&import));
    TRY_OUT(keras_write(out_path, import.network, &import.model));
out:
    free(joined);
    free(import.seen);
    keras_model_free(&import.model);
    free_manifest(&import.manifest);
    return rc;
}
