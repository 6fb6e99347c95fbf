// SPDX-License-Identifier: MIT
#include "common/motion/field.h"

#include <math.h>

enum { TAPS = 6, PHASES = 256 }; // of Lanczos-3; places between two pixels that are told apart
// Pixels squared by which there and back may differ: so much, and a part of both their squares.
static const float APART = 0.5f, APART_PART = 0.01f;
// Where less is trusted, on average, it is another scene: of pairs of different photographs 0.12 was the most, of one that moved 0.88 the
// least. least.
static const double CUT = 0.25;

static enum status make_room(struct field *field, int width, int height)
{
    *field = (struct field){0};
    return ALLOCATE(field->trust, (size_t)width * (size_t)height, "for a field of %d x %d pixels", width, height);
}

void field_destroy(struct field *field)
{
    flow_destroy(&field->flow);
    free(field->trust);
    *field = (struct field){0};
}

// 1 where both agree, 0 where they differ by twice as much as they may.
static float trust_of(float right, float down, float right_back, float down_back)
{
    const float x = right + right_back, y = down + down_back;
    const float may = APART_PART * (right * right + down * down + right_back * right_back + down_back * down_back) + APART;
    const float trust = 2 - (x * x + y * y) / may;
    return trust > 1 ? 1 : trust > 0 ? trust : 0;
}

static void compare(struct field *field, const struct flow *back)
{
    const struct flow *flow = &field->flow;
    const int width = flow->width, height = flow->height;
#pragma omp parallel for schedule(static)
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const long at = (long)y * width + x;
            const float u = (float)x + flow->right[at], v = (float)y + flow->down[at];
            const bool inside = u >= -0.5f && v >= -0.5f && u <= (float)width - 0.5f && v <= (float)height - 0.5f;
            field->trust[at] = !inside ? 0
                                       : trust_of(flow->right[at], flow->down[at], flow_sample(back->right, width, height, u, v),
                                                  flow_sample(back->down, width, height, u, v));
        }
}

static void settle(struct field *field)
{
    const size_t count = (size_t)field->flow.width * (size_t)field->flow.height;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)field->trust[i];
    field->trusted = sum / (double)count;
    field->cut = field->trusted < CUT;
    for (size_t i = 0; field->cut && i < count; i++)
        field->trust[i] = 0;
}

enum status field_find(struct field *field, const float *frame, const float *before, int width, int height)
{
    struct flow back = {0};
    enum status rc;
    TRY_OUT(make_room(field, width, height));
    TRY_OUT(flow_find(&field->flow, frame, before, width, height));
    TRY_OUT(flow_find(&back, before, frame, width, height));
    compare(field, &back);
    settle(field);
out:
    flow_destroy(&back);
    if (rc != STATUS_OK)
        field_destroy(field);
    return rc;
}

enum status field_similarity(struct field *field, int width, int height, double scale, double degrees, double x, double y)
{
    enum { SIDE = 2 }; // it is linear: its corners say all
    const double angle = degrees * 3.14159265358979323846 / 180, c = cos(angle) / scale, s = sin(angle) / scale;
    const double across = (double)width / SIDE, along = (double)height / SIDE; // pixels of the picture in one of the grid
    enum status rc;
    TRY_OUT(make_room(field, SIDE, SIDE));
    TRY_OUT(flow_create(&field->flow, SIDE, SIDE));
    for (int i = 0; i < SIDE * SIDE; i++) {
        const double dx = (i % SIDE + 0.5) * across - x, dy = (double)(i / SIDE + 0.5) * along - y;
        field->flow.right[i] = (float)((c * dx - s * dy - dx) / across);
        field->flow.down[i] = (float)((s * dx + c * dy - dy) / along);
        field->trust[i] = 1;
    }
    field->trusted = 1;
out:
    if (rc != STATUS_OK)
        field_destroy(field);
    return rc;
}

// Where the grid's values lie between; beyond its outer ones it goes on as between the last two.
struct place {
    long at[2];
    float weight[2];
};

static struct place place_of(int i, int length, int count)
{
    const float at = ((float)i + 0.5f) * ((float)count / (float)length) - 0.5f;
    int first = (int)floorf(at);
    first = first > count - 2 ? count - 2 : first < 0 ? 0 : first;
    return (struct place){{first, first + 1}, {1 - (at - (float)first), at - (float)first}};
}

static float between(const float *plane, int width, const struct place *x, const struct place *y)
{
    const float *above = plane + y->at[0] * width, *below = plane + y->at[1] * width;
    return y->weight[0] * (x->weight[0] * above[x->at[0]] + x->weight[1] * above[x->at[1]]) +
           y->weight[1] * (x->weight[0] * below[x->at[0]] + x->weight[1] * below[x->at[1]]);
}

static int limited(float value, int count)
{
    return value < 0 ? 0 : value >= (float)count ? count - 1 : (int)value;
}

