// SPDX-License-Identifier: MIT
#include "weights/model_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/system/file.h"
#include "weights/formats/safetensors.h"
#include "weights/formats/torch_file.h"
#include "weights/formats/zip_file.h"
#include "weights/keras_reader.h"
#include "weights/keras_writer.h"
#include "weights/torch_layout.h"

static const uint64_t FILE_BYTES_MAX = (uint64_t)1 << 30;
enum { BEGIN_BYTES = 16 };

static const double imagenet_mean[] = {0.485, 0.456, 0.406}, imagenet_deviation[] = {0.229, 0.224, 0.225}; // of red, green and blue, 0..1

static enum status read_begin(const char *path, unsigned char begin[BEGIN_BYTES], size_t *size)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return fail(STATUS_IO, "%m");
    if (!S_ISREG(info.st_mode))
        return fail(STATUS_FORMAT, "not a regular file"); // a pipe would be waited for
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return fail(STATUS_IO, "%m");
    *size = fread(begin, 1, BEGIN_BYTES, stream);
    const enum status rc = ferror(stream) ? fail(STATUS_IO, "%m") : STATUS_OK;
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

enum status model_file_read(const char *path, const struct network *network, struct keras_model *model)
{
    struct keras_reader *reader = NULL;
    unsigned char begin[BEGIN_BYTES];
    size_t size = 0;
    TRY(fail_in(read_begin(path, begin, &size), "%s", path));
    if (size >= 4 && memcmp(begin, "PK\3\4", 4) == 0)
        return fail_in(read_zip(path, network, model), "%s", path);
    if (torch_legacy_begins(begin, size) || safetensors_begins(begin, size))
        return fail_in(read_torch(path, network, torch_legacy_begins(begin, size), model), "%s", path);
    if (size > 1 && begin[0] == 0x80 && begin[1] <= 5)
        return fail(STATUS_UNSUPPORTED, "%s: a pickle, but not as torch.save() writes it; no pickle is run", path);
    TRY(keras_open(&reader, path, network));
    return fail_in(read_keras(reader, model), "%s", path);
}

enum status model_file_import(const char *path, const struct model_import *import, const char *out_path)
{
    const struct network *network = network_inception_v3();
    struct keras_model model = {0};
    struct class_names *names = NULL;
    enum status rc;
    TRY_OUT(model_file_read(path, network, &model));
    if (import->classes) {
        TRY_OUT(ALLOCATE(names, 1, "for names of classes"));
        TRY_OUT(class_names_read(import->classes, names));
        TRY_OUT(fail_in(keras_model_name_classes(&model, names), "%s", import->classes));
    }
    if (import->normalised)
        keras_model_normalise(&model, network, imagenet_mean, imagenet_deviation);
    if (import->source)
        snprintf(model.source, sizeof model.source, "%s", import->source);
    else if (model.source[0] == '\0')
        snprintf(model.source, sizeof model.source, "imported from %.400s", path);
    rc = keras_write(out_path, network, &model);
out:
    free(names);
    keras_model_free(&model);
    return rc;
}
