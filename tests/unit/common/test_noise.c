// SPDX-License-Identifier: MIT
// Noise: how it is named; its bytes, the same everywhere; and that its spectrum, its mean, its contrast and its colours are those of a
// photograph, by plain sums.
#include "common/picture/noise.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

#include "common/system/file.h"
#include "unit.h"

static void test_names(void)
{
    static const struct {
        const char *text;
        struct noise noise;
    } good[] = {
        {"noise:1024x768", {1024, 768, 0}},
        {"noise:1x2:0", {1, 2, 0}},
        {"noise:75x2147483647:4294967295", {75, 2147483647, 4294967295u}},
        {"noise:0800x0600:007", {800, 600, 7}},
    };
    static const char *const bad[] = {"noise:",
                                      "noise:1024",
                                      "noise:1024x",
                                      "noise:x768",
                                      "noise:1024X768",
                                      "noise:1024x768:",
                                      "noise:1024x768:a",
                                      "noise:1024x768:-1",
                                      "noise:-4x4",
                                      "noise:+4x4",
                                      "noise:0x4",
                                      "noise:4x0",
                                      "noise: 4x4",
                                      "noise:4x4 ",
                                      "noise:4x4:1:2",
                                      "noise:4x4x4",
                                      "noise:4x4:4294967296",
                                      "noise:2147483648x4",
                                      "noise:99999999999999999999x4",
                                      "noise:4x99999999999999999999999999",
                                      "noise:4.5x4"};
    struct noise noise;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CU_ASSERT_TRUE(noise_is_named(good[i].text));
        UNIT_OK(noise_parse(good[i].text, &noise));
        CU_ASSERT(noise.width == good[i].noise.width && noise.height == good[i].noise.height && noise.number == good[i].noise.number);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_TRUE(noise_is_named(bad[i]));
        UNIT_FAILS(noise_parse(bad[i], &noise), STATUS_USAGE, "noise:1024x768:7");
    }
    CU_ASSERT(!noise_is_named("noise") && !noise_is_named("./noise:4x4") && !noise_is_named("Noise:4x4") && !noise_is_named("a noise:4x4"));
}

static uint8_t *make(int width, int height, uint32_t number, uint64_t seed)
{
    uint8_t *rgb = malloc(3 * (size_t)width * (size_t)height);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rgb);
    UNIT_OK(noise_make(&(struct noise){width, height, number}, seed, rgb));
    return rgb;
}

