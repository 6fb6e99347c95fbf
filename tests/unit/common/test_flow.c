// SPDX-License-Identifier: MIT
// Flow and fields against motions that are known, of a texture that is a formula, so that it is known between pixels, too.
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "common/motion/field.h"
#include "unit.h"

enum { WIDTH = 200, HEIGHT = 130, PLANE = WIDTH * HEIGHT, WAVES = 60 };

static struct {
    double x, y, phase, strength;
} waves[WAVES];

// Waves of all directions, from some 6 pixels on.
static void make_waves(void)
{
    for (int i = 0; i < WAVES; i++) {
        const double length = 6 * pow(10, (i * 37 % WAVES) / (double)WAVES), angle = i * 2.39996, by = 6.283185 / length;
        waves[i].x = by * cos(angle);
        waves[i].y = by * sin(angle);
        waves[i].phase = i * i;
        waves[i].strength = 16 * pow(length / 60, 0.7);
    }
}

// About 128; another `kind` is another texture.
static float texture(double x, double y, int kind)
{
    double sum = 0;
    for (int i = 0; i < WAVES; i++)
        sum += waves[i].strength * sin(waves[i].x * x + waves[i].y * y + waves[i].phase + kind * (11.0 + i % 7));
    return (float)(128 + sum);
}

// Where pixel (x, y) of the frame was in the one before.
struct motion {
    double scale, degrees, right, down;
};

static void moved(const struct motion *m, double x, double y, double *to_x, double *to_y)
{
    const double a = m->degrees * 3.14159265358979 / 180, dx = x - WIDTH / 2.0 + 0.5, dy = y - HEIGHT / 2.0 + 0.5;
    *to_x = (cos(a) * dx - sin(a) * dy) / m->scale + WIDTH / 2.0 - 0.5 + m->right;
    *to_y = (sin(a) * dx + cos(a) * dy) / m->scale + HEIGHT / 2.0 - 0.5 + m->down;
}

static void draw(const struct motion *m, int kind, float *frame)
{
    for (int i = 0; i < PLANE; i++) {
        double x = i % WIDTH, y = i / (double)WIDTH;
        y = floor(y);
        if (m)
            moved(m, x, y, &x, &y);
        frame[i] = texture(x, y, kind);
    }
}

static float *pictures(int count)
{
    float *room = malloc((size_t)count * PLANE * sizeof *room);
    CU_ASSERT_PTR_NOT_NULL_FATAL(room);
    return room;
}

// Mean distance from the truth where it was in the picture, pixels; of the pixels that are trusted, where trust is given.
static double distance(const struct flow *flow, const float *trust, const struct motion *m)
{
    double sum = 0, count = 0;
    for (int i = 0; i < PLANE; i++) {
        double x, y;
        moved(m, i % WIDTH, floor(i / (double)WIDTH), &x, &y);
        if (x < 0 || y < 0 || x > WIDTH - 1 || y > HEIGHT - 1)
            continue;
        const double weight = trust ? (double)trust[i] : 1;
        sum += weight * hypot(i % WIDTH + (double)flow->right[i] - x, floor(i / (double)WIDTH) + (double)flow->down[i] - y);
        count += weight;
    }
    return sum / count;
}

static void test_known_motions(void)
{
    static const struct {
        struct motion motion;
        double most; // pixels, mean
    } known[] = {{{1, 0, 0, 0}, 0.001},   {{1, 0, 3, -2}, 0.03},    {{1, 0, -3.4, 1.7}, 0.05}, {{1, 0, 24.6, -9.3}, 3},
                 {{1.03, 0, 0, 0}, 0.05}, {{1, 2.5, 0.5, 0}, 0.05}, {{0.96, -3, 4, 2}, 0.1}};
    float *frame = pictures(2), *before = frame + PLANE;
    draw(NULL, 0, before);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct field field;
        draw(&known[i].motion, 0, frame);
        UNIT_OK(field_find(&field, frame, before, WIDTH, HEIGHT));
        const double all = distance(&field.flow, NULL, &known[i].motion), trusted = distance(&field.flow, field.trust, &known[i].motion);
        CU_ASSERT(all <= known[i].most);
        CU_ASSERT(trusted <= all + 1e-6 && trusted <= 0.3);
        CU_ASSERT(field.trusted > 0.7 && !field.cut);
        CU_ASSERT(field_error(&field, frame, before) < 2.5);
        field_destroy(&field);
    }
    free(frame);
}

