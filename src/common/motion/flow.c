// SPDX-License-Identifier: MIT
#include "common/motion/flow.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "common/motion/flow_refine.h"
#include "common/picture/resample.h"

enum { PATCH = 8, PIXELS = PATCH * PATCH, STRIDE = 3 }; // of patches, pixels
enum { COARSEST = 20 };                                 // pixels of the shorter side, at least
enum { LEVELS_MAX = 16 };
enum { SEARCH_MAX = 16 };         // updates of a patch
enum { ROUNDS = 1 };              // in which patches ask those beside them
enum { CANDIDATES = 6 };          // the coarser flow at the patch and around it, and none
static const float SMALL = 0.01f; // pixels: an update by less is the last
static const float FLAT = 5;      // squared gradient of a patch that may be noise: it stays where it began
static const float BETTER = 0.9f; // of the sum of squares: another beginning must be so much better than the coarser level's own

struct level {
    int width, height;
    float *frame, *other; // (height, width)
};

// Of a level: what is known of the frame, and what is found.
struct search {
    const struct level *level;
    const struct flow *first; // from the coarser level
    float *across, *along;    // (height, width) the frame's gradient, x and y
    int columns, rows;        // of patches
    float *found;             // (rows, columns, 2) right, down
};

enum status flow_create(struct flow *flow, int width, int height)
{
    const size_t plane = (size_t)width * (size_t)height;
    *flow = (struct flow){0};
    TRY(ALLOCATE(flow->right, 2 * plane, "for the flow of %d x %d pixels", width, height));
    flow->width = width;
    flow->height = height;
    flow->down = flow->right + plane;
    return STATUS_OK;
}

void flow_destroy(struct flow *flow)
{
    free(flow->right);
    *flow = (struct flow){0};
}

static int patches(int length)
{
    return (length - PATCH + STRIDE - 1) / STRIDE + 1;
}

// Of patch number `i`: the last ends with the picture.
static int patch_begin(int i, int length)
{
    const int begin = i * STRIDE;
    return begin < length - PATCH ? begin : length - PATCH;
}

static int clamped(int i, int count)
{
    return i < 0 ? 0 : i >= count ? count - 1 : i;
}

// The patch of the other frame at (x + right, y + down), minus the frame's own: out [PIXELS], its mean taken out, so that a change of light
// is none of the motion. Returns the sum of its squares.
static float difference(const struct level *l, int x, int y, float right, float down, float out[PIXELS])
{
    const float fx = floorf(right), fy = floorf(down), u = right - fx, v = down - fy;
    const int left = x + (int)fx, above = y + (int)fy;
    float block[PATCH + 1][PATCH + 1], mean = 0, sum = 0;
    for (int j = 0; j <= PATCH; j++) {
        const float *row = l->other + (long)clamped(above + j, l->height) * l->width;
        if (left >= 0 && left + PATCH < l->width)
            memcpy(block[j], row + left, sizeof block[j]);
        else
            for (int i = 0; i <= PATCH; i++)
                block[j][i] = row[clamped(left + i, l->width)];
    }
    const float a = (1 - u) * (1 - v), b = u * (1 - v), c = (1 - u) * v, d = u * v;
    for (int j = 0; j < PATCH; j++) {
        const float *own = l->frame + (long)(y + j) * l->width + x;
        for (int i = 0; i < PATCH; i++) {
            const float value = a * block[j][i] + b * block[j][i + 1] + c * block[j + 1][i] + d * block[j + 1][i + 1] - own[i];
            out[j * PATCH + i] = value;
            mean += value;
        }
    }
    mean /= PIXELS;
    for (int i = 0; i < PIXELS; i++) {
        out[i] -= mean;
        sum += out[i] * out[i];
    }
    return sum;
}

// The inverse of the patch's matrix of gradients, and these without their means: gradient [2][PIXELS].
static void prepare(const struct search *s, int x, int y, float gradient[2][PIXELS], float inverse[3])
{
    float mean[2] = {0, 0}, xx = FLAT, xy = 0, yy = FLAT;
    for (int j = 0; j < PATCH; j++)
        for (int i = 0; i < PATCH; i++) {
            const long at = (long)(y + j) * s->level->width + x + i;
            mean[0] += gradient[0][j * PATCH + i] = s->across[at];
            mean[1] += gradient[1][j * PATCH + i] = s->along[at];
        }
    for (int i = 0; i < PIXELS; i++) {
        gradient[0][i] -= mean[0] / PIXELS;
        gradient[1][i] -= mean[1] / PIXELS;
        xx += gradient[0][i] * gradient[0][i];
        xy += gradient[0][i] * gradient[1][i];
        yy += gradient[1][i] * gradient[1][i];
    }
    const float determinant = xx * yy - xy * xy, least = 1e-4f * xx * yy; // an edge says nothing along itself
    const float by = 1 / (determinant > least ? determinant : least);
    inverse[0] = yy * by;
    inverse[1] = -xy * by;
    inverse[2] = xx * by;
}

