// SPDX-License-Identifier: MIT
// The version of this program and of the libraries it was compiled with and runs with.
#pragma once

#include <stdio.h>

// Needs no MPI_Init.
void versions_print(FILE *stream);
