// SPDX-License-Identifier: MIT
// Scaling studies beside numbers found by hand, and what is never called scaling.
#include "report/study/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run_file_check.h"
#include "run_file_rows.h"
#include "scratch.h"
#include "unit.h"

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static struct study_run run_of(int workers, int nodes, double seconds, double work)
{
    struct study_run run = {.kind = "dream",
                            .version = "1",
                            .ranks = workers + 1,
                            .workers = workers,
                            .nodes = nodes,
                            .cores = 64,
                            .seconds = seconds,
                            .work = work,
                            .images = 4};
    config_init(&run.config);
    snprintf(run.path, sizeof run.path, "run-%d-%g/run.h5", workers, seconds);
    return run;
}

static struct study_run *copy(const struct study_run *runs, size_t count)
{
    struct study_run *own = malloc(count * sizeof *own);
    memcpy(own, runs, count * sizeof *own);
    return own;
}

static char *text_of(const struct study *study)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    UNIT_OK(study_print(study, stream));
    fclose(stream);
    return text;
}

static void medians(void)
{
    double odd[] = {9, 1, 5}, even[] = {4, 10, 2, 6}, one[] = {7};
    CU_ASSERT(study_median(odd, 3) == 5 && study_median(even, 4) == 5 && study_median(one, 1) == 7);
}

static void strong_by_hand(void)
{
    const struct study_run runs[] = {run_of(8, 4, 20, 1e6), run_of(2, 1, 64, 1e6), run_of(2, 1, 56, 1e6), run_of(4, 2, 40, 1e6),
                                     run_of(2, 1, 60, 1e6)};
    struct study study;
    UNIT_OK(study_make(copy(runs, 5), 5, STUDY_AUTO, &study));
    CU_ASSERT(study.kind == STUDY_STRONG && !study.crowded && study.group_count == 3);
    const struct study_group *g = study.groups;
    CU_ASSERT(g[0].work == 1e6 && g[1].work == 1e6); // of each of the repeats
    CU_ASSERT(g[0].workers == 2 && g[0].repeats == 3 && g[0].median == 60 && g[0].least == 56 && g[0].most == 64);
    CU_ASSERT(near(g[0].speed_up, 1) && near(g[0].efficiency, 1));
    CU_ASSERT(g[1].workers == 4 && near(g[1].speed_up, 1.5) && near(g[1].efficiency, 0.75));                  // 60 * 2 / (4 * 40)
    CU_ASSERT(g[2].workers == 8 && g[2].nodes == 4 && near(g[2].speed_up, 3) && near(g[2].efficiency, 0.75)); // 60 * 2 / (8 * 20)
    char *text = text_of(&study);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# Strong scaling"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "More workers had no more cores: all runs had 64"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Base: 2 workers on 1 node, median of 3."));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "| 4 | 2 | 5 | 64 | 1 | 40.00 | 40.00..40.00 | 1.50 | 75% |"));
    free(text);
    study_destroy(&study);
}

static void weak_by_hand(void)
{
    struct study_run runs[] = {run_of(1, 1, 50, 1e6), run_of(4, 4, 80, 4.1e6)};
    runs[1].cores = 256;
    struct study study;
    UNIT_OK(study_make(copy(runs, 2), 2, STUDY_AUTO, &study));
    CU_ASSERT(study.kind == STUDY_WEAK && near(study.groups[1].efficiency, 0.625) && near(study.groups[1].speed_up, 2.5));
    char *text = text_of(&study);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# Weak scaling"));
    CU_ASSERT_PTR_NULL(strstr(text, "no more cores"));
    free(text);
    study_destroy(&study);
}

static void refused(const struct study_run *runs, size_t count, enum study_kind kind, const char *words)
{
    struct study study;
    CU_ASSERT_EQUAL(study_make(copy(runs, count), count, kind, &study), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), words));
    study_destroy(&study);
}

static void what_cannot_be_compared(void)
{
    struct study_run runs[] = {run_of(1, 1, 50, 1e6), run_of(4, 4, 80, 2e6)};
    refused(runs, 2, STUDY_AUTO, "neither a strong nor a weak study");
    refused(runs, 2, STUDY_STRONG, "no strong study");
    runs[1].work = 1e6;
    refused(runs, 2, STUDY_WEAK, "all runs have the same work");
    runs[1].config.threads = 3;
    refused(runs, 2, STUDY_AUTO, "threads was 0 and is 3");
    runs[1].config.threads = 0;
    runs[1].config.steps++;
    refused(runs, 2, STUDY_AUTO, "steps was");
    runs[1] = run_of(4, 4, 80, 1e6);
    strcpy(runs[1].kind, "explain");
    refused(runs, 2, STUDY_AUTO, "`oneiros explain`");
    enum study_kind kind;
    CU_ASSERT_EQUAL(study_kind_parse("strnog", &kind), STATUS_USAGE);
    CU_ASSERT(study_kind_parse("weak", &kind) == STATUS_OK && kind == STUDY_WEAK);
}

