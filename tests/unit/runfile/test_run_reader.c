// SPDX-License-Identifier: MIT
// What is written to a run file is read again, also where a column is missing; whatever is no such file is refused.
#include "runfile/run_reader.h"

#include "common/system/file.h"
#include "run_file_damage.h"
#include "runfile/run_images.h"
#include "scratch.h"
#include "unit.h"

enum { IMAGES = 150 }; // more than are read at a time

static char path[FILE_PATH_MAX];

static struct image_row record_of(int64_t id)
{
    struct image_row record = image_of(id);
    record.bytes = 1000 + id;
    record.modified = INT64_C(1700000000000000000) + id;
    snprintf(record.output, sizeof record.output, "%03d/dream.png", (int)id);
    return record;
}

// Images in no order, as they come.
static void write_run(void)
{
    struct run_file *file;
    UNIT_OK(file_join(path, scratch, "run.h5"));
    UNIT_OK(create(&file, path));
    for (int i = 0; i < IMAGES; i++) {
        const struct image_row record = record_of(i * 7 % IMAGES);
        UNIT_OK(run_file_add_image(file, &record, NULL, NULL));
    }
    let_pass(1);
    UNIT_OK(run_file_close(&file, false));
}

static void images_are_there(void)
{
    struct run_reader *reader;
    struct run_images images;
    write_run();
    UNIT_OK(run_reader_open(&reader, path));
    UNIT_OK(run_images_read(reader, &images));
    CU_ASSERT_EQUAL_FATAL(images.count, IMAGES);
    for (int i = 0; i < IMAGES; i++) {
        const struct image_row wanted = record_of(i);
        const struct run_image *found = &images.items[i];
        CU_ASSERT(found->id == i && found->row * 7 % IMAGES == (size_t)i && found->bytes == wanted.bytes);
        CU_ASSERT(found->modified == wanted.modified && found->status == wanted.status && found->bits == 8 && found->tiles == 6);
        CU_ASSERT(found->seconds[0] == 0 && found->seconds[3] == 2.5);
        CU_ASSERT_STRING_EQUAL(found->source, wanted.source);
        CU_ASSERT_STRING_EQUAL(found->output, wanted.output);
        CU_ASSERT_STRING_EQUAL(found->sha256, wanted.sha256);
        CU_ASSERT_STRING_EQUAL(found->error, wanted.error);
    }
    run_images_destroy(&images);
    CU_ASSERT_PTR_NULL(images.items);
    run_images_destroy(&images);
    run_reader_close(&reader);
    CU_ASSERT_PTR_NULL(reader);
}

static void facts_are_there(void)
{
    struct run_reader *reader;
    struct config config;
    char *text;
    write_run();
    UNIT_OK(run_reader_open(&reader, scratch));
    const struct run_facts *facts = &reader->facts;
    CU_ASSERT_STRING_EQUAL(reader->path, path);
    CU_ASSERT_STRING_EQUAL(facts->version, ONEIROS_VERSION);
    CU_ASSERT_STRING_EQUAL(facts->kind, "dream");
    CU_ASSERT_STRING_EQUAL(facts->weights_md5, "bcbd6486424b2319ff4ef7d526e38f63");
    CU_ASSERT_STRING_EQUAL(facts->plan, "conv2d_1 direct\n");
    make_config(&config);
    UNIT_OK(config_to_string(&config, &text));
    CU_ASSERT_STRING_EQUAL(facts->config, text);
    free(text);
    CU_ASSERT(facts->tile_size == 640 && facts->tile_halo == 160 && facts->tile_blend == 32 && facts->tile_halo_exact == 1);
    CU_ASSERT(facts->seed == UINT64_MAX - 1 && facts->resumed == 0 && facts->complete == 0 && facts->elapsed_seconds == 1);
    CU_ASSERT_FATAL(facts->hosts.count == 3 && facts->cores && facts->node_cores && facts->targets.count == 3);
    CU_ASSERT(strcmp(facts->hosts.items[2], "node2") == 0 && facts->cores[2] == 8 && facts->node_cores[0] == 8);
    CU_ASSERT_STRING_EQUAL(facts->targets.items[1], "mixed4");
    run_reader_close(&reader);
    run_reader_close(&reader);
}

