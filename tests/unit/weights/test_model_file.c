// SPDX-License-Identifier: MIT
// Files of weights by what they begin with: zips, also those that are none of ours; what a file of our own says besides the weights.
#include "weights/model_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "files.h"
#include "weights_fixture.h"

static char path[FILE_PATH_MAX];

struct entry {
    const char *name, *bytes;
    size_t size;
};

// `method`: "store" as PyTorch does, or "deflate".
static void make_zip(const char *method, const struct entry *entries, int count)
{
    struct archive *archive = archive_write_new();
    struct archive_entry *header = archive_entry_new();
    CU_ASSERT_FATAL(archive_write_set_format_zip(archive) == ARCHIVE_OK);
    CU_ASSERT_FATAL(archive_write_set_format_option(archive, "zip", "compression", method) == ARCHIVE_OK);
    CU_ASSERT_FATAL(archive_write_open_filename(archive, path) == ARCHIVE_OK);
    for (int i = 0; i < count; i++) {
        archive_entry_clear(header);
        archive_entry_set_pathname(header, entries[i].name);
        archive_entry_set_filetype(header, AE_IFREG);
        archive_entry_set_size(header, (int64_t)entries[i].size);
        CU_ASSERT_FATAL(archive_write_header(archive, header) == ARCHIVE_OK);
        CU_ASSERT_FATAL(archive_write_data(archive, entries[i].bytes, entries[i].size) == (la_ssize_t)entries[i].size);
    }
    archive_entry_free(header);
    archive_write_free(archive);
}

static void check_refused(enum status want, const char *words)
{
    struct keras_model model = {0};
    UNIT_FAILS(model_file_read(path, network_inception_v3(), &model), want, words);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), path));
    keras_model_free(&model);
}

static void check_zip(const char *bytes, size_t size, size_t values, enum status want, const char *words)
{
    static const char zeros[64];
    make_zip("store", (const struct entry[]){{"a/data.pkl", bytes, size}, {"a/data/7", zeros, values}}, values > 0 ? 2 : 1);
    check_refused(want, words);
}

// {"a": a tensor of 2 values, in the storage 7 of 4}
static const char pickle[] = "\x80\x02}X\1\0\0\0actorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"
                             "7X\3\0\0\0cpuK\4tQK\2K\2\x85K\1\x85\x89}tRs.";

static void test_zips(void)
{
    check_zip(pickle, sizeof pickle - 1, 16, STATUS_FORMAT, "it has no tensor Conv2d_1a_3x3.conv.weight; this is another network");
    check_zip(pickle, sizeof pickle - 1, 0, STATUS_FORMAT, "a: its values, data/7, are not in the file");
    check_zip(pickle, sizeof pickle - 1, 12, STATUS_FORMAT, "a: data/7 has 12 bytes, the pickle says 16");
    char beyond[sizeof pickle];
    memcpy(beyond, pickle, sizeof pickle);
    char *first = (char *)memmem(beyond, sizeof beyond, "tQK\2", 4) + 3;
    *first = 3; // of 4, and two are wanted
    check_zip(beyond, sizeof pickle - 1, 16, STATUS_FORMAT, "a reaches beyond the 16 bytes that are stored for it");
    make_zip("store", (const struct entry[]){{"a.txt", "x", 1}}, 1);
    check_refused(STATUS_FORMAT, "neither PyTorch's (no data.pkl) nor Keras's (no model.weights.h5)");
    make_zip("store", (const struct entry[]){{"a/data.pkl", pickle, 9}, {"a/byteorder", "big", 3}}, 2);
    check_refused(STATUS_UNSUPPORTED, "big-endian");
    make_zip("store", (const struct entry[]){{"a/data.pkl", pickle, 9}, {"a/byteorder", "big\n", 4}}, 2);
    check_refused(STATUS_UNSUPPORTED, "its byteorder is not 'little'");
    make_zip("store", (const struct entry[]){{"model.weights.h5", "x", 1}}, 1);
    check_refused(STATUS_FORMAT, "not a whole HDF5 file");
}

