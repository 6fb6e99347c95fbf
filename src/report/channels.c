// SPDX-License-Identifier: MIT
#include "report/channels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static enum status read_rows(struct run_reader *reader, int number, const struct run_images *images, struct target_channels *target)
{
    const size_t count = (size_t)target->channels;
    float *row;
    double *values = NULL, *sum;
    enum status rc;
    TRY_OUT(ALLOCATE(row, count, "for the channels of %s", target->layer));
    TRY_OUT(ALLOCATE(values, 2 * count, "for the channels of %s", target->layer));
    sum = values + count;
    for (size_t i = 0; i < images->count; i++) {
        TRY_OUT(run_reader_importance(reader, number, images->items[i].row, row));
        bool known = false;
        for (size_t c = 0; c < count; c++) {
            values[c] = row[c];
            sum[c] += isfinite(values[c]) ? values[c] : 0; // one that the picture has not chosen is not known
            known = known || isfinite(values[c]);
        }
        target->known += known;
        if (target->images)
            channels_pick(values, target->channels, target->images + i * CHANNELS_IMAGE, CHANNELS_IMAGE);
    }
    for (size_t c = 0; c < count; c++)
        sum[c] = target->known ? sum[c] / (double)target->known : NAN;
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
