// SPDX-License-Identifier: MIT
// The names in pickles: those of all opcodes, and those that a state dict imports.
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "weights/formats/stored_tensors.h"

enum { OPCODE_NAME_MAX = 24 };
enum pickle_global { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, STORAGES }; // from STORAGES on: types of storages

static const struct {
    const char *module, *name;
    enum stored_type type;
    int size; // of a value; 0: no storage
} pickle_globals[] = {
    {"collections", "OrderedDict", STORED_OTHER, 0},
    {"torch._utils", "_rebuild_tensor_v2", STORED_OTHER, 0},
    {"torch._utils", "_rebuild_parameter", STORED_OTHER, 0},
    {"torch", "FloatStorage", STORED_F32, 4},
    {"torch", "DoubleStorage", STORED_F64, 8},
    {"torch", "HalfStorage", STORED_F16, 2},
    {"torch", "BFloat16Storage", STORED_BF16, 2},
    {"torch", "LongStorage", STORED_OTHER, 8},
    {"torch", "IntStorage", STORED_OTHER, 4},
    {"torch", "ShortStorage", STORED_OTHER, 2},
    {"torch", "CharStorage", STORED_OTHER, 1},
    {"torch", "ByteStorage", STORED_OTHER, 1},
    {"torch", "BoolStorage", STORED_OTHER, 1},
};

// All that pickle has, by pickletools: the opcode's character, its name; then those from 128 on.
static const char opcodes[] = "(MARK .STOP 0POP 1POP_MARK 2DUP FFLOAT IINT JBININT KBININT1 LLONG MBININT2 NNONE PPERSID QBINPERSID "
                              "RREDUCE SSTRING TBINSTRING USHORT_BINSTRING VUNICODE XBINUNICODE aAPPEND bBUILD cGLOBAL dDICT }EMPTY_DICT "
                              "eAPPENDS gGET hBINGET iINST jLONG_BINGET lLIST ]EMPTY_LIST oOBJ pPUT qBINPUT rLONG_BINPUT sSETITEM tTUPLE "
                              ")EMPTY_TUPLE uSETITEMS GBINFLOAT BBINBYTES CSHORT_BINBYTES ";
static const char later_opcodes[] = "PROTO NEWOBJ EXT1 EXT2 EXT4 TUPLE1 TUPLE2 TUPLE3 NEWTRUE NEWFALSE LONG1 LONG4 SHORT_BINUNICODE "
                                    "BINUNICODE8 BINBYTES8 EMPTY_SET ADDITEMS FROZENSET NEWOBJ_EX STACK_GLOBAL MEMOIZE FRAME BYTEARRAY8 "
                                    "NEXT_BUFFER READONLY_BUFFER ";

// False: there is no such opcode.
static inline bool pickle_opcode(int code, char name[OPCODE_NAME_MAX])
{
    int number = 128;
    for (const char *word = code < 128 ? opcodes : later_opcodes; *word; word = strchr(word, ' ') + 1, number++)
        if (code < 128 ? *word == code : number == code) {
            snprintf(name, OPCODE_NAME_MAX, "%.*s", (int)strcspn(word, " ") - (code < 128), word + (code < 128));
            return true;
        }
    return false;
}

// A text that is to be a name. False: it is longer than there is room for, or goes on behind a NUL.
static inline bool pickle_name(const unsigned char *text, size_t length, char *out, size_t room)
{
    if (length >= room || memchr(text, '\0', length))
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

// What is no letter, digit or sign becomes a question mark.
static inline void pickle_show(char *text)
{
    for (; *text; text++)
        *text = *text < 0x21 || *text > 0x7e ? '?' : *text;
}