// More ranks than there is room for in HDF5's attributes.
static void many_ranks(void)
{
    struct run_reader *reader;
    rank_count = RANKS_MOST;
    write_run();
    rank_count = 3;
    UNIT_OK(run_reader_open(&reader, path));
    const struct run_facts *facts = &reader->facts;
    CU_ASSERT_FATAL(facts->ranks == RANKS_MOST && facts->hosts.count == RANKS_MOST && facts->cores && facts->node_cores);
    for (int rank = 0; rank < RANKS_MOST; rank++) {
        char host[ROW_HOST_MAX];
        snprintf(host, sizeof host, "node%d", rank / 2 + 1);
        CU_ASSERT(strcmp(facts->hosts.items[rank], host) == 0 && facts->cores[rank] == (rank == RANKS_MOST - 1 ? 8 : 4));
        CU_ASSERT_EQUAL(facts->node_cores[rank], 8);
    }
    run_reader_close(&reader);
}

static void add_list(hid_t file, const char *name, hid_t type, const void *values, hsize_t count)
{
    HDF5_HANDLE space = H5Screate_simple(1, &count, NULL);
    HDF5_HANDLE attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT(attribute >= 0 && H5Awrite(attribute, type, values) >= 0);
}

// As version 3 had it: what is of ranks are attributes. Two of `hosts`, where there should be three, are none.
static hsize_t old_hosts;
static void make_old(hid_t file)
{
    static const char *const hosts[] = {"here", "here", "there"};
    static const int cores[] = {1, 2, 3}, version = 3;
    HDF5_HANDLE text = hdf5_text_type(H5T_VARIABLE);
    HDF5_HANDLE attribute = H5Aopen(file, "format_version", H5P_DEFAULT);
    CU_ASSERT(H5Ldelete(file, "ranks", H5P_DEFAULT) >= 0 && H5Awrite(attribute, H5T_NATIVE_INT, &version) >= 0);
    add_list(file, "hosts", text, hosts, old_hosts);
    add_list(file, "cores", H5T_NATIVE_INT, cores, 3);
    CU_ASSERT(H5Adelete(file, "inputs") >= 0 && H5Adelete(file, "seconds_left") >= 0);
}

static void earlier_versions_are_read(void)
{
    struct run_reader *reader;
    write_run();
    old_hosts = 3;
    hdf5_change(path, make_old);
    UNIT_OK(run_reader_open(&reader, path));
    CU_ASSERT_FATAL(reader->facts.hosts.count == 3 && reader->facts.cores && !reader->facts.node_cores);
    CU_ASSERT(strcmp(reader->facts.hosts.items[2], "there") == 0 && reader->facts.cores[1] == 2);
    CU_ASSERT(reader->facts.progress.inputs == -1 && isnan(reader->facts.progress.seconds_left));
    run_reader_close(&reader);
    write_run();
    old_hosts = 2;
    hdf5_change(path, make_old);
    UNIT_FAILS(run_reader_open(&reader, path), STATUS_FORMAT, "/ranks is not as this version has it");
}

// All rows of a table, as they were handed in.
static void expect_table(struct run_reader *reader, enum run_dataset table, size_t rows)
{
    struct run_cursor *cursor;
    char wanted[8192], found[8192];
    const void *record;
    size_t number = 0;
    int64_t offset = 0;
    UNIT_OK(run_cursor_open(&cursor, reader, table));
    CU_ASSERT(cursor->rows == rows && cursor->ours && !run_cursor_has(cursor, "nonsense"));
    for (; (record = run_cursor_next(cursor)); number++) {
        const struct cam_row cam = cam_of((int64_t)number);
        make_row(table, (int64_t)number, offset, wanted);
        run_table_pack(table, targets, record, found);
        CU_ASSERT(memcmp(wanted, found, row_size(table)) == 0);
        offset += cam_size(&cam);
    }
    CU_ASSERT_EQUAL(number, rows);
    UNIT_OK(run_cursor_close(&cursor, STATUS_OK));
    CU_ASSERT_PTR_NULL(cursor);
}

