// SPDX-License-Identifier: MIT
#include "worker/look/explain_send.h"

#include <stdlib.h>

struct array_part explain_part(const struct explain_send *send, enum array_kind kind, int target, int variant)
{
    return (struct array_part){.image = send->job->image, .kind = kind, .target = target, .variant = variant, .frame = -1};
}

static void note(struct explain_send *send, enum status rc)
{
    send->failure = send->failure == STATUS_OK ? rc : send->failure;
}

enum status explain_send_agree(const struct explain_send *send)
{
    return team_agree(send->job->team, send->failure);
}

void explain_send_rows(struct explain_send *send, struct array_part part, const struct slab *slab, int channels)
{
    if (!send->silent)
        note(send, outbox_send_rows(send->job->outbox, part, slab, channels));
}

void explain_send_whole(struct explain_send *send, struct array_part part, int channels, int height, int width, const float *values)
{
    if (!send->silent && send->job->team->rank == 0)
        note(send, outbox_send_whole(send->job->outbox, part, channels, height, width, values));
}

// (channels / block, height, width, block) -> (channels, height, width)
static void unblock(const struct feature *feature, float *out)
{
    const size_t positions = (size_t)feature->at.width * (size_t)feature->at.height, block = (size_t)feature->block;
#pragma omp parallel for schedule(static)
    for (int c = 0; c < feature->channels; c++) {
        const float *in = feature->activation + ((size_t)c / block) * positions * block + (size_t)c % block;
        for (size_t p = 0; p < positions; p++)
            out[(size_t)c * positions + p] = in[p * block];
    }
}

static enum status send_activations(const struct explain_send *send, const struct features *features, int target)
{
    const struct heat_grid grid = features_grid(features, target, 0, 0);
    for (int i = features->mine.begin; i < features->mine.end; i++) {
        const struct feature *feature = features_at(features, i, target);
        struct array_part part = explain_part(send, ARRAY_ACTIVATION, target, 0);
        float *values;
        TRY(ALLOCATE(values, (size_t)feature->channels * (size_t)feature->at.width * (size_t)feature->at.height + 1,
                     "to send activations"));
        unblock(feature, values);
        part.channels = feature->channels;
        part.height = grid.height;
        part.width = grid.width;
        part.y = feature->at.y;
        part.x = feature->at.x;
        part.rows = feature->at.height;
        part.columns = feature->at.width;
        TRY(outbox_send(send->job->outbox, &part, values));
    }
    return STATUS_OK;
}

void explain_send_activations(struct explain_send *send, const struct features *features, int target)
{
    if (!send->silent)
        note(send, send_activations(send, features, target));
}
