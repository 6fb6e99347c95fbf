// SPDX-License-Identifier: MIT
#include "report/atlas/likeness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// The upper half of the products of all pairs, summed over the pictures.
static enum status sum_products(struct run_reader *reader, const struct run_image *const *pictures, size_t count, int target, int channels,
                                double *products)
{
    float *values;
    enum status rc = ALLOCATE(values, (size_t)channels, "for the likeness of channels");
    for (size_t i = 0; i < count && rc == STATUS_OK; i++) {
        rc = run_reader_importance(reader, target, pictures[i]->row, values);
#pragma omp parallel for schedule(dynamic, 16)
        for (int a = 0; a < channels; a++) {
            double *row = products + (size_t)a * (size_t)channels;
            const double value = isfinite(values[a]) ? (double)values[a] : 0;
            for (int b = a; b < channels && value != 0; b++)
                row[b] += isfinite(values[b]) ? value * (double)values[b] : 0;
        }
    }
    free(values);
    return rc;
}

static void keep(struct neighbour *nearest, int channel, float cosine)
{
    int place = LIKENESS_NEAREST;
    while (place > 0 && (nearest[place - 1].channel < 0 || cosine > nearest[place - 1].cosine))
        place--;
    if (place == LIKENESS_NEAREST)
        return;
    memmove(nearest + place + 1, nearest + place, (size_t)(LIKENESS_NEAREST - 1 - place) * sizeof *nearest);
    nearest[place] = (struct neighbour){channel, cosine};
}

static void choose(const double *products, int channels, struct neighbour *nearest)
{
    for (int a = 0; a < channels; a++) {
        struct neighbour *own = nearest + (size_t)a * LIKENESS_NEAREST;
        for (int k = 0; k < LIKENESS_NEAREST; k++)
            own[k].channel = -1;
        for (int b = 0; b < channels; b++) {
            const double both = products[(size_t)(a < b ? a : b) * (size_t)channels + (size_t)(a < b ? b : a)];
            const double square = products[(size_t)a * (size_t)channels + (size_t)a] * products[(size_t)b * (size_t)channels + (size_t)b];
            if (a != b && square > 0)
                keep(own, b, (float)(both / sqrt(square)));
        }
    }
}

enum status likeness_find(struct run_reader *reader, const struct run_images *images, int target, struct neighbour **nearest)
{
    const int channels = run_reader_channels(reader, target, NULL);
    const struct run_image **pictures = NULL;
    double *products = NULL;
    size_t count = 0;
    enum status rc;
    *nearest = NULL;
    TRY_OUT(ALLOCATE(*nearest, (size_t)channels * LIKENESS_NEAREST + 1, "for the likeness of %d channels", channels));
    TRY_OUT(run_images_of_set(images, &pictures, &count));
    TRY_OUT(ALLOCATE(products, (size_t)channels * (size_t)channels + 1, "for the likeness of %d channels", channels));
    TRY_OUT(sum_products(reader, pictures, count, target, channels, products));
    choose(products, channels, *nearest);
out:
    free(pictures);
    free(products);
    return rc;
}
