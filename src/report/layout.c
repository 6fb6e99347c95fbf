// SPDX-License-Identifier: MIT
#include "report/layout.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct vectors {
    size_t count, width; // pictures, numbers of each
    float *values;       // [count][width]
    double *products;    // [count][count]
};

// To a length of 1. Channels that are not known count for nothing. Whether there is anything.
static bool scale(float *values, size_t count)
{
    double square = 0;
    for (size_t i = 0; i < count; i++) {
        values[i] = isfinite(values[i]) ? values[i] : 0;
        square += (double)values[i] * (double)values[i];
    }
    for (size_t i = 0; i < count && square > 0; i++)
        values[i] = (float)((double)values[i] / sqrt(square));
    return square > 0;
}

static enum status read_vector(struct run_reader *reader, size_t row, float *values, bool *known)
{
    *known = false;
    for (int t = 0; t < (int)reader->facts.targets.count; t++) {
        const size_t channels = (size_t)run_reader_channels(reader, t, NULL);
        if (channels == 0)
            continue;
        TRY(run_reader_importance(reader, t, row, values));
        *known = scale(values, channels) || *known;
        values += channels;
    }
    return STATUS_OK;
}

static enum status read_vectors(struct run_reader *reader, const struct run_image *const *list, size_t all, struct vectors *v,
                                struct layout *layout)
{
    const size_t most = all < LAYOUT_MOST ? all : LAYOUT_MOST;
    for (int t = 0; t < (int)reader->facts.targets.count; t++)
        v->width += (size_t)run_reader_channels(reader, t, NULL);
    TRY(ALLOCATE(v->values, most * v->width + 1, "for the importance of %zu pictures", most));
    TRY(ALLOCATE(layout->places, most + 1, "for the places of %zu pictures", most));
    layout->all = all;
    for (size_t i = 0; i < most; i++) {
        const struct run_image *image = list[i * all / most];
        bool known;
        TRY(read_vector(reader, image->row, v->values + v->count * v->width, &known));
        if (known)
            layout->places[v->count++].id = image->id;
    }
    return STATUS_OK;
}

// Of all pairs, as if the mean of all vectors had been taken from each.
static enum status multiply(struct vectors *v)
{
    const size_t n = v->count;
    double *means, all = 0;
    TRY(ALLOCATE(v->products, n * n, "for the likeness of %zu pictures", n));
    TRY(ALLOCATE(means, n, "for the likeness of %zu pictures", n));
#pragma omp parallel for schedule(dynamic, 8)
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b <= a; b++) {
            double sum = 0;
            for (size_t k = 0; k < v->width; k++)
                sum += (double)v->values[a * v->width + k] * (double)v->values[b * v->width + k];
            v->products[a * n + b] = v->products[b * n + a] = sum;
        }
    for (size_t a = 0; a < n; a++) {
        for (size_t b = 0; b < n; b++)
            means[a] += v->products[a * n + b] / (double)n;
        all += means[a] / (double)n;
    }
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++)
            v->products[a * n + b] += all - means[a] - means[b];
    free(means);
    return STATUS_OK;
}

// The largest coordinate of either is positive: an eigenvector's sign means nothing.
static float place(const double *vectors, size_t count, int column, size_t picture, double length)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fabs(vectors[2 * i + (size_t)column]) > fabs(largest) ? vectors[2 * i + (size_t)column] : largest;
    return (float)((largest < 0 ? -length : length) * vectors[2 * picture + (size_t)column]);
}

static enum status find_places(struct vectors *v, struct layout *layout)
{
    const lapack_int n = (lapack_int)v->count;
    lapack_int found, support[4];
    double *values, *vectors = NULL, trace = 0;
    enum status rc;
    for (size_t i = 0; i < v->count; i++)
        trace += v->products[i * v->count + i];
    TRY_OUT(ALLOCATE(values, v->count, "for the places of %zu pictures", v->count));
    TRY_OUT(ALLOCATE(vectors, 2 * v->count, "for the places of %zu pictures", v->count));
    // The two largest of n, which come in rising order.
    if (LAPACKE_dsyevr(LAPACK_ROW_MAJOR, 'V', 'I', 'U', n, v->products, n, 0, 0, n - 1, n, 0, &found, values, vectors, 2, support) != 0 ||
        found != 2 || !(trace > 1e-9)) // all alike
        goto out;
    for (size_t i = 0; i < v->count; i++) {
        layout->places[i].x = place(vectors, v->count, 1, i, sqrt(fmax(0, values[1])));
        layout->places[i].y = place(vectors, v->count, 0, i, sqrt(fmax(0, values[0])));
    }
    layout->shares[0] = fmax(0, values[1]) / trace;
    layout->shares[1] = fmax(0, values[0]) / trace;
    layout->count = v->count;
out:
    free(values);
    free(vectors);
    return rc;
}

enum status layout_find(struct run_reader *reader, const struct run_images *images, struct layout *layout)
{
    const struct run_image **list;
    struct vectors v = {0};
    size_t all;
    enum status rc;
    *layout = (struct layout){0};
    TRY_OUT(run_images_of_set(images, &list, &all));
    TRY_OUT(read_vectors(reader, list, all, &v, layout));
    if (v.count >= 3) {
        TRY_OUT(multiply(&v));
        rc = find_places(&v, layout);
    }
out:
    free(list);
    free(v.values);
    free(v.products);
    return rc;
}

void layout_destroy(struct layout *layout)
{
    free(layout->places);
    *layout = (struct layout){0};
}
