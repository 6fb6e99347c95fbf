// SPDX-License-Identifier: MIT
#include "coordinator/output/explain_pictures.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/resample.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/text.h"
#include "coordinator/output/stale_files.h"
#include "media/drawing/colormap.h"
#include "media/drawing/contact_sheet.h"
#include "media/drawing/overlay.h"
#include "media/picture/codec.h"

enum {
    SIDE_MAX = 1920,  // longest, of a PNG
    SHARES_SIDE = 96, // longest, of the grid on which shares are summed
    NAME_SIZE = 64,
    FIRST_TARGET_ROW = 2, // of the overview
};
static const double most = 0.995;        // share of the values that the scale spans: a single pixel does not rule it
static const double least = 0.05;        // share of a magnitude's values that count as dark
static const float signed_power = 0.85f; // small gradients stay visible
static const float faint = 0.3f;         // contrast of the picture under the shares

// In the order of enum explain_picture.
static const struct form {
    const char *file, *label; // of a target: and its layer
    int row, column;          // in the overview; of a target: of its row
    bool of_target;
    enum { SIGNED, MAGNITUDE, MAP, SHARES } style;
} forms[] = {
    {"overview", "Picture", 0, 0, false, MAP},
    {"gradient", "Gradient", 0, 1, false, SIGNED},
    {"guided_gradient", "Guided gradient", 1, 1, false, SIGNED},
    {"saliency", "Saliency", 0, 2, false, MAGNITUDE},
    {"saliency_guided", "Guided saliency", 1, 2, false, MAGNITUDE},
    {"saliency_smoothgrad", "SmoothGrad", 0, 3, false, MAGNITUDE},
    {"expected_gradients", "Expected gradients", 0, 4, false, SHARES},
    {"class_cam", "Class CAM", 1, 3, false, MAP},
    {"cam_", "Grad-CAM ", FIRST_TARGET_ROW, 0, true, MAP},
    {"cam_plus_plus_", "Grad-CAM++ ", FIRST_TARGET_ROW, 1, true, MAP},
    {"layer_cam_", "LayerCAM ", FIRST_TARGET_ROW, 2, true, MAP},
    {"hires_cam_", "HiResCAM ", FIRST_TARGET_ROW, 3, true, MAP},
    {"guided_gradcam_", "Guided Grad-CAM ", FIRST_TARGET_ROW, 4, true, SIGNED},
};
enum { FORM_COUNT = sizeof forms / sizeof forms[0] };

struct explain_pictures {
    char folder[FILE_PATH_MAX];
    const struct config *config;
    int full_width, full_height; // of the picture
    struct image picture;        // as it is shown
    struct image canvas;         // what is being drawn, of the same size
    uint8_t *bytes;              // (height, width, 3)
    struct contact_sheet sheet;
};

bool explain_pictures_has_name(const char *name)
{
    const char *end = strrchr(name, '.');
    const size_t length = end && strcmp(end, ".png") == 0 ? (size_t)(end - name) : 0;
    for (const struct form *form = forms; form < forms + FORM_COUNT; form++)
        if (strncmp(name, form->file, strlen(form->file)) == 0 && (form->of_target || strlen(form->file) == length))
            return length > 0;
    return false;
}

// Those of a target with whatever layer.
enum status explain_pictures_remove(const char *folder)
{
    char names[512] = "(";
    for (const struct form *form = forms; form < forms + FORM_COUNT; form++)
        text_append(names, sizeof names, "%s%s|", form->file, form->of_target ? "[a-z0-9_]+" : "");
    names[strlen(names) - 1] = ')';
    text_append(names, sizeof names, "\\.png");
    return stale_files_remove(folder, names, NULL, NULL);
}

// The longest side becomes at most `longest`.
static void fit(int width, int height, int longest, int *fit_width, int *fit_height)
{
    const int largest = width > height ? width : height;
    const double ratio = largest > longest ? (double)longest / largest : 1;
    *fit_width = (int)fmax(1, round(width * ratio));
    *fit_height = (int)fmax(1, round(height * ratio));
}

static size_t plane_of(const struct image *image)
{
    return (size_t)image->width * (size_t)image->height;
}

static enum status make_room(struct explain_pictures *p, int width, int height)
{
    int shown_width, shown_height;
    p->full_width = width;
    p->full_height = height;
    fit(width, height, SIDE_MAX, &shown_width, &shown_height);
    TRY(image_create(&p->picture, shown_width, shown_height));
    TRY(image_create(&p->canvas, shown_width, shown_height));
    TRY(contact_sheet_create(&p->sheet, FIRST_TARGET_ROW + p->config->targets.count, shown_width, shown_height));
    p->bytes = malloc(3 * plane_of(&p->picture));
    return p->bytes ? STATUS_OK : no_memory("for pictures of %d x %d pixels", shown_width, shown_height);
}

