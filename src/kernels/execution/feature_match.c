// SPDX-License-Identifier: MIT
// The dot products are a 1 x 1 convolution with the features as its filters.
#include "kernels/execution/feature_match.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/network/arena.h"
#include "kernels/onednn/onednn.h"

enum { GROUP_MAX = 256 };

struct feature_match {
    int count, channels;
    int group, group_count; // features in one convolution: whole blocks, the same number in all, so that one primitive serves
    float *features;        // (group_count * group, channels), zeros after the first `count`
    int height, width;      // of the activation that `conv` is for
    struct onednn_primitive *conv;
    struct onednn_weights **weights; // [group_count]
    char *memory;                    // scores (group / block, height, width, block), the primitive's scratch, `score` and `best`
    size_t score_bytes, bytes;
    float *score; // (height, width), as `best`
    int32_t *best;
};

enum status feature_match_create(struct feature_match **match, const struct tensor *guide)
{
    const int count = guide->height * guide->width, channels = guide->channels, block = guide->block;
    const int wanted = (count + GROUP_MAX - 1) / GROUP_MAX;
    enum status rc;
    assert(count > 0 && channels > 0 && channels % block == 0 && block == onednn_block());
    TRY(ALLOCATE(*match, 1, "to match features"));
    struct feature_match *m = *match;
    m->count = count;
    m->channels = channels;
    m->group = ((count + wanted - 1) / wanted + block - 1) / block * block;
    m->group_count = (count + m->group - 1) / m->group;
    TRY_OUT(ALLOCATE(m->weights, m->group_count, "for %d features of %d channels", count, channels));
    TRY_OUT(ALLOCATE(m->features, (size_t)m->group_count * (size_t)m->group * (size_t)channels, "for %d features of %d channels", count,
                     channels));
    for (int p = 0; p < count; p++)
        for (int c = 0; c < channels; c++)
            m->features[(size_t)p * channels + c] = guide->data[((size_t)(c / block) * count + p) * block + c % block];
out:
    if (rc != STATUS_OK)
        feature_match_destroy(match);
    return rc;
}

void feature_match_destroy(struct feature_match **match)
{
    struct feature_match *m = *match;
    if (!m)
        return;
    for (int g = 0; m->weights && g < m->group_count; g++)
        onednn_weights_destroy(&m->weights[g]);
    onednn_primitive_destroy(&m->conv);
    free(m->memory);
    free(m->weights);
    free(m->features);
    free(m);
    *match = NULL;
}

// Makes the primitive for activations of this size; oneDNN keeps the code of those that it made lately, so that sizes may alternate.
static enum status prepare(struct feature_match *m, int height, int width)
{
    const struct onednn_spec spec = {.kind = ONEDNN_FORWARD,
                                     .shape = {.src_channels = m->channels,
                                               .src_h = height,
                                               .src_w = width,
                                               .dst_channels = m->group,
                                               .dst_h = height,
                                               .dst_w = width,
                                               .kernel_h = 1,
                                               .kernel_w = 1,
                                               .stride = 1}};
    enum status rc = STATUS_OK;
    if (m->conv && m->height == height && m->width == width)
        goto out;
    onednn_primitive_destroy(&m->conv);
    TRY_OUT(onednn_primitive_create(&m->conv, &spec));
    m->height = height;
    m->width = width;
    for (int g = 0; g < m->group_count; g++) {
        if (m->weights[g] && onednn_weights_fit(m->weights[g], m->conv))
            continue;
        onednn_weights_destroy(&m->weights[g]);
        TRY_OUT(onednn_weights_create(&m->weights[g], m->conv, m->features + (size_t)g * (size_t)m->group * (size_t)m->channels));
    }
    // Tensors of whole blocks are multiples of 32 bytes; the scratch behind them wants 64.
    const size_t positions = (size_t)height * (size_t)width, scratch_bytes = arena_aligned(onednn_scratch_bytes(m->conv));
    m->score_bytes = arena_aligned(onednn_tensor_bytes(m->group, height, width));
    const size_t bytes = m->score_bytes + scratch_bytes + arena_aligned(positions * (sizeof *m->score + sizeof *m->best));
    if (bytes > m->bytes) {
        free(m->memory);
        m->bytes = 0;
        m->memory = aligned_alloc(ARENA_ALIGNMENT, bytes);
        if (!m->memory)
            TRY_OUT(no_memory("for %zu bytes to match features", bytes));
        m->bytes = bytes;
    }
    m->score = (float *)(void *)(m->memory + m->score_bytes + scratch_bytes);
    m->best = (int32_t *)(void *)(m->score + positions);
out:
    if (rc != STATUS_OK)
        onednn_primitive_destroy(&m->conv);
    return rc;
}

