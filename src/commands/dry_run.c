// SPDX-License-Identifier: MIT
#include "commands/dry_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands/dry_run_print.h"
#include "common/system/clock.h"
#include "coordinator/intake/intake.h"
#include "coordinator/intake/load.h"
#include "coordinator/schedule/forecast.h"
#include "coordinator/task/task.h"
#include "job/launch.h"
#include "job/resources.h"

static const double say_so_after = 10; // seconds without a word

static enum status add_input(struct dry_plan *plan, struct dry_input **input)
{
    if (plan->count == plan->capacity) {
        const int capacity = plan->capacity ? 2 * plan->capacity : 64;
        struct dry_input *inputs = reallocarray(plan->inputs, (size_t)capacity, sizeof *inputs);
        if (!inputs)
            return fail(STATUS_LIMIT, "no memory for more than %d images", plan->count);
        plan->inputs = inputs;
        plan->capacity = capacity;
    }
    *input = &plan->inputs[plan->count++];
    memset(*input, 0, sizeof **input);
    return STATUS_OK;
}

// Looks at one input and notes what it is, or why it would fail.
static enum status look_at(struct dry_plan *plan, const struct intake_entry *entry, const struct job_options *options)
{
    struct timing timing = {0};
    struct dry_input *input = NULL;
    struct task *task = task_create();
    enum status rc = STATUS_OK, seen;
    double cost;
    if (!task)
        return fail(STATUS_LIMIT, "no memory for another image");
    TRY_OUT(add_input(plan, &input));
    seen = load_task(task, entry, &options->config, options->output, &timing);
    if (seen == STATUS_OK) {
        input->image = (struct schedule_image){task->image.width, task->image.height};
        input->bits = task->image.bits;
        input->alpha = task->image.alpha != NULL;
        seen = schedule_cost(&plan->schedule, input->image, 1, &cost); // cut into tiles
    }
    input->source = strdup(task->record.source);
    input->error = seen == STATUS_OK ? NULL : strdup(status_message());
    if (!input->source || (seen != STATUS_OK && !input->error))
        rc = fail(STATUS_LIMIT, "no memory for another image");
out:
    task_destroy(&task);
    return rc;
}

static enum status look_at_all(struct dry_plan *plan, const struct job_options *options)
{
    struct intake *intake = NULL;
    double said = now();
    enum status rc;
    TRY_OUT(intake_create(&intake, options->output, options->inputs, options->input_count));
    for (;;) {
        struct intake_entry entry;
        bool end;
        TRY_OUT(intake_next(intake, &entry, &end));
        if (end)
            break;
        TRY_OUT(look_at(plan, &entry, options));
        if (now() - said > say_so_after) {
            log_info("looked at %d images so far", plan->count);
            said = now();
        }
    }
out:
    intake_destroy(&intake);
    return rc;
}

static enum status fail_memory(struct dry_input *input, const struct schedule *schedule)
{
    char text[160];
    snprintf(text, sizeof text, "needs %.0f MiB of each of %d ranks, and one may use %.0f MiB",
             schedule_memory(schedule, input->image, schedule->workers) / (1 << 20), schedule->workers,
             (double)schedule->memory_limit / (1 << 20));
    input->error = strdup(text);
    return input->error ? STATUS_OK : fail(STATUS_LIMIT, "no memory for another image");
}

// A team for each input that has not failed; those that memory is too small for fail now.
static enum status choose_teams(struct dry_plan *plan)
{
    const size_t room = (size_t)plan->count + 1;
    struct schedule_image *images = calloc(room, sizeof *images);
    int *numbers = calloc(room, sizeof *numbers), *teams = calloc(room, sizeof *teams), count = 0;
    enum status rc;
    if (!images || !numbers || !teams) {
        rc = fail(STATUS_LIMIT, "no memory for %d images", plan->count);
        goto out;
    }
    for (int i = 0; i < plan->count; i++)
        if (!plan->inputs[i].error) {
            images[count] = plan->inputs[i].image;
            numbers[count++] = i;
        }
    TRY_OUT(forecast_run(&plan->schedule, images, count, teams, &plan->forecast));
    for (int i = 0; i < count; i++) {
        struct dry_input *input = &plan->inputs[numbers[i]];
        input->team = teams[i];
        if (input->team == 0)
            TRY_OUT(fail_memory(input, &plan->schedule));
    }
out:
    free(teams);
    free(numbers);
    free(images);
    return rc;
}

static enum status make_plan(struct dry_plan *plan, const struct job_options *options)
{
    const struct config *config = &options->config;
    int ranks, node_ranks;
    launch_announced(&ranks, &node_ranks);
    const uint64_t memory_limit = resources_memory(config->memory.limit, node_ranks);
    TRY(tile_rules_resolve(config, memory_limit, &plan->tiles));
    plan->schedule = (struct schedule){.config = config,
                                       .tiles = plan->tiles.rules,
                                       .min_side = plan->tiles.min_side,
                                       .feature_bytes = plan->tiles.feature_bytes,
                                       .window_bytes = plan->tiles.window_bytes,
                                       .memory_limit = memory_limit,
                                       .workers = ranks > 1 ? ranks - 1 : 1};
    TRY(look_at_all(plan, options));
    return choose_teams(plan);
}

enum status dry_run(const struct job_options *options, FILE *stream, long *failed)
{
    struct dry_plan plan = {0};
    enum status rc;
    TRY_OUT(make_plan(&plan, options));
    dry_run_print(&plan, stream);
    *failed = 0;
    for (int i = 0; i < plan.count; i++)
        *failed += plan.inputs[i].error != NULL;
out:
    for (int i = 0; i < plan.count; i++) {
        free(plan.inputs[i].source);
        free(plan.inputs[i].error);
    }
    free(plan.inputs);
    return rc;
}
