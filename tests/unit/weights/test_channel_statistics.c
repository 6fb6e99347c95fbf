// SPDX-License-Identifier: MIT
// Files of what channels answer to ordinary pictures: written, found and read; those that are not what they should be are refused.
#include "weights/channel_statistics.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "common/hdf5/hdf5_attributes.h"
#include "hdf5_look.h"
#include "kernels/network/parameters.h"
#include "scratch.h"
#include "weights_given.h"

static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char other[] = "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const struct statistics_info info = {.pictures = 17, .side = 299};
static float *statistics, *found;
static size_t count;

static void set_up(void)
{
    const struct network *network = network_inception_v3();
    count = statistics_count(network);
    statistics = malloc(count * sizeof *statistics);
    found = malloc(count * sizeof *found);
    CU_ASSERT_FATAL(statistics && found && scratch_create());
    for (size_t i = 0; i < count; i++)
        statistics[i] = (float)(i % 1009) * 1.37f;
    statistics_complete(network, statistics);
}

static void clean_up(void)
{
    free(statistics);
    free(found);
    scratch_remove();
}

static void write_as(const char *name, char path[FILE_PATH_MAX])
{
    UNIT_OK(file_join(path, scratch, name));
    UNIT_OK(statistics_write(path, digest, statistics, &info));
}

static void test_layout(void)
{
    const struct network *network = network_inception_v3();
    const int mixed3 = network_find(network, "mixed3");
    size_t wanted = 0;
    for (int row = 1; row < network->layer_count; row++) {
        for (enum channel_statistic s = 0; s < CHANNEL_STATISTICS; s++) {
            CU_ASSERT_EQUAL(statistics_start(network, row, s), wanted);
            wanted += (size_t)network->layers[row].channels;
        }
    }
    CU_ASSERT_EQUAL(count, wanted);
    // channel 480 of mixed3 is channel 96 of its second input, which has 96 less
    const struct layer *layer = &network->layers[mixed3];
    const int before = network->layers[layer->inputs[0]].channels;
    for (enum channel_statistic s = 0; s < CHANNEL_STATISTICS; s++)
        CU_ASSERT_EQUAL(statistics[statistics_start(network, mixed3, s) + (size_t)before + 5],
                        statistics[statistics_start(network, layer->inputs[1], s) + 5]);
}

static void test_round_trip(void)
{
    char path[FILE_PATH_MAX], again[FILE_PATH_MAX];
    struct statistics_info read = {0};
    void *bytes, *bytes_again;
    size_t size, size_again;
    double worst = 0;
    write_as("first.h5", path);
    UNIT_OK(statistics_read(path, digest, found, &read));
    CU_ASSERT(read.pictures == 17 && read.side == 299 && strlen(read.sha256) == 64);
    for (size_t i = 0; i < count; i++)
        worst = fmax(worst, fabs((double)found[i] - (double)statistics[i]) - ldexp((double)statistics[i], -12));
    CU_ASSERT(worst <= 0); // to 12 bits, and mixed layers are filled in
    write_as("again.h5", again);
    UNIT_OK(file_read(path, 1 << 24, &bytes, &size));
    UNIT_OK(file_read(again, 1 << 24, &bytes_again, &size_again));
    CU_ASSERT(size == size_again && memcmp(bytes, bytes_again, size) == 0);
    free(bytes);
    free(bytes_again);
}

static void test_found(void)
{
    char path[FILE_PATH_MAX], made[FILE_PATH_MAX], folder[FILE_PATH_MAX], mine[FILE_PATH_MAX];
    setenv("XDG_CACHE_HOME", scratch, 1);
    unsetenv("ONEIROS_CONFIG_DIR");
    CU_ASSERT_EQUAL(statistics_find(other, "auto", path), STATUS_USAGE);
    CU_ASSERT(strstr(status_message(), "oneiros model statistics PICTURES") && strstr(status_message(), "1123456789abcdef"));
    CU_ASSERT_EQUAL(statistics_find(other, "my own.h5", path), STATUS_USAGE); // as a shell takes it
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "`oneiros model statistics -s model.path='my own.h5' PICTURES`"));
    CU_ASSERT_FALSE(statistics_are_shipped(other, path));
    CU_ASSERT_TRUE(statistics_are_shipped("da81ea6015e613c7, and so on", path));
    UNIT_OK(statistics_cache_path(digest, made));
    UNIT_OK(file_join(folder, scratch, "oneiros"));
    UNIT_OK(file_make_folder(folder));
    UNIT_OK(statistics_write(made, digest, statistics, &info));
    UNIT_OK(statistics_find(digest, "auto", path));
    CU_ASSERT_STRING_EQUAL(path, made);
    setenv("ONEIROS_CONFIG_DIR", scratch, 1); // before what the cache has
    UNIT_OK(file_join(folder, scratch, "statistics"));
    UNIT_OK(file_make_folder(folder));
    UNIT_OK(file_join(mine, folder, "0123456789abcdef.h5"));
    UNIT_OK(statistics_write(mine, digest, statistics, &info));
    UNIT_OK(statistics_find(digest, "auto", path));
    CU_ASSERT_STRING_EQUAL(path, mine);
    unsetenv("ONEIROS_CONFIG_DIR");
}