static void rows_maps_and_importance(void)
{
    enum { FEW = 70 };
    struct run_reader *reader;
    struct run_file *file;
    float values[CHANNELS_MAX], *map;
    char *method;
    UNIT_OK(create(&file, path));
    for (int i = 0; i < FEW; i++)
        UNIT_OK(add_rows(file, i));
    UNIT_OK(run_file_close(&file, true));
    UNIT_OK(run_reader_open(&reader, path));
    expect_table(reader, RUN_STEPS, FEW * STEPS_AN_IMAGE);
    expect_table(reader, RUN_CAM_FRAMES, FEW * FRAMES_AN_IMAGE);
    expect_table(reader, RUN_FAITHFULNESS, FEW * SCORES_AN_IMAGE);
    expect_table(reader, RUN_IMAGES, FEW);
    expect_table(reader, RUN_TIMING, FEW * PHASES_A_RANK);
    CU_ASSERT_EQUAL(run_reader_channels(reader, 2, &method), channels[2]);
    CU_ASSERT_STRING_EQUAL(method, "gradient_activation");
    free(method);
    UNIT_OK(run_reader_importance(reader, 2, 33, values));
    CU_ASSERT(values[0] == importance_value(33, 2, 0) && values[39] == importance_value(33, 2, 39));
    CU_ASSERT_EQUAL(run_reader_importance(reader, 2, FEW, values), STATUS_FORMAT);
    struct cam_row last = cam_of(1);
    const struct cam_row first = cam_of(0);
    last.offset = cam_size(&first);
    UNIT_OK(run_reader_map(reader, &last, &map));
    CU_ASSERT(map[0] == cam_value(1, 0) && map[cam_size(&last) - 1] == cam_value(1, cam_size(&last) - 1));
    free(map);
    int64_t before = 0;
    for (int row = 0; row < FEW * FRAMES_AN_IMAGE; row++) { // up to the very last value of the file
        last = cam_of(row);
        last.offset = before;
        before += cam_size(&last);
    }
    UNIT_OK(run_reader_map(reader, &last, &map));
    CU_ASSERT_EQUAL(map[cam_size(&last) - 1], cam_value(FEW * FRAMES_AN_IMAGE - 1, cam_size(&last) - 1));
    free(map);
    last.offset++;
    CU_ASSERT_EQUAL(run_reader_map(reader, &last, &map), STATUS_FORMAT);
    const struct heat_grid grid = last.grid;
    const int64_t offsets[] = {-1, INT64_MAX, 10000000, 0, 0}, widths[] = {2, 2, 2, 0, 1 << 16};
    for (int i = 0; i < 5; i++) { // maps that are not there
        last.offset = offsets[i];
        last.grid = grid;
        last.grid.width = last.grid.height = (int)widths[i];
        CU_ASSERT_EQUAL(run_reader_map(reader, &last, &map), STATUS_FORMAT);
        CU_ASSERT_PTR_NULL(map);
    }
    run_reader_close(&reader);
}

static void set_workers(hid_t file, int workers)
{
    HDF5_HANDLE attribute = H5Aopen(file, "workers", H5P_DEFAULT);
    CU_ASSERT(attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT, &workers) >= 0);
}

static void all_work(hid_t file)
{
    set_workers(file, 3);
}

static void more_than_all_work(hid_t file)
{
    set_workers(file, 4);
}

static void none_works(hid_t file)
{
    set_workers(file, 0);
}

// Of three ranks: what counts workers relies on it.
static void workers_are_ranks(void)
{
    struct run_reader *reader;
    write_run();
    hdf5_change(path, all_work);
    UNIT_OK(run_reader_open(&reader, path));
    CU_ASSERT_EQUAL(reader->facts.workers, 3);
    run_reader_close(&reader);
    hdf5_change(path, more_than_all_work);
    CU_ASSERT_EQUAL(run_reader_open(&reader, path), STATUS_FORMAT);
    hdf5_change(path, none_works);
    CU_ASSERT_EQUAL(run_reader_open(&reader, path), STATUS_FORMAT);
}

