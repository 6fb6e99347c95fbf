// SPDX-License-Identifier: MIT
#include "coordinator/output/explain_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/heat.h"
#include "common/system/file.h"
#include "common/system/text.h"
#include "coordinator/output/explain_pictures.h"
#include "common/hdf5/dataset_store.h"
#include "coordinator/output/stale_files.h"

enum {
    PATH_SIZE = 64,
    BASELINES_MAX = BASELINE_IMAGE + BASELINE_IMAGES_MAX,
};

struct explain_file {
    struct file_writer store;
    const struct config *config;
    int width, height;
    struct heat cams[CONFIG_TARGETS_MAX]; // Grad-CAM; without values: has not come
    bool activations[CONFIG_TARGETS_MAX]; // have come
    bool expected[CONFIG_TARGETS_MAX];    // importance by expected gradients has come
    bool expected_gradients_pixels;       // expected gradients have come
    bool baselines[BASELINES_MAX];        // have come
    struct explain_pictures *pictures;
};

// In the order of enum config_cam; each in a group of explained_map_name().
static const struct map_kind {
    const char *method, *description;
    enum explain_picture picture;
} map_kinds[] = {
    {"gradcam", "Grad-CAM, scaled to 0..1: where the target's activation speaks for the loss (arXiv:1610.02391)", PICTURE_CAM},
    {"gradcam++", "Grad-CAM++, scaled to 0..1: the same with positions weighted (arXiv:1710.11063)", PICTURE_CAM_PLUS_PLUS},
    {"layercam", "LayerCAM, scaled to 0..1: each position with its own weights (doi:10.1109/TIP.2021.3089943)", PICTURE_LAYER_CAM},
    {"hirescam", "HiResCAM, scaled to 0..1: each position with its own gradient (arXiv:2011.08891)", PICTURE_HIRES_CAM},
    {"class", "CAM proper, scaled to 0..1: the classifier's weights of the class (arXiv:1512.04150)", PICTURE_CLASS_CAM},
};
enum { MAP_KINDS = sizeof map_kinds / sizeof map_kinds[0] };

// What arrays of each kind look like, and what the file says of them.
static const struct kind {
    enum { OF_NOTHING, OF_PICTURE, OF_TARGET, OF_CHANNELS, OF_GRID, OF_MAP } of; // OF_NOTHING: it explains nothing
    int channels;                                                                // 0: any
    const char *path, *description;                                              // NULL: those of its map_kind
    bool compressed;
} kinds[] = {
    [ARRAY_IMPORTANCE] = {OF_CHANNELS, 0, "importance", "mean over positions of A * d loss / d A, of each channel", false},
    [ARRAY_IMPORTANCE_EXPECTED] = {OF_CHANNELS, 0, "importance_expected", "each channel's share of the loss above that of the baselines",
                                   false},
    [ARRAY_ACTIVATION] = {OF_TARGET, 0, "activation", "A, the activation of the layer: channels, rows, columns", true},
    [ARRAY_CAM] = {OF_GRID, 1, NULL, NULL, false},
    [ARRAY_GRADIENT] = {OF_PICTURE, 3, "gradient", "d loss / d picture, of samples in -1..1", false},
    [ARRAY_GUIDED_GRADIENT] = {OF_PICTURE, 3, "guided_gradient", "the gradient with the rule at every ReLU (arXiv:1412.6806)", false},
    [ARRAY_SMOOTHGRAD] = {OF_PICTURE, 1, "saliency_smoothgrad", "mean saliency of noisy copies of the picture (arXiv:1706.03825)", false},
    [ARRAY_EXPECTED_GRADIENTS] = {OF_PICTURE, 3, "expected_gradients",
                                  "each sample's share of the loss above that of the baselines (doi:10.1038/s42256-021-00343-w)", false},
    [ARRAY_FAITHFULNESS] = {OF_MAP, 2, "faithfulness",
                            "L / L(picture), step by step: deletion, insertion (arXiv:1806.07421)", false},
    [ARRAY_BASELINE] = {OF_PICTURE, 3, "baseline", "a picture that expected gradients start from, samples in -1..1", true},
};

static const char *layer_of(const struct explain_file *f, int target)
{
    return f->config->targets.items[target].layer;
}

static void baseline_name(int number, char name[PATH_SIZE])
{
    if (number < BASELINE_IMAGE)
        snprintf(name, PATH_SIZE, "%s", number == BASELINE_BLACK ? "black" : "blurred");
    else
        snprintf(name, PATH_SIZE, "image%d", number - BASELINE_IMAGE);
}

