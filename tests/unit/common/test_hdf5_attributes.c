// SPDX-License-Identifier: MIT
// Text in attributes: what is written comes back, and of what is read no more than the limits allow.
#include "common/hdf5/hdf5_attributes.h"

#include "hdf5_look.h"

static hid_t begin(void)
{
    hdf5_listen();
    HDF5_HANDLE access = H5Pcreate(H5P_FILE_ACCESS);
    CU_ASSERT_FATAL(H5Pset_fapl_core(access, 1 << 16, false) >= 0); // in memory only
    const hid_t file = H5Fcreate("no-file", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    CU_ASSERT_FATAL(file >= 0);
    return file;
}

// Texts of one length, as Keras writes them.
static void add_fixed(hid_t file, const char *name, const char *bytes, size_t size, hsize_t count)
{
    HDF5_HANDLE type = hdf5_text_type(size);
    HDF5_HANDLE space = H5Screate_simple(1, &count, NULL);
    HDF5_HANDLE attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT_FATAL(attribute >= 0 && H5Awrite(attribute, type, bytes) >= 0);
}

static void expect(hid_t file, const char *name, struct hdf5_limits limits, const char *first, const char *last)
{
    struct hdf5_texts texts;
    UNIT_OK(hdf5_read_texts(file, name, &limits, &texts));
    CU_ASSERT_FATAL(texts.count == 3);
    CU_ASSERT(strcmp(texts.items[0], first) == 0 && strcmp(texts.items[2], last) == 0);
    hdf5_free_texts(&texts);
}

static void refuse(hid_t file, const char *name, struct hdf5_limits limits, enum status wanted, const char *words)
{
    struct hdf5_texts texts;
    UNIT_FAILS(hdf5_read_texts(file, name, &limits, &texts), wanted, words);
    CU_ASSERT(texts.count == 0 && !texts.items);
}

// The longest text and the longest list that are read, and one more of each.
static void test_limits(void)
{
    static const char *const words[] = {"1", "", "12345"};
    hid_t file = begin();
    CU_ASSERT(hdf5_add_texts(file, "words", words, 3) >= 0);
    add_fixed(file, "fixed",
              "1\0\0\0\0"
              "\0\0\0\0\0"
              "12345",
              5, 3);
    expect(file, "words", (struct hdf5_limits){.count = 3, .bytes = 5, .variable = true}, "1", "12345");
    refuse(file, "words", (struct hdf5_limits){.count = 3, .bytes = 4, .variable = true}, STATUS_LIMIT, "longer than 4 bytes");
    refuse(file, "words", (struct hdf5_limits){.count = 2, .bytes = 5, .variable = true}, STATUS_LIMIT, "3 strings; at most 2");
    expect(file, "fixed", (struct hdf5_limits){.count = 3, .bytes = 5}, "1", "12345");
    refuse(file, "fixed", (struct hdf5_limits){.count = 3, .bytes = 4}, STATUS_LIMIT, "longer than 4 bytes");
    refuse(file, "fixed", (struct hdf5_limits){.count = 3, .bytes = 3}, STATUS_LIMIT, "strings of 5 bytes; at most 4");
    refuse(file, "fixed", (struct hdf5_limits){.count = 2, .bytes = 5}, STATUS_LIMIT, "3 strings; at most 2");
    CU_ASSERT(hdf5_add_text(file, "word", "12345") >= 0);
    CU_ASSERT_PTR_NULL(hdf5_read_text(file, "word", 4));
    char *word = hdf5_read_text(file, "word", 5);
    CU_ASSERT(word && strcmp(word, "12345") == 0);
    free(word);
    hdf5_close(&file);
}

// Texts of variable length are read from files that are ours alone, and the others from Keras's.
static void test_kinds(void)
{
    static const char *const words[] = {"a", "b", "c"};
    static const int numbers[] = {1, 2, 3};
    const struct hdf5_limits variable = {.count = 9, .bytes = 99, .variable = true}, fixed = {.count = 9, .bytes = 99};
    hid_t file = begin();
    CU_ASSERT(hdf5_add_texts(file, "words", words, 3) >= 0 && hdf5_add_integers(file, "numbers", numbers, 3) >= 0);
    add_fixed(file, "fixed", "abc", 1, 3);
    expect(file, "words", variable, "a", "c");
    expect(file, "fixed", fixed, "a", "c");
    refuse(file, "words", fixed, STATUS_UNSUPPORTED, "strings of variable length");
    refuse(file, "fixed", variable, STATUS_UNSUPPORTED, "strings of one length");
    refuse(file, "numbers", variable, STATUS_FORMAT, "not a list of strings");
    refuse(file, "absent", variable, STATUS_FORMAT, "no attribute absent");
    CU_ASSERT_PTR_NULL(hdf5_read_text(file, "words", 99)); // more than one
    hdf5_close(&file);
}

static void test_numbers(void)
{
    static const int numbers[] = {1, 2, 3};
    int read[4] = {0};
    hid_t file = begin();
    CU_ASSERT(hdf5_add_integers(file, "numbers", numbers, 3) >= 0);
    CU_ASSERT(hdf5_read_numbers(file, "numbers", H5T_NATIVE_INT, 3, read) && read[2] == 3);
    CU_ASSERT(!hdf5_read_numbers(file, "numbers", H5T_NATIVE_INT, 4, read) && !hdf5_read_numbers(file, "numbers", H5T_NATIVE_INT, 2, read));
    CU_ASSERT(!hdf5_read_numbers(file, "absent", H5T_NATIVE_INT, 1, read));
    CU_ASSERT(hdf5_set_integer(file, "one", 4) >= 0 && hdf5_set_integer(file, "one", 5) >= 0); // replaces
    CU_ASSERT(hdf5_read_numbers(file, "one", H5T_NATIVE_INT, 1, read) && read[0] == 5);
    CU_ASSERT(hdf5_add_text(file, "text", "\xc3\xa9\xff") >= 0);
    char *text = hdf5_read_text(file, "text", 9);
    CU_ASSERT(text && strcmp(text, "\xc3\xa9?") == 0);
    free(text);
    hdf5_close(&file);
}

static const struct unit_test tests[] = {
    {"limits", test_limits},
    {"kinds", test_kinds},
    {"numbers", test_numbers},
};
UNIT_MAIN("attributes", tests)
