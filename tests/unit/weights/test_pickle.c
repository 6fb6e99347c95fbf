// SPDX-License-Identifier: MIT
// Pickles of state dicts: what is read, and that all else is refused by its name.
#include "weights/formats/pickle.h"

#include <stdlib.h>

#include "unit.h"

#define BYTES(text) text, sizeof(text) - 1
#define TEXT(length, text) "X" length "\0\0\0" text
#define STORAGE(type, key, values) "(" TEXT("\x07", "storage") "ctorch\n" type "\n" TEXT("\x01", key) TEXT("\x03", "cpu") "K" values "tQ"
#define TENSOR(storage, first, shape, strides) "ctorch._utils\n_rebuild_tensor_v2\n(" storage "K" first shape strides "\x89}tR"
#define ONE TENSOR(STORAGE("FloatStorage", "7", "\x06"), "\x02", "K\x02K\x02\x86", "K\x02K\x01\x86")

static struct pickle_tensors tensors;
static size_t used;

static void check_refused(const char *bytes, size_t size, enum status want, const char *words)
{
    UNIT_FAILS(pickle_read(bytes, size, PICKLE_TENSORS, &tensors, &used), want, words);
    pickle_free(&tensors);
}

static void check_one(const char *bytes, size_t size, const char *name)
{
    UNIT_OK(pickle_read(bytes, size, PICKLE_TENSORS, &tensors, &used));
    CU_ASSERT_EQUAL(used, size);
    CU_ASSERT_EQUAL_FATAL(tensors.count, 1);
    const struct pickle_tensor *one = tensors.items;
    CU_ASSERT_STRING_EQUAL(one->tensor.name, name);
    CU_ASSERT_STRING_EQUAL(one->storage, "7");
    CU_ASSERT(one->tensor.type == STORED_F32 && one->first == 2 && one->storage_bytes == 24 && one->tensor.rank == 2);
    CU_ASSERT(one->tensor.dims[0] == 2 && one->tensor.dims[1] == 2 && one->tensor.strides[0] == 2 && one->tensor.strides[1] == 1);
}

static void test_state_dicts(void)
{
    check_one(BYTES("\x80\x02}" TEXT("\x01", "a") ONE "s."), "a");
    pickle_free(&tensors);
    // As modules give it: an OrderedDict with attributes; a parameter; what is remembered; numbers of every length.
    check_one(BYTES("\x80\x02"
                    "ccollections\nOrderedDict\n)Rq\0(" TEXT("\x02", "bb") "ctorch._utils\n_rebuild_parameter\n" ONE
                                                                           "\x88}\x87Ru}" TEXT("\x09", "_metadata") "h\0sb."),
              "bb");
    pickle_free(&tensors);
    // A checkpoint: the first dict in it that holds tensors.
    check_one(BYTES("\x80\x02}(" TEXT("\x01", "e") "J\xff\xff\xff\xff" TEXT("\x01", "l") "G\0\0\0\0\0\0\0\0" TEXT(
                  "\x01", "o") "}K\x01NsM\0\1" ONE TEXT("\x01", "m") "}" TEXT("\x01", "a") ONE
                    "s" TEXT("\x07", "classes") "](" TEXT("\x01", "x") TEXT("\x01", "y") "eu."),
              "a");
    CU_ASSERT_PTR_NOT_NULL_FATAL(tensors.classes);
    CU_ASSERT(tensors.classes->count == 2 && strcmp(tensors.classes->names[1], "y") == 0);
    pickle_free(&tensors);
}

