// SPDX-License-Identifier: MIT
#include "job/preparation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/config_idle.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/text.h"
#include "coordinator/intake/intake.h"
#include "coordinator/intake/intake_list.h"
#include "coordinator/intake/load.h"
#include "coordinator/schedule/baseline_images.h"
#include "job/planning.h"
#include "kernels/network/network.h"
#include "media/video/video.h"
#include "weights/model_fetch.h"

// A run that is there already is gone on with, if nothing that matters has changed since.
static enum status find_earlier(struct preparation *p, const struct job_options *options, const char *run_file)
{
    struct stat info;
    const bool there = stat(run_file, &info) == 0;
    if (!there && options->resume)
        return fail(STATUS_USAGE, "%s is not there: no run to go on with; leave --resume away to begin one", run_file);
    if (there && !S_ISREG(info.st_mode))
        return fail(STATUS_USAGE, "%s is no file, so that no run can be kept there: give another folder with -o", run_file);
    if (!there || options->force)
        return STATUS_OK;
    TRY(resume_create(&p->resume, &(struct resume_options){.output = options->output,
                                                           .use = options->use,
                                                           .config = &options->config,
                                                           .inputs = options->inputs,
                                                           .input_count = options->input_count,
                                                           .lists = p->lists,
                                                           .look_only = options->dry_run}));
    if (!p->resume)
        return STATUS_OK;
    p->known.tile_size = p->resume->tiles.size;
    p->known.nothing_left = p->resume->complete;
    return STATUS_OK;
}

static void say_earlier(const struct preparation *p, const struct job_options *options)
{
    char word[TEXT_WORD_MAX], counts[256];
    resume_describe(p->resume, counts, sizeof counts);
    if (p->known.nothing_left && options->use == CONFIG_ATLAS)
        log_info("nothing to do in %s: %s", options->output, counts);
    else if (p->known.nothing_left)
        log_info("nothing to do in %s: %s; `oneiros report %s` makes a page to look at", options->output, counts,
                 text_word(options->output, word));
    else
        log_info("going on with the run in %s: %s", options->output, counts);
}

// Whether there are so many images, as far as they have names.
static enum status are_many(const struct preparation *p, const struct job_options *options, int64_t many, bool *are)
{
    struct intake *intake = NULL;
    struct intake_entry entry;
    bool end = false;
    enum status rc;
    TRY_OUT(intake_create(
        &intake,
        &(struct intake_options){
            .output = options->output, .inputs = options->inputs, .count = options->input_count, .lists = p->lists, .quiet = true}));
    for (int64_t i = 0; i < many && !end; i++)
        intake_pass(intake, &entry, &end);
    *are = !end;
out:
    intake_destroy(&intake);
    return rc;
}

// Who reads and writes. Where workers do it each image has one of them; with more images than that the others have enough to do.
static enum status choose_io(struct preparation *p, const struct job_options *options, int workers)
{
    enum { MANY_WORKERS = 4 }; // that rank 0 can hardly keep busy
    const struct config *config = &options->config;
    const bool baselines = options->use == CONFIG_EXPLAIN || config->importance.method == IMPORTANCE_EXPECTED_GRADIENTS;
    p->known.delegates = config->io == IO_WORKERS;
    if (workers == 0 || config->team.size > 1 || (baselines && config_has_baseline(config, "images"))) {
        if (p->known.delegates)
            log_warning("io: workers needs workers, teams of one, and no pictures of the run as baselines: rank 0 reads and writes");
        p->known.delegates = false;
    } else if (config->io == IO_AUTO && workers > MANY_WORKERS) {
        return are_many(p, options, 4 * (int64_t)workers, &p->known.delegates);
    }
    return STATUS_OK;
}

