// SPDX-License-Identifier: MIT
// The dot products are a 1 x 1 convolution with the features as its filters.
#include "kernels/execution/feature_match.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/convolution/panels.h"
#include "kernels/network/arena.h"
#include "kernels/onednn/onednn.h"
#include "kernels/simd/simd.h"

enum { GROUP_MAX = 256 };

struct feature_match {
    int count, channels;
    int group, group_count; // features in one convolution: whole blocks, the same number in all
    float *features;        // (group_count * group, channels), zeros after the first `count`
    char *panels;           // [group_count] those of a group
    size_t panel_bytes;
    int height, width; // of the activation that was matched last
    float *scores;     // (group / block, height, width, block), then `score` and `best`
    size_t bytes;
    float *score; // (height, width), as `best`
    int32_t *best;
};

// One long row of pixels under one tap.
static struct simd_phase the_phase(int positions)
{
    return (struct simd_phase){.height = 1, .width = positions, .in_step = 1, .out_step = 1, .tap_count = 1};
}

static enum status make_panels(struct feature_match *m)
{
    struct panels_source source = {.out = m->group, .in = m->channels, .kernel_h = 1, .kernel_w = 1};
    const struct simd_phase phase = the_phase(1);
    m->panel_bytes = arena_aligned(panels_direct_bytes(&source, onednn_block(), false));
    m->panels = aligned_alloc(ARENA_ALIGNMENT, (size_t)m->group_count * m->panel_bytes);
    if (!m->panels)
        return no_memory("for %d features of %d channels", m->count, m->channels);
    for (int g = 0; g < m->group_count; g++) {
        source.weights = m->features + (size_t)g * (size_t)m->group * (size_t)m->channels;
        panels_direct(&source, &phase, 1, onednn_block(), false, m->panels + (size_t)g * m->panel_bytes);
    }
    return STATUS_OK;
}

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
    TRY_OUT(ALLOCATE(m->features, (size_t)m->group_count * (size_t)m->group * (size_t)channels, "for %d features of %d channels", count,
                     channels));
    for (int p = 0; p < count; p++)
        for (int c = 0; c < channels; c++)
            m->features[(size_t)p * channels + c] = guide->data[((size_t)(c / block) * count + p) * block + c % block];
    rc = make_panels(m);
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
    free(m->scores);
    free(m->panels);
    free(m->features);
    free(m);
    *match = NULL;
}

static enum status make_room(struct feature_match *m, int height, int width)
{
    const size_t positions = (size_t)height * (size_t)width, score_bytes = arena_aligned(onednn_tensor_bytes(m->group, height, width));
    const size_t bytes = score_bytes + arena_aligned(positions * (sizeof *m->score + sizeof *m->best));
    m->height = height;
    m->width = width;
    if (bytes > m->bytes) {
        free(m->scores);
        m->bytes = 0;
        m->scores = aligned_alloc(ARENA_ALIGNMENT, bytes);
        if (!m->scores)
            return no_memory("for %zu bytes to match features", bytes);
        m->bytes = bytes;
    }
    m->score = m->scores + score_bytes / sizeof *m->scores;
    m->best = (int32_t *)(void *)(m->score + positions);
    return STATUS_OK;
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

// The scores of the features of a group at each position.
static void multiply(const struct feature_match *m, const struct tensor *a, int group)
{
    const int block = a->block, positions = a->height * a->width;
    const size_t block_values = (size_t)positions * (size_t)block;
    struct simd_out out[GROUP_MAX];
    struct simd_direct product = {.in_blocks = a->channels / block,
                                  .in_h = 1,
                                  .in_w = positions,
                                  .out = out,
                                  .out_blocks = m->group / block,
                                  .out_w = positions,
                                  .phase_count = 1,
                                  .phases = {the_phase(positions)}};
    product.phases[0].weights = m->panels + (size_t)group * m->panel_bytes;
    for (int b = 0; b < product.in_blocks; b++)
        product.in[b] = a->data + (size_t)b * block_values;
    for (int b = 0; b < product.out_blocks; b++)
        out[b] = (struct simd_out){.data = m->scores + (size_t)b * block_values};
    simd_here()->direct(&product);
}

enum status feature_match_find(struct feature_match *m, const struct tensor *a, const int32_t **best, const float **score)
{
    const size_t positions = (size_t)a->height * (size_t)a->width;
    const int block = a->block;
    assert(a->channels == m->channels && block == onednn_block() && block <= ONEDNN_BLOCK_MAX);
    TRY(make_room(m, a->height, a->width));
    for (int g = 0; g < m->group_count; g++) {
        const int first = g * m->group, left = m->count - first, filters = left < m->group ? left : m->group;
        multiply(m, a, g);
#pragma omp parallel for schedule(static)
        for (size_t p = 0; p < positions; p++) {
            float top;
            const int index =
                block == 16 ? best_of(m->scores, positions, p, filters, 16, &top) : best_of(m->scores, positions, p, filters, 8, &top);
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
