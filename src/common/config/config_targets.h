// SPDX-License-Identifier: MIT
// The list of targets. Short form: LAYER[#[-]CHANNEL[+|-CHANNEL]...|#auto[COUNT]][@X/Y][%FROM..TO][:WEIGHT], several with commas;
// the weight is 1 when left out. A minus before a channel: it is lowered.
//     mixed3:1,mixed5:0.5        two layers
//     mixed4#12+45:1             channels 12 and 45 of one
//     mixed4#12-45               channel 12 raised, 45 lowered
//     mixed4#auto8               8 channels of it that the picture itself chooses; 8 also where the number is left out
//     mixed4#12@0.5/0.25         the neuron of channel 12 that sees the middle of the upper half
//     mixed3,mixed5%0..0.5       mixed5 in the smaller half of the octaves only
// Spaces around targets and their parts are left out.
// Whether a layer exists is for those who know the network to say.
#pragma once

#include "common/config/config.h"

// Replaces the whole list by the one in `text`; leaves it alone on failure.
enum status config_targets_parse(struct config_targets *targets, const char *text) MUST_CHECK;

// Appends the one target in the first `length` bytes of `text`, among which is no comma.
enum status config_targets_append(struct config_targets *targets, const char *text, size_t length) MUST_CHECK;

// The long form, field by field: from a new last target of weight 1, all channels and no layer yet (NULL where the list is full, with the
// message made), to the check that it has its layer, and both x and y or neither, and so of octaves.
struct config_target *config_targets_add(struct config_targets *targets);
struct config_target_field {
    const char *name;
    const char *list; // what a list of numbers, taken one by one, looks like; NULL: it is no list
    enum status (*take)(struct config_target *target, const char *text);
};
enum { CONFIG_TARGET_FIELDS = 6 };
extern const struct config_target_field config_target_fields[CONFIG_TARGET_FIELDS];
enum status config_target_check(const struct config_target *target) MUST_CHECK;

// Whether it counts in octave `octave` of `count`, 0 the smallest. The ends of its octaves belong to them, and two digits are enough for
// them: 0.33 is a third. A picture of one octave has every target.
bool config_target_counts(const struct config_target *target, int octave, int count);
