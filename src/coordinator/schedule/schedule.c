// SPDX-License-Identifier: MIT
#include "coordinator/schedule/schedule.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "common/picture/geometry.h"
#include "common/wire/messages.h"

enum { PIXEL_BYTES = 3 * sizeof(float) };

// An image's octaves, cut into tiles.
struct cut {
    int count;
    bool whole;
    struct tiling octaves[GEOMETRY_OCTAVES_MAX];
};

static enum status cut_image(const struct schedule *schedule, struct schedule_image image, struct cut *cut)
{
    const struct config *config = schedule->config;
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const struct octave_rule whole = {.count = 1, .scale = 1}, *rule = image.whole ? &whole : &config->octaves;
    if (image.width < schedule->min_side || image.height < schedule->min_side)
        return fail(STATUS_LIMIT,
                    "%d x %d pixels are too few: these targets need %d on the shorter side; take a larger picture or set input.resize",
                    image.width, image.height, schedule->min_side);
    cut->whole = image.whole;
    cut->count = geometry_octaves(image.width, image.height, rule, octaves);
    for (int k = 0; k < cut->count; k++)
        TRY(tiling_create(&cut->octaves[k], octaves[k].width, octaves[k].height, &schedule->tiles));
    return STATUS_OK;
}

static double window_pixels(const struct tiling *octave)
{
    return (double)octave->across.window * octave->down.window;
}

// That the slowest member pushes through the network in one pass over the octave.
static double pass_pixels(const struct tiling *octave, int members)
{
    const int tiles = tiling_count(octave);
    return window_pixels(octave) * (tiles / members + (tiles % members > 0));
}

static double cost_of(const struct schedule *schedule, const struct cut *cut, int members)
{
    double cost = 2 * 0.5 * pass_pixels(&cut->octaves[cut->count - 1], members); // before and after, forward only
    for (int k = 0; k < cut->count; k++)
        cost += schedule->config->steps * pass_pixels(&cut->octaves[k], members);
    return cost;
}

enum status schedule_tiles(const struct schedule *schedule, struct schedule_image image, int *tiles, double *redundancy)
{
    struct cut cut;
    double seen = 0, pixels = 0;
    TRY(cut_image(schedule, image, &cut));
    for (int k = 0; k < cut.count; k++) {
        const double octave = (double)cut.octaves[k].across.length * cut.octaves[k].down.length;
        seen += tiling_redundancy(&cut.octaves[k]) * octave;
        pixels += octave;
    }
    *tiles = tiling_count(&cut.octaves[cut.count - 1]);
    *redundancy = seen / pixels;
    return STATUS_OK;
}

enum status schedule_cost(const struct schedule *schedule, struct schedule_image image, int members, double *cost)
{
    struct cut cut;
    TRY(cut_image(schedule, image, &cut));
    *cost = cost_of(schedule, &cut, members);
    return STATUS_OK;
}

// Rows that the member with most of them holds, and `margin` above and below.
static int rows_of(const struct tiling *octave, int members, int margin)
{
    const int height = octave->down.length, bands = (height + TILING_BAND - 1) / TILING_BAND;
    const int rows = (bands + members - 1) / members * TILING_BAND + 2 * margin;
    return rows < height ? rows : height;
}

static double row_pixels(const struct tiling *octave, int members, int margin)
{
    return (double)octave->across.length * rows_of(octave, members, margin);
}

static int overlap(struct span a, struct span b)
{
    const int begin = a.begin > b.begin ? a.begin : b.begin, end = a.end < b.end ? a.end : b.end;
    return end > begin ? end - begin : 0;
}

// Pixels of one member's windows that others hold, at most: a roll by the jitter moves them away from its own rows by no more than that.
static double foreign_pixels(const struct tiling *octave, int jitter, int members, int member)
{
    const struct span tiles = tiling_share(tiling_count(octave), members, member);
    struct span own = tiling_rows(octave->down.length, members, member);
    own.begin += jitter;
    own.end -= jitter;
    const int across = octave->across.count;
    double pixels = 0;
    for (int first = tiles.begin, next; first < tiles.end; first = next) { // one row of tiles at a time
        const struct rectangle window = tiling_tile(octave, first).window;
        const int end = (first / across + 1) * across;
        next = end < tiles.end ? end : tiles.end;
        pixels += (double)(next - first) * window.width * (window.height - overlap((struct span){window.y, window.y + window.height}, own));
    }
    return pixels;
}