enum status explain_pictures_create(struct explain_pictures **pictures, const char *folder, const struct config *config, int width,
                                    int height, const float *rgb)
{
    enum status rc;
    TRY(ALLOCATE(*pictures, 1, "for pictures of %d x %d pixels", width, height));
    struct explain_pictures *p = *pictures;
    p->config = config;
    TRY_OUT(file_join(p->folder, folder, ""));
    TRY_OUT(explain_pictures_remove(folder));
    TRY_OUT(make_room(p, width, height));
    TRY_OUT(resample(rgb, 3, width, height, p->picture.rgb, p->picture.width, p->picture.height));
    rc = contact_sheet_put(&p->sheet, 0, 0, &p->picture, forms[PICTURE_ITSELF].label);
out:
    if (rc != STATUS_OK)
        explain_pictures_destroy(pictures);
    return rc;
}

static enum status write_png(struct explain_pictures *p, enum explain_picture which, int target)
{
    const struct form *form = &forms[which];
    char name[NAME_SIZE], path[FILE_PATH_MAX];
    snprintf(name, sizeof name, "%s%s.png", form->file, form->of_target ? p->config->targets.items[target].layer : "");
    TRY(file_join(path, p->folder, name));
    return codec_encode(path, IMAGE_FORMAT_PNG, &p->canvas);
}

static enum status put_panel(struct explain_pictures *p, enum explain_picture which, int target, const struct image *panel)
{
    const struct form *form = &forms[which];
    char label[NAME_SIZE];
    snprintf(label, sizeof label, "%s%s", form->label, form->of_target ? p->config->targets.items[target].layer : "");
    return contact_sheet_put(&p->sheet, form->row + (form->of_target ? target : 0), form->column, panel, label);
}

// The value that this part of all values, by magnitude, does not exceed; to within 1%. Magnitudes of floats sort as their bits do: so they
// are counted by the upper half of these.
static float quantile(const float *values, size_t count, double part)
{
    enum { LOW_BITS = 16, BINS = 1 << (31 - LOW_BITS) };
    uint32_t bins[BINS] = {0}, bits, bin = 0;
    size_t below = 0;
    float found;
    for (size_t i = 0; i < count; i++) {
        memcpy(&bits, &values[i], sizeof bits);
        bins[(bits & INT32_MAX) >> LOW_BITS]++;
    }
    while (bin < BINS - 1 && (double)(below += bins[bin]) < part * (double)count)
        bin++;
    bits = bin << LOW_BITS | ((1u << LOW_BITS) - 1);
    memcpy(&found, &bits, sizeof found);
    return bin == 0 ? 0 : found;
}

// value / scale, within -1..1; NaN is 0.
static float portion(float value, float scale)
{
    const float part = value / scale;
    return part > -1 ? fminf(part, 1) : part <= -1 ? -1 : 0;
}

// Grey where it is 0, brighter or darker in each channel where it is above or below.
static enum status draw_signed(const struct explain_pictures *p, const float *values, struct image *out)
{
    const size_t count = 3 * plane_of(out);
    TRY(resample(values, 3, p->full_width, p->full_height, out->rgb, out->width, out->height));
    const float scale = quantile(out->rgb, count, most);
    for (size_t i = 0; i < count; i++) {
        const float part = portion(out->rgb[i], scale);
        out->rgb[i] = copysignf(powf(fabsf(part), signed_power), part);
    }
    return STATUS_OK;
}

// The panel is drawn on its own: what is left of a gradient where pixels are averaged is faint beside them.
static enum status show_signed(struct explain_pictures *p, enum explain_picture which, int target, const float *values)
{
    struct image panel = {0};
    enum status rc;
    TRY_OUT(draw_signed(p, values, &p->canvas));
    TRY_OUT(write_png(p, which, target));
    TRY_OUT(image_create(&panel, p->sheet.panel_width, p->sheet.panel_height));
    TRY_OUT(draw_signed(p, values, &panel));
    rc = put_panel(p, which, target, &panel);
out:
    image_destroy(&panel);
    return rc;
}

// From dark to bright.
static enum status draw_magnitude(struct explain_pictures *p, const float *values)
{
    float *canvas = p->canvas.rgb;
    const size_t plane = plane_of(&p->canvas);
    TRY(resample(values, 1, p->full_width, p->full_height, canvas, p->canvas.width, p->canvas.height));
    const float low = quantile(canvas, plane, least), high = quantile(canvas, plane, most);
    for (size_t i = 0; i < plane; i++) {
        uint8_t rgb[3];
        colormap_get(COLORMAP_VIRIDIS, portion(canvas[i] - low, high - low), rgb);
        for (size_t c = 0; c < 3; c++)
            canvas[c * plane + i] = (float)rgb[c] / 127.5f - 1;
    }
    return STATUS_OK;
}

