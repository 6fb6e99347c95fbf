#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Dreams judged blind: sheets without names, and the votes on them.

    sheet.py make --photos FOLDER -o SHEETS DREAMS DREAMS...   SHEETS/NAME.png, and who is who in SHEETS/key.json (look at it last)
    sheet.py count SHEETS BALLOT BALLOT BALLOT                 a table in Markdown; --of CANDIDATE: it against each other one;
                                                               --images FOLDER: small sheets with the names on them

DREAMS/NAME/dream.png stands for the candidate DREAMS; one that lacks a photograph is left out of its sheet. Candidates have letters in an
order drawn for each photograph anew. A ballot is a text file, one photograph a line, the best first as far as the judge has an opinion:

    peaks: B A D
    dogs: - # none is any good

A photograph goes to who has the first places of more than half of the judges, otherwise to nobody. In pairs, with --of: on how many
photographs more than half of the judges put that candidate before each other one; one that a ballot leaves out is behind all it names.
"""
import argparse
import collections
import json
import pathlib
import random
import re
import string
import sys

from PIL import Image, ImageDraw, ImageFont

MARGIN, HEAD = 8, 34


def font(size):
    for path in ("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf", "DejaVuSans-Bold.ttf"):
        try:
            return ImageFont.truetype(path, size)
        except OSError:
            pass
    return ImageFont.load_default()


def sheet(pictures, width, columns, size=26):
    """One picture of (title, path) in rows of `columns`, each `width` wide."""
    images = []
    for title, path in pictures:
        image = Image.open(path).convert("RGB")
        height = round(image.height * width / image.width)
        images.append((title, image.resize((width, height), Image.LANCZOS) if image.width != width else image))
    cell = (width + MARGIN, max(image.height for _, image in images) + HEAD)
    rows = -(-len(images) // columns)
    found = Image.new("RGB", (columns * cell[0] + MARGIN, rows * cell[1] + MARGIN), "#404040")
    draw, letters = ImageDraw.Draw(found), font(size)
    for place, (title, image) in enumerate(images):
        x, y = MARGIN + place % columns * cell[0], place // columns * cell[1]
        draw.text((x, y + 3), title, fill="white", font=letters)
        found.paste(image, (x, y + HEAD))
    return found


def make(arguments):
    candidates = {folder.name: folder for folder in arguments.dreams}
    if len(candidates) < len(arguments.dreams):
        sys.exit("two folders have the same name")
    draw = random.Random(arguments.seed) if arguments.seed is not None else random.SystemRandom()
    arguments.output.mkdir(parents=True, exist_ok=True)
    key = {}
    for photo in sorted(arguments.photos.glob("*.png")):
        who = [name for name, folder in candidates.items() if (folder / photo.stem / "dream.png").exists()]
        if len(who) < 2:
            print(f"{photo.stem}: left out, {len(who)} candidates", file=sys.stderr)
            continue
        draw.shuffle(who)
        letters = dict(zip(string.ascii_uppercase, who))
        pictures = [("photograph", photo)] + [(k, candidates[name] / photo.stem / "dream.png") for k, name in letters.items()]
        sheet(pictures, arguments.width, 2).save(arguments.output / f"{photo.stem}.png")
        key[photo.stem] = {
            "photograph": str(photo.resolve()),
            "candidates": {k: {"name": who, "dream": str(path.resolve())} for (k, who), (_, path) in zip(letters.items(), pictures[1:])},
        }
    (arguments.output / "key.json").write_text(json.dumps(key, indent=1) + "\n")
    print(f"{len(key)} sheets in {arguments.output}")


def read_ballot(path, key):
    """By photograph the letters, best first; none where the judge likes none."""
    votes = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        match = re.fullmatch(r"(\S+?)\s*:\s*(-|[A-Za-z](?:[\s,>]*[A-Za-z])*)", line)
        if not match or match[1] not in key:
            sys.exit(f"{path}:{number}: not 'photograph: letters' of these sheets: {line}")
        letters = re.findall("[A-Z]", match[2].upper())
        unknown = set(letters) - set(key[match[1]]["candidates"])
        if unknown or len(set(letters)) < len(letters) or match[1] in votes:
            sys.exit(f"{path}:{number}: a letter or a photograph that is not there or is there twice: {line}")
        votes[match[1]] = letters
    for name in key.keys() - votes.keys():
        print(f"{path}: no vote on {name}", file=sys.stderr)
    return votes


def winner(firsts, judges):
    """Who is first for more than half of the judges, None where nobody is."""
    best = collections.Counter(firsts).most_common(1)
    return best[0][0] if best and 2 * best[0][1] > judges else None


def before(letters, one, other):
    """Whether a ballot puts `one` before `other`."""
    return one in letters and (other not in letters or letters.index(one) < letters.index(other))


def pairs(key, ballots, name):
    """By other candidate: the photographs that both have, and those on which `name` is before it for more than half of the judges."""
    shared, won = collections.Counter(), collections.Counter()
    for photo, entry in key.items():
        letters = {candidate["name"]: letter for letter, candidate in entry["candidates"].items()}
        for other in letters.keys() - {name} if name in letters else ():
            shared[other] += 1
            won[other] += 2 * sum(before(ballot.get(photo, []), letters[name], letters[other]) for ballot in ballots) > len(ballots)
    return {other: (won[other], shared[other]) for other in sorted(shared)}


def count(arguments):
    key = json.loads((arguments.sheets / "key.json").read_text())
    ballots = [read_ballot(path, key) for path in arguments.ballots]
    names = sorted({candidate["name"] for entry in key.values() for candidate in entry["candidates"].values()})
    won, votes, lines = collections.Counter(), collections.Counter(), []
    for photo, entry in key.items():
        dreams = {candidate["name"]: candidate["dream"] for candidate in entry["candidates"].values()}
        firsts = [entry["candidates"][ballot[photo][0]]["name"] for ballot in ballots if ballot.get(photo)]
        best = winner(firsts, len(ballots))
        votes.update(firsts)
        won.update([best] if best else [])
        cells = (str(firsts.count(name) or "") if name in dreams else "-" for name in names)
        lines.append(f"| {photo} | {' | '.join(cells)} | {best or 'nobody'} |")
        if arguments.images:
            arguments.images.mkdir(parents=True, exist_ok=True)
            small = sheet([("photograph", entry["photograph"]), *sorted(dreams.items())], 400, 3, 20)
            small.save(arguments.images / f"{photo}.jpg", quality=78, optimize=True, progressive=True)
    print(f"| photograph | {' | '.join(names)} | goes to |\n|---|{'---|' * len(names)}---|")
    print("\n".join(lines))
    print(f"| **first places of {len(ballots)} judges** | {' | '.join(str(votes[name]) for name in names)} | |")
    print(f"| **photographs** | {' | '.join(str(won[name]) for name in names)} | |")
    if arguments.of:
        found = pairs(key, ballots, arguments.of)
        print(f"\n{arguments.of} before {', '.join(f'{other} on {wins} of {of}' for other, (wins, of) in found.items())}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("dreams", nargs="+", type=pathlib.Path)
    making.add_argument("--photos", type=pathlib.Path, required=True)
    making.add_argument("-o", "--output", type=pathlib.Path, required=True)
    making.add_argument("--width", type=int, default=800)
    making.add_argument("--seed", type=int, help="the same order every time, for tests")
    counting = commands.add_parser("count")
    counting.add_argument("sheets", type=pathlib.Path)
    counting.add_argument("ballots", nargs="+", type=pathlib.Path)
    counting.add_argument("--images", type=pathlib.Path)
    counting.add_argument("--of", metavar="CANDIDATE")
    arguments = parser.parse_args()
    {"make": make, "count": count}[arguments.command](arguments)


if __name__ == "__main__":
    main()
