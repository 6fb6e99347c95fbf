// SPDX-License-Identifier: MIT
#include "report/atlas/atlas_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hdf5/dataset_store.h"

enum { PATH_SIZE = 96 };

struct writing {
    const struct atlas_facts *facts;
    struct file_writer file;
    int32_t *numbers;     // [images] of each image its number among the pictures of the file; -1: it has won nothing
    const char **sources; // of these
    const char **digests;
    size_t pictures;
};

static size_t image_number(const struct atlas_facts *f, const struct run_image *image)
{
    return (size_t)(image - f->images.items);
}

// The pictures that have won anything, by id.
static enum status number_pictures(struct writing *w)
{
    const struct atlas_facts *f = w->facts;
    const struct exemplars *e = &f->exemplars;
    TRY(ALLOCATE(w->numbers, f->images.count + 1, "for the pictures of an atlas"));
    TRY(ALLOCATE(w->sources, f->images.count + 1, "for the pictures of an atlas"));
    TRY(ALLOCATE(w->digests, f->images.count + 1, "for the pictures of an atlas"));
    for (int t = 0; t < e->targets; t++)
        for (size_t i = 0; i < (size_t)e->channels[t] * PEAK_KINDS * (size_t)e->places; i++)
            if (e->items[t][i].picture)
                w->numbers[image_number(f, e->items[t][i].picture)] = 1;
    for (size_t i = 0; i < f->images.count; i++) {
        const bool won = w->numbers[i] == 1;
        w->numbers[i] = won ? (int32_t)w->pictures : -1;
        if (won) {
            w->sources[w->pictures] = f->images.items[i].source;
            w->digests[w->pictures++] = f->images.items[i].sha256;
        }
    }
    return STATUS_OK;
}

static enum status write(struct writing *w, const char *layer, const char *name, int kind, const void *values, const int *size,
                         const char *description)
{
    char path[PATH_SIZE];
    struct stored_dataset dataset = {.path = path, .values = values, .description = description};
    snprintf(path, sizeof path, "%s/%s", layer, name);
    dataset.kind = kind == STORED_INT32 ? STORED_INT32 : STORED_FLOAT;
    for (; dataset.dimensions < 3 && size[dataset.dimensions] > 0; dataset.dimensions++)
        dataset.size[dataset.dimensions] = size[dataset.dimensions];
    return dataset_store_write(&w->file, &dataset);
}

// Values, pictures and places of one kind.
static enum status write_exemplars(struct writing *w, int target, int kind)
{
    const struct atlas_facts *f = w->facts;
    const struct exemplars *e = &f->exemplars;
    const struct run_field *field = &f->fields[target];
    const char *layer = f->reader->facts.targets.items[target], *word = kind == PEAK_ACTIVATION ? "activation" : "relevance";
    const int channels = e->channels[target], places = e->places;
    const size_t count = (size_t)channels * (size_t)places;
    float *values = NULL;
    int32_t *pictures = NULL, *pixels = NULL;
    char name[PATH_SIZE];
    enum status rc;
    TRY_OUT(ALLOCATE(values, count + 1, "for the exemplars of a layer"));
    TRY_OUT(ALLOCATE(pictures, count + 1, "for the exemplars of a layer"));
    TRY_OUT(ALLOCATE(pixels, 2 * count + 1, "for the exemplars of a layer"));
    for (size_t i = 0; i < count; i++) {
        const struct exemplar *from = exemplars_of(e, target, (int)(i / (size_t)places), kind) + i % (size_t)places;
        values[i] = from->picture ? from->value : NAN;
        pictures[i] = from->picture ? w->numbers[image_number(f, from->picture)] : -1;
        pixels[2 * i] = from->picture ? field->centre + from->y * field->stride : -1;
        pixels[2 * i + 1] = from->picture ? field->centre + from->x * field->stride : -1;
    }
    TRY_OUT(write(w, layer, word, STORED_FLOAT, values, (const int[]){channels, places, 0},
                  kind == PEAK_ACTIVATION ? "largest activations of each channel over the pictures, one a picture, the largest first"
                                          : "the same of activation * d loss / d activation"));
    snprintf(name, sizeof name, "%s_picture", word);
    TRY_OUT(write(w, layer, name, STORED_INT32, pictures, (const int[]){channels, places, 0}, "rows of /pictures; -1: there is none"));
    snprintf(name, sizeof name, "%s_place", word);
    rc = write(w, layer, name, STORED_INT32, pixels, (const int[]){channels, places, 2},
               "y and x, in pixels of the picture as the network saw it, that the value stands for; -1: there is none");
out:
    free(values);
    free(pictures);
    free(pixels);
    return rc;
}

