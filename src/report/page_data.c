// SPDX-License-Identifier: MIT
#include "report/page_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/system/text.h"
#include "common/wire/run_rows.h"
#include "report/set_data.h"

enum { DIGITS = 6 }; // of numbers

json_t *page_data_text(const char *text)
{
    char *clean = strdup(text ? text : "");
    if (!clean)
        return NULL;
    utf8_clean(clean, '?');
    json_t *json = text ? json_string(clean) : json_null();
    free(clean);
    return json;
}

json_t *page_data_number(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

static void set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, page_data_text(text));
}

static void set_integer(json_t *object, const char *key, int64_t number)
{
    json_object_set_new(object, key, json_integer(number));
}

// Each host once, in the order of ranks, and its ranks.
static json_t *hosts_json(const struct run_facts *facts)
{
    json_t *hosts = json_array(), *seen = json_object();
    for (int i = 0; i < facts->ranks; i++) {
        json_t *host = json_object_get(seen, facts->hosts.items[i]);
        if (!host) {
            host = json_object();
            set_text(host, "name", facts->hosts.items[i]);
            set_integer(host, "ranks", 0);
            if (facts->node_cores)
                set_integer(host, "cores", facts->node_cores[i]);
            json_object_set_new(seen, facts->hosts.items[i], host);
            json_array_append(hosts, host);
        }
        set_integer(host, "ranks", json_integer_value(json_object_get(host, "ranks")) + 1);
    }
    json_decref(seen);
    return hosts;
}

// Who is at work, for a sentence; null: nobody is.
static json_t *holder_json(const struct run_state *state)
{
    char text[512], job[64] = "";
    if (!state->held || state->holder.gone)
        return json_null();
    if (state->holder.job)
        snprintf(job, sizeof job, ", job %lld", state->holder.job);
    snprintf(text, sizeof text, "process %lld on %s%s", state->holder.process,
             state->holder.host[0] ? state->holder.host : "an unknown host", job);
    return page_data_text(text);
}

static void set_progress(json_t *run, const struct run_state *state)
{
    const struct run_progress *known = &state->known;
    set_text(run, "state", run_phase_name(state->phase));
    json_object_set_new(run, "inputs", known->inputs < 0 ? json_null() : json_integer(known->inputs));
    json_object_set_new(run, "inHand", known->in_hand < 0 ? json_null() : json_integer(known->in_hand));
    json_object_set_new(run, "progress", page_data_number(known->progress));
    json_object_set_new(run, "secondsLeft", page_data_number(state->phase == RUN_GOES_ON ? known->seconds_left : NAN));
    json_object_set_new(run, "holder", holder_json(state));
}

static void append_change(void *list, const char *key, const char *value)
{
    char text[1024];
    snprintf(text, sizeof text, "%s=%s", key, value);
    json_array_append_new(list, page_data_text(text));
}

// What differs from the defaults, as -s takes it; null where this version cannot read the settings.
static json_t *changes_json(const struct run_facts *facts)
{
    const enum config_use use = config_use_named(facts->kind);
    struct config config;
    json_t *list = json_array();
    if (run_facts_config(facts, &config) && config_changes(&config, use, append_change, list))
        return list;
    json_decref(list);
    return json_null();
}

