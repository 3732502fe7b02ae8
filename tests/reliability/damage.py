"""Loads damaged files: ``python -m tests.reliability.damage 10000``.

Bits are turned, bytes changed, dropped, added or zeroed, files cut off. An updater's file must be
refused with `SavedFileError` every time, by its checksum; a model's must be refused or, where the
damage is in bytes that mean nothing, hold the same model.
"""

import sys
import tempfile
import time
import warnings
from pathlib import Path

from fastlr import LinearClassifier, save_model
from tests.estimators import test_model_files
from tests.updater import test_file

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        path, begun = Path(folder) / "file", time.perf_counter()
        updater = test_file.run(average="ema", nonfinite="skip")
        updater.save(path, with_params=True)
        refused = test_file.check_damages(path, test_file.zeros(updater), n, seed=1)
        print(f"updater: {refused} damaged files, all refused; {time.perf_counter() - begun:.0f} s")
        begun = time.perf_counter()
        model = LinearClassifier(**test_model_files.SHORT)
        save_model(model.fit(test_model_files.X, test_model_files.Y), path)
        refused = test_model_files.check_damages(path, n, seed=1)
        print(
            f"model: {refused} of {n} refused, the others the same model; "
            f"{time.perf_counter() - begun:.0f} s"
        )
