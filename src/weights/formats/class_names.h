// SPDX-License-Identifier: MIT
// Names of the classes that a classifier tells apart: `class: tabby` instead of `class: 281`.
#pragma once

#include <stddef.h>

#include "common/system/status.h"
#include "kernels/network/network.h"

enum { CLASS_NAME_MAX = 128, CLASS_NAMES_MAX = NETWORK_CLASSES_MAX + 1 }; // with the one that TensorFlow's slim has before all others

// Plain bytes. A name may be several with commas, as ImageNet's are: "tabby, tabby cat".
struct class_names {
    int count; // 0: none are known
    char names[CLASS_NAMES_MAX][CLASS_NAME_MAX];
};

// Adds what a text from outside calls the next class, made printable, cut to CLASS_NAME_MAX.
enum status class_names_add(struct class_names *names, const char *text, size_t length) MUST_CHECK;

// A file: one name a line, ImageNet's n01234567 before it left away; or JSON, a list of names or of ["n01234567", "name"], or an object
// from numbers to these or from names to numbers.
enum status class_names_read(const char *path, struct class_names *names) MUST_CHECK;

// The same from text.
enum status class_names_parse(const char *text, size_t size, struct class_names *names) MUST_CHECK;

// The number that `text` is, or that of the class that it names: the whole name or one of those between commas, whatever the case, _ like
// a space. `classes`: how many there are. STATUS_USAGE with what is near where there is no such class, or several.
enum status class_names_find(const struct class_names *names, int classes, const char *text, int *number) MUST_CHECK;
