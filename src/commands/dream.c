// SPDX-License-Identifier: MIT
// `oneiros dream` and `oneiros explain`: from the command line to a job, or to what can be said without one.
#include <stdio.h>
#include <unistd.h>

#include "commands/arguments.h"
#include "commands/commands.h"
#include "job/launch.h"

int command_dream(int argc, char **argv)
{
    struct job_options options;
    long failed = 0;
    const bool first = launch_is_first(); // of many ranks one speaks
    enum status rc = arguments_parse(&options, argc, argv, environ);
    if (rc != STATUS_OK) {
        if (first)
            log_error("%s", status_message());
        return exit_code(rc);
    }
    log_set_level(options.log_level);
    if (!options.help && !options.print_config && !options.dry_run)
        return run_job(&options);
    if (!first)
        return EXIT_ALL_DONE;
    if (options.help)
        arguments_print_help(options.explain, stdout);
    else if (options.print_config)
        rc = config_print(&options.config, true, stdout);
    else
        rc = dry_run(&options, stdout, &failed);
    if (rc != STATUS_OK)
        log_error("%s", status_message());
    return rc == STATUS_OK && failed > 0 ? EXIT_SOME_FAILED : exit_code(rc);
}
