"""``bptt-lab``: a thin door to the rest of the package."""

import argparse
import os
import runpy
import sys


def main(arguments=None):
    """Run a command and return its exit status.

    Parameters
    ----------
    arguments : list of str, optional
        The command line; that of the process when left out.
    """
    parser = argparse.ArgumentParser(prog="bptt-lab", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    release = commands.add_parser("release", help="make notebooks/ from solutions/")
    release.add_argument(
        "--force", action="store_true", help="overwrite notebooks with work in them"
    )
    release.add_argument("--check", action="store_true", help="only say whether it is up to date")
    release.set_defaults(run=_release)

    grade = commands.add_parser("grade", help="grade what is in autograder/submitted/")
    grade.add_argument("units", nargs="*", metavar="UNIT", help="left out: all that was handed in")
    grade.add_argument("--example", action="store_true", help="make the example class first")
    cores = os.cpu_count() or 1
    grade.add_argument(
        "--jobs", type=int, default=cores, help=f"submissions at the same time ({cores}: the cores)"
    )
    grade.add_argument("--regrade", action="store_true", help="also what has not changed")
    grade.add_argument(
        "--require-sandbox", action="store_true", help="refuse to grade without bubblewrap"
    )
    grade.add_argument("--dask", metavar="ADDRESS", help="let the workers of a Dask cluster grade")
    grade.set_defaults(run=_grade)

    collect = commands.add_parser("collect", help="sort an export of Canvas or Moodle in")
    collect.add_argument("source", metavar="ZIP_OR_FOLDER")
    collect.add_argument("unit", metavar="UNIT")
    collect.add_argument("--roster", metavar="CSV", help="with columns student, and name or id")
    collect.set_defaults(run=_collect)

    catalogue = commands.add_parser("catalogue", help="the mistakes that the check knows")
    catalogue.add_argument("--seeds", type=int, default=3, help="networks to plant each in (3)")
    catalogue.add_argument("--pair-seeds", type=int, default=0, help="the same for pairs (0)")
    catalogue.add_argument("--jobs", type=int, default=2, help="processes (2)")
    catalogue.add_argument("--write", metavar="FILE", help="write it there as Markdown")
    catalogue.set_defaults(run=_catalogue)

    lecture = commands.add_parser("lecture", help="open the widgets to project them")
    lecture.add_argument("names", nargs="*", metavar="NAME", help="left out: all, with a menu")
    lecture.add_argument("--folder", default="build/lecture", help="for the pages (build/lecture)")
    lecture.add_argument("--no-browser", action="store_true", help="only say where they are")
    lecture.set_defaults(run=_lecture)

    learning = commands.add_parser("learning", help="what is learned with which gradient (unit 06)")
    learning.add_argument("--seeds", type=int, default=5, help="networks of each kind (5)")
    learning.set_defaults(run=_learning)

    options = parser.parse_args(arguments)
    from .grading.course import CourseError

    try:
        return options.run(options)
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("bptt_lab"):
            raise
        print(f"bptt-lab: {error}: pip install 'bptt-lab[grading]'", file=sys.stderr)
        return 1
    except CourseError as error:
        print(f"bptt-lab: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, a file that may not be written
        where = f": {error.filename}" if error.filename else ""
        print(f"bptt-lab: {error.strerror or error}{where}", file=sys.stderr)
        return 1


def _release(options):
    from .grading.course import Course
    from .grading.release import outdated, release

    if options.check:
        names = outdated(Course.find())
        for name in names:
            print(f"notebooks/{name} is not what solutions/ gives: make release")
        return 1 if names else 0
    changed = release(Course.find(), options.force)
    for name in changed:
        print(f"notebooks/{name}")
    print(f"{len(changed)} files changed" if changed else "notebooks/ is up to date")
    return 0


def _grade(options):
    from .grading.course import Course, CourseError

    if not hasattr(os, "fork"):
        raise CourseError("grading needs Linux or macOS; on Windows, run it in WSL")
    from .grading.table import grade_and_show

    course = Course.find()
    if options.jobs < 1:
        raise CourseError(f"--jobs must be at least 1, not {options.jobs}")
    if options.example:
        runpy.run_path(str(course.desk / "example_class.py"))["make"](course)
    return grade_and_show(
        course,
        options.units,
        options.jobs,
        options.regrade,
        options.require_sandbox,
        options.dask,
    )


def _lecture(options):
    import webbrowser

    from .grading.course import CourseError
    from .widgets.board import write_board

    try:
        page = write_board(options.folder, options.names).resolve()
    except ValueError as error:
        raise CourseError(error) from error
    print(page)
    if not options.no_browser and not webbrowser.open(page.as_uri()):
        print("there is no browser here: open this page in one", file=sys.stderr)
    return 0


def _learning(options):
    from .training import learning_report

    for line in learning_report(range(options.seeds)):
        print(line, flush=True)
    return 0


def _collect(options):
    from .grading.collect import collect
    from .grading.course import Course

    collected, surprises = collect(Course.find(), options.source, options.unit, options.roster)
    for student, what in collected:
        print(f"{student}: {what}")
    for surprise in surprises:
        print(f"look at this: {surprise}")
    print(f"{len(collected)} submissions, {len(surprises)} surprises")
    return 0


def _catalogue(options):
    from .checker.page import page, slowest_checks

    for kind, (milliseconds, name) in slowest_checks().items():
        print(f"slowest check of a {kind} answer: {milliseconds:.0f} ms ({name})", file=sys.stderr)
    text = page(range(100, 100 + options.seeds), range(200, 200 + options.pair_seeds), options.jobs)
    if options.write:
        with open(options.write, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        print(text)
    return 0