// One number a channel.
static enum status write_numbers(struct writing *w, int target)
{
    const struct atlas_facts *f = w->facts;
    const char *layer = f->reader->facts.targets.items[target];
    const int channels = f->exemplars.channels[target], summed = f->summary.channel_counts[target];
    static const char *const names[] = {"optimum", "importance", "importance_low", "importance_high", "top_ten"};
    static const char *const descriptions[] = {"largest activation of the channel in its own dream; NaN: it has none",
                                               "mean importance over the pictures, as in /summary of run.h5",
                                               "its 95% confidence interval: from here", "to here",
                                               "part of the pictures in which it is among the ten that count most"};
    enum { NUMBERS = sizeof names / sizeof names[0] };
    float *values;
    enum status rc = STATUS_OK;
    TRY(ALLOCATE(values, (size_t)channels + 1, "for the numbers of a layer"));
    for (int n = 0; n < NUMBERS && rc == STATUS_OK; n++) {
        for (int c = 0; c < channels; c++) {
            const struct exemplar *optimum = &f->exemplars.optima[target][c];
            const struct channel_summary *known = c < summed ? &f->summary.channels[target][c] : NULL;
            const double numbers[NUMBERS] = {optimum->picture ? (double)optimum->value : NAN, known ? known->importance.mean : NAN,
                                             known ? known->importance.low : NAN, known ? known->importance.high : NAN,
                                             known ? known->top_ten : NAN};
            values[c] = (float)numbers[n];
        }
        rc = write(w, layer, names[n], STORED_FLOAT, values, (const int[]){channels, 0, 0}, descriptions[n]);
    }
    free(values);
    return rc;
}

static enum status write_likeness(struct writing *w, int target)
{
    const char *layer = w->facts->reader->facts.targets.items[target];
    const int channels = w->facts->exemplars.channels[target];
    const size_t count = (size_t)channels * LIKENESS_NEAREST;
    int32_t *numbers = NULL;
    float *cosines = NULL;
    enum status rc;
    TRY_OUT(ALLOCATE(numbers, count + 1, "for the likeness of channels"));
    TRY_OUT(ALLOCATE(cosines, count + 1, "for the likeness of channels"));
    for (size_t i = 0; i < count; i++) {
        const struct neighbour *n = &w->facts->nearest[target][i];
        numbers[i] = n->channel;
        cosines[i] = n->channel < 0 ? NAN : n->cosine;
    }
    TRY_OUT(write(w, layer, "similar", STORED_INT32, numbers, (const int[]){channels, LIKENESS_NEAREST, 0},
                  "channels that count in the same pictures, the most alike first; -1: there is none"));
    rc = write(w, layer, "similarity", STORED_FLOAT, cosines, (const int[]){channels, LIKENESS_NEAREST, 0},
               "their cosines: of the channels' importance over the pictures");
out:
    free(numbers);
    free(cosines);
    return rc;
}

static enum status write_root(struct writing *w)
{
    const struct run_facts *facts = &w->facts->reader->facts;
    const struct stored_dataset root = {
        .path = "/",
        .attributes = {{.name = "program", .text = "oneiros"},
                       {.name = "version", .text = facts->version},
                       {.name = "format_version", .type = STORED_WHOLE, .number = ATLAS_FILE_FORMAT_VERSION},
                       {.name = "config", .text = facts->config},
                       {.name = "weights_md5", .text = facts->weights_md5},
                       {.name = "weights_source", .text = facts->weights_source},
                       {.name = "pictures", .type = STORED_WHOLE, .number = (double)w->facts->exemplars.pictures}}};
    TRY(dataset_store_write(&w->file, &root));
    if (w->pictures == 0)
        return STATUS_OK;
    TRY(dataset_store_write_texts(&w->file, "pictures", "paths or addresses of those that are named below", w->sources, w->pictures));
    return dataset_store_write_texts(&w->file, "pictures_sha256", "of their bytes", w->digests, w->pictures);
}

enum status atlas_file_write(const struct atlas_facts *facts)
{
    struct writing w = {.facts = facts};
    char path[FILE_PATH_MAX];
    enum status rc;
    TRY_OUT(file_join(path, facts->folder, "atlas.h5"));
    TRY_OUT(number_pictures(&w));
    TRY_OUT(dataset_store_create(&w.file, path));
    TRY_OUT(write_root(&w));
    for (int t = 0; t < facts->exemplars.targets; t++) {
        for (int kind = 0; kind < PEAK_KINDS && facts->exemplars.places > 0; kind++)
            TRY_OUT(write_exemplars(&w, t, kind));
        TRY_OUT(write_numbers(&w, t));
        TRY_OUT(write_likeness(&w, t));
    }
    rc = file_commit(&w.file);
out:
    file_abandon(&w.file);
    free(w.numbers);
    free(w.sources);
    free(w.digests);
    return rc;
}
