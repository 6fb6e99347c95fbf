// SPDX-License-Identifier: MIT
#include "report/phases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/columns.h"

static int phase_of(const char *name)
{
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        if (strcmp(name, phase_name((enum phase)phase)) == 0)
            return phase;
    return -1;
}

// Done by threads beside the rank: not of its time.
static bool is_beside(int phase)
{
    return phase == PHASE_FETCH || phase == PHASE_DECODE;
}

// Whose it is; of one process that is both, pixels sent and received are the worker's.
static enum phase_group group_of(int phase, int rank, int ranks)
{
    return (ranks > 1 ? rank == 0 : phase < PHASE_WAIT) ? GROUP_COORDINATOR : GROUP_WORKERS;
}

struct sums {
    int present; // ranks with a row
    double total, least, most;
    int64_t count, bytes;
};

static void add(struct sums *sums, const struct timing_record *row)
{
    sums->least = sums->present == 0 || row->seconds < sums->least ? row->seconds : sums->least;
    sums->most = row->seconds > sums->most ? row->seconds : sums->most;
    sums->total += row->seconds;
    sums->count += row->count;
    sums->bytes += row->bytes;
    sums->present++;
}

void phases_make(const struct timing_record *rows, size_t count, int ranks, int workers, struct phases *phases)
{
    struct sums sums[PHASE_GROUPS][PHASE_COUNT] = {{{0}}};
    double seconds[PHASE_GROUPS] = {0};
    memset(phases, 0, sizeof *phases);
    phases->groups[GROUP_WORKERS].ranks = ranks > 1 ? workers : 1;
    phases->groups[GROUP_COORDINATOR].ranks = 1;
    for (size_t i = 0; i < count; i++) {
        const int phase = phase_of(rows[i].phase);
        const enum phase_group group = group_of(phase, rows[i].rank, ranks);
        if (phase < 0 || !isfinite(rows[i].seconds) || rows[i].rank < 0 || rows[i].rank >= ranks)
            continue;
        add(&sums[group][phase], &rows[i]);
        seconds[group] += is_beside(phase) ? 0 : rows[i].seconds;
    }
    for (int g = 0; g < PHASE_GROUPS; g++)
        for (int p = 0; p < PHASE_COUNT; p++) {
            const struct sums *s = &sums[g][p];
            if (s->present == 0)
                continue;
            struct phase_row *row = &phases->groups[g].rows[phases->groups[g].count++];
            strcpy(row->phase, phase_name((enum phase)p));
            row->least = s->present < phases->groups[g].ranks ? 0 : s->least;
            row->mean = s->total / phases->groups[g].ranks;
            row->most = s->most;
            row->imbalance = row->mean > 0 ? row->most / row->mean : NAN;
            row->share = is_beside(p) || seconds[g] <= 0 ? NAN : s->total / seconds[g];
            row->count = s->count;
            row->bytes = s->bytes;
        }
}

static int64_t whole(double number)
{
    return number >= 0 && number < 9e18 ? (int64_t)number : 0;
}

static enum status read_rows(const struct columns *columns, struct timing_record *rows)
{
    double *ranks = NULL, *counts = NULL, *seconds = NULL, *bytes = NULL;
    char *names = NULL;
    enum status rc;
    TRY(columns_numbers(columns, "rank", 1, &ranks));
    TRY(columns_numbers(columns, "count", 1, &counts));
    TRY(columns_numbers(columns, "seconds", 1, &seconds));
    TRY(columns_numbers(columns, "bytes", 1, &bytes));
    TRY(columns_text(columns, "phase", RECORD_PHASE_MAX, &names));
    for (size_t i = 0; i < columns->rows; i++) {
        rows[i] = (struct timing_record){.rank = ranks[i] >= 0 && ranks[i] < INT32_MAX ? (int32_t)ranks[i] : -1,
                                         .count = whole(counts[i]),
                                         .seconds = seconds[i],
                                         .bytes = whole(bytes[i])};
        memcpy(rows[i].phase, names + i * RECORD_PHASE_MAX, RECORD_PHASE_MAX);
    }
out:
    free(ranks);
    free(counts);
    free(seconds);
    free(bytes);
    free(names);
    return rc;
}

enum status phases_read(hid_t file, const char *path, int ranks, int workers, struct phases *phases)
{
    struct columns columns;
    struct timing_record *rows = NULL;
    enum status rc;
    TRY(columns_open(file, path, "timing", &columns));
    rows = calloc(columns.rows + 1, sizeof *rows);
    rc = rows ? read_rows(&columns, rows) : fail(STATUS_LIMIT, "%s: no memory for %zu rows of /timing", path, columns.rows);
    if (rc == STATUS_OK)
        phases_make(rows, columns.rows, ranks, workers, phases);
    columns_close(&columns);
out:
    free(rows);
    return rc;
}
