// SPDX-License-Identifier: MIT
#include "media/picture/codec_color.h"

#include <lcms2.h>
#include <lcms2_plugin.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "media/picture/codec_formats.h"

enum {
    LCMS_BLOCK_MAX = 64 << 20, // bytes of one allocation: profiles may promise tables of any size
    GRID = 9,                  // points a channel where a profile is compared with sRGB
    GRID_POINTS = GRID * GRID * GRID,
    PROFILE_HEADER = 128, // bytes
    PROFILE_VERSION = 8,  // offset of its main number
};

// How far a profile may be from sRGB and still pass for it, in 0..1: less than one step of 8 bits. HP's sRGB IEC61966-2.1, the one that
// most files have, is off by half a step.
static const float same_colour = 1.0f / 255;

struct color {
    cmsContext context;
    cmsHPROFILE profile, srgb;
    cmsHTRANSFORM transform;
    int width;
    float *in;     // (width, channels), 0..1; inks in percent
    float *out;    // (width, 3)
    float *planes; // (3, width), -1..1
};

static void *limited_malloc(cmsContext context, cmsUInt32Number size)
{
    (void)context;
    return size <= LCMS_BLOCK_MAX ? malloc(size) : NULL;
}

static void *limited_realloc(cmsContext context, void *block, cmsUInt32Number size)
{
    (void)context;
    return size <= LCMS_BLOCK_MAX ? realloc(block, size) : NULL;
}

static void plain_free(cmsContext context, void *block)
{
    (void)context;
    free(block);
}

void color_destroy(struct color **color)
{
    struct color *c = *color;
    if (!c)
        return;
    if (c->transform)
        cmsDeleteTransform(c->transform);
    if (c->profile)
        cmsCloseProfile(c->profile);
    if (c->srgb)
        cmsCloseProfile(c->srgb);
    if (c->context)
        cmsDeleteContext(c->context);
    free(c->in);
    free(c->out);
    free(c->planes);
    free(c);
    *color = NULL;
}

static enum status begin(struct color **color, int width, enum color_space space)
{
    cmsPluginMemHandler memory = {
        .base = {.Magic = cmsPluginMagicNumber, .ExpectedVersion = 2060, .Type = cmsPluginMemHandlerSig},
        .MallocPtr = limited_malloc,
        .FreePtr = plain_free,
        .ReallocPtr = limited_realloc,
    };
    const size_t columns = (size_t)(width > GRID_POINTS ? width : GRID_POINTS);
    TRY(ALLOCATE(*color, 1, "to convert the colours of %d pixels a row", width));
    struct color *c = *color;
    c->width = width;
    c->context = cmsCreateContext(&memory, NULL);
    c->in = malloc(columns * (size_t)space * sizeof *c->in);
    c->out = malloc(columns * 3 * sizeof *c->out);
    c->planes = malloc(columns * 3 * sizeof *c->planes);
    c->srgb = c->context ? cmsCreate_sRGBProfileTHR(c->context) : NULL;
    return c->srgb && c->in && c->out && c->planes ? STATUS_OK : no_memory("to convert the colours of %d pixels a row", width);
}

// What is wrong with the profile, or NULL.
static const char *open_profile(struct color *c, enum color_space space, const void *profile, size_t size)
{
    if (size > COLOR_PROFILE_BYTES_MAX)
        return "it is larger than 4 MiB";
    c->profile = cmsOpenProfileFromMemTHR(c->context, profile, (cmsUInt32Number)size);
    if (!c->profile)
        return "it is damaged";
    const cmsColorSpaceSignature wanted = space == COLOR_GREY ? cmsSigGrayData : space == COLOR_RGB ? cmsSigRgbData : cmsSigCmykData;
    const cmsProfileClassSignature class = cmsGetDeviceClass(c->profile);
    if (class != cmsSigInputClass && class != cmsSigDisplayClass && class != cmsSigOutputClass && class != cmsSigColorSpaceClass)
        return "it does not describe the colours of a picture";
    return cmsGetColorSpace(c->profile) == wanted ? NULL : "it is for another colour space than the picture's";
}

