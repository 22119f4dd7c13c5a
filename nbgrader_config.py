"""nbgrader's configuration: it makes plain `nbgrader ...` work from the root of the repository."""

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.course_id = "bptt_lab"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
c.CourseDirectory.submitted_directory = "autograder/submitted"
c.CourseDirectory.autograded_directory = "autograder/autograded"
c.CourseDirectory.feedback_directory = "autograder/feedback"
c.CourseDirectory.db_url = "sqlite:///autograder/gradebook.db"

# A test cell that was deleted comes back, and counts as whatever it then gives
c.OverwriteCells.add_missing_cells = True

# An exercise takes milliseconds; `check` stops an endless loop by itself, this stops any other
c.ExecutePreprocessor.timeout = 20
c.Execute.timeout = 20
