"""Models: classes that a request's signals are converted to. One module for each kind of class, and a table of them.

Knows no Flask. Optional packages are never imported here: a class of theirs shows that they are installed.
"""
