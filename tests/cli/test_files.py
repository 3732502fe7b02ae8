"""What the command line makes of files as people have them: formats, columns, targets."""

import bz2
import gzip
import lzma

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import dump_svmlight_file, load_breast_cancer, load_iris

from fastlr.cli.errors import InputError
from fastlr.cli.files.prepare import split
from fastlr.cli.files.raw import Raw, Reading
from fastlr.cli.files.target import labels
from fastlr.cli.files.task import find_column, read_task, task

IRIS = load_iris()


def iris_frame():
    frame = pd.DataFrame(IRIS.data, columns=["sepal length", "sepal width", "petal l", "petal w"])
    frame["species"] = IRIS.target_names[IRIS.target]
    return frame


def load(path, target=None, drop=(), **options):
    reading = Reading(**options)
    return read_task(path, target, drop, reading)


def refused(path, argument, match, target=None, drop=(), **options):
    with pytest.raises(InputError, match=match) as caught:
        load(path, target, drop, **options)
    assert caught.value.argument == argument
    assert "\n" not in str(caught.value)


def write(folder, text, name="data.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_csv_and_parquet_hold_the_same_task(tmp_path):
    frame = iris_frame()
    frame.to_csv(tmp_path / "iris.csv", index=False)
    frame.to_parquet(tmp_path / "iris.parquet")
    for name in ("iris.csv", "iris.parquet"):
        data = load(tmp_path / name, "species")
        np.testing.assert_array_equal(data.X[data.numeric].to_numpy(), IRIS.data)
        np.testing.assert_array_equal(data.y, IRIS.target_names[IRIS.target])
        assert data.numeric == list(frame.columns[:4])
        assert data.categorical == []
        assert data.notes == []
        assert data.y.dtype.kind == "U"


@pytest.mark.parametrize("opener", [gzip, bz2, lzma], ids=["gz", "bz2", "xz"])
def test_compressed_csv_is_read(tmp_path, opener):
    path = tmp_path / f"iris.csv.{ {gzip: 'gz', bz2: 'bz2', lzma: 'xz'}[opener] }"
    with opener.open(path, "wt") as file:
        iris_frame().to_csv(file, index=False)
    np.testing.assert_array_equal(load(path, "species").X.iloc[:, 0], IRIS.data[:, 0])


@pytest.mark.parametrize("sep", [",", ";", "\t", "|", " "])
def test_the_separator_is_told_from_the_first_line(tmp_path, sep):
    frame = iris_frame().rename(columns=lambda name: name.replace(" ", "_"))
    frame.to_csv(tmp_path / "iris.csv", index=False, sep=sep)
    data = load(tmp_path / "iris.csv", "species")
    np.testing.assert_array_equal(data.X.to_numpy(), IRIS.data)


def test_decimal_commas_are_numbers(tmp_path):
    iris_frame().to_csv(tmp_path / "iris.csv", index=False, sep=";", decimal=",")
    np.testing.assert_array_equal(load(tmp_path / "iris.csv", "species").X.to_numpy(), IRIS.data)


def test_decimal_commas_are_looked_for_in_any_column_of_a_long_file(tmp_path):
    rows = "".join(f"{k % 7};{k % 5},25;{'ab'[k % 2]}\n" for k in range(2500))
    data = load(write(tmp_path, "n;x;y\n" + rows), "y")
    assert data.numeric == ["n", "x"]
    np.testing.assert_array_equal(data.X["x"], np.arange(2500) % 5 + 0.25)


def test_a_file_without_header_is_noticed_and_keeps_its_first_row(tmp_path):
    iris_frame().to_csv(tmp_path / "iris.csv", index=False, header=False)
    data = load(tmp_path / "iris.csv", "-1")
    assert data.X.shape == (150, 4)
    assert list(data.X.columns) == ["0", "1", "2", "3"]
    assert "no header line found: columns are called 0 to 4" in data.notes[0]
    assert load(tmp_path / "iris.csv", "4", header=False).notes == []
    assert len(load(tmp_path / "iris.csv", "-1", header=True).y) == 149


def test_distinct_whole_numbers_are_column_names(tmp_path):
    path = write(tmp_path, "0,1,2,y\n" + "5,6,7,a\n5,5,5,b\n" * 3)
    assert load(path, "y").numeric == ["0", "1", "2"]


def test_excel_mark_and_other_encodings(tmp_path):
    text = "größe,art\n" + "1,süß\n2,herb\n" * 5
    path = write(tmp_path, text, encoding="utf-8-sig")
    assert load(path, "art").numeric == ["größe"]
    path = write(tmp_path, text, encoding="latin-1")
    refused(path, "--encoding", "is not utf-8 text", "art")
    assert set(load(path, "art", encoding="latin-1").y) == {"süß", "herb"}
    refused(path, "--encoding", "unknown encoding", "art", encoding="klingon")


def test_npz_names_its_arrays(tmp_path):
    images = np.arange(2 * 3 * 20, dtype=np.uint8).reshape(20, 2, 3)
    codes = np.arange(20)[:, None] % 2
    np.savez(tmp_path / "a.npz", X=images, y=codes, pixels=images[:, 0], digit=codes[::-1, 0])
    data = load(tmp_path / "a.npz")
    np.testing.assert_array_equal(data.X, images.reshape(20, 6))
    np.testing.assert_array_equal(data.y, codes[:, 0])
    assert "flattened" in data.notes[0]
    data = load(tmp_path / "a.npz", "digit", features="pixels")
    np.testing.assert_array_equal(data.X, images[:, 0])
    np.testing.assert_array_equal(data.y, 1 - codes[:, 0])
    refused(tmp_path / "a.npz", "--target", "no array 'Y'.*it has: X, y, pixels", "Y")
    refused(tmp_path / "a.npz", "--features", "no array 'x'", features="x")
    refused(tmp_path / "a.npz", "--features", r"shape \(20,\)", features="digit")
    refused(tmp_path / "a.npz", "--target", r"shape \(20, 3\), expected \(20,\)", "pixels")
    refused(tmp_path / "a.npz", "--drop", "only CSV and Parquet files have columns", drop=["1"])


def test_npz_objects_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "o.npz", X=np.zeros((4, 1)), y=np.array(["a", 1, "a", 1], dtype=object))
    refused(tmp_path / "o.npz", "--target", "Python objects")


