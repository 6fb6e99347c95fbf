// SPDX-License-Identifier: MIT
#include "report/phases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/timing.h"

static const int64_t BYTES_MAX = (int64_t)1e15; // of a rank in a phase, so that sums of them have room

static int phase_of(const char *name)
{
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        if (strcmp(name, phase_name((enum phase)phase)) == 0)
            return phase;
    return -1;
}

// Whose it is; of one process that is both, pixels sent and received are the worker's.
static enum phase_group group_of(int phase, int rank, int ranks)
{
    return (ranks > 1 ? rank == 0 : phase < PHASE_WAIT) ? GROUP_COORDINATOR : GROUP_WORKERS;
}

static void take_part(const struct timing_part *part, const int64_t *bytes, double elapsed, struct phases *phases, enum phase_group group)
{
    double rest = elapsed;
    phases->groups[group].ranks = part->ranks;
    for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
        const double mean = part->ranks ? part->sum[phase] / part->ranks : 0;
        if (mean <= 0)
            continue;
        phases->groups[group].rows[phases->groups[group].count++] = (struct phase_row){.phase = phase,
                                                                                       .beside = timing_phase_is_beside(phase),
                                                                                       .least = part->min[phase],
                                                                                       .mean = mean,
                                                                                       .most = part->max[phase],
                                                                                       .imbalance = timing_part_imbalance(part, phase),
                                                                                       .share = elapsed > 0 ? mean / elapsed : NAN,
                                                                                       .bytes = bytes[phase]};
        rest -= timing_phase_is_beside(phase) ? 0 : mean;
    }
    phases->groups[group].other = phases->groups[group].count && rest > 0 ? rest : 0;
}

enum status phases_make(const struct timing_row *rows, size_t count, int ranks, int workers, double elapsed, struct phases *phases)
{
    struct timing *timings; // [PHASE_GROUPS][ranks]
    struct timing_part parts[PHASE_GROUPS] = {{0}};
    int64_t bytes[PHASE_GROUPS][PHASE_COUNT] = {{0}};
    memset(phases, 0, sizeof *phases);
    TRY(ALLOCATE(timings, (size_t)ranks * PHASE_GROUPS, "for the times of %d ranks", ranks));
    for (size_t i = 0; i < count; i++) {
        const int phase = phase_of(rows[i].phase), rank = rows[i].rank;
        if (phase < 0 || rank < 0 || rank >= ranks || !isfinite(rows[i].seconds) || rows[i].seconds < 0)
            continue;
        const enum phase_group group = group_of(phase, rank, ranks);
        timings[(size_t)group * (size_t)ranks + (size_t)rank].phases[phase].seconds += rows[i].seconds;
        bytes[group][phase] += rows[i].bytes >= 0 && rows[i].bytes < BYTES_MAX ? rows[i].bytes : 0;
    }
    for (int rank = 0; rank < ranks; rank++) {
        if (rank == 0)
            timing_part_add(&parts[GROUP_COORDINATOR], &timings[GROUP_COORDINATOR * (size_t)ranks]);
        if (rank >= ranks - workers)
            timing_part_add(&parts[GROUP_WORKERS], &timings[(size_t)rank + GROUP_WORKERS * (size_t)ranks]);
    }
    for (enum phase_group group = 0; group < PHASE_GROUPS; group++)
        take_part(&parts[group], bytes[group], elapsed, phases, group);
    free(timings);
    return STATUS_OK;
}

enum status phases_read(struct run_reader *reader, struct phases *phases)
{
    const struct run_facts *facts = &reader->facts;
    struct run_cursor *cursor;
    size_t count = 0;
    TRY(run_cursor_open(&cursor, reader, RUN_TIMING));
    struct timing_row *rows;
    enum status rc = ALLOCATE(rows, cursor->rows + 1, "for %zu rows of /timing", cursor->rows);
    for (const struct timing_row *row; rc == STATUS_OK && (row = run_cursor_next(cursor));)
        rows[count++] = *row;
    rc = run_cursor_close(&cursor, rc);
    if (rc == STATUS_OK)
        rc = phases_make(rows, count, facts->ranks, facts->workers, facts->elapsed_seconds, phases);
    free(rows);
    return rc;
}
