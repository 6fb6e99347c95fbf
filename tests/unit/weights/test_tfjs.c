// SPDX-License-Identifier: MIT
// TensorFlow.js models -> Keras files: every way of storing, plain and wrapped; malformed ones refused, and nothing left behind.
#include <jansson.h>

#include "files.h"
#include "tfjs_fixture.h"
#include "weights/keras_reader.h"
#include "weights/tfjs.h"

static struct model model;
static char plain[FILE_PATH_MAX], wrapped[FILE_PATH_MAX], out[FILE_PATH_MAX], manifest_path[FILE_PATH_MAX];

// Reads the converted file back and compares all values, bit by bit.
static void check_values(const char *path)
{
    const struct network *network = network_inception_v3();
    struct keras_reader *reader = NULL;
    float *values = malloc(sizeof(float) * 3 * 3 * 448 * 384); // the largest
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    UNIT_OK(keras_open(&reader, path, network));
    CU_ASSERT_STRING_EQUAL(keras_source(reader), "a test (MIT)");
    int wrong = 0;
    for (int conv = 0; conv < network->conv_count; conv++)
        for (enum keras_part part = 0; part < KERAS_PARTS; part++) {
            struct keras_shape shape = keras_shape(network, conv, part);
            UNIT_OK(keras_read(reader, conv, part, values));
            wrong += memcmp(values, model.fixture.values[conv].parts[part], keras_count(&shape) * sizeof *values) != 0;
        }
    CU_ASSERT_EQUAL(wrong, 0);
    keras_close(&reader);
    free(values);
}

static void test_set_up(void)
{
    CU_ASSERT_FATAL(scratch_create());
    UNIT_OK(file_join(plain, scratch, "plain"));
    UNIT_OK(file_join(wrapped, scratch, "wrapped"));
    UNIT_OK(file_join(out, scratch, "out.h5"));
    UNIT_OK(file_join(manifest_path, plain, "model.json"));
    model_create(&model, 95, 189);
    model_write(&model, plain, false);
    model_write(&model, wrapped, true);
}

static void test_clean_up(void)
{
    model_destroy(&model);
    scratch_remove();
}

static void test_plain(void)
{
    UNIT_OK(tfjs_import(plain, "a test (MIT)", out));
    check_values(out);
}

static void test_wrapped(void)
{
    char first[33], second[33];
    UNIT_OK(file_md5(out, first));
    UNIT_OK(tfjs_import(wrapped, "a test (MIT)", out));
    check_values(out);
    UNIT_OK(file_md5(out, second));
    CU_ASSERT_STRING_EQUAL(first, second);
    remove(out);
}

static void check_import_refused(const char *folder, enum status want, const char *reason)
{
    int before = count_files(scratch);
    enum status rc = tfjs_import(folder, "a test", out);
    CU_ASSERT_EQUAL(rc, want);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), reason));
    if (rc != want || !strstr(status_message(), reason))
        printf("\n  status %d: %s\n", (int)rc, status_message());
    CU_ASSERT_EQUAL(count_files(scratch), before); // neither the file nor one aside
}

// Changes the plain folder's manifest for the time of one import.
static void check_refused(void (*change)(json_t *root, json_t *group, json_t *weights), enum status want, const char *reason)
{
    json_t *root = json_load_file(manifest_path, 0, NULL), *whole = json_deep_copy(root);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    json_t *group = json_array_get(json_object_get(root, "weightsManifest"), 0);
    change(root, group, json_object_get(group, "weights"));
    CU_ASSERT_EQUAL(json_dump_file(root, manifest_path, 0), 0);
    check_import_refused(plain, want, reason);
    CU_ASSERT_EQUAL(json_dump_file(whole, manifest_path, JSON_REAL_PRECISION(17)), 0);
    json_decref(root);
    json_decref(whole);
}

static json_t *find_weight(json_t *weights, const char *name)
{
    for (size_t i = 0; i < json_array_size(weights); i++)
        if (strcmp(json_string_value(json_object_get(json_array_get(weights, i), "name")), name) == 0)
            return json_array_get(weights, i);
    CU_FAIL_FATAL("the fixture has no such weight");
    return NULL;
}

#define CHANGE(name)                                                                                                                       \
    static void name(__attribute__((unused)) json_t *root, __attribute__((unused)) json_t *group, __attribute__((unused)) json_t *weights)

