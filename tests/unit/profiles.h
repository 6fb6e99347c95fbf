// SPDX-License-Identifier: MIT
// For the tests of colours: ICC profiles made by Little CMS, and what they mean by plain formulas.
#pragma once

#include <lcms2.h>

#include "pictures.h"

static inline struct bytes profile_saved(cmsHPROFILE profile)
{
    cmsUInt32Number size = 0;
    CU_ASSERT_FATAL(profile && cmsSaveProfileToMem(profile, NULL, &size));
    struct bytes saved = {malloc(size), size};
    CU_ASSERT_FATAL(saved.data && cmsSaveProfileToMem(profile, saved.data, &size));
    cmsCloseProfile(profile);
    return saved;
}

static inline struct bytes profile_srgb(void)
{
    return profile_saved(cmsCreate_sRGBProfile());
}

// Adobe RGB (1998): a wide green, gamma 2.2.
enum { ADOBE_GAMMA_TENTHS = 22 };
static const cmsCIExyYTRIPLE adobe_primaries = {{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}};
static const cmsCIExyYTRIPLE srgb_primaries = {{0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}};
static const cmsCIExyY white_d65 = {0.3127, 0.3290, 1};

static inline struct bytes profile_adobe(void)
{
    cmsToneCurve *curve = cmsBuildGamma(NULL, ADOBE_GAMMA_TENTHS / 10.0);
    cmsToneCurve *curves[] = {curve, curve, curve};
    struct bytes saved = profile_saved(cmsCreateRGBProfile(&white_d65, &adobe_primaries, curves));
    cmsFreeToneCurve(curve);
    return saved;
}

static inline struct bytes profile_grey(double gamma)
{
    cmsToneCurve *curve = cmsBuildGamma(NULL, gamma);
    struct bytes saved = profile_saved(cmsCreateGrayProfile(&white_d65, curve));
    cmsFreeToneCurve(curve);
    return saved;
}

// Inks that mix the way the program guesses, but for cyan: only half of it takes light.
static inline void weak_cyan(const double ink[4], double rgb[3])
{
    for (int c = 0; c < 3; c++)
        rgb[c] = (1 - ink[c] * (c == 0 ? 0.5 : 1)) * (1 - ink[3]);
}

// What a scanner sees that has half of the red.
static inline void half_red(const double in[3], double rgb[3])
{
    rgb[0] = in[0] / 2, rgb[1] = in[1], rgb[2] = in[2];
}

struct table_of {
    int channels;
    void (*formula)(const double in[], double rgb[3]);
    cmsHTRANSFORM to_lab;
};

static inline cmsInt32Number table_entry(const cmsUInt16Number in[], cmsUInt16Number out[], void *user)
{
    const struct table_of *of = user;
    double values[4], rgb[3];
    for (int c = 0; c < of->channels; c++)
        values[c] = in[c] / 65535.0;
    of->formula(values, rgb);
    cmsDoTransform(of->to_lab, rgb, out, 1);
    return TRUE;
}

// A profile with a table from colours to Lab, and no way back.
static inline struct bytes profile_table(cmsProfileClassSignature class, cmsColorSpaceSignature space, struct table_of of)
{
    cmsHPROFILE profile = cmsCreateProfilePlaceholder(NULL), srgb = cmsCreate_sRGBProfile(), lab = cmsCreateLab4Profile(NULL);
    cmsPipeline *pipeline = cmsPipelineAlloc(NULL, (cmsUInt32Number)of.channels, 3);
    cmsStage *table = cmsStageAllocCLut16bit(NULL, 11, (cmsUInt32Number)of.channels, 3, NULL);
    of.to_lab = cmsCreateTransform(srgb, TYPE_RGB_DBL, lab, TYPE_Lab_16, INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOCACHE);
    CU_ASSERT_FATAL(profile && srgb && lab && of.to_lab && pipeline && table);
    CU_ASSERT(cmsStageSampleCLut16bit(table, table_entry, &of, 0));
    CU_ASSERT(cmsPipelineInsertStage(pipeline, cmsAT_END, cmsStageAllocToneCurves(NULL, (cmsUInt32Number)of.channels, NULL)));
    CU_ASSERT(cmsPipelineInsertStage(pipeline, cmsAT_END, table));
    CU_ASSERT(cmsPipelineInsertStage(pipeline, cmsAT_END, cmsStageAllocToneCurves(NULL, 3, NULL)));
    cmsSetProfileVersion(profile, 4.3);
    cmsSetDeviceClass(profile, class);
    cmsSetColorSpace(profile, space);
    cmsSetPCS(profile, cmsSigLabData);
    CU_ASSERT(cmsWriteTag(profile, cmsSigAToB0Tag, pipeline));
    CU_ASSERT(cmsWriteTag(profile, cmsSigAToB1Tag, pipeline));
    CU_ASSERT(cmsWriteTag(profile, cmsSigMediaWhitePointTag, cmsD50_XYZ()));
    cmsPipelineFree(pipeline);
    cmsDeleteTransform(of.to_lab);
    cmsCloseProfile(srgb);
    cmsCloseProfile(lab);
    return profile_saved(profile);
}

