// SPDX-License-Identifier: MIT
// The plot of a study, by gnuplot in a process of its own.
#pragma once

#include "report/study/study.h"

// <folder>/strong.svg, weak.svg or times.svg. Without gnuplot, or where it fails, there is a warning and *plotted is false.
enum status study_plot(const struct study *study, const char *folder, bool *plotted) MUST_CHECK;

// The script: it writes the SVG to standard output.
void study_plot_script(const struct study *study, FILE *stream);
