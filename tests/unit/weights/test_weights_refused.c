// SPDX-License-Identifier: MIT
// Weights files that are damaged, lie, or are another network's: each is refused, by the layer's name where there is one.
#include <math.h>

#include "weights/weights.h"
#include "weights_reading.h"

static float values[3 * 3 * 96 * 96];

enum { NAME = FIXTURE_NAME };

#define KERNEL_5 "conv2d_5/conv2d_5/kernel:0"
#define MEAN_3 "batch_normalization_3/batch_normalization_3/moving_mean:0"

static void set_kernel_5(hid_t file, hid_t type, int rank, hsize_t a, hsize_t b, hsize_t c, hsize_t d)
{
    hsize_t dims[] = {a, b, c, d};
    fixture_set_dataset(file, KERNEL_5, type, rank, dims, H5P_DEFAULT, fixture.values[4].parts[KERAS_KERNEL]);
}

static void swap_shape(hid_t file)
{
    set_kernel_5(file, H5T_IEEE_F32LE, 4, 3, 3, 192, 80);
}

static void drop_rank(hid_t file)
{
    set_kernel_5(file, H5T_IEEE_F32LE, 3, 9, 80, 192, 0);
}

static void widen_type(hid_t file)
{
    set_kernel_5(file, H5T_IEEE_F64LE, 4, 3, 3, 80, 192);
}

static void make_integers(hid_t file)
{
    set_kernel_5(file, H5T_STD_I32LE, 4, 3, 3, 80, 192);
}

static void set_mean_3(hid_t file, float value)
{
    memcpy(values, fixture.values[2].parts[KERAS_MEAN], 64 * sizeof *values);
    values[63] = value;
    hdf5_set_values(file, MEAN_3, values);
}

static void put_nan(hid_t file)
{
    set_mean_3(file, NAN);
}

static void put_infinity(hid_t file)
{
    set_mean_3(file, -INFINITY);
}

static void overflow(hid_t file)
{
    hsize_t out = 64;
    set_mean_3(file, 3e38f);
    memset(values, 0, sizeof values);
    fixture_set_dataset(file, "batch_normalization_3/batch_normalization_3/moving_variance:0", H5T_IEEE_F32LE, 1, &out, H5P_DEFAULT,
                        values);
}

static void negate_variance(hid_t file)
{
    hsize_t out = 64;
    memset(values, 0, sizeof values);
    values[1] = -1e-6f;
    fixture_set_dataset(file, "batch_normalization_3/batch_normalization_3/moving_variance:0", H5T_IEEE_F32LE, 1, &out, H5P_DEFAULT,
                        values);
}

static void delete_group(hid_t file)
{
    H5Ldelete(file, "conv2d_17", H5P_DEFAULT);
}

static void delete_dataset(hid_t file)
{
    H5Ldelete(file, KERNEL_5, H5P_DEFAULT);
}

