// SPDX-License-Identifier: MIT
// Run files that are damaged, lie, or are none, and what is said of each.
#pragma once

#include <unistd.h>

#include "files.h"
#include "run_file_check.h"

static const struct damage {
    const char *dataset;   // is gone,
    const char *with;      // or this one stands in its place,
    hsize_t size[2];       // or it claims so many rows of so many values
    const char *attribute; // or this one of the root is gone,
    int value;             // or is this number
    const char *words;     // of the message
} damages[] = {
    {.dataset = "steps", .words = "/steps is not as this version has it"},
    {.dataset = "images", .words = "does not say what it is of"},
    {.dataset = "images", .with = "steps", .words = "/images is not as this version has it"},
    {.dataset = "timing", .with = "cam/values", .words = "/timing is not as this version has it"},
    {.dataset = "steps", .size = {(hsize_t)1 << 40}, .words = "/steps is not as this version has it"}, // as no disk holds
    {.dataset = "images", .size = {(hsize_t)1 << 40}, .words = "/images is not as this version has it"},
    {.dataset = "ranks", .words = "/ranks is not as this version has it"},
    {.dataset = "ranks", .with = "steps", .words = "/ranks is not as this version has it"},
    {.attribute = "config", .words = "does not say what it is of"},
    {.attribute = "ranks", .value = 1 << 30, .words = "/ranks has 3 rows"},
    {.attribute = "ranks", .value = 4, .words = "/ranks has 3 rows"},
    {.attribute = "format_version", .value = RUN_FILE_FORMAT_OLDEST - 1, .words = "use the version of oneiros that wrote it"},
    {.attribute = "format_version", .value = RUN_FILE_FORMAT_VERSION + 1, .words = "use the version of oneiros that wrote it"},
    {.attribute = "format_version", .words = "no run file of oneiros, or a damaged one"},
};

static inline void damage(const char *path, const struct damage *how)
{
    HDF5_HANDLE file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    HDF5_HANDLE attribute = how->value ? H5Aopen(file, how->attribute, H5P_DEFAULT) : -1;
    HDF5_HANDLE dataset = how->size[0] ? H5Dopen2(file, how->dataset, H5P_DEFAULT) : -1;
    const herr_t done = how->value       ? H5Awrite(attribute, H5T_NATIVE_INT, &how->value)
                        : how->attribute ? H5Adelete(file, how->attribute)
                        : how->size[0]   ? H5Dset_extent(dataset, how->size)
                                         : H5Ldelete(file, how->dataset, H5P_DEFAULT);
    CU_ASSERT(done >= 0 && (!how->with || H5Lcreate_hard(file, how->with, file, how->dataset, H5P_DEFAULT, H5P_DEFAULT) >= 0));
}

// Each damage to a file that `write_run` writes at `path`; then torn and other files.
static inline void damage_each(const char *path, void (*write_run)(void), void (*expect_refused)(const char *words))
{
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        write_run();
        damage(path, &damages[i]);
        expect_refused(damages[i].words);
    }
    write_run();
    CU_ASSERT_EQUAL(truncate(path, 3000), 0);
    expect_refused("damaged"); // HDF5 1.14 opens it, and may find the version
    unlink(path);
    write_text(path, "not HDF5");
    expect_refused("no run file, or a damaged one");
}
