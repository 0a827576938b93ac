import shutil

from patients import codes


def test_a_distribution_whose_files_are_gone(here):
    here.put("some-project", "1.2", modules={"some/__init__.py": "", "some/part.py": ""})
    for file in (here.site / "some").iterdir():
        file.unlink()
    (here.site / "some").rmdir()
    check = here.one("some-project")
    assert codes(check) == ["files-missing"]
    assert check.findings[0].message == "some-project 1.2 is recorded as installed, but its files are gone."
    assert check.findings[0].evidence["missing"] == 2
    assert check.findings[0].fix.magic == ("%pip install --force-reinstall --no-deps some-project==1.2",)
    here.put("some-project", "1.2", modules={"some/__init__.py": "", "some/part.py": ""})
    assert codes(here.one("some-project")) == []


def test_the_printed_line_brings_the_files_back(patient):
    patient.venv.pip("install", "envmagic-demo-package==1.0", env=dict(patient.env))
    shutil.rmtree(patient.venv.site_packages / "envmagic_demo_package")
    cured = patient.cure("envmagic-demo-package", proof="import envmagic_demo_package.part")
    assert cured.before.codes == ["files-missing"]
    assert cured.after.codes == []


def test_a_distribution_without_modules_is_fine(here):
    here.put("only-scripts", modules={}, data={"scripts/tool": "#!python\n"})
    here.put("only-dependencies", modules={}, requires=["numpy"])
    for name in ("only-scripts", "only-dependencies"):
        assert (codes(here.one(name)), here.one(name).module) == ([], None)


def test_an_editable_install_is_here_though_its_folder_is_not_on_the_path(here):
    info = here.put("mine", modules={"__editable___mine_finder.py": ""})
    (info / "direct_url.json").write_text('{"url": "file:///src/mine", "dir_info": {"editable": true}}')
    check = here.one("mine")
    assert (codes(check), check.module, check.installed) == ([], "mine", "1.0")


def test_stubs_and_unusual_layouts_are_fine(here):
    here.put("types-thing", modules={"thing-stubs/__init__.pyi": ""})
    here.put("win-like", modules={"deep/er/module.py": "", "win_like.pth": "deep\n"})
    for name in ("types-thing", "win-like"):
        assert codes(here.one(name)) == []
