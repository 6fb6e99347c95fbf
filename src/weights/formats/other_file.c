// SPDX-License-Identifier: MIT
#include "weights/formats/other_file.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    size_t at, length;
    const char *bytes, *name;
} signatures[] = {
    {0, 3, "\xff\xd8\xff", "a JPEG picture"},
    {0, 8, "\x89PNG\r\n\x1a\n", "a PNG picture"},
    {0, 4, "GIF8", "a GIF picture"},
    {0, 4, "II*\0", "a TIFF picture"},
    {0, 4, "MM\0*", "a TIFF picture"},
    {8, 4, "WEBP", "a WebP picture"},
    {0, 5, "%PDF-", "a PDF document"},
    {0, 2, "\x1f\x8b", "a gzip archive: unpack it"},
    {0, 6,
     "\xfd"
     "7zXZ",
     "an xz archive: unpack it"},
    {257, 5, "ustar", "a tar archive: unpack it"},
    {4, 4, "TFL3", "a model of TensorFlow Lite"},
    {0, 6, "\x93NUMPY", "an array of NumPy"},
    {0, 4, "GGUF", "a GGUF model"},
    {0, 4,
     "\x7f"
     "ELF",
     "a program"},
    {0, 23, "version https://git-lfs", "a pointer of Git LFS: `git lfs pull` gets the file itself"},
};

static bool is_text(const unsigned char *begin, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((begin[i] < ' ' && !strchr("\t\r\n\f", begin[i])) || begin[i] == 0x7f || begin[i] == 0)
            return false;
    return true;
}

const char *other_file_name(const unsigned char *begin, size_t size)
{
    size_t blank = 0;
    if (size == 0)
        return "an empty file";
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++)
        if (size >= signatures[i].at + signatures[i].length &&
            memcmp(begin + signatures[i].at, signatures[i].bytes, signatures[i].length) == 0)
            return signatures[i].name;
    if (!is_text(begin, size))
        return NULL;
    while (blank < size && strchr(" \t\r\n", begin[blank]))
        blank++;
    if (blank < size && begin[blank] == '<')
        return "HTML or XML, the page of a server perhaps";
    return blank < size && begin[blank] == '{' ? "JSON; of a TensorFlow.js model `oneiros model import` takes the folder" : "text";
}
