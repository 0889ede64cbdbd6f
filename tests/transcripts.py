#!/usr/bin/env python3
"""Puts the transcripts that test_story made into man/tocsin.1: transcripts.py file"""
import os
import re
import sys

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "man", "tocsin.1")

with open(sys.argv[1]) as f:
    made = f.read()
with open(PAGE) as f:
    page = f.read()
page, n = re.subn(r"(begin of transcripts[^\n]*\n).*?(\.\\\" end of transcripts)",
                  lambda m: m[1] + made + m[2], page, flags=re.S)
assert n == 1, "the marks are not there"
with open(PAGE, "w") as f:
    f.write(page)
