// SPDX-License-Identifier: MIT
#include "media/picture/signature.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

bool picture_has_name(const char *path)
{
    static const char *const extensions[] = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".webp", ".bmp", ".gif"};
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    for (size_t i = 0; dot && i < sizeof extensions / sizeof extensions[0]; i++)
        if (strcasecmp(dot, extensions[i]) == 0)
            return true;
    return false;
}

bool picture_has_content(const char *path)
{
    static const struct {
        size_t offset, length;
        const char *bytes;
    } signs[] = {
        {0, 8, "\x89PNG\r\n\x1a\n"},
        {0, 3, "\xff\xd8\xff"}, // PNG, JPEG
        {0, 4, "II*\0"},
        {0, 4, "MM\0*"},
        {0, 4, "II+\0"},
        {0, 4, "MM\0+"}, // TIFF and BigTIFF
        {8, 8, "WEBPVP8 "},
        {8, 8, "WEBPVP8L"},
        {8, 8, "WEBPVP8X"}, // after "RIFF" and a size
        {0, 6, "GIF87a"},
        {0, 6, "GIF89a"},
    };
    char start[32] = {0};
    struct stat info;
    // O_NONBLOCK: should it have become a pipe, nobody waits for its other end.
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return false;
    const ssize_t got = fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) ? read(descriptor, start, sizeof start) : -1;
    close(descriptor);
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (got >= (ssize_t)(signs[i].offset + signs[i].length) && !memcmp(start + signs[i].offset, signs[i].bytes, signs[i].length))
            return true;
    return got >= 26 && !memcmp(start, "BM", 2) && !memcmp(start + 6, "\0\0\0\0", 4); // BMP: two letters alone would take in text
}