static void shared_cores_are_no_scaling(void)
{
    static char a[] = "a", b[] = "b";
    char *const one_host[] = {a, a, a, a}, *const two_hosts[] = {a, a, b, b};
    const int two[] = {2, 2, 2, 2}, four[] = {4, 4, 4, 4};
    struct study_run runs[] = {run_of(1, 1, 50, 1e6), run_of(3, 1, 30, 1e6)};
    study_run_place(&runs[1], one_host, four, 0);
    CU_ASSERT(!runs[1].crowded && runs[1].nodes == 1 && runs[1].cores == 4);
    study_run_place(&runs[1], two_hosts, two, 0);
    CU_ASSERT(!runs[1].crowded && runs[1].nodes == 2 && runs[1].cores == 4);
    study_run_place(&runs[1], two_hosts, two, 2); // the workers: one beside the coordinator, two on the other host
    CU_ASSERT(runs[1].crowded && strstr(runs[1].crowd, "2 workers of 2 threads on 2 cores"));
    const int six[] = {6, 6, 6, 6}, five[] = {5, 5, 5, 5};
    study_run_place(&runs[1], one_host, six, 2); // the coordinator dreams nothing
    CU_ASSERT(!runs[1].crowded);
    study_run_place(&runs[1], one_host, five, 2);
    CU_ASSERT(runs[1].crowded && strstr(runs[1].crowd, "3 workers of 2 threads on 5 cores"));
    struct study_run alone = run_of(1, 1, 50, 1e6);
    alone.ranks = 1; // both in one
    study_run_place(&alone, one_host, four, 5);
    CU_ASSERT(alone.crowded && strstr(alone.crowd, "1 worker of 5 threads on 4 cores"));
    study_run_place(&runs[1], one_host, NULL, 0);
    CU_ASSERT(runs[1].crowded && runs[1].cores == 0 && strstr(runs[1].crowd, "does not say how many cores"));
    study_run_place(&runs[1], one_host, two, 0);
    CU_ASSERT(runs[1].crowded && runs[1].cores == 2);
    struct study study;
    UNIT_OK(study_make(copy(runs, 2), 2, STUDY_AUTO, &study));
    CU_ASSERT(study.crowded && isnan(study.groups[1].efficiency) && isnan(study.groups[1].speed_up));
    char *text = text_of(&study);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# Times by number of ranks"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "oversubscribed: 4 ranks on 2 cores; these times say nothing about scaling"));
    CU_ASSERT_PTR_NULL(strstr(text, "efficiency"));
    CU_ASSERT_PTR_NULL(strcasestr(text, "strong"));
    free(text);
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    study_plot_script(&study, stream);
    fclose(stream);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Times by number of ranks"));
    CU_ASSERT_PTR_NULL(strcasestr(text, "scaling"));
    CU_ASSERT_PTR_NULL(strcasestr(text, "efficiency"));
    free(text);
    CU_ASSERT_STRING_EQUAL(study_name(&study), "times");
    study_destroy(&study);
}

static char path[FILE_PATH_MAX];

static void write_run(bool complete, int stopped)
{
    struct run_file *file;
    UNIT_OK(file_join(path, scratch, "run.h5"));
    UNIT_OK(create(&file, path));
    for (int id = 0; id < 6; id++)
        if (id % 3 != IMAGE_STOPPED || stopped)
            UNIT_OK(add_image(file, id));
    let_pass(1);
    UNIT_OK(run_file_close(&file, complete));
}

static void runs_from_files(void)
{
    struct study_run run;
    struct study study;
    const char *const twice[] = {scratch, path};
    write_run(true, 0);
    UNIT_OK(study_run_read(scratch, &run));
    CU_ASSERT(run.ranks == 3 && run.workers == 2 && run.nodes == 2 && run.cores == 16 && !run.crowded && run.images == 2);
    CU_ASSERT(run.work == 4.0 * STEPS_AN_IMAGE * 640 * 480 && run.config.steps == 5 && run.seconds > 0);
    CU_ASSERT_EQUAL(study_read(twice, 2, STUDY_AUTO, &study), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "given twice"));
    study_destroy(&study);
    write_run(false, 0);
    CU_ASSERT_EQUAL(study_run_read(path, &run), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "its time says nothing"));
    write_run(true, 1);
    CU_ASSERT_EQUAL(study_run_read(path, &run), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "the run was stopped"));
}

