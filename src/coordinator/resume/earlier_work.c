// SPDX-License-Identifier: MIT
#include "coordinator/resume/earlier_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/geometry.h"

// 0: no dream of this configuration was ever in that state.
static int octaves_of(const struct dream_state *state, const struct config *config, struct octave octaves[GEOMETRY_OCTAVES_MAX])
{
    if (state->full_width < 1 || state->full_height < 1 || state->step < 0 || state->step > config->steps)
        return 0;
    const int count = geometry_octaves(state->full_width, state->full_height, &config->octaves, octaves);
    return state->octave >= 0 && state->octave < count ? count : 0;
}

static void add(struct earlier_work *earlier, const char *name, const struct dream_state *state, const struct config *config)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const int count = octaves_of(state, config, octaves);
    struct earlier_dream *more = count ? realloc(earlier->items, (earlier->count + 1) * sizeof *more) : NULL;
    if (!more)
        return; // the estimate is that much worse
    earlier->items = more;
    struct earlier_dream *dream = &earlier->items[earlier->count++];
    snprintf(dream->sha256, sizeof dream->sha256, "%s", name);
    dream->work = config->steps * geometry_pixels(octaves, count);
    dream->done = config->steps * geometry_pixels(octaves, state->octave) + state->step * geometry_pixels(octaves + state->octave, 1);
}

struct search {
    struct earlier_work *earlier;
    const struct config *config;
};

static void see_checkpoint(void *context, const char *name, const char *path)
{
    const struct search *search = context;
    struct dream_state state;
    if (checkpoint_glance(path, &state) == STATUS_OK)
        add(search->earlier, name, &state, search->config);
}

// Returns what is done of dreams that nobody has seen.
static double tell(const struct earlier_work *earlier, struct progress *progress)
{
    double work = 0, done = 0;
    for (size_t i = 0; i < earlier->count; i++) {
        work += earlier->items[i].work;
        done += earlier->items[i].done;
    }
    progress_set_saved(progress, done, earlier->count ? work / (double)earlier->count : 0);
    return done;
}

void earlier_work_count(struct earlier_work *earlier, const struct resume *resume, const struct run_setup *setup, struct progress *progress)
{
    if (setup->channels > 0) // of a picture that nobody has looked at there is nothing to go by
        progress_set_channels(progress, setup->channels, setup->work(setup->config, JOB_SCAN, 1200, 800));
    for (size_t i = 0; resume && i < resume->past.count; i++) {
        const struct run_image *image = &resume->past.items[i];
        const enum job_kind job = task_job(setup->use, image->source);
        if (resume->images[i].done && resume->images[i].named && !image->same)
            progress_add_earlier(progress, setup->work(setup->config, job, image->width, image->height), job == JOB_DREAM);
    }
    if (resume && setup->use != CONFIG_EXPLAIN)
        (void)checkpoint_folder_look(setup->output, see_checkpoint, &(struct search){earlier, setup->config});
    (void)tell(earlier, progress);
}

double earlier_work_see(struct earlier_work *earlier, const char *sha256, struct progress *progress)
{
    const double before = tell(earlier, progress);
    for (size_t i = 0; i < earlier->count; i++)
        if (strncmp(earlier->items[i].sha256, sha256, CHECKPOINT_NAME) == 0)
            earlier->items[i] = earlier->items[--earlier->count];
    return before - tell(earlier, progress);
}

void earlier_work_destroy(struct earlier_work *earlier)
{
    free(earlier->items);
    *earlier = (struct earlier_work){0};
}