// What is there twice, so that one could be taken for the other.
static void test_twice(void)
{
    static const char zeros[16];
    static const struct entry pickle_entry = {"a/data.pkl", pickle, sizeof pickle - 1}, values = {"a/data/7", zeros, sizeof zeros};
    make_zip("store", (const struct entry[]){pickle_entry, {"b/data.pkl", "x", 1}, values}, 3);
    check_refused(STATUS_FORMAT, "it has two entries data.pkl");
    make_zip("store", (const struct entry[]){pickle_entry, values, values}, 3);
    check_refused(STATUS_FORMAT, "it has two entries data/7");
    make_zip("store", (const struct entry[]){{"model.weights.h5", "x", 1}, {"a/model.weights.h5", "x", 1}}, 2);
    check_refused(STATUS_FORMAT, "it has two entries model.weights.h5");
    // {"a": a tensor, "a": another}
    char twice[2 * sizeof pickle];
    const size_t head = 3, pair = sizeof pickle - 1 - head - 1; // without the end
    memcpy(twice, pickle, head + pair);
    memcpy(twice + head + pair, pickle + head, pair + 1);
    make_zip("store", (const struct entry[]){{"a/data.pkl", twice, head + 2 * pair + 1}, values}, 2);
    check_refused(STATUS_FORMAT, "it has two tensors a");
}