// What the array is known by, besides its values.
static void note_facts(const struct explain_file *f, const struct array_part *part, struct stored_attribute *attributes)
{
    const double *facts = part->facts;
    switch ((enum array_kind)part->kind) {
    case ARRAY_GRADIENT:
        attributes[0] = (struct stored_attribute){.name = "rule", .text = "plain"};
        break;
    case ARRAY_GUIDED_GRADIENT:
        attributes[0] = (struct stored_attribute){.name = "rule", .text = f->config->gradient == GRADIENT_DECONV ? "deconv" : "guided"};
        break;
    case ARRAY_SMOOTHGRAD:
        attributes[0] = (struct stored_attribute){.name = "samples", .type = STORED_WHOLE, .number = facts[0]};
        attributes[1] = (struct stored_attribute){.name = "noise", .type = STORED_REAL, .number = facts[1]};
        break;
    case ARRAY_IMPORTANCE_EXPECTED:
    case ARRAY_EXPECTED_GRADIENTS:
        attributes[0] = (struct stored_attribute){.name = "value", .type = STORED_REAL, .number = facts[0]};
        attributes[1] = (struct stored_attribute){.name = "expected", .type = STORED_REAL, .number = facts[1]};
        attributes[2] = (struct stored_attribute){.name = "residual", .type = STORED_REAL, .number = facts[2]};
        break;
    case ARRAY_BASELINE:
        if (part->variant == BASELINE_BLURRED)
            attributes[0] = (struct stored_attribute){.name = "blur_sigma", .type = STORED_REAL, .number = facts[0]};
        break;
    case ARRAY_FAITHFULNESS:
        attributes[0] = (struct stored_attribute){.name = "deletion_area", .type = STORED_REAL, .number = facts[0]};
        attributes[1] = (struct stored_attribute){.name = "insertion_area", .type = STORED_REAL, .number = facts[1]};
        attributes[2] = (struct stored_attribute){.name = "randomised", .type = STORED_REAL, .number = facts[2]};
        attributes[3] = (struct stored_attribute){.name = "flat_loss", .type = STORED_REAL, .number = facts[3]};
        attributes[4] = (struct stored_attribute){.name = "cell", .type = STORED_WHOLE, .number = part->grid.stride};
        break;
    case ARRAY_CAM:
        attributes[0] = (struct stored_attribute){.name = "method", .text = map_kinds[part->variant].method};
        attributes[1] = (struct stored_attribute){.name = "scale", .type = STORED_REAL, .number = facts[0]};
        attributes[2] = (struct stored_attribute){.name = "stride", .type = STORED_WHOLE, .number = part->grid.stride};
        attributes[3] = (struct stored_attribute){.name = "centre", .type = STORED_WHOLE, .number = part->grid.centre};
        break;
    default:
        break;
    }
}

static void find_path(const struct explain_file *f, const struct array_part *part, char path[PATH_SIZE])
{
    const struct kind *kind = &kinds[part->kind];
    const char *group = kind->of == OF_GRID ? explained_map_name(part->variant) : kind->path;
    const bool of_target =
        kind->of == OF_MAP ? part->target >= 0 : kind->of != OF_PICTURE && (kind->of != OF_GRID || part->variant != CAM_CLASS);
    char name[PATH_SIZE]; // of one of many
    snprintf(path, PATH_SIZE, "%s", group);
    if (part->kind == ARRAY_BASELINE) {
        baseline_name(part->variant, name);
        text_append(path, PATH_SIZE, "/%s", name);
    }
    if (kind->of == OF_MAP)
        text_append(path, PATH_SIZE, "/%s", explained_map_name(part->variant));
    if (of_target)
        text_append(path, PATH_SIZE, "/%s", layer_of(f, part->target));
}

static enum status write_array(struct explain_file *f, const struct array *array)
{
    const struct array_part *part = &array->part;
    const struct kind *kind = &kinds[part->kind];
    const struct map_kind *map = kind->of == OF_GRID ? &map_kinds[part->variant] : NULL;
    const bool plane = kind->channels == 1;
    char path[PATH_SIZE];
    find_path(f, part, path);
    struct stored_dataset dataset = {
        .path = path,
        .dimensions = kind->of == OF_CHANNELS       ? 1
                      : plane || kind->of == OF_MAP ? 2
                                                    : 3,
        .size = {plane ? part->height : part->channels, plane || kind->of == OF_MAP ? part->width : part->height, part->width},
        .compressed = kind->compressed,
        .values = array->values,
        .description = map ? map->description : kind->description,
    };
    note_facts(f, part, dataset.attributes);
    return dataset_store_write(&f->store, &dataset);
}

