// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "common/config/config_schema.h"
#include "common/config/config_value.h"
#include "common/picture/geometry.h"
#include "common/system/clock.h"
#include "common/system/text.h"
#include "common/system/thread.h"
#include "coordinator/intake/intake.h"
#include "coordinator/intake/load.h"
#include "coordinator/progress/notices.h"
#include "coordinator/schedule/forecast.h"
#include "coordinator/schedule/schedule.h"
#include "coordinator/task/task_notices.h"
#include "job/start.h"
#include "worker/network/balance.h"

enum { SETTINGS_MAX = 2048, NAME_LEAST = 8, NAME_MOST = 48, SIZES_MOST = 8 };
enum { THREADS = 16 }; // which wait for the file system more than they compute
static const double MIB = 1 << 20;
static const double SAY_SO_AFTER = 10; // seconds without a word

struct dry_input {
    struct held_entry *entry; // until it has been looked at
    char *source;
    char *error; // why it would fail; NULL: it would not, and what follows holds
    bool unseen; // an address: what is there is not looked at
    struct schedule_image image;
    int bits; // bits a sample
    bool alpha;
    int team; // ranks
};

struct dry_plan {
    struct run run;
    struct schedule schedule;
    struct forecast forecast;
    struct notices notices;
    struct dry_input **inputs; // [count], in the order in which they were named
    int count, capacity;
    int64_t done; // inputs that an earlier run has done
    // Those who look at files.
    pthread_t threads[THREADS];
    int thread_count;
    pthread_mutex_t mutex; // of what follows, and of inputs and count
    pthread_cond_t more;
    int next; // to be looked at
    bool complete;
    enum status rc; // of what ended a thread early
};

static enum status add_input(struct dry_plan *plan, const struct intake_entry *entry)
{
    struct dry_input *input = calloc(1, sizeof *input);
    struct held_entry *held = intake_hold(entry);
    if (input && held && (input->source = strdup(entry->shown))) {
        input->entry = held;
        pthread_mutex_lock(&plan->mutex);
        if (plan->count == plan->capacity) {
            const int capacity = plan->capacity ? 2 * plan->capacity : 1024;
            struct dry_input **inputs = reallocarray(plan->inputs, (size_t)capacity, sizeof *inputs);
            plan->inputs = inputs ? inputs : plan->inputs;
            plan->capacity = inputs ? capacity : plan->capacity;
        }
        const bool room = plan->count < plan->capacity;
        if (room)
            plan->inputs[plan->count++] = input;
        pthread_cond_signal(&plan->more);
        pthread_mutex_unlock(&plan->mutex);
        if (room)
            return STATUS_OK;
    }
    free(held);
    free(input ? input->source : NULL);
    free(input);
    return no_memory("for more than %d images", plan->count);
}

// Looks at one input and notes what it is, or why it would fail.
static enum status look_at(const struct dry_plan *plan, struct dry_input *input, struct intake_entry *entry)
{
    struct codec_header header;
    double cost;
    intake_release(input->entry, entry);
    input->entry = NULL;
    input->unseen = entry->status == STATUS_OK && entry->kind == INTAKE_URL;
    if (input->unseen)
        return STATUS_OK;
    enum status seen = load_header(entry, plan->schedule.config, &header);
    if (seen == STATUS_OK) {
        input->image = (struct schedule_image){header.width, header.height, task_job(plan->run.options->use, entry->source) != JOB_DREAM};
        input->bits = header.bits;
        input->alpha = header.alpha;
        seen = schedule_cost(&plan->schedule, input->image, 1, &cost); // cut into tiles
    }
    input->error = seen == STATUS_OK ? NULL : strdup(status_message());
    return seen == STATUS_OK || input->error ? STATUS_OK : no_memory("for another image");
}

static void *look(void *data)
{
    struct dry_plan *plan = data;
    struct intake_entry *entry = malloc(sizeof *entry);
    enum status rc = entry ? STATUS_OK : no_memory("to look at images");
    pthread_mutex_lock(&plan->mutex);
    while (rc == STATUS_OK && plan->rc == STATUS_OK) {
        if (plan->next == plan->count && plan->complete)
            break;
        if (plan->next == plan->count) {
            pthread_cond_wait(&plan->more, &plan->mutex);
            continue;
        }
        struct dry_input *input = plan->inputs[plan->next++];
        pthread_mutex_unlock(&plan->mutex);
        rc = look_at(plan, input, entry);
        pthread_mutex_lock(&plan->mutex);
    }
    if (plan->rc == STATUS_OK)
        plan->rc = rc;
    pthread_mutex_unlock(&plan->mutex);
    free(entry);
    return NULL;
}