// As torch.save() wrote it before 1.6, with a storage of so many values under these keys.
static void make_legacy(const char *keys, size_t keys_size, int64_t count)
{
    static const char begin[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.", zeros[16];
    FILE *stream = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    fwrite(begin, 1, sizeof begin - 1, stream);
    fwrite(pickle, 1, sizeof pickle - 1, stream);
    fwrite(keys, 1, keys_size, stream);
    for (int i = 0; i < 2; i++) {
        fwrite(&count, 1, sizeof count, stream);
        fwrite(zeros, 1, sizeof zeros, stream);
    }
    CU_ASSERT_EQUAL(fclose(stream), 0);
}

static void test_legacy(void)
{
    static const char key[] = "](X\1\0\0\0007e.", keys[] = "](X\1\0\0\0007X\1\0\0\0007e.", other[] = "](X\1\0\0\0008e.";
    make_legacy(key, sizeof key - 1, 4);
    check_refused(STATUS_FORMAT, "it has no tensor Conv2d_1a_3x3.conv.weight; this is another network");
    make_legacy(key, sizeof key - 1, 999);
    check_refused(STATUS_FORMAT, "the values 7 are 999, the pickle says 4");
    make_legacy(key, sizeof key - 1, -1);
    check_refused(STATUS_FORMAT, "the values 7 are -1, the pickle says 4");
    make_legacy(keys, sizeof keys - 1, 4);
    check_refused(STATUS_FORMAT, "the values 7 are listed twice");
    make_legacy(other, sizeof other - 1, 4);
    check_refused(STATUS_UNSUPPORTED, "the values 8 are of no tensor");
}

static void test_bombs(void)
{
    enum { BYTES = 8 << 20 };
    char *zeros = calloc(1, BYTES);
    CU_ASSERT_PTR_NOT_NULL_FATAL(zeros);
    make_zip("deflate", (const struct entry[]){{"a/data.pkl", zeros, BYTES}}, 1);
    check_refused(STATUS_LIMIT, "a/data.pkl unpacks to more than the file has bytes");
    // Many names for little.
    struct entry *many = calloc(8300, sizeof *many);
    for (int i = 0; i < 8300; i++)
        many[i] = (struct entry){"a", "", 0};
    make_zip("store", many, 8300);
    check_refused(STATUS_LIMIT, "more than 8192 entries");
    free(many);
    make_zip("store", (const struct entry[]){{"a/data.pkl", zeros, BYTES}}, 1);
    CU_ASSERT_EQUAL(truncate(path, BYTES / 2), 0);
    check_refused(STATUS_FORMAT, "not a whole zip file");
    free(zeros);
}

static void test_others(void)
{
    write_text(path, "\x80\x03}q.");
    check_refused(STATUS_UNSUPPORTED, "no pickle is run");
    static const char *const others[] = {"neither", "", "\xff\xd8\xff\xe0", "\n<html>", "\x01\x02"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        write_text(path, others[i]);
        check_refused(STATUS_FORMAT, "no weights that oneiros knows: weights are taken from Keras's .h5");
    }
    write_text(path, "\x89HDF\r\n\x1a\n and no more");
    check_refused(STATUS_FORMAT, "not a whole HDF5 file");
    remove(path);
    check_refused(STATUS_IO, "No such file");
}

// A classifier of three classes with names, and pools that count their padding: written, read, imported again.
static void test_besides(void)
{
    const struct network *network = network_inception_v3();
    struct fixture fixture;
    struct keras_model model = {.count_padding = true, .source = "here"};
    struct weights_info info;
    char again[FILE_PATH_MAX], names[FILE_PATH_MAX];
    float *weights = malloc(parameters_count(network) * sizeof *weights);
    fixture_fill_values(&fixture, 3);
    model.convs = fixture.values;
    UNIT_OK(keras_model_add_top(&model, network, 3));
    for (int i = 0; i < 3 * 2048; i++)
        model.top[KERAS_TOP_KERNEL][i] = (float)i;
    model.top[KERAS_TOP_BIAS][1] = 5;
    UNIT_OK(keras_write(path, network, &model));
    UNIT_OK(weights_read(path, network, weights, &info));
    CU_ASSERT(info.classes == 3 && info.names.count == 0 && info.count_padding && parameters_count_padding(network, weights));
    CU_ASSERT(parameters_top_kernel(network, weights)[2048 + 7] == 22 && parameters_top_bias(network, weights)[1] == 5);
    UNIT_OK(file_join(again, scratch, "again.h5"));
    UNIT_OK(file_join(names, scratch, "names"));
    write_text(names, "a\nb\n");
    UNIT_FAILS(model_file_import(path, &(struct model_import){.classes = names}, again), STATUS_FORMAT,
               "there are 2 names of classes, and the classifier is for 3");
    write_text(names, "a\nb\nc, d\n");
    UNIT_OK(model_file_import(path, &(struct model_import){.classes = names, .source = "there"}, again));
    UNIT_OK(weights_read(again, network, weights, &info));
    CU_ASSERT(info.count_padding && info.names.count == 3 && strcmp(info.names.names[2], "c, d") == 0 && strcmp(info.source, "there") == 0);
    // What it was shown is kept, and taken in once.
    CU_ASSERT_FALSE(info.normalised);
    UNIT_OK(model_file_import(path, &(struct model_import){.normalised = true}, again));
    UNIT_OK(weights_read(again, network, weights, &info));
    CU_ASSERT(info.normalised);
    UNIT_FAILS(model_file_import(again, &(struct model_import){.normalised = true}, path), STATUS_USAGE,
               "imagenet is in this file already");
    UNIT_OK(model_file_import(again, &(struct model_import){.classes = names}, path));
    UNIT_OK(weights_read(path, network, weights, &info));
    CU_ASSERT(info.normalised);
    struct config config = {.objective = OBJECTIVE_CLASS, .class = "d"};
    char text[WEIGHTS_CLASS_MAX];
    UNIT_OK(weights_choose_class(&info, &config));
    CU_ASSERT_STRING_EQUAL(config.class, "2");
    weights_class_text(&info, &config, text);
    CU_ASSERT_STRING_EQUAL(text, "2: c, d");
    free(weights);
    keras_model_free(&model);
}

static const struct unit_test tests[] = {{"zips", test_zips},   {"twice", test_twice},   {"older files", test_legacy},
                                         {"bombs", test_bombs}, {"others", test_others}, {"what a file says besides", test_besides}};

int main(void)
{
    if (!scratch_create() || file_join(path, scratch, "file") != STATUS_OK)
        return 1;
    const int rc = unit_run("files of weights", tests, sizeof tests / sizeof tests[0]);
    scratch_remove();
    return rc;
}
