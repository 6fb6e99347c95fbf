// SPDX-License-Identifier: MIT
// A scaling study: the times of runs of one configuration by their number of workers, and what follows of them, as long as anything does.
//
// t is the median of elapsed_seconds of the repeats: the wall time from the making of the run file, when weights and plan are there, to the
// last write. 1 is the base, the fewest workers of the study.
//   strong, the same work for all:       speed-up t1 / tN,            efficiency t1 N1 / (N tN)
//   weak, work that grows with workers:  speed-up N t1 / (N1 tN),     efficiency t1 / tN
// Where ranks shared cores neither is shown: more of them on the same cores are no more processors.
#pragma once

#include <stdio.h>

#include "report/study/study_run.h"

enum study_kind { STUDY_AUTO, STUDY_STRONG, STUDY_WEAK };

// The runs of as many workers on as many nodes.
struct study_group {
    int workers, nodes, ranks, cores; // ranks and cores: of the first of them
    size_t repeats;
    double median, least, most;         // seconds
    double work;                        // of each
    double speed_up, efficiency, ideal; // NaN where ranks shared cores; ideal: the speed-up of efficiency 1
};

struct study {
    enum study_kind kind;   // STRONG or WEAK
    struct study_run *runs; // [run_count] by workers and nodes
    size_t run_count;
    struct study_group *groups; // [group_count]; the first is the base
    size_t group_count;
    bool crowded;      // these are times, not scaling
    const char *crowd; // why: the runs'
    bool same_pictures;
};

// "strong", "weak" or "auto".
enum status study_kind_parse(const char *text, enum study_kind *kind) MUST_CHECK;

// Of an odd count the middle, of an even one the mean of the two in the middle. Sorts the values; count >= 1.
double study_median(double *values, size_t count);

// Takes over `runs`, malloc'ed. Destroy the study also after a failure. STATUS_USAGE: they are not comparable, or of neither kind, or not
// of that one.
enum status study_make(struct study_run *runs, size_t count, enum study_kind kind, struct study *study) MUST_CHECK;

// The same of output folders or run files.
enum status study_read(const char *const *given, size_t count, enum study_kind kind, struct study *study) MUST_CHECK;

void study_destroy(struct study *study); // a zeroed one is fine

// "strong", "weak", or "times": what its plot is called.
const char *study_name(const struct study *study);

// The study as Markdown: for a terminal, and for study.md.
enum status study_print(const struct study *study, FILE *stream) MUST_CHECK;

// study.md, study.csv and the plot into the folder, which is made. Without gnuplot there is a warning and no plot.
enum status study_write(const struct study *study, const char *folder) MUST_CHECK;

// The plot of a study, by gnuplot in a process of its own: <folder>/strong.svg, weak.svg or times.svg. Without gnuplot, or where it fails,
// there is a warning and *plotted is false.
enum status study_plot(const struct study *study, const char *folder, bool *plotted) MUST_CHECK;

// Its script, which writes the SVG to standard output.
void study_plot_script(const struct study *study, FILE *stream);