// Pixels that a member sends and receives in a step. Windows come in and gradients go out for what its own windows hold of other members'
// rows; the reverse, for what theirs hold of its rows, is no more than that is for the worst member.
static double exchange_pixels(const struct tiling *octave, int jitter, int members)
{
    double most = 0;
    for (int member = 0; members > 1 && member < members; member++)
        most = fmax(most, foreign_pixels(octave, jitter, members, member));
    return 4 * most;
}

// Activations of the targets and gradients with respect to them: of the octave's pixels those in the cores of a member's tiles.
static double feature_pixels(const struct schedule *schedule, const struct tiling *octave, int members)
{
    const int tiles = tiling_count(octave);
    const double cores = (double)octave->across.length * octave->down.length / tiles * ((tiles + members - 1) / members);
    return 2 * schedule->feature_bytes / PIXEL_BYTES * cores;
}

// Of a member's rows while it takes steps in an octave: image, original, a frame on its way, the mask's, gradient and scratch; the latter
// two with the rows around them that smoothing and a pyramid of the gradient's bands read; and the coarser bands.
static double step_pixels(const struct schedule *schedule, const struct tiling *octave, int members)
{
    const struct config *config = schedule->config;
    const int bands = config->shape.pyramid, frames = config->frames.cam || config->frames.dream ? 2 : 0;
    const int margin = (int)ceil(3 * config->smooth) + (bands > 1 ? 4 << (bands - 1) : 0);
    const double slabs = bands > 1 ? 2 + 1.0 / 3 : 2;
    const double mask = schedule->mask_bytes > 0 ? 1.0 / 3 : 0; // one plane
    return (2 + frames + mask) * row_pixels(octave, members, 0) + slabs * row_pixels(octave, members, margin) +
           exchange_pixels(octave, config->jitter, members) + feature_pixels(schedule, octave, members);
}

int schedule_baselines(const struct config *config)
{
    return config_has_baseline(config, "black") + config_has_baseline(config, "blurred") +
           (config_has_baseline(config, "images") ? BASELINE_IMAGES_MAX : 0);
}

// What expected gradients need: baselines, and the activations of whole windows, of the picture and of a baseline.
static double expected_gradients_pixels(const struct schedule *schedule, const struct tiling *octave, int members)
{
    return schedule_baselines(schedule->config) * row_pixels(octave, members, 0) +
           2 * schedule->feature_bytes / PIXEL_BYTES * pass_pixels(octave, members);
}

// To explain an image: it, its gradient, three slabs to work in, and up to OUTBOX copies on their way.
static double explain_pixels(const struct schedule *schedule, const struct tiling *octave, int members)
{
    enum { SLABS = 5, OUTBOX = 4 };
    return (SLABS + OUTBOX) * row_pixels(octave, members, 0) + exchange_pixels(octave, 0, members) +
           feature_pixels(schedule, octave, members) + expected_gradients_pixels(schedule, octave, members);
}

// What resampling needs beside its input and its output: rows that are resampled across; in a team once more as the member needs them, and
// those that its share of one octave does not have in common with its share of the other, sent and received.
static double resample_pixels(const struct tiling *from, const struct tiling *to, int members)
{
    const double ratio = (double)from->down.length / to->down.length, width = to->across.length;
    const double edge = TILING_BAND * (1 + ratio) + 4 * fmax(1, ratio); // rows at either end: shares are whole bands; the filter's reach
    const double rows = rows_of(from, members, 0);
    return members > 1 ? width * (2 * rows + 6 * edge) : width * rows;
}

// All that a member holds of the image, at the worst moment.
static double image_pixels(const struct schedule *schedule, const struct cut *cut, int members)
{
    const struct tiling *last = &cut->octaves[cut->count - 1];
    const double full = row_pixels(last, members, 0);
    double most = step_pixels(schedule, last, members);
    if (cut->whole)
        return explain_pixels(schedule, last, members);
    if (schedule->config->importance.method == IMPORTANCE_EXPECTED_GRADIENTS) // at the end, with what the last octave holds
        most += expected_gradients_pixels(schedule, last, members);
    for (const struct tiling *octave = cut->octaves; octave < last; octave++)
        most = fmax(most, full + step_pixels(schedule, octave, members)); // the original waits meanwhile
    // Of all ways from one octave to the next the last takes most: the detail, before and after it is enlarged, the original and its copy.
    if (cut->count > 1)
        most = fmax(most, row_pixels(last - 1, members, 0) + (schedule->mask_bytes > 0 ? 3.4 : 3) * full +
                              resample_pixels(last - 1, last, members));
    return most;
}

