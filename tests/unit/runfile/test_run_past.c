// SPDX-License-Identifier: MIT
// An earlier run's file says what is needed to go on; whatever is no such file is refused.
#include "runfile/run_past.h"

#include <unistd.h>

#include "common/system/file.h"
#include "run_file_check.h"
#include "run_file_rows.h"
#include "scratch.h"
#include "unit.h"

enum { IMAGES = 150 }; // more than are read at a time

static char path[FILE_PATH_MAX];

static struct image_row record_of(int64_t id)
{
    struct image_row record = {.id = id, .bytes = 1000 + id, .modified = INT64_C(1700000000000000000) + id, .status = (int)(id % 3)};
    image_row_unknown(&record);
    snprintf(record.source, sizeof record.source, "some folder/%03d.png", (int)id);
    snprintf(record.output, sizeof record.output, "%03d/dream.png", (int)id);
    memset(record.sha256, 'a' + (int)(id % 6), 64);
    return record;
}

// Rows in no order, as they come.
static void write_run(void)
{
    struct run_file *file;
    UNIT_OK(file_join(path, scratch, "run.h5"));
    UNIT_OK(create(&file, path));
    for (int i = 0; i < IMAGES; i++) {
        const struct image_row record = record_of(i * 7 % IMAGES);
        UNIT_OK(run_file_add_image(file, &record, NULL));
    }
    UNIT_OK(run_file_close(&file, false));
}

static void all_is_there(void)
{
    struct run_past past;
    struct config config;
    char *text;
    write_run();
    UNIT_OK(run_past_read(path, &past));
    CU_ASSERT_STRING_EQUAL(past.version, ONEIROS_VERSION);
    CU_ASSERT_STRING_EQUAL(past.kind, "dream");
    CU_ASSERT_STRING_EQUAL(past.weights_md5, "bcbd6486424b2319ff4ef7d526e38f63");
    make_config(&config);
    UNIT_OK(config_to_string(&config, &text));
    CU_ASSERT_STRING_EQUAL(past.config, text);
    free(text);
    CU_ASSERT(past.tiles.size == 640 && past.tiles.halo == 160 && past.tiles.blend == 32);
    CU_ASSERT_EQUAL_FATAL(past.image_count, IMAGES);
    for (int i = 0; i < IMAGES; i++) {
        const struct image_row wanted = record_of(i);
        const struct run_past_image *found = &past.images[i];
        CU_ASSERT(found->id == i && found->bytes == wanted.bytes && found->modified == wanted.modified && found->status == wanted.status);
        CU_ASSERT_STRING_EQUAL(found->source, wanted.source);
        CU_ASSERT_STRING_EQUAL(found->output, wanted.output);
        CU_ASSERT_STRING_EQUAL(found->sha256, wanted.sha256);
    }
    run_past_destroy(&past);
    CU_ASSERT_PTR_NULL(past.images);
    run_past_destroy(&past);
}

static void refused(const char *words)
{
    struct run_past past;
    const enum status rc = run_past_read(path, &past);
    CU_ASSERT(rc == STATUS_FORMAT || rc == STATUS_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), path));
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "--force"));
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), words));
    if (!strstr(status_message(), words))
        printf("\n%s\n", status_message());
    CU_ASSERT_PTR_NULL(past.config);
}

static void change(void (*how)(hid_t file))
{
    write_run();
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    CU_ASSERT_FATAL(file >= 0);
    how(file);
    H5Fclose(file);
}

static void drop_images(hid_t file)
{
    H5Ldelete(file, "images", H5P_DEFAULT);
}

static void link_steps(hid_t file)
{
    drop_images(file);
    H5Lcreate_hard(file, "steps", file, "images", H5P_DEFAULT, H5P_DEFAULT);
}

// As many as no disk holds.
static void stretch_images(hid_t file)
{
    const hsize_t count = (hsize_t)1 << 40;
    hid_t dataset = H5Dopen2(file, "images", H5P_DEFAULT);
    CU_ASSERT(H5Dset_extent(dataset, &count) >= 0);
    H5Dclose(dataset);
}

static void drop_config(hid_t file)
{
    H5Adelete(file, "config");
}

static void newer_format(hid_t file)
{
    const int newer = RUN_FILE_FORMAT_VERSION + 1;
    hid_t attribute = H5Aopen(file, "format_version", H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_INT, &newer);
    H5Aclose(attribute);
}

static void others_are_refused(void)
{
    change(drop_images);
    refused("its images are not as");
    change(link_steps);
    refused("its images are not as");
    change(stretch_images);
    refused("its images are not as");
    change(drop_config);
    refused("does not say what it is of");
    change(newer_format);
    refused("another version");
    write_run();
    CU_ASSERT_EQUAL(truncate(path, 3000), 0);
    refused("cannot read the run that is there");
    unlink(path);
    FILE *file = fopen(path, "w");
    fputs("not HDF5", file);
    fclose(file);
    refused("cannot read the run that is there");
    struct run_file *twice;
    const struct image_row record = record_of(3);
    UNIT_OK(create(&twice, path));
    UNIT_OK(run_file_add_image(twice, &record, NULL));
    UNIT_OK(run_file_add_image(twice, &record, NULL));
    UNIT_OK(run_file_close(&twice, false));
    refused("an image twice");
}

int main(void)
{
    static const struct unit_test tests[] = {{"all is there", all_is_there}, {"others are refused", others_are_refused}};
    if (!scratch_create())
        return 1;
    int rc = unit_run("run_past", tests, sizeof tests / sizeof tests[0]);
    scratch_remove();
    return rc;
}