// As an earlier version wrote it, without one of the metrics.
static void leave_hoyer_out(hid_t file)
{
    bool present[RUN_COLUMNS_MAX];
    memset(present, true, sizeof present);
    present[run_table_column(RUN_STEPS, "hoyer")] = false;
    const hsize_t count = 1;
    const struct step_row step = step_of(7);
    char row[8192];
    HDF5_HANDLE type = run_table_type(RUN_STEPS, targets, present);
    HDF5_HANDLE space = H5Screate_simple(1, &count, NULL);
    H5Ldelete(file, "steps", H5P_DEFAULT);
    HDF5_HANDLE dataset = H5Dcreate2(file, "steps", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    run_table_pack(RUN_STEPS, targets, &step, row);
    CU_ASSERT(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, row) >= 0);
}

static void without_a_column(void)
{
    struct run_reader *reader;
    struct run_cursor *cursor;
    const struct step_row wanted = step_of(7);
    write_run();
    hdf5_change(path, leave_hoyer_out);
    UNIT_OK(run_reader_open(&reader, path));
    UNIT_OK(run_cursor_open(&cursor, reader, RUN_STEPS));
    CU_ASSERT(!run_cursor_has(cursor, "hoyer") && run_cursor_has(cursor, "score") && !cursor->ours);
    const struct step_row *step = run_cursor_next(cursor);
    CU_ASSERT_PTR_NOT_NULL_FATAL(step);
    CU_ASSERT(step->image == wanted.image && step->step == wanted.step && step->gradient_norm == wanted.gradient_norm);
    CU_ASSERT(step->targets[2].score == wanted.targets[2].score && step->targets[2].hoyer == 0);
    CU_ASSERT(step->targets[2].diversity_seed == wanted.targets[2].diversity_seed);
    UNIT_OK(run_cursor_close(&cursor, STATUS_OK));
    run_reader_close(&reader);
}

// As no writer of ours leaves it: bytes that are no text, and no end.
static void spoil_text(hid_t file)
{
    const char *plan = "caf\xe9";
    hsize_t rows;
    char *images = read_dataset(file, "images", -1, &rows);
    HDF5_HANDLE type = run_table_type(RUN_IMAGES, targets, NULL);
    HDF5_HANDLE dataset = H5Dopen2(file, "images", H5P_DEFAULT);
    memset(images + H5Tget_member_offset(type, (unsigned)run_table_column(RUN_IMAGES, "source")), 0xff, ROW_SOURCE_MAX);
    CU_ASSERT(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, images) >= 0);
    free(images);
    HDF5_HANDLE text = H5Tcopy(H5T_C_S1);
    HDF5_HANDLE attribute = H5Aopen(file, "plan", H5P_DEFAULT);
    H5Tset_size(text, H5T_VARIABLE);
    H5Tset_cset(text, H5T_CSET_UTF8);
    CU_ASSERT(H5Awrite(attribute, text, &plan) >= 0);
}

static void text_is_cleaned(void)
{
    struct run_reader *reader;
    struct run_images images;
    write_run();
    hdf5_change(path, spoil_text);
    UNIT_OK(run_reader_open(&reader, path));
    CU_ASSERT_STRING_EQUAL(reader->facts.plan, "caf?");
    UNIT_OK(run_images_read(reader, &images));
    CU_ASSERT(strlen(images.items[0].source) == ROW_SOURCE_MAX - 1 && strspn(images.items[0].source, "?") == ROW_SOURCE_MAX - 1);
    CU_ASSERT_STRING_EQUAL(images.items[7].source, record_of(7).source);
    run_images_destroy(&images);
    run_reader_close(&reader);
}