static json_t *run_json(const struct run_state *state, const struct run_facts *facts)
{
    json_t *run = json_object(), *slurm = json_object();
    char seed[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)facts->seed); // more digits than JavaScript's numbers have
    set_text(run, "version", facts->version);
    set_text(run, "kind", facts->kind);
    set_text(run, "config", facts->config);
    json_object_set_new(run, "changes", changes_json(facts));
    set_text(run, "weightsMd5", facts->weights_md5);
    set_text(run, "weightsSource", facts->weights_source);
    set_text(run, "className", facts->class_name ? facts->class_name : "");
    set_text(run, "plan", facts->plan);
    set_text(run, "started", facts->started);
    set_text(run, "seed", seed);
    json_object_set_new(run, "elapsed", page_data_number(facts->elapsed_seconds));
    json_object_set_new(run, "complete", json_boolean(facts->complete == 1));
    json_object_set_new(run, "resumed", json_boolean(facts->resumed == 1));
    set_progress(run, state);
    set_integer(run, "ranks", facts->ranks);
    set_integer(run, "workers", facts->workers);
    set_integer(run, "team", facts->team_size);
    json_object_set_new(run, "tiles",
                        json_pack("{s:i, s:i, s:i, s:i}", "size", facts->tile_size, "halo", facts->tile_halo, "exact",
                                  facts->tile_halo_exact, "blend", facts->tile_blend));
    for (int i = 0; i < RUN_SLURM_COUNT; i++)
        if (facts->slurm[i])
            set_text(slurm, run_slurm[i].name, facts->slurm[i]);
    json_object_set_new(run, "slurm", slurm);
    json_object_set_new(run, "hosts", hosts_json(facts));
    return run;
}

static json_t *measures_json(const struct curves *curves)
{
    json_t *list = json_array();
    for (int m = 0; m < MEASURES; m++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b, s:b}", "column", measures[m].column, "title", measures[m].title, "unit",
                                              measures[m].unit, "perTarget", measures[m].per_target, "steps", curves->have[m]));
    return list;
}

static json_t *numbers_json(const double *numbers, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, page_data_number(numbers[i]));
    return list;
}

static const char *status_name(int status)
{
    return status == IMAGE_DONE ? "done" : status == IMAGE_FAILED ? "failed" : "stopped";
}

static json_t *image_json(const struct page_data *data, size_t number)
{
    const struct run_image *image = &data->images.items[number];
    const struct gallery_item *item = &data->gallery.items[number];
    const size_t width = (size_t)data->curves.width;
    const double *measures_before = data->measures + image->row * 2 * width;
    static const char *const from[] = {NULL, "source", "video"};
    json_t *json = json_object();
    set_integer(json, "id", image->id);
    set_text(json, "source", image->source);
    set_text(json, "sha256", image->sha256);
    set_integer(json, "same", image->same - 1);
    set_text(json, "status", status_name(image->status));
    set_text(json, "error", image->error);
    set_integer(json, "width", image->width);
    set_integer(json, "height", image->height);
    set_integer(json, "bits", image->bits);
    set_integer(json, "rank", image->rank);
    set_integer(json, "team", image->team);
    set_integer(json, "tiles", image->tiles);
    json_object_set_new(json, "seconds", numbers_json(image->seconds, RUN_IMAGE_SECONDS));
    json_object_set_new(json, "before", numbers_json(measures_before, width));
    json_object_set_new(json, "after", numbers_json(measures_before + width, width));
    set_text(json, "folder", item->folder);
    set_text(json, "picture", item->picture);
    set_text(json, "beforeFrom", from[item->before_from]);
    set_text(json, "thumbBefore", item->before);
    set_text(json, "thumbAfter", item->after);
    set_text(json, "thumbCam", item->cam);
    json_object_set_new(json, "cam", json_boolean(item->has_cam));
    json_object_set_new(json, "video", json_boolean(item->has_video));
    json_object_set_new(json, "camVideo", json_boolean(item->has_cam_video));
    return json;
}

// Columns: position, octave, step, and one array for each number of the measures.
static json_t *curve_json(const struct curves *curves, const struct curve *curve)
{
    json_t *positions = json_array(), *octaves = json_array(), *steps = json_array(), *values = json_array();
    for (int k = 0; k < curves->width; k++)
        json_array_append_new(values, json_array());
    for (const struct curve_point *point = curves->points + curve->first; point < curves->points + curve->first + curve->count; point++) {
        json_array_append_new(positions, json_integer(point->position));
        json_array_append_new(octaves, json_integer(point->octave));
        json_array_append_new(steps, json_integer(point->step));
        for (int k = 0; k < curves->width; k++)
            json_array_append_new(json_array_get(values, (size_t)k), page_data_number(point->values[k]));
    }
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "image", (json_int_t)curve->image, "position", positions, "octave", octaves, "step",
                     steps, "values", values);
}