// The names of all inputs, to those who look at them. What is done already needs no look.
static enum status name_all(struct dry_plan *plan)
{
    const struct job_options *options = plan->run.options;
    struct resume *resume = plan->run.prepared.resume;
    struct intake *intake = NULL;
    struct intake_entry entry;
    double said = now();
    bool end = false;
    enum status rc;
    TRY_OUT(intake_create(&intake, &(struct intake_options){.output = options->output,
                                                            .folders = options->config.output.folders,
                                                            .known = resume ? &resume->known : NULL,
                                                            .inputs = options->inputs,
                                                            .count = options->input_count,
                                                            .lists = plan->run.prepared.lists}));
    for (;;) {
        TRY_OUT(intake_next(intake, &entry, &end));
        if (end)
            break;
        if (resume_is_done(resume, entry.id))
            plan->done++;
        else
            TRY_OUT(add_input(plan, &entry));
        if (now() - said > SAY_SO_AFTER) {
            log_info("looked at %d image%s so far", plan->next, PLURAL(plan->next));
            said = now();
        }
    }
out:
    intake_destroy(&intake);
    return rc;
}

static enum status look_at_all(struct dry_plan *plan)
{
    enum status rc = STATUS_OK;
    pthread_mutex_init(&plan->mutex, NULL);
    pthread_cond_init(&plan->more, NULL);
    while (plan->thread_count < THREADS && rc == STATUS_OK) {
        rc = thread_start(&plan->threads[plan->thread_count], look, plan);
        plan->thread_count += rc == STATUS_OK;
    }
    if (plan->thread_count > 0)
        rc = name_all(plan);
    pthread_mutex_lock(&plan->mutex);
    plan->complete = true;
    pthread_cond_broadcast(&plan->more);
    pthread_mutex_unlock(&plan->mutex);
    for (int i = 0; i < plan->thread_count; i++)
        pthread_join(plan->threads[i], NULL);
    pthread_cond_destroy(&plan->more);
    pthread_mutex_destroy(&plan->mutex);
    return rc == STATUS_OK && plan->rc != STATUS_OK ? no_memory("to look at %d images", plan->count) : rc;
}

static enum status fail_memory(struct dry_input *input, const struct schedule *schedule)
{
    char text[160];
    snprintf(text, sizeof text, "needs %.0f MiB of each of %d rank%s, and one may use %.0f MiB",
             schedule_memory(schedule, input->image, schedule->workers) / MIB, schedule->workers, PLURAL(schedule->workers),
             (double)schedule->memory_limit / MIB);
    input->error = strdup(text);
    return input->error ? STATUS_OK : no_memory("for another image");
}

// A team for each input that has not failed; those that memory is too small for fail now.
static enum status choose_teams(struct dry_plan *plan)
{
    const size_t room = (size_t)plan->count + 1; // calloc(0) may be NULL
    struct schedule_image *images;
    int *teams = NULL;
    enum status rc;
    TRY_OUT(ALLOCATE(images, room, "for %d images", plan->count));
    TRY_OUT(ALLOCATE(teams, room, "for %d images", plan->count));
    for (int i = 0; i < plan->count; i++)
        images[i] = plan->inputs[i]->image; // without pixels, or with too few, where it has failed: left out
    TRY_OUT(forecast_run(&plan->schedule, images, plan->count, teams, &plan->forecast));
    for (int i = 0; i < plan->count; i++) {
        struct dry_input *input = plan->inputs[i];
        input->team = teams[i];
        if (input->team == 0 && !input->error && !input->unseen)
            TRY_OUT(fail_memory(input, &plan->schedule));
    }
out:
    free(teams);
    free(images);
    return rc;
}

