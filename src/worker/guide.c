// SPDX-License-Identifier: MIT
#include "worker/guide.h"

#include <stdlib.h>

#include "kernels/match.h"

struct guide {
    struct match *match;
    size_t room; // positions
    int32_t *best;
    float *score;
};

enum status guide_create(struct guide **guide, const struct tensor *features)
{
    const size_t positions = (size_t)features->height * (size_t)features->width, channels = (size_t)features->channels;
    const size_t block = (size_t)features->block;
    enum status rc;
    struct guide *g = *guide = calloc(1, sizeof *g);
    float *rows = malloc(positions * channels * sizeof *rows); // (positions, channels)
    if (!g || !rows) {
        rc = fail(STATUS_LIMIT, "no memory for the guide's features");
        goto out;
    }
    for (size_t p = 0; p < positions; p++)
        for (size_t c = 0; c < channels; c++)
            rows[p * channels + c] = features->data[((c / block) * positions + p) * block + c % block];
    rc = match_create(&g->match, rows, (int)positions, (int)channels);
out:
    free(rows);
    return rc;
}

void guide_destroy(struct guide **guide)
{
    struct guide *g = *guide;
    if (!g)
        return;
    match_destroy(&g->match);
    free(g->best);
    free(g->score);
    free(g);
    *guide = NULL;
}

static enum status make_room(struct guide *g, size_t positions)
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

enum status guide_match(struct guide *g, const struct tensor *a, const struct rectangle *at, double *sum)
{
    enum status rc;
    TRY(make_room(g, (size_t)a->height * (size_t)a->width));
    TRY(match_find(g->match, a, g->best, g->score));
    *sum = 0;
    for (int y = at->y; y < at->y + at->height; y++)
        for (int x = at->x; x < at->x + at->width; x++)
            *sum += (double)g->score[(size_t)y * (size_t)a->width + (size_t)x];
out:
    return rc;
}

void guide_gradient(const struct guide *g, double scale, const struct tensor *gradient)
{
    match_gather(g->match, g->best, (float)scale, gradient);
}