// As the run began, whatever the number of pictures now.
static enum status choose_folders(struct preparation *p, struct job_options *options)
{
    enum { MANY = 10000 };
    enum config_folders *folders = &options->config.output.folders;
    bool many = false;
    if (p->resume)
        *folders = p->resume->folders;
    else if (*folders == FOLDERS_AUTO)
        TRY(are_many(p, options, MANY, &many));
    if (*folders == FOLDERS_AUTO)
        *folders = many ? FOLDERS_GROUPED : FOLDERS_TREE;
    p->recorded.output.folders = *folders;
    return STATUS_OK;
}

enum status preparation_check_output(struct preparation *p, const struct job_options *options)
{
    char run_file[FILE_PATH_MAX];
    TRY(file_join(run_file, options->output, "run.h5"));
    if (p->resume)
        say_earlier(p, options);
    return access(options->output, F_OK) == 0 ? file_may_create(run_file) : STATUS_OK;
}

static enum status take_folder(struct preparation *p, const struct job_options *options)
{
    const char *output = options->output;
    if (options->dry_run) {
        TRY(file_may_make_folder(output));
        return access(output, F_OK) == 0 ? folder_lock_look(output) : STATUS_OK;
    }
    p->made = file_missing_folder(output);
    TRY(file_make_folder(output));
    return folder_lock_take(&p->lock, output);
}

void preparation_leave(struct preparation *p)
{
    folder_lock_release(&p->lock);
    if (p->made)
        file_remove_folders(p->output, p->made);
    p->made = 0;
}

// Where there is no encoder at all there are no videos, but everything else. One that is asked for must be there.
static enum status check_encoder(const struct config *config)
{
    char name[VIDEO_ENCODER_MAX];
    const enum status rc = config->frames.cam || config->frames.dream ? video_check(config->video.encoder, name) : STATUS_OK;
    if (rc == STATUS_OK || strcmp(config->video.encoder, "auto") != 0)
        return rc;
    log_warning("no videos: %s", status_message());
    return STATUS_OK;
}

// Other pictures as baselines, where the inputs name one alone.
static enum status check_baselines(const struct preparation *p, const struct job_options *options)
{
    static const char one[] = "importance.baselines: images are other pictures of the run, and the inputs name one alone";
    const struct config *config = &options->config;
    bool several = true;
    if (baseline_images_are_wanted(config, options->use))
        TRY(are_many(p, options, 2, &several));
    if (several)
        return STATUS_OK;
    if (strcmp(config->importance.baselines, "images") == 0)
        return fail(STATUS_USAGE, "%s; name more, or take black or blurred", one);
    log_warning("%s: the others are taken", one);
    return STATUS_OK;
}

// Whether the rule of `gradient` holds behind all targets alone, and that is not how it is by default.
static bool is_rule_idle(const struct config *config)
{
    const struct network *network = network_inception_v3();
    struct config initial;
    int deepest = 0;
    config_init(&initial);
    if (config->gradient == initial.gradient && strcmp(config->gradient_above, initial.gradient_above) == 0 &&
        config->gradient_strength == initial.gradient_strength)
        return false;
    for (int i = 0; i < config->targets.count; i++) {
        const int row = network_find(network, config->targets.items[i].layer);
        deepest = row > deepest ? row : deepest;
    }
    return config->gradient != GRADIENT_PLAIN && config->objective != OBJECTIVE_CLASS &&
           network_find(network, config->gradient_above) >= deepest;
}

static void say_idle(const struct job_options *options)
{
    char text[512];
    config_idle(&options->config, options->use == CONFIG_EXPLAIN, text, sizeof text);
    if (text[0])
        log_info("%s", text);
    if (options->unseen[0])
        log_info("no effect on %s: %s", options->use == CONFIG_EXPLAIN ? "explanations" : "dreams", options->unseen);
    if (options->use != CONFIG_EXPLAIN && is_rule_idle(&options->config))
        log_info("gradient and gradient_strength have no effect unless gradient_above is before a target: with %s all of it is plain",
                 options->config.gradient_above);
}

