// SPDX-License-Identifier: MIT
#include "report/atlas/atlas_page.h"

#include <math.h>
#include <stdio.h>

#include "report/atlas/crops.h"
#include "report/atlas/sheet.h"
#include "report/gallery.h"
#include "report/page_data.h"
#include "report/page_parts.h"

static int thousandths(int part, int side)
{
    return (int)((1000 * (int64_t)part + side / 2) / side);
}

// [value, id of the picture, y, x, across, down, grey], the best first: y and x in the picture's pixels, then where that is in the crop, in
// thousandths of its side, and 1 where there is no crop.
static json_t *exemplars_json(const struct atlas_facts *f, int target, int channel, int kind)
{
    const struct exemplar *e = exemplars_of(&f->exemplars, target, channel, kind);
    const struct run_field *field = &f->fields[target];
    json_t *list = json_array();
    for (int i = 0; i < f->exemplars.places && e[i].picture; i++) {
        const struct crop_window window = crops_window(&e[i], field);
        const int y = field->centre + e[i].y * field->stride, x = field->centre + e[i].x * field->stride;
        json_array_append_new(list,
                              json_pack("[o, I, i, i, i, i, i]", page_data_number((double)e[i].value), (json_int_t)e[i].picture->id, y, x,
                                        thousandths(x - window.x, window.side), thousandths(y - window.y, window.side), (int)e[i].grey));
    }
    return list;
}

static json_t *similar_json(const struct neighbour *nearest)
{
    json_t *list = json_array();
    for (int i = 0; i < LIKENESS_NEAREST && nearest[i].channel >= 0; i++)
        json_array_append_new(list, json_pack("[i, o]", nearest[i].channel, page_data_number((double)nearest[i].cosine)));
    return list;
}

// Importance: mean, low, high, part of the pictures in which it is among the ten that count most.
static json_t *channel_json(const struct atlas_facts *f, int target, int channel)
{
    const struct exemplar *optimum = &f->exemplars.optima[target][channel];
    const struct channel_summary *known = channel < f->summary.channel_counts[target] ? &f->summary.channels[target][channel] : NULL;
    const bool shown = optimum->picture && gallery_is_inside(optimum->picture->output);
    json_t *importance = known
                             ? json_pack("[o, o, o, o]", page_data_number(known->importance.mean), page_data_number(known->importance.low),
                                         page_data_number(known->importance.high), page_data_number(known->top_ten))
                             : json_null();
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "number", channel, "dream",
                     shown ? page_data_text(optimum->picture->output) : json_null(), "optimum",
                     optimum->picture ? page_data_number((double)optimum->value) : json_null(), "importance", importance, "activation",
                     exemplars_json(f, target, channel, PEAK_ACTIVATION), "relevance", exemplars_json(f, target, channel, PEAK_RELEVANCE),
                     "similar", similar_json(f->nearest[target] + (size_t)channel * LIKENESS_NEAREST));
}

// Those that were dreamed or have any exemplar.
static json_t *layer_json(const struct atlas_facts *f, int target)
{
    const struct exemplars *e = &f->exemplars;
    json_t *channels = json_array();
    for (int c = 0; c < e->channels[target]; c++)
        if (e->optima[target][c].picture)
            json_array_append_new(channels, channel_json(f, target, c));
    return json_pack("{s:o, s:i, s:o}", "name", page_data_text(f->reader->facts.targets.items[target]), "all", e->channels[target],
                     "channels", channels);
}

static void name_pictures(const struct atlas_facts *f, json_t *names)
{
    const struct exemplars *e = &f->exemplars;
    char id[32];
    for (int t = 0; t < e->targets; t++)
        for (size_t i = 0; i < (size_t)e->channels[t] * PEAK_KINDS * (size_t)e->places; i++) {
            const struct run_image *picture = e->items[t][i].picture;
            if (!picture)
                continue;
            snprintf(id, sizeof id, "%lld", (long long)picture->id);
            if (!json_object_get(names, id))
                json_object_set_new(names, id, page_data_text(picture->source));
        }
}

enum status atlas_page_write(const struct atlas_facts *f)
{
    static const struct page_part parts[] = {{"@top@", &asset_top_html}, {"@style@", &asset_page_css},   {"@more-style@", &asset_atlas_css},
                                             {"@data@", NULL},           {"@common@", &asset_common_js}, {"@script@", &asset_atlas_js}};
    const struct run_facts *facts = &f->reader->facts;
    json_t *layers = json_array(), *names = json_object();
    char path[FILE_PATH_MAX];
    TRY(file_join(path, f->folder, "atlas.html"));
    for (int t = 0; t < f->exemplars.targets; t++)
        json_array_append_new(layers, layer_json(f, t));
    name_pictures(f, names);
    json_t *json = json_pack("{s:o, s:[i, i, i], s:i, s:o, s:o, s:I, s:o, s:o, s:o}", "layers", layers, "sheet", CROP_SIDE, CROP_GAP,
                             CROP_COLUMNS, "places", f->exemplars.places, "names", names, "version", page_data_text(facts->version),
                             "pictures", (json_int_t)f->exemplars.pictures, "weights", page_data_text(facts->weights_source), "started",
                             page_data_text(facts->started), "config", page_data_text(facts->config));
    const enum status rc = page_parts_write(path, &asset_atlas_html, parts, sizeof parts / sizeof parts[0], json);
    json_decref(json);
    return rc;
}
