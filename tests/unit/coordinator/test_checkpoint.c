// SPDX-License-Identifier: MIT
// Checkpoints: what is written comes back, and whatever else is in such a file is refused.
#include "coordinator/task/checkpoint.h"

#include <math.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "unit.h"

enum { WIDTH = 31, HEIGHT = 17, VALUES = 3 * WIDTH * HEIGHT };
static const struct image_limits limits = {.side = 1000, .pixels = 100000};
static const char *path;

static void begin(void)
{
    CU_ASSERT_FATAL(scratch_create());
    path = in_scratch("checkpoint");
}

static struct checkpoint example(void)
{
    struct checkpoint checkpoint = {.state = {.image = 12, .octave = 2, .step = 7, .width = WIDTH, .height = HEIGHT}};
    memset(checkpoint.sha256, 'a', 64);
    checkpoint.state.before = picture_metrics_unknown();
    checkpoint.state.before.loss = 0.25;
    checkpoint.rgb = malloc(VALUES * sizeof *checkpoint.rgb);
    for (int i = 0; i < VALUES; i++)
        checkpoint.rgb[i] = (float)sin(i);
    for (int i = 0; i < 40; i++)
        UNIT_OK(image_rows_add_step(&checkpoint.rows, &(struct step_row){.image = 12, .octave = i / 20, .step = i % 20, .loss = i}));
    for (int i = 0; i < 3; i++) {
        const float values[6] = {0, 0.25f, (float)i};
        const struct cam_row map = {.image = 12, .frame = i, .octave = i, .step = 6, .grid = {.width = 3, .height = 2}};
        UNIT_OK(image_rows_add_map(&checkpoint.rows, &map, values));
    }
    UNIT_OK(image_rows_add_score(&checkpoint.rows, &(struct faithfulness_row){.image = 12, .map = "saliency", .insertion = 0.75}));
    return checkpoint;
}

static void more(void *context, struct record_writer *writer)
{
    record_write(writer, context, strlen(context));
}

static void test_back(void)
{
    struct checkpoint written = example(), read;
    char text[] = "what follows";
    begin();
    for (int with = 0; with < 2; with++) { // the second replaces the first
        UNIT_OK(checkpoint_write(path, &written, with ? more : NULL, text));
        UNIT_OK(checkpoint_read(path, &limits, &read));
        CU_ASSERT(memcmp(&read.state, &written.state, sizeof read.state) == 0);
        CU_ASSERT_STRING_EQUAL(read.sha256, written.sha256);
        CU_ASSERT(memcmp(read.rgb, written.rgb, VALUES * sizeof *read.rgb) == 0);
        CU_ASSERT_FATAL(read.rows.step_count == 40 && read.rows.map_count == 3);
        CU_ASSERT(memcmp(read.rows.steps, written.rows.steps, 40 * sizeof *read.rows.steps) == 0);
        CU_ASSERT(read.rows.maps[2].frame == 2 && read.rows.value_count == 18 && read.rows.values[14] == 2 && read.rows.values[7] == 0.25f);
        char rest[sizeof text] = "";
        if (with)
            UNIT_OK(record_read(&read.rest, rest, strlen(text)));
        CU_ASSERT_EQUAL(read.rest.left, 0);
        CU_ASSERT_STRING_EQUAL(rest, with ? text : "");
        checkpoint_destroy(&read);
        CU_ASSERT(!read.rgb && !read.memory);
    }
    checkpoint_destroy(&written);
    scratch_remove();
}

// The file's bytes with the right digest behind them.
static void write_all(uint8_t *bytes, size_t size)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    SHA256(bytes, size, digest);
    CU_ASSERT(fwrite(bytes, 1, size, file) == size && fwrite(digest, 1, sizeof digest, file) == sizeof digest);
    fclose(file);
}