// Whether what is asked for is what the earlier run has, whose plan has this precision.
static enum status compare_plans(const struct preparation *p, const struct job_options *options, enum config_precision had)
{
    const struct config *config = &options->config;
    char difference[2 * CONFIG_PATH_MAX + 32];
    bool same = true;
    if (config->precision != PRECISION_AUTO && config->precision != had) {
        const bool half = had == PRECISION_BF16;
        return resume_refuse(p->resume, half ? "precision was bf16 and is f32" : "precision was f32 and is bf16");
    }
    if (strcmp(config->plan, "auto") == 0 || strcmp(config->plan, p->resume->plan) == 0)
        return STATUS_OK;
    TRY(planning_compare(config, p->plan_text, &same));
    snprintf(difference, sizeof difference, "plan was %s and is %s", p->resume->plan, config->plan);
    return same ? STATUS_OK : resume_refuse(p->resume, difference);
}

// The plan that the configuration names, or that of the run which is gone on with: the same bytes need the same one.
static enum status read_plan(struct preparation *p, struct job_options *options)
{
    struct config config = options->config;
    if (p->resume) {
        TRY(file_join(config.plan, options->output, "run.h5"));
        config.precision = PRECISION_AUTO;
    }
    TRY(planning_read_file(&config, &p->plan_text));
    if (p->resume) {
        TRY(compare_plans(p, options, config.precision));
        snprintf(p->recorded.plan, sizeof p->recorded.plan, "%s", p->resume->plan);
    } else {
        p->recorded.precision = config.precision;
    }
    options->config.precision = config.precision;
    return STATUS_OK;
}

// The guide must be the picture that it was. Where nothing is left to do it need not be there.
static enum status read_guide(struct preparation *p, const struct config *config)
{
    if (config->objective != OBJECTIVE_GUIDE)
        return STATUS_OK;
    const enum status rc = load_guide(config, &p->guide, p->guide_sha256);
    if (rc != STATUS_OK)
        return p->known.nothing_left ? STATUS_OK : rc;
    if (!p->resume || strcmp(p->resume->guide_sha256, p->guide_sha256) == 0)
        return STATUS_OK;
    return resume_refuse(p->resume, "the picture that guide names was another one");
}

// The same of the mask.
static enum status read_mask(struct preparation *p, const struct job_options *options)
{
    if (options->use == CONFIG_EXPLAIN || strcmp(options->config.mask, "none") == 0)
        return STATUS_OK;
    const enum status rc = load_mask(&options->config, &p->mask, p->mask_sha256);
    if (rc != STATUS_OK)
        return p->known.nothing_left ? STATUS_OK : rc;
    if (!p->resume || strcmp(p->resume->mask_sha256, p->mask_sha256) == 0)
        return STATUS_OK;
    return resume_refuse(p->resume, "the picture that mask names was another one");
}

enum status preparation_make(struct preparation *p, struct job_options *options, int ranks)
{
    char run_file[FILE_PATH_MAX];
    *p = (struct preparation){.recorded = options->config, .output = options->output};
    TRY(model_path(options->config.model.path, p->model));
    TRY(file_join(run_file, options->output, "run.h5"));
    TRY(take_folder(p, options));
    p->list_count = options->input_count;
    TRY(intake_lists_read(options->inputs, options->input_count, &p->lists));
    TRY(find_earlier(p, options, run_file));
    TRY(read_plan(p, options));
    TRY(read_guide(p, &options->config));
    TRY(read_mask(p, options));
    if (p->known.nothing_left) {
        say_earlier(p, options);
        return STATUS_OK;
    }
    if (options->use != CONFIG_EXPLAIN)
        TRY(check_encoder(&options->config));
    TRY(check_baselines(p, options));
    TRY(choose_folders(p, options));
    TRY(choose_io(p, options, ranks - 1));
    say_idle(options);
    return STATUS_OK;
}

void preparation_destroy(struct preparation *p)
{
    preparation_leave(p);
    resume_destroy(&p->resume);
    intake_lists_destroy(&p->lists, p->list_count);
    image_destroy(&p->guide);
    mask_destroy(&p->mask);
    free(p->plan_text);
    *p = (struct preparation){0};
}
