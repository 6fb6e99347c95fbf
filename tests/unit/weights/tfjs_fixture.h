// SPDX-License-Identifier: MIT
// A full-size TensorFlow.js model of made-up numbers, in every way of storing them, plain or wrapped as JavaScript modules.
#pragma once

#include <math.h>
#include <openssl/evp.h>

#include "weights_fixture.h"

enum { SHARD_BYTES = 5 << 20, SHARDS_MAX = 32 };

struct model {
    struct fixture fixture; // values: what the import must yield
    unsigned char *bytes;   // of all weights, in the order of the manifest
    size_t size;
    int first_conv, first_norm; // numbers of the first layers
};

// How a weight is stored: kernels mostly as bytes, and some otherwise; normalisation as floats.
enum stored { STORED_FLOAT32, STORED_UINT8, STORED_UINT16, STORED_FLOAT16 };
static const char *const stored_names[] = {"float32", "uint8", "uint16", "float16"};
static const size_t stored_sizes[] = {4, 1, 2, 2};

static inline enum stored model_stored(int conv, enum keras_part part)
{
    if (part != KERAS_KERNEL)
        return conv == 2 && part == KERAS_VARIANCE ? STORED_UINT8 : STORED_FLOAT32;
    return conv % 10 == 3 ? STORED_UINT16 : conv % 10 == 7 ? STORED_FLOAT16 : conv % 10 == 9 ? STORED_FLOAT32 : STORED_UINT8;
}

static inline double model_scale(int conv, enum stored stored)
{
    return stored == STORED_UINT16 ? 1e-5 : 0.00133070638 + conv * 1e-6;
}

static inline double model_min(enum keras_part part)
{
    return part == KERAS_VARIANCE ? .0029792252462357283 : -.12109428144553128;
}

// Puts one number into the bytes, little-endian, and into the values.
static inline void model_put(struct model *model, int conv, enum keras_part part, size_t i, uint32_t *seed)
{
    enum stored stored = model_stored(conv, part);
    float *value = &model->fixture.values[conv].parts[part][i];
    uint32_t word = (uint32_t)(fixture_number(seed) * 65536.0f);
    if (stored == STORED_UINT8) {
        word &= 255;
        *value = (float)(word * model_scale(conv, stored) + model_min(part));
    } else if (stored == STORED_UINT16) {
        *value = (float)(word * model_scale(conv, stored) + model_min(part));
    } else if (stored == STORED_FLOAT16) {
        word &= 0xbfff; // below 2
        int exponent = (int)(word >> 10 & 31);
        double size = (exponent ? 1024.0 + (word & 1023) : word & 1023) * pow(2, (exponent ? exponent : 1) - 25);
        *value = (float)(word & 0x8000 ? -size : size);
    } else {
        memcpy(&word, value, sizeof word); // the fixture's own
    }
    for (size_t k = 0; k < stored_sizes[stored]; k++)
        model->bytes[model->size++] = (unsigned char)(word >> 8 * k);
}

// The manifest's entry of one weight: as JSON, or as a minifier writes it.
static inline void model_print_weight(const struct model *model, FILE *stream, int conv, enum keras_part part, bool wrapped)
{
    enum stored stored = model_stored(conv, part);
    struct keras_shape shape = keras_shape(network_inception_v3(), conv, part);
    const char *quote = wrapped ? "" : "\"";
    fprintf(stream, "{%sname%s:\"%s_%d/%s\",%sshape%s:[", quote, quote, part == KERAS_KERNEL ? KERAS_CONV : KERAS_NORM,
            conv + (part == KERAS_KERNEL ? model->first_conv : model->first_norm), keras_part_names[part], quote, quote);
    for (int i = 0; i < shape.rank; i++)
        fprintf(stream, "%s%d", i ? "," : "", shape.dims[i]);
    fprintf(stream, "],%sdtype%s:\"float32\"", quote, quote);
    if (stored != STORED_FLOAT32) {
        char min[64];
        snprintf(min, sizeof min, "%.17g", model_min(part));
        if (wrapped) // -0.12 -> -.12
            memmove(strchr(min, '0'), strchr(min, '0') + 1, strlen(strchr(min, '0')));
        fprintf(stream, ",%squantization%s:{%sdtype%s:\"%s\"", quote, quote, quote, quote, stored_names[stored]);
        if (stored != STORED_FLOAT16)
            fprintf(stream, ",%sscale%s:%.17g,%smin%s:%s", quote, quote, model_scale(conv, stored), quote, quote, min);
        fputc('}', stream);
    }
    fputs("},\n", stream);
}

