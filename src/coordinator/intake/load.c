// SPDX-License-Identifier: MIT
#include "coordinator/intake/load.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/channel_input.h"
#include "common/config/config_fetch.h"
#include "common/net/url.h"
#include "common/picture/geometry.h"
#include "common/picture/noise.h"
#include "common/picture/resample.h"
#include "common/system/clock.h"
#include "common/system/log.h"
#include "common/system/stop_request.h"
#include "media/picture/codec.h"
#include "media/picture/signature.h"
#include "media/video/video_probe.h"

static bool go_on(void *context, uint64_t done, uint64_t total)
{
    (void)context, (void)done, (void)total;
    return !stop_requested();
}

// The file `source`, or, where `descriptor` is not -1, the open file that it has been downloaded into.
static enum status read_input(const char *source, int descriptor, const struct config *config, void **bytes, size_t *size,
                              struct stat *facts)
{
    if (descriptor < 0)
        return file_read_facts(source, config->input.max_bytes, bytes, size, facts);
    if (fstat(descriptor, facts) != 0 || lseek(descriptor, 0, SEEK_SET) != 0)
        return fail(STATUS_IO, "cannot read the download: %s", strerror(errno));
    return file_read_open(descriptor, "the download", (uint64_t)facts->st_size, bytes, size);
}

// Into an open file without a name, in the folder `output`, or in memory where that is NULL.
static enum status download(const char *url, const char *output, const struct config *config, int *descriptor)
{
    struct fetch_options options = config_fetch_options(config);
    options.progress = go_on;
    return fetch_nameless(url, output, &options, descriptor);
}

static enum status resize_alpha(const struct image *from, struct image *to)
{
    const size_t count = (size_t)from->width * (size_t)from->height, to_count = (size_t)to->width * (size_t)to->height;
    const float most = (float)image_alpha_max(from);
    float *in = malloc(count * sizeof *in), *out = malloc(to_count * sizeof *out);
    enum status rc;
    to->alpha = malloc(to_count * sizeof *to->alpha);
    TRY_OUT(in && out && to->alpha ? STATUS_OK : no_memory("to resize the picture"));
    for (size_t i = 0; i < count; i++)
        in[i] = from->alpha[i];
    TRY_OUT(resample(in, 1, from->width, from->height, out, to->width, to->height));
    for (size_t i = 0; i < to_count; i++)
        to->alpha[i] = (uint16_t)lrintf(fmaxf(0, fminf(most, out[i])));
out:
    free(in);
    free(out);
    return rc;
}

static enum status check_size(double width, double height, const struct image_limits *limits)
{
    if (width <= limits->side && height <= limits->side && width * height <= (double)limits->pixels)
        return STATUS_OK;
    return fail(STATUS_LIMIT, "%.0f x %.0f pixels, to which input.resize brings it, are more than input.max_side or input.max_pixels allow",
                width, height);
}

// To width x height, which `limits` allow.
static enum status resize(struct image *image, double width, double height, const struct image_limits *limits)
{
    struct image larger = {0};
    const int old_width = image->width, old_height = image->height;
    enum status rc;
    TRY_OUT(check_size(width, height, limits));
    TRY_OUT(image_create(&larger, (int)width, (int)height));
    TRY_OUT(resample(image->rgb, 3, image->width, image->height, larger.rgb, larger.width, larger.height));
    const size_t samples = 3 * (size_t)larger.width * (size_t)larger.height;
    for (size_t i = 0; i < samples; i++) // the filter overshoots
        larger.rgb[i] = fmaxf(-1, fminf(1, larger.rgb[i]));
    if (image->alpha)
        TRY_OUT(resize_alpha(image, &larger));
    image_drop_file(image);
    image_replace(image, &larger);
    codec_resized(image, old_width, old_height);
out:
    image_destroy(&larger);
    return rc;
}

static struct image_limits limits_of(const struct config *config)
{
    return (struct image_limits){.side = config->input.max_side, .pixels = config->input.max_pixels};
}

