// SPDX-License-Identifier: MIT
// Slabs of an octave: all of it in one, and the rows that members of teams hold.
#pragma once

#include <omp.h>

#include "naive.h"
#include "worker/team/slab_sums.h"

static const int slab_sizes[][2] = {{1, 1}, {1, 7}, {9, 1}, {2, 2}, {13, 8}, {31, 57}}; // width, height
enum { SLAB_SIZES = sizeof slab_sizes / sizeof slab_sizes[0], BANDS_MAX = 8 };

// All rows of an octave, in the caller's memory.
static inline struct slab whole_slab(float *data, int width, int height)
{
    return (struct slab){.width = width, .height = height, .rows = {0, height}, .data = data};
}

static inline struct slab random_slab(int width, int height, uint32_t seed)
{
    struct slab slab;
    UNIT_OK(slab_create(&slab, width, height, (struct span){0, height}));
    naive_fill(slab.data, slab_count(&slab), seed);
    return slab;
}

// Few different values, so that neighbours are often equal.
static inline struct slab stepped_slab(int width, int height)
{
    struct slab slab = random_slab(width, height, 5);
    for (size_t i = 0; i < slab_count(&slab); i++)
        slab.data[i] = rintf(slab.data[i] * 2) / 2;
    return slab;
}

static inline struct slab copy_rows(const struct slab *of, struct span rows)
{
    struct slab slab;
    UNIT_OK(slab_create(&slab, of->width, of->height, rows));
    for (int c = 0; c < 3 && rows.begin < rows.end; c++)
        memcpy(slab_row(&slab, c, rows.begin), slab_row(of, c, rows.begin), slab_plane(&slab) * sizeof(float));
    return slab;
}

// Whether `part` has the same bytes as the whole in `rows`.
static inline bool same_rows(const struct slab *part, const struct slab *whole, struct span rows)
{
    bool same = true;
    for (int c = 0; c < 3; c++)
        for (int y = rows.begin; y < rows.end; y++)
            same = same && memcmp(slab_row(part, c, y), slab_row(whole, c, y), (size_t)part->width * sizeof(float)) == 0;
    return same;
}

// One row of the octave, (3, width), the caller's to free; NULL outside of it.
static inline float *neighbour(const struct slab *whole, int y)
{
    return y < 0 || y >= whole->height ? NULL : copy_rows(whole, (struct span){y, y + 1}).data;
}

// Of some rows: differences to the right and downwards.
static inline double naive_total_variation(const struct slab *image, struct span rows)
{
    double sum = 0;
    for (int c = 0; c < 3; c++)
        for (int y = rows.begin; y < rows.end; y++)
            for (int x = 0; x < image->width; x++) {
                const double here = slab_row(image, c, y)[x];
                sum += x + 1 < image->width ? fabs(slab_row(image, c, y)[x + 1] - here) : 0;
                sum += y + 1 < image->height ? fabs(slab_row(image, c, y + 1)[x] - here) : 0;
            }
    return sum;
}

// Calls check() for what every member of teams of up to five would hold, for several octaves and with several threads; make() makes what it
// compares with, with one.
static inline void for_each_member(void (*make)(int width, int height), void (*check)(struct span rows))
{
    static const int octaves[][2] = {{61, 100}, {1, 1}, {9, 33}, {40, 16}, {2, 128}, {33, 17}};
    const int most = omp_get_max_threads();
    for (int k = 0; k < 6; k++) {
        omp_set_num_threads(1);
        make(octaves[k][0], octaves[k][1]);
        for (int threads = 1; threads <= 4; threads++) {
            omp_set_num_threads(threads);
            for (int members = 1; members <= 5; members++)
                for (int m = 0; m < members; m++)
                    check(tiling_rows(octaves[k][1], members, m));
        }
    }
    omp_set_num_threads(most);
}
