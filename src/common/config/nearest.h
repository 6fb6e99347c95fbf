// SPDX-License-Identifier: MIT
// "Did you mean ...?": the candidate with the smallest edit distance to what was typed.
#pragma once

#include <stddef.h>

enum { NEAREST_TEXT_MAX = 64 }; // longer texts are near nothing

struct nearest {
    char text[NEAREST_TEXT_MAX];
    char best[NEAREST_TEXT_MAX]; // what to suggest; empty while no candidate was near
    size_t distance;             // twice that of `best`, and one more where it is longer or shorter
};

void nearest_init(struct nearest *nearest, const char *text);

// Suggests `candidate` if it is nearer than those before. A candidate is near when at most a third of the letters, but always one, differ.
// Two neighbours that changed places count as one.
void nearest_offer(struct nearest *nearest, const char *candidate);

// The same, for a candidate that should be suggested under another name (its full one).
void nearest_offer_as(struct nearest *nearest, const char *candidate, const char *suggestion);

// Writes "; did you mean BEST?" into `out`, or `otherwise` when nothing was near, and returns `out`.
enum { NEAREST_HINT_MAX = 256 };
const char *nearest_hint(const struct nearest *nearest, const char *otherwise, char out[NEAREST_HINT_MAX]);
