// SPDX-License-Identifier: MIT
#include "job/planning.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/clock.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/stop_request.h"
#include "common/system/text.h"
#include "kernels/execution/planner.h"
#include "runfile/run_reader.h"
#include "worker/network/engine.h"
#include "worker/network/objective.h"

enum status planning_read_file(struct config *config, char **text)
{
    const char *path = config->plan;
    struct plan_origin origin;
    struct plan *plan = NULL;
    enum status rc;
    *text = NULL;
    if (strcmp(path, "auto") == 0 || strcmp(path, "off") == 0 || strcmp(path, "onednn") == 0)
        return STATUS_OK;
    TRY(ALLOCATE(plan, 1, "for a plan"));
    TRY_OUT(run_plan_read(path, PLAN_TEXT_MAX, text));
    TRY_OUT(plan_from_text(plan, network_inception_v3(), &origin, *text, path));
    const enum config_precision found = plan->bf16 ? PRECISION_BF16 : PRECISION_F32;
    if (config->precision != PRECISION_AUTO && config->precision != found)
        rc = fail(STATUS_USAGE, "plan: %s is a plan for precision %s, and precision says otherwise", path, plan->bf16 ? "bf16" : "f32");
    config->precision = found;
out:
    free(plan);
    if (rc == STATUS_OK)
        return rc;
    free(*text);
    *text = NULL;
    return fail_in(rc == STATUS_LIMIT ? rc : STATUS_USAGE, "plan");
}

// Whether `plan` does all that `had` knows in the same way.
static bool agrees(const struct plan *plan, const struct plan *had)
{
    const struct plan_entry *mine = &plan->entries[0][0][0], *theirs = &had->entries[0][0][0];
    bool same = plan->bf16 == had->bf16;
    for (size_t i = 0; same && i < sizeof had->entries / sizeof *theirs; i++)
        same = !theirs[i].known || (mine[i].known && mine[i].method == theirs[i].method);
    return same;
}

enum status planning_compare(const struct config *config, const char *text, bool *same)
{
    struct plan_origin origin;
    struct plan *plans = NULL;
    struct config other = *config;
    char *other_text = NULL;
    enum status rc;
    other.precision = PRECISION_AUTO;
    TRY(ALLOCATE(plans, 2, "for two plans"));
    TRY_OUT(planning_read_file(&other, &other_text));
    *same = false;
    if (!other_text)
        goto out;
    TRY_OUT(plan_from_text(&plans[0], network_inception_v3(), &origin, other_text, config->plan));
    TRY_OUT(plan_from_text(&plans[1], network_inception_v3(), &origin, text, config->plan));
    *same = agrees(&plans[0], &plans[1]);
out:
    free(other_text);
    free(plans);
    return rc;
}