static double network_bytes(const struct schedule *schedule, const struct cut *cut)
{
    double pixels = 0;
    for (int k = 0; k < cut->count; k++)
        pixels = fmax(pixels, window_pixels(&cut->octaves[k]));
    return schedule->window_bytes * pixels + schedule->mask_bytes;
}

static double memory_of(const struct schedule *schedule, const struct cut *cut, int members)
{
    return network_bytes(schedule, cut) + PIXEL_BYTES * image_pixels(schedule, cut, members);
}

double schedule_memory(const struct schedule *schedule, struct schedule_image image, int members)
{
    struct cut cut;
    return cut_image(schedule, image, &cut) == STATUS_OK ? memory_of(schedule, &cut, members) : INFINITY;
}

static int least_of(const struct schedule *schedule, const struct cut *cut)
{
    const struct tiling *last = &cut->octaves[cut->count - 1];
    const double limit = (double)schedule->memory_limit, rest = limit - network_bytes(schedule, cut);
    for (int members = 1; members <= schedule->workers; members++)
        if (PIXEL_BYTES * row_pixels(last, members, 0) <= rest && memory_of(schedule, cut, members) <= limit) // the cheap test first
            return members;
    return 0;
}

// The smallest team that is as fast as all workers: cost never rises with the number of members.
static int most_of(const struct schedule *schedule, const struct cut *cut, int least)
{
    const double best = cost_of(schedule, cut, schedule->workers);
    int low = least, high = schedule->workers;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (cost_of(schedule, cut, middle) > best)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int schedule_least(const struct schedule *schedule, struct schedule_image image)
{
    struct cut cut;
    return cut_image(schedule, image, &cut) == STATUS_OK ? least_of(schedule, &cut) : 0;
}

// The simulation. Images are placed in their order, each on the workers that become free first.

enum {
    ONE_BY_ONE = 256, // images placed one by one; the others, which are many, spread evenly over all workers
    PLENTY = 4,       // work left for each worker, in units of the first image's cost, that makes simulation pointless
    CANDIDATES_MAX = 128,
};

struct shape { // images of one size
    struct cut cut;
    int least, most;
    double alone; // cost on one worker
};

// Workers that become free at the same time.
struct release {
    double time;
    int workers;
};

struct simulation {
    const struct schedule *schedule;
    struct shape shapes[ONE_BY_ONE]; // distinct
    int shape_count;
    const struct shape *images[ONE_BY_ONE]; // in order of placing
    int image_count;
    double rest;           // cost of the images beyond, all together
    struct release *queue; // [workers + ONE_BY_ONE], a simulation's own
    int release_count;
    struct release releases[]; // [workers], sorted by time: the beginning; behind them the queue
};

static int compare_releases(const void *a, const void *b)
{
    const double x = ((const struct release *)a)->time, y = ((const struct release *)b)->time;
    return (x > y) - (x < y);
}

static void sort_releases(struct simulation *s, const double *busy)
{
    const int workers = s->schedule->workers;
    for (int w = 0; w < workers; w++)
        s->releases[w] = (struct release){busy[w], 1};
    qsort(s->releases, (size_t)workers, sizeof *s->releases, compare_releases);
    s->release_count = 0;
    for (int w = 0; w < workers; w++) {
        struct release *last = s->release_count > 0 ? &s->releases[s->release_count - 1] : NULL;
        if (last && last->time == s->releases[w].time)
            last->workers++;
        else
            s->releases[s->release_count++] = s->releases[w];
    }
}

static bool describe(const struct schedule *schedule, struct schedule_image image, struct shape *shape)
{
    shape->least = cut_image(schedule, image, &shape->cut) == STATUS_OK ? least_of(schedule, &shape->cut) : 0;
    if (shape->least == 0)
        return false;
    shape->most = most_of(schedule, &shape->cut, shape->least);
    shape->alone = cost_of(schedule, &shape->cut, 1);
    return true;
}

// Images that fit no team will fail at once: they are left out.
static void add_images(struct simulation *s, const struct schedule_state *state)
{
    const int64_t total = state->waiting_count + state->coming, one_by_one = total < ONE_BY_ONE ? total : ONE_BY_ONE;
    const struct schedule_image middle = state->waiting[state->waiting_count / 2];
    struct schedule_image last = {0};
    const struct shape *shape = NULL;
    for (int64_t i = 0; i < one_by_one; i++) {
        const struct schedule_image image = i < state->waiting_count ? state->waiting[i] : middle;
        if (image.width != last.width || image.height != last.height || image.whole != last.whole) {
            struct shape *next = &s->shapes[s->shape_count];
            shape = describe(s->schedule, image, next) ? next : NULL;
            s->shape_count++;
            last = image;
        }
        if (shape)
            s->images[s->image_count++] = shape;
    }
    double alone;
    if (total > one_by_one && schedule_cost(s->schedule, middle, 1, &alone) == STATUS_OK)
        s->rest = (double)(total - one_by_one) * alone;
}

// The others' teams are as large as the first one's for what they cost.
static int team_of(const struct simulation *s, const struct shape *shape, int first)
{
    const double share = round(first * shape->alone / s->images[0]->alone);
    return share < shape->least ? shape->least : share > shape->most ? shape->most : (int)share;
}

// When all is done, if the first image gets a team of `first`.
static double makespan(struct simulation *s, int first)
{
    struct release *queue = s->queue;
    int head = 0, tail = s->release_count;
    double end = s->releases[tail - 1].time, cost = 0, work = s->rest;
    int team = 0;
    for (int i = 0; i < tail; i++)
        queue[i] = s->releases[i];
    for (int i = 0; i < s->image_count; i++) {
        if (i == 0 || s->images[i] != s->images[i - 1]) {
            team = team_of(s, s->images[i], first);
            cost = cost_of(s->schedule, &s->images[i]->cut, team);
        }
        double done = 0;
        for (int missing = team; missing > 0;) {
            const int taken = queue[head].workers < missing ? queue[head].workers : missing;
            done = queue[head].time + cost;
            missing -= taken;
            queue[head].workers -= taken;
            head += queue[head].workers == 0;
        }
        int at = tail++;
        for (; at > head && queue[at - 1].time > done; at--)
            queue[at] = queue[at - 1];
        queue[at] = (struct release){done, team};
        end = fmax(end, done);
    }
    for (int i = head; i < tail; i++)
        work += queue[i].time * queue[i].workers;
    return fmax(end, work / s->schedule->workers);
}

static int best_team(struct simulation *s)
{
    const int least = s->images[0]->least, most = s->images[0]->most;
    int teams[CANDIDATES_MAX], count = 0, chosen = 0;
    double ends[CANDIDATES_MAX], best = INFINITY;
    for (int team = least; team < most && count < CANDIDATES_MAX - 1; team += team < 8 ? 1 : team / 4)
        teams[count++] = team;
    teams[count++] = most;
    for (int i = 0; i < count; i++) {
        ends[i] = makespan(s, teams[i]);
        best = fmin(best, ends[i]);
    }
    while (ends[chosen] > 1.01 * best)
        chosen++;
    return teams[chosen];
}

static int simulate(const struct schedule *schedule, const struct schedule_state *state, int least)
{
    const size_t workers = (size_t)schedule->workers;
    struct simulation *s = calloc(1, sizeof *s + (2 * workers + ONE_BY_ONE) * sizeof *s->releases);
    if (!s)
        return least; // without memory to think, what always works
    s->schedule = schedule;
    s->queue = s->releases + workers;
    sort_releases(s, state->busy);
    add_images(s, state);
    const int team = best_team(s);
    free(s);
    return team;
}

// Whether all workers will long be busy with other images. What each costs is guessed from the middle one, so that asking is cheap.
static bool is_plenty(const struct schedule *schedule, const struct schedule_state *state, const struct shape *first)
{
    const struct schedule_image middle = state->waiting[state->waiting_count / 2];
    double alone;
    if (state->coming < 0)
        return true;
    if (schedule_cost(schedule, middle, 1, &alone) != STATUS_OK)
        return false;
    const double left = alone * (double)(state->waiting_count - 1 + state->coming);
    return left / schedule->workers >= PLENTY * cost_of(schedule, &first->cut, first->least);
}

int schedule_team(const struct schedule *schedule, const struct schedule_state *state)
{
    const int set = schedule->config->team.size;
    struct shape first;
    assert(schedule->workers >= 1 && state->waiting_count >= 1);
    if (!describe(schedule, state->waiting[0], &first))
        return 0;
    if (set > 0)
        return set < first.least ? first.least : set < schedule->workers ? set : schedule->workers;
    if (first.most == first.least || is_plenty(schedule, state, &first))
        return first.least;
    return simulate(schedule, state, first.least);
}