// Neither the classifier nor what is in its place counts.
static void test_digest(void)
{
    const struct network *network = network_inception_v3();
    float *weights = weights_random(network, 5);
    char first[65], second[65];
    UNIT_OK(statistics_digest(weights, first));
    weights[parameters_count(network) - 2] += 1;
    UNIT_OK(statistics_digest(weights, second));
    CU_ASSERT_STRING_EQUAL(first, second);
    parameters_set_count_padding(network, weights, true);
    UNIT_OK(statistics_digest(weights, second));
    CU_ASSERT(strcmp(first, second) != 0);
    parameters_set_count_padding(network, weights, false);
    weights[parameters_top_kernel_start(network) - 1] += 1;
    UNIT_OK(statistics_digest(weights, second));
    CU_ASSERT(strcmp(first, second) != 0);
    free(weights);
}

static void set_value(hid_t file, float value)
{
    hsize_t size[3];
    float *values = hdf5_values(file, "mean_square", H5T_NATIVE_FLOAT, size);
    values[7] = value;
    hdf5_set_values(file, "mean_square", values);
    free(values);
}

static void put_nan(hid_t file)
{
    set_value(file, NAN);
}

static void put_negative(hid_t file)
{
    set_value(file, -1e-6f);
}

static void drop(hid_t file)
{
    H5Ldelete(file, "picture_mean", H5P_DEFAULT);
}

static void link_outside(hid_t file)
{
    H5Ldelete(file, "mean", H5P_DEFAULT);
    H5Lcreate_external("first.h5", "/mean", file, "mean", H5P_DEFAULT, H5P_DEFAULT);
}

static void put_dataset(hid_t file, hid_t type, hsize_t values)
{
    H5Ldelete(file, "mean", H5P_DEFAULT);
    HDF5_HANDLE space = H5Screate_simple(1, &values, NULL);
    HDF5_HANDLE dataset = H5Dcreate2(file, "mean", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT(dataset >= 0);
}

static void shorten(hid_t file)
{
    put_dataset(file, H5T_IEEE_F32LE, 100);
}

static hsize_t stored(hid_t file)
{
    hsize_t size[3];
    free(hdf5_values(file, "mean_square", H5T_NATIVE_FLOAT, size));
    return size[0];
}

static void widen(hid_t file)
{
    put_dataset(file, H5T_IEEE_F64LE, stored(file));
}

static void leave_unwritten(hid_t file)
{
    put_dataset(file, H5T_IEEE_F32LE, stored(file));
}

static void change_format(hid_t file)
{
    hdf5_set_integer(file, "format", 2);
}

static void change_side(hid_t file)
{
    hdf5_set_integer(file, "side", 40);
}

static void count_one_picture(hid_t file)
{
    hdf5_set_integer(file, "pictures", 1);
}

static void rename_layers(hid_t file)
{
    char names[200][32] = {"conv2d_1", "something"};
    H5Adelete(file, "layers");
    CU_ASSERT(hdf5_add_fixed_texts(file, "layers", names[0], 32, 200) >= 0);
}

static void change_digest(hid_t file)
{
    H5Adelete(file, "weights_sha256");
    CU_ASSERT(hdf5_add_fixed_texts(file, "weights_sha256", other, 64, 1) >= 0);
}

static void test_refused(void)
{
    static const struct {
        void (*change)(hid_t file);
        const char *says;
    } cases[] = {
        {put_nan, "negative or not finite"},      {put_negative, "negative or not finite"}, {drop, "picture_mean is not in the file"},
        {link_outside, "links are not followed"}, {shorten, "one value for each of"},       {widen, "not float32"},
        {leave_unwritten, "never written"},       {change_format, "in format 1"},           {change_side, "of which size"},
        {count_one_picture, "of which size"},     {rename_layers, "another network"},       {change_digest, "of other weights"},
    };
    char path[FILE_PATH_MAX];
    struct statistics_info read;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_as("changed.h5", path);
        hdf5_change(path, cases[i].change);
        const enum status rc = statistics_read(path, digest, found, &read);
        CU_ASSERT(rc == STATUS_FORMAT && strstr(status_message(), cases[i].says) && strstr(status_message(), "changed.h5"));
        if (rc != STATUS_FORMAT || !strstr(status_message(), cases[i].says))
            printf("\n  %zu: status %d: %s\n", i, (int)rc, status_message());
        CU_ASSERT(remove(path) == 0);
    }
}

