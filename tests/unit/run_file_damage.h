// SPDX-License-Identifier: MIT
// Run files that are damaged, lie, or are none, and what is said of each.
#pragma once

#include <unistd.h>

#include "files.h"
#include "run_file_check.h"

static inline void damage_no_steps(hid_t file)
{
    H5Ldelete(file, "steps", H5P_DEFAULT);
}

static inline void damage_no_images(hid_t file)
{
    H5Ldelete(file, "images", H5P_DEFAULT);
}

static inline void damage_swapped_tables(hid_t file)
{
    damage_no_images(file);
    H5Lcreate_hard(file, "steps", file, "images", H5P_DEFAULT, H5P_DEFAULT);
}

// As many rows as no disk holds.
static inline void damage_stretch(hid_t file, const char *name, hsize_t width)
{
    const hsize_t size[] = {(hsize_t)1 << 40, width};
    HDF5_HANDLE dataset = H5Dopen2(file, name, H5P_DEFAULT);
    CU_ASSERT(H5Dset_extent(dataset, size) >= 0);
}

static inline void damage_many_steps(hid_t file)
{
    damage_stretch(file, "steps", 0);
}

static inline void damage_many_images(hid_t file)
{
    damage_stretch(file, "images", 0);
}

// One dataset in the place of another: its rows are no records.
static inline void damage_values_for_timing(hid_t file)
{
    H5Ldelete(file, "timing", H5P_DEFAULT);
    H5Lcreate_hard(file, "cam/values", file, "timing", H5P_DEFAULT, H5P_DEFAULT);
}

static inline void damage_no_hosts(hid_t file)
{
    H5Adelete(file, "hosts");
}

static inline void damage_no_config(hid_t file)
{
    H5Adelete(file, "config");
}

static inline void damage_integer(hid_t file, const char *name, int value)
{
    HDF5_HANDLE attribute = H5Aopen(file, name, H5P_DEFAULT);
    CU_ASSERT(H5Awrite(attribute, H5T_NATIVE_INT, &value) >= 0);
}

static inline void damage_many_ranks(hid_t file)
{
    damage_integer(file, "ranks", 1 << 30);
}

static inline void damage_more_ranks(hid_t file)
{
    damage_integer(file, "ranks", 4);
}

static inline void damage_newer_format(hid_t file)
{
    damage_integer(file, "format_version", RUN_FILE_FORMAT_VERSION + 1);
}

static inline void damage_no_format(hid_t file)
{
    H5Adelete(file, "format_version");
}

static const struct damage {
    void (*change)(hid_t file);
    const char *words;
} damages[] = {
    {damage_no_steps, "/steps is not as this version has it"},
    {damage_no_images, "does not say what it is of"},
    {damage_swapped_tables, "/images is not as this version has it"},
    {damage_many_steps, "/steps is not as this version has it"},
    {damage_many_images, "/images is not as this version has it"},
    {damage_values_for_timing, "/timing is not as this version has it"},
    {damage_no_hosts, "does not say what it is of"},
    {damage_no_config, "does not say what it is of"},
    {damage_many_ranks, "does not say what it is of"},
    {damage_more_ranks, "does not say what it is of"},
    {damage_newer_format, "use the version of oneiros that wrote it"},
    {damage_no_format, "no run file of oneiros, or a damaged one"},
};

// Each damage to a file that `write_run` writes at `path`; then torn and other files.
static inline void damage_each(const char *path, void (*write_run)(void), void (*expect_refused)(const char *words))
{
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        write_run();
        hdf5_change(path, damages[i].change);
        expect_refused(damages[i].words);
    }
    write_run();
    CU_ASSERT_EQUAL(truncate(path, 3000), 0);
    expect_refused("no run file, or a damaged one");
    unlink(path);
    write_text(path, "not HDF5");
    expect_refused("no run file, or a damaged one");
}
