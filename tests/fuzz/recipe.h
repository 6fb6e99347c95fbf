// SPDX-License-Identifier: MIT
// An HDF5 file from a text, one thing a line; lines that make no sense are left out, and groups on the way to a thing are made.
//
//   names OBJECT ATTRIBUTE STRING...              an attribute: strings of one length
//   text OBJECT ATTRIBUTE STRING                  one of variable length
//   data PATH TYPE LAYOUT VALUE LENGTH...         a dataset, of that value everywhere and of as many dimensions as there are lengths
//   soft PATH TARGET, hard PATH TARGET            a link
//   file PATH FILE TARGET                         a link into another file
//   drop PATH, forget OBJECT ATTRIBUTE            what is there already goes
//   numbers OBJECT ATTRIBUTE TYPE VALUE...        an attribute of so many numbers
//   put PATH INDEX VALUE                          one value of a dataset of one dimension
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { RECIPE_WORDS = 64, RECIPE_VALUES_MAX = 1 << 15 };

// The words of a line; beyond the last one, they are empty.
struct recipe_line {
    const char *words[RECIPE_WORDS];
    int count;
};

static inline void recipe_put_names(hid_t file, const struct recipe_line *line)
{
    enum { FIRST = 3 };
    hsize_t count = line->count > FIRST ? (hsize_t)(line->count - FIRST) : 0;
    size_t length = 1;
    for (int i = FIRST; i < line->count; i++)
        length = strlen(line->words[i]) > length ? strlen(line->words[i]) : length;
    char *bytes = calloc((size_t)count + 1, length);
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &count, NULL), object = H5Oopen(file, line->words[1], H5P_DEFAULT);
    H5Tset_size(type, length);
    for (int i = FIRST; i < line->count; i++)
        memcpy(bytes + (size_t)(i - FIRST) * length, line->words[i], strlen(line->words[i]));
    const hid_t attribute = H5Acreate2(object, line->words[2], type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, bytes);
    H5Aclose(attribute);
    H5Oclose(object);
    H5Sclose(space);
    H5Tclose(type);
    free(bytes);
}

static inline void recipe_put_text(hid_t file, const struct recipe_line *line)
{
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR), object = H5Oopen(file, line->words[1], H5P_DEFAULT);
    H5Tset_size(type, H5T_VARIABLE);
    const hid_t attribute = H5Acreate2(object, line->words[2], type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, &line->words[3]);
    H5Aclose(attribute);
    H5Oclose(object);
    H5Sclose(space);
    H5Tclose(type);
}

static inline hid_t recipe_type(char letter)
{
    return letter == 'f'   ? H5T_IEEE_F32LE
           : letter == 'F' ? H5T_IEEE_F32BE
           : letter == 'd' ? H5T_IEEE_F64LE
           : letter == 'i' ? H5T_STD_I32LE
           : letter == 'u' ? H5T_STD_U64BE
                           : H5T_C_S1;
}

// c: chunks, z: chunks with a checksum, compressed, b: packed into fewer bits, x: in another file, k: compact, n: never written, m: chunks
// that were never written
static inline hid_t recipe_layout(char letter, int rank, const hsize_t *lengths)
{
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    if (letter && strchr("czbm", letter))
        H5Pset_chunk(list, rank, lengths);
    if (letter == 'b')
        H5Pset_nbit(list);
    if (letter == 'z') {
        H5Pset_fletcher32(list);
        H5Pset_deflate(list, 1);
    }
    if (letter == 'x')
        H5Pset_external(list, "/dev/null", 0, H5F_UNLIMITED);
    if (letter == 'k')
        H5Pset_layout(list, H5D_COMPACT);
    return list;
}

static inline void recipe_put_data(hid_t file, hid_t links, const struct recipe_line *line)
{
    enum { FIRST = 5, RANK_MAX = 6 };
    static float values[RECIPE_VALUES_MAX];
    hsize_t lengths[RANK_MAX], count = 1;
    int rank = 0;
    for (int i = FIRST; i < line->count && rank < RANK_MAX; i++, rank++) {
        lengths[rank] = strtoull(line->words[i], NULL, 10);
        count = lengths[rank] > RECIPE_VALUES_MAX ? RECIPE_VALUES_MAX + 1 : count * lengths[rank];
    }
    const bool written = !line->words[3][0] || !strchr("nxm", line->words[3][0]);
    if (written && count > RECIPE_VALUES_MAX)
        return;
    for (hsize_t i = 0; written && i < count; i++)
        values[i] = strtof(line->words[4], NULL);
    const hid_t space = rank > 0 ? H5Screate_simple(rank, lengths, NULL) : H5Screate(H5S_SCALAR);
    const hid_t list = recipe_layout(line->words[3][0], rank, lengths);
    const hid_t dataset = H5Dcreate2(file, line->words[1], recipe_type(line->words[2][0]), space, links, list, H5P_DEFAULT);
    if (written)
        H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(dataset);
    H5Pclose(list);
    H5Sclose(space);
}

