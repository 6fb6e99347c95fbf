// SPDX-License-Identifier: MIT
// What a team finds out about an image besides its dream: frames, which go to the film, class activation maps and the importance of
// channels, which go to the run file.
#ifndef ONEIROS_COORDINATOR_FINDINGS_H
#define ONEIROS_COORDINATOR_FINDINGS_H

#include "coordinator/arrays.h"
#include "coordinator/explain_file.h"
#include "coordinator/film.h"
#include "coordinator/run_file.h"

struct findings {
    struct arrays arrays;             // on their way
    struct film *film;                // NULL: none is made
    struct explain_file *explanation; // NULL: none is made
    enum status status;               // why the film or the explanation was given up
    char error[STATUS_MESSAGE_MAX];
    struct finding_map *maps;              // of frames whose pixels have not come yet, the latest first
    float *importance[CONFIG_TARGETS_MAX]; // [channels] of each target; NULL: not known
};

// Takes one part that is on its way from `rank`. Maps go to the run file, and STATUS_IO is that file's alone: the part has been taken. What
// the importance of channels is made of goes to the image's record. A film or an explanation that cannot be written is given up, which is
// no error here.
enum status findings_receive(struct findings *findings, MPI_Comm comm, int rank, struct image_record *record, const struct config *config,
                             struct run_file *file) MUST_CHECK;

// An unfinished film or explanation leaves nothing.
void findings_destroy(struct findings *findings);

#endif
