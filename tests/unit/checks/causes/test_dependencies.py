from patients import codes


def test_a_dependency_that_is_not_here(patient):
    patient.venv.pip("install", "--no-deps", "envmagic-demo-b", env=dict(patient.env))
    cured = patient.cure("envmagic-demo-b", proof="import envmagic_demo_b")
    assert cured.before.codes == ["dependency-missing"]
    assert cured.before.findings[0]["message"] == (
        "envmagic-demo-b 1.0 needs envmagic-demo-a>=1, which is not installed."
    )
    assert cured.before.fixes == ["%pip install 'envmagic-demo-a>=1'"]
    assert cured.after.codes == []


def test_a_dependency_of_a_dependency(here):
    here.put("top", requires=["middle"])
    here.put("middle", requires=["bottom>=2"])
    found = here.one("top")
    assert codes(found) == ["dependency-missing"]
    assert found.findings[0].message == (
        "middle 1.0 needs bottom>=2, which is not installed (top needs middle needs bottom>=2)."
    )
    assert found.findings[0].fix.magic == ("%pip install 'bottom>=2'",)
    here.put("bottom", "1.0")
    found = here.one("top")
    assert (codes(found), found.status) == (["dependency-conflict"], "warning")
    assert codes(here.one("middle")) == ["dependency-conflict"]
    assert here.one("middle").status == "error"


def test_a_version_that_does_not_serve(patient):
    patient.venv.pip("install", "--no-deps", "envmagic-demo-old", "envmagic-demo-a==2.0", env=dict(patient.env))
    proof = "import envmagic_demo_a as a; assert a.__version__ < '2'"
    cured = patient.cure("envmagic-demo-old", proof=proof)
    assert cured.before.codes == ["dependency-conflict"]
    assert cured.after.codes == []


def test_a_circle_of_requirements_ends(here):
    here.put("one", requires=["two"])
    here.put("two", requires=["one[more]"], extras={"more": []})
    assert codes(here.one("one")) == []


def test_what_is_optional_or_not_for_here_is_not_needed(here):
    here.put("some", requires=['never; python_version < "3"'], extras={"fast": ["quick"]})
    assert codes(here.one("some")) == []
    assert codes(here.one("some[fast]")) == ["extra-missing"]