static inline void recipe_put_numbers(hid_t file, const struct recipe_line *line)
{
    enum { FIRST = 4 };
    double values[RECIPE_WORDS] = {0};
    const hsize_t count = line->count > FIRST ? (hsize_t)(line->count - FIRST) : 0;
    for (hsize_t i = 0; i < count; i++)
        values[i] = strtod(line->words[FIRST + i], NULL);
    const hid_t space = H5Screate_simple(1, &count, NULL), object = H5Oopen(file, line->words[1], H5P_DEFAULT);
    const hid_t attribute = H5Acreate2(object, line->words[2], recipe_type(line->words[3][0]), space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_DOUBLE, values);
    H5Aclose(attribute);
    H5Oclose(object);
    H5Sclose(space);
}

static inline void recipe_put_value(hid_t file, const struct recipe_line *line)
{
    const hsize_t at = strtoull(line->words[2], NULL, 10);
    const float value = strtof(line->words[3], NULL);
    const hid_t dataset = H5Dopen2(file, line->words[1], H5P_DEFAULT), space = H5Dget_space(dataset), one = H5Screate(H5S_SCALAR);
    if (H5Sget_simple_extent_ndims(space) == 1 && H5Sselect_elements(space, H5S_SELECT_SET, 1, &at) >= 0)
        H5Dwrite(dataset, H5T_NATIVE_FLOAT, one, space, H5P_DEFAULT, &value);
    H5Sclose(one);
    H5Sclose(space);
    H5Dclose(dataset);
}

static inline void recipe_forget(hid_t file, const struct recipe_line *line)
{
    const hid_t object = H5Oopen(file, line->words[1], H5P_DEFAULT);
    H5Adelete(object, line->words[2]);
    H5Oclose(object);
}

static inline void recipe_put(hid_t file, hid_t links, char *text)
{
    struct recipe_line line = {.count = 0};
    for (char *word; line.count < RECIPE_WORDS && (word = strsep(&text, " "));)
        line.words[line.count++] = word;
    for (int i = line.count; i < RECIPE_WORDS; i++)
        line.words[i] = "";
    if (strcmp(line.words[0], "names") == 0)
        recipe_put_names(file, &line);
    else if (strcmp(line.words[0], "text") == 0)
        recipe_put_text(file, &line);
    else if (strcmp(line.words[0], "data") == 0)
        recipe_put_data(file, links, &line);
    else if (strcmp(line.words[0], "soft") == 0)
        H5Lcreate_soft(line.words[2], file, line.words[1], links, H5P_DEFAULT);
    else if (strcmp(line.words[0], "hard") == 0)
        H5Lcreate_hard(file, line.words[2], file, line.words[1], links, H5P_DEFAULT);
    else if (strcmp(line.words[0], "file") == 0)
        H5Lcreate_external(line.words[2], line.words[3], file, line.words[1], links, H5P_DEFAULT);
    else if (strcmp(line.words[0], "drop") == 0)
        H5Ldelete(file, line.words[1], H5P_DEFAULT);
    else if (strcmp(line.words[0], "forget") == 0)
        recipe_forget(file, &line);
    else if (strcmp(line.words[0], "numbers") == 0)
        recipe_put_numbers(file, &line);
    else if (strcmp(line.words[0], "put") == 0)
        recipe_put_value(file, &line);
}

// What HDF5 refuses is left out. Closes the file.
static inline void recipe_follow(hid_t file, char *text)
{
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    if (file < 0 || links < 0)
        abort();
    H5Pset_create_intermediate_group(links, 1);
    for (char *line; (line = strsep(&text, "\n"));)
        recipe_put(file, links, line);
    H5Pclose(links);
    H5Fclose(file);
}

static inline void recipe_make(const char *path, char *text)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    recipe_follow(H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), text);
}

// In a file that is there.
static inline void recipe_change(const char *path, char *text)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    recipe_follow(H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), text);
}