static void test_no_file(void)
{
    char path[FILE_PATH_MAX];
    struct statistics_info read;
    UNIT_OK(file_join(path, scratch, "text.h5"));
    FILE *file = fopen(path, "w");
    CU_ASSERT_FATAL(file != NULL);
    fputs("not HDF5", file);
    fclose(file);
    CU_ASSERT_EQUAL(statistics_read(path, digest, found, &read), STATUS_FORMAT);
    CU_ASSERT_EQUAL(statistics_read(scratch, digest, found, &read), STATUS_IO);
    CU_ASSERT_EQUAL(truncate(path, (off_t)1 << 30), 0);
    CU_ASSERT_EQUAL(statistics_read(path, digest, found, &read), STATUS_LIMIT);
    CU_ASSERT_EQUAL(remove(path), 0);
    CU_ASSERT_EQUAL(statistics_read(path, digest, found, &read), STATUS_IO);
}

// Every file that is cut short is refused, and no other crash.
static void test_cut(void)
{
    char path[FILE_PATH_MAX];
    struct statistics_info read;
    void *bytes;
    size_t size;
    write_as("whole.h5", path);
    UNIT_OK(file_read(path, 1 << 24, &bytes, &size));
    free(bytes);
    for (size_t length = 0; length < size; length += size / 13 + 1) {
        write_as("whole.h5", path);
        CU_ASSERT_EQUAL(truncate(path, (off_t)length), 0);
        CU_ASSERT(statistics_read(path, digest, found, &read) != STATUS_OK);
    }
}

struct swap {
    char paths[2][FILE_PATH_MAX], aside[FILE_PATH_MAX], path[FILE_PATH_MAX];
    atomic_bool end;
};

// One file, then the other, in the same place, as `oneiros model statistics --force` puts it there.
static void *replace(void *context)
{
    enum { PAUSE = 500 }; // microseconds, a fraction of what a file takes to be read
    struct swap *swap = context;
    for (int i = 0; !swap->end; i++) {
        (void)unlink(swap->aside);
        if (link(swap->paths[i % 2], swap->aside) != 0 || rename(swap->aside, swap->path) != 0)
            return context;
        usleep(PAUSE);
    }
    return NULL;
}

// The digest is that of the file whose values were read, also where another one takes its place.
static void test_replaced(void)
{
    enum { READS = 20 };
    static struct swap swap;
    struct statistics_info read;
    char sha256[2][65];
    float first[2];
    pthread_t thread;
    void *failed;
    for (int i = 0; i < 2; i++) {
        statistics[0] = (float)(1 + i);
        write_as(i ? "second.h5" : "one.h5", swap.paths[i]);
        UNIT_OK(statistics_read(swap.paths[i], digest, found, &read));
        strcpy(sha256[i], read.sha256);
        first[i] = found[0];
    }
    CU_ASSERT(strcmp(sha256[0], sha256[1]) != 0 && first[0] != first[1]);
    write_as("swapped.h5", swap.path);
    UNIT_OK(file_join(swap.aside, scratch, "aside.h5"));
    CU_ASSERT_FATAL(pthread_create(&thread, NULL, replace, &swap) == 0);
    for (int k = 0; k < READS; k++) {
        UNIT_OK(statistics_read(swap.path, digest, found, &read));
        CU_ASSERT_STRING_EQUAL(read.sha256, sha256[found[0] == first[1]]);
    }
    swap.end = true;
    CU_ASSERT(pthread_join(thread, &failed) == 0 && !failed);
}

static void test_all(void)
{
    set_up();
    test_layout();
    test_round_trip();
    test_found();
    test_digest();
    test_refused();
    test_no_file();
    test_cut();
    test_replaced();
    clean_up();
}

static const struct unit_test tests[] = {
    {"files of statistics", test_all},
};
UNIT_MAIN("channel_statistics", tests)
