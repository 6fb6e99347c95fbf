#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""The measures on pictures of which it is known what they must be; sheets and ballots; the presets' first sentences."""
import importlib.machinery
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy
    from PIL import Image
except ImportError:
    print("needs numpy and Pillow")
    sys.exit(77)

import measure
import sheet

HERE = pathlib.Path(__file__).resolve().parent
HEIGHT, WIDTH = 400, 600


def waves(period, amplitude):
    """Stripes of that period, (H, W, 3)."""
    line = amplitude * numpy.sin(2 * numpy.pi * numpy.arange(WIDTH) / period)
    return numpy.broadcast_to(line[None, :, None], (HEIGHT, WIDTH, 3)).astype(numpy.float32)


def noise(power, seed=0):
    """A picture whose amplitude spectrum falls by that power of the frequency."""
    random = numpy.random.default_rng(seed)
    f = measure.frequencies(HEIGHT, WIDTH)
    f[0, 0] = 1
    spectrum = numpy.fft.rfft2(random.standard_normal((HEIGHT, WIDTH))) * f**power
    spectrum[0, 0] = 0
    plane = numpy.fft.irfft2(spectrum, (HEIGHT, WIDTH))
    return numpy.repeat((128 + 30 * plane / plane.std())[:, :, None], 3, 2).astype(numpy.float32)