// max over RGB of |gradient|
static enum status add_saliency(struct explain_file *f, const char *path, const char *description, enum explain_picture picture,
                                const float *gradient)
{
    const size_t count = (size_t)f->width * (size_t)f->height;
    float *values;
    enum status rc;
    TRY(ALLOCATE(values, count, "for the saliency of %d x %d pixels", f->width, f->height));
    for (size_t i = 0; i < count; i++)
        values[i] = fmaxf(fabsf(gradient[i]), fmaxf(fabsf(gradient[count + i]), fabsf(gradient[2 * count + i])));
    const struct stored_dataset dataset = {
        .path = path, .dimensions = 2, .size = {f->height, f->width}, .values = values, .description = description};
    TRY_OUT(dataset_store_write(&f->store, &dataset));
    rc = explain_pictures_draw(f->pictures, picture, 0, values, NULL);
out:
    free(values);
    return rc;
}

static enum status add_guided_gradcam(struct explain_file *f, int target, const float *gradient)
{
    const size_t width = (size_t)f->width, height = (size_t)f->height;
    float *values;
    char path[PATH_SIZE];
    enum status rc;
    TRY(ALLOCATE(values, (3 * width * height + width), "for the guided Grad-CAM of %d x %d pixels", f->width, f->height));
    float *row = values + 3 * width * height;
    for (size_t y = 0; y < height; y++) {
        heat_row(&f->cams[target], f->width, f->height, (int)y, row);
        for (size_t c = 0; c < 3; c++)
            for (size_t x = 0, at = (c * height + y) * width; x < width; x++)
                values[at + x] = gradient[at + x] * row[x];
    }
    snprintf(path, sizeof path, "guided_gradcam/%s", layer_of(f, target));
    const struct stored_dataset dataset = {.path = path,
                                            .dimensions = 3,
                                            .size = {3, f->height, f->width},
                                            .values = values,
                                            .description = "guided gradient * the Grad-CAM map at each pixel (arXiv:1610.02391)"};
    TRY_OUT(dataset_store_write(&f->store, &dataset));
    rc = explain_pictures_draw(f->pictures, PICTURE_GUIDED_GRADCAM, target, values, NULL);
out:
    free(values);
    return rc;
}

static enum status add_guided_gradient(struct explain_file *f, const float *gradient)
{
    TRY(explain_pictures_draw(f->pictures, PICTURE_GUIDED_GRADIENT, 0, gradient, NULL));
    TRY(add_saliency(f, "saliency_guided", "max over RGB of |guided gradient|", PICTURE_SALIENCY_GUIDED, gradient));
    for (int t = 0; t < f->config->targets.count; t++)
        if (f->cams[t].values)
            TRY(add_guided_gradcam(f, t, gradient));
    return STATUS_OK;
}

// In the overview, insertion less deletion stands over a map; that of the random one over the picture.
static void note_faithfulness(struct explain_file *f, const struct array_part *part)
{
    static const enum explain_picture panels[EXPLAINED_KINDS] = {
        [EXPLAINED_GUIDED_GRADCAM] = PICTURE_GUIDED_GRADCAM,         [EXPLAINED_SALIENCY] = PICTURE_SALIENCY,
        [EXPLAINED_SALIENCY_GUIDED] = PICTURE_SALIENCY_GUIDED,       [EXPLAINED_SMOOTHGRAD] = PICTURE_SALIENCY_SMOOTHGRAD,
        [EXPLAINED_EXPECTED_GRADIENTS] = PICTURE_EXPECTED_GRADIENTS, [EXPLAINED_RANDOM] = PICTURE_ITSELF};
    const bool is_cam = part->variant < MAP_KINDS;
    if (part->variant != EXPLAINED_EDGES)
        explain_pictures_note(f->pictures, is_cam ? map_kinds[part->variant].picture : panels[part->variant],
                              part->target < 0 ? 0 : part->target, part->facts[1] - part->facts[0]);
}