def test_svmlight_is_made_dense_within_the_limit(tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    dump_svmlight_file(sparse.csr_matrix(X), np.where(y == 1, 1, -1), str(tmp_path / "c.svm"))
    data = load(tmp_path / "c.svm")
    np.testing.assert_array_equal(data.X, X)
    np.testing.assert_array_equal(data.y, np.where(y == 1, 1, -1))
    refused(tmp_path / "c.svm", "FILE", "569 rows x 30 columns.*--max-gb", max_gb=1e-5)
    assert "--target is unused" in load(tmp_path / "c.svm", "y").notes[0]
    (tmp_path / "c.svm").rename(tmp_path / "c")
    refused(tmp_path / "c", "FILE", "'c' does not end in a known format.*--format")
    assert load(tmp_path / "c", format="svmlight").X.shape == X.shape


def test_files_that_are_not_what_they_say(tmp_path):
    refused(tmp_path / "no.csv", "FILE", "there is no file")
    refused(tmp_path, "FILE", "is a folder")
    refused(write(tmp_path, ""), "FILE", "is empty", "y")
    refused(write(tmp_path, "\n\n"), "FILE", "no rows", "y")
    refused(write(tmp_path, "a,y\n"), "FILE", "no rows", "y")
    refused(write(tmp_path, "a,y\n1,2,3\n4,5,6\n"), "FILE", "as many cells", "y")
    refused(write(tmp_path, "a,y\n1,2\n1,2,3\n"), "FILE", "as many cells", "y")
    refused(write(tmp_path, "a,y\n1,2\n"), "--sep", "one character", "y", sep="ab")
    for name, said in (("a.npz", "NPZ"), ("a.parquet", "Parquet"), ("a.svm", "svmlight")):
        refused(write(tmp_path, "not at all", name), "FILE", f"is no {said} file", "y")
    path = write(tmp_path, "a,y\n1,2\n", "a.csv.gz")
    refused(path, "FILE", "cannot read", "y")


def test_columns_are_found_by_name_then_position():
    frame = pd.DataFrame([[1, 2, 3, 4]], columns=["Label", "label2", "1", "price"])
    assert find_column(frame, "1", "--target") == "1"
    assert find_column(frame, "0", "--target") == "Label"
    assert find_column(frame, "-1", "--target") == "price"
    for wanted, said in {
        "labl": "did you mean 'Label' or 'label2'",
        "LABEL": "did you mean 'Label'",
        "zzz": "columns: Label, label2, 1, price",
        "4": "no position 4 among 4 columns",
        "-5": "no position -5",
    }.items():
        with pytest.raises(InputError, match=said):
            find_column(frame, wanted, "--target")


def test_target_is_needed_and_cannot_be_dropped(tmp_path):
    path = write(tmp_path, "a,y\n" + "1,u\n2,v\n" * 3)
    refused(path, "--target", "name the column to predict; columns: a, y")
    refused(path, "--drop", "is the target", "y", ["1"])
    refused(path, "--drop", "no column 'b'", "y", ["b"])
    refused(path, "FILE", "no column is left", "y", ["a"])


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.linspace(0, 1, 50), r"quantity \(fractions, 50 different values\).*trains regressors"),
        (np.arange(60) * 1000, r"quantity \(60 different numbers in 60 rows\).*trains regressors"),
        (np.array([1.0, np.inf, 1.0, np.inf]), "quantity"),
        (np.zeros(9), "one class only"),
        (np.array(["a"] * 5 + ["b", "c"]), r"2 of 3 classes have a single row \(b, c\)"),
        (np.array(["2020-01-01"] * 4, dtype="datetime64[D]"), "dates"),
        (np.array([1j, 2j, 1j, 2j]), "complex"),
    ],
)
def test_targets_that_no_classifier_can_learn(y, said):
    with pytest.raises(InputError, match=said) as caught:
        labels(y, "column 'y'")
    assert caught.value.argument == "--target"


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (np.array([1.0, -1.0, 1.0, -1.0]), np.array([1, -1, 1, -1])),
        (np.array([True, False] * 2), np.array([True, False] * 2)),
        (np.array(["a", "b"] * 2, dtype=object), np.array(["a", "b"] * 2)),
        (np.array([3, 4, 3, 4], dtype=object), np.array([3, 4, 3, 4])),
        (np.array([3, "x", 3, "x"], dtype=object), np.array(["3", "x", "3", "x"])),
    ],
)
def test_labels_become_whole_numbers_or_text(y, expected):
    found = labels(y, "y")
    np.testing.assert_array_equal(found, expected)
    assert found.dtype.kind == expected.dtype.kind