static cmsHTRANSFORM make_transform(const struct color *c, cmsHPROFILE from, cmsUInt32Number type, cmsHPROFILE to)
{
    return cmsCreateTransformTHR(c->context, from, type, to, TYPE_RGB_FLT, INTENT_RELATIVE_COLORIMETRIC,
                                 cmsFLAGS_BLACKPOINTCOMPENSATION | cmsFLAGS_NOCACHE);
}

static const char *open_to_srgb(struct color *c, enum color_space space, const void *profile, size_t size)
{
    const char *wrong = open_profile(c, space, profile, size);
    if (wrong)
        return wrong;
    const cmsUInt32Number type = space == COLOR_GREY ? TYPE_GRAY_FLT : space == COLOR_RGB ? TYPE_RGB_FLT : TYPE_CMYK_FLT;
    c->transform = make_transform(c, c->profile, type, c->srgb);
    return c->transform ? NULL : "it has no usable way to sRGB";
}

// Whether the transform from a profile of RGB leaves every colour where it is.
static bool is_identity(struct color *c)
{
    for (int i = 0; i < GRID_POINTS; i++) {
        c->in[3 * i] = (float)(i / (GRID * GRID)) / (GRID - 1);
        c->in[3 * i + 1] = (float)(i / GRID % GRID) / (GRID - 1);
        c->in[3 * i + 2] = (float)(i % GRID) / (GRID - 1);
    }
    cmsDoTransform(c->transform, c->in, c->out, GRID_POINTS);
    for (int i = 0; i < 3 * GRID_POINTS; i++)
        if (!(fabsf(c->out[i] - c->in[i]) < same_colour))
            return false;
    return true;
}

static void load_row(struct color *c, const struct image *image, enum color_space space, int y)
{
    const size_t plane = (size_t)image->width * (size_t)image->height, at = (size_t)y * (size_t)image->width;
    const float scale = space == COLOR_CMYK ? 50 : 0.5f, black = 100 / (float)image_alpha_max(image);
    const int colours = space == COLOR_GREY ? 1 : 3;
    for (int k = 0; k < colours; k++)
        for (int x = 0; x < image->width; x++)
            c->in[x * space + k] = (image->rgb[(size_t)k * plane + at + (size_t)x] + 1) * scale;
    for (int x = 0; space == COLOR_CMYK && x < image->width; x++)
        c->in[4 * x + 3] = (float)image->black[at + (size_t)x] * black;
}

// Through the transform into planes that lie `plane` apart. Curves of strange profiles may leave 0..1, even the numbers.
static void convert_row(struct color *c, float *out, size_t plane)
{
    cmsDoTransform(c->transform, c->in, c->out, (cmsUInt32Number)c->width);
    for (size_t k = 0; k < 3; k++)
        for (int x = 0; x < c->width; x++) {
            const float value = c->out[3 * x + (int)k];
            out[k * plane + (size_t)x] = value > 0 ? fminf(value, 1) * 2 - 1 : -1;
        }
}

static void convert_image(struct color *c, struct image *image, enum color_space space)
{
    for (int y = 0; y < image->height; y++) {
        load_row(c, image, space, y);
        convert_row(c, image->rgb + (size_t)y * (size_t)image->width, (size_t)image->width * (size_t)image->height);
    }
}

// Inks as if each took its share of the light: (1 - ink) (1 - black).
static void mix_inks(struct image *image)
{
    const size_t plane = (size_t)image->width * (size_t)image->height;
    const float black = 1 / (float)image_alpha_max(image);
    for (size_t i = 0; i < 3 * plane; i++)
        image->rgb[i] = (1 - image->rgb[i]) * (1 - (float)image->black[i % plane] * black) - 1;
}

