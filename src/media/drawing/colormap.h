// SPDX-License-Identifier: MIT
// Colours for values from 0 to 1.
//
// Turbo: A. Mikhailov, "Turbo, An Improved Rainbow Colormap for Visualization" (2019), Apache-2.0. Viridis: S. van der Walt and N. Smith
// (2015), CC0. Both within 1/255 of the tables of 256 colours that Matplotlib has. Jet: MATLAB's formula.
#pragma once

#include <stdint.h>

#include "common/config/config.h"

// sRGB. Values beyond 0..1 have the colour of the nearer end, NaN that of 0.
void colormap_get(enum config_colormap colormap, float value, uint8_t rgb[3]);
