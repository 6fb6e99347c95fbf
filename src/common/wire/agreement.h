// SPDX-License-Identifier: MIT
// The one way for ranks to agree that something went well on all of them. What may fail on one rank alone is followed by an agreement
// before any rank waits for the others.
#pragma once

#include <mpi.h>
#include <stdbool.h>

#include "common/system/status.h"

// Collective: STATUS_OK if every rank says so; otherwise every rank returns the status and message of the first one that does not, and
// *agreed becomes true: nobody waits for anybody. A failure without that is one of MPI, of this rank alone. Ranks wait asleep.
enum status agreement(MPI_Comm comm, enum status mine, bool *agreed) MUST_CHECK;