class Measures(unittest.TestCase):
    def test_a_wave_is_in_its_band_with_its_rms(self):
        for band, period in ((1, 6), (2, 12), (3, 24), (5, 96)):
            found = measure.bands(waves(period, 10))
            self.assertAlmostEqual(found[band], 10 / 2**0.5, delta=0.15)
            self.assertLess(sum(v for k, v in enumerate(found) if k != band), 0.6)

    def test_the_slope_is_that_of_the_noise(self):
        for power in (-0.5, -1, -1.5):
            self.assertAlmostEqual(measure.slope(noise(power)), power, delta=0.1)

    def test_an_unchanged_picture_has_no_change(self):
        photo = noise(-1)
        found = measure.measure(photo, photo)
        self.assertEqual((found["change"], found["slope_change"], max(found["bands"])), (0, 0, 0))

    def test_stipple_is_what_is_fine_where_the_photograph_is_plain(self):
        photo = noise(-1)
        photo[:, : WIDTH // 2] = 128
        fine, coarse = waves(3, 10), waves(40, 10)
        left = numpy.arange(WIDTH)[None, :, None] < WIDTH // 2
        self.assertAlmostEqual(measure.stipple(photo, fine), 100, delta=1)
        self.assertLess(measure.stipple(photo, coarse), 1)
        self.assertAlmostEqual(measure.stipple(photo, fine * left), 200, delta=4)  # all of it in half of the picture
        self.assertLess(measure.stipple(photo, fine * ~left), 3)
        self.assertTrue(numpy.isnan(measure.stipple(noise(0), fine)))
        self.assertAlmostEqual(measure.stipple(photo, waves(6, 10), 4, 8), 100, delta=1)
        self.assertLess(measure.stipple(photo, fine, 4, 8), 1)

    def test_neon_is_colour_on_black_and_white(self):
        photo = numpy.full((HEIGHT, WIDTH, 3), 128, numpy.float32)
        photo[:, : WIDTH // 4] = 5
        photo[:, -WIDTH // 4 :] = 250
        dream = photo.copy()
        dream[:, :30, 1] = 200  # a fifth of the black ones
        dream[:, 250:300, 0] = 255  # on grey: not counted
        self.assertAlmostEqual(measure.neon(photo, dream), 10, delta=0.01)
        self.assertEqual(measure.neon(photo, photo), 0)
        colourful = photo.copy()
        colourful[:, :, 0] += 100
        self.assertTrue(numpy.isnan(measure.neon(numpy.full_like(photo, 128), dream)))
        self.assertEqual(measure.neon(colourful, colourful + 5), 0)

    def test_windows(self):
        plane = numpy.zeros((9, 11))
        plane[4, 5] = 1
        self.assertAlmostEqual(measure.box(plane, 3).max(), 1 / 9)
        self.assertEqual(measure.largest(plane, 2).sum(), 25)

    def test_a_participation_ratio_is_the_number_of_channels_that_carry(self):
        try:
            import h5py
        except ImportError:
            self.skipTest("needs h5py")
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            with h5py.File(folder / "run.h5", "w") as run:
                rows = numpy.array([(b"a/dream.png",), (b"b/dream.png",)], [("output", "S20")])
                run["images"] = rows
                run["images"].attrs["targets"] = ["mixed3", "mixed5"]
                run["importance/mixed3"] = numpy.array([[1, 1, 1, 1], [numpy.nan] * 4], numpy.float32)
                run["importance/mixed5"] = numpy.array([[0, 5, 0, -5], [numpy.nan] * 4], numpy.float32)
            self.assertEqual(measure.participation(folder), {"a": 3})

    def test_variety_tells_same_from_different(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)

            def save(name, pixels):
                Image.fromarray(pixels.clip(0, 255).round().astype(numpy.uint8)).save(folder / name)
                return folder / name

            photo = save("photo.png", noise(-1))
            alike = [save(f"a{k}.png", noise(-1) + waves(20, 20)) for k in range(3)]
            apart = [save(f"b{k}.png", noise(-1) + noise(-0.5, 1 + k) - 128) for k in range(3)]
            self.assertGreater(measure.variety(photo, alike)["change"][0], 0.99)
            self.assertLess(abs(measure.variety(photo, apart)["change"][0]), 0.1)


class Sheets(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.scratch.name)
        for name in ("photos/p.png", "photos/q.png", *(f"{who}/{name}/dream.png" for who in ("one", "two", "three") for name in "pq")):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (60, 40)).save(self.folder / name)

    def tearDown(self):
        self.scratch.cleanup()

    def run_sheet(self, *arguments):
        return subprocess.run([sys.executable, HERE / "sheet.py", *arguments], cwd=self.folder, capture_output=True, text=True)

    def test_a_majority_wins(self):
        self.assertEqual(sheet.winner(["a", "b", "a"], 3), "a")
        self.assertIsNone(sheet.winner(["a", "b", "c"], 3))
        self.assertIsNone(sheet.winner(["a"], 3))
        self.assertIsNone(sheet.winner([], 3))

    def test_votes_go_to_who_the_letters_are(self):
        made = self.run_sheet("make", "--photos", "photos", "-o", "sheets", "--width", "60", "one", "two", "three")
        self.assertEqual(made.returncode, 0, made.stderr)
        key = json.loads((self.folder / "sheets/key.json").read_text())
        letter = {photo: {one["name"]: k for k, one in key[photo]["candidates"].items()} for photo in "pq"}
        for number, (p, q) in enumerate((("two", "one"), ("two", "three"), ("three", None))):
            text = f"p: {letter['p'][p]}\nq: {letter['q'][q] if q else '-'} # so\n"
            (self.folder / f"ballot{number}").write_text(text)
        counted = self.run_sheet("count", "sheets", "ballot0", "ballot1", "ballot2", "--of", "two", "--images", "small")
        self.assertEqual(counted.returncode, 0, counted.stderr)
        self.assertIn("| p |  | 1 | 2 | two |", counted.stdout)
        self.assertIn("| q | 1 | 1 |  | nobody |", counted.stdout)
        self.assertIn("| **photographs** | 0 | 0 | 1 | |", counted.stdout)
        self.assertIn("two before one on 1 of 2, three on 1 of 2", counted.stdout)
        self.assertTrue((self.folder / "small/p.jpg").exists())

    def test_a_wrong_ballot_is_refused(self):
        self.run_sheet("make", "--photos", "photos", "-o", "sheets", "--width", "60", "one", "two", "three")
        for text in ("p: D", "r: A", "p A", "p: A A", "p: A\np: B"):
            (self.folder / "ballot").write_text(text)
            self.assertNotEqual(self.run_sheet("count", "sheets", "ballot").returncode, 0, text)


class Gallery(unittest.TestCase):
    def test_each_preset_is_told_in_a_sentence(self):
        loader = importlib.machinery.SourceFileLoader("gallery_make", str(HERE / "make"))
        make = importlib.util.module_from_spec(importlib.util.spec_from_loader("gallery_make", loader))
        loader.exec_module(make)
        for preset in sorted(make.PRESETS.glob("*.yaml")):
            with self.subTest(preset.stem):
                self.assertRegex(make.describe(preset.stem), r"^[A-Z].{20,200}$")


if __name__ == "__main__":
    unittest.main()