static inline struct bytes profile_cmyk(void)
{
    return profile_table(cmsSigOutputClass, cmsSigCmykData, (struct table_of){.channels = 4, .formula = weak_cyan});
}

static inline struct bytes profile_scanner(void)
{
    return profile_table(cmsSigInputClass, cmsSigRgbData, (struct table_of){.channels = 3, .formula = half_red});
}

// Rows to XYZ of linear RGB with these primaries: the columns are scaled so that white is D65.
static inline void rgb_to_xyz(const cmsCIExyYTRIPLE *p, double m[3][3])
{
    const cmsCIExyY *c[3] = {&p->Red, &p->Green, &p->Blue};
    double a[3][4];
    for (int i = 0; i < 3; i++) {
        a[0][i] = c[i]->x, a[1][i] = c[i]->y, a[2][i] = 1 - c[i]->x - c[i]->y;
    }
    const double w[3] = {white_d65.x / white_d65.y, 1, (1 - white_d65.x - white_d65.y) / white_d65.y};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            m[i][k] = a[i][k];
    for (int i = 0; i < 3; i++)
        a[i][3] = w[i];
    for (int i = 0; i < 3; i++) // Gauss and Jordan; the diagonals of these matrices are never small
        for (int r = 0; r < 3; r++) {
            const double factor = r == i ? 0 : a[r][i] / a[i][i];
            for (int k = 0; k < 4 && r != i; k++)
                a[r][k] -= factor * a[i][k];
        }
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            m[k][i] *= a[i][3] / a[i][i];
}

// x with m x = y, by Cramer's rule.
static inline void solve3(const double m[3][3], const double y[3], double x[3])
{
    double minors[4];
    for (int which = 0; which < 4; which++) {
        double t[3][3];
        for (int r = 0; r < 3; r++)
            for (int k = 0; k < 3; k++)
                t[r][k] = k + 1 == which ? y[r] : m[r][k];
        minors[which] = t[0][0] * (t[1][1] * t[2][2] - t[1][2] * t[2][1]) - t[0][1] * (t[1][0] * t[2][2] - t[1][2] * t[2][0]) +
                        t[0][2] * (t[1][0] * t[2][1] - t[1][1] * t[2][0]);
    }
    for (int k = 0; k < 3; k++)
        x[k] = minors[k + 1] / minors[0];
}

static inline double srgb_curve(double linear)
{
    if (linear <= 0)
        return 0;
    return fmin(1, linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055);
}

// Adobe RGB, 0..1, in sRGB, clipped. Both whites are D65, so that no adaptation comes in.
static inline void adobe_to_srgb(const double in[3], double out[3])
{
    double adobe[3][3], srgb[3][3], linear[3], xyz[3];
    rgb_to_xyz(&adobe_primaries, adobe);
    rgb_to_xyz(&srgb_primaries, srgb);
    for (int c = 0; c < 3; c++)
        linear[c] = pow(in[c], ADOBE_GAMMA_TENTHS / 10.0);
    for (int r = 0; r < 3; r++)
        xyz[r] = adobe[r][0] * linear[0] + adobe[r][1] * linear[1] + adobe[r][2] * linear[2];
    solve3(srgb, xyz, linear);
    for (int c = 0; c < 3; c++)
        out[c] = srgb_curve(linear[c]);
}
