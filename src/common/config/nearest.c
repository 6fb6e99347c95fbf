// SPDX-License-Identifier: MIT
#include "common/config/nearest.h"

#include <stdio.h>
#include <string.h>

void nearest_init(struct nearest *nearest, const char *text)
{
    size_t length = strnlen(text, NEAREST_TEXT_MAX);
    *nearest = (struct nearest){.distance = 0};
    if (length == NEAREST_TEXT_MAX)
        return;
    memcpy(nearest->text, text, length);
    nearest->distance = 2 * ((length < 3 ? 1 : length / 3) + 1); // the first that is too far
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

// Letters to insert, remove, replace or swap with their neighbour (optimal string alignment). Both texts are shorter than NEAREST_TEXT_MAX.
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t cost[NEAREST_TEXT_MAX][NEAREST_TEXT_MAX]; // between the first i letters of a and the first j of b
    for (size_t i = 0; i <= a_length; i++) {
        for (size_t j = 0; j <= b_length; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            cost[i][j] = least(cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]), least(cost[i - 1][j], cost[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a_length][b_length];
}

void nearest_offer_as(struct nearest *nearest, const char *candidate, const char *suggestion)
{
    size_t length = strnlen(candidate, NEAREST_TEXT_MAX);
    size_t suggestion_length = strnlen(suggestion, NEAREST_TEXT_MAX);
    if (nearest->distance == 0 || length == NEAREST_TEXT_MAX || suggestion_length == NEAREST_TEXT_MAX)
        return;
    // A digit more or less is further away than another one.
    const size_t own = strlen(nearest->text), distance = 2 * edit_distance(nearest->text, own, candidate, length) + (length != own);
    if (distance >= nearest->distance)
        return;
    nearest->distance = distance;
    memcpy(nearest->best, suggestion, suggestion_length + 1);
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    nearest_offer_as(nearest, candidate, candidate);
}

const char *nearest_hint(const struct nearest *nearest, const char *otherwise, char out[NEAREST_HINT_MAX])
{
    if (nearest->best[0])
        snprintf(out, NEAREST_HINT_MAX, "; did you mean %s?", nearest->best);
    else
        snprintf(out, NEAREST_HINT_MAX, "%s", otherwise);
    return out;
}
