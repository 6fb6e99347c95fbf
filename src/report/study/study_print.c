// SPDX-License-Identifier: MIT
// A study as text: Markdown and comma-separated values.
#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/text.h"
#include "report/study/study.h"

// A path in a cell of a table: no bar of it ends the cell, no backtick the code.
static void print_path(const char *path, FILE *stream)
{
    fputc('`', stream);
    for (; *path; path++)
        if (*path == '|')
            fputs("\\|", stream);
        else
            fputc((unsigned char)*path < ' ' || *path == '`' ? '?' : *path, stream);
    fputc('`', stream);
}

static void print_table(const struct study *study, FILE *stream)
{
    fputs("| workers | nodes | ranks | cores | repeats | median s | min..max s |", stream);
    fputs(study->crowded ? "\n|---:|---:|---:|---:|---:|---:|---:|\n"
                         : " speed-up | efficiency |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
          stream);
    for (size_t i = 0; i < study->group_count; i++) {
        const struct study_group *group = &study->groups[i];
        char cores[16] = "?";
        if (group->cores > 0)
            snprintf(cores, sizeof cores, "%d", group->cores);
        fprintf(stream, "| %d | %d | %d | %s | %zu | %.2f | %.2f..%.2f |", group->workers, group->nodes, group->ranks, cores,
                group->repeats, group->median, group->least, group->most);
        if (!study->crowded)
            fprintf(stream, " %.2f | %.0f%% |", group->speed_up, 100 * group->efficiency);
        fputc('\n', stream);
    }
}

// Whether all groups, of several numbers of workers, shared the same number of cores out among their threads.
static bool same_cores(const struct study *study)
{
    bool same = study->group_count > 1 && study->runs[0].config.threads == 0 && study->groups[0].cores > 0;
    for (size_t i = 1; i < study->group_count; i++)
        same = same && study->groups[i].cores == study->groups[0].cores && study->groups[i].workers != study->groups[0].workers;
    return same;
}

static void print_head(const struct study *study, FILE *stream)
{
    const struct study_run *first = &study->runs[0];
    const struct study_group *base = &study->groups[0];
    if (study->crowded)
        fprintf(stream, "# Times by number of ranks\n\nOnly times: %s.\n\n", study->crowd);
    else
        fprintf(stream, "# %s scaling\n\n", study->kind == STUDY_STRONG ? "Strong" : "Weak");
    fprintf(stream, "`oneiros %s` %s, %zu run%s of one configuration. ", first->kind, first->version, study->run_count,
            PLURAL(study->run_count));
    if (study->kind == STUDY_STRONG)
        fprintf(stream, "The same work for all: %zu picture%s, %.4g million pixel steps%s.\n", first->images, PLURAL(first->images),
                first->work / 1e6, study->same_pictures ? "" : ", though not of the same pictures");
    else
        fprintf(stream, "Work grows with the workers: %.4g million pixel steps for each.\n", base->work / base->workers / 1e6);
    fputs("Time is the wall time of a run, `elapsed_seconds` of its run.h5: from when weights and plan are there to the last write.\n",
          stream);
    if (!study->crowded)
        fprintf(stream, "Base: %d worker%s on %d node%s, median of %zu. %s\n", base->workers, PLURAL(base->workers), base->nodes,
                PLURAL(base->nodes), base->repeats,
                study->kind == STUDY_STRONG ? "Speed-up t1 / tN, efficiency t1 N1 / (N tN)."
                                            : "Speed-up N t1 / (N1 tN), efficiency t1 / tN.");
    if (!study->crowded && same_cores(study))
        fprintf(stream,
                "More workers had no more cores: all runs had %d, and with `threads: auto` few workers take them all. Bind ranks to cores, "
                "or set "
                "`threads`, to compare numbers of cores.\n",
                base->cores);
    if (study->group_count == 1)
        fputs("All runs have the same number of workers and nodes: there is nothing to compare.\n", stream);
    fputc('\n', stream);
}

enum status study_print(const struct study *study, FILE *stream)
{
    print_head(study, stream);
    print_table(study, stream);
    return ferror(stream) ? fail(STATUS_IO, "cannot write the study: %s", strerror(errno)) : STATUS_OK;
}

static void print_runs(const struct study *study, FILE *stream)
{
    fputs("\n## Runs\n\n| run | workers | nodes | pictures | seconds |\n|---|---:|---:|---:|---:|\n", stream);
    for (size_t i = 0; i < study->run_count; i++) {
        const struct study_run *run = &study->runs[i];
        fputs("| ", stream);
        print_path(run->path, stream);
        fprintf(stream, " | %d | %d | %zu | %.2f |\n", run->workers, run->nodes, run->images, run->seconds);
    }
}

static void print_markdown(const struct study *study, bool plotted, FILE *stream)
{
    (void)!study_print(study, stream); // committing says whether it could be written
    if (plotted)
        fprintf(stream, "\n![%s](%s.svg)\n", study->crowded ? "Times by number of ranks" : "Time, speed-up and efficiency",
                study_name(study));
    print_runs(study, stream);
}

static void print_number(double number, FILE *stream)
{
    if (isfinite(number))
        fprintf(stream, ",%.9g", number);
    else
        fputc(',', stream);
}

static void print_csv(const struct study *study, FILE *stream)
{
    fprintf(stream, "workers,nodes,ranks,cores,repeats,median_seconds,min_seconds,max_seconds,pixel_steps%s\n",
            study->crowded ? "" : ",speed_up,efficiency");
    for (size_t i = 0; i < study->group_count; i++) {
        const struct study_group *group = &study->groups[i];
        fprintf(stream, "%d,%d,%d,%d,%zu", group->workers, group->nodes, group->ranks, group->cores, group->repeats);
        const double numbers[] = {group->median, group->least, group->most, group->work, group->speed_up, group->efficiency};
        for (int k = 0; k < (study->crowded ? 4 : 6); k++)
            print_number(numbers[k], stream);
        fputc('\n', stream);
    }
}

enum status study_write(const struct study *study, const char *folder)
{
    struct file_writer writer;
    char path[FILE_PATH_MAX];
    bool plotted;
    TRY(file_make_folder(folder));
    TRY(study_plot(study, folder, &plotted));
    TRY(file_join(path, folder, "study.csv"));
    TRY(file_create(&writer, path));
    print_csv(study, writer.stream);
    TRY(file_commit(&writer));
    TRY(file_join(path, folder, "study.md"));
    TRY(file_create(&writer, path));
    print_markdown(study, plotted, writer.stream);
    TRY(file_commit(&writer));
    log_info("%s and study.csv%s%s%s", path, plotted ? ", " : "", plotted ? study_name(study) : "", plotted ? ".svg" : "");
    return STATUS_OK;
}