def test_rows_without_target_and_columns_without_use_are_named(tmp_path):
    rows = 40
    frame = pd.DataFrame(
        {
            "n": np.arange(rows) % 7 + 0.5,
            "whole": pd.array([1, None] * 20, dtype="Int64"),
            "flag": [True, False] * 20,
            "color": ["red", None, "red", "blue"] * 10,
            "id": [f"id{k}" for k in range(rows)],
            "when": pd.date_range("2024-01-01", periods=rows),
            "empty": [None] * rows,
            "y": ["a", "b", None, "a"] * 10,
        }
    )
    frame.to_parquet(tmp_path / "f.parquet")
    data = load(tmp_path / "f.parquet", "y")
    assert len(data.y) == 30
    assert data.numeric == ["n", "whole", "flag"]
    assert data.categorical == ["color"]
    assert [note.split(":")[0] for note in data.notes] == [
        "10 rows without a target left out",
        "column 'id' has a different text in every row",
        "column 'when' holds dates",
        "column 'empty' is empty",
    ]
    parts = split(data, 0.2, 0)
    assert data.dates == ["when"]
    assert parts.X_train.shape == (24, 3 + 5 + 3)  # parts of dates; red, blue and missing
    assert np.isfinite(parts.X_train).all()
    frame.drop(columns=["empty", "when"]).to_csv(tmp_path / "f.csv")
    notes = load(tmp_path / "f.csv", "y", drop=["id"]).notes
    assert notes == ["10 rows without a target left out"]  # the counter has gaps then
    frame.fillna({"y": "c"}).to_csv(tmp_path / "f.csv")
    assert "column 'Unnamed: 0' counts the rows" in load(tmp_path / "f.csv", "y").notes[0]


def test_infinite_and_nested_values_are_refused(tmp_path):
    refused(write(tmp_path, "a,y\n" + "inf,u\n2,v\n" * 3), "FILE", "'a' holds infinite values", "y")
    pd.DataFrame({"a": [[1, 2]] * 6, "y": [0, 1] * 3}).to_parquet(tmp_path / "l.parquet")
    refused(tmp_path / "l.parquet", "FILE", "type ndarray.*--drop a", "y")
    np.savez(tmp_path / "i.npz", X=np.array([[np.inf], [0.0]] * 2), y=[0, 1, 0, 1])
    refused(tmp_path / "i.npz", "FILE", "infinite")


def test_preparation_fills_standardises_and_spreads():
    rng = np.random.default_rng(0)
    rows = 400
    frame = pd.DataFrame(
        {
            "n": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(50, 9, rows)),
            "c": ["x", "y"] * 198 + ["rare", "rarer"] * 2,
            "y": rng.integers(0, 2, rows),
        }
    )
    parts = split(task(Raw(frame=frame), "y", (), Reading()), 0.25, 3)
    assert len(parts.y_test) == 100
    np.testing.assert_allclose(parts.X_train[:, 0].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(parts.X_train[:, 0].std(), 1, rtol=1e-12)
    assert set(parts.X_train[:, 1:].sum(axis=1)) == {1.0}
    assert parts.X_train.shape[1] == 1 + 3  # x, y, and one column for what is rare
    unseen = parts.prepare.transform(pd.DataFrame({"n": [np.nan], "c": ["new"]}))
    np.testing.assert_allclose(unseen[0, 1:], [0, 0, 1])


def test_a_split_keeps_proportions_and_depends_on_the_seed():
    data = task(Raw(X=np.arange(40.0)[:, None], y=np.arange(40) % 4), None, (), Reading())
    one, same, other = split(data, 0.25, 1), split(data, 0.25, 1), split(data, 0.25, 2)
    assert sorted(np.bincount(one.y_test)) == [2, 2, 3, 3]
    np.testing.assert_array_equal(one.X_test, same.X_test)
    assert not np.array_equal(one.X_test, other.X_test)
    with pytest.raises(InputError, match="at least") as caught:
        split(data, 0.05, 0)
    assert caught.value.argument == "--test-size"


def test_missing_numbers_in_a_matrix_are_filled():
    X = np.array([[1.0, np.nan], [3.0, 4.0]] * 10)
    parts = split(task(Raw(X=X, y=np.arange(20) % 2), None, (), Reading()), 0.25, 0)
    assert np.isfinite(parts.X_train).all()
    assert np.isfinite(parts.X_test).all()
