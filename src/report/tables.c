// SPDX-License-Identifier: MIT
#include "report/tables.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runfile/run_csv.h"
#include "runfile/run_summary.h"

struct writing {
    struct run_reader *reader;
    const char *folder;
    struct run_summary summary;
    struct file_writer file; // of the table under way
    struct run_csv csv;
};

static enum status begin(struct writing *w, enum run_dataset table, const char *name, const char *first)
{
    char path[FILE_PATH_MAX];
    TRY(file_join(path, w->folder, name));
    TRY(file_create(&w->file, path));
    w->csv = (struct run_csv){.stream = w->file.stream, .targets = &w->reader->facts.targets};
    run_csv_line(&w->csv, table, first, NULL);
    return STATUS_OK;
}

// A table of the file as it is.
static enum status write_rows(struct writing *w, enum run_dataset table, const char *name)
{
    struct run_cursor *cursor;
    const void *record;
    TRY(begin(w, table, name, NULL));
    TRY(run_cursor_open(&cursor, w->reader, table));
    while ((record = run_cursor_next(cursor)))
        run_csv_line(&w->csv, table, NULL, record);
    TRY(run_cursor_close(&cursor, STATUS_OK));
    return file_commit(&w->file);
}

// Records of the summary, `size` bytes each.
static enum status write_records(struct writing *w, enum run_dataset table, const char *name, const void *records, size_t count,
                                 size_t size)
{
    TRY(begin(w, table, name, NULL));
    for (size_t i = 0; i < count; i++)
        run_csv_line(&w->csv, table, NULL, (const char *)records + i * size);
    return file_commit(&w->file);
}

struct score {
    struct faithfulness_row row;
    size_t place;
};

static int by_picture(const void *a, const void *b)
{
    const struct score *x = a, *y = b;
    return x->row.image != y->row.image ? (x->row.image > y->row.image) - (x->row.image < y->row.image)
                                        : (x->place > y->place) - (x->place < y->place);
}

// Maps stand in the file as their pictures were finished; here they are in the order of the pictures.
static enum status write_scores(struct writing *w)
{
    struct run_cursor *cursor = NULL;
    struct score *scores = NULL;
    const void *record;
    size_t count = 0;
    enum status rc;
    TRY_OUT(run_cursor_open(&cursor, w->reader, RUN_FAITHFULNESS));
    TRY_OUT(ALLOCATE(scores, cursor->rows + 1, "for the rows of %zu maps", cursor->rows));
    for (; count < cursor->rows && (record = run_cursor_next(cursor)); count++)
        scores[count] = (struct score){*(const struct faithfulness_row *)record, count};
    TRY_OUT(run_cursor_close(&cursor, STATUS_OK));
    qsort(scores, count, sizeof *scores, by_picture);
    TRY_OUT(begin(w, RUN_FAITHFULNESS, "faithfulness.csv", NULL));
    for (size_t i = 0; i < count; i++)
        run_csv_line(&w->csv, RUN_FAITHFULNESS, NULL, &scores[i].row);
    rc = file_commit(&w->file);
out:
    rc = run_cursor_close(&cursor, rc);
    free(scores);
    return rc;
}

// The channels of all targets, one behind the other.
static enum status write_importance(struct writing *w)
{
    TRY(begin(w, RUN_SUMMARY_IMPORTANCE, "importance.csv", "target"));
    for (size_t t = 0; t < w->reader->facts.targets.count; t++)
        for (int c = 0; c < w->summary.channel_counts[t]; c++)
            run_csv_line(&w->csv, RUN_SUMMARY_IMPORTANCE, w->reader->facts.targets.items[t], &w->summary.channels[t][c]);
    return file_commit(&w->file);
}

enum status tables_write(const char *run, const char *folder, char *where)
{
    char path[FILE_PATH_MAX]; // of the run file, which dirname() cuts
    struct writing w = {0};
    enum status rc;
    TRY_OUT(run_reader_open(&w.reader, run));
    memcpy(path, w.reader->path, sizeof path);
    w.folder = folder ? folder : dirname(path);
    snprintf(where, FILE_PATH_MAX, "%s", w.folder);
    if (folder)
        TRY_OUT(file_make_folder(folder));
    TRY_OUT(run_summary_make(&w.summary, w.reader->path));
    TRY_OUT(write_rows(&w, RUN_IMAGES, "images.csv"));
    TRY_OUT(write_rows(&w, RUN_STEPS, "steps.csv"));
    const struct run_summary *sum = &w.summary;
    TRY_OUT(write_records(&w, RUN_SUMMARY_METRICS, "metrics.csv", sum->metrics, sum->metric_count, sizeof *sum->metrics));
    TRY_OUT(write_records(&w, RUN_SUMMARY_OUTLIERS, "outliers.csv", sum->outliers, sum->outlier_count, sizeof *sum->outliers));
    TRY_OUT(write_scores(&w));
    TRY_OUT(write_records(&w, RUN_SUMMARY_FAITHFULNESS, "faithfulness_summary.csv", sum->scores, sum->score_count, sizeof *sum->scores));
    rc = write_importance(&w);
out:
    file_abandon(&w.file);
    run_summary_destroy(&w.summary);
    run_reader_close(&w.reader);
    return rc;
}
