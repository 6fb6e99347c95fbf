// SPDX-License-Identifier: MIT
// For the tests of videos: what FFmpeg's own programs, ffprobe and ffmpeg, find in the files. Paths are without quotes.
#pragma once

#include <dirent.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

// One entry of the video stream, as ffprobe writes it; frames are counted by decoding them (nb_read_frames).
static inline const char *video_entry(const char *path, const char *entry)
{
    static char answer[128];
    char command[4200];
    snprintf(command, sizeof command, "ffprobe -v error -count_frames -select_streams v -show_entries stream=%s -of default=nk=1:nw=1 '%s'",
             entry, path);
    FILE *pipe = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    if (!fgets(answer, sizeof answer, pipe))
        answer[0] = '\0';
    CU_ASSERT_EQUAL(pclose(pipe), 0);
    answer[strcspn(answer, "\n")] = '\0';
    return answer;
}

static inline int video_frames(const char *path)
{
    return (int)strtol(video_entry(path, "nb_read_frames"), NULL, 10);
}

// All frames as RGB of 8 bits, (count, height, width, 3), malloc'ed: what a player shows, by the colours that the file claims to have.
static inline uint8_t *video_decode(const char *path, int width, int height, int *count)
{
    char command[4200];
    const size_t frame = (size_t)width * (size_t)height * 3;
    uint8_t *frames = NULL;
    snprintf(command, sizeof command,
             "ffmpeg -nostdin -v error -i '%s' -fps_mode passthrough -sws_flags accurate_rnd+full_chroma_int -pix_fmt rgb24 -f rawvideo -",
             path);
    FILE *pipe = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    size_t got = 0;
    for (*count = 0;; ++*count) {
        frames = realloc(frames, (size_t)(*count + 1) * frame);
        CU_ASSERT_PTR_NOT_NULL_FATAL(frames);
        got = fread(frames + (size_t)*count * frame, 1, frame, pipe);
        if (got < frame)
            break;
    }
    CU_ASSERT_EQUAL(got, 0); // nothing is left
    CU_ASSERT_EQUAL(pclose(pipe), 0);
    return frames;
}

// Peak signal to noise ratio in dB of two pictures of 8 bits.
static inline double video_psnr(const uint8_t *a, const uint8_t *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return 10 * log10(255.0 * 255.0 * (double)count / (sum > 0 ? sum : 1e-9));
}

// Entries of a folder.
static inline int folder_entries(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2;
}
