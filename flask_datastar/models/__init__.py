"""Models: classes that a request's signals are made into. One module a kind of class, and a table of them.

Knows no Flask. The optional packages are never imported here: a class of theirs shows that they are there.
"""
