// SPDX-License-Identifier: MIT
#include "worker/network/guide_likeness.h"

#include <stdlib.h>

#include "kernels/execution/feature_match.h"

struct guide_likeness {
    struct feature_match *match;
    size_t room; // positions
    int32_t *best;
    float *score;
};

enum status guide_likeness_create(struct guide_likeness **guide, const struct tensor *features)
{
    const size_t positions = (size_t)features->height * (size_t)features->width, channels = (size_t)features->channels;
    const size_t block = (size_t)features->block;
    enum status rc;
    struct guide_likeness *g = *guide = calloc(1, sizeof *g);
    float *rows = malloc(positions * channels * sizeof *rows); // (positions, channels)
    if (!g || !rows) {
        rc = fail(STATUS_LIMIT, "no memory for the guide's features");
        goto out;
    }
    for (size_t p = 0; p < positions; p++)
        for (size_t c = 0; c < channels; c++)
            rows[p * channels + c] = features->data[((c / block) * positions + p) * block + c % block];
    rc = feature_match_create(&g->match, rows, (int)positions, (int)channels);
out:
    free(rows);
    return rc;
}

void guide_likeness_destroy(struct guide_likeness **guide)
{
    struct guide_likeness *g = *guide;
    if (!g)
        return;
    feature_match_destroy(&g->match);
    free(g->best);
    free(g->score);
    free(g);
    *guide = NULL;
}

static enum status make_room(struct guide_likeness *g, size_t positions)
{
    if (positions <= g->room)
        return STATUS_OK;
    free(g->best);
    free(g->score);
    g->best = malloc(positions * sizeof *g->best);
    g->score = malloc(positions * sizeof *g->score);
    g->room = g->best && g->score ? positions : 0;
    return g->room ? STATUS_OK : fail(STATUS_LIMIT, "no memory to match the guide's features");
}

enum status guide_likeness_match(struct guide_likeness *g, const struct tensor *a, const struct rectangle *at, double *sum)
{
    TRY(make_room(g, (size_t)a->height * (size_t)a->width));
    TRY(feature_match_find(g->match, a, g->best, g->score));
    *sum = 0;
    for (int y = at->y; y < at->y + at->height; y++)
        for (int x = at->x; x < at->x + at->width; x++)
            *sum += (double)g->score[(size_t)y * (size_t)a->width + (size_t)x];
    return STATUS_OK;
}

void guide_likeness_gradient(const struct guide_likeness *g, double scale, const struct tensor *gradient)
{
    feature_match_gather(g->match, g->best, (float)scale, gradient);
}