// Of the pictures that are dreamed on, or only looked at.
static enum status choose(const struct config *config, enum job_kind job, struct image_limits *limits)
{
    *limits = limits_of(config);
    TRY(image_choice_parse(&limits->choice, config->input.bands, config->input.range));
    limits->choice.accepts_damage = config->input.damaged == DAMAGED_ACCEPT;
    if (job != JOB_DREAM)
        limits->choice.alone = "";
    else if (config->output.format == OUTPUT_PNG || config->output.format == OUTPUT_JPEG)
        limits->choice.alone = "output.format is not tiff";
    else if (config->input.resize)
        limits->choice.alone = "resized";
    return STATUS_OK;
}

static enum status check_message(int width, int height)
{
    if ((int64_t)width * height > INT_MAX)
        return fail(STATUS_LIMIT, "%d x %d pixels are more than one message between ranks can hold", width, height);
    return STATUS_OK;
}

enum status load_size(const struct config *config, int *width, int *height)
{
    const struct image_limits limits = limits_of(config);
    if (config->input.resize) {
        const double ratio = (double)config->input.resize / (*width < *height ? *width : *height);
        const double wide = fmax(1, nearbyint(ratio * *width)), high = fmax(1, nearbyint(ratio * *height));
        TRY(check_size(wide, high, &limits));
        *width = (int)wide;
        *height = (int)high;
    }
    return check_message(*width, *height);
}

// More than that is more features than anybody tells apart, and matching them takes its time.
enum { GUIDE_PIXELS_MAX = 512 * 512 };

static enum status resize_guide(struct image *image, const struct image_limits *limits)
{
    const double ratio = fmin(1, sqrt((double)GUIDE_PIXELS_MAX / image->width / image->height));
    const double width = fmax(floor(ratio * image->width), 1), height = fmax(floor(ratio * image->height), 1);
    if (fmin(width, height) < GEOMETRY_MIN_SIDE)
        return fail(STATUS_USAGE,
                    "%d x %d pixels are too %s: the network needs %d on the shorter side; take another picture, or a part of it",
                    image->width, image->height, ratio < 1 ? "narrow" : "few", GEOMETRY_MIN_SIDE);
    return resize(image, width, height, limits);
}

// The picture that a key of the configuration names, and the digest of its bytes. *image is the caller's to destroy in any case.
static enum status load_named(const char *key, const char *source, const struct config *config, struct image *image, char sha256[65])
{
    struct image_limits limits = limits_of(config);
    struct stat facts;
    void *bytes = NULL;
    size_t size = 0;
    int descriptor = -1;
    char shown[URL_SHOWN_MAX];
    enum status rc = STATUS_OK;
    *image = (struct image){0};
    limits.choice.alone = "";
    if (noise_is_named(source) && access(source, F_OK) != 0)
        TRY_OUT(fail(STATUS_USAGE, "noise is made as an input only: name a file or a URL"));
    if (intake_is_url(source) && (strstr(source, "//...@") || strstr(source, "?...") || strstr(source, ";...")))
        TRY_OUT(fail(STATUS_USAGE, "an address as a run shows it, without its user, password or query: give all of it"));
    if (intake_is_url(source))
        TRY_OUT(download(source, NULL, config, &descriptor)); // the output folder is not there yet
    else if (url_has_scheme(source) && access(source, F_OK) != 0)
        TRY_OUT(fail(STATUS_UNSUPPORTED, "of addresses only http and https ones are fetched"));
    else if (strcmp(url_shown(source, NULL, shown), source) != 0 && access(source, F_OK) != 0) // the system's words would name it in full
        TRY_OUT(fail(STATUS_USAGE, "no valid address, and no file of this name: an address begins with http:// or https://"));
    TRY_OUT(read_input(source, descriptor, config, &bytes, &size, &facts));
    TRY_OUT(bytes_sha256(bytes, size, sha256));
    rc = codec_decode(bytes, size, &limits, image);
    if (image->notice[0])
        log_info("%s %s: %s", key, url_shown(source, NULL, shown), image->notice);
out:
    if (descriptor >= 0)
        close(descriptor);
    free(bytes);
    return rc;
}

