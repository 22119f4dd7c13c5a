"""The instructor's side: make the student edition, and grade a class with nbgrader."""