// Keeps the profile for the way back, if it has one.
static enum status keep_profile(struct color *c, struct image *image, const void *profile, size_t size)
{
    cmsHTRANSFORM back = make_transform(c, c->srgb, TYPE_RGB_FLT, c->profile);
    const size_t declared = (size_t)codec_number(profile, 4, true);
    size = declared >= PROFILE_HEADER && declared < size ? declared : size;                                    // some writers pad
    const bool valid = declared == size && (((const uint8_t *)profile)[PROFILE_VERSION] < 4 || size % 4 == 0); // else libpng refuses it
    if (back)
        cmsDeleteTransform(back);
    if (!back || !valid) {
        image_notice(image, NOTICE_PROFILE, "its ICC profile %s: the dream will be sRGB", back ? "has a wrong length" : "has no way back");
        return STATUS_OK;
    }
    TRY(ALLOCATE(image->icc, size, "for an ICC profile of %zu bytes", size));
    memcpy(image->icc, profile, size);
    image->icc_size = size;
    return STATUS_OK;
}

static enum status convert_by_profile(struct image *image, enum color_space space, const void *profile, size_t size, bool *converted)
{
    struct color *c = NULL;
    const char *wrong;
    enum status rc;
    *converted = false;
    TRY_OUT(begin(&c, image->width, space));
    wrong = open_to_srgb(c, space, profile, size);
    if (wrong) {
        image_notice(image, NOTICE_PROFILE, "its ICC profile is ignored: %s", wrong);
        goto out;
    }
    if (space == COLOR_RGB)
        TRY_OUT(keep_profile(c, image, profile, size));
    if (space != COLOR_RGB || !is_identity(c))
        convert_image(c, image, space);
    *converted = true;
out:
    color_destroy(&c);
    return rc;
}

enum status color_to_srgb(struct image *image, enum color_space space, const void *profile, size_t size)
{
    bool converted = false;
    if (size > 0)
        TRY(convert_by_profile(image, space, profile, size, &converted));
    if (space == COLOR_CMYK) {
        if (!converted) {
            mix_inks(image);
            image_notice(image, NOTICE_INKS, "CMYK without a profile: its colours are a guess");
        }
        free(image->black);
        image->black = NULL;
    }
    return STATUS_OK;
}

enum status color_lab_to_srgb(struct image *image)
{
    const size_t plane = (size_t)image->width * (size_t)image->height;
    const float full = image->bits == 8 ? 255 : 65535.0f / 256;
    struct color *c = NULL;
    enum status rc;
    TRY_OUT(begin(&c, image->width, COLOR_RGB));
    c->profile = cmsCreateLab4ProfileTHR(c->context, NULL);
    c->transform = c->profile ? make_transform(c, c->profile, TYPE_Lab_FLT, c->srgb) : NULL;
    if (!c->transform)
        TRY_OUT(no_memory("to convert CIELAB"));
    for (int y = 0; y < image->height; y++) {
        float *row = image->rgb + (size_t)y * (size_t)image->width;
        for (int x = 0; x < image->width; x++)
            for (int k = 0; k < 3; k++) {
                const float value = (row[(size_t)k * plane + (size_t)x] + 1) / 2;
                c->in[3 * x + k] = k == 0 ? value * 100 : value * full - 128;
            }
        convert_row(c, row, plane);
    }
out:
    color_destroy(&c);
    return rc;
}

enum { CURVE_POINTS = 4096, DATE = 24, DATE_BYTES = 12 }; // DATE: in the header of a profile

static const double white_nits = 203, pq_nits = 10000, hlg_nits = 1000; // ITU-R BT.2408: of diffuse white

