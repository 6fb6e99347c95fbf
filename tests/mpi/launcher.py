#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""launcher.py PID: process ids of the ranks that this mpirun, of Open MPI or MPICH, has started, in the order of the ranks."""
import collections
import pathlib
import re
import sys

# To be added to the environment of mpirun.
ENVIRONMENT = dict(line.split("=", 1) for line in (pathlib.Path(__file__).parent / "launcher.env").read_text().splitlines() if line[0] != "#")
RANK = re.compile(rb"(?:^|\0)(?:OMPI_COMM_WORLD_RANK|PMI_RANK)=(\d+)")


def ranks_of(launcher):
    """Children of the launcher with Open MPI; with MPICH there is a hydra_pmi_proxy between."""
    children, ranks = collections.defaultdict(list), {}
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            children[int(entry.read_text().rsplit(")", 1)[1].split()[1])].append(int(entry.parent.name))
        except OSError:
            pass
    for pid in children[launcher] + [grandchild for child in children[launcher] for grandchild in children[child]]:
        try:
            rank = RANK.search(pathlib.Path(f"/proc/{pid}/environ").read_bytes())
        except OSError:
            continue
        if rank:
            ranks.setdefault(int(rank[1]), pid)  # what a rank starts has its number, too
    return [ranks[rank] for rank in sorted(ranks)]


if __name__ == "__main__":
    print(*ranks_of(int(sys.argv[1])), sep="\n")
