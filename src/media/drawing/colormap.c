// SPDX-License-Identifier: MIT
#include "media/drawing/colormap.h"

#include <math.h>

enum { POINTS = 52 };

// 0xRRGGBB at i / 51. Every fifth colour of Matplotlib 3.6's tables: (255 * matplotlib.cm.turbo(range(0, 256, 5))).round().
static const uint32_t turbo[POINTS] = {
    0x30123b, 0x36215f, 0x3b2f80, 0x3f3e9c, 0x424bb5, 0x4559cb, 0x4666dd, 0x4773eb, 0x4680f6, 0x458cfd, 0x4099ff, 0x38a5fb, 0x2fb2f4,
    0x27bee9, 0x1fc9dd, 0x1ad4d0, 0x18ddc2, 0x1ae4b6, 0x22ebaa, 0x2ff19b, 0x3ff68a, 0x52fa7a, 0x65fd69, 0x79fe59, 0x8bff4b, 0x9cfe40,
    0xa9fb39, 0xb7f735, 0xc3f134, 0xd0ea34, 0xdbe236, 0xe5d938, 0xeecf3a, 0xf5c53a, 0xfaba39, 0xfdae35, 0xfea130, 0xfe932a, 0xfc8423,
    0xf9751d, 0xf46617, 0xef5811, 0xe84b0c, 0xe14109, 0xd83706, 0xce2d04, 0xc32503, 0xb71d02, 0xa91601, 0x9b0f01, 0x8b0902, 0x7a0403,
};
static const uint32_t viridis[POINTS] = {
    0x440154, 0x46085c, 0x471063, 0x481769, 0x481d6f, 0x482475, 0x472a7a, 0x46307e, 0x453781, 0x433d84, 0x414287, 0x3f4889, 0x3d4e8a,
    0x3a538b, 0x38598c, 0x355e8d, 0x33638d, 0x31688e, 0x2e6d8e, 0x2c718e, 0x2a768e, 0x297b8e, 0x27808e, 0x25848e, 0x23898e, 0x218e8d,
    0x20928c, 0x1f978b, 0x1e9c89, 0x1fa188, 0x21a585, 0x24aa83, 0x28ae80, 0x2eb37c, 0x35b779, 0x3dbc74, 0x46c06f, 0x50c46a, 0x5ac864,
    0x65cb5e, 0x70cf57, 0x7cd250, 0x89d548, 0x95d840, 0xa2da37, 0xb0dd2f, 0xbddf26, 0xcae11f, 0xd8e219, 0xe5e419, 0xf1e51d, 0xfde725,
};

static void jet(float value, uint8_t rgb[3])
{
    for (int c = 0; c < 3; c++) {
        const float level = 1.5f - fabsf(4 * value - (float)(3 - c));
        rgb[c] = (uint8_t)(fminf(fmaxf(level, 0), 1) * 255 + 0.5f);
    }
}

void colormap_get(enum config_colormap colormap, float value, uint8_t rgb[3])
{
    value = value > 0 ? fminf(value, 1) : 0;
    if (colormap == COLORMAP_JET) {
        jet(value, rgb);
        return;
    }
    const uint32_t *points = colormap == COLORMAP_VIRIDIS ? viridis : turbo;
    const float at = value * (POINTS - 1);
    const int first = at < POINTS - 1 ? (int)at : POINTS - 2;
    const float part = at - (float)first;
    for (int c = 0; c < 3; c++) {
        const int shift = 16 - 8 * c;
        const float low = (float)(points[first] >> shift & 255), high = (float)(points[first + 1] >> shift & 255);
        rgb[c] = (uint8_t)(low + part * (high - low) + 0.5f);
    }
}