static void test_refused_by_name(void)
{
    check_refused(BYTES("\x80\x02"
                        "cposix\nsystem\n" TEXT("\x02", "id") "\x85R."),
                  STATUS_UNSUPPORTED, "asks for posix.system (opcode GLOBAL at byte 2); only tensors are read, and nothing was run");
    check_refused(BYTES("\x80\x02(S'id'\niposix\nsystem\n."), STATUS_UNSUPPORTED,
                  "opcode STRING at byte 3 is none that a state dict needs");
    check_refused(BYTES("\x80\x02(iposix\nsystem\n."), STATUS_UNSUPPORTED, "opcode INST at byte 3");
    check_refused(BYTES("\x80\x04\x8c\x05posix\x8c\x06system\x93."), STATUS_UNSUPPORTED, "opcode SHORT_BINUNICODE at byte 2");
    check_refused(BYTES("\x80\x02}}o."), STATUS_UNSUPPORTED, "opcode OBJ at byte 4");
    check_refused(BYTES("\x80\x02}}\x81."), STATUS_UNSUPPORTED, "opcode NEWOBJ at byte 4");
    check_refused(BYTES("\x80\x02\x82\x01."), STATUS_UNSUPPORTED, "opcode EXT1 at byte 2");
    check_refused(BYTES("\x80\x02\xff."), STATUS_FORMAT, "byte 2 is 255, which is no opcode");
    check_refused(BYTES("\x80\x02"
                        "ctorch\nFloatStorage\n)R."),
                  STATUS_FORMAT, "opcode REDUCE at byte 23 calls what is not called in a state dict");
    check_refused(BYTES("\x80\x02"
                        "ccollections\nOrderedDict\n}}\x86R."),
                  STATUS_FORMAT, "opcode REDUCE");
}

static void test_malformed(void)
{
    check_refused(BYTES("\x80\x02}."), STATUS_FORMAT, "holds no dict of tensors");
    check_refused(BYTES("\x80\x02K\x01."), STATUS_FORMAT, "holds no dict of tensors");
    check_refused(BYTES("."), STATUS_FORMAT, "holds no dict of tensors");
    check_refused(BYTES("\x80\x02}"), STATUS_FORMAT, "cut short");
    check_refused(BYTES("\x80\x02X\xff\xff\xff\xff"
                        "a."),
                  STATUS_FORMAT, "opcode BINUNICODE at byte 2 is cut short");
    check_refused(BYTES("\x80\x02"
                        "cposix"),
                  STATUS_FORMAT, "opcode GLOBAL at byte 2 is cut short");
    check_refused(BYTES("\x80\x02R."), STATUS_FORMAT, "opcode REDUCE at byte 2 does not find on the stack");
    check_refused(BYTES("\x80\x02}}}u."), STATUS_FORMAT, "opcode SETITEMS at byte 5 finds no mark");
    check_refused(BYTES("\x80\x02}(Nu."), STATUS_FORMAT, "opcode SETITEMS at byte 5 finds too few");
    check_refused(BYTES("\x80\x02(}\x86."), STATUS_FORMAT, "opcode TUPLE2 at byte 4 finds a mark");
    check_refused(BYTES("\x80\x02h\x05."), STATUS_FORMAT, "opcode BINGET at byte 2 asks for a value that was never kept");
    check_refused(BYTES("\x80\x02Nr\xff\xff\xff\xff."), STATUS_LIMIT, "remembers more than");
    check_refused(
        BYTES("\x80\x02}" TEXT("\x01", "a") TENSOR(STORAGE("FloatStorage", "7", "\x06"), "\x02", "K\x02\x85", "K\x02K\x01\x86") "s."),
        STATUS_FORMAT, "opcode REDUCE");
    check_refused(BYTES("\x80\x02}" TEXT("\x01", "a") TENSOR(STORAGE("FloatStorage", "7", "\x06"), "\x02", "N\x85", "N\x85") "s."),
                  STATUS_FORMAT, "a shape that is no list of numbers");
}

#define A_TENSOR(storage) TENSOR(storage, "\x02", "K\x02K\x02\x86", "K\x02K\x01\x86")
#define LONG_STORAGE(count) "(" TEXT("\x07", "storage") "ctorch\nFloatStorage\n" TEXT("\x01", "7") TEXT("\x03", "cpu") "\x8a\x08" count "tQ"

