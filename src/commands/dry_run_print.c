// SPDX-License-Identifier: MIT
#include "commands/dry_run_print.h"

#include <string.h>

#include "common/picture/geometry.h"
#include "common/system/utf8.h"
#include "common/wire/run_rows.h"
#include "kernels/network/network.h"

enum { NAME_LEAST = 8, NAME_MOST = 48, SIZES_MOST = 8 };

static const double MIB = 1 << 20;

static int characters(const char *text)
{
    int count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

// Names come from anywhere: a terminal gets no more than characters. Of a long one the end says more than the beginning.
static void print_name(const char *source, int width, FILE *stream)
{
    char name[ROW_SOURCE_MAX];
    const char *shown = name, *dots = "";
    snprintf(name, sizeof name, "%s", source);
    utf8_clean(name, '?');
    for (char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    if (characters(name) > width) {
        dots = "...";
        for (int extra = characters(name) - width + 3; extra > 0; extra--)
            shown += utf8_length(shown);
    }
    fprintf(stream, "%s%s%*s", dots, shown, width - characters(shown) - (int)strlen(dots), "");
}

static int name_width(const struct dry_plan *plan)
{
    int width = NAME_LEAST;
    for (int i = 0; i < plan->count; i++) {
        const int length = characters(plan->inputs[i].source);
        width = length > width ? length : width;
    }
    return width < NAME_MOST ? width : NAME_MOST;
}

static void print_octaves(const struct schedule *schedule, struct schedule_image image, FILE *stream)
{
    const struct config *config = schedule->config;
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const int count = geometry_octaves(image.width, image.height, config->octaves.count, config->octaves.scale, octaves);
    for (int k = 0; k < count; k++) {
        struct tiling tiling;
        fprintf(stream, "%s%dx%d", k ? ", " : "", octaves[k].width, octaves[k].height);
        if (tiling_create(&tiling, octaves[k].width, octaves[k].height, &schedule->tiles) == STATUS_OK && tiling_count(&tiling) > 1)
            fprintf(stream, " (%dx%d of %dx%d, +%.0f%%)", tiling.across.count, tiling.down.count, tiling.across.window, tiling.down.window,
                    100 * (tiling_redundancy(&tiling) - 1));
    }
}

static void print_input(const struct dry_plan *plan, const struct dry_input *input, int width, FILE *stream)
{
    print_name(input->source, width, stream);
    if (input->error) {
        fprintf(stream, "  would fail: %s\n", input->error);
        return;
    }
    fprintf(stream, "  %2d %-5s  %5d  %10.0f  ", input->bits, input->alpha ? "alpha" : "", input->team,
            schedule_memory(&plan->schedule, input->image, input->team) / MIB);
    print_octaves(&plan->schedule, input->image, stream);
    fputc('\n', stream);
}

struct totals {
    int good;      // inputs that would not fail
    int demanding; // of these, whose team is as small as memory allows, but not one rank
    int smallest, largest;
    double seen, pixels; // of all octaves
    double memory;       // bytes that a rank needs at most
};

static struct totals sum_up(const struct dry_plan *plan)
{
    struct totals totals = {0};
    for (int i = 0; i < plan->count; i++) {
        const struct dry_input *input = &plan->inputs[i];
        const struct config *config = plan->schedule.config;
        struct octave octaves[GEOMETRY_OCTAVES_MAX];
        int tiles;
        double redundancy = 1, memory;
        if (input->error || schedule_tiles(&plan->schedule, input->image, &tiles, &redundancy) != STATUS_OK)
            continue;
        const int count = geometry_octaves(input->image.width, input->image.height, config->octaves.count, config->octaves.scale, octaves);
        totals.pixels += geometry_pixels(octaves, count);
        totals.seen += redundancy * geometry_pixels(octaves, count);
        memory = schedule_memory(&plan->schedule, input->image, input->team);
        totals.memory = memory > totals.memory ? memory : totals.memory;
        totals.demanding += input->team > 1 && input->team == schedule_least(&plan->schedule, input->image);
        totals.smallest = totals.good == 0 || input->team < totals.smallest ? input->team : totals.smallest;
        totals.largest = input->team > totals.largest ? input->team : totals.largest;
        totals.good++;
    }
    return totals;
}

// "2 images on 4 ranks each, 7 images on 1 rank", as long as that is short.
static void print_sizes(const struct dry_plan *plan, const struct totals *totals, FILE *stream)
{
    int sizes = 0, counts[SIZES_MOST], ranks[SIZES_MOST];
    for (int team = totals->largest; team >= totals->smallest; team--) {
        int count = 0;
        for (int i = 0; i < plan->count; i++)
            count += !plan->inputs[i].error && plan->inputs[i].team == team;
        if (count == 0)
            continue;
        if (sizes == SIZES_MOST) {
            fprintf(stream, "%d to %d ranks an image", totals->smallest, totals->largest);
            return;
        }
        counts[sizes] = count;
        ranks[sizes++] = team;
    }
    for (int i = 0; i < sizes; i++)
        fprintf(stream, "%s%d image%s on %d rank%s%s", i ? ", " : "", counts[i], counts[i] == 1 ? "" : "s", ranks[i],
                ranks[i] == 1 ? "" : "s", counts[i] == 1 || ranks[i] == 1 ? "" : " each");
}

static void print_teams(const struct dry_plan *plan, const struct totals *totals, FILE *stream)
{
    const int workers = plan->schedule.workers, set = plan->schedule.config->team.size;
    fprintf(stream, "teams:   ");
    if (workers == 1) {
        fprintf(stream, "one worker; start this with mpirun or in a Slurm job to see what more would do\n");
        return;
    }
    print_sizes(plan, totals, stream);
    if (set > 0)
        fprintf(stream, ", since team.size is %d", set);
    else if (totals->largest == 1)
        fprintf(stream, ", since larger ones would not end sooner");
    else
        fprintf(stream, ", so that all end soonest");
    if (totals->demanding > 0)
        fprintf(stream, "; memory allows no smaller one for %d", totals->demanding);
    fprintf(stream, "; %d workers, busy %.0f%% of the time\n", workers, 100 * plan->forecast.busy);
}

static void print_totals(const struct dry_plan *plan, FILE *stream)
{
    const struct totals totals = sum_up(plan);
    const struct tile_rules *rules = &plan->tiles.rules;
    fprintf(stream, "\nimages:  %d, %d of which would fail; %.1f million pixels to step over, %d times\n", plan->count,
            plan->count - totals.good, totals.pixels / 1e6, plan->schedule.config->steps);
    if (totals.good == 0)
        return;
    print_teams(plan, &totals, stream);
    fprintf(stream, "tiles:   at most %d pixels long%s, halo %d (%s), blend %d; the network sees %.1f%% more pixels than there are\n",
            rules->size, plan->tiles.limited ? " (as memory allows)" : "", rules->halo, plan->tiles.exact ? "exact" : "approximate",
            rules->blend, 100 * (totals.seen / totals.pixels - 1));
    fprintf(stream,
            "memory:  a rank needs at most %.0f MiB, beside about 130 MiB of weights, and may use %.0f MiB on a machine like this\n",
            totals.memory / MIB, (double)plan->schedule.memory_limit / MIB);
}

void dry_run_print(const struct dry_plan *plan, FILE *stream)
{
    const int width = name_width(plan);
    if (plan->count > 0)
        fprintf(stream, "%-*s  bits      ranks  MiB a rank  octaves (tiles of what size, redundant pixels)\n", width, "image");
    for (int i = 0; i < plan->count; i++)
        print_input(plan, &plan->inputs[i], width, stream);
    print_totals(plan, stream);
}