// Whether less than half of the patch would be in the other frame: what it would be held against there is made up.
static bool is_outside(const struct level *l, int x, int y, float right, float down)
{
    const float u = (float)x + right, v = (float)y + down, half = PATCH / 2;
    return !(u >= -half && v >= -half && u <= (float)(l->width - PATCH) + half && v <= (float)(l->height - PATCH) + half);
}

// The best of the places where it may be.
static float begin_patch(const struct search *s, int x, int y, float *right, float *down)
{
    static const int steps[CANDIDATES][2] = {{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}, {0, 0}};
    const struct flow *first = s->first;
    const int width = s->level->width, height = s->level->height;
    float least = INFINITY, values[PIXELS];
    for (int k = 0; k < CANDIDATES; k++) {
        const long at =
            (long)clamped(y + PATCH / 2 + steps[k][1] * PATCH, height) * width + clamped(x + PATCH / 2 + steps[k][0] * PATCH, width);
        const float u = k == CANDIDATES - 1 ? 0 : first->right[at], v = k == CANDIDATES - 1 ? 0 : first->down[at];
        if (k > 0 && is_outside(s->level, x, y, u, v))
            continue;
        const float sum = difference(s->level, x, y, u, v, values);
        if (sum < least) {
            least = sum;
            *right = u;
            *down = v;
        }
    }
    return least;
}

// From a beginning whose sum of squares is `least` down to the best place nearby.
static void descend(const struct search *s, int x, int y, float least, float found[2])
{
    float gradient[2][PIXELS], inverse[3], values[PIXELS];
    float right = found[0], down = found[1];
    const float from[2] = {right, down};
    prepare(s, x, y, gradient, inverse);
    difference(s->level, x, y, right, down, values);
    for (int k = 0; k < SEARCH_MAX; k++) {
        float a = 0, b = 0;
        for (int i = 0; i < PIXELS; i++) {
            a += gradient[0][i] * values[i];
            b += gradient[1][i] * values[i];
        }
        const float du = inverse[0] * a + inverse[1] * b, dv = inverse[1] * a + inverse[2] * b;
        right -= du;
        down -= dv;
        if (!(fabsf(right - from[0]) <= PATCH && fabsf(down - from[1]) <= PATCH) || is_outside(s->level, x, y, right, down))
            return; // it ran away
        const float sum = difference(s->level, x, y, right, down, values);
        if (sum >= least)
            return;
        least = sum;
        found[0] = right;
        found[1] = down;
        if (fabsf(du) < SMALL && fabsf(dv) < SMALL)
            return;
    }
}

static void find_patch(const struct search *s, int column, int row)
{
    const int x = patch_begin(column, s->level->width), y = patch_begin(row, s->level->height);
    float *found = s->found + 2 * ((long)row * s->columns + column);
    const float least = begin_patch(s, x, y, &found[0], &found[1]);
    descend(s, x, y, least, found);
}

// Whether a patch fits better where one beside it went.
static void ask_beside(const struct search *s, const float *before, int column, int row)
{
    static const int steps[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    const int x = patch_begin(column, s->level->width), y = patch_begin(row, s->level->height);
    const long at = (long)row * s->columns + column;
    float *found = s->found + 2 * at, values[PIXELS];
    float least = difference(s->level, x, y, before[2 * at], before[2 * at + 1], values);
    bool better = false;
    for (int k = 0; k < 4; k++) {
        const int i = column + steps[k][0], j = row + steps[k][1];
        if (i < 0 || j < 0 || i >= s->columns || j >= s->rows)
            continue;
        const float *other = before + 2 * ((long)j * s->columns + i);
        if (is_outside(s->level, x, y, other[0], other[1]))
            continue;
        const float sum = difference(s->level, x, y, other[0], other[1], values);
        if (sum < BETTER * least) {
            least = sum;
            found[0] = other[0];
            found[1] = other[1];
            better = true;
        }
    }
    if (better)
        descend(s, x, y, least, found);
}

static void find_patches(struct search *s, float *before)
{
#pragma omp parallel for schedule(dynamic)
    for (int row = 0; row < s->rows; row++)
        for (int column = 0; column < s->columns; column++)
            find_patch(s, column, row);
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(before, s->found, 2 * (size_t)s->rows * (size_t)s->columns * sizeof *before);
#pragma omp parallel for schedule(dynamic)
        for (int row = 0; row < s->rows; row++)
            for (int column = 0; column < s->columns; column++)
                ask_beside(s, before, column, row);
    }
}