CHANGE(drop_manifest)
{
    json_object_del(root, "weightsManifest");
}
CHANGE(manifest_is_text)
{
    json_object_set_new(root, "weightsManifest", json_string("[]"));
}
CHANGE(group_is_number)
{
    json_array_set_new(json_object_get(root, "weightsManifest"), 0, json_integer(1));
}
CHANGE(many_groups)
{
    json_t *list = json_object_get(root, "weightsManifest");
    while (json_array_size(list) < 65)
        json_array_append(list, group);
}
CHANGE(leave_folder)
{
    json_array_set_new(json_object_get(group, "paths"), 1, json_string("../plain/shard1"));
}
CHANGE(parent)
{
    json_array_set_new(json_object_get(group, "paths"), 1, json_string(".."));
}
CHANGE(absolute)
{
    json_array_set_new(json_object_get(group, "paths"), 1, json_string("/etc/passwd"));
}
CHANGE(path_is_null)
{
    json_array_set_new(json_object_get(group, "paths"), 1, json_null());
}
CHANGE(drop_path)
{
    json_array_remove(json_object_get(group, "paths"), 1);
}
CHANGE(repeat_path)
{
    json_array_append_new(json_object_get(group, "paths"), json_string("shard0"));
}
CHANGE(missing_shard)
{
    json_array_set_new(json_object_get(group, "paths"), 1, json_string("nothing"));
}
CHANGE(drop_weight)
{
    json_array_remove(weights, json_array_size(weights) - 1);
}
CHANGE(rename_to_head)
{
    json_object_set_new(find_weight(weights, "conv2d_100/kernel"), "name", json_string("dense_9/kernel"));
}
CHANGE(rename_to_gamma)
{
    json_object_set_new(find_weight(weights, "batch_normalization_200/beta"), "name", json_string("batch_normalization_200/gamma"));
}
CHANGE(rename_to_twice)
{
    json_object_set_new(find_weight(weights, "batch_normalization_190/beta"), "name", json_string("batch_normalization_189/beta"));
}
CHANGE(rename_to_one_more)
{
    json_object_set_new(find_weight(weights, "conv2d_100/kernel"), "name", json_string("conv2d_189/kernel"));
}
CHANGE(no_name)
{
    json_object_del(find_weight(weights, "conv2d_100/kernel"), "name");
}
CHANGE(turn_shape)
{
    json_object_set_new(find_weight(weights, "conv2d_99/kernel"), "shape", json_pack("[i,i,i,i]", 3, 3, 192, 80));
}
CHANGE(huge_shape)
{
    json_object_set_new(find_weight(weights, "conv2d_99/kernel"), "shape", json_pack("[I,I,I]", 1LL << 40, 1LL << 40, 1LL << 40));
}
CHANGE(large_shapes)
{
    for (size_t i = 0; i < json_array_size(weights); i++)
        json_object_set_new(json_array_get(weights, i), "shape", json_pack("[I]", 1LL << 28));
}
CHANGE(negative_shape)
{
    json_object_set_new(find_weight(weights, "conv2d_99/kernel"), "shape", json_pack("[i,i]", -3, -3));
}
CHANGE(many_dimensions)
{
    json_object_set_new(find_weight(weights, "conv2d_99/kernel"), "shape", json_pack("[i,i,i,i,i]", 1, 3, 3, 80, 192));
}
CHANGE(other_type)
{
    json_object_set_new(find_weight(weights, "batch_normalization_200/beta"), "dtype", json_string("int32"));
}
CHANGE(unknown_type)
{
    json_object_set_new(find_weight(weights, "batch_normalization_200/beta"), "dtype", json_string("complex64"));
}
CHANGE(no_scale)
{
    json_object_del(json_object_get(find_weight(weights, "conv2d_95/kernel"), "quantization"), "scale");
}
CHANGE(scale_is_text)
{
    json_object_set_new(json_object_get(find_weight(weights, "conv2d_95/kernel"), "quantization"), "scale", json_string("1"));
}
CHANGE(huge_scale)
{
    json_object_set_new(json_object_get(find_weight(weights, "conv2d_95/kernel"), "quantization"), "scale", json_real(1e300));
}
CHANGE(negative_variance)
{
    json_object_set_new(json_object_get(find_weight(weights, "batch_normalization_191/moving_variance"), "quantization"), "min",
                        json_real(-1));
}

static void test_manifest(void)
{
    check_refused(drop_manifest, STATUS_FORMAT, "weightsManifest");
    check_refused(manifest_is_text, STATUS_FORMAT, "weightsManifest");
    check_refused(group_is_number, STATUS_FORMAT, "paths");
    check_refused(many_groups, STATUS_FORMAT, "64 groups");
    check_refused(no_name, STATUS_FORMAT, "must have a name");
    check_refused(huge_shape, STATUS_FORMAT, "conv2d_99/kernel: shape[0]");
    check_refused(large_shapes, STATUS_LIMIT, "more than");
    check_refused(negative_shape, STATUS_FORMAT, "conv2d_99/kernel: shape[0]");
    check_refused(unknown_type, STATUS_UNSUPPORTED, "batch_normalization_200/beta: dtype");
    check_refused(no_scale, STATUS_FORMAT, "conv2d_95/kernel: quantization");
    check_refused(scale_is_text, STATUS_FORMAT, "conv2d_95/kernel: quantization");
}

