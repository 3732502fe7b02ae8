"""Which distribution ``import fastlr`` comes from, and what is wrong if another wrote over it."""

import json

import pytest

from fastlr.core.distribution import NAME, conflict, providers


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a folder on the path, as site-packages is, with a package ``fastlr`` in it."""
    (tmp_path / "fastlr").mkdir()
    (tmp_path / "fastlr" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site, name, record=None, **more):
    folder = site / f"{name.replace('-', '_')}-0.1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    if record is not None:
        (folder / "RECORD").write_text(record)
    for file, text in more.items():
        (folder / f"{file}.json").write_text(text)


FILES = "fastlr/__init__.py,sha256=0,1\nfastlr/_version.py,sha256=0,1\n"


def test_a_wheel_names_itself(site):
    install(site, "Fastlr_Optim", FILES)
    install(site, "fastlr-tools", "fastlr_tools/__init__.py,sha256=0,1\n")
    assert providers(site) == [NAME]
    assert conflict([NAME]) is None


def test_a_checkout_that_nobody_installed_has_no_distribution(site, tmp_path_factory):
    checkout = tmp_path_factory.mktemp("checkout")
    install(site, "fastlr", FILES)  # elsewhere: a checkout in front of it is what is imported
    assert providers(checkout) == []
    assert conflict([]) is None


def test_an_editable_install_is_found_by_its_source(site, tmp_path_factory):
    checkout = tmp_path_factory.mktemp("a checkout")
    url = checkout.as_uri()
    assert "%20" in url
    origin = json.dumps({"url": url, "dir_info": {"editable": True}})
    install(site, NAME, "__editable__.fastlr_optim-0.1.0.pth,,\n", direct_url=origin)
    assert providers(checkout) == [NAME]
    assert providers(checkout / "build" / "strict") == [NAME]
    assert providers(site) == []


@pytest.mark.parametrize("origin", ["{", '{"url": "file:///x", "dir_info": {}}', "{}"])
def test_an_install_from_elsewhere_claims_no_checkout(site, tmp_path_factory, origin):
    install(site, NAME, "", direct_url=origin)
    assert providers(tmp_path_factory.mktemp("checkout")) == []


def test_metadata_without_a_list_of_files_count_for_their_own_folder(site):
    install(site, NAME)
    install(site, "fastlr")
    assert providers(site) == [NAME]


def test_another_distribution_over_this_one_is_a_conflict(site):
    install(site, "fastlr", FILES)
    assert providers(site) == ["fastlr"]
    assert conflict(["fastlr"]) == "This fastlr was installed by fastlr, not by fastlr-optim."
    install(site, NAME, FILES)
    assert providers(site) == [NAME, "fastlr"]
    assert conflict([NAME, "fastlr"]) == (
        "fastlr-optim and fastlr have overwritten each other's files: pip uninstall fastlr-optim "
        "fastlr, then pip install fastlr-optim."
    )