// A patch that moves over a ground: what it uncovers is not trusted, the rest is.
static void test_uncovered(void)
{
    enum { LEFT = 60, TOP = 40, RIGHT = 130, BOTTOM = 95, BY = 9 };
    float *frame = pictures(3), *before = frame + PLANE, *patch = before + PLANE;
    struct field field;
    draw(NULL, 0, before);
    draw(NULL, 0, frame);
    draw(NULL, 1, patch);
    for (int y = TOP; y < BOTTOM; y++)
        for (int x = LEFT; x < RIGHT; x++) {
            before[y * WIDTH + x] = patch[y * WIDTH + x];
            frame[y * WIDTH + x + BY] = patch[y * WIDTH + x];
        }
    UNIT_OK(field_find(&field, frame, before, WIDTH, HEIGHT));
    double uncovered = 0, inside = 0, ground = 0;
    for (int y = TOP + 8; y < BOTTOM - 8; y++) {
        for (int x = LEFT; x < LEFT + BY; x++)
            uncovered += (double)field.trust[y * WIDTH + x] / BY / (BOTTOM - TOP - 16);
        for (int x = LEFT + BY + 8; x < RIGHT + BY - 8; x++)
            inside += (double)field.trust[y * WIDTH + x] / (RIGHT - LEFT - 16) / (BOTTOM - TOP - 16);
        for (int x = 0; x < LEFT - 8; x++)
            ground += (double)field.trust[y * WIDTH + x] / (LEFT - 8) / (BOTTOM - TOP - 16);
    }
    CU_ASSERT(uncovered < 0.25 && inside > 0.95 && ground > 0.95 && !field.cut);
    field_destroy(&field);
    free(frame);
}

// Things with edges, as photographs have them: discs of random places, sizes and greys. Waves alone can be bent into each other.
static void draw_discs(unsigned dice, float *frame)
{
    draw(NULL, 0, frame);
    for (int k = 0; k < 150; k++) {
        float parts[4];
        for (int i = 0; i < 4; i++) {
            dice = dice * 1664525u + 1013904223u;
            parts[i] = (float)(dice >> 8) / (1 << 24);
        }
        for (int i = 0; i < PLANE; i++)
            if (hypotf((float)(i % WIDTH) - parts[0] * WIDTH, (float)(i / WIDTH) - parts[1] * HEIGHT) < 3 + 15 * parts[2])
                frame[i] = 20 + 200 * parts[3] + (frame[i] - 128) / 8;
    }
}

static void test_cuts(void)
{
    float *frame = pictures(2), *before = frame + PLANE;
    struct field field;
    for (unsigned kind = 1; kind < 6; kind++) {
        draw_discs(kind, frame);
        draw_discs(kind - 1, before);
        UNIT_OK(field_find(&field, frame, before, WIDTH, HEIGHT));
        CU_ASSERT(field.cut && field.trust[PLANE / 2] == 0);
        CU_ASSERT(isnan(field_error(&field, frame, before)));
        field_destroy(&field);
    }
    // A shaky camera is none, nor is a flash, and a picture without anything in it moves by something finite.
    draw_discs(1, before);
    for (int i = 0; i < PLANE; i++)
        frame[i] = before[i < 2 * WIDTH + 5 ? i : i - 2 * WIDTH - 5];
    UNIT_OK(field_find(&field, frame, before, WIDTH, HEIGHT));
    CU_ASSERT(!field.cut && field.trusted > 0.8);
    field_destroy(&field);
    for (int i = 0; i < PLANE; i++)
        frame[i] = fminf(before[i] * 1.3f + 10, 255);
    UNIT_OK(field_find(&field, frame, before, WIDTH, HEIGHT));
    CU_ASSERT(!field.cut && field.trusted > 0.8);
    field_destroy(&field);
    memset(frame, 0, 2 * PLANE * sizeof *frame);
    UNIT_OK(field_find(&field, frame, before, WIDTH, HEIGHT));
    for (int i = 0; i < PLANE; i++)
        CU_ASSERT_FATAL(fabsf(field.flow.right[i]) < 1 && fabsf(field.flow.down[i]) < 1);
    CU_ASSERT(!field.cut);
    field_destroy(&field);
    free(frame);
}