static enum status add_map(struct explain_file *f, const struct array *array)
{
    const struct array_part *part = &array->part;
    if (part->variant == CAM_GRAD) {
        TRY(heat_create(&f->cams[part->target], &part->grid));
        memcpy(f->cams[part->target].values, array->values, (size_t)part->width * (size_t)part->height * sizeof *array->values);
    }
    return explain_pictures_draw(f->pictures, map_kinds[part->variant].picture, part->target, array->values, &part->grid);
}

// What follows from an array that is written: pictures, and further arrays.
static enum status add_rest(struct explain_file *f, const struct array *array)
{
    const struct array_part *part = &array->part;
    switch ((enum array_kind)part->kind) {
    case ARRAY_ACTIVATION:
        f->activations[part->target] = true;
        return STATUS_OK;
    case ARRAY_IMPORTANCE_EXPECTED:
        f->expected[part->target] = true;
        return STATUS_OK;
    case ARRAY_BASELINE:
        f->baselines[part->variant] = true;
        return STATUS_OK;
    case ARRAY_EXPECTED_GRADIENTS:
        f->expected_gradients_pixels = true;
        return explain_pictures_draw(f->pictures, PICTURE_EXPECTED_GRADIENTS, 0, array->values, NULL);
    case ARRAY_SMOOTHGRAD:
        return explain_pictures_draw(f->pictures, PICTURE_SALIENCY_SMOOTHGRAD, 0, array->values, NULL);
    case ARRAY_GRADIENT:
        TRY(explain_pictures_draw(f->pictures, PICTURE_GRADIENT, 0, array->values, NULL));
        return add_saliency(f, "saliency", "max over RGB of |gradient| (arXiv:1312.6034)", PICTURE_SALIENCY, array->values);
    case ARRAY_GUIDED_GRADIENT:
        return add_guided_gradient(f, array->values);
    case ARRAY_CAM:
        return add_map(f, array);
    case ARRAY_FAITHFULNESS:
        note_faithfulness(f, part);
        return STATUS_OK;
    default:
        return STATUS_OK;
    }
}

static bool fits(const struct explain_file *f, const struct array_part *part)
{
    const struct kind *kind = &kinds[part->kind];
    const struct heat_grid *grid = &part->grid;
    if ((kind->channels && part->channels != kind->channels) || part->channels < 1 || part->width < 1 || part->height < 1)
        return false;
    if (kind->of == OF_PICTURE)
        return part->width == f->width && part->height == f->height &&
               (part->kind != ARRAY_BASELINE || (part->variant >= 0 && part->variant < BASELINES_MAX));
    if (kind->of == OF_MAP && (part->height != 1 || part->variant < 0 || part->variant >= EXPLAINED_KINDS))
        return false;
    if (part->target < (kind->of == OF_MAP ? -1 : 0) || part->target >= f->config->targets.count)
        return false;
    if (kind->of == OF_CHANNELS)
        return part->width == 1 && part->height == 1;
    return kind->of == OF_TARGET || kind->of == OF_MAP ||
           (part->variant >= 0 && part->variant < MAP_KINDS && grid->width == part->width && grid->height == part->height &&
            grid->octave_width == f->width && grid->octave_height == f->height && grid->stride >= 1);
}

enum status explain_file_add(struct explain_file *f, const struct array *array)
{
    const struct array_part *part = &array->part;
    const bool known = part->kind >= 0 && part->kind < (int)(sizeof kinds / sizeof kinds[0]) && kinds[part->kind].of != OF_NOTHING;
    if (!known || !fits(f, part))
        return fail(STATUS_INTERNAL, "an array of kind %d, target %d, %d x %d x %d, explains nothing in %d x %d pixels", part->kind,
                    part->target, part->channels, part->height, part->width, f->height, f->width);
    TRY(write_array(f, array));
    return add_rest(f, array);
}

static enum status write_header(struct explain_file *f, const struct explain_file_options *o)
{
    char *config;
    TRY(config_to_string(o->config, &config));
    const struct stored_dataset root = {.path = "/",
                                         .attributes = {
                                             {.name = "program", .text = "oneiros"},
                                             {.name = "version", .text = ONEIROS_VERSION},
                                             {.name = "format_version", .type = STORED_WHOLE, .number = EXPLAIN_FILE_FORMAT_VERSION},
                                             {.name = "source", .text = o->image->source},
                                             {.name = "sha256", .text = o->image->sha256},
                                             {.name = "width", .type = STORED_WHOLE, .number = o->image->width},
                                             {.name = "height", .type = STORED_WHOLE, .number = o->image->height},
                                             {.name = "config", .text = config},
                                             {.name = "weights_md5", .text = o->weights_md5},
                                             {.name = "weights_source", .text = o->weights_source},
                                             {.name = o->class_name && o->class_name[0] ? "class_name" : NULL, .text = o->class_name},
                                         }};
    const enum status rc = dataset_store_write(&f->store, &root);
    free(config);
    return rc;
}

