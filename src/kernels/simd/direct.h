// SPDX-License-Identifier: MIT
// simd_direct: pixels in groups of a row, each group one product over its taps.
#pragma once

#include <omp.h>

#include "kernels/simd/finish.h"
#include "kernels/simd/multiply.h"

enum { CHUNK = 8 }; // groups that share a pass over the weights

// Neighbouring pixels of one row of the grid, all with the same taps.
struct group {
    int rows, tap_count;
    size_t out;
    struct tap taps[SIMD_TAPS_MAX];
};

// Rows of a phase's grid: pixels at the left and right where a tap falls outside go one by one, those between in groups.
struct row_groups {
    int left, inside, middle, right; // pixels, pixels, groups, pixels
};

static struct row_groups rows_of(const struct simd_phase *phase, int in_w)
{
    int first = 0, end = phase->width;
    for (int t = 0; t < phase->tap_count; t++) {
        const int dx = phase->taps[t].dx, step = phase->in_step;
        const int from = dx < 0 ? (-dx + step - 1) / step : 0, to = in_w - 1 - dx < 0 ? 0 : (in_w - 1 - dx) / step + 1;
        first = from > first ? from : first;
        end = to < end ? to : end;
    }
    first = first < phase->width ? first : phase->width;
    end = end > first ? end : first;
    return (struct row_groups){
        .left = first, .inside = end - first, .middle = (end - first + ROWS - 1) / ROWS, .right = phase->width - end};
}

// Of the weights of one tap, for each output.
static size_t words_of(const struct simd_direct *job)
{
    return weight_words(job->in_planar ? 3 : (size_t)job->in_blocks * LANES, job->in_bf16);
}

static void find_group(struct group *group, const struct simd_direct *job, const struct simd_phase *phase, const struct row_groups *rows,
                       int number)
{
    const int per_row = rows->left + rows->middle + rows->right, y = number / per_row, at = number % per_row, middle = at - rows->left;
    const int per_pixel = job->in_planar ? 1 : LANES;
    const size_t words = words_of(job);
    int x = at;
    group->rows = 1;
    if (middle >= rows->middle) {
        x = rows->left + rows->inside + middle - rows->middle;
    } else if (middle >= 0) {
        const int done = middle * ROWS;
        x = rows->left + done;
        group->rows = rows->inside - done < ROWS ? rows->inside - done : ROWS;
    }
    group->out = (size_t)(phase->out_y + y * phase->out_step) * (size_t)job->out_w + (size_t)(phase->out_x + x * phase->out_step);
    group->tap_count = 0;
    for (int t = 0; t < phase->tap_count; t++) {
        const int sy = y * phase->in_step + phase->taps[t].dy, sx = x * phase->in_step + phase->taps[t].dx;
        if (sy >= 0 && sy < job->in_h && sx >= 0 && sx < job->in_w)
            group->taps[group->tap_count++] =
                (struct tap){.offset = ((ptrdiff_t)sy * job->in_w + sx) * per_pixel, .weights = (size_t)t * words};
    }
}

static void direct_groups(const struct simd_direct *job, const struct simd_phase *phase, const struct row_groups *rows, int first, int end,
                          int first_pair, int end_pair)
{
    const size_t words = words_of(job);
    const enum source source = job->in_planar       ? SOURCE_PLANE
                               : phase->in_step > 1 ? (job->in_bf16 ? SOURCE_SKIP_BF16 : SOURCE_SKIP)
                                                    : (job->in_bf16 ? SOURCE_NEXT_BF16 : SOURCE_NEXT);
    const ptrdiff_t step = (source == SOURCE_PLANE ? 1 : LANES) * phase->in_step;
    struct group groups[CHUNK];
    lanes sums[2 * ROWS][PARTS];
    for (int g = first; g < end; g++)
        find_group(&groups[g - first], job, phase, rows, g);
    for (int pair = first_pair; pair < end_pair; pair++) {
        const int columns = 2 * pair + 1 < job->out_blocks ? 2 : 1;
        const float *weights = (const float *)phase->weights + (size_t)pair * 2 * LANES * words * (size_t)phase->tap_count;
        for (int g = 0; g < end - first; g++) {
            struct tap taps[SIMD_TAPS_MAX];
            for (int t = 0; t < groups[g].tap_count; t++)
                taps[t] = (struct tap){groups[g].taps[t].offset, groups[g].taps[t].weights * (size_t)columns * LANES};
            for (int done = 0, now; done < groups[g].rows; done += now) {
                now = rows_at_once(groups[g].rows - done);
                multiply_by_source[source](now, columns,
                                           &(struct operands){.blocks = job->in,
                                                              .block_count = job->in_planar ? 3 : job->in_blocks,
                                                              .taps = taps,
                                                              .tap_count = groups[g].tap_count,
                                                              .weights = weights},
                                           (float *)(void *)sums, ROWS * LANES);
                for (int c = 0; c < columns; c++)
                    for (int r = 0; r < now; r++)
                        finish(&job->out[2 * pair + c], groups[g].out + (size_t)((done + r) * phase->out_step), sums[c * ROWS + r]);
                for (int t = 0; t < groups[g].tap_count; t++)
                    taps[t].offset += now * step;
            }
        }
    }
}

static void direct(const struct simd_direct *job)
{
    const int threads = omp_get_max_threads(), pairs = (job->out_blocks + 1) / 2;
    for (int p = 0; p < job->phase_count; p++) {
        const struct simd_phase *phase = &job->phases[p];
        const struct row_groups rows = rows_of(phase, job->in_w);
        const int groups = phase->height * (rows.left + rows.middle + rows.right);
        if (groups == 0)
            continue;
        // The same number of chunks for each thread; pairs of outputs are spread where there are too few pixels.
        const int rounds = (groups + threads * CHUNK - 1) / (threads * CHUNK);
        const int chunks = threads * rounds < groups ? threads * rounds : groups;
        const int splits = chunks >= threads ? 1 : threads / chunks < pairs ? threads / chunks : pairs;
#pragma omp parallel for schedule(static) collapse(2)
        for (int c = 0; c < chunks; c++)
            for (int s = 0; s < splits; s++)
                direct_groups(job, phase, &rows, (int)((int64_t)groups * c / chunks), (int)((int64_t)groups * (c + 1) / chunks),
                              pairs * s / splits, pairs * (s + 1) / splits);
    }
}
