import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from wheels import make_wheel

from ipy_envmagic.environments.distributions import installed, normalise
from ipy_envmagic.environments.requires import applies, needs_of, parse, satisfies, wanted_by

LINES = [
    "numpy",
    "numpy (>=1.21)",
    "numpy>=1.21,<2",
    "numpy >= 1.21 , < 2",
    "Foo.Bar_baz[a, B_c]~=1.2",
    'tomli>=1; python_version < "3.11"',
    "colorama; sys_platform == 'win32'",
    'x ; extra == "test"',
    "x>=1 ; (python_version < \"3.9\") and extra == 'test'",
    "x @ https://host/x.whl",
    'x @ https://host/x.whl ; python_version < "3"',
    "x==1.*,!=1.5",
    "x===1.0-weird",
    "x (<2,>=1) ; os_name == 'posix'",
]
RELEASES = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
VERSIONS = st.builds(
    "{}{}".format,
    RELEASES,
    st.sampled_from(["", "", "", ".post1", ".post0", "rc1", "a2", ".dev3", "+cpu", ".post2+x.1"]),
)
CLAUSES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["==", "!=", ">=", "<=", "<", ">", "~=", "==="]),
    VERSIONS,
    st.sampled_from(["", "", "", ".*"]),
)


@pytest.mark.parametrize("line", LINES)
def test_a_line_says_what_packaging_reads(line):
    expected, found = Requirement(line), parse(line)
    assert found.key == normalise(expected.name)
    assert found.name == expected.name
    assert set(found.extras) == {normalise(extra) for extra in expected.extras}
    assert SpecifierSet(found.specifier) == expected.specifier
    assert bool(found.marker) == bool(expected.marker)


@pytest.mark.parametrize("line", ["", "=1", "a b", "numpy>=", "numpy 1.0", "numpy>=1;", "-e .", "x[", "x;y"])
def test_what_packaging_cannot_read_is_none_or_harmless(line):
    try:
        Requirement(line)
    except InvalidRequirement:
        found = parse(line)
        assert found is None or found.name  # a trailing comma or semicolon is forgiven


@pytest.mark.parametrize(
    ("version", "specifier"),
    [("0.post1", ">0rc1"), ("1.0+cpu", ">1.0rc1"), ("1.0", ">1.0rc1"), ("1.0", "<1.0rc1"), ("2.2", "~=2.2rc1")],
)
def test_releases_beside_their_pre_releases(version, specifier):
    assert satisfies(version, specifier) == SpecifierSet(specifier).contains(version, prereleases=True)


@settings(max_examples=1500, deadline=None)
@given(VERSIONS, st.lists(CLAUSES, min_size=1, max_size=3))
def test_a_version_satisfies_where_packaging_says_so(version, clauses):
    specifier = ",".join(clauses)
    try:
        expected = SpecifierSet(specifier).contains(version, prereleases=True)
    except InvalidSpecifier:
        expected = False
    assert satisfies(version, specifier) == expected, (version, specifier)


@pytest.mark.parametrize("python", [(3, 8, 0), (3, 10, 13), (3, 12, 1), (3, 13, 0)])
@pytest.mark.parametrize(
    "marker",
    [
        'python_version < "3.11"',
        'python_version >= "3.10" and python_version < "3.12"',
        "python_full_version < '3.10.5'",
        'python_version == "3.12"',
        'python_version != "3.12.*"',
        'sys_platform == "linux"',
        'sys_platform != "win32" and extra == "test"',
        '(python_version < "3.9") and extra == "test"',
        '(extra == "test") or python_version < "3.9"',
        'extra == "Te_st"',
        'os_name == "posix"',
        'platform_system == "Windows"',
        'implementation_name == "cpython"',
        'platform_python_implementation != "PyPy"',
        'platform_machine == "x86_64"',
        'python_version in "3.8, 3.12"',
        '"3.9" < python_version',
        'platform_release >= "1"',
    ],
)
@pytest.mark.parametrize("extra", ["", "test", "te-st"])
def test_a_marker_is_true_where_packaging_says_so(marker, python, extra):
    where = {"python_version": f"{python[0]}.{python[1]}", "python_full_version": ".".join(map(str, python))}
    where |= {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "extra": extra}
    if marker == 'platform_release >= "1"':
        assert applies(marker, python, "linux", extra) in {True, False}
        return
    assert applies(marker, python, "linux", extra) == Marker(marker).evaluate(where)


def test_what_a_distribution_needs(tmp_path):
    import zipfile

    requires = ["a>=1", 'b; python_version < "3"', 'c; sys_platform == "linux"']
    wheel = make_wheel(tmp_path, "some", "1.0", requires=requires, extras={"fast": ["d"]}, requires_python=">=3.8, <4")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    distribution = installed([str(tmp_path / "site")])["some"]
    needs = needs_of(distribution)
    assert needs.python == ">=3.8,<4"
    assert [one.key for one in wanted_by(needs, (), (3, 12, 0), "linux")] == ["a", "c"]
    assert [one.key for one in wanted_by(needs, ("fast",), (3, 12, 0), "win32")] == ["a", "d"]
    metadata = tmp_path / "site" / "some-1.0.dist-info" / "METADATA"
    metadata.write_text(
        "Name: some\nVersion: 1.0\nRequires-Dist: e\n\nRequires-Dist: not this, it is the description\n"
    )
    assert [one.key for one in needs_of(distribution).always] == ["e"]  # read anew
    metadata.unlink()
    assert needs_of(distribution).always == ()