// Everything.
static enum status read_all(void)
{
    struct run_reader *reader;
    struct run_images images = {0};
    enum status rc;
    TRY(run_reader_open(&reader, path));
    TRY_OUT(run_images_read(reader, &images));
    for (int i = 0; i < TABLES; i++) {
        struct run_cursor *cursor;
        TRY_OUT(run_cursor_open(&cursor, reader, tables[i]));
        while (run_cursor_next(cursor))
            continue;
        TRY_OUT(run_cursor_close(&cursor, STATUS_OK));
    }
out:
    run_images_destroy(&images);
    run_reader_close(&reader);
    return rc;
}

static void refused(const char *words)
{
    const enum status rc = read_all();
    CU_ASSERT(rc == STATUS_FORMAT || rc == STATUS_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), path));
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), words));
    if (!strstr(status_message(), words))
        printf("\n%s\n", status_message());
}

static void others_are_refused(void)
{
    struct run_file *file;
    write_run();
    UNIT_OK(read_all());
    damage_each(path, write_run, refused);
    struct image_row record = record_of(3);
    UNIT_OK(create(&file, path));
    UNIT_OK(run_file_add_image(file, &record, NULL, NULL));
    UNIT_OK(run_file_add_image(file, &record, NULL, NULL));
    UNIT_OK(run_file_close(&file, false));
    refused("image 3 is in /images twice");
    record.id = -1;
    UNIT_OK(create(&file, path));
    UNIT_OK(run_file_add_image(file, &record, NULL, NULL));
    UNIT_OK(run_file_close(&file, false));
    refused("has id -1");
    unlink(path);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0); // nobody will ever write into it
    refused("this is no run file, nor any file");
    char *text;
    UNIT_FAILS(run_plan_read(path, 1 << 20, &text), STATUS_IO, "not a regular file");
    unlink(path);
}

// What the file is too small for is not there.
static void importance_that_cannot_be(void)
{
    struct run_reader *reader;
    write_run();
    damage(path, &(struct damage){.dataset = "importance/mixed4", .size = {(hsize_t)1 << 40, 7}});
    UNIT_OK(run_reader_open(&reader, path));
    CU_ASSERT(run_reader_channels(reader, 0, NULL) == channels[0] && run_reader_channels(reader, 1, NULL) == 0);
    run_reader_close(&reader);
}

static void refuse_plan(const char *bytes, size_t size, size_t limit)
{
    char *text;
    FILE *stream = fopen(path, "wb");
    CU_ASSERT_FATAL(stream && fwrite(bytes, 1, size, stream) == size && fclose(stream) == 0);
    CU_ASSERT_NOT_EQUAL(run_plan_read(path, limit, &text), STATUS_OK);
    CU_ASSERT_PTR_NULL(text);
}

// A plan alone, or in a run file; not what has its length but no end.
static void plans_are_read(void)
{
    char *text;
    write_run();
    UNIT_OK(run_plan_read(path, 1000, &text));
    CU_ASSERT_STRING_EQUAL(text, "conv2d_1 direct\n");
    free(text);
    refuse_plan("\0a plan", 7, 1000);
    refuse_plan("a pl\0n", 6, 1000);
    refuse_plan("a plan\0", 7, 1000);
    refuse_plan("a plan\n", 7, 6);
    FILE *stream = fopen(path, "wb");
    CU_ASSERT_FATAL(stream && fputs("a plan\n", stream) >= 0 && fclose(stream) == 0);
    UNIT_OK(run_plan_read(path, 7, &text));
    CU_ASSERT_STRING_EQUAL(text, "a plan\n");
    free(text);
}

static const struct unit_test tests[] = {{"images are there", images_are_there},
                                         {"workers are ranks", workers_are_ranks},
                                         {"plans are read", plans_are_read},
                                         {"facts are there", facts_are_there},
                                         {"many ranks", many_ranks},
                                         {"earlier versions are read", earlier_versions_are_read},
                                         {"rows, maps and importance", rows_maps_and_importance},
                                         {"without a column", without_a_column},
                                         {"text is cleaned", text_is_cleaned},
                                         {"others are refused", others_are_refused},
                                         {"importance that cannot be", importance_that_cannot_be}};

UNIT_MAIN_IN_SCRATCH("run_reader", tests)