// A NUL ends no name, and no number of values wraps around.
static void test_names_and_counts(void)
{
    check_refused(BYTES("\x80\x02}" TEXT("\x06", "a\0junk") ONE "s."), STATUS_FORMAT,
                  "names a tensor by more than 127 bytes, or with a NUL");
    check_refused(BYTES("\x80\x02}" TEXT("\x01", "a") A_TENSOR("(" TEXT("\x07", "storage") "ctorch\nFloatStorage\n" TEXT("\x03", "7\0x")
                                                                   TEXT("\x03", "cpu") "K\x06tQ") "s."),
                  STATUS_FORMAT, "names a storage by more than 63 bytes, or with a NUL");
    check_refused(BYTES("\x80\x02}" TEXT("\x01", "a") A_TENSOR(LONG_STORAGE("\1\0\0\0\0\0\0\x40")) "s."), STATUS_FORMAT,
                  "names no storage of a tensor");
    check_refused(BYTES("\x80\x02}" TEXT("\x01", "a") A_TENSOR(LONG_STORAGE("\xff\xff\xff\xff\xff\xff\xff\xff")) "s."), STATUS_FORMAT,
                  "names no storage of a tensor");
}

static void test_keys(void)
{
    enum { KEYS = PICKLE_KEYS_MAX + 1 };
    static char many[2 + 6 * KEYS + 2] = "](";
    UNIT_OK(pickle_read(BYTES("](" TEXT("\x01", "7") TEXT("\x02", "88") "e."), PICKLE_KEYS, &tensors, &used));
    CU_ASSERT(tensors.count == 2 && strcmp(tensors.items[1].storage, "88") == 0);
    pickle_free(&tensors);
    UNIT_FAILS(pickle_read(BYTES("](" TEXT("\x03", "7\0x") "e."), PICKLE_KEYS, &tensors, &used), STATUS_FORMAT, "or with a NUL");
    pickle_free(&tensors);
    UNIT_FAILS(pickle_read(BYTES("K\x01."), PICKLE_KEYS, &tensors, &used), STATUS_FORMAT, "is no list");
    pickle_free(&tensors);
    for (size_t i = 0; i < KEYS; i++)
        memcpy(many + 2 + 6 * i, TEXT("\x01", "7"), 6);
    memcpy(many + 2 + 6 * KEYS, "e.", 2);
    UNIT_FAILS(pickle_read(many, sizeof many, PICKLE_KEYS, &tensors, &used), STATUS_LIMIT, "more than 4096 storages");
    pickle_free(&tensors);
}

// Deep ones, with whatever nests, end at a limit and not with the stack.
static void test_deep(void)
{
    enum { DEPTH = 1 << 20 };
    char *deep = malloc(DEPTH);
    CU_ASSERT_PTR_NOT_NULL_FATAL(deep);
    for (const char *opcode = "(]})N"; *opcode; opcode++) {
        memset(deep, *opcode, DEPTH);
        check_refused(deep, DEPTH, STATUS_LIMIT, "nests deeper than 8192 values at byte 8192");
    }
    for (size_t i = 0; i < DEPTH; i++)
        deep[i] = "N\x85"[i % 2 == 1 || i > 0]; // a tuple of a tuple of ...
    check_refused(deep, DEPTH, STATUS_LIMIT, "more than 262144 values");
    free(deep);
}

// Every beginning of a good one is refused, without reading beyond it.
static void test_bounds(void)
{
    static const char good[] = "\x80\x02}" TEXT("\x01", "a") ONE "s.";
    for (size_t length = 0; length + 1 < sizeof good; length++) {
        char *cut = malloc(length + (length == 0));
        memcpy(cut, good, length);
        if (length + 2 <= sizeof good - 1)
            CU_ASSERT(pickle_read(cut, length, PICKLE_TENSORS, &tensors, &used) == STATUS_FORMAT);
        pickle_free(&tensors);
        free(cut);
    }
}

static const struct unit_test tests[] = {
    {"state dicts", test_state_dicts}, {"refused by name", test_refused_by_name},   {"malformed", test_malformed}, {"deep", test_deep},
    {"bounds", test_bounds},           {"names and counts", test_names_and_counts}, {"keys", test_keys},
};
UNIT_MAIN("pickle", tests)
