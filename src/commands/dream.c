// SPDX-License-Identifier: MIT
// `oneiros dream`, `oneiros explain` and `oneiros atlas`: from the command line to a job, or to what can be said without one.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands/arguments.h"
#include "commands/commands.h"
#include "job/launch.h"
#include "report/atlas/atlas.h"

// What can be said without a job.
static enum status say(struct job_options *options, long *failed)
{
    if (options->help)
        arguments_print_help(options->use, stdout);
    else if (options->print_config)
        return config_print(&options->config, true, stdout);
    else
        return dry_run(options, stdout, failed);
    return STATUS_OK;
}

int command_dream(int argc, char **argv)
{
    struct job_options options;
    long failed = 0;
    int ranks, node_ranks;
    enum status rc = arguments_parse(&options, argc, argv, environ);
    const bool job = !options.help && !options.print_config && !options.dry_run;
    launch_announced(&ranks, &node_ranks);
    log_set_level(options.log_level);
    int code = EXIT_ALL_DONE;
    if (job && (rc == STATUS_OK || ranks > 1)) { // the other ranks may have found nothing wrong
        code = run_job(&options, rc);
    } else if (launch_is_first()) { // of many ranks one speaks
        if (rc == STATUS_OK)
            rc = say(&options, &failed);
        if (rc != STATUS_OK)
            log_error("%s", status_message());
        code = rc == STATUS_OK && failed > 0 ? EXIT_SOME_FAILED : exit_code(rc);
    }
    if (job && options.use == CONFIG_ATLAS && (code == EXIT_ALL_DONE || code == EXIT_SOME_FAILED) && launch_is_first() &&
        (rc = atlas_write(options.output, &options.config)) != STATUS_OK) {
        if (rc == STATUS_STOPPED)
            log_warning("%s", status_message());
        else
            log_error("%s", status_message());
        code = rc == STATUS_STOPPED ? EXIT_STOPPED : rc == STATUS_USAGE ? EXIT_USAGE : code == EXIT_ALL_DONE ? EXIT_INTERNAL : code;
    }
    free(options.made);
    return code;
}
