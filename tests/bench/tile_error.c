// SPDX-License-Identifier: MIT
// tile_error [--size WxH] [--rolls N] [--tiles MxN] [--limit X] PHOTO [KEY=VALUE]...
// What tiles change: the gradient of a photograph in tiles beside the gradient of the whole, for a row of halos or the one that is set
// (tile.halo=...). One line a halo: how far off the gradient is, what the tiles cost, and whether their borders can be found in it: the
// mean difference of neighbouring pixels across borders, divided by that across other lines of the network's grid (multiples of its stride,
// where the gradient of the whole has larger differences too), for the tiles and for the whole at the same places.
// With --limit it fails where more than one value in a hundred is off by more than X of the gradient's largest: where a window's size makes
// oneDNN add in another order, the rounding may decide whether a unit is active, and that moves all the values that it sees. With --tiles
// it fails where there are not M x N of them.
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/resample.h"
#include "common/system/file.h"
#include "common/system/rng.h"
#include "job/tile_rules.h"
#include "kernels/network/parameters.h"
#include "media/picture/codec.h"
#include "weights/model_fetch.h"
#include "weights/weights.h"
#include "worker/network/sweep.h"

static void need(enum status rc)
{
    if (rc == STATUS_OK)
        return;
    fprintf(stderr, "tile_error: %s\n", status_message());
    exit(1);
}

struct setup {
    struct config config;
    struct objective objective;
    struct engine *engine;
    struct team *team;
    struct timing timing;
    struct slab image, gradient, scratch;
};

// The gradient of the image seen rolled, and the tiling that it was made with.
static struct tiling find_gradient(struct setup *s, const struct tile_rules *rules, int dy, int dx)
{
    struct image_job job = {.team = s->team, .engine = s->engine, .objective = &s->objective, .rules = rules};
    struct sweep *sweep;
    struct sweep_losses losses;
    need(sweep_create(&sweep, &job, s->image.width, s->image.height, 0));
    const struct sweep_pass pass = {.image = &s->image,
                                    .dy = dy,
                                    .dx = dx,
                                    .rule = objective_gradient_rule(&s->config),
                                    .gradient = &s->gradient,
                                    .scratch = &s->scratch};
    need(sweep_run(sweep, &pass, &losses));
    const struct tiling tiling = *sweep_tiling(sweep);
    sweep_destroy(&sweep);
    return tiling;
}

struct seam {
    double at, elsewhere; // sums of |difference of neighbours|
    double at_count, elsewhere_count;
};

static double ratio(const struct seam *seam)
{
    return seam->at_count > 0 ? seam->at / seam->at_count / (seam->elsewhere / seam->elsewhere_count) : NAN;
}

static int wrap(int i, int size)
{
    return (i % size + size) % size;
}

enum line { LINE_OTHER, LINE_GRID, LINE_BORDER };

// What lies before each pixel (unrolled): a line of the network's grid, the border of two cores, or neither.
static void mark_lines(const struct tiling *tiling, bool across, int shift, enum line *lines, int size)
{
    const int stride = across ? tiling->across.stride : tiling->down.stride;
    for (int i = 0; i < size; i++)
        lines[wrap(i - shift, size)] = i > 0 && i % stride == 0 ? LINE_GRID : LINE_OTHER;
    for (int i = 0; i < tiling_count(tiling); i++) {
        const struct tile tile = tiling_tile(tiling, i);
        const int at = across ? tile.core.x : tile.core.y;
        if (at > 0)
            lines[wrap(at - shift, size)] = LINE_BORDER;
    }
    lines[0] = LINE_OTHER; // nothing lies before it
}

static void add_difference(struct seam *seam, enum line line, double difference)
{
    if (line == LINE_BORDER) {
        seam->at += difference;
        seam->at_count++;
    } else if (line == LINE_GRID) {
        seam->elsewhere += difference;
        seam->elsewhere_count++;
    }
}

static void add_seams(const struct slab *g, const enum line *columns, const enum line *rows, struct seam *seam)
{
    for (int c = 0; c < 3; c++)
        for (int y = 1; y < g->height; y++)
            for (int x = 1; x < g->width; x++) {
                const float *here = slab_row(g, c, y) + x;
                add_difference(seam, columns[x], fabs(here[0] - here[-1]));
                add_difference(seam, rows[y], fabs(here[0] - slab_row(g, c, y - 1)[x]));
            }
}

struct error {
    double largest, most;          // |difference|, |gradient|
    double squares, sum_squares;   // of the difference, of the gradient
    double product, other_squares; // for the cosine
    double beyond, count;          // values off by more than the limit, and all
};

static void add_error(const float *whole, const float *tiled, size_t count, double limit, struct error *e)
{
    for (size_t i = 0; i < count; i++)
        e->most = fmax(e->most, fabs(whole[i]));
    for (size_t i = 0; i < count; i++) {
        const double a = whole[i], b = tiled[i];
        e->largest = fmax(e->largest, fabs(a - b));
        e->beyond += fabs(a - b) > limit * e->most;
        e->count++;
        e->squares += (a - b) * (a - b);
        e->sum_squares += a * a;
        e->other_squares += b * b;
        e->product += a * b;
    }
}

struct demands {
    int columns, rows; // of tiles; 0: any
    double limit;      // of the error
};