struct span field_reach(const struct field *field, int width, int height, struct span rows)
{
    const struct flow *flow = &field->flow;
    const float along = (float)height / (float)flow->height;
    struct span reach = {height, 0};
    if (rows.begin >= rows.end)
        return (struct span){0, 0};
    // What is linear between the grid's columns is largest at one of them, or at the picture's border, where it goes on.
    for (int y = rows.begin; y < rows.end; y++) {
        const struct place down = place_of(y, height, flow->height);
        for (int k = 0; k < flow->width + 2; k++) {
            const int column = k < flow->width ? k : 0;
            const struct place inner = {{column, column}, {1, 0}};
            const struct place x = k < flow->width ? inner : place_of(k == flow->width ? 0 : width - 1, width, flow->width);
            const float to = (float)y + along * between(flow->down, flow->width, &x, &down);
            const int first = limited(to - FIELD_MARGIN, height), last = limited(to + FIELD_MARGIN + 1, height);
            reach.begin = first < reach.begin ? first : reach.begin;
            reach.end = last + 1 > reach.end ? last + 1 : reach.end;
        }
    }
    return reach;
}

// Weights of the pixels from two before a place on, for each place between two; they sum to 1.
static void make_weights(float weights[PHASES + 1][TAPS])
{
    const double pi = 3.14159265358979323846;
    for (int phase = 0; phase <= PHASES; phase++) {
        double sum = 0, all[TAPS];
        for (int k = 0; k < TAPS; k++) {
            const double t = k - 2 - (double)phase / PHASES;
            all[k] = fabs(t) < 1e-9 ? 1 : fabs(t) >= 3 || phase % PHASES == 0 ? 0 : 3 * sin(pi * t) * sin(pi * t / 3) / (pi * pi * t * t);
            sum += all[k];
        }
        for (int k = 0; k < TAPS; k++)
            weights[phase][k] = (float)(all[k] / sum);
    }
}

// The pixels that a place is made from, within `count`.
static const float *taps_of(float at, int count, const float weights[PHASES + 1][TAPS], int taps[TAPS])
{
    const float least = -3, most = (float)count + 2;
    at = at < least ? least : at > most ? most : at;
    const int whole = (int)floorf(at), phase = (int)lrintf((at - (float)whole) * PHASES);
    for (int k = 0; k < TAPS; k++) {
        const int i = whole + k - 2;
        taps[k] = i < 0 ? 0 : i >= count ? count - 1 : i;
    }
    return weights[phase];
}

struct move {
    const struct field *field;
    const float *in;
    struct span in_rows;
    int planes, width, height;
    float strength;
    float weights[PHASES + 1][TAPS];
};

// Row `y` of each plane, `stride` values apart.
static void move_row(const struct move *m, int y, float *out, size_t stride)
{
    const struct flow *flow = &m->field->flow;
    const float across = (float)m->width / (float)flow->width, along = (float)m->height / (float)flow->height;
    const size_t plane = (size_t)(m->in_rows.end - m->in_rows.begin) * (size_t)m->width;
    const struct place down = place_of(y, m->height, flow->height);
    for (int x = 0; x < m->width; x++) {
        const struct place right = place_of(x, m->width, flow->width);
        int columns[TAPS], rows[TAPS];
        const float trust = between(m->field->trust, flow->width, &right, &down);
        const float *by_x = taps_of((float)x + across * between(flow->right, flow->width, &right, &down), m->width, m->weights, columns);
        const float *by_y = taps_of((float)y + along * between(flow->down, flow->width, &right, &down), m->height, m->weights, rows);
        const float strength = m->strength * (trust < 0 ? 0 : trust > 1 ? 1 : trust);
        for (int c = 0; c < m->planes; c++) {
            float sum = 0;
            for (int j = 0; j < TAPS && strength > 0; j++) {
                const float *row = m->in + (size_t)c * plane + (size_t)(rows[j] - m->in_rows.begin) * (size_t)m->width;
                float along_row = 0;
                for (int i = 0; i < TAPS; i++)
                    along_row += by_x[i] * row[columns[i]];
                sum += by_y[j] * along_row;
            }
            out[(size_t)c * stride + (size_t)x] = strength * sum;
        }
    }
}

void field_move(const struct field *field, const float *in, struct span in_rows, int planes, int width, int height, float *out,
                struct span rows, float strength)
{
    struct move m = {
        .field = field, .in = in, .in_rows = in_rows, .planes = planes, .width = width, .height = height, .strength = strength};
    const size_t stride = (size_t)(rows.end - rows.begin) * (size_t)width;
    make_weights(m.weights);
#pragma omp parallel for schedule(static)
    for (int y = rows.begin; y < rows.end; y++)
        move_row(&m, y, out + (size_t)(y - rows.begin) * (size_t)width, stride);
}

double field_error(const struct field *field, const float *frame, const float *before)
{
    const struct flow *flow = &field->flow;
    double sum = 0, trusted = 0;
    for (int y = 0; y < flow->height; y++)
        for (int x = 0; x < flow->width; x++) {
            const long at = (long)y * flow->width + x;
            const float there = flow_sample(before, flow->width, flow->height, (float)x + flow->right[at], (float)y + flow->down[at]);
            sum += (double)(field->trust[at] * fabsf(frame[at] - there));
            trusted += (double)field->trust[at];
        }
    return trusted > 0 ? sum / trusted : NAN;
}