static void link_softly(hid_t file)
{
    H5Lmove(file, KERNEL_5, file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT_FATAL(H5Lcreate_soft("/elsewhere", file, KERNEL_5, H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void link_outside(hid_t file)
{
    H5Ldelete(file, KERNEL_5, H5P_DEFAULT);
    CU_ASSERT_FATAL(H5Lcreate_external("base.h5", "/" KERNEL_5, file, KERNEL_5, H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void link_group_outside(hid_t file)
{
    H5Ldelete(file, "conv2d_17", H5P_DEFAULT);
    CU_ASSERT_FATAL(H5Lcreate_external("base.h5", "/conv2d_17", file, "conv2d_17", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void link_in_a_circle(hid_t file)
{
    HDF5_HANDLE group = H5Gopen2(file, "conv2d_5", H5P_DEFAULT);
    H5Ldelete(group, "conv2d_5/kernel:0", H5P_DEFAULT);
    CU_ASSERT_FATAL(H5Lcreate_hard(file, "conv2d_5", group, "conv2d_5/kernel:0", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void set_kernel_5_stored(hid_t file, hid_t list)
{
    hsize_t dims[] = {3, 3, 80, 192};
    fixture_set_dataset(file, KERNEL_5, H5T_IEEE_F32LE, 4, dims, list, NULL);
    H5Pclose(list);
}

static void store_outside(hid_t file)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(list, "/etc/passwd", 0, 3 * 3 * 80 * 192 * 4);
    set_kernel_5_stored(file, list);
}

static void store_virtually(hid_t file)
{
    hsize_t dims[] = {3, 3, 80, 192};
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    HDF5_HANDLE space = H5Screate_simple(4, dims, NULL);
    CU_ASSERT_FATAL(H5Pset_virtual(list, space, "base.h5", "/" KERNEL_5, space) >= 0);
    set_kernel_5_stored(file, list);
}

static void never_write(hid_t file)
{
    set_kernel_5_stored(file, H5Pcreate(H5P_DATASET_CREATE));
}

static void never_write_chunks(hid_t file)
{
    hsize_t chunk[] = {3, 3, 80, 64};
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 4, chunk);
    set_kernel_5_stored(file, list);
}

static void enlarge_chunks(hid_t file)
{
    hsize_t dims[] = {3, 3, 80, 192}, chunk[] = {64, 64, 64, 256}, most[] = {H5S_UNLIMITED, H5S_UNLIMITED, H5S_UNLIMITED, H5S_UNLIMITED};
    H5Ldelete(file, KERNEL_5, H5P_DEFAULT);
    HDF5_HANDLE list = H5Pcreate(H5P_DATASET_CREATE);
    HDF5_HANDLE space = H5Screate_simple(4, dims, most);
    H5Pset_chunk(list, 4, chunk);
    HDF5_HANDLE dataset = H5Dcreate2(file, KERNEL_5, H5T_IEEE_F32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    CU_ASSERT_FATAL(dataset >= 0);
}

enum { KERNEL_5_VALUES = 3 * 3 * 80 * 192 };

// Deflated zeros, as a chunk of HDF5 has them.
static size_t deflate_zeros(hid_t file, hsize_t count, unsigned char *bytes, size_t room)
{
    hsize_t at = 0, size = 0;
    uint32_t skipped;
    float *zeros = calloc(count, sizeof *zeros);
    HDF5_HANDLE space = H5Screate_simple(1, &count, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 1, &count);
    H5Pset_deflate(list, 6);
    HDF5_HANDLE dataset = H5Dcreate2(file, "zeros", H5T_IEEE_F32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    CU_ASSERT_FATAL(zeros && H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros) >= 0);
    free(zeros);
    CU_ASSERT_FATAL(H5Dflush(dataset) >= 0 && H5Dget_chunk_storage_size(dataset, &at, &size) >= 0 && size <= room);
    CU_ASSERT_FATAL(H5Dread_chunk(dataset, H5P_DEFAULT, &at, &skipped, bytes) >= 0);
    return (size_t)size;
}

// The kernel as one chunk of these bytes, packed by these filters but those of `skipped`.
static void set_chunk(hid_t file, const H5Z_filter_t filters[2], uint32_t skipped, const void *bytes, size_t size)
{
    const hsize_t dims[] = {3, 3, 80, 192}, at[4] = {0};
    const unsigned level = 6;
    HDF5_HANDLE list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 4, dims);
    for (int i = 0; i < 2 && filters[i] > 0; i++)
        CU_ASSERT_FATAL(H5Pset_filter(list, filters[i], H5Z_FLAG_OPTIONAL, 1, &level) >= 0);
    fixture_set_dataset(file, KERNEL_5, H5T_IEEE_F32LE, 4, dims, list, NULL);
    HDF5_HANDLE dataset = H5Dopen2(file, KERNEL_5, H5P_DEFAULT);
    CU_ASSERT_FATAL(H5Dwrite_chunk(dataset, H5P_DEFAULT, skipped, at, size, bytes) >= 0);
}

// Deflated zeros of so many values, `more` bytes longer or shorter.
static void set_deflated(hid_t file, hsize_t count, int more)
{
    static unsigned char bytes[1 << 16];
    memset(bytes, 0, sizeof bytes);
    const size_t size = deflate_zeros(file, count, bytes, sizeof bytes - 16);
    set_chunk(file, (H5Z_filter_t[]){H5Z_FILTER_DEFLATE, 0}, 0, bytes, size + (size_t)more);
}

static void unpack_short(hid_t file)
{
    set_deflated(file, KERNEL_5_VALUES - 1, 0);
}

static void unpack_to_nearly_nothing(hid_t file)
{
    set_deflated(file, 3, 0);
}

static void unpack_long(hid_t file)
{
    set_deflated(file, KERNEL_5_VALUES + 1, 0);
}

static void unpack_a_bomb(hid_t file)
{
    set_deflated(file, 4 << 20, 0);
}

static void cut_chunk(hid_t file)
{
    set_deflated(file, KERNEL_5_VALUES, -5);
}

static void lengthen_chunk(hid_t file)
{
    set_deflated(file, KERNEL_5_VALUES, 5);
}

static void store_short(hid_t file)
{
    set_chunk(file, (H5Z_filter_t[]){H5Z_FILTER_DEFLATE, 0}, 1, "ten bytes", 10);
}

static void check_sum_of_nothing(hid_t file)
{
    set_chunk(file, (H5Z_filter_t[]){H5Z_FILTER_FLETCHER32, 0}, 0, "ten bytes", 10);
}

static void deflate_nothing(hid_t file)
{
    set_chunk(file, (H5Z_filter_t[]){H5Z_FILTER_DEFLATE, 0}, 0, "", 1);
}

static void deflate_too_much(hid_t file)
{
    static const char bytes[KERNEL_5_VALUES * 5];
    set_chunk(file, (H5Z_filter_t[]){H5Z_FILTER_DEFLATE, 0}, 0, bytes, sizeof bytes);
}

static void deflate_twice(hid_t file)
{
    set_chunk(file, (H5Z_filter_t[]){H5Z_FILTER_DEFLATE, H5Z_FILTER_DEFLATE}, 0, "", 1);
}

static void pack_by_lzf(hid_t file)
{
    set_chunk(file, (H5Z_filter_t[]){32000, 0}, 0, "", 1);
}

static void cut_into_crumbs(hid_t file)
{
    hsize_t chunk[] = {1, 1, 1, 1};
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 4, chunk);
    set_kernel_5_stored(file, list);
}

static void add_gamma(hid_t file)
{
    static const char names[4][NAME] = {"batch_normalization_3/gamma:0", "batch_normalization_3/beta:0",
                                        "batch_normalization_3/moving_mean:0", "batch_normalization_3/moving_variance:0"};
    fixture_set_weight_names(file, "batch_normalization_3", names[0], 4);
    HDF5_HANDLE group = H5Gopen2(file, "batch_normalization_3/batch_normalization_3", H5P_DEFAULT);
    CU_ASSERT_FATAL(H5Lcreate_hard(group, "beta:0", group, "gamma:0", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void add_bias(hid_t file)
{
    static const char names[2][NAME] = {"conv2d_5/kernel:0", "conv2d_5/bias:0"};
    fixture_set_weight_names(file, "conv2d_5", names[0], 2);
}

static void list_twice(hid_t file)
{
    static const char names[2][NAME] = {"conv2d_5/kernel:0", "conv2d_5/kernel:0"};
    fixture_set_weight_names(file, "conv2d_5", names[0], 2);
}

static void list_two_parts(hid_t file)
{
    static const char names[2][NAME] = {"batch_normalization_3/beta:0", "batch_normalization_3/moving_mean:0"};
    fixture_set_weight_names(file, "batch_normalization_3", names[0], 2);
}

static void list_nothing(hid_t file)
{
    HDF5_HANDLE group = H5Gopen2(file, "conv2d_5", H5P_DEFAULT);
    H5Adelete(group, "weight_names");
}

static void list_numbers(hid_t file)
{
    hsize_t count = 2;
    H5Adelete(file, "layer_names");
    HDF5_HANDLE space = H5Screate_simple(1, &count, NULL);
    H5Aclose(H5Acreate2(file, "layer_names", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT));
}

static void drop_names(hid_t file)
{
    H5Adelete(file, "layer_names");
}

static void skip_layer(hid_t file)
{
    fixture_list_layers(file, 17, NULL);
}

static void add_layer(hid_t file)
{
    fixture_list_layers(file, 0, "conv2d_95");
}

static void add_layer_twice(hid_t file)
{
    fixture_list_layers(file, 0, "conv2d_17");
}

static void list_many(hid_t file)
{
    static const char many[5000][8];
    fixture_set_strings(file, "layer_names", many[0], 8, 5000, 0);
}

static void list_long(hid_t file)
{
    static const char length[60000];
    fixture_set_strings(file, "layer_names", length, sizeof length, 1, 0);
}

static void list_variable(hid_t file)
{
    fixture_set_strings(file, "layer_names", KERAS_CONV "_1", sizeof KERAS_CONV "_1", 1, 1);
}

static void test_shape_and_type(void)
{
    check_refused(swap_shape, STATUS_FORMAT, "conv2d_5", "3 x 3 x 192 x 80");
    check_refused(drop_rank, STATUS_FORMAT, "conv2d_5", "9 x 80 x 192");
    check_refused(widen_type, STATUS_FORMAT, "conv2d_5", "float32");
    check_refused(make_integers, STATUS_FORMAT, "conv2d_5", "float32");
}

static void test_values(void)
{
    check_refused(put_nan, STATUS_FORMAT, "batch_normalization_3", "moving_mean: value 63 is not finite");
    check_refused(put_infinity, STATUS_FORMAT, "batch_normalization_3", "moving_mean: value 63 is not finite");
    check_refused(negate_variance, STATUS_FORMAT, "batch_normalization_3", "moving_variance: value 1 is negative");
    check_refused(overflow, STATUS_FORMAT, "conv2d_3", "not finite");
}

static void test_links(void)
{
    check_refused(link_softly, STATUS_FORMAT, "conv2d_5", "link");
    check_refused(link_outside, STATUS_FORMAT, "conv2d_5", "link");
    check_refused(link_group_outside, STATUS_FORMAT, "conv2d_17", "link");
    check_refused(link_in_a_circle, STATUS_FORMAT, "conv2d_5", "not a dataset");
}

static void test_storage(void)
{
    check_refused(store_outside, STATUS_FORMAT, "conv2d_5", "other files");
    check_refused(store_virtually, STATUS_FORMAT, "conv2d_5", "other files");
    check_refused(never_write, STATUS_FORMAT, "conv2d_5", "never written");
    check_refused(never_write_chunks, STATUS_FORMAT, "conv2d_5", "never written");
    check_refused(enlarge_chunks, STATUS_LIMIT, "conv2d_5", "chunks");
}

static void test_chunks(void)
{
    check_refused(unpack_short, STATUS_FORMAT, "conv2d_5", "a chunk is damaged: it does not unpack to its 552960 bytes");
    check_refused(unpack_to_nearly_nothing, STATUS_FORMAT, "conv2d_5", "does not unpack to its 552960 bytes");
    check_refused(unpack_long, STATUS_FORMAT, "conv2d_5", "does not unpack to its 552960 bytes");
    check_refused(unpack_a_bomb, STATUS_FORMAT, "conv2d_5", "does not unpack to its 552960 bytes");
    check_refused(cut_chunk, STATUS_FORMAT, "conv2d_5", "does not unpack to its 552960 bytes");
    check_refused(lengthen_chunk, STATUS_FORMAT, "conv2d_5", "does not unpack to its 552960 bytes");
    check_refused(store_short, STATUS_FORMAT, "conv2d_5", "it has 10 bytes, not 552960");
    check_refused(check_sum_of_nothing, STATUS_FORMAT, "conv2d_5", "it has 10 bytes, not 552964");
    check_refused(deflate_nothing, STATUS_FORMAT, "conv2d_5", "552960 bytes are not packed into 1");
    check_refused(deflate_too_much, STATUS_FORMAT, "conv2d_5", "552960 bytes are not packed into 691200");
    check_refused(deflate_twice, STATUS_UNSUPPORTED, "conv2d_5", "packed twice by HDF5's filter 1");
    check_refused(pack_by_lzf, STATUS_UNSUPPORTED, "conv2d_5", "HDF5's filter 32000, which is not read");
    check_refused(cut_into_crumbs, STATUS_LIMIT, "conv2d_5", "more than 4096 chunks");
}

static void test_missing(void)
{
    check_refused(delete_group, STATUS_FORMAT, "conv2d_17", "not in the file");
    check_refused(delete_dataset, STATUS_FORMAT, "conv2d_5", "not in the file");
    check_refused(skip_layer, STATUS_FORMAT, "conv2d_17", "missing");
    check_refused(list_two_parts, STATUS_FORMAT, "batch_normalization_3", "no moving_variance");
}

static void test_another_network(void)
{
    check_refused(add_gamma, STATUS_FORMAT, "batch_normalization_3", "gamma");
    check_refused(add_bias, STATUS_FORMAT, "conv2d_5", "bias");
    check_refused(list_twice, STATUS_FORMAT, "conv2d_5", "another network");
    check_refused(add_layer, STATUS_FORMAT, "conv2d_95", "one more");
    check_refused(add_layer_twice, STATUS_FORMAT, "conv2d_17", "one more");
}

static void test_attributes(void)
{
    check_refused(drop_names, STATUS_FORMAT, "layer_names", "no attribute");
    check_refused(list_nothing, STATUS_FORMAT, "conv2d_5", "no attribute weight_names");
    check_refused(list_numbers, STATUS_FORMAT, "layer_names", "not a list of strings");
    check_refused(list_many, STATUS_LIMIT, "layer_names", "5000 strings");
    check_refused(list_long, STATUS_LIMIT, "layer_names", "60000 bytes");
    check_refused(list_variable, STATUS_UNSUPPORTED, "layer_names", "variable length");
}

static void test_truncated(void)
{
    char path[FILE_PATH_MAX];
    struct stat status;
    fixture_copy(&fixture, "short.h5", path);
    CU_ASSERT_EQUAL_FATAL(stat(path, &status), 0);
    const off_t sizes[] = {status.st_size - 1, status.st_size / 2, 1 << 20, 4096, 2048, 512, 96, 9, 8, 1, 0};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        CU_ASSERT_EQUAL_FATAL(truncate(path, sizes[i]), 0);
        CU_ASSERT_EQUAL(read_weights(path), STATUS_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), sizes[i] >= 8 ? "not a whole HDF5 file" : "no weights that oneiros knows"));
    }
    remove(path);
}

// The tail is there, but holds zeros: what some file systems leave after a crash.
static void test_zeroed_tail(void)
{
    char path[FILE_PATH_MAX];
    struct stat status;
    fixture_copy(&fixture, "zeros.h5", path);
    CU_ASSERT_EQUAL_FATAL(stat(path, &status), 0);
    CU_ASSERT_EQUAL_FATAL(truncate(path, 1 << 20), 0);
    CU_ASSERT_EQUAL_FATAL(truncate(path, status.st_size), 0);
    CU_ASSERT_EQUAL(read_weights(path), STATUS_FORMAT);
    remove(path);
}

static void test_no_file(void)
{
    CU_ASSERT_EQUAL(read_weights("/nonexistent/weights.h5"), STATUS_IO);
    CU_ASSERT_EQUAL(read_weights(scratch), STATUS_FORMAT);
    CU_ASSERT_EQUAL(read_weights("/dev/zero"), STATUS_FORMAT);
    char path[FILE_PATH_MAX];
    UNIT_OK(file_join(path, scratch, "huge.h5"));
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(descriptor >= 0 && write(descriptor, "\x89HDF\r\n\x1a\n", 8) == 8 &&
                    ftruncate(descriptor, (off_t)1 << 33) == 0); // sparse
    close(descriptor);
    CU_ASSERT_EQUAL(read_weights(path), STATUS_LIMIT);
    remove(path);
}

static const struct unit_test tests[] = {
    {"make a file", test_set_up},
    {"shapes and types", test_shape_and_type},
    {"values", test_values},
    {"links", test_links},
    {"where values lie", test_storage},
    {"chunks that do not unpack to their size", test_chunks},
    {"missing layers and weights", test_missing},
    {"other networks", test_another_network},
    {"attributes", test_attributes},
    {"truncated files", test_truncated},
    {"a tail of zeros", test_zeroed_tail},
    {"no file, no regular file, too large a file", test_no_file},
    {"clean up", test_clean_up},
};

UNIT_MAIN("weights refused", tests)