static enum status make_plan(struct dry_plan *plan)
{
    const struct run *run = &plan->run;
    plan->schedule = (struct schedule){.config = &run->options->config,
                                       .tiles = run->tiles.rules,
                                       .min_side = run->tiles.min_side,
                                       .feature_bytes = run->tiles.feature_bytes,
                                       .window_bytes = run->tiles.window_bytes,
                                       .memory_limit = run->memory_limit,
                                       .mask_bytes = mask_bytes(&run->prepared.mask),
                                       .workers = run->launch.size > 1 ? run->launch.size - 1 : 1};
    TRY(look_at_all(plan));
    return choose_teams(plan);
}

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
    text_make_printable(name);
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
        const int length = characters(plan->inputs[i]->source);
        width = length > width ? length : width;
    }
    return width < NAME_MOST ? width : NAME_MOST;
}

// What is looked at and not dreamed has none but itself.
static int octaves_of(const struct schedule *schedule, struct schedule_image image, struct octave octaves[GEOMETRY_OCTAVES_MAX])
{
    octaves[0] = (struct octave){image.width, image.height};
    return image.whole ? 1 : geometry_octaves(image.width, image.height, &schedule->config->octaves, octaves);
}

static void print_octaves(const struct schedule *schedule, struct schedule_image image, FILE *stream)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const int count = octaves_of(schedule, image, octaves);
    for (int k = 0; k < count; k++) {
        struct tiling tiling;
        fprintf(stream, "%s%dx%d", k ? ", " : "", octaves[k].width, octaves[k].height);
        if (tiling_create(&tiling, octaves[k].width, octaves[k].height, &schedule->tiles) == STATUS_OK && tiling_count(&tiling) > 1)
            fprintf(stream, " (%dx%d of %dx%d, +%.0f%%)", tiling.across.count, tiling.down.count, tiling.across.window, tiling.down.window,
                    100 * (tiling_redundancy(&tiling) - 1));
    }
    if (image.whole)
        fprintf(stream, ", seen once");
}

static void print_input(const struct dry_plan *plan, const struct dry_input *input, int width, FILE *stream)
{
    print_name(input->source, width, stream);
    if (input->error || input->unseen) {
        fprintf(stream, input->error ? "  would fail: %s\n" : "  not looked at: an address\n", input->error);
        return;
    }
    fprintf(stream, "  %2d %-5s  %5d  %10.0f  ", input->bits, input->alpha ? "alpha" : "", input->team,
            schedule_memory(&plan->schedule, input->image, input->team) / MIB);
    print_octaves(&plan->schedule, input->image, stream);
    fputc('\n', stream);
}

struct totals {
    int failing, unseen;
    int good;      // the other inputs
    int demanding; // of these, whose team is as small as memory allows, but not one rank
    int smallest, largest;
    double seen, pixels; // of all octaves
    double stepped;      // of these, of what is dreamed
    double memory;       // bytes that a rank needs at most
};