// Known digests: on whichever machine, by whichever compiler.
static void test_bytes(void)
{
    static const struct {
        struct noise noise;
        uint64_t seed;
        const char *sha256;
    } cases[] = {
        {{320, 240, 0}, 0, "eabd0ff64229e9d9d4f881bef5d874509607a4da94d4d49ca8ccf76e30500912"},
        {{320, 240, 1}, 0, "2c2b74ddfcfeb2a126b505ddb0d2ca87c7590ffebdbcfdd2d5f495ee55ea81ba"},
        {{320, 240, 0}, 1, "b93a0b1716988f73dd36d837f03459ba47d927e75932747982f2311fedfbf5f4"},
        {{1, 1, 0}, 0, "8ae40a3583aef6697d2c2eff57eb915ed0bda54aaa92812ad97982743ac06f37"},
        {{7, 301, 5}, UINT64_MAX, "d949d25e08b9b68ff01b7b8fa81ff20d589f9d3946f1ca4757ba68477f9a6558"},
        {{1000, 75, 4294967295u}, 42, "b038d1738695f7610340851012c200e00d9891437d1f2a7adce7029b61e9c17d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sha256[65];
        const struct noise *noise = &cases[i].noise;
        uint8_t *rgb = make(noise->width, noise->height, noise->number, cases[i].seed);
        UNIT_OK(bytes_sha256(rgb, 3 * (size_t)noise->width * (size_t)noise->height, sha256));
        if (strcmp(sha256, cases[i].sha256) != 0)
            printf("\n%d x %d, number %u, seed %llu: %s\n", noise->width, noise->height, (unsigned)noise->number,
                   (unsigned long long)cases[i].seed, sha256);
        CU_ASSERT_STRING_EQUAL(sha256, cases[i].sha256);
        free(rgb);
    }
}

static void test_look(void)
{
    static const int sizes[][2] = {{640, 480}, {75, 75}, {100, 400}, {1024, 300}};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
        for (uint32_t number = 0; number < 3; number++) {
            const size_t count = (size_t)sizes[k][0] * (size_t)sizes[k][1];
            uint8_t *rgb = make(sizes[k][0], sizes[k][1], number, 3);
            double mean[3] = {0}, square[3] = {0}, light = 0, other = 0;
            for (size_t i = 0; i < 3 * count; i++) {
                mean[i % 3] += rgb[i] / 255.0 / (double)count;
                square[i % 3] += pow(rgb[i] / 255.0, 2) / (double)count;
            }
            for (size_t i = 0; i < count; i++) {
                const double r = rgb[3 * i] - 127.5, g = rgb[3 * i + 1] - 127.5, b = rgb[3 * i + 2] - 127.5;
                light += pow((r + g + b) / 3, 2);
                other += (pow(r - g, 2) + pow(g - b, 2) + pow(b - r, 2)) / 9;
            }
            for (int c = 0; c < 3; c++) {
                const double deviation = sqrt(square[c] - mean[c] * mean[c]);
                CU_ASSERT_DOUBLE_EQUAL(mean[c], 0.5, 0.005);
                CU_ASSERT(deviation > 0.15 && deviation < 0.2);
            }
            CU_ASSERT(other > 0.02 * light && other < 0.2 * light); // some colour
            free(rgb);
        }
}

enum { SIDE = 256 };

// Of rows, then turned: twice is a Fourier transform in two dimensions.
static void transform_and_turn(double complex values[SIDE][SIDE], const double complex waves[SIDE])
{
    static double complex turned[SIDE][SIDE];
    for (int y = 0; y < SIDE; y++)
        for (int k = 0; k < SIDE; k++) {
            double complex sum = 0;
            for (int x = 0; x < SIDE; x++)
                sum += values[y][x] * waves[k * x % SIDE];
            turned[k][y] = sum;
        }
    memcpy(values, turned, sizeof turned);
}

// Power in bands of a third of an octave, added to what is there.
enum { BANDS = 20 };
static void add_power(const uint8_t *rgb, double power[BANDS], double counts[BANDS])
{
    static double complex values[SIDE][SIDE];
    double complex waves[SIDE];
    const double turn = 2 * acos(-1) / SIDE;
    for (int i = 0; i < SIDE; i++)
        waves[i] = cos(turn * i) - I * sin(turn * i);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++, rgb += 3) // a window, since the borders of the picture do not meet
            values[y][x] = (rgb[0] + rgb[1] + rgb[2] - 382.5) * (1 - cos(turn * (x + 0.5))) * (1 - cos(turn * (y + 0.5)));
    transform_and_turn(values, waves);
    transform_and_turn(values, waves);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const double frequency = hypot(x < SIDE / 2 ? x : SIDE - x, y < SIDE / 2 ? y : SIDE - y);
            const int band = frequency >= 1 ? (int)floor(3 * log2(frequency)) : -1;
            if (band < 0 || band >= BANDS)
                continue;
            power[band] += pow(cabs(values[y][x]), 2);
            counts[band]++;
        }
}

// The line through the logarithms from three waves over the picture to one of four pixels.
static void test_spectrum(void)
{
    double power[BANDS] = {0}, counts[BANDS] = {0}, n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (uint32_t number = 0; number < 4; number++) {
        uint8_t *rgb = make(SIDE, SIDE, number, 0);
        add_power(rgb, power, counts);
        free(rgb);
    }
    for (int band = 5; band < 18; band++) { // 3.2 to 64 waves
        const double x = (band + 0.5) / 3, y = log2(power[band] / counts[band]) / 2;
        n++;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    const double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
    if (fabs(slope + 1) > 0.15)
        printf("\nslope %g\n", slope);
    CU_ASSERT_DOUBLE_EQUAL(slope, -1, 0.15);
    for (int band = 5; band < 18; band++) { // nor is it bent
        const double line = (sy - slope * sx) / n + slope * (band + 0.5) / 3;
        CU_ASSERT_DOUBLE_EQUAL(log2(power[band] / counts[band]) / 2, line, 0.4);
    }
}

static const struct unit_test tests[] = {
    {"names", test_names},
    {"the same bytes", test_bytes},
    {"grey, soft, with some colour", test_look},
    {"1/f", test_spectrum},
};
UNIT_MAIN("noise", tests)
