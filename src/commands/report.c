// SPDX-License-Identifier: MIT
// `oneiros report`: what became of a run, as a page; what several runs say of scaling.
#include <stdbool.h>
#include <stdio.h>

#include "commands/commands.h"
#include "commands/options.h"
#include "common/system/log.h"
#include "common/system/text.h"
#include "report/page.h"
#include "report/study/study.h"
#include "report/tables.h"

static const char help_text[] =
    "Usage: oneiros report DIR...\n"
    "  or:  oneiros report --csv [-o FOLDER] DIR...\n"
    "  or:  oneiros report --study -o FOLDER [--kind strong|weak] RUN...\n"
    "Reads run.h5 of the output folders of `oneiros dream` and `oneiros explain`; of `oneiros atlas`, whose page is atlas.html, for "
    "tables\n"
    "alone. Needs no MPI.\n"
    "\n"
    "Writes DIR/report.html: pictures before and after, what failed and why, curves of the metrics, the channels that counted, where the\n"
    "time went, how to repeat it. One file that any browser opens, with links to the pictures and videos in DIR. Also of a run that goes\n"
    "on or that was killed.\n"
    "\n"
    "      --csv              tables instead, of comma-separated values, into DIR: images.csv and steps.csv as run.h5 has them; over all\n"
    "                         finished pictures metrics.csv, outliers.csv and importance.csv, the mean of each channel's; and how far\n"
    "                         maps can be believed, faithfulness.csv of each picture and faithfulness_summary.csv over all\n"
    "      --study            a scaling study instead, of runs of one configuration with several numbers of workers, each RUN an output\n"
    "                         folder or a run.h5; runs of the same number are repeats. Prints a table of times, speed-up and efficiency,\n"
    "                         and writes study.md, study.csv and, where gnuplot is installed, strong.svg or weak.svg\n"
    "  -o, --output FOLDER    where the study goes, or the tables of one run; made if it is not there\n"
    "      --kind KIND        strong: the same work for all; weak: work that grows with the workers; auto (default): as the runs are\n"
    "  -q, --quiet            only warnings and errors\n"
    "  -h, --help             this text\n"
    "\n"
    "Runs with more ranks than their hosts have cores are shown as times, not as scaling: they only shared the same cores.\n"
    "\n"
    "Exit codes: 0 done, 1 internal error, 2 usage, or a run that cannot be read, 3 some of several could not be written.\n";

struct report_options {
    bool study, csv;
    const char *folder; // NULL: not given
    enum study_kind kind;
    struct command_line line; // its operands are the runs
};

static enum status take_kind(void *context, const char *value)
{
    return study_kind_parse(value, &((struct report_options *)context)->kind);
}

static enum status parse(int argc, char **argv, struct report_options *options)
{
    enum log_level log_level = log_get_level();
    const struct command_option table[] = {
        {"study", .flag = &options->study},
        {"csv", .flag = &options->csv},
        {"kind", .take = take_kind},
        {"output", 'o', .text = &options->folder},
        {"quiet", 'q', .log_level = &log_level, .says = LOG_WARNING},
        {0},
    };
    TRY(command_line_parse(&options->line, table, options, argc, argv));
    log_set_level(log_level);
    if (options->line.help)
        return STATUS_OK;
    if (options->line.operand_count == 0)
        return fail(STATUS_USAGE, options->study ? "--study: no runs; give their output folders"
                                                 : "no output folder; give that of `oneiros dream`, `oneiros explain` or `oneiros atlas`");
    if (options->study && options->csv)
        return fail(STATUS_USAGE, "--csv and --study: one of them; a study has its study.csv anyway");
    if (options->study && !options->folder)
        return fail(STATUS_USAGE, "--study: -o FOLDER is missing: where the tables and plots go");
    if (!options->study && options->kind != STUDY_AUTO)
        return fail(STATUS_USAGE, "--kind goes with --study only");
    if (!options->study && !options->csv && options->folder)
        return fail(STATUS_USAGE, "-o goes with --study and --csv only: a page is written into its run's folder");
    if (options->csv && options->folder && options->line.operand_count > 1)
        return fail(STATUS_USAGE, "--csv: -o takes the tables of one run; those of several go into their own folders");
    return STATUS_OK;
}

static enum status write_page(const char *run)
{
    struct page_summary summary;
    TRY(page_write(run, &summary));
    char all[32] = "";
    if (summary.inputs >= 0)
        snprintf(all, sizeof all, " of %lld", (long long)summary.inputs);
    log_info("%s: %zu%s picture%s, %zu failed, %zu stopped; %.1f MB", summary.path, summary.images, all,
             PLURAL(all[0] ? (size_t)summary.inputs : summary.images), summary.failed, summary.stopped, (double)summary.bytes / 1e6);
    return STATUS_OK;
}

static enum status write_tables(const char *run, const char *folder)
{
    char where[FILE_PATH_MAX];
    TRY(tables_write(run, folder, where));
    log_info("%s: images.csv, steps.csv, metrics.csv, outliers.csv, importance.csv, faithfulness.csv, faithfulness_summary.csv", where);
    return STATUS_OK;
}

// Of each run what is asked for.
static int write_each(const struct report_options *options)
{
    int written = 0, code = EXIT_ALL_DONE;
    for (int i = 0; i < options->line.operand_count; i++) {
        const char *run = options->line.operands[i];
        const enum status rc = options->csv ? write_tables(run, options->folder) : write_page(run);
        if (rc != STATUS_OK) {
            log_error("%s", status_message());
            code = exit_code(rc);
            continue;
        }
        written++;
    }
    return code != EXIT_ALL_DONE && written > 0 ? EXIT_SOME_FAILED : code;
}

static enum status make_study(const struct report_options *options)
{
    struct study study;
    enum status rc;
    TRY_OUT(study_read((const char *const *)options->line.operands, (size_t)options->line.operand_count, options->kind, &study));
    TRY_OUT(study_print(&study, stdout));
    rc = study_write(&study, options->folder);
out:
    study_destroy(&study);
    return rc;
}

int command_report(int argc, char **argv)
{
    struct report_options options = {.kind = STUDY_AUTO};
    enum status rc = parse(argc, argv, &options);
    if (rc == STATUS_OK && options.line.help) {
        fputs(help_text, stdout);
        return EXIT_ALL_DONE;
    }
    if (rc == STATUS_OK && !options.study)
        return write_each(&options);
    if (rc == STATUS_OK)
        rc = make_study(&options);
    if (rc != STATUS_OK)
        log_error("%s", status_message());
    return exit_code(rc);
}