static json_t *curves_json(const struct curves *curves)
{
    json_t *list = json_array();
    for (size_t i = 0; i < curves->curve_count; i++)
        json_array_append_new(list, curve_json(curves, &curves->curves[i]));
    return json_pack("{s:o, s:o}", "mean", curve_json(curves, &curves->mean), "images", list);
}

static json_t *picked_json(const struct channel *picked, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count && picked[i].number >= 0; i++)
        json_array_append_new(list, json_pack("[i, o]", picked[i].number, page_data_number(picked[i].value)));
    return list;
}

static json_t *channels_json(const struct channels *channels, const struct run_summary *summary)
{
    json_t *list = json_array();
    for (size_t t = 0; t < channels->target_count; t++) {
        const struct target_channels *target = &channels->targets[t];
        json_t *images = json_array();
        for (size_t i = 0; target->images && i < channels->image_count; i++)
            json_array_append_new(images, picked_json(target->images + i * CHANNELS_IMAGE, CHANNELS_IMAGE));
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:i, s:I, s:o, s:o}", "layer", page_data_text(target->layer), "method",
                                        page_data_text(target->method), "channels", target->channels, "known", (json_int_t)target->known,
                                        "mean", set_data_channels(summary, (int)t, target), "images", images));
    }
    return list;
}

static json_t *phases_json(const struct phases *phases)
{
    static const char *const names[] = {"workers", "coordinator"};
    json_t *groups = json_array();
    for (int g = 0; g < PHASE_GROUPS; g++) {
        json_t *rows = json_array();
        for (size_t i = 0; i < phases->groups[g].count; i++) {
            const struct phase_row *row = &phases->groups[g].rows[i];
            json_array_append_new(rows, json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:I}", "phase", phase_name(row->phase), "beside",
                                                  row->beside, "min", page_data_number(row->least), "avg", page_data_number(row->mean),
                                                  "max", page_data_number(row->most), "imbalance", page_data_number(row->imbalance),
                                                  "share", page_data_number(row->share), "bytes", (json_int_t)row->bytes));
        }
        json_array_append_new(groups, json_pack("{s:s, s:i, s:f, s:o}", "group", names[g], "ranks", phases->groups[g].ranks, "other",
                                                phases->groups[g].other, "rows", rows));
    }
    return groups;
}

json_t *page_data_json(const struct page_data *data)
{
    json_t *images = json_array(), *targets = json_array();
    for (size_t i = 0; i < data->facts->targets.count; i++)
        json_array_append_new(targets, page_data_text(data->facts->targets.items[i]));
    for (size_t i = 0; i < data->images.count; i++)
        json_array_append_new(images, image_json(data, i));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "run", run_json(data->state, data->facts), "targets", targets, "measures",
                     measures_json(&data->curves), "images", images, "curves", curves_json(&data->curves), "channels",
                     channels_json(&data->channels, &data->summary), "phases", phases_json(&data->phases), "set",
                     set_data_json(&data->summary, &data->layout));
}

void page_data_destroy(struct page_data *data)
{
    run_images_destroy(&data->images);
    free(data->measures);
    gallery_destroy(&data->gallery);
    curves_destroy(&data->curves);
    channels_destroy(&data->channels);
    run_summary_destroy(&data->summary);
    layout_destroy(&data->layout);
    *data = (struct page_data){0};
}

// In JSON these stand in strings only.
static int write_escaped(const char *text, size_t size, void *stream)
{
    size_t done = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '<' && text[i] != '>' && text[i] != '&')
            continue;
        fwrite(text + done, 1, i - done, stream);
        fprintf(stream, "\\u%04x", (unsigned)text[i]);
        done = i + 1;
    }
    fwrite(text + done, 1, size - done, stream);
    return ferror((FILE *)stream) ? -1 : 0;
}

enum status page_data_write(const json_t *json, FILE *stream)
{
    if (json && json_dump_callback(json, write_escaped, stream, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(DIGITS)) == 0)
        return STATUS_OK;
    return ferror(stream) ? fail(STATUS_IO, "cannot write: %m") : no_memory("for the data of a page");
}
