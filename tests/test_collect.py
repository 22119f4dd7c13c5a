"""Submissions in and grades out, as learning platforms have them."""

import csv
import re
import zipfile

import pytest

from bptt_lab.grading.class_report import write_class_report
from bptt_lab.grading.collect import collect
from bptt_lab.grading.course import CourseError
from bptt_lab.grading.grade import Exercise, Row
from bptt_lab.grading.platforms import write_canvas, write_moodle

from .attacks.corpus import UNIT, make_course

CANVAS = {
    "lovelaceada_101_2001_summed_gradients.ipynb": b"ada, first",
    "lovelaceada_101_2005_summed_gradients-1.ipynb": b"ada, second",
    "obrienconor_LATE_102_2002_summed_gradients.ipynb": b"conor",
    "strangerx_999_2003_summed_gradients.ipynb": b"?",
    "obrienconor_102_2002_notes.pdf": b"%PDF",
}
MOODLE = {
    "Ada Lovelace_501_assignsubmission_file_/summed_gradients.ipynb": b"ada",
    "Conor O'Brien_502_assignsubmission_file_/my work.ipynb": b"conor",
    "readme.txt": b"",
}
ROSTER = "student,name,id\nada,Ada Lovelace,101\nconor,Conor O'Brien,102\nzoe,Zoé Ünal,103\n"


@pytest.fixture
def course(tmp_path):
    return make_course(tmp_path)