// Of the pictures that were done, in whatever order that was.
static uint64_t digest_of(const int *ids, int count)
{
    struct study_run run;
    struct run_file *file;
    UNIT_OK(file_join(path, scratch, "run.h5"));
    UNIT_OK(create(&file, path));
    for (int i = 0; i < count; i++)
        UNIT_OK(add_image(file, ids[i]));
    let_pass(1);
    UNIT_OK(run_file_close(&file, true));
    UNIT_OK(study_run_read(path, &run));
    return run.digest;
}

static void the_same_pictures(void)
{
    const uint64_t digest = digest_of((const int[]){0, 3, 6}, 3);
    CU_ASSERT_EQUAL(digest_of((const int[]){6, 0, 3}, 3), digest);
    CU_ASSERT_EQUAL(digest_of((const int[]){0, 1, 3, 4, 6}, 5), digest); // two have failed
    CU_ASSERT_NOT_EQUAL(digest_of((const int[]){0, 3}, 2), digest);
    CU_ASSERT_NOT_EQUAL(digest_of((const int[]){0, 3, 9}, 3), digest);
    struct study_run runs[] = {run_of(1, 1, 50, 1e6), run_of(2, 2, 30, 1e6)};
    for (int other = 0; other < 2; other++) {
        struct study study;
        runs[1].digest = (uint64_t)other;
        UNIT_OK(study_make(copy(runs, 2), 2, STUDY_AUTO, &study));
        char *text = text_of(&study);
        CU_ASSERT_EQUAL(strstr(text, "though not of the same pictures") != NULL, other == 1);
        free(text);
        study_destroy(&study);
    }
}

// Names of folders come from anywhere: none of them ends a cell, or the code in it.
static void paths_stay_in_their_cells(void)
{
    struct study_run runs[] = {run_of(1, 1, 50, 1e6), run_of(2, 2, 30, 1e6)};
    char folder[FILE_PATH_MAX], name[FILE_PATH_MAX];
    struct study study;
    void *bytes;
    size_t size;
    snprintf(runs[1].path, sizeof runs[1].path, "a|b`c\nd/run.h5");
    UNIT_OK(file_join(folder, scratch, "cells"));
    UNIT_OK(study_make(copy(runs, 2), 2, STUDY_AUTO, &study));
    UNIT_OK(study_write(&study, folder));
    UNIT_OK(file_join(name, folder, "study.md"));
    UNIT_OK(file_read(name, 1 << 20, &bytes, &size));
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes, "\n| `a\\|b?c?d/run.h5` | 2 | 2 | 4 | 30.00 |\n"));
    free(bytes);
    study_destroy(&study);
}

static void studies_are_written(void)
{
    const struct study_run runs[] = {run_of(1, 1, 50, 1e6), run_of(2, 2, 30, 1e6)};
    char folder[FILE_PATH_MAX], name[FILE_PATH_MAX];
    struct study study;
    void *bytes;
    size_t size;
    UNIT_OK(file_join(folder, scratch, "a 'study'"));
    UNIT_OK(study_make(copy(runs, 2), 2, STUDY_AUTO, &study));
    UNIT_OK(study_write(&study, folder));
    UNIT_OK(file_join(name, folder, "study.csv"));
    UNIT_OK(file_read(name, 1 << 20, &bytes, &size));
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes, "\n1,1,2,64,1,50,50,50,1000000,1,1\n2,2,3,64,1,30,30,30,1000000,1.66666667,0.833333333\n"));
    free(bytes);
    // Without gnuplot the tables come all the same.
    char *was = strdup(getenv("PATH"));
    setenv("PATH", "/nowhere", 1);
    bool plotted = true;
    UNIT_OK(study_plot(&study, folder, &plotted));
    CU_ASSERT_FALSE(plotted);
    setenv("PATH", was, 1);
    free(was);
    study_destroy(&study);
}

static const struct unit_test tests[] = {{"medians", medians},
                                         {"strong, by hand", strong_by_hand},
                                         {"weak, by hand", weak_by_hand},
                                         {"what cannot be compared", what_cannot_be_compared},
                                         {"shared cores are no scaling", shared_cores_are_no_scaling},
                                         {"runs from files", runs_from_files},
                                         {"the same pictures", the_same_pictures},
                                         {"paths stay in their cells", paths_stay_in_their_cells},
                                         {"studies are written", studies_are_written}};

UNIT_MAIN_IN_SCRATCH("report_study", tests)
