// SPDX-License-Identifier: MIT
// Colours by Little CMS: from the ICC profile that a file embeds to sRGB, and back when the dream is written in that profile.
//
// Relative colorimetric with black point compensation, in float. What sRGB cannot hold is clipped.
#pragma once

#include <stddef.h>

#include "common/picture/image.h"

enum { COLOR_PROFILE_BYTES_MAX = 4 << 20 };

enum color_space { COLOR_GREY = 1, COLOR_RGB = 3, COLOR_CMYK = 4 }; // its number of channels

// Brings a decoded picture to sRGB, by the profile of its file; `size` is 0 if that has none. Grey is in all three planes of rgb. Of CMYK,
// rgb has the first three inks and black the last one, the lowest value for no ink; afterwards rgb is RGB and there is no black.
//
// A profile of RGB that has a way back is kept in image->icc. One that cannot be used is ignored, and the image's notice says so.
enum status color_to_srgb(struct image *image, enum color_space space, const void *profile, size_t size) MUST_CHECK;

// Of CIELAB of 8 or 16 bits, a and b with 0 in the middle of their range. There is no way back.
enum status color_lab_to_srgb(struct image *image) MUST_CHECK;

// How a picture without a profile says what its colours are: CIE x and y of white, red, green and blue, and which light a value stands for.
enum color_curve { CURVE_GAMMA, CURVE_LINEAR, CURVE_SRGB, CURVE_REC709, CURVE_PQ, CURVE_HLG };
struct color_facts {
    double primaries[4][2];
    enum color_curve curve;
    double gamma; // of CURVE_GAMMA: light is the value to that power, for a display of 2.2, as which sRGB passes
};

// The numbers of ITU-T H.273 for primaries and curve in the boxes of a HEIC or AVIF, which libvips does not tell; false: there are none,
// or different ones.
bool color_find_code_points(const uint8_t *bytes, size_t size, int *primaries, int *curve);

// By such numbers; false where they are not known here.
bool color_of_code_points(int primaries, int curve, struct color_facts *facts);

// The same by a profile that is made of that. What PQ and HLG have above white is cut, and the dream is sRGB: a notice says so.
enum status color_to_srgb_by(struct image *image, enum color_space space, const struct color_facts *facts) MUST_CHECK;

// From sRGB to image->icc, row by row. *color is NULL where nothing is to be converted. Destroy it also after a failure.
struct color;
enum status color_create(struct color **color, const struct image *image) MUST_CHECK;
void color_destroy(struct color **color);

// Row y of the image's rgb in its profile's colours, as three rows of floats in [-1, 1] that stay until the next call. Bugs only: the
// image is the one that the color was made for.
const float *color_row(struct color *color, const struct image *image, int y);
