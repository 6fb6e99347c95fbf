// SPDX-License-Identifier: MIT
#include "common/config/config_idle.h"

#include <stddef.h>
#include <string.h>

#include "common/config/config_schema.h"
#include "common/system/text.h"

static bool no_guide(const struct config *c)
{
    return c->objective != OBJECTIVE_GUIDE;
}

static bool no_mask(const struct config *c)
{
    return strcmp(c->mask, "none") == 0;
}

static bool no_class(const struct config *c)
{
    return c->objective != OBJECTIVE_CLASS;
}

static bool no_channels(const struct config *c)
{
    return !config_weighs_channels(c);
}

static bool not_square(const struct config *c)
{
    return c->objective != OBJECTIVE_MEAN_SQUARE;
}

static bool one_octave(const struct config *c)
{
    return c->octaves.count == 1;
}

static bool counted_octaves(const struct config *c)
{
    return c->octaves.count != GEOMETRY_OCTAVES_AUTO;
}

static bool plain(const struct config *c)
{
    return c->gradient == GRADIENT_PLAIN;
}

static bool not_guided(const struct config *c)
{
    return c->gradient != GRADIENT_GUIDED;
}

static bool no_pyramid(const struct config *c)
{
    return c->shape.pyramid < 2;
}

static bool grey(const struct config *c)
{
    return c->colours == COLOURS_ORIGINAL;
}

static bool no_guidance(const struct config *c)
{
    return c->guidance.saliency == 0 && c->guidance.cam == 0 && c->guidance.importance == 0 && c->guidance.add_magnitude == 0 &&
           c->guidance.add_saliency == 0 && c->guidance.add_cam == 0;
}

static bool no_map(const struct config *c)
{
    return !c->frames.cam && c->guidance.cam == 0 && c->guidance.add_cam == 0;
}

static bool not_expected(const struct config *c)
{
    return c->importance.method != IMPORTANCE_EXPECTED_GRADIENTS;
}

static bool no_frames(const struct config *c)
{
    return !c->frames.cam && !c->frames.dream;
}

static bool no_map_frames(const struct config *c)
{
    return !c->frames.cam;
}

static bool no_jpeg(const struct config *c)
{
    return c->output.format != OUTPUT_JPEG;
}

// Of keys that are looked at where others have these values alone.
static const struct {
    const char *key; // or a group, with its dot
    bool (*idle)(const struct config *config);
    const char *unless;
    bool dreams; // explanations look at it, whatever the others are, or never
} rows[] = {
    {"guide", no_guide, "objective is guide", false},
    {"balance", no_channels, "objective is mean_square or mean", false},
    {"saturation", not_square, "objective is mean_square", true},
    {"mask_feather", no_mask, "mask names a picture", true},
    {"class", no_class, "objective is class", false},
    {"gradient_strength", not_guided, "gradient is guided", true},
    {"gradient_above", plain, "gradient is guided or deconv", true},
    {"shape.colour", grey, "colours is dream", true},
    {"shape.coarse", no_pyramid, "shape.pyramid is 2 or more", true},
    {"octaves.smallest", counted_octaves, "octaves.count is auto", true},
    {"octaves.scale", one_octave, "octaves.count is more than 1", true},
    {"octaves.detail", one_octave, "octaves.count is more than 1", true},
    {"guidance.every", no_guidance, "another key of guidance is above 0", true},
    {"cam.", no_map, "frames.cam is true, or guidance.cam or guidance.add_cam above 0", true},
    {"importance.samples", not_expected, "importance.method is expected_gradients", true},
    {"importance.baselines", not_expected, "importance.method is expected_gradients", true},
    {"frames.every", no_frames, "frames.cam or frames.dream is true", true},
    {"frames.png", no_frames, "frames.cam or frames.dream is true", true},
    {"video.colormap", no_map_frames, "frames.cam is true", true},
    {"video.steadiness", no_map_frames, "frames.cam is true", true},
    {"video.opacity", no_map_frames, "frames.cam is true", true},
    {"video.", no_frames, "frames.cam or frames.dream is true", true},
    {"output.quality", no_jpeg, "output.format is jpeg", true},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

// The number of its row; ROWS where it has none.
static int find(const char *key)
{
    int i = 0;
    for (; i < ROWS; i++) {
        const size_t length = strlen(rows[i].key);
        if (rows[i].key[length - 1] == '.' ? strncmp(key, rows[i].key, length) == 0 : strcmp(key, rows[i].key) == 0)
            break;
    }
    return i;
}

bool config_is_idle(const struct config *config, bool explains, const char *key)
{
    const int i = find(key);
    return i < ROWS && !(explains && rows[i].dreams) && rows[i].idle(config);
}

// What is off, as presets have it, need not have an effect.
void config_idle(const struct config *config, bool explains, char *text, size_t size)
{
    struct config initial;
    config_init(&initial);
    text[0] = '\0';
    for (int i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const bool same = memcmp((const char *)config + key->offset, (const char *)&initial + key->offset, key->size) == 0;
        const bool off = key->offset == offsetof(struct config, saturation) && config->saturation == SATURATION_NONE;
        if (!same && !off && config_is_idle(config, explains, key->name))
            text_append(text, size, "%s%s has no effect unless %s", text[0] ? "; " : "", key->name, rows[find(key->name)].unless);
    }
}