static void test_threads_and_sizes(void)
{
    static const int sizes[][2] = {{FLOW_MIN_SIDE, FLOW_MIN_SIDE}, {17, 101}, {WIDTH, HEIGHT}};
    const struct motion motion = {1.01, 1, 4.2, -1.1};
    float *frame = pictures(2), *before = frame + PLANE;
    draw(&motion, 0, frame);
    draw(NULL, 0, before);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct flow flows[2];
        for (int k = 0; k < 2; k++) {
            omp_set_num_threads(k == 0 ? 1 : 3);
            UNIT_OK(flow_find(&flows[k], frame, before, sizes[i][0], sizes[i][1]));
        }
        CU_ASSERT(memcmp(flows[0].right, flows[1].right, 2 * sizeof(float) * (size_t)(sizes[i][0] * sizes[i][1])) == 0);
        flow_destroy(&flows[0]);
        flow_destroy(&flows[1]);
        CU_ASSERT_PTR_NULL(flows[0].right);
    }
    free(frame);
}

// By whole pixels exactly; by parts of them nearly as the formula; rows in pieces as all at once; no more rows are read than was said.
static void test_moving(void)
{
    static const struct motion motions[] = {{1, 0, 0, 0}, {1, 0, 7, -3}, {1.02, 1.5, 0, 0}, {0.97, -2, 0, 0}};
    float *in = pictures(6), *out = in + 2 * PLANE, *piece = out + 2 * PLANE;
    draw(NULL, 0, in);
    draw(NULL, 1, in + PLANE);
    for (size_t k = 0; k < sizeof motions / sizeof motions[0]; k++) {
        const struct motion *m = &motions[k];
        struct field field;
        // A shift is a similarity about no point: half a turn about two points would be one, but whole pixels would be lost in rounding.
        UNIT_OK(field_similarity(&field, WIDTH, HEIGHT, m->scale, m->degrees, WIDTH / 2.0, HEIGHT / 2.0));
        for (int i = 0; i < 4 && k == 1; i++) {
            field.flow.right[i] = (float)m->right * 2 / WIDTH;
            field.flow.down[i] = (float)m->down * 2 / HEIGHT;
        }
        const struct span all = {0, HEIGHT};
        field_move(&field, in, all, 2, WIDTH, HEIGHT, out, all, 0.5f);
        double most = 0, sum = 0, number = 0;
        for (int y = 12; y < HEIGHT - 12; y++)
            for (int x = 12; x < WIDTH - 12; x++)
                for (int c = 0; c < 2; c++) {
                    double u, v;
                    moved(m, x, y, &u, &v);
                    if (u < 3 || v < 3 || u > WIDTH - 4 || v > HEIGHT - 4)
                        continue;
                    const double off = (double)out[c * PLANE + y * WIDTH + x] - 0.5 * (double)texture(u, v, c);
                    most = fmax(most, fabs(off));
                    sum += off * off;
                    number++;
                }
        CU_ASSERT(most < (k < 2 ? 1e-4 : 2));
        for (int begin = 0; begin < HEIGHT; begin += 23) {
            const struct span rows = {begin, begin + 23 < HEIGHT ? begin + 23 : HEIGHT}, reach = field_reach(&field, WIDTH, HEIGHT, rows);
            CU_ASSERT_FATAL(reach.begin >= 0 && reach.end <= HEIGHT && reach.begin < reach.end);
            const size_t count = (size_t)(reach.end - reach.begin) * WIDTH;
            float *part = malloc(2 * count * sizeof *part); // a sanitizer sees what is read beyond
            for (int c = 0; c < 2; c++)
                memcpy(part + (size_t)c * count, in + c * PLANE + reach.begin * WIDTH, count * sizeof *part);
            field_move(&field, part, reach, 2, WIDTH, HEIGHT, piece, rows, 0.5f);
            const size_t size = (size_t)(rows.end - rows.begin) * WIDTH;
            for (int c = 0; c < 2; c++)
                CU_ASSERT(memcmp(piece + (size_t)c * size, out + c * PLANE + begin * WIDTH, size * sizeof *piece) == 0);
            free(part);
        }
        const struct span none = field_reach(&field, WIDTH, HEIGHT, (struct span){5, 5});
        CU_ASSERT(none.begin == none.end);
        field_destroy(&field);
    }
    free(in);
}

int main(void)
{
    make_waves();
    static const struct unit_test tests[] = {{"known motions", test_known_motions},
                                             {"what is uncovered", test_uncovered},
                                             {"cuts, flashes, nothing", test_cuts},
                                             {"threads and sizes", test_threads_and_sizes},
                                             {"moving", test_moving}};
    return unit_run("flow", tests, sizeof tests / sizeof tests[0]);
}