static bool compare(struct setup *s, int rolls, const struct tile_plan *plan, const struct demands *demands)
{
    const struct tile_rules whole = {.size = INT_MAX, .halo = plan->rules.halo, .blend = plan->rules.blend, .stride = plan->rules.stride};
    const size_t count = slab_count(&s->image);
    float *reference = malloc(count * sizeof *reference);
    enum line *columns = malloc((size_t)s->image.width * sizeof *columns), *rows = malloc((size_t)s->image.height * sizeof *rows);
    struct error error = {0};
    struct seam tiled = {0}, untiled = {0};
    struct tiling tiling = {0};
    for (int k = 0; k < rolls; k++) {
        int dy, dx;
        rng_jitter(1, 0, 0, k, 200, &dy, &dx);
        find_gradient(s, &whole, dy, dx);
        memcpy(reference, s->gradient.data, count * sizeof *reference);
        tiling = find_gradient(s, &plan->rules, dy, dx);
        mark_lines(&tiling, true, dx, columns, s->image.width);
        mark_lines(&tiling, false, dy, rows, s->image.height);
        add_error(reference, s->gradient.data, count, demands->limit, &error);
        add_seams(&s->gradient, columns, rows, &tiled);
        memcpy(s->gradient.data, reference, count * sizeof *reference);
        add_seams(&s->gradient, columns, rows, &untiled);
    }
    printf("%5d%s %5d  %2d x %-2d  %4d x %-4d  %6.2f  %9.2e  %9.2e  %9.6f  %7.3f  %7.3f\n", plan->rules.halo, plan->exact ? "*" : " ",
           plan->rules.blend, tiling.across.count, tiling.down.count, tiling.across.window, tiling.down.window, tiling_redundancy(&tiling),
           error.largest / error.most, sqrt(error.squares / error.sum_squares),
           error.product / sqrt(error.sum_squares * error.other_squares), ratio(&tiled), ratio(&untiled));
    fflush(stdout);
    free(rows);
    free(columns);
    free(reference);
    if (demands->columns && (tiling.across.count != demands->columns || tiling.down.count != demands->rows)) {
        fprintf(stderr, "tile_error: these are not %d x %d tiles\n", demands->columns, demands->rows);
        return false;
    }
    if (error.beyond > 0)
        printf("%g of %g values are off by more than %g of the largest\n", error.beyond, error.count, demands->limit);
    return error.beyond <= error.count / 100;
}

static void read_photo(struct setup *s, const char *path, int width, int height)
{
    const struct image_limits limits = {.side = 65535, .pixels = 400000000};
    struct image image = {0};
    void *bytes;
    size_t size;
    need(file_read(path, SIZE_MAX / 2, &bytes, &size));
    need(codec_decode(bytes, size, &limits, &image));
    width = width ? width : image.width;
    height = height ? height : image.height;
    need(slab_create(&s->image, width, height, (struct span){0, height}));
    need(slab_create(&s->gradient, width, height, (struct span){0, height}));
    need(slab_create(&s->scratch, width, height, (struct span){0, height}));
    need(resample(image.rgb, 3, image.width, image.height, s->image.data, width, height));
    image_destroy(&image);
    free(bytes);
}

int main(int argc, char **argv)
{
    static const int halos[] = {32, 48, 64, 96, 128, 160, 192, 256, TILE_HALO_EXACT};
    static struct setup s;
    char model[FILE_PATH_MAX];
    struct weights_info info;
    struct demands demands = {.limit = INFINITY};
    bool good = true;
    int width = 0, height = 0, rolls = 2, at = 1;
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
        if (strcmp(argv[at], "--size") == 0 && sscanf(argv[at + 1], "%dx%d", &width, &height) == 2)
            continue;
        if (strcmp(argv[at], "--rolls") == 0 && (rolls = atoi(argv[at + 1])) > 0)
            continue;
        if (strcmp(argv[at], "--tiles") == 0 && sscanf(argv[at + 1], "%dx%d", &demands.columns, &demands.rows) == 2)
            continue;
        if (strcmp(argv[at], "--limit") == 0 && (demands.limit = atof(argv[at + 1])) > 0)
            continue;
        break;
    }
    if (at >= argc || argv[at][0] == '-') {
        fprintf(stderr, "tile_error [--size WxH] [--rolls N] [--tiles MxN] [--limit X] PHOTO [KEY=VALUE]...\n");
        return 2;
    }
    config_init(&s.config);
    s.config.tile.halo = INT_MAX;
    for (int i = at + 1; i < argc; i++)
        need(config_set(&s.config, argv[i]));
    read_photo(&s, argv[at], width, height);
    need(model_default_path(model));
    float *weights = malloc(parameters_count(network_inception_v3()) * sizeof *weights);
    need(weights_read(model, network_inception_v3(), weights, &info));
    need(objective_init(&s.objective, &s.config, weights, info.classes));
    need(engine_create(&s.engine, &s.objective, weights, NULL));
    need(team_create(&s.team, MPI_COMM_NULL, &(int32_t){0}, 1, &s.timing));
    const bool all = s.config.tile.halo == INT_MAX;
    printf("%s, %d x %d: gradient in tiles beside that of the whole; *: exact halo\n", argv[at], s.image.width, s.image.height);
    printf(" halo  blend  tiles     window     pixels  error/max  error/rms     cosine   seam     untiled\n");
    for (size_t i = 0; i < (all ? sizeof halos / sizeof halos[0] : 1); i++) {
        struct tile_plan plan;
        if (all)
            s.config.tile.halo = halos[i];
        need(tile_rules_resolve(&s.config, UINT64_MAX, &plan));
        good = compare(&s, rolls, &plan, &demands) && good;
    }
    return !good;
}