// Over the picture.
static enum status draw_map(struct explain_pictures *p, const struct heat *map)
{
    const struct config *config = p->config;
    codec_to_bytes(p->picture.rgb, plane_of(&p->picture), p->bytes);
    TRY(overlay_draw(p->bytes, p->picture.width, p->picture.height, map, config->video.colormap, config->video.opacity, p->bytes));
    codec_from_bytes(p->bytes, plane_of(&p->canvas), p->canvas.rgb);
    return STATUS_OK;
}

// Over the channels and, so that it can be seen, over small neighbourhoods: cells of a coarse grid, smoothly enlarged again. Into the
// first plane of the canvas.
static enum status sum_shares(struct explain_pictures *p, const float *values)
{
    int width, height;
    struct image coarse;
    enum status rc;
    fit(p->canvas.width, p->canvas.height, SHARES_SIDE, &width, &height);
    TRY_OUT(image_create(&coarse, width, height));
    TRY_OUT(resample(values, 3, p->full_width, p->full_height, coarse.rgb, width, height));
    const size_t plane = plane_of(&coarse);
    for (size_t i = 0; i < plane; i++)
        coarse.rgb[i] += coarse.rgb[plane + i] + coarse.rgb[2 * plane + i];
    rc = resample(coarse.rgb, 1, width, height, p->canvas.rgb, p->canvas.width, p->canvas.height);
out:
    image_destroy(&coarse);
    return rc;
}

// Red raises the loss, blue lowers it.
static enum status draw_shares(struct explain_pictures *p, const float *values)
{
    static const float red[3] = {1, 0, 0.32f}, blue[3] = {0, 0.54f, 0.98f}; // as SHAP's pictures
    static const float luma[3] = {0.2126f, 0.7152f, 0.0722f};               // BT.709
    float *canvas = p->canvas.rgb;
    const float *picture = p->picture.rgb;
    const size_t plane = plane_of(&p->canvas);
    TRY(sum_shares(p, values));
    const float scale = quantile(canvas, plane, most);
    for (size_t i = 0; i < plane; i++) {
        const float part = portion(canvas[i], scale), share = fabsf(part), *colour = part > 0 ? red : blue;
        const float light = luma[0] * picture[i] + luma[1] * picture[plane + i] + luma[2] * picture[2 * plane + i];
        const float paper = 1 - faint * (1 - light);
        for (size_t c = 0; c < 3; c++)
            canvas[c * plane + i] = paper + share * (2 * colour[c] - 1 - paper);
    }
    return STATUS_OK;
}

enum status explain_pictures_draw(struct explain_pictures *p, enum explain_picture which, int target, const float *values,
                                  const struct heat_grid *grid)
{
    switch (forms[which].style) {
    case SIGNED:
        return show_signed(p, which, target, values);
    case MAGNITUDE:
        TRY(draw_magnitude(p, values));
        break;
    case MAP:
        TRY(draw_map(p, &(struct heat){.grid = *grid, .values = (float *)values}));
        break;
    case SHARES:
        TRY(draw_shares(p, values));
        break;
    }
    TRY(write_png(p, which, target));
    return put_panel(p, which, target, &p->canvas);
}

void explain_pictures_note(struct explain_pictures *p, enum explain_picture which, int target, double number)
{
    const struct form *form = &forms[which];
    char text[NAME_SIZE];
    snprintf(text, sizeof text, "%s%+.2f", which == PICTURE_ITSELF ? "random " : "", number);
    contact_sheet_note(&p->sheet, form->row + (form->of_target ? target : 0), form->column, text);
    if (which == PICTURE_ITSELF) // below it, where there is nothing else: what all these numbers are
        contact_sheet_note(&p->sheet, 1, 0, "+ is insertion-deletion");
}

enum status explain_pictures_overview(struct explain_pictures *p)
{
    char path[FILE_PATH_MAX];
    TRY(file_join(path, p->folder, "overview.png"));
    return codec_encode(path, IMAGE_FORMAT_PNG, &p->sheet.image);
}

void explain_pictures_destroy(struct explain_pictures **pictures)
{
    struct explain_pictures *p = *pictures;
    if (!p)
        return;
    image_destroy(&p->picture);
    image_destroy(&p->canvas);
    contact_sheet_destroy(&p->sheet);
    free(p->bytes);
    free(p);
    *pictures = NULL;
}

void explain_pictures_abandon(struct explain_pictures **pictures)
{
    if (*pictures && explain_pictures_remove((*pictures)->folder) != STATUS_OK)
        log_warning("%s", status_message());
    explain_pictures_destroy(pictures);
}
