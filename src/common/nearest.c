// SPDX-License-Identifier: MIT
#include "common/nearest.h"

#include <stdio.h>
#include <string.h>

void nearest_init(struct nearest *nearest, const char *text)
{
    size_t length = strnlen(text, NEAREST_TEXT_MAX);
    *nearest = (struct nearest){.distance = 0};
    if (length == NEAREST_TEXT_MAX)
        return;
    memcpy(nearest->text, text, length);
    nearest->distance = (length < 3 ? 1 : length / 3) + 1; // the first that is too far
}

// Levenshtein's distance, one row of the table at a time.
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[NEAREST_TEXT_MAX];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_length];
}

void nearest_offer_as(struct nearest *nearest, const char *candidate, const char *suggestion)
{
    size_t length = strnlen(candidate, NEAREST_TEXT_MAX);
    size_t suggestion_length = strnlen(suggestion, NEAREST_TEXT_MAX);
    if (nearest->distance == 0 || length == NEAREST_TEXT_MAX || suggestion_length == NEAREST_TEXT_MAX)
        return;
    size_t distance = edit_distance(nearest->text, strlen(nearest->text), candidate, length);
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