static enum status read_back(void)
{
    struct checkpoint read;
    const enum status rc = checkpoint_read(path, &limits, &read);
    if (rc != STATUS_OK) {
        CU_ASSERT(!read.rgb && !read.memory);
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), path));
    }
    checkpoint_destroy(&read);
    return rc;
}

static void expect(enum status wanted, const char *words)
{
    const enum status rc = read_back();
    CU_ASSERT_EQUAL(rc, wanted);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), words));
    if (!strstr(status_message(), words))
        printf("\n%s\n", status_message());
}

// What came before a state, and whether all of it is there.
static void test_history(void)
{
    struct checkpoint all = example();
    struct image_rows some;
    const struct {
        struct dream_state state;
        size_t steps, maps;
    } cases[] = {{{.octave = 0, .step = 0}, 0, 0},  {{.octave = 0, .step = 7}, 7, 1},  {{.octave = 1, .step = 6}, 26, 1},
                 {{.octave = 1, .step = 7}, 27, 2}, {{.octave = 2, .step = 0}, 40, 2}, {{.octave = 9, .step = 9}, 40, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        UNIT_OK(image_rows_copy(&all.rows, &cases[i].state, &some));
        CU_ASSERT(some.step_count == cases[i].steps && some.map_count == cases[i].maps);
        CU_ASSERT_EQUAL(image_rows_reaches(&all.rows, &cases[i].state, 20), i < 5);
        image_rows_destroy(&some);
    }
    checkpoint_destroy(&all);
}

// Files that are damaged have another digest; those whose digest is right may still be anything.
static void test_refused(void)
{
    struct checkpoint written = example();
    size_t size;
    void *memory;
    uint32_t dice = 3;
    begin();
    CU_ASSERT_EQUAL(read_back(), STATUS_IO); // there is none
    UNIT_OK(checkpoint_write(path, &written, NULL, NULL));
    UNIT_OK(file_read(path, 1 << 20, &memory, &size));
    uint8_t *bytes = memory, *copy = malloc(size);
    size -= SHA256_DIGEST_LENGTH;
    enum { LENGTH = sizeof(uint64_t) }; // before each record
    const size_t rows = 32 + 40 * sizeof(struct step_row) + 3 * (sizeof(struct cam_row) + 6 * sizeof(float)) +
                        sizeof(struct faithfulness_row) + 5 * LENGTH;
    const size_t head = size - LENGTH - VALUES * sizeof(float) - sizeof written.state - rows;
    for (size_t length = 0; length < size; length += length < head + 200 ? 1 : 97) {
        write_all(bytes, length);
        CU_ASSERT_EQUAL(read_back(), STATUS_FORMAT);
    }
    for (int i = 0; i < 2000; i++) {
        memcpy(copy, bytes, size);
        dice = dice * 1664525u + 1013904223u;
        copy[(dice >> 8) % (head + sizeof written.state)] ^= (uint8_t)(1 + (dice >> 24) % 255);
        write_all(copy, size);
        (void)!read_back(); // a status, whichever
    }
    memcpy(copy, bytes, size);
    copy[LENGTH] = 'O';
    write_all(copy, size);
    expect(STATUS_FORMAT, "it is no checkpoint");
    memcpy(copy, bytes, size);
    copy[LENGTH + 16] = '9';
    write_all(copy, size);
    expect(STATUS_UNSUPPORTED, "another build");
    // A build with larger or smaller records under the same version's name: the head, the state, the pixels, what the rows are, the rows.
    for (size_t at = 0; at < size;) {
        uint64_t length;
        memcpy(&length, bytes + at, sizeof length);
        CU_ASSERT_FATAL(length > 0 && length <= size - at - sizeof length);
        for (uint64_t other = length - 8; other <= length + 8; other += 16) {
            memcpy(copy, bytes, size);
            memcpy(copy + at, &other, sizeof other);
            write_all(copy, size);
            expect(STATUS_FORMAT, "where this build has");
        }
        at += sizeof length + length;
    }
    memcpy(copy, bytes, size);
    struct dream_state state = written.state;
    state.width = 1001;
    memcpy(copy + head, &state, sizeof state);
    write_all(copy, size);
    expect(STATUS_LIMIT, "1001 x 17 pixels");
    state.width = 999;
    state.height = 999;
    memcpy(copy + head, &state, sizeof state);
    write_all(copy, size);
    expect(STATUS_LIMIT, "999 x 999 pixels");
    memcpy(copy, bytes, size);
    const float nothing = NAN;
    memcpy(copy + size - rows - 4 * sizeof nothing, &nothing, sizeof nothing);
    write_all(copy, size);
    expect(STATUS_FORMAT, "value 1577 of its pixels is");
    for (int length = 500; length > 0; length -= 480) { // with a part of a digest, too
        CU_ASSERT_EQUAL(truncate(path, length), 0);
        expect(STATUS_FORMAT, "is damaged");
        CU_ASSERT_PTR_NULL(strstr(strstr(status_message(), path) + 1, path)); // named once
    }
    free(copy);
    free(memory);
    checkpoint_destroy(&written);
    scratch_remove();
}

// Rows of other dreams, and more of them than there are, in a file that is sound otherwise.
static void test_refused_rows(void)
{
    struct checkpoint written = example();
    begin();
    written.rows.steps[3].image = 13;
    UNIT_OK(checkpoint_write(path, &written, NULL, NULL));
    expect(STATUS_FORMAT, "a step in it is not of this dream");
    written.rows.steps[3].image = 12;
    written.rows.maps[2].octave = 3;
    UNIT_OK(checkpoint_write(path, &written, NULL, NULL));
    expect(STATUS_FORMAT, "a map in it is not of this dream");
    written.rows.maps[2].octave = 2;
    written.rows.scores[0].image = 13;
    UNIT_OK(checkpoint_write(path, &written, NULL, NULL));
    expect(STATUS_FORMAT, "what a map is worth in it is not of this picture");
    written.rows.scores[0].image = 12;
    written.rows.maps[2].grid.width = 4; // more values than there are
    UNIT_OK(checkpoint_write(path, &written, NULL, NULL));
    expect(STATUS_FORMAT, "a map in it is not of this dream");
    checkpoint_destroy(&written);
    scratch_remove();
}

// As a message takes them: through memory, and up to any state.
static void test_memory(void)
{
    struct checkpoint written = example();
    const struct dream_state any = {.image = 12, .octave = INT32_MAX};
    struct image_rows read;
    struct record_writer writer;
    void *bytes;
    size_t size;
    UNIT_OK(record_create_in_memory(&writer));
    image_rows_save(&written.rows, &writer);
    UNIT_OK(record_take(&writer, &bytes, &size));
    struct record_reader reader = {.bytes = bytes, .left = size};
    UNIT_OK(image_rows_load(&read, &any, &reader));
    CU_ASSERT(reader.left == 0 && read.step_count == 40 && read.map_count == 3 && read.score_count == 1);
    CU_ASSERT(memcmp(read.steps, written.rows.steps, 40 * sizeof *read.steps) == 0 && read.values[14] == 2 && read.scores[0].insertion == 0.75);
    image_rows_destroy(&read);
    for (size_t left = 0; left < size; left += 31) {
        reader = (struct record_reader){.bytes = bytes, .left = left};
        CU_ASSERT_EQUAL(image_rows_load(&read, &any, &reader), STATUS_FORMAT);
        CU_ASSERT(!read.steps && !read.maps);
    }
    free(bytes);
    checkpoint_destroy(&written);
}

static const struct unit_test tests[] = {{"back", test_back},
                                         {"history", test_history},
                                         {"refused", test_refused},
                                         {"refused rows", test_refused_rows},
                                         {"memory", test_memory}};
UNIT_MAIN("checkpoint", tests)
