// SPDX-License-Identifier: MIT
// The list of targets. Short form: LAYER[#CHANNEL+CHANNEL...][@X/Y][:WEIGHT], several with commas; the weight is 1 when left out.
//     mixed3:1,mixed5:0.5        two layers
//     mixed4#12+45:1             channels 12 and 45 of one
//     mixed4#12@0.5/0.25         the neuron of channel 12 that sees the middle of the upper half
// Whether a layer exists is for those who know the network to say.
#pragma once

#include "common/config/config.h"

// Replaces the whole list by the one in `text`; leaves it alone on failure.
enum status config_targets_parse(struct config_targets *targets, const char *text) MUST_CHECK;

// Appends the one target in `text`, which holds no comma.
enum status config_targets_append(struct config_targets *targets, const char *text) MUST_CHECK;

// The parts of one target, for the long form: layer is a name, weight a number, channel a number that is not there yet.
enum status config_target_set_layer(struct config_target *target, const char *text) MUST_CHECK;
enum status config_target_set_weight(struct config_target *target, const char *text) MUST_CHECK;
enum status config_target_add_channel(struct config_target *target, const char *text) MUST_CHECK;
enum status config_target_add_place(struct config_target *target, const char *text) MUST_CHECK; // x, then y
enum status config_target_check_place(struct config_target *target) MUST_CHECK;                 // none or both of them

// A new last target of weight 1, all channels and no layer yet; NULL where the list is full, with the message made.
struct config_target *config_targets_add(struct config_targets *targets);
