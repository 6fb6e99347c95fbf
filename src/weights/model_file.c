// SPDX-License-Identifier: MIT
#include "weights/model_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/system/file.h"
#include "common/system/log.h"
#include "weights/formats/safetensors.h"
#include "weights/formats/torch_file.h"
#include "weights/formats/zip_file.h"
#include "weights/keras_reader.h"
#include "weights/keras_writer.h"
#include "weights/torch_layout.h"

static const uint64_t FILE_BYTES_MAX = (uint64_t)1 << 30;

static const double imagenet_mean[] = {0.485, 0.456, 0.406}, imagenet_deviation[] = {0.229, 0.224, 0.225}; // of red, green and blue, 0..1

enum { BEGIN_BYTES = 64 };

// How a file begins; and whether it is one of HDF5, whose signature may be behind a block of the user's.
struct begin {
    unsigned char bytes[BEGIN_BYTES];
    size_t size;
    bool hdf5;
};

static bool is_hdf5(FILE *stream)
{
    static const char signature[] = "\x89HDF\r\n\x1a\n";
    char bytes[sizeof signature - 1];
    for (long at = 0; fseek(stream, at, SEEK_SET) == 0 && fread(bytes, 1, sizeof bytes, stream) == sizeof bytes; at = at ? 2 * at : 512)
        if (memcmp(bytes, signature, sizeof bytes) == 0)
            return true;
    return false;
}

static enum status read_begin(const char *path, struct begin *begin)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return fail(STATUS_IO, "%m");
    if (S_ISDIR(info.st_mode))
        return fail(STATUS_FORMAT, "a folder; of that of a TensorFlow.js model `oneiros model import` makes a file");
    if (!S_ISREG(info.st_mode))
        return fail(STATUS_FORMAT, "not a regular file"); // a pipe would be waited for
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return fail(STATUS_IO, "%m");
    begin->size = fread(begin->bytes, 1, sizeof begin->bytes, stream);
    const enum status rc = ferror(stream) ? fail(STATUS_IO, "%m") : STATUS_OK;
    begin->hdf5 = rc == STATUS_OK && is_hdf5(stream);
    fclose(stream);
    return rc;
}

static enum status read_keras(struct keras_reader *reader, struct keras_model *model)
{
    const enum status rc = keras_read_model(reader, model);
    keras_close(&reader);
    return rc;
}

static enum status read_zip(const char *path, const struct network *network, struct keras_model *model)
{
    struct zip_file zip;
    struct stored_tensors tensors = {0};
    struct keras_reader *reader = NULL;
    enum status rc;
    const struct zip_entry *keras;
    TRY_OUT(zip_file_read(path, &zip));
    TRY_OUT(zip_file_find(&zip, "model.weights.h5", &keras));
    model->kind = keras ? "Keras 3" : "PyTorch";
    if (keras) {
        TRY_OUT(keras_open_bytes(&reader, keras->bytes, keras->size, network));
        rc = read_keras(reader, model);
    } else {
        TRY_OUT(torch_zip_read(&zip, &tensors));
        rc = torch_layout_model(&tensors, network, model);
    }
out:
    stored_tensors_free(&tensors);
    zip_file_free(&zip);
    return rc;
}

static enum status read_torch(const char *path, const struct network *network, bool legacy, struct keras_model *model)
{
    struct stored_tensors tensors = {0};
    void *bytes;
    size_t size;
    TRY(file_read(path, FILE_BYTES_MAX, &bytes, &size));
    enum status rc = legacy ? torch_legacy_read(bytes, size, &tensors) : safetensors_read(bytes, size, &tensors);
    if (rc == STATUS_OK)
        rc = torch_layout_model(&tensors, network, model);
    stored_tensors_free(&tensors);
    free(bytes);
    return rc;
}

static bool ends_in(const char *path, const char *ending)
{
    const size_t length = strlen(path), own = strlen(ending);
    return length > own && strcasecmp(path + length - own, ending) == 0;
}

static enum status read_any(const char *path, const struct begin *begin, const struct network *network, struct keras_model *model)
{
    const unsigned char *bytes = begin->bytes;
    const bool legacy = torch_legacy_begins(bytes, begin->size);
    struct keras_reader *reader = NULL;
    if (begin->size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0)
        return read_zip(path, network, model);
    if (begin->hdf5) {
        model->kind = "Keras's HDF5";
        TRY(keras_open(&reader, path, network));
        return read_keras(reader, model);
    }
    if (legacy || safetensors_begins(bytes, begin->size) || ends_in(path, ".safetensors")) {
        model->kind = legacy ? "PyTorch" : "safetensors";
        return read_torch(path, network, legacy, model);
    }
    if (begin->size > 1 && bytes[0] == 0x80 && bytes[1] <= 5)
        return fail(STATUS_UNSUPPORTED, "a pickle, but not as torch.save() writes it; no pickle is run");
    return fail(STATUS_FORMAT, "no weights that oneiros knows: " MODEL_FILE_KINDS);
}

enum status model_file_read(const char *path, const struct network *network, struct keras_model *model)
{
    struct begin begin = {0};
    enum status rc = read_begin(path, &begin);
    if (rc == STATUS_OK)
        rc = read_any(path, &begin, network, model);
    return fail_in(rc, "%s", path);
}

static enum status normalise(struct keras_model *model, const struct network *network)
{
    if (model->normalised)
        return fail(STATUS_USAGE, "--input imagenet is in this file already");
    keras_model_normalise(model, network, imagenet_mean, imagenet_deviation);
    model->normalised = true;
    return STATUS_OK;
}

enum status model_file_import(const char *path, const struct model_import *import, const char *out_path)
{
    const struct network *network = network_inception_v3();
    struct keras_model model = {0};
    struct class_names *names = NULL;
    char shown[64] = "no classifier";
    enum status rc;
    TRY_OUT(model_file_read(path, network, &model));
    if (import->classes) {
        TRY_OUT(ALLOCATE(names, 1, "for names of classes"));
        TRY_OUT(class_names_read(import->classes, names));
        TRY_OUT(fail_in(keras_model_name_classes(&model, names), "%s", import->classes));
    }
    if (import->normalised)
        TRY_OUT(fail_in(normalise(&model, network), "%s", path));
    if (import->source)
        snprintf(model.source, sizeof model.source, "%s", import->source);
    else if (model.source[0] == '\0')
        snprintf(model.source, sizeof model.source, "imported from %.400s", path);
    TRY_OUT(keras_write(out_path, network, &model));
    if (model.classes > 0)
        snprintf(shown, sizeof shown, "%d classes%s", model.classes, model.names ? " with names" : "");
    log_info("%s (%s) has %zu weights, %s%s; they are in %s", path, model.kind, keras_model_count(&model, network), shown,
             model.normalised ? ", and was shown pictures less ImageNet's mean" : "", out_path);
out:
    free(names);
    keras_model_free(&model);
    return rc;
}
