"""`report`: what it writes, and how it exits."""

from pathlib import Path

from click.testing import CliRunner, Result

from jepsen_tests.__main__ import main
from jepsen_tests.report.verdicts import save_verdicts
from jepsen_tests.tests.report.reading import Read
from jepsen_tests.tests.report.samples import invalid, valid


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def store(folder: Path, *, is_valid: bool = True) -> Path:
    folder.mkdir(parents=True)
    history, verdicts = valid(40) if is_valid else invalid(60)
    history.save(folder / "history.jsonl")
    save_verdicts(folder / "verdicts.json", verdicts)
    return folder


def test_a_run_gets_its_page(tmp_path: Path) -> None:
    folder = store(tmp_path / "run", is_valid=False)
    result = run(folder)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{folder}/report.html\n"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Jump to the error" in page
    assert f"replay {folder}" in page


def test_the_page_goes_where_it_is_asked_to(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    assert run(store(tmp_path / "run"), "--out", out).exit_code == 0
    assert out.is_file()
    assert not (tmp_path / "run" / "report.html").exists()


def test_many_runs_get_their_pages_and_an_index_that_links_to_them(tmp_path: Path) -> None:
    store(tmp_path / "all" / "register" / "kill #1")
    store(tmp_path / "all" / "append", is_valid=False)
    out = tmp_path / "elsewhere.html"
    result = run(tmp_path / "all", "--out", out)
    assert result.exit_code == 0, result.output
    links = [found["href"] for name, found in Read(out.read_text()).elements if name == "a"]
    assert links[0] == "all/append/report.html"
    assert "all/register/kill%20%231/report.html" in links
    assert (tmp_path / "all" / "register" / "kill #1" / "report.html").is_file()


def test_a_run_that_cannot_be_read_is_named_and_does_not_hide_the_others(tmp_path: Path) -> None:
    store(tmp_path / "all" / "good")
    bad = store(tmp_path / "all" / "bad") / "history.jsonl"
    bad.write_text("{\n")
    result = run(tmp_path / "all")
    assert result.exit_code == 3
    assert f"{bad}: line 1" in result.stderr
    assert (tmp_path / "all" / "good" / "report.html").is_file()
    assert "could not be read" in (tmp_path / "all" / "index.html").read_text(encoding="utf-8")


def test_bad_verdicts_are_trouble(tmp_path: Path) -> None:
    folder = store(tmp_path / "run")
    (folder / "verdicts.json").write_text("{}")
    result = run(folder)
    assert result.exit_code == 3
    assert "verdicts.json: the file is an object of" in result.stderr


def test_a_folder_without_runs_is_trouble(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 3
    assert "there is no history.jsonl in it" in result.stderr
