// SPDX-License-Identifier: MIT
// From the first word of the command line to the command.
#include <errno.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/alone.h"
#include "commands/commands.h"
#include "common/config/nearest.h"
#include "common/system/log.h"
#include "common/system/text.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
};

static const struct command commands[] = {
    {"dream", command_dream, "make DeepDreams of pictures; runs under mpirun or srun"},
    {"explain", command_dream, "show what the network sees in pictures, and why; runs under mpirun or srun"},
    {"atlas", command_dream, "show what every channel of a layer wants, and which pictures excite it; runs under mpirun or srun"},
    {"model", command_model, "fetch, convert or describe the trained weights; print the network"},
    {"bench", command_bench, "time the network on this machine"},
    {"status", command_status, "say how far a run is, and whether it goes on"},
    {"report", command_report, "show what became of a run as a page, or what several say of scaling"},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_help(FILE *stream)
{
    fputs("Usage: oneiros COMMAND [ARGUMENT]...\n"
          "  or:  oneiros help COMMAND | --help | --version\n"
          "Makes DeepDreams with InceptionV3, on a laptop or a cluster.\n"
          "\n"
          "Commands:\n",
          stream);
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(stream, "  %-8s %s\n", commands[i].name, commands[i].help);
    fputs("\n"
          "Examples:\n"
          "  oneiros model fetch\n"
          "  oneiros dream -o dreams photo.jpg\n",
          stream);
}

static int fail_command(const char *name)
{
    char shown[TEXT_EXCERPT_MAX], hint[NEAREST_HINT_MAX];
    struct nearest nearest;
    nearest_init(&nearest, name);
    nearest_offer(&nearest, "help");
    for (int i = 0; i < COMMAND_COUNT; i++)
        nearest_offer(&nearest, commands[i].name);
    log_error("unknown command %s%s", text_excerpt(name, shown), nearest_hint(&nearest, "; `oneiros --help` lists them", hint));
    return EXIT_USAGE;
}

// `oneiros help COMMAND` is `oneiros COMMAND --help`.
static int help(const char *name)
{
    const struct command *command = find_command(name);
    if (!command)
        return fail_command(name);
    char help_option[] = "--help";
    char *arguments[] = {(char *)command->name, help_option, NULL};
    return command->run(2, arguments);
}

// A thread that waits for the others spins for a while before it sleeps: libgomp's own while of milliseconds makes a step thirty times
// slower as soon as anything else wants the core, a short one costs some two per cent. libgomp asks for the setting when it is loaded,
// before main() and any other function of ours could set it. So it is answered here: the program's getenv() stands before that of the C
// library, for libraries, too. libomp yields while it spins, and needs none.
char *getenv(const char *name)
{
    static char spins[] = "1000";
    char *value = secure_getenv(name);
    return !value && strcmp(name, "GOMP_SPINCOUNT") == 0 && !secure_getenv("OMP_WAIT_POLICY") ? spins : value;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    const struct command *command = find_command(word);
    if (command && command->run != command_dream && alone_among_many())
        return alone_refuse(word);
    if (command)
        return command->run(argc - 1, argv + 1);
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        versions_print(stdout);
    else if (strcmp(word, "help") == 0 && argc > 2)
        return help(argv[2]);
    else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        print_help(stdout);
    else
        return fail_command(word);
    return EXIT_ALL_DONE;
}

int main(int argc, char **argv)
{
    H5dont_atexit();          // HDF5 1.10 crashes in its clean-up after a write that the disk refused; must be its first call
    signal(SIGXFSZ, SIG_IGN); // a file size limit is an error of a write, not the end of the program
    int code = run(argc, argv);
    // What was printed may be a table that somebody relies on: a full disk is not success.
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_error("cannot write to standard output: %s", strerror(errno));
        return code == EXIT_ALL_DONE ? EXIT_INTERNAL : code;
    }
    return code;
}
