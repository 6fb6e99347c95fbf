// SPDX-License-Identifier: MIT
// What rank 0 and the workers that do their own reading and writing say to each other.
//
//   rank 0                              worker
//                                <----    account (wants): room for another image
//     order (image)              ---->
//                                <----    account (image), bytes: its row, those of its steps and maps, the importance of its channels
//                                <----    account (team): the image needs more ranks than one
//                                <----    account (stops): a signal has come
//     order (stop)               ---->
//     order (end)                ---->    no further image
//                                <----    account (leaves), bytes: its timing
//     order (leave)              ---->    the last one: others may have been on their way
#pragma once

#include <stdint.h>

#include "common/system/file.h"
#include "coordinator/output/folder_names.h"
#include "coordinator/task/task.h"

enum order_kind { ORDER_IMAGE, ORDER_STOP, ORDER_END, ORDER_LEAVE };

struct order {
    int32_t kind;
    int32_t is_url;
    int64_t image; // id
    char name[FOLDER_NAME_MAX + 1];
    char source[FILE_PATH_MAX]; // sent as far as its NUL: a short message arrives at once, and nobody need keep it
};

size_t order_bytes(const struct order *order);
enum status order_receive(struct order *order, MPI_Comm comm) MUST_CHECK;

enum account_kind { ACCOUNT_WANTS, ACCOUNT_IMAGE, ACCOUNT_TEAM, ACCOUNT_STOPS, ACCOUNT_LEAVES };

struct account {
    int32_t kind;
    int64_t image; // id
    int64_t bytes; // that follow
};

// An image that has come to its end as bytes, malloc'ed, and back into an empty task. `channels` [targets]: of each target's layer.
enum status account_pack(const struct task *task, const int *channels, int targets, void **bytes, size_t *size) MUST_CHECK;
enum status account_unpack(struct task *task, const int *channels, int targets, const void *bytes, size_t size) MUST_CHECK;