// <cache>/plan-2-AMD-EPYC-avx2-onednn-2.6.3-f32.txt, where 2 is PLAN_VERSION
static enum status cache_path(char path[FILE_PATH_MAX], const struct plan_origin *origin, bool bf16)
{
    char name[256];
    snprintf(name, sizeof name, "plan-%d-%s-%s-onednn-%s-%s.txt", PLAN_VERSION, origin->cpu, origin->simd, origin->onednn,
             bf16 ? "bf16" : "f32");
    for (char *c = name; *c; c++)
        if (!((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || *c == '.'))
            *c = '-';
    return file_cache_path(path, name);
}

// What an earlier run has left. Anything wrong with it only means that it is made again.
static void read_cache(const char *path, struct plan *plan)
{
    const bool bf16 = plan->bf16;
    struct plan_origin origin;
    void *bytes = NULL;
    size_t size;
    if (access(path, F_OK) != 0)
        return;
    enum status rc = file_read(path, PLAN_TEXT_MAX, &bytes, &size);
    if (rc == STATUS_OK)
        rc = plan_from_text(plan, network_inception_v3(), &origin, bytes, path);
    if (rc == STATUS_OK && plan->bf16 != bf16)
        rc = fail(STATUS_FORMAT, "%s is of another precision", path);
    if (rc != STATUS_OK) {
        log_warning("%s: the plan is made again", status_message());
        *plan = (struct plan){.bf16 = bf16};
    }
    free(bytes);
}

static enum status write_cache(const char *path, const char *text)
{
    struct file_writer writer = {0};
    char folder[FILE_PATH_MAX];
    enum status rc;
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    TRY_OUT(file_make_folder(folder));
    TRY_OUT(file_create(&writer, path));
    fputs(text, writer.stream);
    rc = file_commit(&writer);
out:
    file_abandon(&writer);
    return rc;
}

// When it began, and was shown last; 0: not yet.
struct shown {
    double started, last;
};

static void show(struct shown *shown, int done, int total)
{
    const double time = now();
    shown->started = shown->started > 0 ? shown->started : time;
    if (log_get_level() < LOG_INFO || !isatty(STDERR_FILENO) || (time - shown->last < 0.1 && done < total))
        return;
    shown->last = time;
    const double left = done > 0 ? (time - shown->started) / done * (total - done) : 0;
    if (done == total)
        fputs("\r\033[K", stderr);
    else if (left > 0)
        fprintf(stderr, "\roneiros: planning, %d of %d convolutions timed, about %.0fs left\033[K", done, total, left);
    else
        fprintf(stderr, "\roneiros: planning, %d of %d convolutions timed\033[K", done, total);
    fflush(stderr);
}

static bool go_on(void *context, int done, int total)
{
    const bool stops = stop_requested() && done < total;
    show(context, stops ? total : done, total);
    return !stops;
}

static enum status make(const struct plan_origin *here, int threads, const struct planner_options *planner, struct plan *plan)
{
    const int threads_before = omp_get_max_threads();
    char path[FILE_PATH_MAX] = "", *text = NULL;
    int missing = 0;
    enum status rc;
    if (cache_path(path, here, plan->bf16) == STATUS_OK)
        read_cache(path, plan);
    else
        path[0] = '\0';
    TRY_OUT(planner_missing(planner, plan, &missing));
    if (missing == 0 || !planner->weights)
        goto out;
    log_info("timing %d convolution%s in every way %s can be done, once for this kind of processor; it may take a minute", missing,
             PLURAL(missing), missing == 1 ? "it" : "they");
    const double start = now();
    omp_set_num_threads(threads);
    rc = planner_complete(planner, plan);
    omp_set_num_threads(threads_before);
    const bool stopped = rc == STATUS_STOPPED; // what has been timed is kept
    if (rc != STATUS_OK && !stopped)
        goto out;
    TRY_OUT(plan_to_text(plan, network_inception_v3(), here, &text));
    const double seconds = now() - start;
    const bool kept = path[0] && write_cache(path, text) == STATUS_OK;
    if (stopped)
        TRY_OUT(fail(STATUS_STOPPED, "stopped (%s) while convolutions were timed%s: run the same command again", stop_reason(),
                     kept ? "; what has been timed is kept" : ""));
    if (kept)
        log_info("the plan took %.1f s; it is kept in %s", seconds, path);
    else
        log_warning("the plan took %.1f s and is not kept: %s; the next run makes another, whose pictures may differ by rounding, unless "
                    "XDG_CACHE_HOME names a folder for it or --plan this run's run.h5",
                    seconds, path[0] ? status_message() : "there is no cache folder");
out:
    free(text);
    return rc;
}

// What the planner is asked for. `objective` is filled for it.
static enum status options_of(const struct config *config, struct objective *objective, struct planner_options *options)
{
    TRY(objective_find_targets(objective, config));
    *options = (struct planner_options){
        .network = network_inception_v3(), .target_count = objective->count, .targets = objective->rows, .progress = go_on};
    return STATUS_OK;
}

enum status planning_check(const struct config *config, const struct plan *plan)
{
    struct objective objective;
    struct planner_options planner;
    TRY(options_of(config, &objective, &planner));
    return fail_in(planner_check(&planner, plan), "plan: %s", config->plan);
}

enum status planning_find(const struct config *config, int threads, const float *weights, const char *file_text, struct plan *plan,
                          char **text)
{
    struct shown shown = {0};
    struct objective objective;
    struct plan_origin origin;
    struct planner_options planner;
    *text = NULL;
    TRY(options_of(config, &objective, &planner));
    planner.weights = weights;
    planner.context = &shown;
    plan_origin_here(&origin, threads);
    memset(plan, 0, sizeof *plan);
    plan->bf16 = engine_bf16(config);
    if (file_text) {
        TRY(plan_from_text(plan, network_inception_v3(), &origin, file_text, config->plan));
        TRY(fail_in(planner_check(&planner, plan), "plan: %s", config->plan));
    } else if (strcmp(config->plan, "auto") != 0) {
        TRY(planner_fixed(&planner, strcmp(config->plan, "onednn") == 0 ? CONV_ONEDNN : CONV_DIRECT, plan));
    } else {
        TRY(make(&origin, threads, &planner, plan));
    }
    return plan_to_text(plan, network_inception_v3(), &origin, text);
}
