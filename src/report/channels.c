// SPDX-License-Identifier: MIT
#include "report/channels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"

void channels_pick(const double *values, int channels, struct channel *picked, int count)
{
    for (int i = 0; i < count; i++)
        picked[i] = (struct channel){.number = -1};
    for (int c = 0; c < channels; c++) {
        int place = count;
        if (!isfinite(values[c]))
            continue;
        while (place > 0 && (picked[place - 1].number < 0 || fabs(values[c]) > fabs(picked[place - 1].value)))
            place--;
        if (place == count)
            continue;
        memmove(picked + place + 1, picked + place, (size_t)(count - 1 - place) * sizeof *picked);
        picked[place] = (struct channel){.number = c, .value = values[c]};
    }
}

// Of a target with chosen channels the others do not count.
static bool counts(const struct config *config, const char *layer, int channel)
{
    for (int i = 0; i < config->targets.count; i++) {
        const struct config_target *t = &config->targets.items[i];
        bool chosen = t->channel_count + t->lowered_count == 0;
        if (strcmp(t->layer, layer) != 0)
            continue;
        for (int k = 0; k < t->channel_count; k++)
            chosen = chosen || t->channels[k] == channel;
        for (int k = 0; k < t->lowered_count; k++)
            chosen = chosen || t->lowered[k] == channel;
        return chosen;
    }
    return true;
}

static enum status read_rows(struct run_reader *reader, int number, const struct run_images *images, struct target_channels *target)
{
    const size_t count = (size_t)target->channels;
    struct config config; // the defaults, whose channels are all, where this version cannot read it
    float *row;
    double *values = NULL, *sum;
    enum status rc;
    TRY_OUT(ALLOCATE(row, count, "for the channels of %s", target->layer));
    TRY_OUT(ALLOCATE(values, 2 * count, "for the channels of %s", target->layer));
    sum = values + count;
    if (!run_facts_config(&reader->facts, &config))
        config_init(&config);
    for (size_t i = 0; i < images->count; i++) {
        TRY_OUT(run_reader_importance(reader, number, images->items[i].row, row));
        bool known = false;
        for (size_t c = 0; c < count; c++) {
            values[c] = counts(&config, target->layer, (int)c) ? row[c] : NAN;
            sum[c] += isfinite(values[c]) ? values[c] : 0; // one that the picture has not chosen is not known
            known = known || isfinite(values[c]);
        }
        target->known += known;
        if (target->images)
            channels_pick(values, target->channels, target->images + i * CHANNELS_IMAGE, CHANNELS_IMAGE);
    }
    for (size_t c = 0; c < count; c++)
        sum[c] = target->known && counts(&config, target->layer, (int)c) ? sum[c] / (double)target->known : NAN;
    channels_pick(sum, target->channels, target->mean, CHANNELS_MEAN);
out:
    free(row);
    free(values);
    return rc;
}

enum status channels_read(struct run_reader *reader, const struct run_images *images, struct channels *channels)
{
    const struct hdf5_texts *layers = &reader->facts.targets;
    const bool listed = images->count * layers->count * CHANNELS_IMAGE <= CHANNELS_LISTED;
    *channels = (struct channels){.target_count = layers->count, .image_count = images->count};
    TRY(ALLOCATE(channels->targets, layers->count, "for %zu targets", layers->count));
    for (size_t t = 0; t < layers->count; t++) {
        struct target_channels *target = &channels->targets[t];
        target->layer = layers->items[t];
        target->channels = run_reader_channels(reader, (int)t, &target->method);
        if (target->channels && listed)
            target->images = calloc(images->count * CHANNELS_IMAGE + 1, sizeof *target->images);
        if (target->channels)
            TRY(read_rows(reader, (int)t, images, target));
    }
    return STATUS_OK;
}

void channels_destroy(struct channels *channels)
{
    for (size_t t = 0; channels->targets && t < channels->target_count; t++) {
        free(channels->targets[t].method);
        free(channels->targets[t].images);
    }
    free(channels->targets);
    *channels = (struct channels){0};
}