enum status load_guide(const struct config *config, struct image *image, char sha256[65])
{
    const struct image_limits limits = limits_of(config);
    char shown[URL_SHOWN_MAX];
    enum status rc = load_named("guide", config->guide, config, image, sha256);
    if (rc == STATUS_OK)
        rc = resize_guide(image, &limits);
    if (rc != STATUS_OK)
        image_destroy(image);
    return fail_in(rc, "guide %s", url_shown(config->guide, NULL, shown));
}

// Programs that paint keep what is painted in alpha, and white beneath.
static bool is_mask_in_alpha(const struct mask *mask, const struct image *image)
{
    bool white = true, opaque = true;
    for (size_t i = 0; i < mask_count(mask) && image->alpha && white; i++) {
        white = mask->values[i] == MASK_FULL;
        opaque = opaque && image->alpha[i] == image_alpha_max(image);
    }
    return white && !opaque;
}

// Programs of maps write 0 and 1, which are black and nearly black.
static void warn_of_black(const struct mask *mask, const char *shown, const struct image *image, bool feathered)
{
    enum { NEARLY = MASK_FULL / 16 };
    const int brightest = mask_brightest(mask), most = image->bits == 8 ? 255 : MASK_FULL;
    if (brightest == 0)
        log_warning("mask %s is black all over%s: dreams will be as their pictures", shown,
                    feathered ? ", or what is not is narrower than mask_feather" : "");
    else if (brightest < NEARLY)
        log_warning(
            "mask %s is nearly black all over, its brightest is %.3g of %d: dreams will be nearly as their pictures; bring its white "
            "to %d, as by gdal_translate -scale",
            shown, (double)brightest * most / MASK_FULL, most, most);
}

enum status load_mask(const struct config *config, struct mask *mask, char sha256[65])
{
    struct image image;
    char shown[URL_SHOWN_MAX];
    enum status rc;
    *mask = (struct mask){0};
    url_shown(config->mask, NULL, shown);
    TRY_OUT(load_named("mask", config->mask, config, &image, sha256));
    TRY_OUT(check_message(image.width, image.height));
    TRY_OUT(mask_create(mask, &image));
    if (is_mask_in_alpha(mask, &image))
        log_warning("mask %s is white all over, and its alpha does not count: paint black what is to stay as it is", shown);
    TRY_OUT(mask_feather(mask, config->mask_feather));
    warn_of_black(mask, shown, &image, config->mask_feather > 0);
out:
    image_destroy(&image);
    if (rc != STATUS_OK)
        mask_destroy(mask);
    return fail_in(rc, "mask %s", shown);
}

void load_begin(struct task *task, const struct intake_entry *entry)
{
    task->record.id = entry->id;
    snprintf(task->record.source, sizeof task->record.source, "%s", entry->shown);
    snprintf(task->name, sizeof task->name, "%s", entry->name);
}

// What was chosen of a raster; and its file, where the dream is written into that.
static void keep_raster(struct task *task, void **bytes, size_t size)
{
    struct image_raster *raster = &task->image.raster;
    struct image_row *record = &task->record;
    if (!raster->type.bits)
        return;
    record->bits = raster->type.bits;
    record->band_red = raster->bands[0] + 1;
    record->band_green = raster->bands[1] + 1;
    record->band_blue = raster->bands[2] + 1;
    record->range_low = raster->low;
    record->range_high = raster->high;
    if (raster->keeps_file) {
        raster->file = *bytes;
        raster->file_size = size;
        *bytes = NULL;
    }
}

// From the picture that an input holds to pixels as the dream begins with.
static enum status prepare(struct task *task, const struct config *config)
{
    const struct image_limits limits = limits_of(config);
    struct image_row *record = &task->record;
    int width = task->image.width, height = task->image.height;
    TRY(load_size(config, &width, &height));
    if (config->input.resize)
        TRY(resize(&task->image, width, height, &limits));
    record->width = width;
    record->height = height;
    record->bits = task->image.bits;
    return STATUS_OK;
}

// A picture that is refused: whether it would be read where damage is accepted, which costs another try. The message stays.
static enum status refuse(const void *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    struct image_limits accepting = *limits;
    char message[STATUS_MESSAGE_MAX];
    snprintf(message, sizeof message, "%s", status_message());
    accepting.choice.accepts_damage = accepting.choice.refused = true;
    const enum status rc = limits->choice.accepts_damage ? STATUS_FORMAT : codec_decode(bytes, size, &accepting, image);
    image_destroy(image);
    if (rc == STATUS_OK)
        image_notice(image, NOTICE_READABLE, "damaged; input.damaged: accept takes what is there");
    return fail(STATUS_FORMAT, "%s", message);
}

