// SPDX-License-Identifier: MIT
// `oneiros status`: how far runs are, from their folders, without disturbing them.
#include <stdbool.h>
#include <stdio.h>

#include "commands/commands.h"
#include "commands/options.h"
#include "commands/status_print.h"
#include "common/system/log.h"
#include "coordinator/progress/progress.h"
#include "report/page_data.h"

enum { EXIT_GOES_ON = 4 };

static const char help_text[] =
    "Usage: oneiros status [OPTION]... DIR...\n"
    "Says how far the runs in output folders of `oneiros dream`, `oneiros explain` or `oneiros atlas` are: what is done, what failed and\n"
    "why, how fast they are and how long they will take, whether they are at work, where, and with which settings. At any moment, from\n"
    "any machine that sees the folder. It only reads, and does not disturb the run. Needs no MPI.\n"
    "\n"
    "      --json             for programs: a line of JSON for each DIR (docs/status.md)\n"
    "  -q, --quiet            nothing but errors and the exit code\n"
    "  -h, --help             this text\n"
    "\n"
    "States:\n"
    "  starting               at work, but nothing of it is written yet: it reads weights, plans, looks at the inputs\n"
    "  running                at work\n"
    "  complete               every picture is done or has failed\n"
    "  stopped                ended before that, by a signal, its time limit or an error; the same command goes on with it\n"
    "  killed                 or without a word: killed, or its machine went down\n"
    "\n"
    "Exit codes: 0 complete, all done; 3 complete, some pictures failed; 4 starting or running; 75 stopped or killed; 2 usage, no run "
    "there,\n"
    "or one that cannot be read; 1 internal error. Of several runs: 1 or 2 if one cannot be read, else 75 if one has ended early, else 4 "
    "if one\n"
    "goes on, else 3 or 0.\n"
    "\n"
    "Examples:\n"
    "  watch oneiros status dreams\n"
    "  while sleep 60; oneiros status -q dreams; [ $? -eq 4 ]; do :; done    # until the run has ended\n";

struct status_options {
    bool json, quiet;
    struct command_line line; // its operands are the folders
};

static enum status parse(int argc, char **argv, struct status_options *options)
{
    const struct command_option table[] = {
        {"json", .flag = &options->json},
        {"quiet", 'q', .flag = &options->quiet},
        {0},
    };
    TRY(command_line_parse(&options->line, table, options, argc, argv));
    if (options->line.help)
        return STATUS_OK;
    if (options->line.operand_count == 0)
        return fail(STATUS_USAGE, "no output folder; give that of `oneiros dream` or `oneiros explain`");
    return STATUS_OK;
}

static enum status print_json(json_t *json)
{
    enum status rc = json ? STATUS_OK : no_memory("for the JSON of a run");
    if (json && json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) != 0 && !ferror(stdout)) // which main() looks at
        rc = no_memory("for the JSON of a run");
    putchar('\n');
    json_decref(json);
    return rc;
}

static int code_of(const struct run_state *state)
{
    if (state->phase == RUN_STARTING || state->phase == RUN_GOES_ON)
        return EXIT_GOES_ON;
    if (state->phase != RUN_COMPLETE)
        return EXIT_STOPPED;
    return state->known.failed > 0 ? EXIT_SOME_FAILED : EXIT_ALL_DONE;
}

// The exit code.
static int say(const struct status_options *options, const char *folder)
{
    struct run_state *state;
    enum status rc = run_state_read(&state, folder);
    if (rc != STATUS_OK) {
        char message[STATUS_MESSAGE_MAX];
        snprintf(message, sizeof message, "%s", status_message());
        log_error("%s", message);
        if (options->json && !options->quiet)
            (void)!print_json(json_pack("{s:o, s:n, s:o}", "folder", page_data_text(folder), "state", "error", page_data_text(message)));
        return exit_code(rc);
    }
    if (options->json && !options->quiet)
        rc = print_json(status_json(state));
    else if (!options->quiet)
        status_print(state, progress_locale_is_utf8(), stdout);
    if (rc != STATUS_OK)
        log_error("%s", status_message());
    const int code = rc != STATUS_OK ? exit_code(rc) : code_of(state);
    run_state_destroy(&state);
    return code;
}

// Of two codes, the one that wants somebody to look.
static int more_urgent(int a, int b)
{
    static const int order[] = {EXIT_INTERNAL, EXIT_USAGE, EXIT_STOPPED, EXIT_GOES_ON, EXIT_SOME_FAILED};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return EXIT_ALL_DONE;
}

int command_status(int argc, char **argv)
{
    struct status_options options = {0};
    int code = EXIT_ALL_DONE;
    const enum status rc = parse(argc, argv, &options);
    if (rc != STATUS_OK) {
        log_error("%s", status_message());
        return exit_code(rc);
    }
    if (options.line.help) {
        fputs(help_text, stdout);
        return EXIT_ALL_DONE;
    }
    for (int i = 0; i < options.line.operand_count; i++) {
        if (i > 0 && !options.json && !options.quiet)
            putchar('\n');
        code = more_urgent(code, say(&options, options.line.operands[i]));
        fflush(stdout); // beside what is said on standard error
    }
    return code;
}
