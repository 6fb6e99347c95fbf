// SPDX-License-Identifier: MIT
#include "report/study/study.h"
#include "common/system/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const double same_work = 1e-6;  // relative: rounding of sums
static const double grown_work = 0.05; // relative: pictures of a weak study need not be of exactly the same size

enum status study_kind_parse(const char *text, enum study_kind *kind)
{
    static const char *const names[] = {[STUDY_AUTO] = "auto", [STUDY_STRONG] = "strong", [STUDY_WEAK] = "weak"};
    for (int i = STUDY_AUTO; i <= STUDY_WEAK; i++)
        if (strcmp(text, names[i]) == 0) {
            *kind = (enum study_kind)i;
            return STATUS_OK;
        }
    return fail(STATUS_USAGE, "--kind: '%.32s' is none of strong, weak and auto", text);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double study_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static int by_size(const void *a, const void *b)
{
    const struct study_run *x = a, *y = b;
    return x->workers != y->workers ? (x->workers > y->workers) - (x->workers < y->workers) : (x->nodes > y->nodes) - (x->nodes < y->nodes);
}

static bool close_to(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b));
}

// All runs beside the first.
static enum status check_alike(const struct study *study)
{
    const struct study_run *first = &study->runs[0];
    char difference[STATUS_MESSAGE_MAX / 2];
    for (size_t i = 1; i < study->run_count; i++) {
        const struct study_run *run = &study->runs[i];
        if (strcmp(first->kind, run->kind) != 0 || strcmp(first->version, run->version) != 0)
            return fail(STATUS_USAGE, "%s is of `oneiros %s` %s, %s of `oneiros %s` %s: only runs of the same program can be compared",
                        first->path, first->kind, first->version, run->path, run->kind, run->version);
        if (first->config.threads != run->config.threads)
            return fail(STATUS_USAGE, "%s has not the threads of %s: threads was %d and is %d (0: auto)", run->path, first->path,
                        first->config.threads, run->config.threads);
        if (config_difference(&first->config, &run->config, config_use_named(run->kind), difference, sizeof difference))
            return fail(STATUS_USAGE, "%s has not the settings of %s: %s; only runs of the same configuration can be compared", run->path,
                        first->path, difference);
    }
    return STATUS_OK;
}

static enum status fail_kind(const struct study *study, const char *wanted)
{
    const struct study_run *first = &study->runs[0];
    for (size_t i = 1; i < study->run_count; i++) {
        const struct study_run *run = &study->runs[i];
        if (!close_to(first->work, run->work, same_work))
            return fail(
                STATUS_USAGE,
                "%s: %s has %.6g pixel steps for %d worker%s, %s %.6g for %d; a strong study has the same pictures throughout, a weak "
                "one as many more as there are workers",
                wanted, first->path, first->work, first->workers, PLURAL(first->workers), run->path, run->work, run->workers);
    }
    return fail(STATUS_USAGE, "%s: all runs have the same work, %.6g pixel steps", wanted, first->work);
}

static enum status choose_kind(struct study *study, enum study_kind kind)
{
    const struct study_run *first = &study->runs[0];
    bool strong = true, weak = true;
    study->same_pictures = true;
    for (size_t i = 1; i < study->run_count; i++) {
        const struct study_run *run = &study->runs[i];
        strong = strong && close_to(first->work, run->work, same_work);
        weak = weak && close_to(first->work / first->workers, run->work / run->workers, grown_work);
        study->same_pictures = study->same_pictures && run->digest == first->digest;
    }
    study->kind = kind != STUDY_AUTO ? kind : strong ? STUDY_STRONG : STUDY_WEAK;
    if (study->kind == STUDY_STRONG ? strong : weak)
        return STATUS_OK;
    return fail_kind(study, kind == STUDY_AUTO     ? "neither a strong nor a weak study"
                            : kind == STUDY_STRONG ? "no strong study"
                                                   : "no weak study");
}

static void sum_up(const struct study *study, const struct study_run *runs, double *seconds, struct study_group *group)
{
    *group = (struct study_group){.workers = runs->workers, .nodes = runs->nodes, .ranks = runs->ranks, .cores = runs->cores};
    while (runs + group->repeats < study->runs + study->run_count && by_size(runs, runs + group->repeats) == 0) {
        seconds[group->repeats] = runs[group->repeats].seconds;
        group->work += runs[group->repeats].work;
        group->repeats++;
    }
    group->work /= (double)group->repeats;
    group->median = study_median(seconds, group->repeats);
    group->least = seconds[0];
    group->most = seconds[group->repeats - 1];
    group->speed_up = group->efficiency = group->ideal = NAN;
}

static void compare(const struct study *study, struct study_group *group)
{
    const struct study_group *base = &study->groups[0];
    const double times = base->median / group->median, grown = (double)group->workers / base->workers;
    if (study->crowded)
        return;
    group->ideal = grown;
    group->speed_up = study->kind == STUDY_STRONG ? times : grown * times;
    group->efficiency = group->speed_up / grown;
}

static enum status make_groups(struct study *study)
{
    double *seconds;
    TRY(ALLOCATE(study->groups, study->run_count, "for a study of %zu runs", study->run_count));
    TRY(ALLOCATE(seconds, study->run_count, "for a study of %zu runs", study->run_count));
    for (size_t i = 0; i < study->run_count; i += study->groups[study->group_count++].repeats)
        sum_up(study, &study->runs[i], seconds, &study->groups[study->group_count]);
    for (size_t i = 0; i < study->group_count; i++)
        compare(study, &study->groups[i]);
    free(seconds);
    return STATUS_OK;
}

enum status study_make(struct study_run *runs, size_t count, enum study_kind kind, struct study *study)
{
    *study = (struct study){.runs = runs, .run_count = count};
    qsort(runs, count, sizeof *runs, by_size);
    TRY(check_alike(study));
    TRY(choose_kind(study, kind));
    for (size_t i = count; i-- > 0 && !study->crowded;) { // the run that is worst off comes last
        study->crowded = runs[i].crowded;
        study->crowd = runs[i].crowd;
    }
    return make_groups(study);
}

// The same file given twice would be its own repeat.
static enum status check_once(const struct study_run *runs, size_t count)
{
    struct stat last, other;
    if (stat(runs[count - 1].path, &last) != 0)
        return STATUS_OK;
    for (size_t i = 0; i + 1 < count; i++)
        if (stat(runs[i].path, &other) == 0 && other.st_ino == last.st_ino && other.st_dev == last.st_dev)
            return fail(STATUS_USAGE, "%s is given twice", runs[count - 1].path);
    return STATUS_OK;
}

enum status study_read(const char *const *given, size_t count, enum study_kind kind, struct study *study)
{
    *study = (struct study){.run_count = count};
    TRY(ALLOCATE(study->runs, count, "for %zu runs", count));
    for (size_t i = 0; i < count; i++) {
        TRY(study_run_read(given[i], &study->runs[i]));
        TRY(check_once(study->runs, i + 1));
    }
    return study_make(study->runs, count, kind, study);
}

void study_destroy(struct study *study)
{
    free(study->runs);
    free(study->groups);
    *study = (struct study){0};
}

const char *study_name(const struct study *study)
{
    return study->crowded ? "times" : study->kind == STUDY_STRONG ? "strong" : "weak";
}