static inline void model_print_manifest(const struct model *model, FILE *stream, bool wrapped)
{
    const char *quote = wrapped ? "" : "\"";
    fprintf(stream, "{%sformat%s:\"layers-model\",%strue%s:%s,%sweightsManifest%s:[{%spaths%s:[", quote, quote, quote, quote,
            wrapped ? "!0" : "true", quote, quote, quote, quote);
    for (size_t shard = 0; shard * SHARD_BYTES < model->size; shard++)
        fprintf(stream, "%s\"shard%zu\"", shard ? "," : "", shard);
    fprintf(stream, "],%sweights%s:[\n", quote, quote);
    // Normalisation first, as TensorFlow.js sorts by name; then the head, which is left out.
    for (int conv = 93; conv >= 0; conv--)
        for (enum keras_part part = KERAS_BETA; part < KERAS_PARTS; part++)
            model_print_weight(model, stream, conv, part, wrapped);
    for (int conv = 93; conv >= 0; conv--)
        model_print_weight(model, stream, conv, KERAS_KERNEL, wrapped);
    fprintf(stream, "{%sname%s:\"dense_1/bias\",%sshape%s:[5],%sdtype%s:\"int32\"}]}]}", quote, quote, quote, quote, quote, quote);
}

static inline void model_write_shards(const struct model *model, const char *folder, bool wrapped)
{
    static unsigned char text[SHARD_BYTES / 3 * 4 + 8];
    for (size_t shard = 0; shard * SHARD_BYTES < model->size; shard++) {
        char name[64], path[FILE_PATH_MAX];
        const unsigned char *bytes = model->bytes + shard * SHARD_BYTES;
        size_t rest = model->size - shard * SHARD_BYTES, size = rest < SHARD_BYTES ? rest : SHARD_BYTES;
        snprintf(name, sizeof name, "shard%zu%s", shard, wrapped ? ".min.js" : "");
        UNIT_OK(file_join(path, folder, name));
        FILE *stream = fopen(path, "wb");
        CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
        if (wrapped) {
            EVP_EncodeBlock(text, bytes, (int)size);
            fprintf(stream, "!function(){module.exports=\"%s\"}();", text);
        } else {
            fwrite(bytes, 1, size, stream);
        }
        fclose(stream);
    }
}

static inline void model_write(const struct model *model, const char *folder, bool wrapped)
{
    char path[FILE_PATH_MAX];
    UNIT_OK(file_make_folder(folder));
    UNIT_OK(file_join(path, folder, wrapped ? "model.min.js" : "model.json"));
    FILE *stream = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    if (wrapped)
        fputs("!function(f){module.exports=f()}(function(){var c={exports:{}};n.exports=", stream);
    model_print_manifest(model, stream, wrapped);
    if (wrapped)
        fputs("},{}]},{},[1])(1)});", stream);
    fclose(stream);
    model_write_shards(model, folder, wrapped);
}

static inline void model_create(struct model *model, int first_conv, int first_norm)
{
    uint32_t seed = 7;
    fixture_fill_values(&model->fixture, 3);
    model->bytes = malloc((size_t)96 << 20);
    CU_ASSERT_PTR_NOT_NULL_FATAL(model->bytes);
    model->first_conv = first_conv;
    model->first_norm = first_norm;
    model->size = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int conv = 93; conv >= 0; conv--)
            for (enum keras_part part = pass ? KERAS_KERNEL : KERAS_BETA; part < (pass ? KERAS_BETA : KERAS_PARTS); part++) {
                struct keras_shape shape = keras_shape(network_inception_v3(), conv, part);
                for (size_t i = 0; i < keras_count(&shape); i++)
                    model_put(model, conv, part, i, &seed);
            }
    memset(model->bytes + model->size, 0, 20); // the head
    model->size += 20;
}

static inline void model_destroy(struct model *model)
{
    free(model->bytes);
    free(model->fixture.values);
}
