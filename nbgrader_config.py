"""nbgrader's configuration: it makes plain `nbgrader ...` work from the root of the repository."""

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.course_id = "bptt_lab"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
c.CourseDirectory.submitted_directory = "autograder/submitted"
c.CourseDirectory.autograded_directory = "autograder/autograded"
c.CourseDirectory.feedback_directory = "autograder/feedback"
c.CourseDirectory.db_url = "sqlite:///autograder/gradebook.db"

# nbgrader's own steps, with one more before the first list and one in Execute's place. The former
# gives every cell the metadata of solutions/, at which CheckCellMetadata would only look.
c.Autograde.sanitize_preprocessors = [
    "bptt_lab.grading.preprocessors.RepairCells",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
]
c.Autograde.autograde_preprocessors = [
    "bptt_lab.grading.judged.JudgeInSandbox",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
]

# The notebook is validated after the steps, not between them as well, which would take longer
c.Exporter.optimistic_validation = True
c.GenerateFeedback.exporter_class = "bptt_lab.grading.feedback.FeedbackPage"
# What students wrote runs no script where instructors read it: in the feedback and in formgrader
c.HTMLExporter.filters = {"markdown2html": "bptt_lab.grading.feedback.clean_markdown"}

# An exercise takes milliseconds. A function that is asked for numbers is stopped after 10 s,
# whatever stands here: these are the limits of the cells.
c.JudgeInSandbox.timeout = 25
c.JudgeInSandbox.total_timeout = 60
