// SPDX-License-Identifier: MIT
#include "report/atlas/picture_again.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/config_fetch.h"
#include "common/net/url.h"
#include "common/picture/noise.h"
#include "common/picture/resample.h"
#include "common/system/file.h"
#include "common/system/stop_request.h"
#include "media/picture/codec.h"

static bool go_on(void *context, uint64_t done, uint64_t total)
{
    (void)context, (void)done, (void)total;
    return !stop_requested();
}

static enum status fetch(const char *url, const struct config *config, const char *folder, void **bytes, size_t *size)
{
    struct fetch_options options = config_fetch_options(config);
    char shown[URL_SHOWN_MAX];
    int descriptor = -1;
    enum status rc;
    options.progress = go_on;
    if (strstr(url, "//...@") || strstr(url, "?...") || strstr(url, ";...") || strcmp(url_shown(url, NULL, shown), url) != 0)
        return fail(STATUS_USAGE, "of this address the run file has no user, password or query");
    TRY_OUT(fetch_nameless(url, folder, &options, &descriptor));
    const off_t end = lseek(descriptor, 0, SEEK_END);
    TRY_OUT(end >= 0 && lseek(descriptor, 0, SEEK_SET) == 0 ? STATUS_OK : fail(STATUS_IO, "cannot read the download: %m"));
    rc = file_read_open(descriptor, "the download", (uint64_t)end, bytes, size);
out:
    if (descriptor >= 0)
        close(descriptor);
    return rc;
}

static enum status check_digest(const void *bytes, size_t size, const struct run_image *record)
{
    char digest[65];
    TRY(bytes_sha256(bytes, size, digest));
    return strcmp(digest, record->sha256) == 0 ? STATUS_OK : fail(STATUS_FORMAT, "it is another picture now");
}

// Its size stands in its name, and nobody else has looked at that in a file that may not be ours.
static enum status make_noise(const struct run_image *record, const struct config *config, const struct image_limits *limits,
                              struct image *image)
{
    struct noise noise;
    uint8_t *bytes = NULL;
    enum status rc;
    TRY(noise_parse(record->source, &noise));
    TRY(codec_check_size(limits, (uint64_t)noise.width, (uint64_t)noise.height));
    const size_t pixels = (size_t)noise.width * (size_t)noise.height;
    TRY_OUT(ALLOCATE(bytes, 3 * pixels, "for noise of %d x %d pixels", noise.width, noise.height));
    TRY_OUT(noise_make(&noise, config->seed, bytes));
    TRY_OUT(check_digest(bytes, 3 * pixels, record));
    TRY_OUT(image_create(image, noise.width, noise.height));
    codec_from_bytes(bytes, pixels, image->rgb);
out:
    free(bytes);
    return rc;
}

static enum status decode(const struct run_image *record, const struct config *config, const struct config *fetching, const char *folder,
                          struct image *image)
{
    struct image_limits limits = {.side = config->input.max_side, .pixels = config->input.max_pixels};
    void *bytes = NULL;
    size_t size = 0;
    enum status rc;
    TRY_OUT(image_choice_parse(&limits.choice, config->input.bands, config->input.range));
    limits.choice.accepts_damage = config->input.damaged == DAMAGED_ACCEPT;
    limits.choice.alone = "cut";
    if (noise_is_named(record->source))
        return make_noise(record, config, &limits, image);
    TRY_OUT(url_has_scheme(record->source) ? fetch(record->source, fetching, folder, &bytes, &size)
                                           : file_read(record->source, config->input.max_bytes, &bytes, &size));
    TRY_OUT(check_digest(bytes, size, record));
    rc = codec_decode(bytes, size, &limits, image);
out:
    free(bytes);
    return rc;
}

enum status picture_again(const struct run_image *record, const struct config *config, const struct config *fetching, const char *folder,
                          struct image *image)
{
    struct image decoded = {0};
    enum status rc;
    *image = (struct image){0};
    TRY_OUT(decode(record, config, fetching, folder, &decoded));
    TRY_OUT(image_create(image, record->width, record->height));
    rc = resample(decoded.rgb, 3, decoded.width, decoded.height, image->rgb, image->width, image->height);
out:
    image_destroy(&decoded);
    if (rc != STATUS_OK)
        image_destroy(image);
    return rc;
}