static enum status create(struct explain_file *f, const struct explain_file_options *o)
{
    char path[FILE_PATH_MAX];
    TRY(file_join(path, o->folder, "explain.h5"));
    TRY(stale_files_remove(o->folder, "explain\\.h5", NULL, NULL));
    TRY(explain_pictures_create(&f->pictures, o->folder, o->config, f->width, f->height, o->rgb));
    TRY(dataset_store_create(&f->store, path));
    return write_header(f, o);
}

enum status explain_file_create(struct explain_file **file, const struct explain_file_options *o)
{
    TRY(ALLOCATE(*file, 1, "to explain %s", o->image->source));
    (*file)->config = o->config;
    (*file)->width = o->image->width;
    (*file)->height = o->image->height;
    const enum status rc = create(*file, o);
    if (rc != STATUS_OK)
        explain_file_abandon(file);
    return rc;
}

static enum status write_metrics(struct explain_file *f, int target, const struct target_metrics *m)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "activation/%s", layer_of(f, target));
    return dataset_store_write(&f->store,
                               &(struct stored_dataset){.path = path,
                                                         .attributes = {
                                                             {.name = "loss", .type = STORED_REAL, .number = m->loss},
                                                             {.name = "score", .type = STORED_REAL, .number = m->score},
                                                             {.name = "sparsity", .type = STORED_REAL, .number = m->sparsity},
                                                             {.name = "hoyer", .type = STORED_REAL, .number = m->hoyer},
                                                             {.name = "diversity", .type = STORED_REAL, .number = m->diversity},
                                                             {.name = "diversity_seed", .type = STORED_REAL, .number = m->diversity_seed},
                                                         }});
}

// Baselines come from all ranks of a team, so only now are all of them sure to be there. In the order in which samples are taken.
static enum status write_baselines(struct explain_file *f)
{
    char names[BASELINES_MAX * PATH_SIZE] = "", path[PATH_SIZE];
    int count = 0;
    for (int b = 0; b < BASELINES_MAX; b++)
        if (f->baselines[b]) {
            baseline_name(b, path);
            text_append(names, sizeof names, "%s%s", count++ > 0 ? "," : "", path);
        }
    const int each =
        count > 0 && f->config->importance.samples > count ? f->config->importance.samples / count : 1; // as expected_gradients.c does
    struct stored_dataset described = {
        .path = path,
        .attributes = {{.name = "baselines", .text = names}, {.name = "samples", .type = STORED_WHOLE, .number = each * count}}};
    for (int t = 0; t < f->config->targets.count; t++)
        if (f->expected[t]) {
            snprintf(path, sizeof path, "importance_expected/%s", layer_of(f, t));
            TRY(dataset_store_write(&f->store, &described));
        }
    described.path = "expected_gradients";
    return f->expected_gradients_pixels ? dataset_store_write(&f->store, &described) : STATUS_OK;
}

enum status explain_file_finish(struct explain_file **file, const struct picture_metrics *metrics)
{
    struct explain_file *f = *file;
    const struct stored_dataset root = {.path = "/", .attributes = {{.name = "loss", .type = STORED_REAL, .number = metrics->loss}}};
    enum status rc;
    TRY_OUT(dataset_store_write(&f->store, &root));
    for (int t = 0; t < f->config->targets.count; t++)
        if (f->activations[t])
            TRY_OUT(write_metrics(f, t, &metrics->targets[t]));
    TRY_OUT(write_baselines(f));
    TRY_OUT(explain_pictures_overview(f->pictures));
    TRY_OUT(file_commit(&f->store));
    explain_pictures_destroy(&f->pictures); // so that they stay
out:
    explain_file_abandon(file);
    return rc;
}

void explain_file_abandon(struct explain_file **file)
{
    struct explain_file *f = *file;
    if (!f)
        return;
    explain_pictures_abandon(&f->pictures);
    file_abandon(&f->store);
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        heat_destroy(&f->cams[t]);
    free(f);
    *file = NULL;
}