// The light of a value, of both in 0..1.
static double light_of(const struct color_facts *facts, double value)
{
    if (facts->curve == CURVE_PQ) { // SMPTE ST 2084
        const double power = pow(value, 1 / 78.84375);
        return fmin(1, pow(fmax(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power), 1 / 0.1593017578125) * pq_nits / white_nits);
    }
    if (facts->curve == CURVE_HLG) { // ARIB STD-B67, with the system gamma of 1.2
        const double scene = value <= 0.5 ? value * value / 3 : (exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12;
        return fmin(1, pow(scene, 1.2) * hlg_nits / white_nits);
    }
    if (facts->curve == CURVE_REC709)
        return value < 0.081 ? value / 4.5 : pow((value + 0.099) / 1.099, 1 / 0.45);
    if (facts->curve == CURVE_LINEAR)
        return value;
    if (facts->curve == CURVE_GAMMA)
        value = pow(value, facts->gamma / 2.2);
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static cmsToneCurve *make_curve(cmsContext context, const struct color_facts *facts)
{
    cmsFloat32Number points[CURVE_POINTS];
    for (int i = 0; i < CURVE_POINTS; i++)
        points[i] = (float)light_of(facts, (double)i / (CURVE_POINTS - 1));
    return cmsBuildTabulatedToneCurveFloat(context, CURVE_POINTS, points);
}

// malloc'ed; NULL: such colours are none.
static void *make_profile(enum color_space space, const struct color_facts *facts, cmsUInt32Number *size)
{
    cmsContext context = cmsCreateContext(NULL, NULL);
    const double(*p)[2] = facts->primaries;
    const cmsCIExyY white = {p[0][0], p[0][1], 1};
    const cmsCIExyYTRIPLE primaries = {{p[1][0], p[1][1], 1}, {p[2][0], p[2][1], 1}, {p[3][0], p[3][1], 1}};
    cmsToneCurve *curve = context ? make_curve(context, facts) : NULL;
    cmsToneCurve *const curves[3] = {curve, curve, curve};
    cmsHPROFILE profile = !curve                ? NULL
                          : space == COLOR_GREY ? cmsCreateGrayProfileTHR(context, &white, curve)
                                                : cmsCreateRGBProfileTHR(context, &white, &primaries, curves);
    uint8_t *bytes = NULL;
    if (profile && cmsSaveProfileToMem(profile, NULL, size))
        bytes = malloc(*size);
    if (bytes && cmsSaveProfileToMem(profile, bytes, size))
        memcpy(bytes + DATE, "\x07\xe8\0\x01\0\x01\0\0\0\0\0\0", DATE_BYTES); // the same picture gives the same bytes
    if (profile)
        cmsCloseProfile(profile);
    if (curve)
        cmsFreeToneCurve(curve);
    if (context)
        cmsDeleteContext(context);
    return bytes;
}

// A box of HEIC and AVIF (ISO 14496-12).
struct box {
    const uint8_t *name, *content, *end;
};

// The one that begins where this one ends.
static bool next_box(struct box *box, const uint8_t *end)
{
    const uint8_t *start = box->end;
    const size_t left = (size_t)(end - start), head = left >= 16 && codec_number(start, 4, true) == 1 ? 16 : 8;
    if (left < head)
        return false;
    uint64_t size = head == 16 ? codec_number(start + 8, 8, true) : codec_number(start, 4, true);
    if (size == 0) // up to the end
        size = left;
    if (size < head || size > left)
        return false;
    *box = (struct box){start + 4, start + head, start + size};
    return true;
}

// The first of that name among those in this one.
static bool enter_box(struct box *box, const char *name)
{
    struct box inner = {.end = box->content};
    while (next_box(&inner, box->end))
        if (memcmp(inner.name, name, 4) == 0) {
            *box = inner;
            return true;
        }
    return false;
}

bool color_find_code_points(const uint8_t *bytes, size_t size, int *primaries, int *curve)
{
    enum { FLAGS = 4, NCLX = 8 };
    struct box box = {.content = bytes, .end = bytes + size};
    bool found = false;
    if (!enter_box(&box, "meta") || box.end - box.content < FLAGS)
        return false;
    box.content += FLAGS;
    if (!enter_box(&box, "iprp") || !enter_box(&box, "ipco"))
        return false;
    for (struct box colour = {.end = box.content}; next_box(&colour, box.end);) {
        if (memcmp(colour.name, "colr", 4) != 0 || colour.end - colour.content < NCLX || memcmp(colour.content, "nclx", 4) != 0)
            continue;
        const int numbers[2] = {(int)codec_number(colour.content + 4, 2, true), (int)codec_number(colour.content + 6, 2, true)};
        if (found && (numbers[0] != *primaries || numbers[1] != *curve))
            return false;
        *primaries = numbers[0];
        *curve = numbers[1];
        found = true;
    }
    return found;
}

bool color_of_code_points(int primaries, int curve, struct color_facts *facts)
{
    static const struct {
        int code;
        double primaries[4][2];
    } spaces[] = {{1, {{0.3127, 0.329}, {0.64, 0.33}, {0.3, 0.6}, {0.15, 0.06}}},
                  {9, {{0.3127, 0.329}, {0.708, 0.292}, {0.17, 0.797}, {0.131, 0.046}}},
                  {12, {{0.3127, 0.329}, {0.68, 0.32}, {0.265, 0.69}, {0.15, 0.06}}}};
    static const struct {
        int code;
        enum color_curve curve;
        double gamma;
    } curves[] = {{1, CURVE_REC709, 0}, {4, CURVE_GAMMA, 2.2}, {5, CURVE_GAMMA, 2.8}, {6, CURVE_REC709, 0}, {8, CURVE_LINEAR, 0},
                  {13, CURVE_SRGB, 0},  {14, CURVE_REC709, 0}, {15, CURVE_REC709, 0}, {16, CURVE_PQ, 0},    {18, CURVE_HLG, 0}};
    bool has_space = false, has_curve = false;
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
        if (spaces[i].code == primaries) {
            memcpy(facts->primaries, spaces[i].primaries, sizeof facts->primaries);
            has_space = true;
        }
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (curves[i].code == curve) {
            facts->curve = curves[i].curve;
            facts->gamma = curves[i].gamma;
            has_curve = true;
        }
    return has_space && has_curve;
}

// Whether white lies among red, green and blue: light of all colours makes it, and more of one makes no other darker.
static bool are_primaries(const double points[4][2])
{
    const double *white = points[0];
    for (int i = 0; i < 3; i++) {
        const double *a = points[1 + i], *b = points[1 + (i + 1) % 3], *c = points[1 + (i + 2) % 3];
        const double all = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
        const double part = (b[0] - a[0]) * (white[1] - a[1]) - (b[1] - a[1]) * (white[0] - a[0]);
        if (!(fabs(all) > 1e-4 && part / all > 1e-4)) // a NaN, too
            return false;
    }
    return white[1] > 0.01;
}

enum status color_to_srgb_by(struct image *image, enum color_space space, const struct color_facts *facts)
{
    cmsUInt32Number size = 0;
    void *profile = are_primaries(facts->primaries) ? make_profile(space, facts, &size) : NULL;
    if (!profile) {
        image_notice(image, NOTICE_PROFILE, "what it says of its colours is ignored: there are none like that");
        return STATUS_OK;
    }
    const enum status rc = color_to_srgb(image, space, profile, size);
    free(profile);
    if (rc == STATUS_OK && (facts->curve == CURVE_PQ || facts->curve == CURVE_HLG)) {
        image_notice(image, NOTICE_CLIPPED, "HDR (%s): what is brighter than white, %g cd/m2, is clipped, and the dream is sRGB",
                     facts->curve == CURVE_PQ ? "PQ" : "HLG", white_nits);
        free(image->icc);
        image->icc = NULL;
        image->icc_size = 0;
    }
    return rc;
}

enum status color_create(struct color **color, const struct image *image)
{
    *color = NULL;
    if (!image->icc)
        return STATUS_OK;
    TRY(begin(color, image->width, COLOR_RGB));
    struct color *c = *color;
    const char *wrong = open_to_srgb(c, COLOR_RGB, image->icc, image->icc_size);
    if (wrong)
        return fail(STATUS_INTERNAL, "the image's ICC profile cannot be used: %s", wrong);
    if (is_identity(c)) {
        color_destroy(color);
        return STATUS_OK;
    }
    cmsDeleteTransform(c->transform);
    c->transform = make_transform(c, c->srgb, TYPE_RGB_FLT, c->profile);
    return c->transform ? STATUS_OK : fail(STATUS_INTERNAL, "the image's ICC profile has no way from sRGB");
}

const float *color_row(struct color *color, const struct image *image, int y)
{
    load_row(color, image, COLOR_RGB, y);
    convert_row(color, color->planes, (size_t)color->width);
    return color->planes;
}