int64_t load_modified(const struct stat *facts)
{
    return (int64_t)facts->st_mtim.tv_sec * 1000000000 + facts->st_mtim.tv_nsec;
}

// `target`, `channel`: where it is a channel's dream.
static enum status parse_made(const char *source, const struct config *config, struct noise *noise, int *target, int *channel)
{
    *noise = (struct noise){.width = config->atlas.size, .height = config->atlas.size};
    return channel_input_is_named(source) ? channel_input_parse(source, config, target, channel) : noise_parse(source, noise);
}

// All channels begin with the same noise, and each has its own dream.
static enum status sha256_of_channel(struct task *task, const uint8_t *bytes, size_t size)
{
    char text[CONFIG_NAME_MAX + 32 + sizeof task->record.sha256], digest[sizeof task->record.sha256];
    TRY(bytes_sha256(bytes, size, digest));
    const int length = snprintf(text, sizeof text, "%d#%d %s", task->target, task->channel, digest);
    return bytes_sha256(text, (size_t)length, task->record.sha256);
}

// A picture of 8 bits, whose bytes are what a file would hold.
static enum status make_noise(struct task *task, const char *source, const struct config *config)
{
    const struct image_limits limits = limits_of(config);
    struct image_row *record = &task->record;
    struct noise noise;
    uint8_t *bytes = NULL;
    enum status rc;
    task->one_channel = channel_input_is_named(source);
    TRY_OUT(parse_made(source, config, &noise, &task->target, &task->channel));
    TRY_OUT(codec_check_size(&limits, (uint64_t)noise.width, (uint64_t)noise.height));
    TRY_OUT(image_create(&task->image, noise.width, noise.height));
    const size_t pixels = (size_t)noise.width * (size_t)noise.height;
    TRY_OUT(ALLOCATE(bytes, 3 * pixels, "for noise of %d x %d pixels", noise.width, noise.height));
    TRY_OUT(noise_make(&noise, config->seed, bytes));
    for (size_t i = 0; i < 3 * pixels && task->one_channel; i++) // a quarter of the contrast: what comes of it is not the noise's
        bytes[i] = (uint8_t)(96 + bytes[i] / 4);
    record->bytes = (int64_t)(3 * pixels);
    TRY_OUT(task->one_channel ? sha256_of_channel(task, bytes, 3 * pixels) : bytes_sha256(bytes, 3 * pixels, record->sha256));
    codec_from_bytes(bytes, pixels, task->image.rgb);
    rc = prepare(task, config);
out:
    free(bytes);
    return rc;
}

// Whether the file is a video, by its start.
static bool is_video(int descriptor)
{
    uint8_t start[VIDEO_PROBE_BYTES];
    const ssize_t got = pread(descriptor, start, sizeof start, 0);
    const struct signature *picture = got > 0 ? signature_find(start, (size_t)got) : NULL;
    return got > 0 && !(picture && picture->decode) && video_has_content(start, (size_t)got);
}

static enum status scan_video(struct task *task, const char *source, int download, int descriptor, const struct stat *facts,
                              const struct config *config, struct timing *timing)
{
    const struct image_limits limits = limits_of(config);
    struct image_row *record = &task->record;
    const double start = now();
    record->bytes = (int64_t)facts->st_size;
    if (download < 0)
        record->modified = load_modified(facts);
    TRY(file_sha256(descriptor, source, record->sha256));
    const double read = timing_add(timing, PHASE_FETCH, start, record->bytes);
    record->seconds_read += read - start;
    TRY(clip_source_create(&task->video, source, download, &limits));
    TRY(load_size(config, &task->video->width, &task->video->height));
    record->width = task->image.width = task->video->width;
    record->height = task->image.height = task->video->height;
    record->bits = task->image.bits = task->video->scan.facts.form.bits;
    record->seconds_decode = timing_add(timing, PHASE_DECODE, read, 0) - read;
    return STATUS_OK;
}

