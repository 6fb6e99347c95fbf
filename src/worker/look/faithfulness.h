// SPDX-License-Identifier: MIT
// How faithful a map is to the network: what becomes of the loss L while the cells that it calls important are taken from the picture
// (deletion), and while they are put into a flat one of its mean colour (insertion). Petsiuk, Das, Saenko 2018 (arXiv:1806.07421), by cells
// as Samek et al. 2017 (doi:10.1109/TNNLS.2016.2599820), with soft borders, so that no edge is added.
#pragma once

#include "worker/look/map_list.h"
#include "worker/network/sweep.h"

struct faithfulness {
    struct image_job *job; // asked whether to stop for each loss
    struct sweep *sweep;   // of the picture's size
    struct cells cells;
    const struct slab *picture;
    struct slab *flat;                            // room: of the picture's mean colour, by faithfulness_begin()
    struct slab *mixed;                           // room
    int steps;                                    // of a curve, at least one
    double whole, none;                           // L of the picture and of the flat one, likewise
    void (*passed)(void *context, double passes); // after each loss: passes over the picture, there and back, that it was worth; or NULL
    void *context;
};

// Both curves of a map, from no cell to all: L / L(picture); and their areas over the part of the cells, by the trapezoidal rule. A good
// map has a small deletion and a large insertion. NaN where the picture's loss is not above 0.
struct faithfulness_curves {
    float *values; // [2][steps + 1] deletion, insertion
    double deletion_area, insertion_area;
};

// Collective, both. Map number `map` of the list; where it is the same everywhere, the random map of the list decides. Once the job is
// stopping, the curves are worth nothing.
enum status faithfulness_begin(struct faithfulness *f) MUST_CHECK;
enum status faithfulness_measure(struct faithfulness *f, const struct map_list *maps, int map,
                                 struct faithfulness_curves *curves) MUST_CHECK;

// Passes over the picture, there and back, that so many maps are worth, about.
double faithfulness_passes(int maps, int steps);