// The best of `filters` scores of position p, which lie in blocks; the first of equals. Lane by lane, then over the lanes.
// `block` is a constant where this is called, for the compiler's sake.
static inline int best_of(const float *scores, size_t positions, size_t p, int filters, int block, float *score)
{
    float top[ONEDNN_BLOCK_MAX];
    int index[ONEDNN_BLOCK_MAX] = {0}, best = 0;
    for (int lane = 0; lane < ONEDNN_BLOCK_MAX; lane++)
        top[lane] = -INFINITY;
    for (int first = 0; first < filters; first += block) {
        const float *at = scores + (size_t)first * positions + p * (size_t)block;
        for (int lane = 0; lane < block; lane++) { // what fills the last block up is no filter
            const bool better = at[lane] > top[lane] && first + lane < filters;
            top[lane] = better ? at[lane] : top[lane];
            index[lane] = better ? first + lane : index[lane];
        }
    }
    *score = top[0];
    best = index[0];
    for (int lane = 1; lane < block; lane++)
        if (top[lane] > *score || (top[lane] == *score && index[lane] < best)) {
            *score = top[lane];
            best = index[lane];
        }
    return best;
}

enum status feature_match_find(struct feature_match *m, const struct tensor *a, const int32_t **best, const float **score)
{
    const size_t positions = (size_t)a->height * (size_t)a->width;
    const int block = a->block;
    const float *scores;
    assert(a->channels == m->channels && block == onednn_block() && block <= ONEDNN_BLOCK_MAX);
    TRY(prepare(m, a->height, a->width));
    scores = (const float *)m->memory;
    for (int g = 0; g < m->group_count; g++) {
        const int first = g * m->group, left = m->count - first, filters = left < m->group ? left : m->group;
        TRY(onednn_bind(m->conv, &(struct onednn_binding){
                                     .in = a->data, .out = m->memory, .weights = m->weights[g], .scratch = m->memory + m->score_bytes}));
        TRY(onednn_run(m->conv));
#pragma omp parallel for schedule(static)
        for (size_t p = 0; p < positions; p++) {
            float top;
            const int index =
                block == 16 ? best_of(scores, positions, p, filters, 16, &top) : best_of(scores, positions, p, filters, 8, &top);
            if (g == 0 || top > m->score[p]) {
                m->best[p] = first + index;
                m->score[p] = top;
            }
        }
    }
    *best = m->best;
    *score = m->score;
    return STATUS_OK;
}

void feature_match_gather(const struct feature_match *m, float scale, const struct tensor *gradient)
{
    const size_t positions = (size_t)gradient->height * (size_t)gradient->width, block = (size_t)gradient->block;
    const size_t rows = (size_t)m->channels / block;
    assert(gradient->channels == m->channels && gradient->height == m->height && gradient->width == m->width);
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < rows; r++)
        for (size_t p = 0; p < positions; p++) {
            const float *feature = m->features + (size_t)m->best[p] * (size_t)m->channels + r * block;
            float *out = gradient->data + (r * positions + p) * block;
            for (size_t lane = 0; lane < block; lane++)
                out[lane] = scale * feature[lane];
        }
}
