// SPDX-License-Identifier: MIT
// The tables of a run as files of comma-separated values, for programs that read no HDF5.
#pragma once

#include "common/system/file.h"

// Of the run whose output folder, or whose run file, that is: images.csv, steps.csv, metrics.csv, outliers.csv, importance.csv,
// faithfulness.csv and faithfulness_summary.csv into `folder`, or, where that is NULL, beside the run file; *where [FILE_PATH_MAX] says
// which that was. Each complete or absent.
enum status tables_write(const char *run, const char *folder, char *where) MUST_CHECK;