static void test_paths(void)
{
    check_refused(leave_folder, STATUS_FORMAT, "paths[1]");
    check_refused(parent, STATUS_FORMAT, "paths[1]");
    check_refused(absolute, STATUS_FORMAT, "paths[1]");
    check_refused(path_is_null, STATUS_FORMAT, "paths[1]");
    check_refused(missing_shard, STATUS_IO, "nothing");
    check_refused(drop_path, STATUS_FORMAT, "the shards hold");
    check_refused(repeat_path, STATUS_LIMIT, "shard0");
    check_refused(drop_weight, STATUS_LIMIT, "shard");
}

static void test_network(void)
{
    check_refused(rename_to_head, STATUS_FORMAT, "conv2d_100/kernel is missing");
    check_refused(rename_to_gamma, STATUS_FORMAT, "batch_normalization_200/gamma");
    check_refused(rename_to_twice, STATUS_FORMAT, "batch_normalization_189/beta: there twice");
    check_refused(rename_to_one_more, STATUS_FORMAT, "conv2d_189/kernel");
    check_refused(turn_shape, STATUS_FORMAT, "conv2d_99/kernel: shape 3 x 3 x 192 x 80");
    check_refused(many_dimensions, STATUS_FORMAT, "conv2d_99/kernel: shape of many dimensions");
    check_refused(other_type, STATUS_FORMAT, "batch_normalization_200/beta: not of a floating type");
    check_refused(huge_scale, STATUS_FORMAT, "conv2d_95/kernel: kernel: value");
    check_refused(negative_variance, STATUS_FORMAT, "batch_normalization_191/moving_variance: moving_variance: value");
}

static void write_module(const char *folder, const char *name, const char *text)
{
    char path[FILE_PATH_MAX];
    UNIT_OK(file_join(path, folder, name));
    write_text(path, text);
}

static void test_no_json(void)
{
    char folder[FILE_PATH_MAX];
    UNIT_OK(file_join(folder, scratch, "bad"));
    check_import_refused(folder, STATUS_IO, "neither model.json nor model.min.js");
    UNIT_OK(file_make_folder(folder));
    write_module(folder, "model.min.js", "module.exports=function(){}");
    check_import_refused(folder, STATUS_FORMAT, "model.min.js: no module.exports");
    write_module(folder, "model.min.js", "module.exports={weightsManifest:[alert(1)]}");
    check_import_refused(folder, STATUS_FORMAT, "model.min.js: offset 18");
    write_module(folder, "model.json", "{\"weightsManifest\":[");
    check_import_refused(folder, STATUS_FORMAT, "model.json: line 1");
    write_module(folder, "model.json", "{\"a\":1,\"a\":2}");
    check_import_refused(folder, STATUS_FORMAT, "duplicate");
    write_module(folder, "model.json", "[]");
    check_import_refused(folder, STATUS_FORMAT, "weightsManifest");
}

// The last, because it spoils the folder.
static void test_wrapped_shards(void)
{
    write_module(wrapped, "shard1.min.js", "module.exports=\"****\"");
    check_import_refused(wrapped, STATUS_FORMAT, "shard1.min.js: it exports no base64");
    write_module(wrapped, "shard1.min.js", "module.exports=\"AAA\"");
    check_import_refused(wrapped, STATUS_FORMAT, "shard1.min.js: base64 of 3");
    write_module(wrapped, "shard1.min.js", "module.exports=\"AAAA\"");
    check_import_refused(wrapped, STATUS_FORMAT, "the shards hold");
    write_module(wrapped, "shard1.min.js", "module.exports={}");
    check_import_refused(wrapped, STATUS_FORMAT, "shard1.min.js: it exports no string");
}

static const struct unit_test tests[] = {
    {"make models", test_set_up},
    {"plain files, all ways of storing", test_plain},
    {"wrapped as modules: the same bytes", test_wrapped},
    {"malformed manifests", test_manifest},
    {"shards and their names", test_paths},
    {"other networks", test_network},
    {"no JSON", test_no_json},
    {"malformed modules", test_wrapped_shards},
    {"clean up", test_clean_up},
};
UNIT_MAIN("tfjs", tests)
