// SPDX-License-Identifier: MIT
// What GeoTIFF and GDAL say of pixels, in a block of tags that is changed in place. Tags that are not there, or are broken, are left alone.
#pragma once

#include <stddef.h>
#include <stdint.h>

// The picture has `across` and `down` times as many pixels: the corners stay where they are on the ground. What cannot follow, as
// polynomials of satellites, is taken out.
void geo_scale(uint8_t *block, size_t size, double across, double down);

// The bands that are not dreamed on, and what is no data, are no longer there: takes out what speaks of them.
void geo_lose_samples(uint8_t *block, size_t size);
