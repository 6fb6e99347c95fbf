// SPDX-License-Identifier: MIT
// Safetensors: values of every type; each malformed file with a message of its own.
#include "weights/formats/safetensors.h"

#include <stdlib.h>

#include "unit.h"

static struct stored_tensors tensors;
static unsigned char *file;

// A file of this header and these bytes behind it, as long as said.
static size_t make(const char *header, const void *bytes, size_t size)
{
    const size_t length = strlen(header);
    free(file);
    file = calloc(1, 8 + length + size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    file[0] = (unsigned char)length;
    file[1] = (unsigned char)(length >> 8);
    memcpy(file + 8, header, length);
    if (size > 0)
        memcpy(file + 8 + length, bytes, size);
    return 8 + length + size;
}

static void check_refused(const char *header, size_t size, enum status want, const char *words)
{
    static const char zeros[64];
    const size_t whole = make(header, zeros, size);
    UNIT_FAILS(safetensors_read(file, whole, &tensors), want, words);
    stored_tensors_free(&tensors);
}

static void check_values(const char *name, float first, float last)
{
    float values[2];
    const struct stored_tensor *tensor = stored_tensors_find(&tensors, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(tensor);
    stored_tensor_read(tensor, values);
    CU_ASSERT(values[0] == first && values[1] == last);
}

static void test_types(void)
{
    static const unsigned char bytes[] = {0,    0,    0xc0, 0x3f, 0,    0,    0,    0xc0,                            // 1.5, -2
                                          0,    0,    0,    0,    0,    0,    0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0, // the same
                                          0x00, 0x3e, 0x00, 0xc0, 0xc0, 0x3f, 0x00, 0xc0, 0, 0, 0, 0, 0, 0, 0, 1};   // twice; a counter
    const size_t size = make("{\"f\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                             "\"d\":{\"dtype\":\"F64\",\"shape\":[1,2],\"data_offsets\":[8,24]},"
                             "\"h\":{\"dtype\":\"F16\",\"shape\":[2,1],\"data_offsets\":[24,28]},"
                             "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[32,40]},"
                             "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[28,32]},"
                             "\"__metadata__\":{\"format\":\"pt\",\"classes\":\"[\\\"x\\\",\\\"y\\\"]\"}}  ",
                             bytes, sizeof bytes);
    CU_ASSERT(safetensors_begins(file, size) && !safetensors_begins(file, 8));
    UNIT_OK(safetensors_read(file, size, &tensors));
    CU_ASSERT_EQUAL(tensors.count, 5);
    check_values("f", 1.5f, -2);
    check_values("d", 1.5f, -2);
    check_values("h", 1.5f, -2);
    check_values("b", 1.5f, -2);
    CU_ASSERT_PTR_NULL(stored_tensors_find(&tensors, "c"));
    CU_ASSERT(stored_tensors_find(&tensors, "n")->type == STORED_OTHER);
    CU_ASSERT(tensors.classes && tensors.classes->count == 2 && strcmp(tensors.classes->names[0], "x") == 0);
    stored_tensors_free(&tensors);
}

#define ENTRY(name, type, shape, offsets) "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void test_offsets(void)
{
    check_refused("{" ENTRY("a", "F32", "[2]", "[0,8]") "," ENTRY("b", "F32", "[2]", "[4,12]") "}", 12, STATUS_FORMAT,
                  "the data_offsets of a and b overlap");
    check_refused("{" ENTRY("a", "F32", "[2]", "[0,8]") "," ENTRY("b", "F32", "[2]", "[0,8]") "}", 8, STATUS_FORMAT, "overlap");
    check_refused("{" ENTRY("a", "F32", "[2]", "[0,8]") "}", 7, STATUS_FORMAT,
                  "a: its data_offsets end at byte 8, beyond the 7 that the file has");
    check_refused("{" ENTRY("a", "F32", "[2]", "[0,9223372036854775807]") "}", 8, STATUS_FORMAT, "beyond the 8 that the file has");
    check_refused("{" ENTRY("a", "F32", "[3]", "[0,8]") "}", 8, STATUS_FORMAT, "a: its data_offsets hold 8 bytes, its shape needs 12");
    check_refused("{" ENTRY("a", "F32", "[2]", "[8,0]") "}", 8, STATUS_FORMAT, "the second no less than the first");
    check_refused("{" ENTRY("a", "F32", "[2]", "[-1,7]") "}", 8, STATUS_FORMAT, "two numbers");
    check_refused("{" ENTRY("a", "F32", "[2]", "[0]") "}", 8, STATUS_FORMAT, "two numbers");
    check_refused("{" ENTRY("a", "F32", "[2]", "[4,12]") "}", 12, STATUS_FORMAT, "before a there are 4 bytes of no tensor");
    check_refused("{" ENTRY("a", "F32", "[2]", "[0,8]") "}", 12, STATUS_FORMAT, "4 bytes at the end are of no tensor");
}

static void test_headers(void)
{
    check_refused("{" ENTRY("a", "F32", "[2147483647,2147483647,2147483647]", "[0,8]") "}", 8, STATUS_LIMIT,
                  "more values than there can be");
    check_refused("{" ENTRY("a", "F32", "[-2]", "[0,8]") "}", 8, STATUS_FORMAT, "shape[0] is no size");
    check_refused("{" ENTRY("a", "F32", "2", "[0,8]") "}", 8, STATUS_FORMAT, "its shape is no list");
    check_refused("{" ENTRY("a", "F33", "[2]", "[0,8]") "}", 8, STATUS_UNSUPPORTED, "a: its dtype is none that is known");
    check_refused("{" ENTRY("a", "F32", "[2]", "[0,8]") "," ENTRY("a", "F32", "[2]", "[0,8]") "}", 8, STATUS_FORMAT, "duplicate");
    check_refused("{\"a\":1}", 8, STATUS_UNSUPPORTED, "a: its dtype");
    check_refused("{\"a\":", 8, STATUS_FORMAT, "its header: line 1");
    check_refused("[]", 0, STATUS_FORMAT, "no JSON object");
    static const unsigned char huge[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, '{', '}'},
                               beyond[] = {3, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    UNIT_FAILS(safetensors_read(huge, sizeof huge, &tensors), STATUS_FORMAT, "9223372036854775807 bytes, more than any needs");
    UNIT_FAILS(safetensors_read(beyond, sizeof beyond, &tensors), STATUS_FORMAT, "3 bytes, more than the file");
    UNIT_FAILS(safetensors_read(beyond, 7, &tensors), STATUS_FORMAT, "no safetensors file");
    CU_ASSERT(!safetensors_begins(huge, sizeof huge));
    // 2 MiB of {}, each of which JSON holds in 80 bytes.
    enum { MANY = 2 << 20 };
    unsigned char *many = malloc(8 + MANY);
    CU_ASSERT_PTR_NOT_NULL_FATAL(many);
    memcpy(many, "\0\0\x20\0\0\0\0\0", 8);
    memset(many + 8, '{', MANY);
    CU_ASSERT(safetensors_begins(many, 8 + MANY)); // so that it is not taken for HDF5
    UNIT_FAILS(safetensors_read(many, 8 + MANY, &tensors), STATUS_FORMAT, "2097152 bytes, more than any needs");
    free(many);
    free(file);
    file = NULL;
}

static const struct unit_test tests[] = {{"types", test_types}, {"offsets", test_offsets}, {"headers", test_headers}};
UNIT_MAIN("safetensors", tests)