// First and last patch that a pixel is in.
static void patches_of(int at, int length, int count, int *first, int *last)
{
    *first = at < PATCH ? 0 : (at - PATCH) / STRIDE + 1;
    *last = at / STRIDE < count - 1 ? at / STRIDE : count - 1;
    if (*first > count - 1)
        *first = count - 1;
    if (at >= length - PATCH) // the last one ends with the picture
        *last = count - 1;
}

// Each pixel's flow: the mean of those of the patches that it is in, each the more the better it fits there.
static void spread(const struct search *s, struct flow *flow)
{
    const struct level *l = s->level;
#pragma omp parallel for schedule(static)
    for (int y = 0; y < l->height; y++)
        for (int x = 0; x < l->width; x++) {
            int left, right, top, bottom;
            float sum = 0, u = 0, v = 0;
            patches_of(x, l->width, s->columns, &left, &right);
            patches_of(y, l->height, s->rows, &top, &bottom);
            for (int j = top; j <= bottom; j++)
                for (int i = left; i <= right; i++) {
                    const float *found = s->found + 2 * ((long)j * s->columns + i);
                    const float there = flow_sample(l->other, l->width, l->height, (float)x + found[0], (float)y + found[1]);
                    const float off = fabsf(there - l->frame[(long)y * l->width + x]), weight = 1 / (off > 1 ? off : 1);
                    sum += weight;
                    u += weight * found[0];
                    v += weight * found[1];
                }
            flow->right[(long)y * l->width + x] = u / sum;
            flow->down[(long)y * l->width + x] = v / sum;
        }
}

// From a coarser level to a finer one.
static enum status enlarge(struct flow *flow, int width, int height)
{
    struct flow larger;
    const float across = (float)flow->width / (float)width, along = (float)flow->height / (float)height;
    TRY(flow_create(&larger, width, height));
#pragma omp parallel for schedule(static)
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const float u = ((float)x + 0.5f) * across - 0.5f, v = ((float)y + 0.5f) * along - 0.5f;
            larger.right[(long)y * width + x] = flow_sample(flow->right, flow->width, flow->height, u, v) / across;
            larger.down[(long)y * width + x] = flow_sample(flow->down, flow->width, flow->height, u, v) / along;
        }
    flow_destroy(flow);
    *flow = larger;
    return STATUS_OK;
}

static enum status find_level(const struct level *l, struct flow *flow)
{
    struct search s = {.level = l, .first = flow, .columns = patches(l->width), .rows = patches(l->height)};
    const size_t plane = (size_t)l->width * (size_t)l->height;
    enum status rc;
    TRY_OUT(ALLOCATE(s.across, 2 * plane, "for a gradient of %d x %d pixels", l->width, l->height));
    TRY_OUT(ALLOCATE(s.found, 4 * (size_t)s.rows * (size_t)s.columns, "for %d x %d patches", s.columns, s.rows));
    s.along = s.across + plane;
    flow_gradient(l->frame, l->width, l->height, s.across, s.along);
    find_patches(&s, s.found + 2 * (size_t)s.rows * (size_t)s.columns);
    spread(&s, flow);
    rc = flow_refine(flow, l->frame, l->other);
out:
    free(s.across);
    free(s.found);
    return rc;
}

// A level of half the size; *coarser is zeroed on failure.
static enum status shrink(const struct level *from, struct level *to)
{
    *to = (struct level){.width = (from->width + 1) / 2, .height = (from->height + 1) / 2};
    const size_t plane = (size_t)to->width * (size_t)to->height;
    TRY(ALLOCATE(to->frame, 2 * plane, "for %d x %d pixels", to->width, to->height));
    to->other = to->frame + plane;
    TRY(resample(from->frame, 1, from->width, from->height, to->frame, to->width, to->height));
    return resample(from->other, 1, from->width, from->height, to->other, to->width, to->height);
}

enum status flow_find(struct flow *flow, const float *frame, const float *other, int width, int height)
{
    // The first level is the caller's, and only read.
    struct level levels[LEVELS_MAX] = {{.width = width, .height = height, .frame = (float *)frame, .other = (float *)other}};
    int count = 1;
    enum status rc = STATUS_OK;
    *flow = (struct flow){0};
    for (; count < LEVELS_MAX && levels[count - 1].width >= 2 * COARSEST && levels[count - 1].height >= 2 * COARSEST; count++)
        TRY_OUT(shrink(&levels[count - 1], &levels[count]));
    TRY_OUT(flow_create(flow, levels[count - 1].width, levels[count - 1].height));
    for (int k = count - 1; k >= 0; k--) {
        if (k < count - 1)
            TRY_OUT(enlarge(flow, levels[k].width, levels[k].height));
        TRY_OUT(find_level(&levels[k], flow));
    }
out:
    for (int k = 1; k < LEVELS_MAX; k++)
        free(levels[k].frame);
    if (rc != STATUS_OK)
        flow_destroy(flow);
    return rc;
}
