"""The tokens of markup, for the few places that have to know where a top-level node begins."""

from __future__ import annotations

import re

# As foreign content has them (HTML standard, 13.2.5), which knows no raw text: <style> and <script> are like others.
# Every alternative takes what it began to the end of the text if need be, so no markup is scanned twice. Not
# html.parser: it raises AssertionError at some broken markup, and reads other markup differently in each Python.
TOKEN = re.compile(
    r"""
      (?P<comment> <!--(?:-?>|.*?(?:--!?>|\Z)) )
    | (?P<nothing> <!doctype[^>]*+>?|<!\[CDATA\[\]\]>|</>|</\Z )
    | (?P<cdata> <!\[CDATA\[.*?(?:\]\]>|\Z) )
    | (?P<bogus_comment> <[!?][^>]*+>?|</[^a-z][^>]*+>? )
    | </(?P<closed>[a-z][^\s/>]*+)[^>]*+>?
    | <(?P<opened>[a-z][^\s/>]*+)
      (?:=\s*+(?:"[^"]*+"?|'[^']*+'?|[^\s>"'][^\s>]*+)?+|/(?!>)|[^=/>])*+
      (?P<slash>/?)>?
    | (?P<text> [^<]++|< )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.ASCII,
)

#: What counts as white space between them.
SPACE = " \t\n\f\r"