// *is: the input was a video, and is loaded, or failed to be.
static enum status load_video(struct task *task, const char *source, int download, const struct config *config, struct timing *timing,
                              bool *is)
{
    struct stat facts;
    int descriptor = download;
    if (task->job != JOB_DREAM)
        return STATUS_OK;
    if (download < 0)
        TRY(file_open(source, config->input.max_bytes, &descriptor, &facts));
    else if (fstat(download, &facts) != 0)
        return fail(STATUS_IO, "cannot read the download: %s", strerror(errno));
    *is = is_video(descriptor);
    const enum status rc = *is ? scan_video(task, source, download, descriptor, &facts, config, timing) : STATUS_OK;
    if (download < 0)
        close(descriptor);
    return rc;
}

enum status load_pixels(struct task *task, enum intake_kind kind, const char *source, int descriptor, const struct config *config,
                        struct timing *timing)
{
    struct image_limits limits;
    struct image_row *record = &task->record;
    void *bytes = NULL;
    size_t size = 0;
    struct stat facts;
    enum status rc;
    const double start = now();
    if (kind == INTAKE_NOISE) {
        rc = make_noise(task, source, config);
        record->seconds_decode = timing_add(timing, PHASE_DECODE, start, 0) - start;
        return rc;
    }
    timing->phases[PHASE_FETCH].seconds += record->seconds_read; // of the download
    bool video = false;
    rc = load_video(task, source, descriptor, config, timing, &video);
    if (rc != STATUS_OK || video)
        return rc;
    TRY_OUT(read_input(source, descriptor, config, &bytes, &size, &facts));
    if (descriptor < 0)
        record->modified = load_modified(&facts);
    record->bytes = (int64_t)size;
    TRY_OUT(bytes_sha256(bytes, size, record->sha256));
    const double read = timing_add(timing, PHASE_FETCH, start, (int64_t)size);
    record->seconds_read += read - start;
    TRY_OUT(choose(config, task->job, &limits));
    rc = codec_decode(bytes, size, &limits, &task->image);
    TRY_OUT(rc == STATUS_FORMAT ? refuse(bytes, size, &limits, &task->image) : rc);
    TRY_OUT(prepare(task, config));
    keep_raster(task, &bytes, size);
    record->seconds_decode = timing_add(timing, PHASE_DECODE, read, 0) - read;
out:
    free(bytes);
    return rc;
}

enum status load_header(const struct intake_entry *entry, const struct config *config, struct codec_header *header)
{
    struct image_limits limits;
    struct stat facts;
    struct noise noise;
    int descriptor, target, channel;
    TRY(choose(config, JOB_DREAM, &limits)); // a header is as large either way
    if (entry->status != STATUS_OK)
        return fail(entry->status, "%s", entry->error);
    if (entry->kind == INTAKE_NOISE) {
        TRY(parse_made(entry->source, config, &noise, &target, &channel));
        TRY(codec_check_size(&limits, (uint64_t)noise.width, (uint64_t)noise.height));
        *header = (struct codec_header){.width = noise.width, .height = noise.height, .bits = 8};
        return load_size(config, &header->width, &header->height);
    }
    TRY(file_open(entry->source, config->input.max_bytes, &descriptor, &facts));
    enum status rc = codec_probe(descriptor, (uint64_t)facts.st_size, &limits, header);
    if (rc == STATUS_OK)
        rc = load_size(config, &header->width, &header->height);
    close(descriptor);
    return rc;
}

enum status load_task(struct task *task, const struct intake_entry *entry, const struct config *config, const char *output,
                      struct timing *timing)
{
    int descriptor = -1;
    enum status rc;
    load_begin(task, entry);
    if (entry->status != STATUS_OK)
        return fail(entry->status, "%s", entry->error);
    if (entry->kind == INTAKE_URL) {
        const double start = now();
        TRY_OUT(download(entry->source, output, config, &descriptor));
        task->record.seconds_read = now() - start;
    }
    rc = load_pixels(task, entry->kind, entry->source, descriptor, config, timing);
out:
    if (descriptor >= 0)
        close(descriptor);
    return rc;
}
