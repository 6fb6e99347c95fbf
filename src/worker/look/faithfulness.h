// SPDX-License-Identifier: MIT
// Whether a map shows what the loss depends on: the loss while the cells that it names first are taken from the picture (deletion), and
// while they are put into a blurred one (insertion). Petsiuk, Das, Saenko 2018 (arXiv:1806.07421), by cells as Samek et al. 2017
// (doi:10.1109/TNNLS.2016.2599820), with a blurred picture in both curves, so that no edge is added.
#pragma once

#include "worker/look/cells.h"
#include "worker/network/sweep.h"

struct faithfulness {
    struct sweep *sweep;
    struct team *team;
    struct cells cells;
    const struct slab *picture, *blurred;
    struct slab *mixed; // room
    int steps;          // of a curve, at least one
    double whole, none; // losses of the picture and of the blurred one: faithfulness_begin()
    void (*passed)(void *context, double passes);
    void *context;
};

// Both curves of a map, [steps + 1] each, from no cell to all: (L - L(blurred)) / (L(picture) - L(blurred)); and their areas over the part
// of the cells, by the trapezoidal rule. A good map has a small deletion and a large insertion. NaN where the two losses are equal.
struct faithfulness_curves {
    float *deletion, *insertion;
    double deletion_area, insertion_area;
};

// Collective, both. All hear whether the job is stopping; then the curves are not whole.
enum status faithfulness_begin(struct faithfulness *f) MUST_CHECK;
enum status faithfulness_measure(struct faithfulness *f, const int *order, struct faithfulness_curves *curves) MUST_CHECK;
