// SPDX-License-Identifier: MIT
// The commands of the program. Each gets the arguments from its own name on and returns the exit code.
#pragma once

#include <stdio.h>

#include "job/job.h" // exit codes

int command_dream(int argc, char **argv); // and explain
int command_model(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_report(int argc, char **argv);
int command_status(int argc, char **argv);

// `oneiros dream --dry-run`: what a run would do, image by image, without doing it. Finds out what a run does before it begins, and fails
// where that would (start_dry). Looks at the header of every input that is not done yet and prints, a line each, its octaves, tiles, team
// and memory; then what they come to. What is behind an address is not looked at. Workers are as many as the launcher's environment says,
// memory is this machine's. Writes nothing. *failed: how many would fail.
enum status dry_run(struct job_options *options, FILE *stream, long *failed) MUST_CHECK;

// The version of this program and of the libraries that it was compiled with and runs with. Needs no MPI_Init.
void versions_print(FILE *stream);
