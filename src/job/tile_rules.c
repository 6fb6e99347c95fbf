// SPDX-License-Identifier: MIT
#include "job/tile_rules.h"

#include "common/picture/geometry.h"
#include "worker/network/engine.h"
#include "worker/network/objective.h"

// Larger tiles see fewer pixels twice, but leave fewer ranks something to do; beyond this there is little left to gain.
enum { SIZE_AUTO = 2048, SIZE_STEP = 128 };

static int round_up(int value, int multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

// All that one value of the deepest target sees.
static struct receptive_field widest(const struct objective *objective)
{
    struct receptive_field all = {0};
    for (int t = 0; t < objective->count; t++) {
        const struct receptive_field *field = &objective->fields[t];
        all.size = field->size > all.size ? field->size : all.size;
        all.stride = field->stride > all.stride ? field->stride : all.stride;
        all.centre = field->centre > all.centre ? field->centre : all.centre;
    }
    return all;
}

// Wide enough for a gradient right to some thousandths, with borders that cannot be found: docs/tiles.md has the measurement.
static int auto_halo(int blend, const struct receptive_field *field)
{
    const int quarter = (field->size / 4 + field->stride / 2) / field->stride * field->stride, least = 2 * blend > 64 ? 2 * blend : 64;
    return quarter > least ? quarter : least;
}

static int halo_of(const struct config *config, const struct receptive_field *field)
{
    const int exact = field->size - 1 + config->tile.blend;
    int halo = config->tile.halo;
    if (halo == TILE_HALO_EXACT)
        halo = exact;
    else if (halo == TILE_HALO_AUTO)
        halo = auto_halo(config->tile.blend, field);
    if (halo > exact)
        halo = exact; // more changes nothing
    halo = halo < config->tile.blend ? config->tile.blend : halo;
    halo = halo < field->centre ? field->centre : halo;               // or some activations would be in no window
    const int shortest = (GEOMETRY_MIN_SIDE - field->stride + 1) / 2; // a window may be as short as two halos and a stride
    halo = halo < shortest ? shortest : halo;
    return round_up(halo, field->stride);
}

// A size of window that cuts octaves of any size. Windows begin two blends apart (tiling.h), which is hardest to keep for an octave just
// too long for two of them: with the origins of three, it takes room for three blends between a window's halos. Rounding to strides takes
// up to four strides more, SIZE_STEP.
static int least_size(int halo, int blend)
{
    return 2 * halo + 3 * blend + SIZE_STEP;
}

static double feature_bytes(const struct objective *objective)
{
    double bytes = 0;
    for (int t = 0; t < objective->count; t++)
        bytes += (double)sizeof(float) * objective->channels[t] / ((double)objective->fields[t].stride * objective->fields[t].stride);
    return bytes;
}

// The smallest square that every layer up to the targets makes something of.
static int min_side(const struct objective *objective, bool bf16)
{
    int least = 1, enough = GEOMETRY_MIN_SIDE;
    while (least < enough) {
        const int side = (least + enough) / 2;
        size_t bytes;
        if (engine_estimate(objective, side, side, bf16, &bytes) == STATUS_OK)
            enough = side;
        else
            least = side + 1;
    }
    return enough;
}

enum status tile_rules_resolve(const struct config *config, uint64_t memory_limit, struct tile_plan *plan)
{
    struct objective objective;
    size_t bytes;
    bool limited = false;
    const bool bf16 = engine_bf16(config);
    TRY(objective_find_targets(&objective, config));
    const struct receptive_field field = widest(&objective);
    const int halo = halo_of(config, &field), least = least_size(halo, config->tile.blend);
    const int ample = 4 * halo > least ? 4 * halo : least;
    int size = config->tile.size;
    if (size == 0)
        size = SIZE_AUTO > ample ? SIZE_AUTO : round_up(ample, SIZE_STEP);
    TRY(engine_estimate(&objective, size, size, bf16, &bytes));
    // The other half is for the rows of the image and what ranks exchange.
    while (config->tile.size == 0 && bytes > memory_limit / 2 && size - SIZE_STEP >= least) {
        size -= SIZE_STEP;
        limited = true;
        TRY(engine_estimate(&objective, size, size, bf16, &bytes));
    }
    *plan = (struct tile_plan){.rules = {.size = size, .halo = halo, .blend = config->tile.blend, .stride = field.stride},
                               .exact = halo >= field.size - 1 + config->tile.blend,
                               .min_side = min_side(&objective, bf16),
                               .limited = limited,
                               .feature_bytes = feature_bytes(&objective),
                               .window_bytes = (double)bytes / ((double)size * size)};
    return STATUS_OK;
}