@pytest.fixture
def roster(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(ROSTER, encoding="utf-8")
    return path


def pack(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def handed_in(course):
    names = course.submitted.glob(f"*/{UNIT}/{course.notebook(UNIT)}")
    return {path.parent.parent.name: path.read_bytes() for path in names}


def test_an_export_of_canvas(course, roster, tmp_path):
    collected, surprises = collect(course, pack(tmp_path / "c.zip", CANVAS), UNIT, roster)
    assert collected == [("ada", "new, in time"), ("conor", "new, late")]
    assert handed_in(course) == {"ada": b"ada, second", "conor": b"conor"}
    assert (course.submitted / "conor" / UNIT / "LATE").is_file()
    assert not (course.submitted / "ada" / UNIT / "LATE").exists()
    text = "\n".join(surprises)
    for part in (
        "'strangerx' is not in the roster",
        "notes.pdf is no notebook",
        "ada handed in tw",
    ):
        assert part in text
    assert "zoe is in the roster and handed in nothing" in text
    assert len(surprises) == 4
    again, _ = collect(course, tmp_path / "c.zip", UNIT, roster)
    assert again == [("ada", "unchanged"), ("conor", "unchanged")]


def test_an_export_of_moodle(course, roster, tmp_path):
    collected, surprises = collect(course, pack(tmp_path / "m.zip", MOODLE), UNIT, roster)
    assert [student for student, _ in collected] == ["ada", "conor"]
    assert handed_in(course) == {"ada": b"ada", "conor": b"conor"}
    assert "readme.txt is no notebook" in surprises


def test_a_folder_without_a_roster(course, tmp_path):
    for name in ("ada", "ben"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "x.ipynb").write_text(name)
    collect(course, tmp_path / "in", UNIT)
    assert handed_in(course) == {"ada": b"ada", "ben": b"ben"}


def test_a_zip_that_leads_out_of_itself_writes_nothing_there(course, tmp_path):
    path = pack(tmp_path / "x.zip", {"../../evil.ipynb": b"x", "ada/a.ipynb": b"a"})
    _, surprises = collect(course, path, UNIT)
    assert handed_in(course) == {"ada": b"a"}
    assert any("leads out of the zip" in surprise for surprise in surprises)
    assert not list(tmp_path.parent.rglob("evil.ipynb"))


def test_one_entry_that_cannot_be_unpacked_leaves_the_others(course, tmp_path):
    files = {"ada/a.ipynb": b"a", "ada/a.ipynb/b.ipynb": b"b", f"{'c' * 300}/c.ipynb": b"c"}
    path = pack(tmp_path / "x.zip", files | {"dan/d.ipynb": b"d" * 1000})
    content = path.read_bytes()
    path.write_bytes(content.replace(b"d" * 1000, b"d" * 999 + b"!"))  # its checksum is wrong now
    _, surprises = collect(course, path, UNIT)
    assert handed_in(course) == {"ada": b"a"}
    assert sum("cannot be unpacked" in surprise for surprise in surprises) == 3


def test_of_two_files_in_a_zip_the_later_one_counts(course, tmp_path):
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        for name, day in (("a", 3), ("b", 1), ("c", 2)):
            where = f"Ada_501_assignsubmission_file_/{name}.ipynb"
            about = zipfile.ZipInfo(where, (2026, 11, day, 9, 0, 0))
            archive.writestr(about, name)
    collect(course, tmp_path / "m.zip", UNIT)
    assert handed_in(course) == {"501": b"a"}


def test_two_of_the_same_name_are_told_apart_by_their_ids(course, roster, tmp_path):
    roster.write_text("student,name,id\nj1,Jo Li,1\nj2,Li Jo,2\n")
    files = {f"lijo_{i}_20{i}_x.ipynb": f"{i}".encode() for i in (1, 2, 3)}
    _, surprises = collect(course, pack(tmp_path / "c.zip", files), UNIT, roster)
    assert handed_in(course) == {"j1": b"1", "j2": b"2"}
    assert surprises == ["lijo_3_203_x.ipynb: 'lijo' is not in the roster, or not alone"]


@pytest.mark.parametrize("student", ["", "../ada", ".ada", "a/b", "a*"])
def test_an_id_that_is_no_folder_is_refused(course, roster, student):
    roster.write_text(f"student,name,id\n{student},Ada,1\n\n,,\n")
    with pytest.raises(CourseError, match="can be no student's id"):
        collect(course, roster.parent, UNIT, roster)


def test_a_name_that_is_no_id_is_listed(course, tmp_path):
    files = {"a\x1b[2J/x.ipynb": b"1", "what?/x.ipynb": b"2"}
    collected, surprises = collect(course, pack(tmp_path / "x.zip", files), UNIT)
    assert collected == []
    assert len(surprises) == 2
    assert "\x1b" not in "".join(surprises)


def test_what_cannot_be_collected_is_said(course, roster, tmp_path):
    with pytest.raises(CourseError, match="no folder or zip"):
        collect(course, tmp_path / "none", UNIT)
    (tmp_path / "bad.zip").write_text("no")
    with pytest.raises(CourseError, match="is no zip that can be read"):
        collect(course, tmp_path / "bad.zip", UNIT)
    roster.write_text("name\nAda\n")
    with pytest.raises(CourseError, match="should have a column 'student'"):
        collect(course, tmp_path, UNIT, roster)
    roster.write_text("student,id\nada,1\nben,1\n")
    with pytest.raises(CourseError, match="two students for '1'"):
        collect(course, tmp_path, UNIT, roster)


ROWS = [
    Row("ada", UNIT, "graded", "all right", (Exercise("f", 4.0, 4.0, outcome="correct"),)),
    Row("=cmd()", UNIT, "graded", "-1, half", (Exercise("f", 2.0, 4.0, mistakes=("W1", "none")),)),
    Row("zoe", UNIT, "missing", "=nothing", (Exercise("f", None, 4.0),)),
]


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_grades_for_canvas_and_moodle(course):
    write_canvas(course, ROWS)
    head, possible, ada, _, zoe = read(course.desk / "canvas.csv")
    assert head[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert (head[5], possible[0].strip(), possible[5]) == (UNIT, "Points Possible", "4")
    assert (ada[3], ada[5], zoe[5]) == ("ada", "4", "")
    write_moodle(course, ROWS)
    head, ada, cmd, zoe = read(course.desk / "moodle.csv")
    assert head == ["username", UNIT, f"{UNIT} (feedback)"]
    assert ada == ["ada", "4", "all right"]
    assert cmd == ["'=cmd()", "2", "'-1, half"]
    assert zoe[1:] == ["", "'=nothing"]


def test_the_class_report_says_what_to_explain_again(course):
    from bptt_lab.checker.catalogue import CATALOGUE

    name, other = list(CATALOGUE)[:2]
    rows = [ROWS[0], ROWS[2]]
    for student in ("<b>", "c"):
        wrong = Exercise("f", 2.0, 4.0, mistakes=(name,), outcome="not right yet")
        rows.append(Row(student, UNIT, "graded", "", (wrong,)))
    twice = [Exercise(e, 0.0, 1.0, mistakes=(other,), outcome="not right yet") for e in "ghi"]
    after = Exercise("j", 0.0, 1.0, outcome="not run: the kernel died in an earlier cell")
    rows.append(Row("d", "another unit", "kernel died", "", (*twice, after)))
    write_class_report(course, rows)
    text = (course.desk / "class.html").read_text(encoding="utf-8")
    assert f"{name}: 2 students" in text
    assert f"{other}: 1 students" in text  # who made it three times
    assert re.search(r'<td>j<td class="n">0<td class="n">0<td class="n">0<td class="n">1', text)
    assert "50–60 %: 2 students; 90–100 %: 1 students" in text
    assert re.search(r'<td>f<td class="n">1<td class="n">2<td class="n">0<td class="n">0', text)
    assert CATALOGUE[name].name.split()[0] in text
    assert "http" not in text