static struct totals sum_up(const struct dry_plan *plan)
{
    struct totals totals = {0};
    for (int i = 0; i < plan->count; i++) {
        const struct dry_input *input = plan->inputs[i];
        struct octave octaves[GEOMETRY_OCTAVES_MAX];
        int tiles;
        double redundancy = 1, memory;
        totals.failing += input->error != NULL;
        totals.unseen += input->unseen;
        if (input->error || input->unseen || schedule_tiles(&plan->schedule, input->image, &tiles, &redundancy) != STATUS_OK)
            continue;
        const double pixels = geometry_pixels(octaves, octaves_of(&plan->schedule, input->image, octaves));
        totals.stepped += input->image.whole ? 0 : pixels;
        totals.pixels += pixels;
        totals.seen += redundancy * pixels;
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
            count += !plan->inputs[i]->error && !plan->inputs[i]->unseen && plan->inputs[i]->team == team;
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
        fprintf(stream, "%s%d image%s on %d rank%s%s", i ? ", " : "", counts[i], PLURAL(counts[i]), ranks[i], PLURAL(ranks[i]),
                counts[i] == 1 || ranks[i] == 1 ? "" : " each");
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

static void append_setting(void *context, const char *key, const char *value)
{
    char(*text)[SETTINGS_MAX] = context;
    text_append(*text, SETTINGS_MAX, " %s=%s", key, value);
}

// What differs from the defaults; the targets, what balance: auto has become, and saturation.
static void print_settings(const struct run *run, FILE *stream)
{
    const struct config *config = &run->options->config;
    const bool balanced = config_weighs_channels(config) && run->statistics_info.sha256[0];
    char text[SETTINGS_MAX] = "";
    if (!config_changes(config, CONFIG_DREAM, append_setting, &text) || !text[0])
        snprintf(text, sizeof text, " as by default");
    text_make_printable(text);
    fprintf(stream, "settings:%s\ntargets: ", text);
    config_value_print_short(config, config_find("targets"), stream);
    fprintf(stream, "; balance %g%s", balanced ? balance_strength(config) : 0, config->balance == BALANCE_AUTO ? " (auto)" : "");
    if (config->objective == OBJECTIVE_MEAN_SQUARE && config->saturation != SATURATION_NONE)
        fprintf(stream, ", saturation %g", config->saturation);
    fputc('\n', stream);
}

static void print_totals(const struct dry_plan *plan, FILE *stream)
{
    const struct totals totals = sum_up(plan);
    const struct tile_plan *tiles = &plan->run.tiles;
    fprintf(stream, "%simages:  %d, %d of which would fail", plan->count > 0 ? "\n" : "", plan->count, totals.failing);
    if (totals.unseen > 0)
        fprintf(stream, ", %d not looked at", totals.unseen);
    if (plan->done > 0)
        fprintf(stream, ", beside %" PRId64 " that are done", plan->done);
    fprintf(stream, "; %.1f million pixels to step over, %d time%s\n", totals.stepped / 1e6, plan->schedule.config->steps,
            PLURAL(plan->schedule.config->steps));
    print_settings(&plan->run, stream);
    if (totals.good == 0)
        return;
    print_teams(plan, &totals, stream);
    fprintf(stream, "tiles:   at most %d pixels long%s, halo %d (%s), blend %d; the network sees %.1f%% more pixels than there are\n",
            tiles->rules.size, tiles->limited ? " (as memory allows)" : "", tiles->rules.halo, tiles->exact ? "exact" : "approximate",
            tiles->rules.blend, 100 * (totals.seen / totals.pixels - 1));
    fprintf(stream,
            "memory:  a rank needs at most %.0f MiB, beside about 130 MiB of weights, and may use %.0f MiB on a machine like this\n",
            totals.memory / MIB, (double)plan->schedule.memory_limit / MIB);
}

static void print_plan(const struct dry_plan *plan, FILE *stream)
{
    const int width = name_width(plan);
    if (plan->count > 0)
        fprintf(stream, "%-*s  bits      ranks  MiB a rank  octaves (tiles of what size, redundant pixels)\n", width, "image");
    for (int i = 0; i < plan->count; i++)
        print_input(plan, plan->inputs[i], width, stream);
    print_totals(plan, stream);
}

// What a run would say of the pictures, as far as their sizes tell.
static void say_notices(struct dry_plan *plan)
{
    for (int i = 0; i < plan->count; i++) {
        const struct dry_input *input = plan->inputs[i];
        struct image image = {.width = input->image.width, .height = input->image.height};
        if (!input->error && !input->unseen)
            task_notices_loaded(&image, plan->schedule.config, false);
        notices_say(&plan->notices, input->source, &image);
    }
    notices_end(&plan->notices);
}

static void plan_destroy(struct dry_plan *plan)
{
    for (int i = 0; i < plan->count; i++) {
        free(plan->inputs[i]->entry);
        free(plan->inputs[i]->source);
        free(plan->inputs[i]->error);
        free(plan->inputs[i]);
    }
    free(plan->inputs);
    start_destroy(&plan->run);
}

enum status dry_run(struct job_options *options, FILE *stream, long *failed)
{
    struct dry_plan plan = {.run.options = options};
    enum status rc;
    *failed = 0;
    TRY_OUT(start_dry(&plan.run));
    if (plan.run.prepared.known.nothing_left)
        goto out;
    TRY_OUT(make_plan(&plan));
    print_plan(&plan, stream);
    say_notices(&plan);
    for (int i = 0; i < plan.count; i++)
        *failed += plan.inputs[i]->error != NULL;
out:
    plan_destroy(&plan);
    return rc;
}
