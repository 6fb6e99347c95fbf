// SPDX-License-Identifier: MIT
// A map shown over the picture that it belongs to.
#pragma once

#include <stdint.h>

#include "common/config/config.h"
#include "common/picture/heat.h"
#include "common/system/status.h"

// picture and out are (height, width, 3), sRGB of 8 bits, and may be the same. The map's values lie in 0..1 (NaN counts as 0).
//
// The picture loses most of its own colours and keeps its light; the map's colours come over it with an opacity that grows from nothing
// where the map is cold to `opacity` (0..1) where it is hottest. Maps of early layers are nowhere cold: what 5 per cent of their values do
// not exceed counts as cold.
//
// Jet is drawn as the papers on Grad-CAM do: its colours for the values as they are, with the same opacity everywhere.
enum status overlay_draw(const uint8_t *picture, int width, int height, const struct heat *heat, enum config_colormap colormap,
                         double opacity, uint8_t *out) MUST_CHECK;
