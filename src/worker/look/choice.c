// SPDX-License-Identifier: MIT
#include "worker/look/choice.h"

#include <math.h>
#include <stdlib.h>

#include "common/system/log.h"
#include "common/system/text.h"
#include "kernels/network/statistics.h"
#include "worker/network/balance.h"
#include "worker/network/sweep.h"
#include "worker/team/rescale.h"

// Pixels that are looked at whole, whatever tile.size is: so small a picture needs little memory.
enum { WHOLE = 1024 };

// What is no number, as weights beyond all reason make it, surprises least: a channel is chosen in any case.
static double surprise_of(double mean, double usual, double deviation)
{
    const double surprise = (mean - usual) / deviation;
    return isnan(surprise) ? -INFINITY : surprise;
}

void choice_find(const double *means, const float *usual, const float *deviations, int channels, int count, int *chosen)
{
    double sum = 0, before = INFINITY; // what was chosen last, and where
    int last = -1;
    for (int c = 0; c < channels; c++)
        sum += (double)deviations[c];
    const double least = sum > 0 ? 0.01 * sum / channels : 1;
    for (int k = 0; k < count; k++) {
        double most = -INFINITY;
        int best = -1;
        for (int c = 0; c < channels; c++) {
            const double surprise = surprise_of(means[c], usual[c], fmax(deviations[c], least));
            const bool left = surprise < before || (surprise == before && c > last);
            if (left && (best < 0 || surprise > most)) {
                most = surprise;
                best = c;
            }
        }
        before = most;
        last = best;
        int at = k;
        for (; at > 0 && chosen[at - 1] > best; at--)
            chosen[at] = chosen[at - 1];
        chosen[at] = best;
    }
}

void choice_mark(const struct objective *objective, int target, float *importance)
{
    for (int c = 0; objective->config->targets.items[target].automatic && c < objective->channels[target]; c++)
        if (objective->weights[target][c] == 0)
            importance[c] = NAN;
}

static double value(float a, float g, double given)
{
    (void)g, (void)given;
    return (double)a;
}

static void add_values(const struct feature *feature, double *sums, const void *given)
{
    features_add(feature, sums, value, given);
}

static void say(const struct objective *own, int target, const int *chosen, int64_t image)
{
    char list[512] = "";
    for (int k = 0; k < own->config->targets.items[target].automatic; k++)
        text_append(list, sizeof list, "%s%d", k ? "+" : "", chosen[k]);
    log_debug("image %lld: %s#%s", (long long)image, own->config->targets.items[target].layer, list);
}

static enum status choose(struct objective *own, const struct features *f, int target, const float *statistics, bool says, int64_t image)
{
    const struct network *network = network_inception_v3();
    const struct heat_grid grid = features_grid(f, target, 0, 0);
    const int channels = own->channels[target], row = own->rows[target], count = own->config->targets.items[target].automatic;
    double *means;
    int *chosen = NULL;
    enum status rc;
    TRY_OUT(ALLOCATE(means, channels, "to choose channels"));
    TRY_OUT(ALLOCATE(chosen, count, "to choose channels"));
    TRY_OUT(features_sum(f, target, channels, add_values, NULL, means));
    for (int c = 0; c < channels; c++) {
        means[c] /= (double)grid.width * grid.height;
        own->weights[target][c] = 0;
    }
    choice_find(means, statistics + statistics_start(network, row, CHANNEL_PICTURE_MEAN),
                statistics + statistics_start(network, row, CHANNEL_PICTURE_DEVIATION), channels, count, chosen);
    for (int k = 0; k < count; k++)
        own->weights[target][chosen[k]] = 1;
    own->counted[target] = count;
    balance_target(own, target, statistics);
    if (says)
        say(own, target, chosen, image);
out:
    free(means);
    free(chosen);
    return rc;
}

// The picture as small, or as large, as those that were measured.
static enum status bring_to_size(struct image_job *job, const struct slab *picture, int side, struct slab *brought)
{
    const double ratio = (double)side / (picture->width < picture->height ? picture->width : picture->height);
    const int width = (int)fmax(1, nearbyint(ratio * picture->width)), height = (int)fmax(1, nearbyint(ratio * picture->height));
    TRY(rescale(job->team, picture, width, height, brought));
    slab_clip(brought, false); // the filter overshoots
    return STATUS_OK;
}

enum status choice_make(struct objective *own, struct image_job *job, const struct slab *picture, const struct ordinary *ordinary)
{
    struct tile_rules rules = *job->rules;
    struct image_job look = *job;
    struct slab brought = {0};
    struct sweep *sweep = NULL;
    struct features features = {0};
    struct sweep_losses losses;
    enum status rc;
    rules.size = rules.size > WHOLE ? rules.size : WHOLE;
    look.rules = &rules;
    TRY_OUT(team_agree(job->team, objective_copy(own, job->objective)));
    TRY_OUT(bring_to_size(job, picture, ordinary->side, &brought));
    TRY_OUT(team_agree(job->team, sweep_create(&sweep, &look, brought.width, brought.height, 0)));
    TRY_OUT(team_agree(job->team, features_create(&features, job->objective, job->team, sweep_tiling(sweep), 0)));
    TRY_OUT(
        sweep_run(sweep, &(struct sweep_pass){.image = &brought, .rule = {.mode = GRADIENT_MODE_PLAIN}, .features = &features}, &losses));
    for (int t = 0; t < own->count; t++)
        if (own->config->targets.items[t].automatic)
            TRY_OUT(choose(own, &features, t, ordinary->statistics, job->team->rank == 0, job->image));
    job->stopping = look.stopping;
    job->objective = own;
out:
    features_destroy(&features);
    sweep_destroy(&sweep);
    slab_destroy(&brought);
    return rc;
}
