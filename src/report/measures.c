// SPDX-License-Identifier: MIT
#include "report/measures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Of a double: nothing else compiles.
#define OFFSET(row, member) _Generic(((row *)0)->member, double : offsetof(row, member))
#define MEASURE(name, title, unit, per_target, member)                                                                                     \
    {                                                                                                                                      \
        name, title, unit, per_target, OFFSET(struct step_row, member), OFFSET(struct picture_metrics, member)                             \
    }
#define PLAIN(member, title, unit) MEASURE(#member, title, unit, false, member)
#define PER_TARGET(member, title) MEASURE(#member, title, "", true, targets[0].member)

const struct measure measures[MEASURES] = {
    PLAIN(loss, "Loss", ""),
    PER_TARGET(score, "DeepDream score"),
    {"gradient_norm", "Gradient norm", "", false, OFFSET(struct step_row, gradient_norm), 0}, // of no picture
    PLAIN(psnr, "PSNR to the original", "dB"),
    PER_TARGET(sparsity, "Sparsity"),
    PER_TARGET(hoyer, "Hoyer sparsity"),
    PER_TARGET(diversity, "Diversity of channels"),
    PLAIN(total_variation, "Total variation", ""),
};

int measures_offset(int measure, int targets)
{
    int offset = 0;
    for (int i = 0; i < measure; i++)
        offset += measures[i].per_target ? targets : 1;
    return offset;
}

int measures_width(int targets)
{
    return measures_offset(MEASURES, targets);
}

static void take(const void *record, size_t offset, bool have, int count, double *values)
{
    for (int i = 0; i < count; i++) {
        if (have)
            memcpy(&values[i], (const char *)record + offset + (size_t)i * sizeof(struct target_metrics), sizeof *values);
        else
            values[i] = NAN;
    }
}

void measures_of_step(const struct step_row *step, const bool *have, int targets, double *values)
{
    for (int m = 0; m < MEASURES; m++)
        take(step, measures[m].in_step, have[m], measures[m].per_target ? targets : 1, values + measures_offset(m, targets));
}

enum status measures_read_pictures(struct run_reader *reader, double **values)
{
    static const char *const endings[] = {"before", "after"};
    const int targets = (int)reader->facts.targets.count;
    struct run_cursor *cursor;
    bool have[2][MEASURES];
    TRY(run_cursor_open(&cursor, reader, RUN_IMAGES));
    for (int m = 0; m < MEASURES; m++)
        for (int k = 0; k < 2; k++) {
            char name[64];
            snprintf(name, sizeof name, "%s_%s", measures[m].column, endings[k]);
            have[k][m] = run_cursor_has(cursor, name);
        }
    const enum status rc =
        ALLOCATE(*values, cursor->rows * 2 * (size_t)measures_width(targets) + 1, "for the metrics of %zu images", cursor->rows);
    double *at = *values;
    for (const struct image_row *row; rc == STATUS_OK && (row = run_cursor_next(cursor));)
        for (int k = 0; k < 2; k++, at += measures_width(targets))
            for (int m = 0; m < MEASURES; m++)
                take(k == 0 ? &row->before : &row->after, measures[m].in_picture, have[k][m], measures[m].per_target ? targets : 1,
                     at + measures_offset(m, targets));
    return run_cursor_close(&cursor, rc);
}
