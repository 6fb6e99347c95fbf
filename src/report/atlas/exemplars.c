// SPDX-License-Identifier: MIT
#include "report/atlas/exemplars.h"

#include <stdlib.h>
#include <string.h>

#include "common/config/channel_input.h"

static bool is_better(const struct exemplar *a, const struct exemplar *b)
{
    if (!b->picture || a->value != b->value)
        return !b->picture || a->value > b->value;
    const int order = strcmp(a->picture->sha256, b->picture->sha256);
    return order ? order < 0 : strcmp(a->picture->source, b->picture->source) < 0;
}

static void offer(struct exemplar *kept, int places, const struct exemplar *new)
{
    int place = places;
    while (place > 0 && is_better(new, &kept[place - 1]))
        place--;
    if (place == places)
        return;
    memmove(kept + place + 1, kept + place, (size_t)(places - 1 - place) * sizeof *kept);
    kept[place] = *new;
}

static struct exemplar exemplar_of(const float *peak, const struct run_image *picture)
{
    return (struct exemplar){.value = peak[PEAK_VALUE], .y = (int32_t)peak[PEAK_Y], .x = (int32_t)peak[PEAK_X], .picture = picture};
}

static void take_picture(struct exemplars *e, int target, const struct run_image *image, const float *peaks)
{
    for (int i = 0; i < e->channels[target] * PEAK_KINDS; i++, peaks += PEAK_NUMBERS)
        if (peaks[PEAK_VALUE] > 0 && peaks[PEAK_Y] >= 0 && peaks[PEAK_X] >= 0) { // and no NaN
            const struct exemplar new = exemplar_of(peaks, image);
            offer(e->items[target] + (size_t)i * (size_t)e->places, e->places, &new);
        }
}

static enum status read_dream(struct exemplars *e, struct run_reader *reader, const struct config *config, const struct run_image *image,
                              float *peaks)
{
    int target, channel;
    if (image->status != IMAGE_DONE || image->same > 0 || image->earlier ||
        channel_input_parse(image->source, config, &target, &channel) != STATUS_OK || channel >= e->channels[target])
        return STATUS_OK;
    TRY(run_reader_peaks(reader, target, image->row, peaks));
    e->optima[target][channel] = exemplar_of(peaks + (size_t)channel * PEAK_KINDS * PEAK_NUMBERS, image);
    return STATUS_OK;
}

static enum status read_picture(struct exemplars *e, struct run_reader *reader, const struct run_image *image, float *peaks)
{
    e->pictures++;
    for (int t = 0; t < e->targets; t++) {
        TRY(run_reader_peaks(reader, t, image->row, peaks));
        take_picture(e, t, image, peaks);
    }
    return STATUS_OK;
}

enum status exemplars_find(struct exemplars *e, struct run_reader *reader, const struct run_images *images, const struct config *config)
{
    const int places = config->atlas.exemplars;
    int most = 1;
    float *peaks = NULL;
    enum status rc = STATUS_OK;
    *e = (struct exemplars){.targets = (int)reader->facts.targets.count, .places = places};
    for (int t = 0; t < e->targets; t++) {
        const int channels = e->channels[t] = run_reader_channels(reader, t, NULL);
        most = channels > most ? channels : most;
        TRY_OUT(ALLOCATE(e->items[t], (size_t)channels * PEAK_KINDS * (size_t)places + 1, "for the exemplars of %d channels", channels));
        TRY_OUT(ALLOCATE(e->optima[t], (size_t)channels + 1, "for the dreams of %d channels", channels));
    }
    TRY_OUT(ALLOCATE(peaks, (size_t)most * PEAK_KINDS * PEAK_NUMBERS, "for the peaks of %d channels", most));
    for (size_t i = 0; i < images->count; i++) {
        const struct run_image *image = &images->items[i];
        if (run_image_counts(image))
            TRY_OUT(read_picture(e, reader, image, peaks));
        else if (channel_input_is_named(image->source))
            TRY_OUT(read_dream(e, reader, config, image, peaks));
    }
out:
    free(peaks);
    return rc;
}

void exemplars_destroy(struct exemplars *e)
{
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++) {
        free(e->items[t]);
        free(e->optima[t]);
    }
    *e = (struct exemplars){0};
}
